# SPDX-License-Identifier: MIT
"""`./build.sh live` against the local AWS: its steps, guard and clean-up."""

import os
import signal
import subprocess

import place
from case import Case, native, wait_until

RUN = os.path.join(place.TOP, "tests", "tools", "live", "run")
ACCOUNT = "123456789012"
ROLE = "SSMServiceRole"
PATIENCE = 150


@native("live runs on the machine as it is")
class Live(Case):
    """The command as people call it, on an account that is none."""

    def setUp(self):
        super().setUp()
        # Names of AWS lead to the local one, for the agent, too.
        place.mount("--bind", place.current.path("outside/etc/hosts"),
                    "/etc/hosts")
        self.addCleanup(subprocess.run, ["/bin/umount", "/etc/hosts"],
                        check=True, timeout=30)

    def environment(self, **more):
        """Return what somebody with an account would have set."""
        ours = dict(
            SSM_ACTIVATE_LIVE=ACCOUNT, SSM_ACTIVATE_ROLE=ROLE,
            SSM_ACTIVATE_AGENT=place.current.path(
                "common/usr/bin/amazon-ssm-agent"),
            SSM_ACTIVATE_BIN=place.program(), STANDIN_START_MS="50",
            STANDIN_STOP_MS="200")
        env = self.aws.environment(**dict(ours, **more))
        return {name: value for name, value in env.items() if value}

    def begin(self, **more):
        """Start it."""
        child = subprocess.Popen(
            [RUN], env=self.environment(**more), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(child.kill)
        return child

    def live(self, **more):
        """Run it to its end; return status and output."""
        child = self.begin(**more)
        text, _ = child.communicate(timeout=PATIENCE)
        return child.returncode, text

    def test_steps(self):
        """All steps are as they should be, and nothing is left."""
        status, text = self.live()
        self.assertEqual(status, 0, text)
        self.assertEqual(text.count("as it should be"), 4, text)
        self.assertIn("The tier here is: standard", text)
        self.assert_account_empty()
        state = self.aws.state()
        self.assertEqual(len(state["deregistered_nodes"]), 3)
        names = {call["parameters"]["DefaultInstanceName"]
                 for call in self.aws.calls("CreateActivation")}
        self.assertRegex("".join(names), r"^ssm-activate-live-[0-9a-f]{8}$")
        for secret in self.aws.secrets()["activation_codes"].values():
            self.assertNotIn(secret, text)

    def test_guard(self):
        """Without guard, role or agent nothing is called."""
        for missing, words in (
                ("SSM_ACTIVATE_LIVE", "set SSM_ACTIVATE_LIVE"),
                ("SSM_ACTIVATE_ROLE", "set SSM_ACTIVATE_ROLE")):
            with self.subTest(missing=missing):
                status, text = self.live(**{missing: None})
                self.assertEqual(status, 64, text)
                self.assertIn(words, text)
        status, text = self.live(SSM_ACTIVATE_AGENT="/nowhere/amazon-ssm-agent")
        self.assertEqual(status, 64, text)
        self.assertIn("install the agent", text)
        self.assertEqual(self.aws.calls(), [])

    def test_other_account(self):
        """Credentials of another account: asked who it is, and no more."""
        status, text = self.live(SSM_ACTIVATE_LIVE="210987654321")
        self.assertEqual(status, 64, text)
        self.assertIn("are of account " + ACCOUNT, text)
        self.assertEqual([call["operation"] for call in self.aws.calls()],
                         ["GetCallerIdentity"])

    def test_failure(self):
        """A step that fails ends it; the account is clean all the same."""
        self.aws.fault(operation="ListTagsForResource", count=0,
                       code="AccessDeniedException", status=400,
                       message="no")
        status, text = self.live()
        self.assertEqual(status, 1, text)
        self.assertIn("Not as it should be", text)
        self.assertIn("Nothing of ours is on the account", text)
        self.assert_account_empty()

    def test_interrupted(self):
        """So it is after Ctrl-C or a TERM."""
        child = self.begin()
        wait_until(self.aws.nodes, "a node", 60)
        child.send_signal(signal.SIGTERM)
        text, _ = child.communicate(timeout=PATIENCE)
        self.assertEqual(child.returncode, 1, text)
        self.assertIn("Ended by SIGTERM", text)
        self.assert_account_empty()

    def test_cannot_clean(self):
        """What it may not remove is named, with how to look for it."""
        self.aws.fault(operation="DeregisterManagedInstance", count=0,
                       code="AccessDeniedException", status=400,
                       message="no")
        status, text = self.live()
        self.assertEqual(status, 1, text)
        self.assertRegex(text, r"describe-instance-information --filters "
                         r"Key=tag:ssm-activate-live,Values=ssm-activate-live-")
