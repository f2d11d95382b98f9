# SPDX-License-Identifier: MIT
"""The message gateway as it should not be: hostile, slow, away, closing again
and again; and sessions one after another.  With SSM_ACTIVATE_TEST_FULL=1 all of
the tables and for long, else always the same part."""

import copy
import json
import os
import re
import signal
import time
from unittest import mock

import documents
import place
import test_sessions
from case import procfs, wait_until
from client import AdminError
from runner import FULL
from test_sessions import COMMAND, INTERACTIVE, PORT, PROMPT, SHELL

KINDS = ("interactive_shell", "channel_closed", "agent_task_acknowledge",
         "agent_job", "control_channel_ready", "no_such_type")
STREAM = (("input_stream_data", 1), ("input_stream_data", 3),
          ("input_stream_data", 6), ("input_stream_data", 10),
          ("acknowledge", 0), ("channel_closed", 0),
          ("pause_publication", 0), ("output_stream_data", 1))
FIELDS = {
    SHELL: (("DocumentName",), ("DocumentContent",), ("Parameters",),
            ("RunAsUser",), ("DocumentContent", "sessionType"),
            ("DocumentContent", "inputs"),
            ("DocumentContent", "inputs", "kmsKeyId"),
            ("DocumentContent", "inputs", "s3BucketName"),
            ("DocumentContent", "inputs", "runAsEnabled"),
            ("DocumentContent", "inputs", "runAsDefaultUser"),
            ("DocumentContent", "inputs", "shellProfile"),
            ("DocumentContent", "inputs", "shellProfile", "linux")),
    COMMAND: (("DocumentContent", "parameters"),
              ("DocumentContent", "parameters", "command"),
              ("DocumentContent", "properties"),
              ("DocumentContent", "properties", "linux"),
              ("DocumentContent", "properties", "linux", "commands"),
              ("DocumentContent", "properties", "linux", "runAsElevated"),
              ("DocumentContent", "properties", "linux",
               "stdOutSeparatorPrefix"), ("Parameters", "command")),
    PORT: (("DocumentContent", "properties"),
           ("DocumentContent", "properties", "portNumber"),
           ("DocumentContent", "properties", "type"),
           ("DocumentContent", "properties", "host"),
           ("Parameters", "portNumber"))}
VALUES = (None, True, 7, -1, 1e308, "", "true", "x" * 70000, "\n\x1b\x7f", [],
          {}, ["a", "b"], {"a": {"b": []}}, "{{ x }}", "{{ssm:x}}",
          "{{ command }}" * 20000)
GIVEN = {SHELL: {}, COMMAND: {"command": "true"}, PORT: {"portNumber": "80"}}
NEST = json.loads("[" * 400 + "]" * 400)
SAMPLE = 31  # each so many cells, but for the whole table
AT_ONCE = 12
AWAY = 120 if FULL else 6
HOURS = 24 if FULL else 6
DELAY = 9 if FULL else 5
SESSIONS, WARM = (1000, 300) if FULL else (12, 4)
GROWTH = 160  # KiB
LONG = ["/bin/sleep", "3000"]


def replaced(content, path, value):
    """Return a copy of a task with one field changed; None: it is not
    there."""
    made = copy.deepcopy(content)
    inner = made
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
    if value is None:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value
    return made


class Gateway(test_sessions.Sessions):
    """A container whose processes are to be the same afterwards."""

    def up(self, root=None, argv=(), **more):
        """Start one, and remember its processes."""
        with mock.patch.object(test_sessions, "SLEEP", LONG):
            held = super().up(root, argv, **more)
        self.own = set(held.find("ssm-activate"))
        self.held_up = held
        return held

    def works(self):
        """A session does, and the node's processes are those of before."""
        one = self.session(INTERACTIVE, command="echo still-$((1+1))")
        one.expect(rb"still-2", 60)
        one.ended(60)
        wait_until(lambda: set(self.held_up.find("ssm-activate")) == self.own,
                   "the processes of before", 60)

    def report(self, ident):
        """Return what the service knows of a session."""
        for one in self.aws.get("sessions"):
            if one["SessionId"] == ident:
                return one
        return None

    def opened(self):
        """Return how many control channels were opened."""
        return len([call for call in self.aws.calls("OpenControlChannel")
                    if call["status"] == 101])


