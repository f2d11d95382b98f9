# SPDX-License-Identifier: MIT
"""Failures that pass, or that are somebody else's."""

import signal

from case import BIN, IS_AGENT, NODE, SH, SLEEP, UP, Case, wait_until
from wrong import WAITING


class Passing(Case):
    """Failures that pass."""

    def test_throttled(self):
        """It goes on, and comes up when the throttling ends."""
        self.aws.fault(operation="CreateActivation", count=3,
                       code="ThrottlingException")
        held = self.start([BIN, "run", "--"] + SLEEP)
        node = held.wait_line(UP, 30).group(1)
        self.wait_online(node)
        self.assertRegex(held.err, "warn: .*Throttling")
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_account_empty()

    def test_answer_lost_once(self):
        """The activation nobody knows is found by its mark and deleted."""
        for effect in ({"lost": True}, {"close": "body"},
                       {"reset": "header"}):
            with self.subTest(effect=effect):
                self.drop()
                self.aws.reset()
                self.aws.fault(operation="CreateActivation", **effect)
                self.check_found()

    def check_found(self):
        """The search is made, and then all goes on as if nothing was."""
        held = self.start([BIN, "run", "--"] + WAITING)
        held.wait_line("is up", 30)
        self.assertIn("DescribeActivations", self.operations())
        self.assertEqual(self.operations().count("CreateActivation"), 2)
        wait_until(lambda: not self.aws.activations(), "no activation")
        self.assertEqual(len(self.aws.nodes()), 1)
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(held.root)

    def test_found_late(self):
        """The listing lags: the search is repeated."""
        self.aws.post("lag", {"seconds": 1.5})
        self.aws.fault(operation="CreateActivation", lost=True)
        self.check_found()

    def test_search_refused(self):
        """What may be left is named, with the mark to find it by."""
        self.aws.policy("user", allow=["*"], deny=["ssm:Describe*"])
        self.aws.fault(operation="CreateActivation", lost=True)
        held = self.start([BIN, "run", "--"] + WAITING)
        held.wait_line(r"warn: .*\[ssm-activate:[0-9a-f-]{36}\]")

    def test_registration_lost_once(self):
        """A node that nobody knows of is not left."""
        self.aws.fault(operation="RegisterManagedInstance", lost=True)
        held = self.start([BIN, "run", "--"] + WAITING)
        # Before there is somebody to ask it is "down", too.
        wait_until(lambda: held.root.exists("/var/lib/ssm-activate/control"),
                   "the keeper")
        wait_until(lambda: self.status(held)[0]["phase"] in ("up", "down"),
                   "a verdict", 25)
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(held.root)

    def test_foreign_agent(self):
        """Somebody else's agent is left alone, and no call is made."""
        root = self.root("debian")
        held = self.start(
            [SH, "-c", "mkdir /opt/other; cp /bin/sleep "
             "/opt/other/amazon-ssm-agent; /opt/other/amazon-ssm-agent 60 & "
             + IS_AGENT + "ssm-activate up --required; echo status $?; wait"],
            root)
        wait_until(lambda: "status" in held.out, "up")
        self.assertEqual(held.out, "status 78\n")
        self.assert_one_line(held.err, "another amazon-ssm-agent.*pid")
        self.assertEqual(self.operations(), [])
        self.assertEqual(len(held.find("amazon-ssm-agent")), 1)
        self.assertNotRegex(held.out, NODE)
