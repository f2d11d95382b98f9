# SPDX-License-Identifier: MIT
"""A log that nobody reads holds nobody up."""

import signal
import subprocess

from case import BIN, Case, SH, environment, os, procfs, wait_until
from container import UNSHARE

# Fills the log to the last byte, then waits; dies of nothing but its own end.
FILL = ("trap 'touch /run/term; exit 3' TERM; until [ -e /run/go ]; do "
        "sleep 0.1; done; cat /dev/zero >&2 & sleep 1; kill -9 $!; "
        "touch /run/full; while :; do sleep 0.1; done")


class Unread(Case):
    """Standard error is a pipe whose reader stands still."""

    def setUp(self):
        super().setUp()
        self.child = self.reader = None
        self.addCleanup(self.finish)

    def finish(self):
        """End the container, then the reader."""
        if self.child is not None and self.child.poll() is None:
            for pid in procfs.children(self.child.pid):
                os.kill(pid, signal.SIGKILL)
            self.child.wait(10)
        if self.reader is not None:
            os.close(self.reader)

    def on_pipe(self, root, words):
        """Start it with a pipe as standard error and read until it is
        online; return PID 1."""
        self.reader, writer = os.pipe()
        self.child = subprocess.Popen(
            UNSHARE + ["--root=" + root.path, "--mount-proc", "--wd=/", "--"]
            + words, env=environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=writer, start_new_session=True)
        os.close(writer)
        text = b""
        while b"is online" not in text:
            data = os.read(self.reader, 65536)
            self.assertTrue(data, text)
            text += data
        return procfs.children(self.child.pid)[0]

    def full(self):
        """Start a container, fill its log and make it log more; return its
        root and PID 1."""
        root = self.root()
        init = self.on_pipe(root, [BIN, "run", "--", SH, "-c", FILL])
        root.write("/run/go", "")
        wait_until(lambda: root.exists("/run/full"), "a full log")
        agent = [pid for pid in procfs.descendants(init)
                 if procfs.program(pid) == "amazon-ssm-agent"][0]
        os.kill(agent, signal.SIGKILL)
        wait_until(lambda: any(
            procfs.program(pid) == "amazon-ssm-agent" and pid != agent
            for pid in procfs.descendants(init)), "the next agent")
        return root, init

    def test_stop(self):
        """The application is told, its status counts, and the node goes."""
        root, init = self.full()
        os.kill(init, signal.SIGTERM)
        wait_until(lambda: root.exists("/run/term"), "CMD gets TERM")
        self.assertEqual(self.child.wait(20), 3)
        self.assert_clean(root)

    def test_read_again(self):
        """What is missing is said when it is read again, without waiting for
        a next event."""
        root, init = self.full()
        text = b""
        while b"lines lost: " not in text:
            data = os.read(self.reader, 65536)
            self.assertTrue(data, text[-4096:])
            text += data
        self.assertNotIn(b"agent ended", text)
        os.kill(init, signal.SIGTERM)
        self.assertEqual(self.child.wait(20), 3)
        self.assert_clean(root)
