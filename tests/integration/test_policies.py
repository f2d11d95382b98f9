# SPDX-License-Identifier: MIT
"""The policies of docs/examples: enough for the whole life, and no more."""

import copy
import json
import os
import signal
import subprocess

import place
from case import BIN, SLEEP, UP, Case, environment, re

FOLDER = os.path.join(place.TOP, "docs", "examples", "iam")
ROLE = "ssm-node"
PATIENCE = 30.0
STOPPED = ("arn:aws:ecs:eu-west-1:123456789012:task/demo/"
           "00000000000000000000000000000001")
MARK = "web [ssm-activate:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9]"
LOST_ACTIVATION = {"operation": "CreateActivation", "lost": True}
LOST_NODE = {"operation": "RegisterManagedInstance", "lost": True}
# What is needed only when an answer gets lost.
ONLY_AFTER = {"ssm:DescribeActivations": LOST_ACTIVATION,
              "ssm:DescribeInstanceInformation": LOST_NODE}


def load(name):
    """Return a policy of the examples."""
    with open(os.path.join(FOLDER, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def actions_of(statement):
    """Return the actions of a statement."""
    found = statement["Action"]
    return [found] if isinstance(found, str) else found


def actions(document):
    """Return the actions of a policy."""
    return [action for one in document["Statement"]
            for action in actions_of(one)]


def without(document, action):
    """Return the policy without one action."""
    less = copy.deepcopy(document)
    for one in less["Statement"]:
        one["Action"] = [name for name in actions_of(one) if name != action]
    less["Statement"] = [one for one in less["Statement"] if one["Action"]]
    return less


def merged(*documents):
    """Return one policy of several."""
    return {"Version": "2012-10-17", "Statement": [
        one for document in documents for one in document["Statement"]]}


class Policies(Case):
    """Lives under the policies of the examples."""

    def account(self, task, node=None):
        """An account with the role of the examples and these policies."""
        self.aws.reset()
        self.aws.post("roles", [ROLE])
        self.aws.policy("task", document=task)
        self.aws.policy("node", document=node or load("node-role-small"))

    def live(self, fault=None, **variables):
        """One whole life; return the lines that tell of trouble."""
        if fault:
            self.aws.fault(**fault)
        held = self.start([BIN, "run", "--"] + SLEEP, env=environment(
            task=True, SSM_ACTIVATE_ROLE=ROLE, **variables))
        held.wait_line("is up|warn: |error: ", PATIENCE)
        if re.search(UP, held.err):
            self.wait_online(re.search(UP, held.err).group(1))
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(PATIENCE), 0)
        return [line for line in held.err.splitlines()
                if "ssm-activate: warn:" in line
                or "ssm-activate: error:" in line]

    def refused(self):
        """Return the operations that the account refused to somebody."""
        return [call["operation"] for call in self.aws.calls()
                if call["code"] == "AccessDeniedException"]


class TaskRole(Policies):
    """task-role.json with node-role-small.json."""

    def test_enough(self):
        """A life without trouble, also when answers get lost."""
        for fault in (None, LOST_ACTIVATION, LOST_NODE):
            with self.subTest(fault=fault):
                self.account(load("task-role"))
                said = self.live(fault)
                self.assertEqual(self.refused(), [], said)
                self.assertNotIn("left_behind", str(said))
                self.assert_account_empty()
                if not fault:
                    self.assertEqual(said, [])

    def test_each_action_counts(self):
        """Without any one of them something is refused, and said."""
        policy = load("task-role")
        self.assertLessEqual(set(ONLY_AFTER), set(actions(policy)))
        for action in actions(policy):
            with self.subTest(action=action):
                self.account(without(policy, action))
                said = self.live(ONLY_AFTER.get(action))
                self.assertNotEqual(self.refused(), [])
                self.assertTrue(any(action in line for line in said), said)

    def call(self, operation, **body):
        """Call the account as the thief of the task's credentials."""
        return subprocess.run(
            place.command()
            + ["api", "ssm", operation, "--body", json.dumps(body)],
            env=self.aws.environment(task=True),
            capture_output=True, text=True, timeout=30, check=False)

    def test_stolen(self):
        """Neither another node role nor nodes that are not ours."""
        self.account(load("task-role"))
        self.aws.post("roles", [ROLE, "admin"])
        self.assertEqual(self.call("CreateActivation",
                                   IamRole="admin").returncode, 77)
        self.assertEqual(self.call("CreateActivation",
                                   IamRole=ROLE).returncode, 0)
        held, node = self.run_up(env=environment(
            task=True, SSM_ACTIVATE_ROLE=ROLE))
        self.aws.post("tags", {"node": node, "tags": {"team": "blue"}})
        self.assertEqual(self.call("DeregisterManagedInstance",
                                   InstanceId=node).returncode, 77)
        self.aws.post("tags", {"node": node, "tags": {"ssm-activate": "1"}})
        self.assertEqual(self.call("DeregisterManagedInstance",
                                   InstanceId=node).returncode, 0)
        self.assertNotIn("ssm:GetParameter", actions(
            merged(load("task-role"), load("node-role-small"))))
        held.kill()


class FaultInjection(Policies):
    """fis-task-role.json with fis-node-role.json: the node removes."""

    def test_enough(self):
        """Clean at the end; what the task may not do, the node does."""
        self.account(load("fis-task-role"), merged(
            load("node-role-small"), load("fis-node-role")))
        said = self.live(SSM_ACTIVATE_FIS="true")
        self.assertEqual(said, [])
        self.assert_account_empty()

    def test_each_action_counts(self):
        """Without any one of them it is no longer so."""
        task, node = load("fis-task-role"), load("fis-node-role")
        core = load("node-role-small")
        for action in actions(task):
            with self.subTest(action=action):
                self.account(without(task, action), merged(core, node))
                said = self.live(SSM_ACTIVATE_FIS="true")
                self.assertTrue(any(action in line for line in said), said)
        for action in actions(node):
            with self.subTest(action=action):
                self.account(task, merged(core, without(node, action)))
                self.assertNotEqual(self.live(SSM_ACTIVATE_FIS="true"), [])


class Collector(Policies):
    """gc-role.json: what a scheduled gc may do, and needs."""

    def collect(self, policy):
        """Let gc find one of each; return its status and what it said."""
        self.account(policy)
        self.aws.post("tasks", {STOPPED: "STOPPED"})
        self.aws.post("nodes", {
            "tags": {"ssm-activate": "0.1.0", "ECS_TASK_ARN": STOPPED},
            "registered": 7200, "pinged": 3600})
        self.aws.post("activations", {
            "description": MARK, "created": 7200, "expires": -3600})
        done = subprocess.run(
            place.command() + ["gc", "--yes", "--older-than", "24h"],
            env=self.aws.environment(task=True), capture_output=True,
            text=True, timeout=60, check=False)
        return done.returncode, done.stderr

    def test_enough(self):
        """Both go, and nothing is refused."""
        status, said = self.collect(load("gc-role"))
        self.assertEqual((status, self.refused()), (0, []), said)
        self.assertIn("2 of 2 removed", said)
        self.assert_account_empty()

    def test_each_action_counts(self):
        """Without any one of them it is refused, and said."""
        policy = load("gc-role")
        for action in actions(policy):
            with self.subTest(action=action):
                _, said = self.collect(without(policy, action))
                self.assertNotEqual(self.refused(), [])
                self.assertRegex(said, "warn: .*" + action)
