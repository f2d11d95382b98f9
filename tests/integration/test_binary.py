# SPDX-License-Identifier: MIT
"""How the running program lies in memory."""

import re

from case import BIN, SH, Case, environment, native, procfs, wait_until

UP = [SH, "-c", "ssm-activate up; trap '' TERM; while :; do sleep 1; done"]
FIXED = 0x400000  # where a program lies whose address nobody chooses
LINE = re.compile(r"([0-9a-f]+)-[0-9a-f]+ (\S{4}) ([0-9a-f]+) \S+ \d+ *(.*)")


def mappings(pid):
    """Return (start, rights, offset in the file, name) of each."""
    lines = procfs.read(pid, "maps").decode().splitlines()
    return [(int(found[1], 16), found[2], int(found[3], 16), found[4])
            for found in map(LINE.match, lines)]


def base(pid):
    """Return where the begin of the program is in memory; None before it
    is there."""
    return next((start for start, _, offset, name in mappings(pid)
                 if name.endswith("/ssm-activate") and offset == 0), None)


@native("the emulator decides where a program lies")
class Binary(Case):
    """A keeper, and the workers that stay beside it: the watcher and the
    reader of the agent's log."""

    def all_three(self):
        """Start them; return their pids."""
        held = self.start(UP, env=environment(
            task=True, SSM_ACTIVATE_WATCH="200ms"))
        held.wait_line("is online")
        return wait_until(lambda: len(held.find("ssm-activate")) == 3
                          and held.find("ssm-activate"), "all three")

    def check(self, pid):
        """One process."""
        found = mappings(pid)
        text = "\n".join("%x %s %x %s" % one for one in found)
        for _, rights, _, _ in found:
            self.assertFalse("w" in rights and "x" in rights, text)
        own = [one for one in found if one[3].endswith("/ssm-activate")]
        # The file from its begin to its end: headers, code, constants, those
        # that hold addresses, and what may be written.
        self.assertEqual([rights for _, rights, _, _ in own],
                         ["r--p", "r-xp", "r--p", "r--p", "rw-p"], text)
        self.assertNotEqual(own[0][0], FIXED, text)

    def test_rights(self):
        """What is run cannot be written; tables of functions neither."""
        for pid in self.all_three():
            with self.subTest(pid=pid):
                self.check(pid)

    def test_address(self):
        """Each start has another address.  Four that are equal by chance are
        not to be expected, even where an address has few random bits."""
        starts = set()
        for _ in range(4):
            held = self.start([BIN, "run", "--", "/bin/sleep", "300"])
            starts.add(wait_until(lambda: base(held.pid1), "the program"))
        self.assertGreater(len(starts), 1, starts)
