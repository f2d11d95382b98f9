# SPDX-License-Identifier: MIT
"""Every end at every stage: what is left, and that it goes with the next
start.  The table of it is docs/ends.md, which must be as it is found here.

With SSM_ACTIVATE_TEST_FULL=1 these are all cells, else always the same part
of them, spread over all stages and ends. SSM_ACTIVATE_ENDS is another part:
the cells whose "stage, end, way" matches that regular expression. Of a part,
each cell is compared with the document's."""

import os
import re
import unittest

import brake
import ends
import ends_table
import place
import pool
import stages

WORKERS = int(os.environ.get("SSM_ACTIVATE_ENDS_WORKERS", "6"))
ONLY = os.environ.get("SSM_ACTIVATE_ENDS", "")
FULL = os.environ.get("SSM_ACTIVATE_TEST_FULL") == "1" and not ONLY
# Every so many cells one, a number that meets every column and row.
STRIDE = 7


def cells():
    """Return all cells; what makes most work comes first."""
    found = []
    for way in ends.WAYS:
        found += [(stage.name, end, way) for stage in sum(stages.of(way), ())
                  for end in ends.ENDS if stages.ends(stage, end, way)
                  and re.search(ONLY, ", ".join((stage.name, end, way)))]
    slow = ("agent dies", "network gone")
    found = found if FULL or ONLY else found[::STRIDE]
    return sorted(found, key=lambda cell: cell[1] not in slow)


@unittest.skipUnless(brake.usable(), "the kernel does not let us stop others")
@unittest.skipIf(place.real_agent(), "the agent's end is the stand-in's")
class Ends(unittest.TestCase):
    """The table."""

    @classmethod
    def setUpClass(cls):
        cls.results = pool.work_off("ends_worker.py", cells(), WORKERS)

    def each(self):
        """Yield every cell with its result."""
        for cell, result in self.results.items():
            if "error" not in result:
                yield cell, result

    def test_all_done(self):
        """Every cell came to its stage and to its end."""
        for cell, result in self.results.items():
            with self.subTest(cell=cell):
                self.assertNotIn("error", result, result.get("error"))

    def test_clean(self):
        """Nothing is left but where nobody could have taken it away."""
        for cell, result in self.each():
            with self.subTest(cell=cell):
                if not ends_table.may_leave(*cell[1:]):
                    self.assertEqual(result["left"], [])

    def test_next_start(self):
        """What is left goes with the next start and its end."""
        for cell, result in self.each():
            with self.subTest(cell=cell):
                self.assertEqual(result.get("next", []), [])

    def test_told(self):
        """What stays on the account for want of AWS stands in the log."""
        for cell, result in self.each():
            with self.subTest(cell=cell):
                if cell[2] != "up" and cell[1] != "SIGKILL" and set(
                        result["left"]) & {"node", "activation"}:
                    self.assertTrue(result["told"])

    def test_status(self):
        """The exit status is the application's."""
        for cell, result in self.each():
            with self.subTest(cell=cell):
                wanted = ends_table.status(cell[1])
                if wanted is not None:
                    self.assertEqual(result["status"], wanted)

    def test_processes(self):
        """After `down` nothing of ours runs."""
        for cell, result in self.each():
            with self.subTest(cell=cell):
                self.assertEqual(result["running"], "")

    def test_document(self):
        """docs/ends.md is what was found here."""
        found = ends_table.text(dict(self.each()))
        path = os.path.join(place.TOP, "build", "ends.md")
        with open(path, "w", encoding="utf-8") as file:
            file.write(found)
        with open(os.path.join(place.TOP, "docs", "ends.md"),
                  encoding="utf-8") as file:
            document = file.read()
        if FULL:
            self.assertEqual(document, found, "see build/ends.md")
        written = ends_table.cells(document)
        for cell, result in self.each():
            with self.subTest(cell=cell):
                self.assertEqual(written.get(cell),
                                 ends_table.left_text(result["left"]))
