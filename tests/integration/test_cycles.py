# SPDX-License-Identifier: MIT
"""Many lives: nothing grows."""

import os
import re
import signal

from case import BIN, SH, SLEEP, Case, environment, procfs, wait_until

CYCLES = int(os.environ.get("SSM_ACTIVATE_CYCLES", "100"))
CONTAINERS = max(1, CYCLES // 10)


class Cycles(Case):
    """Start and stop, again and again."""

    def test_up_down(self):
        """In one container: files, processes, nodes and activations are
        what they were after the first."""
        root = self.root()
        held = self.start(
            [SH, "-c", "i=0; while [ $i -lt %d ]; do "
             "ssm-activate up >>/tmp/ids && ssm-activate down || exit 1; "
             "i=$((i + 1)); echo cycle $i; sleep 0.05; "
             "while [ -e /tmp/hold ]; do sleep 0.05; done; done; "
             "echo done; sleep 60 & wait" % CYCLES], root,
            environment(SSM_ACTIVATE_LOG="warn", STANDIN_STOP_MS="0"))
        root.write("/tmp/hold", "")
        wait_until(lambda: "cycle 1\n" in held.out, "the first")
        first = self.picture(held, root)
        os.remove(root.inside("/tmp/hold"))
        wait_until(lambda: "done" in held.out, "the last", 3 * CYCLES)
        self.assertEqual(self.picture(held, root), first)
        ids = root.read("/tmp/ids").split()
        self.assertEqual(len(set(ids)), CYCLES)
        self.assert_clean(root)
        state = self.aws.state()
        self.assertEqual(len(state["deregistered_nodes"]), CYCLES)
        self.assertEqual(len(state["deleted_activations"]), CYCLES)

    @staticmethod
    def picture(held, root):
        """Return the files, and the processes once those of ours ended."""
        wait_until(lambda: set(held.processes().values()) <= {"busybox"},
                   "no process of ours")
        files = [path for path in root.changes() if path != "/tmp/hold"]
        return files, sorted(
            name for name in held.processes().values() if name != "busybox")

    def test_restarts(self):
        """One container, killed or stopped, started again in place: the
        descriptors of PID 1 and the files do not grow."""
        root = self.root()
        pictures = []
        for cycle in range(CONTAINERS):
            held, _ = self.run_up(root=root)
            held.wait_line("is online")
            pictures.append((len(procfs.descriptors(held.pid1)),
                             sorted(set(held.processes().values())),
                             [re.sub("mi-[0-9a-f]{17}", "mi-…", path)
                              for path in root.changes()]))
            if cycle % 2:
                held.kill()
            else:
                held.signal(signal.SIGTERM)
                self.assertEqual(held.wait(), 0)
        self.assertEqual(pictures[-1], pictures[0])
        down = self.start([BIN, "down"], root)
        self.assertEqual(down.wait(), 0)
        self.assert_clean(root)

    def test_failed_starts(self):
        """Starts that fail leave nothing that grows."""
        self.aws.policy("user", allow=[])
        root = self.root()
        sizes = []
        for _ in range(3):
            held = self.start([BIN, "run", "--"] + SLEEP, root)
            held.wait_line("AccessDenied")
            held.signal(signal.SIGTERM)
            held.wait()
            sizes.append(root.changes())
        self.assertEqual(sizes[-1], sizes[0])
