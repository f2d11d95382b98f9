# SPDX-License-Identifier: MIT
"""What the account holds. Every access happens under `lock`."""

import secrets
import threading
import time
import uuid

from identity import ACCOUNT, Identity

DEFAULT_ROLES = [
    "service-role/AmazonEC2RunCommandRoleForManagedInstances",
    "SSMServiceRole", "app-task-role", "app/path/NodeRole",
]
DEFAULT_LIMITS = {
    "credential_lifetime": 3600, "token_lifetime": 3600,
    "connection_lost_after": 600, "node_limit": 0, "update_key_pair": False,
    "get_messages_wait": 15, "imds_v1": True, "imds_role": "app-task-role",
    "tier": "standard", "container_token": "", "skew": 300,
    "proxy_auth": "", "channel_life": 0, "publication": True,
    "lower_camel": True, "answers": "xml", "run_as_user": "",
    "close_on": ["node", "agent", "client"],
}


def new_code():
    """Return an activation code: 20 characters of base64."""
    alphabet = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                "0123456789+/")
    return "".join(secrets.choice(alphabet) for _ in range(20))


class Bucket:
    """A token bucket: `rate` tokens a second, at most `burst` of them."""

    def __init__(self, rate, burst):
        self.rate = rate
        self.burst = burst
        self.tokens = burst
        self.filled = time.monotonic()

    def take(self):
        """Take one token, if there is one."""
        now = time.monotonic()
        gained = (now - self.filled) * self.rate
        self.tokens = min(self.burst, self.tokens + gained)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Activation:
    """One activation; `removed` is when it was deleted, or None."""

    def __init__(self, region, params, created, expires):
        self.ident = str(uuid.uuid4())
        self.code = new_code()
        self.region = region
        self.params = params
        self.created = created
        self.expires = expires
        self.count = 0
        self.visible = time.monotonic()
        self.removed = None

    @property
    def limit(self):
        """Return how many nodes may register with it."""
        return self.params.get("RegistrationLimit") or 1

    def summary(self, now):
        """Return it as DescribeActivations shows it: without the code."""
        shown = {name: self.params[name] for name in (
            "Description", "DefaultInstanceName", "IamRole", "Tags")
            if self.params.get(name)}
        shown.update({
            "ActivationId": self.ident, "RegistrationLimit": self.limit,
            "RegistrationsCount": self.count, "CreatedDate": self.created,
            "ExpirationDate": self.expires, "Expired": self.expires <= now})
        return shown


class Node:
    """One managed node."""

    def __init__(self, activation, fingerprint, key, public_key, now):
        self.ident = "mi-" + uuid.uuid4().hex[:17]
        self.region = activation.region
        self.activation = activation.ident
        self.role = activation.params["IamRole"]
        self.name = activation.params.get("DefaultInstanceName", "")
        self.fingerprint = fingerprint
        self.key = key
        self.public_key = public_key
        self.registered = now
        self.pinged = None
        self.info = {}
        self.tags = {tag["Key"]: tag["Value"]
                     for tag in activation.params.get("Tags") or []}

    def ping_status(self, now, lost_after):
        """Return the PingStatus; a node that never pinged is Inactive."""
        if self.pinged is None:
            return "Inactive"
        late = now - self.pinged > lost_after
        return "ConnectionLost" if late else "Online"


class State:
    """Activations, nodes, roles, limits and the running ECS task."""

    def __init__(self, clock, region, lag=0.0):
        self.lock = threading.RLock()
        self.clock = clock
        self.region = region
        self.lag = lag
        self.defaults = {}
        self.task_id = uuid.uuid4().hex
        self.identity = Identity(clock)
        self.reset()

    def reset(self):
        """Empty the account; user's keys, clock and task id stay."""
        with self.lock:
            kept = self.identity.user
            self.identity = Identity(self.clock)
            self.identity.credentials = {kept.access_key: kept}
            self.identity.user = kept
            self.activations = {}
            self.nodes = {}
            self.gone = []
            self.invocations = {}
            self.roles = list(DEFAULT_ROLES)
            self.limits = dict(DEFAULT_LIMITS, **self.defaults)
            self.buckets = {}
            self.handed_out = {}
            self.imds_tokens = {}
            self.task = self.new_task(self.task_id)
            self.tasks = {}
            self.parameters = {}

    def new_task(self, ident):
        """Return a running ECS task."""
        arn = "arn:aws:ecs:%s:%s" % (self.region, ACCOUNT)
        return {
            "TaskARN": "%s:task/demo/%s" % (arn, ident),
            "Cluster": "%s:cluster/demo" % arn, "Family": "web",
            "Revision": "7", "ServiceName": "web-service",
            "AvailabilityZone": self.region + "a", "LaunchType": "FARGATE",
            "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING",
            "Containers": {}}

    def throttled(self, operation):
        """Tell whether an operation's bucket is empty."""
        bucket = self.buckets.get(operation) or self.buckets.get("*")
        return bucket is not None and not bucket.take()

    def has_role(self, name):
        """Tell whether the account has a role of that name."""
        return name.lstrip("/") in self.roles

    def live_activation(self, ident, region):
        """Return an activation that was not deleted, or None."""
        found = self.activations.get(ident)
        if found is None or found.removed is not None:
            return None
        return found if found.region == region else None

    def listed_activations(self, region):
        """Return the activations that a listing shows, lag included."""
        now = time.monotonic()
        return [held for held in self.activations.values()
                if held.region == region
                and held.visible + self.lag <= now
                and (held.removed is None or held.removed + self.lag > now)]

    def node(self, ident, region):
        """Return a registered node, or None."""
        found = self.nodes.get(ident)
        return found if found and found.region == region else None

    def report(self):
        """Return everything that tests look at, without any secret."""
        now = self.clock.now()
        lost = self.limits["connection_lost_after"]
        live = [held for held in self.activations.values()
                if held.removed is None]
        return {
            "activations": [dict(held.summary(now), Region=held.region)
                            for held in live],
            "deleted_activations": [
                held.ident for held in self.activations.values()
                if held.removed is not None],
            "nodes": [self.node_report(node, now, lost)
                      for node in self.nodes.values()],
            "deregistered_nodes": list(self.gone),
            "credentials": [self.credential_report(held)
                            for held in self.identity.credentials.values()],
            "policies": {name: policy.report() for name, policy
                         in self.identity.policies.items()},
            "roles": list(self.roles), "limits": dict(self.limits),
            "task": self.task, "clock_offset": self.clock.offset}

    @staticmethod
    def node_report(node, now, lost):
        """Return one node for the report."""
        return {
            "InstanceId": node.ident, "Region": node.region,
            "ActivationId": node.activation, "IamRole": node.role,
            "Name": node.name, "Fingerprint": node.fingerprint,
            "PublicKey": node.public_key, "Tags": dict(node.tags),
            "RegistrationDate": node.registered,
            "LastPingDateTime": node.pinged,
            "PingStatus": node.ping_status(now, lost), "Info": node.info}

    @staticmethod
    def credential_report(held):
        """Return one credential for the report."""
        return {"access_key": held.access_key, "expires": held.expires,
                "principal": held.principal.name,
                "arn": held.principal.arn}

    def secrets(self):
        """Return what must never leak, for tests that search for it."""
        held = self.identity.credentials.values()
        return {
            "activation_codes": {one.ident: one.code
                                 for one in self.activations.values()},
            "secret_keys": {one.access_key: one.secret for one in held},
            "tokens": {one.access_key: one.token for one in held
                       if one.token}}
