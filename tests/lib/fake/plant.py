# SPDX-License-Identifier: MIT
"""What a test puts on the account by hand: nodes, activations and tasks of
containers that never ran, of any age."""

import uuid

from state import Activation, Node

MOST = 5000


class BadPlant(ValueError):
    """The order has a member that is not known, or lacks one."""


def _members(body, known):
    """Check that only known members are there."""
    unknown = set(body) - set(known)
    if unknown:
        raise BadPlant("unknown: %s" % ", ".join(sorted(unknown)))
    return body


def _age(node, body, now):
    """Set a node's times, which are told as seconds ago; null is never."""
    if "registered" in body:
        node.registered = now - body["registered"]
    if "pinged" in body:
        ago = body["pinged"]
        node.pinged = None if ago is None else now - ago


def nodes(state, body):
    """Make nodes, or change one: {"node"} or {"count", "region"}, then
    {"tags", "name", "registered", "pinged"}."""
    _members(body, ("node", "count", "region", "tags", "name", "registered",
                    "pinged"))
    made, now = [], state.clock.now()
    for _ in range(min(body.get("count", 1), MOST)):
        if "node" in body:
            node = state.nodes[body["node"]]
        else:
            origin = Activation(body.get("region", state.region),
                                {"IamRole": state.roles[0]}, now, now)
            node = Node(origin, str(uuid.uuid4()), None, "", now)
            state.nodes[node.ident] = node
        node.tags = dict(body.get("tags", node.tags))
        node.name = body.get("name", node.name)
        _age(node, body, now)
        made.append(node.ident)
    return made


def activations(state, body):
    """Make an activation: {"description", "created" (seconds ago), "expires"
    (seconds from now), "used", "limit"}."""
    _members(body, ("description", "created", "expires", "used", "limit"))
    now = state.clock.now()
    made = Activation(state.region, {
        "IamRole": state.roles[0], "Description": body["description"],
        "RegistrationLimit": body.get("limit", 1)},
        now - body.get("created", 0), now + body.get("expires", 3600))
    made.count = body.get("used", 0)
    state.activations[made.ident] = made
    return made.ident


def tasks(state, body):
    """Set what ECS says of tasks: {ARN: lastStatus}; null: not known."""
    for arn, status in body.items():
        if status is None:
            state.tasks.pop(arn, None)
        else:
            state.tasks[arn] = str(status)
    return state.tasks


def parameters(state, body):
    """Put parameters of Parameter Store, each a new version: {NAME: value};
    null deletes one, whose next version is 1 again."""
    for name, value in body.items():
        if value is None:
            state.parameters.pop(name, None)
        else:
            held = state.parameters.get(name, {"Version": 0})
            state.parameters[name] = {
                "Name": name, "Type": "String", "Value": str(value),
                "Version": held["Version"] + 1, "DataType": "text",
                "LastModifiedDate": round(state.clock.now(), 3)}
    return state.parameters
