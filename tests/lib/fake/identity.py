# SPDX-License-Identifier: MIT
"""Who may call: principals, their keys and what they are allowed."""

import base64
import fnmatch
import os
import string
import secrets

ACCOUNT = "123456789012"
ALPHABET = string.ascii_uppercase + string.digits[2:8]

NODE_CORE = [
    "ssm:DescribeAssociation", "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument", "ssm:DescribeDocument", "ssm:GetManifest",
    "ssm:GetParameter", "ssm:GetParameters", "ssm:ListAssociations",
    "ssm:ListInstanceAssociations", "ssm:PutInventory",
    "ssm:PutComplianceItems", "ssm:PutConfigurePackageResult",
    "ssm:UpdateAssociationStatus", "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*",
]
TASK_ACTIONS = [
    "ssm:CreateActivation", "ssm:DeleteActivation",
    "ssm:DescribeActivations", "ssm:DescribeInstanceInformation",
    "ssm:DeregisterManagedInstance", "ssm:AddTagsToResource",
    "ssm:ListTagsForResource", "ssm:GetServiceSetting",
    "ssm:GetConnectionStatus", "iam:PassRole", "ecs:DescribeTasks",
]


class Principal:
    """A caller: `name` picks its policy, `arn` is how AWS calls it."""

    def __init__(self, name, arn, user_id, node=None):
        self.name = name
        self.arn = arn
        self.user_id = user_id
        self.node = node


class Credential:
    """A key pair, with a token and an end when it is temporary."""

    def __init__(self, principal, prefix, expires=None):
        self.principal = principal
        self.access_key = prefix + "".join(
            secrets.choice(ALPHABET) for _ in range(16))
        self.secret = base64.b64encode(os.urandom(30)).decode()
        self.token = ""
        self.expires = expires
        if expires is not None:
            raw = b"\x15\xc1\x65\x5f" + os.urandom(180)
            self.token = base64.b64encode(raw).decode()


class Policy:
    """What one principal may do: wildcards allowed, denied, in order."""

    def __init__(self, allow, deny=()):
        self.allow = list(allow)
        self.deny = list(deny)

    def report(self):
        """Return it as the admin interface shows it."""
        return {"allow": self.allow, "deny": self.deny}

    def verdict(self, action, *_):
        """Return "allow", "deny" (explicit) or "none"."""
        if any(fnmatch.fnmatchcase(action, rule) for rule in self.deny):
            return "deny"
        if any(fnmatch.fnmatchcase(action, rule) for rule in self.allow):
            return "allow"
        return "none"


def default_policies():
    """Return the policies a fresh account has.

    The user may do everything. The task may do what the documentation asks
    for. A node has the actions of AmazonSSMManagedInstanceCore and nothing
    more; an assumed role has those of the task.
    """
    return {
        "user": Policy(["*"]),
        "task": Policy(TASK_ACTIONS),
        "node": Policy(NODE_CORE),
        "role": Policy(TASK_ACTIONS),
    }


def role_arn(name):
    """Return the ARN of a role given by name or path/name."""
    return "arn:aws:iam::%s:role/%s" % (ACCOUNT, name)


def session_arn(role, session):
    """Return the ARN of a session of a role; its path is not part of it."""
    return "arn:aws:sts::%s:assumed-role/%s/%s" % (
        ACCOUNT, role.rpartition("/")[2], session)


def session_principal(name, role, session, node=None):
    """Return the principal of a role's session."""
    return Principal(name, session_arn(role, session),
                     "AROAFAKEROLEID000000:" + session, node)


class Identity:
    """All keys of the account, by access key, and all policies."""

    def __init__(self, clock):
        self.clock = clock
        self.policies = default_policies()
        self.credentials = {}
        self.user = Credential(
            Principal("user", "arn:aws:iam::%s:user/tester" % ACCOUNT,
                      "AIDAFAKEUSERID000000"), "AKIA")
        self.credentials[self.user.access_key] = self.user

    def issue(self, principal, lifetime):
        """Make and keep temporary credentials."""
        made = Credential(principal, "ASIA", self.clock.now() + lifetime)
        self.credentials[made.access_key] = made
        return made

    def expire(self, names):
        """End now all temporary credentials of these principals."""
        count = 0
        for held in self.credentials.values():
            if held.expires is not None and held.principal.name in names:
                held.expires = self.clock.now() - 1
                count += 1
        return count

    def verdict(self, principal, action, resource="*", context=None):
        """Return what the principal's policy says about an action."""
        return self.policies[principal.name].verdict(action, resource,
                                                     context)
