# SPDX-License-Identifier: MIT
"""IAM: the grammar, actions that exist, and the limits that are promised."""

import json
import re
import unittest

import botocore.session

import examples

iampolicy = examples.evaluator()
# Actions that are no operation of a public model.
NO_OPERATION = {
    "iam:PassRole", "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel", "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage", "ec2messages:FailMessage",
    "ec2messages:GetEndpoint", "ec2messages:GetMessages",
    "ec2messages:SendReply", "sts:TagSession",
    "ssm:UpdateInstanceInformation", "ssm:ListInstanceAssociations"}
# What Systems Manager lets nobody limit to a resource.
ANY_RESOURCE = {"ssm:DescribeActivations", "ssm:DescribeInstanceInformation",
                "ssm:CreateActivation", "ssm:DeleteActivation",
                "ssm:AddTagsToResource"}


def policies():
    """Yield (name, document, whether it is a trust policy)."""
    for name in examples.names("iam", ".json"):
        yield name, examples.load("iam", name), name.endswith("-trust.json")


def statements(trust):
    """Yield (name, statement) of all policies of one kind."""
    for name, document, is_trust in policies():
        if is_trust == trust:
            for one in iampolicy.statements(document, trust):
                yield name, one


class Grammar(unittest.TestCase):
    """What AWS would refuse, or understand in another way."""

    def test_documents(self):
        """Every file is a policy, and there are some."""
        count = 0
        for name, document, trust in policies():
            with self.subTest(name=name):
                iampolicy.statements(document, trust)
                size = len(re.sub(r"\s", "", json.dumps(document)))
                # IAM's limits: 2048 for trust policies, 6144 for managed.
                self.assertLess(size, 2048 if trust else 6144)
            count += 1
        self.assertGreater(count, 8)

    def test_actions_exist(self):
        """An action is an operation of its service, spelt as it is there."""
        session = botocore.session.get_session()
        for name, one in [*statements(False), *statements(True)]:
            for action in iampolicy.words(one["Action"]):
                with self.subTest(name=name, action=action):
                    if action in NO_OPERATION:
                        continue
                    service, _, operation = action.partition(":")
                    model = session.get_service_model(service)
                    self.assertIn(operation, model.operation_names)

    def test_placeholders(self):
        """One account and one region, so that both can be replaced."""
        for name in examples.names("iam", ".json"):
            text = examples.text("iam", name)
            with self.subTest(name=name):
                self.assertEqual(set(re.findall(r"\d{12}", text))
                                 - {examples.ACCOUNT}, set())
                self.assertEqual(set(re.findall(
                    r"\b[a-z]{2}-[a-z]+-\d\b", text)) - {examples.REGION},
                    set())


class Limits(unittest.TestCase):
    """Least privilege, as far as it can be seen from the text."""

    def test_no_wildcard_action(self):
        """Each action is named."""
        for name, one in statements(False):
            with self.subTest(name=name):
                self.assertNotIn("*", "".join(
                    iampolicy.words(one["Action"])))

    def test_handing_over_roles(self):
        """iam:PassRole names the role and the service."""
        found = 0
        for name, one in statements(False):
            if "iam:PassRole" not in iampolicy.words(one["Action"]):
                continue
            with self.subTest(name=name):
                self.assertEqual(iampolicy.words(one["Action"]),
                                 ["iam:PassRole"])
                self.assertIn("iam:PassedToService",
                              one["Condition"]["StringEquals"])
                for resource in iampolicy.words(one["Resource"]):
                    self.assertNotIn("*", resource)
            found += 1
        self.assertGreater(found, 2)

    def test_any_resource(self):
        """"*" stands only where nothing narrower is possible."""
        for name, one in statements(False):
            if iampolicy.words(one["Resource"]) != ["*"]:
                continue
            for action in iampolicy.words(one["Action"]):
                with self.subTest(name=name, action=action):
                    self.assertTrue(action in ANY_RESOURCE
                                    or name.startswith("node-role")
                                    or action == "ecs:DescribeTasks")

    def test_trust(self):
        """A service may assume a role for our account only."""
        for name, one in statements(True):
            with self.subTest(name=name):
                keys = {key for rules in one["Condition"].values()
                        for key in rules}
                if "Service" in one["Principal"]:
                    self.assertIn("aws:SourceAccount", keys)
                    self.assertRegex(one["Principal"]["Service"],
                                     r"^[a-z.-]+\.amazonaws\.com$")
                else:
                    self.assertEqual(
                        {key.rpartition(":")[2] for key in keys},
                        {"aud", "sub"})


