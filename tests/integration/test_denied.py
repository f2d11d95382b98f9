# SPDX-License-Identifier: MIT
"""System calls that a policy denies take the application nothing but access.

One life a cell of denied_table: `run --user 1000 -- CMD`, on which a call is
denied from PID 1 down. CMD runs as its user, is told to end, and its status
is the container's. With SSM_ACTIVATE_TEST_FULL=1 these are all cells, else a
part of them."""

import errno
import json
import os
import queue
import re
import shutil
import signal
import threading
import traceback

import denied_table as table
import place
import procfs
from case import BIN, Case, SLEEP, native
from container import Container, environment, wait_until
from roots import Root

FULL = os.environ.get("SSM_ACTIVATE_TEST_FULL") == "1"
AT_A_TIME = 2
BOUND = 40
FOLDER = "/usr/local/bin/"
CMD = FOLDER + "app"
AGENT = "/usr/bin/amazon-ssm-agent"
STATUS, STATUS_REFUSED = 7, 71
EVENTS = {table.NODE: "node_up", table.ONLINE: "node_online",
          table.NONE: "no_access|try_failed", table.NO_INIT: "no_init",
          table.SILENT: None}


def install():
    """Put what denies and the application into every root."""
    for name in ("deny", "app"):
        shutil.copy(os.path.join(os.path.dirname(place.standin()), "deny",
                                 name), place.current.path("common" + FOLDER))


def denying(row, error):
    """Return the words that start a program to which a call is denied."""
    return [FOLDER + "deny", str(getattr(errno, error)), row.calls,
            str(row.index), str(row.value)]


class Life:
    """One container in which a call is denied."""

    lock = threading.Lock()
    made = 0

    def __init__(self, row, error):
        self.row = row
        self.expected = row.expected[error]
        with Life.lock:
            Life.made += 1
            # The account shows whose a node is.
            self.name = "life-%d." % Life.made
            self.root = Root("alpine")
            self.held = Container(
                self.root, denying(row, error)
                + [BIN, "run", "--user", "1000", "--", CMD],
                # Our own agent would step in where this one cannot run.
                environment(SSM_ACTIVATE_NAME=self.name,
                            SSM_ACTIVATE_AGENT=AGENT,
                            SSM_ACTIVATE_LOG_FORMAT="json"))

    def close(self):
        """Clear it away."""
        self.held.kill()
        with Life.lock:
            self.root.remove()

    def events(self, pattern="."):
        """Return what it has logged, or the events of that name."""
        found = [json.loads(line) for line in self.held.err.splitlines()
                 if line.startswith("{") and line.endswith("}")]
        return [one for one in found if re.search(pattern, one["event"])]

    def find_app(self):
        """Return the pid of CMD when it heeds SIGTERM; None before."""
        bit = 1 << (signal.SIGTERM - 1)
        if self.held.outer.poll() is not None:
            raise AssertionError("CMD did not start")
        for pid in [self.held.pid1] + procfs.descendants(self.held.pid1):
            seen = procfs.status(pid)
            if procfs.program(pid) == "app" and any(
                    int(seen.get(name, "0"), 16) & bit
                    for name in ("SigBlk", "SigCgt")):
                return pid
        return None

    def live(self):
        """Start it, end it; return what is not as it should be."""
        self.held.start()
        if self.expected == table.REFUSED:
            status = self.held.wait(BOUND)
            return [] if status == STATUS_REFUSED else ["status %d" % status]
        app = wait_until(self.find_app, "CMD", BOUND)
        uids = set(procfs.status(app)["Uid"].split())
        wanted = EVENTS[self.expected]
        if wanted is not None:
            wait_until(lambda: self.events(wanted), wanted, BOUND)
        # Where PID 1 may not pass it on, somebody else tells CMD.
        if self.row.calls == "kill":
            os.kill(app, signal.SIGTERM)
        else:
            self.held.signal(signal.SIGTERM)
        status = self.held.wait(BOUND)
        wrong = [] if status == STATUS else ["status %d" % status]
        return wrong + ([] if uids == {"1000"} else ["uids %s" % uids])

    def said(self):
        """Return what is wrong with what it said."""
        found = [(one["event"], one["message"]) for one in self.events()
                 if one["level"] in ("warn", "error")]
        wrong = ["said twice: %s: %s" % one for one in set(found)
                 if found.count(one) > 1]
        texts = [text for _, text in found]
        if self.row.line is not None and sum(
                bool(re.search(self.row.line, text)) for text in texts) != 1:
            wrong.append("not said once: " + self.row.line)
        if self.expected == table.NONE and self.events("node_up"):
            wrong.append("a node")
        if self.expected == table.REFUSED and len(texts) != 1:
            wrong.append("not one line")
        return wrong

    def left(self):
        """Return what is left of it on the account."""
        state = place.current.aws.state()
        return [kind + " left" for kind in ("nodes", "activations")
                if self.name in json.dumps(state[kind])]

    def result(self):
        """Do it all; return what is wrong, as text."""
        try:
            wrong = self.live() + self.said() + self.left()
        except Exception:
            wrong = [traceback.format_exc()]
        finally:
            self.held.kill()
        return "\n".join(wrong + [self.held.err]) if wrong else ""


def work_off(cells):
    """Return what is wrong with each of the cells."""
    waiting, results = queue.Queue(), {}
    for cell in cells:
        waiting.put(cell)

    def work():
        while True:
            try:
                row, error = waiting.get_nowait()
            except queue.Empty:
                return
            life = Life(row, error)
            try:
                results[row.calls, row.index, row.value,
                        error] = life.result()
            finally:
                life.close()

    threads = [threading.Thread(target=work) for _ in range(AT_A_TIME)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return results


@native("the emulator makes calls of its own")
class Denied(Case):
    """Each call with the two answers that policies give."""

    def setUp(self):
        super().setUp()
        install()

    def story(self):
        """Of the lives of the table each tells its own."""
        return "\n".join(one.err for one in self.held)

    def test_table(self):
        """Every cell is as the table says."""
        cells = table.whole() if FULL else table.sample()
        results = work_off(cells)
        self.assertEqual(len(results), len(cells))
        for cell, wrong in results.items():
            with self.subTest(cell=cell):
                self.assertEqual(wrong, "")

    def test_failing(self):
        """A system at its end: memory, descriptors, room, a broken disk,
        calls that are interrupted all the time."""
        cells = table.failing() if FULL else table.failing_sample()
        results = work_off(cells)
        self.assertEqual(len(results), len(cells))
        for cell, wrong in results.items():
            with self.subTest(cell=cell):
                self.assertEqual(wrong, "")

    def test_no_process(self):
        """No process is left: CMD is PID 1, as the user it was to be."""
        row = table.row("fork,clone,clone3,vfork", table.NO_INIT)
        held = self.start(denying(row, "EAGAIN") + [
            BIN, "run", "--user", "1000:1000", "--", "/bin/busybox", "sh",
            "-c", "echo $$; exec /bin/busybox id -u"])
        self.assertEqual(held.wait(BOUND), 0)
        self.assertEqual(held.out, "1\n1000\n")
        self.assert_one_line(held.err, "warn: fork: ")

    def test_no_inotify(self):
        """Without an inotify instance the log of the agent is read all the
        same, and that is said once."""
        row = table.row("inotify_init1", table.ONLINE)
        held = self.start(denying(row, "EMFILE") + [BIN, "run", "--"] + SLEEP)
        held.wait_line("is online")
        self.assert_one_line(held.err, "inotify: No file descriptors available")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(BOUND), 0)
        self.assert_clean(held.root)
