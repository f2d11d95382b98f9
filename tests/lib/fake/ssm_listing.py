# SPDX-License-Identifier: MIT
"""SSM: DescribeInstanceInformation with its filters."""

from errors import ApiError, validation
from operation import operation
from paging import page
from schema import List, Number, Structure, Text

KEYS = ("ActivationIds", "AgentVersion", "AssociationStatus", "IamRole",
        "InstanceIds", "PingStatus", "PlatformTypes", "PlatformType",
        "ResourceType", "SourceIds", "SourceTypes")
MEMBER = {"ActivationIds": "ActivationId", "InstanceIds": "InstanceId",
          "SourceIds": "SourceId", "SourceTypes": "SourceType",
          "PlatformTypes": "PlatformType"}
FILTER = Structure({"Key": Text(1), "Values": List(Text(1), 1, 100)},
                   ("Key", "Values"))
COPIED = ("AgentVersion", "PlatformType", "PlatformName", "PlatformVersion",
          "IPAddress", "ComputerName")


def describe(node, now, lost_after):
    """Return a node as DescribeInstanceInformation shows it."""
    shown = {
        "InstanceId": node.ident, "ActivationId": node.activation,
        "IamRole": node.role, "RegistrationDate": node.registered,
        "ResourceType": "ManagedInstance", "Name": node.name,
        "PingStatus": node.ping_status(now, lost_after),
        "SourceId": node.ident, "SourceType": "AWS::SSM::ManagedInstance",
        "IsLatestVersion": False}
    if node.pinged is not None:
        shown["LastPingDateTime"] = node.pinged
    shown.update({name: node.info[name] for name in COPIED
                  if name in node.info})
    return shown


def _matches(node, shown, key, values):
    """Tell whether a node passes one filter."""
    if key == "tag-key":
        return any(value in node.tags for value in values)
    if key.startswith("tag:"):
        return node.tags.get(key[4:]) in values
    return shown.get(MEMBER.get(key, key)) in values


def _check_filters(filters):
    """Refuse unknown keys, tag filters mixed with others, and more than one
    type of resource."""
    keys = [rule["Key"] for rule in filters]
    tags = [key for key in keys if key == "tag-key"
            or key.startswith("tag:") and key != "tag:"]
    for key in keys:
        if key not in KEYS and key not in tags:
            raise ApiError("InvalidFilterKey", "The specified filter key is "
                           "not valid: %s" % key)
    if tags and len(tags) != len(keys):
        raise validation("Cannot mix tag or inventory filter with any other "
                         "filter.")
    for rule in filters:
        if rule["Key"] == "ResourceType" and len(rule["Values"]) > 1:
            raise ApiError("InvalidInstanceInformationFilterValue",
                           "ResourceType filter may contain only one value.")


def _merge(params):
    """Return filters of both generations in the newer form."""
    merged = list(params.get("Filters") or [])
    if merged and params.get("InstanceInformationFilterList"):
        raise validation("Filters and InstanceInformationFilterList cannot "
                         "be used together.")
    for rule in params.get("InstanceInformationFilterList") or []:
        merged.append({"Key": rule["key"], "Values": rule["valueSet"]})
    return merged


@operation("ssm", "DescribeInstanceInformation", Structure({
    "Filters": List(FILTER), "MaxResults": Number(5, 50),
    "InstanceInformationFilterList": List(Structure(
        {"key": Text(1), "valueSet": List(Text(1), 1, 100)},
        ("key", "valueSet"))),
    "NextToken": Text()}))
def describe_instance_information(call):
    """List nodes."""
    filters = _merge(call.params)
    _check_filters(filters)
    lost = call.state.limits["connection_lost_after"]
    found = []
    for node in call.state.nodes.values():
        shown = describe(node, call.now, lost)
        if node.region == call.region and all(
                _matches(node, shown, rule["Key"], rule["Values"])
                for rule in filters):
            found.append(shown)
    return page(found, call.params, 10, "InstanceInformationList")
