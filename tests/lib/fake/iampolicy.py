# SPDX-License-Identifier: MIT
"""IAM policy documents: their grammar, and what they allow.

The part of IAM that policies for this program need: Allow and Deny, actions
and resources with wildcards, and conditions. What is not understood is
refused when the document is read, so that nothing is allowed by mistake.
"""

import fnmatch
import json
import re

VERSION = "2012-10-17"
MEMBERS = {"Sid", "Effect", "Action", "Resource", "Condition"}
TRUST_MEMBERS = {"Sid", "Effect", "Action", "Principal", "Condition"}
ACTION = re.compile(r"(\*|[a-z0-9-]+:[A-Za-z*]+)")
RESOURCE = re.compile(
    r"(\*|arn:aws[a-z-]*:[a-z0-9-]+:([a-z0-9-]*|\*):(\d{12}|\*|aws)?:\S+)")
SID = re.compile(r"[A-Za-z0-9]+")
KEY = re.compile(r"(aws|iam|ssm|ecs|sts|eks|[a-z0-9.-]+(/id/[A-Z0-9]+)?)"
                 r":[A-Za-z]+(/[\w.:/=+@-]+)?")


class BadPolicy(ValueError):
    """The document is no policy, or not one that is understood here."""


def _like(value, pattern):
    """Compare with IAM's wildcards: * and ?, nothing else."""
    regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(regex, value, re.DOTALL) is not None


OPERATORS = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
}


def words(value):
    """Return a member that may be one text or a list of them as a list."""
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(one, str) and one for one in found):
        raise BadPolicy("a text or a list of texts is wanted: %r" % (value,))
    return found


def _check_all(pattern, value, what):
    for one in words(value):
        if not pattern.fullmatch(one):
            raise BadPolicy("no %s: %r" % (what, one))


def _check_conditions(conditions):
    if not isinstance(conditions, dict) or not conditions:
        raise BadPolicy("a Condition that is none")
    for name, rules in conditions.items():
        if name not in OPERATORS:
            raise BadPolicy("operator not understood: %s" % name)
        if not isinstance(rules, dict) or not rules:
            raise BadPolicy("%s without a key" % name)
        for key, values in rules.items():
            if not KEY.fullmatch(key):
                raise BadPolicy("no condition key: %r" % key)
            words(values)


def check_statement(statement, trust=False):
    """Raise BadPolicy unless this is a statement."""
    members = TRUST_MEMBERS if trust else MEMBERS
    if not isinstance(statement, dict) or set(statement) - members:
        raise BadPolicy("members that are none of a statement's: %r"
                        % (statement,))
    missing = members - {"Sid", "Condition"} - set(statement)
    if missing:
        raise BadPolicy("without %s" % ", ".join(sorted(missing)))
    if statement["Effect"] not in ("Allow", "Deny"):
        raise BadPolicy("Effect is Allow or Deny")
    _check_all(SID, statement.get("Sid", "None"), "Sid")
    _check_all(ACTION, statement["Action"], "action")
    if not trust:
        _check_all(RESOURCE, statement["Resource"], "resource")
    if "Condition" in statement:
        _check_conditions(statement["Condition"])


def statements(document, trust=False):
    """Return the checked statements of a document."""
    if not isinstance(document, dict) or set(document) != {"Version",
                                                           "Statement"}:
        raise BadPolicy("a policy has Version and Statement")
    if document["Version"] != VERSION:
        raise BadPolicy("Version is " + VERSION)
    found = document["Statement"]
    if not isinstance(found, list) or not found:
        raise BadPolicy("Statement is a list")
    for one in found:
        check_statement(one, trust)
    sids = [one["Sid"] for one in found if "Sid" in one]
    if len(sids) != len(set(sids)):
        raise BadPolicy("a Sid is there twice")
    return found


def _met(conditions, context):
    """Tell whether all conditions hold; an absent key never does."""
    for name, rules in conditions.items():
        for key, values in rules.items():
            found = context.get(key.lower())
            if found is None or not any(OPERATORS[name](found, one)
                                        for one in words(values)):
                return False
    return True


class Document:
    """What one principal may do, as a policy document says it."""

    def __init__(self, document):
        self.document = document
        self.statements = statements(document)
        if "${" in json.dumps(document):
            raise BadPolicy("variables are not evaluated here")

    def report(self):
        """Return it as the admin interface shows it."""
        return {"document": self.document}

    def verdict(self, action, resource="*", context=None):
        """Return "allow", "deny" (explicit) or "none"."""
        known = {key.lower(): value
                 for key, value in (context or {}).items()}
        effects = {
            one["Effect"] for one in self.statements
            if any(fnmatch.fnmatchcase(action.lower(), rule.lower())
                   for rule in words(one["Action"]))
            and any(_like(resource, rule) for rule in words(one["Resource"]))
            and _met(one.get("Condition", {}), known)}
        if "Deny" in effects:
            return "deny"
        return "allow" if "Allow" in effects else "none"
