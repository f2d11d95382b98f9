# SPDX-License-Identifier: MIT
"""SSM: what a running agent asks besides its token and its heartbeat."""

from operation import operation
from schema import Anything, List, Number, Structure, Text


@operation("ssm", "ListInstanceAssociations", Structure({
    "InstanceId": Text(1), "MaxResults": Number(1, 50),
    "NextToken": Text()}, ("InstanceId",)))
def list_instance_associations(call):
    """List State Manager associations: the account has none."""
    return {"Associations": []}


@operation("ssm", "ListAssociations", Structure({
    "MaxResults": Number(1, 50), "NextToken": Text()}))
def list_associations(call):
    """List State Manager associations, as older agents ask for them."""
    return {"Associations": []}


@operation("ssm", "PutInventory", Structure({
    "InstanceId": Text(1), "Items": List(Anything(), 1, 30)},
    ("InstanceId", "Items")))
def put_inventory(call):
    """Take note of an inventory by its type names."""
    node = call.state.node(call.params["InstanceId"], call.region)
    if node is not None:
        names = [item.get("TypeName") for item in call.params["Items"]]
        node.info["InventoryTypes"] = names
    return {}