class Hostile(Gateway):
    """What no service sends."""

    def names(self):
        """Return the hostile frames, but for the one that is too long."""
        return [name for name in self.aws.get("hostile")["frames"]
                if name != "huge"]

    def test_control_frames(self):
        """None of them is obeyed, and the channel stays."""
        self.up()
        before = self.opened()
        for kind in KINDS:
            for name in self.names():
                self.aws.post("send", {"node": self.node, "kind": kind,
                                       "hostile": name})
        self.works()
        self.assertEqual(self.opened(), before)
        self.aws.post("send", {"node": self.node, "kind": KINDS[0],
                               "hostile": "huge"})
        wait_until(lambda: self.opened() > before, "another channel", 60)
        self.held_up.wait_line("is not online")
        self.works()

    def test_session_ids(self):
        """They name no file, no URL and no process."""
        self.up()
        files = set(self.place.changes())
        for ident in self.aws.get("hostile")["session_ids"].values():
            self.aws.post("start", {"node": self.node, "session": ident})
        self.works()
        self.assertEqual(set(self.place.changes()), files)
        self.assertFalse(os.path.exists("/tmp/owned"))

    def send_stream(self, ident, body):
        """Send a frame once the agent is there, which opens the channel anew
        after a message that is too long."""
        def sent():
            try:
                return self.aws.post("send", dict(body, session=ident,
                                                  side="agent"))
            except AdminError:
                return None
        wait_until(sent, "the agent's data channel", 60)

    def test_stream_frames(self):
        """They harm their own session at most, which can be ended."""
        self.up()
        other = self.session()
        other.expect(PROMPT)
        for kind, part in STREAM if FULL else STREAM[::4]:
            with self.subTest(kind, part=part):
                one = self.session()
                one.expect(PROMPT)
                for index, name in enumerate(self.names() + ["huge"]):
                    self.send_stream(one.ident, {
                        "kind": kind, "part": part, "hostile": name,
                        "sequence": one.sent + index})
                one.terminate()
                wait_until(lambda one=one: self.outcome(one.ident),
                           "an outcome", 60)
                other.write(b"echo o$((1+1))\n")
                other.expect(rb"o2\r\n")
        other.terminate()
        self.works()

    def cells(self):
        """Return (document, path, value) of the table, or of its sample."""
        table = [(name, path, value) for name, paths in FIELDS.items()
                 for path in paths for value in VALUES]
        return table if FULL else table[::SAMPLE]

    def begin(self, index, cell):
        """Tell the node of a session with one field changed."""
        name, path, value = cell
        content = replaced({
            "DocumentContent": documents.defaults()[name],
            "Parameters": GIVEN[name], "DocumentName": name}, path, value)
        ident = "u-%d" % index
        self.aws.post("start", {
            "node": self.node, "session": ident, "document": name,
            "parameters": GIVEN[name], "content": dict(
                {"DocumentContent": None, "Parameters": None,
                 "DocumentName": None}, **content)})
        return ident

    def settle(self, ident, cell):
        """It fails with a word, or waits for its client and can be ended."""
        def decided():
            seen = self.report(ident)
            return seen if seen["outcome"] or seen["present"] else None
        seen = wait_until(decided, "%s: a session or its end" % (cell[:2],),
                          60)
        if seen["outcome"]:
            self.assertEqual(seen["outcome"]["FinalTaskStatus"], "Failed")
            self.assertNotEqual(seen["outcome"]["Output"], "")
            return
        self.aws.post("end", {"session": ident})
        wait_until(lambda: self.outcome(ident), "an end", 60)

    def test_documents(self):
        """Each field missing, of another type, long, strange."""
        self.up()
        cells = self.cells()
        for at in range(0, len(cells), AT_ONCE):
            batch = [(self.begin(at + index, cell), cell) for index, cell
                     in enumerate(cells[at:at + AT_ONCE])]
            for ident, cell in batch:
                with self.subTest(repr(cell)[:200]):
                    self.settle(ident, cell)
        self.works()

    def test_unreadable_tasks(self):
        """A task that is no JSON of ours starts nothing."""
        self.up()
        for index, value in enumerate(("\0", NEST)):
            self.begin(index, (SHELL, ("RunAsUser",), value))
            self.held_up.wait_line("is not understood")
        self.works()
        self.assertEqual([one["opened"] for one in self.aws.get("sessions")
                          if one["SessionId"] in ("u-0", "u-1")], [{}, {}])


