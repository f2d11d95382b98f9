# SPDX-License-Identifier: MIT
"""Every way in which a network goes wrong at every step of a node's life.  The
table of it is docs/networks.md, which must be as it is found here; with
WRITE=1 in the environment, and all cells, it is written.

With SSM_ACTIVATE_TEST_FULL=1 these are all cells, else always the same part of
them, spread over all faults and steps. SSM_ACTIVATE_NETWORKS is another part:
the cells whose "fault, step" matches that regular expression."""

import os
import re
import unittest

import ends_table
import hostility
import place
import pool

WORKERS = int(os.environ.get("SSM_ACTIVATE_NETWORKS_WORKERS", "4"))
ONLY = os.environ.get("SSM_ACTIVATE_NETWORKS", "")
FULL = os.environ.get("SSM_ACTIVATE_TEST_FULL") == "1" and not ONLY
STRIDE = 9  # meets every step
DOCUMENT = os.path.join(place.TOP, "docs", "networks.md")
HEAD = """\
# Hostile networks

Made by `tests/integration/test_networks.py` (`WRITE=1`): PID 1 is `ssm-activate
run -- CMD`; each connection, or each answer of AWS to one operation, goes wrong
in one way for the whole life; after some seconds the container is stopped. In
every cell CMD starts, its exit status is the container's, the stop takes no
longer than `SSM_ACTIVATE_DOWN_TIMEOUT`, no process of ours is ended by a fault
of its own, and nothing but printable text is said. What stays on the account
is named in the log with the command that removes it.

`up`: there is a node nevertheless. Letters: left is `N` a node, `A` an
activation, `s` our `state.json`, by which the next start removes them. Wrong
certificates are in [another table](certificates.md).

"""


def cells():
    """Return the cells to work off."""
    found = [cell for cell in hostility.cells()
             if re.search(ONLY, ", ".join(cell))]
    return found if FULL or ONLY else found[::STRIDE]


def letters(result):
    """Return what stands in a cell of the document."""
    left = ends_table.left_text(result["left"])
    return ("up " if result["up"] else "") + left


def text(results):
    """Return the whole document."""
    lines = ["| what goes wrong | " + " | ".join(hostility.STEPS) + " |",
             "|---" * (len(hostility.STEPS) + 1) + "|"]
    for fault in hostility.FAULTS:
        row = [results.get((fault, step)) for step in hostility.STEPS]
        lines.append("| %s | %s |" % (fault, " | ".join(
            "" if one is None else "`%s`" % letters(one) for one in row)))
    return HEAD + "\n".join(lines) + "\n"


def written():
    """Return {(fault, step): text} of the document."""
    found = {}
    with open(DOCUMENT, encoding="utf-8") as file:
        for line in file:
            words = [word.strip(" `\n") for word in line.split("|")[1:-1]]
            if words and words[0] in hostility.FAULTS:
                found.update(((words[0], step), word) for step, word in
                             zip(hostility.STEPS, words[1:]))
    return found


class Networks(unittest.TestCase):
    """The table."""

    @classmethod
    def setUpClass(cls):
        cls.results = pool.work_off("hostility_worker.py", cells(), WORKERS)

    def each(self):
        """Yield every cell that was done, with its result."""
        for cell, result in self.results.items():
            if "error" not in result:
                with self.subTest(cell=cell):
                    yield cell, result

    def test_all_done(self):
        """Every cell came to its end."""
        for cell, result in self.results.items():
            with self.subTest(cell=cell):
                self.assertNotIn("error", result, result.get("error"))

    def test_application(self):
        """It starts, and its status is the container's."""
        for _, result in self.each():
            self.assertTrue(result["app"])
            self.assertEqual(result["status"], hostility.STATUS)

    def test_time(self):
        """The stop keeps to its time."""
        for _, result in self.each():
            self.assertFalse(result["late"])

    def test_crash(self):
        """No process of ours is ended by a fault of its own."""
        for _, result in self.each():
            self.assertEqual(result["crashed"], [])

    def test_printable(self):
        """Nothing is said that a terminal would act upon."""
        for _, result in self.each():
            self.assertEqual(result["odd"], [])

    def test_told(self):
        """What stays on the account is named with the command for it."""
        for _, result in self.each():
            if set(result["left"]) & {"node", "activation"}:
                self.assertTrue(result["told"])

    def test_harmless(self):
        """What is only unusual costs nothing."""
        for cell, result in self.each():
            if cell[0] in hostility.HARMLESS:
                self.assertTrue(result["up"])
                self.assertEqual(result["left"], [])

    def test_document(self):
        """docs/networks.md is what was found here."""
        results = dict(self.each())
        if FULL and os.environ.get("WRITE") == "1":
            with open(DOCUMENT, "w", encoding="utf-8") as file:
                file.write(text(results))
        document = written()
        for cell, result in results.items():
            with self.subTest(cell=cell):
                self.assertEqual(document.get(cell), letters(result))


if __name__ == "__main__":
    unittest.main()
