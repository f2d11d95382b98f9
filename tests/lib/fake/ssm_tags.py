# SPDX-License-Identifier: MIT
"""SSM: tags of nodes, and the account's service settings."""

from errors import ApiError, validation
from operation import operation
from schema import TAG, List, Structure, Text

TYPES = ("Document", "ManagedInstance", "MaintenanceWindow", "Parameter",
         "PatchBaseline", "OpsItem", "OpsMetadata", "Automation",
         "Association")
TARGET = {"ResourceType": Text(words=TYPES), "ResourceId": Text(1)}
TIER = "/ssm/managed-instance/activation-tier"


def _node(call):
    """Return the node that the parameters name."""
    if call.params["ResourceType"] != "ManagedInstance":
        raise ApiError("InvalidResourceType", "The resource type is not "
                       "valid. For example, if you are attempting to tag a "
                       "managed node, the node must be a registered managed "
                       "node.")
    node = call.state.node(call.params["ResourceId"], call.region)
    if node is None:
        raise ApiError("InvalidResourceId", "The resource ID is not valid. "
                       "Verify that you entered the correct ID and try "
                       "again.")
    return node


@operation("ssm", "AddTagsToResource", Structure(
    dict(TARGET, Tags=List(TAG, 0, 1000)),
    ("ResourceType", "ResourceId", "Tags")))
def add_tags(call):
    """Add tags to a node, or overwrite them."""
    node = _node(call)
    merged = dict(node.tags)
    for tag in call.params["Tags"]:
        if tag["Key"].lower().startswith("aws:"):
            raise validation("aws: prefixed tag key names are not allowed "
                             "for external use.")
        merged[tag["Key"]] = tag["Value"]
    if len(merged) > 50:
        raise ApiError("TooManyTagsError", "The Targets parameter includes "
                       "too many tags. Remove one or more tags and try the "
                       "command again.")
    node.tags = merged
    return {}


@operation("ssm", "ListTagsForResource", Structure(
    TARGET, ("ResourceType", "ResourceId")), resource="node")
def list_tags(call):
    """List a node's tags."""
    tags = _node(call).tags
    return {"TagList": [{"Key": key, "Value": value}
                        for key, value in sorted(tags.items())]}


@operation("ssm", "GetServiceSetting", Structure(
    {"SettingId": Text(1, 1000)}, ("SettingId",)))
def get_service_setting(call):
    """Tell the tier of the account's managed nodes."""
    wanted = call.params["SettingId"]
    arn = call.arn("servicesetting" + TIER)
    if wanted not in (TIER, arn):
        raise ApiError("ServiceSettingNotFound", "The specified service "
                       "setting wasn't found.")
    tier = call.state.limits["tier"]
    return {"ServiceSetting": {
        "SettingId": TIER, "SettingValue": tier, "ARN": arn,
        "Status": "Default" if tier == "standard" else "Customized",
        "LastModifiedDate": 0, "LastModifiedUser": "System"}}