class Slow(Gateway):
    """What the channel worker waits for, and what waits for it meanwhile."""

    def test_heartbeat(self):
        """One is answered late: so are sessions, and none is lost."""
        self.aws.fault(operation="UpdateInstanceInformation", delay=DELAY)
        self.up()
        wait_until(lambda: any(one["hits"] for one in
                               self.aws.get("faults")), "a heartbeat")
        shells = [self.session() for _ in range(3)]
        for shell in shells:
            shell.expect(PROMPT, 60)
            shell.terminate()
        for shell in shells:
            wait_until(lambda one=shell: self.outcome(one.ident) ==
                       "Cancelled", "an outcome", 60)
        self.assertEqual(self.opened(), 1)

    def test_channel(self):
        """Another control channel takes its time: what ended meanwhile is
        told then, and sessions go on."""
        self.up()
        one, two = self.session(), self.session()
        one.expect(PROMPT)
        two.expect(PROMPT)
        self.aws.fault(operation="CreateControlChannel", delay=DELAY)
        self.aws.post("disconnect", {"node": self.node, "code": 1000})
        self.held_up.wait_line("is not online")
        one.write(b"exit\n")
        two.write(b"echo o$((1+1))\n")
        two.expect(rb"o2\r\n")
        wait_until(lambda: self.outcome(one.ident) == "Success",
                   "an outcome", 90)


class Away(Gateway):
    """Connections that end, and a service that is not there."""

    def test_away(self):
        """It stands still, then goes on: so does the session."""
        held = self.up()
        shell = self.session()
        shell.expect(PROMPT)
        shell.write(b"stty -echo; PS1=; sleep 1; seq 1 20000; echo en''d\n")
        pid = place.current.aws.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(AWAY)
        finally:
            os.kill(pid, signal.SIGCONT)
        text = shell.expect(rb"\nend\r", 180)
        self.assertEqual([int(line) for line in text.split(b"\r\n")
                          if line.isdigit()], list(range(1, 20001)))
        self.assert_good(shell)
        wait_until(lambda: self.status(held)[0]["online"], "online", 180)
        shell.terminate()
        self.works()

    def test_hours(self):
        """The service closes channels each hour, a day long."""
        self.up()
        shell = self.session()
        shell.expect(PROMPT)
        shell.write(b"stty -echo; PS1=; i=0; while read x; do i=$((i+1)); "
                    b"echo hour-$i; done\n")
        for hour in range(1, HOURS + 1):
            side = ("agent", "client")[hour % 2]
            before = self.report(shell.ident)["opened"][side]
            self.aws.post("disconnect", {"session": shell.ident, "side": side,
                                         "code": 1000})
            shell.write(b"\n")
            shell.expect(b"hour-%d\r\n" % hour, 60)
            wait_until(lambda side=side, before=before: self.report(
                shell.ident)["opened"][side] > before, "another", 60)
        self.assertEqual(re.findall(rb"hour-(\d+)", bytes(shell.output)),
                         [b"%d" % hour for hour in range(1, HOURS + 1)])
        self.assert_good(shell)
        shell.write(b"\x04")
        shell.terminate()
        self.works()

    def test_clocks(self):
        """AWS's clock goes another time than ours, and jumps."""
        self.up()
        for offset in (7200, -1200):
            self.aws.clock(offset)
            self.user.skew = offset
            before = self.opened()
            self.aws.post("disconnect", {"node": self.node, "code": 1000})
            wait_until(lambda before=before: self.opened() > before,
                       "another control channel", 60)
            self.works()


class Many(Gateway):
    """Sessions one after another."""

    def weight(self):
        """Return memory in KiB and the descriptors of our processes."""
        memory, count = 0, 0
        for pid in self.own:
            count += len(procfs.descriptors(pid))
            memory += sum(
                int(line.split()[1]) for line in
                procfs.read(pid, "smaps_rollup").decode().splitlines()
                if line.startswith("Private_Dirty:"))
        return memory, count

    def run_some(self, count):
        """Run commands to their end, and wait until they are forgotten."""
        for number in range(count):
            one = self.session(COMMAND, command="echo %d" % number)
            self.assertEqual(one.ended(60), "")
            self.assertEqual(bytes(one.output), b"%d\n" % number)
        wait_until(lambda: set(self.held_up.find("ssm-activate")) == self.own,
                   "no process of a session", 60)

    def test_one_after_another(self):
        """Nothing grows."""
        self.up()
        self.run_some(WARM)
        before = self.weight()
        self.run_some(SESSIONS)
        wait_until(lambda: self.weight()[1] <= before[1],
                   "descriptors as before, not %s" % [
                       procfs.descriptors(pid) for pid in self.own], 60)
        self.assertLess(self.weight()[0] - before[0], GROWTH)
