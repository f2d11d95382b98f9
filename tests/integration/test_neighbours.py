# SPDX-License-Identifier: MIT
"""Others in the same container or task: a second start, somebody else's
agent, a sidecar's agent in a shared pid namespace."""

import os
import re
import signal
import subprocess
import unittest

import place
from case import (BIN, IS_AGENT, NODE, SH, SLEEP, Case, environment, native,
                  procfs, wait_until)


class Second(Case):
    """The lock."""

    def test_run_beside_run(self):
        """A second `run` has its command, and no node of its own."""
        held, node = self.run_up()
        done = held.program("run", "--", SH, "-c", "exit 5")
        self.assertEqual(done.returncode, 5)
        self.assertRegex(done.stderr, r"another ssm-activate \(pid 1\)")
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [node])
        self.assertTrue(self.status(held)[0]["up"])

    @native("strace slows down the calls of the emulator")
    def test_slow_lock(self):
        """A command that ends before it is known who has the lock."""
        held, node = self.run_up()
        for more, status in ([], 5), (["--required"], 71):
            done = held.enter(
                [BIN, "run", *more, "--", SH, "-c", "exit 5"],
                below=["/usr/bin/strace", "-f", "-o", "/dev/null", "-e",
                       "trace=fcntl", "-e", "inject=fcntl:delay_enter=300ms"])
            self.assertRegex(done.stderr, r"another ssm-activate \(pid 1\)")
            self.assertEqual(done.returncode, status)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [node])

    def test_required(self):
        """Where access is required it does not even start the command."""
        held, node = self.run_up()
        done = held.program("run", "--required", "--", SH, "-c", "exit 5")
        self.assertEqual(done.returncode, 71)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [node])
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(held.root)


@unittest.skipIf(place.real_agent(), "a program of the stand-in's name")
class Foreign(Case):
    """An agent that we did not start."""

    def test_run_beside_foreign(self):
        """In our own mount namespace: left alone, named, and the command
        runs without a node."""
        root = self.root("debian")
        os.mkfifo(root.inside("/tmp/end"))
        held = self.start(
            [SH, "-c", "mkdir /opt/other; cp /bin/sleep "
             "/opt/other/amazon-ssm-agent; /opt/other/amazon-ssm-agent 60 & "
             + IS_AGENT + "exec ssm-activate run -- " + SH + " -c "
             "'read line </tmp/end; exit 3'"], root)
        held.wait_line("another amazon-ssm-agent")
        other = held.find("amazon-ssm-agent")
        self.assertEqual(len(other), 1)
        root.write("/tmp/end", "x\n")
        self.assertEqual(held.wait(), 3)
        self.assertEqual(self.operations(), [])

    def test_sidecar(self):
        """With pidMode: task the sidecar's agent is seen in /proc, but it is
        neither taken for one of ours nor signalled."""
        held, node = self.run_up()
        held.wait_line("is online")
        theirs = self.agent_pids(held)
        second = Neighbour(held, self.root())
        self.addCleanup(second.kill)
        other = second.wait_line("(%s) is up" % NODE).group(1)
        self.assertNotEqual(other, node)
        core = [pid for pid in second.agents() if pid not in theirs]
        self.assertNotEqual(core, [])
        os.kill(core[0], signal.SIGKILL)
        second.wait_line("runs again")
        self.assertEqual(second.stop(), 0, second.err)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [node])
        self.assertEqual(self.agent_pids(held), theirs)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_account_empty()


class Neighbour:
    """Another container of the task, in the first one's pid namespace."""

    def __init__(self, first, root):
        self.path = os.path.join(root.folder, "neighbour.err")
        with open(self.path, "wb") as err:
            self.outer = subprocess.Popen(
                ["/usr/bin/nsenter", "--target", str(first.pid1), "--pid",
                 "--", "/usr/bin/unshare", "--mount", "--root=" + root.path,
                 "--mount-proc", "--wd=/", "--", BIN, "run", "--"] + SLEEP,
                env=environment(), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=err)

    @property
    def err(self):
        """What it wrote to standard error."""
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_line(self, pattern):
        """Wait for a line on standard error; return the match."""
        return wait_until(lambda: re.search(pattern, self.err),
                          "a line like %r" % pattern)

    def keeper(self):
        """Return the pid, outside, of ssm-activate."""
        return wait_until(lambda: [
            pid for pid in procfs.children(self.outer.pid)
            if procfs.program(pid) == "ssm-activate"], "the keeper")[0]

    def agents(self):
        """Return the pids of its agent's core."""
        return [pid for pid in procfs.descendants(self.outer.pid)
                if procfs.program(pid) == "amazon-ssm-agent"]

    def stop(self):
        """Stop it; return its exit status."""
        os.kill(self.keeper(), signal.SIGTERM)
        return self.outer.wait(15)

    def kill(self):
        """End it, whatever it does."""
        if self.outer.poll() is None:
            os.kill(self.keeper(), signal.SIGKILL)
        self.outer.wait(10)
