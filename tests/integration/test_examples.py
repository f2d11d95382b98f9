# SPDX-License-Identifier: MIT
"""What docs/examples promises about containers."""

import contextlib
import os
import re
import signal

import place
from case import BIN, SLEEP, UP, Case, environment, procfs
from container import Timeout

PATIENCE = 12.0
IRSA = os.path.join(place.TOP, "docs", "examples", "kubernetes", "irsa.yaml")


def capabilities():
    """Return the capabilities that the deployment adds to none."""
    with open(IRSA, encoding="utf-8") as file:
        text = file.read()
    assert 'drop: ["ALL"]' in text
    found = re.search(r"add: \[(.*)\]", text).group(1)
    return re.findall(r'"([A-Z_]+)"', found)


class Kubernetes(Case):
    """The capabilities of the deployment, with amazon-ssm-agent."""

    def live(self, names):
        """Bring a node up with these only; return what was said."""
        bounding = ",".join(["-all"] + ["+" + name.lower() for name in names])
        root = self.root("debian")
        held = self.start(
            ["/usr/bin/setpriv", "--bounding-set=" + bounding,
             "--inh-caps=-all", BIN, "run", "--user", "1000:1000", "--"]
            + SLEEP, root,
            environment(SSM_ACTIVATE_AGENT="/usr/bin/amazon-ssm-agent"))
        held.wait_line(UP + "|warn: |error: ")
        if re.search(UP, held.err):
            self.wait_online(re.search(UP, held.err).group(1))
            status = procfs.status(held.find("dash")[0])
            self.assertEqual(status["Uid"].split()[0], "1000")
        return root, self.end(held)

    @staticmethod
    def end(held):
        """Stop it; return the lines that tell of trouble."""
        said = []
        try:
            # What did not come up may have ended by itself.
            with contextlib.suppress(ProcessLookupError):
                if held.outer.poll() is None:
                    held.signal(signal.SIGTERM)
            held.wait(PATIENCE)
        except Timeout as error:
            said.append(str(error))
        return said + [line for line in held.err.splitlines() if re.search(
            "ssm-activate: (warn|error): ", line)]

    def test_enough(self):
        """A life without trouble, the application as its user."""
        root, said = self.live(capabilities())
        self.assertEqual(said, [])
        self.assert_clean(root)

    def test_each_counts(self):
        """Without any one of them something is said, or not done."""
        for name in capabilities():
            with self.subTest(name=name):
                less = [one for one in capabilities() if one != name]
                _, said = self.live(less)
                self.assertNotEqual(said, [], "not needed: " + name)
