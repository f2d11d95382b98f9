# SPDX-License-Identifier: MIT
"""What all tests share: roots, containers, and what must be true after."""

import json
import os
import re
import unittest

import agents
import container
import place
import procfs
from container import Container, environment, wait_until
from roots import Root

BIN = "/usr/local/bin/ssm-activate"
NODE = r"mi-[0-9a-f]{17}"
UP = r"(%s) is up" % NODE
STATE = "/var/lib/ssm-activate/state.json"
VAULT = "/var/lib/amazon/ssm/Vault"
KEY = "/var/lib/ssm-activate/key"
SH = "/bin/sh"
# CMD that ends by itself when it is told to.
SLEEP = [SH, "-c", "trap 'exit 0' TERM INT QUIT; sleep 300 & wait"]
AGENTS = ("amazon-ssm-agent", "ssm-agent-worker")
# For a shell: wait until what it put into the background is an agent.
IS_AGENT = "until grep -q amazon /proc/$!/comm; do sleep 0.05; done; "


def native(reason):
    """Leave out, under an emulator, what it would show of itself."""
    return unittest.skipIf(place.is_emulated(), "emulated: " + reason)


class Case(unittest.TestCase):
    """A test with an empty account."""

    agent = None  # SSM_ACTIVATE_AGENT where a test does not say it
    maxDiff = None
    longMessage = True

    def setUp(self):
        self.aws = place.current.aws
        self.aws.reset()
        self.held = []
        self.roots = []
        container.agent = self.agent
        self.addCleanup(self.clear)

    def clear(self):
        """End and remove what the test has made."""
        container.agent = None
        for one in self.held:
            one.kill()
        for root in self.roots:
            root.remove()

    def drop(self):
        """End all containers of the test, whatever came of them."""
        for one in self.held:
            one.kill()

    def root(self, kind="alpine"):
        """Make a root that goes with the test."""
        self.roots.append(Root(kind))
        return self.roots[-1]

    def copy_of(self, root):
        """Make another root with the same changes."""
        self.roots.append(root.copy())
        return self.roots[-1]

    def start(self, argv, root=None, env=None, **options):
        """Start a container."""
        held = Container(root or self.root(), argv, env, **options)
        self.held.append(held)
        return held.start()

    def run_up(self, *flags, root=None, env=None, command=None):
        """Start `run` with a command that waits, and wait for the node."""
        held = self.start([BIN, "run"] + list(flags) + ["--"]
                          + (command or SLEEP), root, env)
        node = held.wait_line(UP).group(1)
        return held, node

    def wait_online(self, node):
        """Wait until the agent has sent its first heartbeat."""
        wait_until(lambda: any(
            one["InstanceId"] == node and one["PingStatus"] == "Online"
            for one in self.aws.nodes()), "node %s online" % node)

    def operations(self):
        """Return the operations that our program asked for, in order."""
        return [call["operation"] for call in self.own_calls()]

    def own_calls(self):
        """Return the calls of ours: not the agent's, not of metadata."""
        others = {"metadata"}
        if self.agent == agents.BUILTIN:
            others |= agents.OPERATIONS
        return [call for call in self.aws.calls()
                if call["operation"] not in others
                and ((call["peer"] or {}).get("exe") or "").endswith(
                    "/ssm-activate")]

    def assert_account_empty(self):
        """No node and no activation is left."""
        state = self.aws.state()
        self.assertEqual(state["nodes"], [], "nodes left on the account")
        self.assertEqual(state["activations"], [],
                         "activations left on the account")

    def assert_disk_clean(self, root):
        """No identity is left, and nothing half-written."""
        left = [path for path in root.changes()
                if path in (STATE, KEY) or path.startswith(VAULT)
                or path.endswith("/registration") or ".tmp" in path
                or path.endswith((".new", ".part"))]
        left = [path for path in left if root.exists(path)]
        self.assertEqual(left, [], "files left behind")

    def assert_clean(self, root):
        """Nothing is left anywhere."""
        self.assert_account_empty()
        self.assert_disk_clean(root)

    def assert_one_line(self, text, pattern):
        """Exactly one line says it."""
        lines = [line for line in text.splitlines()
                 if re.search(pattern, line)]
        self.assertEqual(len(lines), 1, "lines like %r in:\n%s"
                         % (pattern, text))
        return lines[0]

    def wait_one_core(self, held):
        """Wait until there is one core of the agent and return its pid, in a
        list: its worker has the same file until it becomes another
        program."""
        def look():
            if self.agent == agents.BUILTIN:
                found = agents.cores(held)
            else:
                found = held.find("amazon-ssm-agent")
            return len(found) == 1 and found
        return wait_until(look, "one core")

    @staticmethod
    def wait_forgotten(root):
        """Wait until the last file that a node leaves is gone."""
        wait_until(lambda: not root.exists(STATE), "the last file gone")

    def agent_pids(self, held):
        """Return the pids of the agent's core and worker; of our own agent
        the core's."""
        if self.agent == agents.BUILTIN:
            return agents.cores(held)
        return [pid for name in AGENTS for pid in held.find(name)]

    def status(self, held, *flags, **options):
        """Return what `status --json` says."""
        done = held.program("status", "--json", *flags, **options)
        return json.loads(done.stdout), done.returncode

    def story(self):
        """Return what the programs said, for a failure's report."""
        parts = []
        for one in self.held:
            parts.append("--- %s\n%s%s" % (" ".join(one.argv), one.err,
                                           one.out))
        calls = ["%s %s %s %s %s" % (
            call["connection"], call["operation"], call["status"],
            call["code"], call["fault"]) for call in self.aws.calls()]
        parts.append("--- calls\n" + "\n".join(calls))
        return "\n".join(parts)


__all__ = ["AGENTS", "BIN", "Case", "IS_AGENT", "KEY", "NODE", "SH", "SLEEP", "STATE",
           "UP", "VAULT", "environment", "json", "native", "os", "procfs", "re",
           "wait_until"]
