"""The table of operations, and what each of them is called with."""

from errors import access_denied
from identity import ACCOUNT

TABLE = {}


class Operation:
    """One operation: its shape, its IAM action, and who may sign it.

    `signed` is "hmac", "rsa", "any" or "none". `action` is the IAM action
    that is checked before the handler runs, or None. `resource` says which
    ARN the refusal names: "*", or "node" for the InstanceId member.
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

    def require(self, action, resource):
        """Raise AccessDeniedException unless the caller may do this."""
        principal = self.caller.principal
        verdict = self.state.identity.verdict(principal, action)
        if verdict != "allow":
            raise access_denied(principal.arn, action, resource,
                                verdict == "deny")

    def authorize(self):
        """Check the operation's own action."""
        if not self.entry.action or self.entry.signed in ("none", "rsa"):
            return
        resource = self.arn("*")
        if self.entry.resource == "node":
            node = self.params.get("InstanceId") or "*"
            resource = self.arn("managed-instance/" + node)
        self.require(self.entry.action, resource)
