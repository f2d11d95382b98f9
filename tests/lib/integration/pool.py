# SPDX-License-Identifier: MIT
"""Works off the cells of a table by several processes, each in namespaces of
its own."""

import json
import os
import queue
import subprocess
import sys
import threading

import place
from runner import UNSHARE

TRIES = 3


class Worker(threading.Thread):
    """One process in namespaces of its own, and the thread that feeds it."""

    def __init__(self, script, waiting, results):
        super().__init__(daemon=True)
        self.script = script
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
            UNSHARE + [sys.executable,
                       os.path.join(place.HERE, self.script)],
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


def work_off(script, wanted, count):
    """Return the results of all cells, worked off by so many processes of a
    script beside this one: a JSON list a line for each cell on its standard
    input, an object a line back, with "error" for one that failed."""
    waiting, results = queue.Queue(), {}
    for cell in wanted:
        waiting.put(cell)
    workers = [Worker(script, waiting, results) for _ in range(count)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    return results