class Evaluation(unittest.TestCase):
    """The evaluator that the local AWS decides with."""

    NODE = "arn:aws:ssm:eu-west-1:123456789012:managed-instance/mi-0"
    TASK = examples.load("iam", "task-role.json")

    def verdict(self, action, resource="*", context=None, document=None):
        """Return what a document says; the task role's if none is given."""
        return iampolicy.Document(document or self.TASK).verdict(
            action, resource, context)

    def test_actions(self):
        """Named ones, in any case of letters, and no others."""
        self.assertEqual(self.verdict("ssm:CreateActivation"), "allow")
        self.assertEqual(self.verdict("SSM:createactivation"), "allow")
        self.assertEqual(self.verdict("ssm:GetParameter"), "none")

    def test_conditions(self):
        """A condition whose key is absent, or has another value, fails."""
        role = "arn:aws:iam::123456789012:role/ssm-node"
        passed = "iam:PassedToService"
        for context, wanted in (
                ({passed: "ssm.amazonaws.com"}, "allow"),
                ({passed: "ec2.amazonaws.com"}, "none"), ({}, "none")):
            self.assertEqual(self.verdict("iam:PassRole", role, context),
                             wanted)
        self.assertEqual(self.verdict("iam:PassRole", role + "2", {
            passed: "ssm.amazonaws.com"}), "none")

    def test_tags(self):
        """Only nodes with our tag may be removed."""
        action = "ssm:DeregisterManagedInstance"
        for key, wanted in (("ssm-activate", "allow"), ("team", "none")):
            self.assertEqual(self.verdict(action, self.NODE, {
                "ssm:resourceTag/" + key: "0.1.0"}), wanted)
        self.assertEqual(self.verdict(action, self.NODE), "none")

    def test_deny_wins(self):
        """An explicit Deny is stronger than any Allow."""
        every = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        denied = dict(every, Effect="Deny", Action="ssm:Delete*")
        both = {"Version": "2012-10-17", "Statement": [every, denied]}
        self.assertEqual(self.verdict("ssm:DeleteActivation",
                                      document=both), "deny")
        self.assertEqual(self.verdict("ssm:CreateActivation",
                                      document=both), "allow")

    def test_refused_documents(self):
        """What is misspelt, or not understood, allows nothing."""
        good = {"Effect": "Allow", "Action": "ssm:A", "Resource": "*"}
        bad = [
            {"Effect": "allow"}, {"Action": []}, {"Action": "ssm.A"},
            {"Resource": "mi-1"}, {"NotAction": "ssm:A"}, {"Sid": "a b"},
            {"Condition": {}}, {"Condition": {"StringEqual": {"aws:a": "b"}}},
            {"Condition": {"StringEquals": {"nothing": "b"}}},
            {"Condition": {"StringEquals": {"aws:a": 1}}}]
        for change in bad:
            with self.subTest(change=change), \
                    self.assertRaises(iampolicy.BadPolicy):
                iampolicy.statements({"Version": "2012-10-17",
                                      "Statement": [dict(good, **change)]})
        for document in ({"Version": "2008-10-17", "Statement": [good]},
                         {"Version": "2012-10-17", "Statement": []},
                         {"Version": "2012-10-17", "Statement": [
                             dict(good, Sid="A"), dict(good, Sid="A")]}):
            with self.assertRaises(iampolicy.BadPolicy):
                iampolicy.statements(document)
