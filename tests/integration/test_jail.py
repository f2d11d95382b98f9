# SPDX-License-Identifier: MIT
"""What the network worker is apart from: processes, memory, terminal, log."""

import re
import signal

import activations
import place
from case import BIN, SH, Case, environment, native, procfs, wait_until
from test_terminal import Terminal

IDS = range(65470, 65534)
HELD = 30
TERM = "trap 'exit 0' TERM; "
WAIT = [SH, "-c", TERM + "sleep 300 & wait"]


def memory(pid):
    """Return all that a process can write to, as bytes."""
    found = []
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as mem:
        for line in procfs.read(pid, "maps").decode().splitlines():
            begin, end, mode = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if not mode.startswith("rw"):
                continue
            try:
                mem.seek(int(begin, 16))
                found.append(mem.read(int(end, 16) - int(begin, 16)))
            except OSError:
                continue
    return b"".join(found)


def terminal_of(pid):
    """Return the number of a process's terminal, 0 for none."""
    return int(procfs.read(pid, "stat").rpartition(b")")[2].split()[4])


class Jail(Case):
    """A worker that waits for AWS is looked at from outside."""

    def workers(self, pid):
        """Return the workers below a process that are in the jail."""
        return [one for one in procfs.descendants(pid)
                if procfs.program(one) == "ssm-activate"
                and int(procfs.status(one).get("Uid", "0").split()[0]) in IDS
                and (place.is_emulated()
                     or procfs.status(one).get("Seccomp", "2") == "2")]

    def worker(self, pid):
        """Wait for one that is connected, so that it gave up all it has."""
        wait_until(self.own_calls, "a request")
        return wait_until(lambda: self.workers(pid), "a worker")[0]

    def held_registration(self, *flags, command=None, **variables):
        """Start `run`, whose registration AWS keeps waiting."""
        self.aws.fault(operation="CreateActivation", delay=HELD)
        return self.start([BIN, "run"] + list(flags) + ["--"]
                          + (command or WAIT), env=environment(**variables))

    @native("its memory is the emulator's")
    def test_environment(self):
        """The application's secrets are not in the worker's memory, and the
        application has them."""
        secret = "postgres://user:PaSsWoRd@db/name"
        held = self.held_registration(
            command=[SH, "-c", TERM + "echo is $DATABASE_URL; sleep 60 & "
                     "wait"], DATABASE_URL=secret, HTTPS_PROXY_NOTE=secret)
        pid = self.worker(held.outer.pid)
        wait_until(lambda: secret in held.out, "the application")
        content = memory(pid)
        self.assertNotIn(secret.encode(), content)
        self.assertIn(b"AWS_REGION=", content)
        self.assertNotIn(b"DATABASE_URL", procfs.read(pid, "environ"))
        self.assertIn(secret.encode(), procfs.read(held.pid1, "environ"))

    @native("its memory is the emulator's")
    def test_given_code(self):
        """A code is nowhere in the memory of keeper and workers once it was
        used."""
        ident, code = activations.make()
        held = self.start([BIN, "run", "--"] + WAIT, env=environment(
            SSM_ACTIVATE_ID=ident, SSM_ACTIVATE_CODE=code))
        held.wait_line("is online")
        for pid in [held.pid1] + held.find("ssm-activate"):
            self.assertNotIn(code.encode(), memory(pid))

    @native("its memory is the emulator's")
    def test_code_is_not_the_watchers(self):
        """The worker that stays has never had it."""
        ident, code = activations.make()
        env = environment(task=True, SSM_ACTIVATE_WATCH="200ms",
                          SSM_ACTIVATE_ID=ident, SSM_ACTIVATE_CODE=code)
        self.aws.fault(operation="RegisterManagedInstance", delay=HELD)
        held = self.start([SH, "-c", "ssm-activate up --background; "
                           "unset SSM_ACTIVATE_CODE; exec sleep 300"],
                          env=env)
        asked = wait_until(lambda: [
            call for call in self.aws.calls("metadata")
            if call["path"].endswith("/task")], "the watcher's request")
        self.assertTrue(asked)
        wait_until(lambda: len(self.workers(held.outer.pid)) >= 2,
                   "watcher and registration")
        with_code = [pid for pid in self.workers(held.outer.pid)
                     if code.encode() in memory(pid)]
        self.assertLessEqual(len(with_code), 1)

    def test_code_with_the_gate_off(self):
        """CMD does not get the code where nothing else is done either."""
        held = self.start([BIN, "run", "--", "env"], env=environment(
            SSM_ACTIVATE="false", SSM_ACTIVATE_CODE="secretsecretsecret99",
            OTHER="stays"))
        self.assertEqual(held.wait(), 0)
        self.assertIn("OTHER=stays", held.out)
        self.assertNotIn("SSM_ACTIVATE_CODE", held.out)

    def test_application_is_nobody(self):
        """An application of uid 65534 that kills all it can reach does not
        reach a worker."""
        held = self.start(
            [BIN, "run", "--user", "65534:65534", "--", SH, "-c",
             "trap '' TERM; while [ ! -e /tmp/go ]; do sleep 0.05; done; "
             "while :; do kill -9 -1; done 2>/dev/null"],
            env=environment(task=True, SSM_ACTIVATE_DOWN_TIMEOUT="20s"))
        held.wait_line("is online")
        held.root.write("/tmp/go", "")
        held.signal(signal.SIGTERM)
        held.wait_line("is removed")
        self.assert_account_empty()

    def test_nobody_has_its_id(self):
        """Numbers that are somebody's are not taken."""
        root = self.root()
        taken = ",".join(str(uid) for uid in IDS)
        root.write("/etc/passwd", root.read("/etc/passwd") + "".join(
            "u%d:x:%d:%d::/:/bin/sh\n" % (uid, uid, uid) for uid in IDS))
        self.aws.fault(operation="CreateActivation", delay=HELD)
        held = self.start([BIN, "run", "--user", "65469:65468", "--"] + WAIT,
                          root)
        wait_until(self.own_calls, "a request")
        status = self.own_calls()[0]["peer"]["status"]
        self.assertNotIn(status["Uid"].split()[0], taken)
        self.assertEqual(status["Uid"].split(), ["65467"] * 4)
        self.assertEqual(status["Gid"].split(), ["65467"] * 4)
        held.kill()

    def test_workers_have_no_terminal(self):
        """On a terminal: neither the worker of `run` nor that of `api`."""
        for words, operation in (
                (["run", "--"] + WAIT, "CreateActivation"),
                (["api", "ssm", "DescribeActivations"],
                 "DescribeActivations"),
                (["gc"], "DescribeActivations")):
            with self.subTest(command=words[0]):
                self.aws.reset()
                self.aws.fault(operation=operation, delay=HELD)
                terminal = Terminal()
                self.addCleanup(terminal.close)
                held = self.start([BIN] + words, self.root("debian"),
                                  terminal=terminal.slave)
                pid = self.worker(held.outer.pid)
                self.assertNotEqual(terminal_of(held.pid1), 0)
                self.assertEqual(terminal_of(pid), 0)
                for path in procfs.descriptors(pid).values():
                    self.assertNotRegex(path, "tty|pts|ptmx")
                held.kill()

    def test_api_on_a_terminal(self):
        """The answer and errors come through, and what a terminal would obey
        does not."""
        terminal = Terminal()
        self.addCleanup(terminal.close)
        self.aws.fault(operation="DescribeActivations", count=0,
                       status=200, body='{"Text":"a\u009b31m\u202eb\x7f"}')
        held = self.start([BIN, "api", "ssm", "DescribeActivations"],
                          self.root("debian"),
                          terminal=terminal.slave)
        self.assertEqual(held.wait(), 0)
        terminal.wait(r'"a\\u009b31m\\u202eb\\u007f"')

    @native("seccomp(2) is the emulator's")
    def test_no_filter(self):
        """Where the kernel takes no filter, one line says so, and the node
        comes and goes."""
        root = self.root("debian")
        held = self.start(
            ["/usr/bin/strace", "-f", "-D", "-o", "/dev/null", "-e",
             "trace=seccomp", "-e", "inject=seccomp:error=EINVAL", BIN,
             "run", "--"] + WAIT, root)
        held.wait_line("is online", 30)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(30), 0)
        self.assert_one_line(held.err, "not limited in its system calls")
        self.assert_account_empty()
