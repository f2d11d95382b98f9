# SPDX-License-Identifier: MIT
"""What the keeper costs while nothing happens."""

import subprocess
import time

from case import BIN, SH, Case, native, procfs, wait_until

PRIVATE_LIMIT = 300  # KiB; shared pages are the file's, once for all
WATCH_SECONDS = 3
KINDS = {"run": [BIN, "run", "--", "/bin/sleep", "300"],
         "up": [SH, "-c", "ssm-activate up; sleep 300 & wait"],
         "demand": [BIN, "run", "--activate", "demand", "--demand", "ssm:/x",
                    "--demand-every", "1h", "--", "/bin/sleep", "300"]}


@native("memory and system calls are the emulator's")
class Idle(Case):
    """A node that is up and online, and one that nobody has asked for."""

    def keepers(self):
        """Start one of each kind; return {kind: pid of the keeper}."""
        held = {kind: self.start(argv) for kind, argv in KINDS.items()}
        for kind, one in held.items():
            one.wait_line("no node until" if kind == "demand"
                          else "is online")
        time.sleep(1.5)
        # The reader of the agent's log stays.
        wait_until(lambda: len(held["up"].find("ssm-activate")) == 2
                   and len(held["run"].find("ssm-activate")) == 1
                   and not held["demand"].find("ssm-activate"),
                   "no other worker")
        return {"run": held["run"].pid1, "demand": held["demand"].pid1,
                "up": held["up"].find("ssm-activate")[0]}

    def test_idle(self):
        """Little memory, and not one system call."""
        keepers = self.keepers()
        switches = {kind: self.switches(pid)
                    for kind, pid in keepers.items()}
        time.sleep(WATCH_SECONDS)
        slept = {kind: self.switches(pid) - switches[kind]
                 for kind, pid in keepers.items()}
        traces = {kind: subprocess.Popen(
            ["/usr/bin/timeout", "-s", "INT", str(WATCH_SECONDS),
             "/usr/bin/strace", "-qq", "-p", str(pid)], text=True,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for kind, pid in keepers.items()}
        seen = {kind: trace.communicate(timeout=30)[1]
                for kind, trace in traces.items()}
        for kind, pid in keepers.items():
            with self.subTest(kind=kind):
                # The one that it is in when strace comes.
                calls = [line for line in seen[kind].splitlines()
                         if not line.startswith(("poll(",
                                                 "restart_syscall("))]
                self.assertEqual(calls, [])
                self.assertEqual(slept[kind], 0, "wake-ups")
                self.assertLessEqual(self.private(pid), PRIVATE_LIMIT)

    @staticmethod
    def switches(pid):
        """Return how often it slept."""
        return int(procfs.status(pid)["voluntary_ctxt_switches"])

    @staticmethod
    def private(pid):
        """Return the memory in KiB that is there for it alone."""
        lines = procfs.read(pid, "smaps_rollup").decode().splitlines()
        sizes = {words[0]: int(words[1]) for words in
                 map(str.split, lines[1:])}
        return sizes["Private_Clean:"] + sizes["Private_Dirty:"]
