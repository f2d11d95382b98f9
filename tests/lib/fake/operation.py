# SPDX-License-Identifier: MIT
"""The table of operations, and what each of them is called with."""

from errors import access_denied
from identity import ACCOUNT

TABLE = {}


class Operation:
    """One operation: its shape, its IAM action, and who may sign it.

    `signed` is "hmac", "rsa", "any" or "none". `action` is the IAM action
    that is checked before the handler runs, or None. `resource` says whose
    ARN policies are asked about: "*", "node" (the members InstanceId or
    ResourceId), "parameter" (the member Name) or "tasks".
    """

    def __init__(self, service, name, shape, signed="hmac", action="",
                 resource="*"):
        self.service = service
        self.name = name
        self.shape = shape
        self.signed = signed
        self.action = service + ":" + name if action == "" else action
        self.resource = resource
        self.handler = None


def operation(service, name, shape, **more):
    """Enter the decorated function into the table."""
    def enter(function):
        entry = Operation(service, name, shape, **more)
        entry.handler = function
        TABLE[(service, name)] = entry
        return function
    return enter


class Call:
    """What a handler gets: the account, the caller and the parameters."""

    def __init__(self, state, entry, request, region):
        self.state = state
        self.entry = entry
        self.request = request
        self.region = region
        self.caller = None
        self.params = {}
        self.channels = None

    @property
    def now(self):
        """Return the server's time."""
        return self.state.clock.now()

    def arn(self, resource):
        """Return the ARN of one of this service's resources."""
        return "arn:aws:%s:%s:%s:%s" % (
            self.entry.service, self.region, ACCOUNT, resource)

    def require(self, action, resource, context=None):
        """Raise AccessDeniedException unless the caller may do this; the
        context is what conditions of a policy ask for."""
        principal = self.caller.principal
        verdict = self.state.identity.verdict(principal, action, resource,
                                              context)
        if verdict != "allow":
            raise access_denied(principal.arn, action, resource,
                                verdict == "deny")

    def authorize(self):
        """Check the operation's own action."""
        if not self.entry.action or self.entry.signed in ("none", "rsa"):
            return
        {"*": self.authorize_any, "node": self.authorize_node,
         "parameter": self.authorize_parameter,
         "tasks": self.authorize_tasks}[self.entry.resource]()

    def authorize_any(self):
        """No resource can be named for this action."""
        self.require(self.entry.action, self.arn("*"))

    def authorize_node(self):
        """A node, whose tags are there for conditions."""
        ident = (self.params.get("InstanceId")
                 or self.params.get("ResourceId") or "*")
        node = self.state.node(ident, self.region)
        context = {prefix + key: value
                   for key, value in (node.tags if node else {}).items()
                   for prefix in ("ssm:resourceTag/", "aws:ResourceTag/")}
        self.require(self.entry.action,
                     self.arn("managed-instance/" + ident), context)

    def authorize_parameter(self):
        """A parameter, whose ARN has no second slash before its path."""
        name = self.params["Name"].lstrip("/")
        self.require(self.entry.action, self.arn("parameter/" + name))

    def authorize_tasks(self):
        """Each task of the list, given as an ARN or as an id."""
        cluster = self.params.get("cluster", "default").rpartition("/")[2]
        for one in self.params["tasks"]:
            self.require(self.entry.action, one if one.startswith("arn:")
                         else self.arn("task/%s/%s" % (cluster, one)))
