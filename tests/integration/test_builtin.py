# SPDX-License-Identifier: MIT
"""The agent of our own: online, its processes, its end."""

import signal

from case import Case, environment


def builtin(**more):
    """Return the environment of a container with our own agent."""
    return environment(SSM_ACTIVATE_AGENT="builtin", **more)


class Online(Case):
    """What the account sees of it."""

    def up(self, root=None, **more):
        """Start a container and wait for the control channel."""
        held, node = self.run_up(root=root, env=builtin(**more))
        held.wait_line("%s is online" % node)
        return held, node

    def channel(self, node):
        """Return what the service knows of the node's control channel."""
        return self.aws.admin("channels")["control"].get(node)

    def test_whole_life(self):
        """Online with what a node tells of itself, and a clean end."""
        root = self.root()
        held, node = self.up(root)
        self.wait_online(node)
        status, code = self.status(held)
        self.assertEqual(code, 0)
        self.assertTrue(status["online"])
        self.assertEqual(status["agent_kind"], "builtin")
        seen = [one for one in self.aws.nodes() if one["InstanceId"] == node]
        self.assertEqual(len(seen), 1)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)
        self.assertFalse(root.exists("/var/lib/ssm-activate/key"))
        self.assertEqual(self.aws.verdicts()["refused"], 0)
