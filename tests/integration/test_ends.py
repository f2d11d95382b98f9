# SPDX-License-Identifier: MIT
"""Every end at every stage: what is left, and that it goes with the next
start.  The table of it is docs/ends.md, which must be as it is found here.

With SSM_ACTIVATE_TEST_FULL=1 these are all cells, else always the same part
of them, spread over all stages and ends. SSM_ACTIVATE_ENDS is another part:
the cells whose "stage, end, way" matches that regular expression. Of a part,
each cell is compared with the document's."""

import json
import os
import queue
import re
import subprocess
import sys
import threading
import unittest

import brake
import ends
import ends_table
import place
import stages
from runner import UNSHARE

WORKERS = int(os.environ.get("SSM_ACTIVATE_ENDS_WORKERS", "6"))
TRIES = 3
ONLY = os.environ.get("SSM_ACTIVATE_ENDS", "")
FULL = os.environ.get("SSM_ACTIVATE_TEST_FULL") == "1" and not ONLY
# Every so many cells one, a number that meets every column and row.
STRIDE = 7


def cells():
    """Return all cells; what makes most work comes first."""
    found = []
    for way in ends.WAYS:
        rows = stages.RISING + (() if way == "up" else stages.FALLING)
        found += [(stage.name, end, way) for stage in rows
                  for end in ends.ENDS
                  if re.search(ONLY, ", ".join((stage.name, end, way)))]
    slow = ("agent dies", "network gone")
    found = found if FULL or ONLY else found[::STRIDE]
    return sorted(found, key=lambda cell: cell[1] not in slow)


class Worker(threading.Thread):
    """One process in namespaces of its own, and the thread that feeds it."""

    def __init__(self, waiting, results):
        super().__init__(daemon=True)
        self.waiting = waiting
        self.results = results
        self.child = None

    def run(self):
        """Work off cells until there are no more."""
        self.start_child()
        try:
            while True:
                cell = self.waiting.get_nowait()
                self.results[cell] = self.ask(cell)
        except queue.Empty:
            pass
        self.child.stdin.close()
        self.child.wait(60)

    def start_child(self):
        """Start the process."""
        self.child = subprocess.Popen(
            UNSHARE + [sys.executable, os.path.join(place.HERE, "ends_worker.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, cell):
        """Have one cell done; a process that died gets a successor."""
        for _ in range(TRIES):
            try:
                self.child.stdin.write(json.dumps(cell) + "\n")
                self.child.stdin.flush()
                line = self.child.stdout.readline()
            except BrokenPipeError:
                line = ""
            if line:
                return json.loads(line)
            self.child.wait(60)
            self.start_child()
        return {"error": "the worker died"}


def work_off(wanted):
    """Return the results of all cells."""
    waiting, results = queue.Queue(), {}
    for cell in wanted:
        waiting.put(cell)
    workers = [Worker(waiting, results) for _ in range(WORKERS)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    return results


@unittest.skipUnless(brake.usable(), "the kernel does not let us stop others")
@unittest.skipIf(place.real_agent(), "the agent's end is the stand-in's")
class Ends(unittest.TestCase):
    """The table."""

    @classmethod
    def setUpClass(cls):
        cls.results = work_off(cells())

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
