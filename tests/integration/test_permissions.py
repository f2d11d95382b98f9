# SPDX-License-Identifier: MIT
"""Who may do what: tags refused, and roles split as AWS FIS wants them."""

import signal

from case import BIN, SLEEP, UP, Case, environment, wait_until

NO_TAGS = {"allow": ["*"], "deny": ["ssm:AddTagsToResource"]}
NO_DELETE = {"allow": ["*"], "deny": ["ssm:Delete*", "ssm:Deregister*"]}
NODE_MAY = ["ssm:UpdateInstanceInformation", "ssm:DeleteActivation",
            "ssm:DeregisterManagedInstance", "ssmmessages:*",
            "ec2messages:*"]


class Tags(Case):
    """AWS refuses tags."""

    def test_automatic_ones(self):
        """Once more without them, and the statement to paste."""
        self.aws.policy("user", **NO_TAGS)
        held, _ = self.run_up()
        line = self.assert_one_line(held.err, "warn: .*tags")
        self.assertIn("ssm:AddTagsToResource", line)
        self.assertEqual(self.aws.nodes()[0]["Tags"], {})
        self.assertEqual(self.operations()[:2], ["CreateActivation"] * 2)

    def test_wanted_ones(self):
        """The user's own tags cannot be given up: a failure."""
        self.aws.policy("user", **NO_TAGS)
        held = self.start([BIN, "run", "--"] + SLEEP, env=environment(
            SSM_ACTIVATE_TAGS="team=blue", SSM_ACTIVATE_REQUIRED="true"))
        self.assertEqual(held.wait(), 77)
        self.assertRegex(held.err, "error: .*AddTagsToResource")
        self.assert_clean(held.root)

    def test_fault_injection(self):
        """With SSM_ACTIVATE_FIS the tag is there, or it is an error."""
        held, _ = self.run_up(env=environment(
            task=True, SSM_ACTIVATE_FIS="true"))
        self.assertEqual(self.aws.nodes()[0]["Tags"]
                         ["FAULT_INJECTION_SIDECAR"], "true")
        held.kill()
        self.aws.reset()
        self.aws.policy("task", **NO_TAGS)
        held = self.start([BIN, "run", "--"] + SLEEP, env=environment(
            task=True, SSM_ACTIVATE_FIS="true",
            SSM_ACTIVATE_REQUIRED="true"))
        self.assertEqual(held.wait(), 77)
        self.assert_clean(held.root)


class Split(Case):
    """The task's role may create, the node's role may remove."""

    def test_node_removes(self):
        """Clean at the end, without a warning."""
        self.aws.policy("task", **NO_DELETE)
        self.aws.policy("node", allow=NODE_MAY)
        held, node = self.run_up(env=environment(task=True))
        wait_until(lambda: not self.aws.activations(),
                   "the activation goes by the node's credentials")
        self.wait_online(node)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(held.root)
        self.assertNotIn("stays on the account", held.err)
        done = [call for call in self.aws.calls() if call["operation"] in
                ("DeleteActivation", "DeregisterManagedInstance")
                and call["status"] == 200]
        self.assertEqual([call["principal"] for call in done],
                         ["node", "node"])

    def test_nobody_removes(self):
        """Each thing that stays is named, with the command for it."""
        self.aws.policy("task", **NO_DELETE)
        held, node = self.run_up(env=environment(task=True))
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        activation = self.aws.activations()[0]["ActivationId"]
        self.assert_one_line(
            held.err, "warn: .*%s.*deregister-managed-instance" % node)
        self.assert_one_line(
            held.err, "warn: .*%s.*delete-activation" % activation)

    def test_down_says_so(self):
        """`down` of a node that cannot be removed is no success."""
        self.aws.policy("user", **NO_DELETE)
        held = self.start(["/bin/sh", "-c", "ssm-activate up; sleep 60"])
        held.wait_line(UP)
        self.assertNotEqual(held.program("down").returncode, 0)
