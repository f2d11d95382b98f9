# SPDX-License-Identifier: MIT
"""`run` with a controlling terminal, as under `docker run -it`."""

import fcntl
import os
import re
import select
import signal
import struct
import termios
import threading

from case import BIN, environment, procfs, wait_until
from inits import OURS, PROGRAM, PYTHON, REFUSED, RIVALS, InitCase

INTERRUPT, SUSPEND, END = b"\x03", b"\x1a", b"\x04"
SHELL = ["/bin/bash", "--norc", "--noprofile", "-i"]


class Terminal:
    """A terminal, and somebody who types and reads."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        self.text = ""
        self.seen = 0
        self.over = False
        modes = termios.tcgetattr(self.slave)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        """Take all that is printed, until there is nobody left."""
        while not self.over:
            try:
                if not select.select([self.master], [], [], 0.05)[0]:
                    continue
                data = os.read(self.master, 4096)
            except OSError:
                return
            self.text += data.decode("utf-8", "replace")

    def type(self, data):
        """Type something."""
        os.write(self.master, data)

    def wait(self, pattern, timeout=15):
        """Wait for more text that matches; what comes before is past."""
        def look():
            found = re.search(pattern, self.text[self.seen:])
            if found:
                self.seen += found.end()
            return found
        try:
            return wait_until(look, pattern, timeout)
        except AssertionError as error:
            raise AssertionError("%s in %r" % (error, self.text)) from None

    def set_flag(self, index, flag):
        """Set a mode."""
        modes = termios.tcgetattr(self.slave)
        modes[index] |= flag
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)

    def foreground(self):
        """Return the group that is in front."""
        return os.tcgetpgrp(self.master)

    def resize(self, rows, columns):
        """Change the size of the window."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def close(self):
        """Hang up."""
        self.over = True
        self.thread.join(5)
        for end in (self.slave, self.master):
            if end >= 0:
                os.close(end)
        self.slave = self.master = -1


class OnTerminal(InitCase):
    """PID 1 leads a session with a terminal."""

    def setUp(self):
        super().setUp()
        self.terminal = Terminal()
        self.addCleanup(self.finish)

    def finish(self):
        """End what is on it, then hang up."""
        self.drop()
        self.terminal.close()

    def on(self, name, command, *flags):
        """Start a command under an init."""
        env = environment(TERM="dumb", **({} if name == "node" else REFUSED))
        argv = RIVALS.get(name, [BIN, "run"] + list(flags) + ["--"])
        return self.start(argv + command, self.probe_root(), env,
                          terminal=self.terminal.slave)

    def renew(self):
        """Another terminal for the next init."""
        self.finish()
        self.terminal = Terminal()

    def test_job_control(self):
        """A shell has it: ^Z, jobs, fg, ^C; its status is passed on."""
        for name in ("node", "tini", "dumb-init"):
            if name in RIVALS and not os.path.exists(RIVALS[name][0]):
                continue
            with self.subTest(init=name):
                self.renew()
                self.check_shell(self.on(name, SHELL), name)
        self.assert_account_empty()

    def check_shell(self, held, name):
        """Use a shell as people do."""
        screen = self.terminal
        if name == "node":
            screen.wait("is up")
        screen.type(b"echo flags=$-.\n")
        self.assertIn("m", screen.wait(r"flags=([a-zA-Z]+)\.").group(1))
        screen.type(b"sleep 77\n")
        pid = wait_until(lambda: held.find("sleep"), "sleep")[0]
        wait_until(lambda: screen.foreground() == os.getpgid(pid), "front")
        screen.type(SUSPEND)
        screen.wait("Stopped +sleep 77")
        screen.type(b"fg\n")
        wait_until(lambda: procfs.status(pid)["State"][0] == "S", "sleep")
        wait_until(lambda: screen.foreground() == os.getpgid(pid), "front")
        screen.type(INTERRUPT)
        wait_until(lambda: not held.find("sleep"), "the end of sleep")
        screen.type(b"echo after=$?.\n")
        screen.wait(r"after=130\.")
        screen.type(b"exit 5\n")
        self.assertEqual(held.wait(), 5)

    def test_typed_signals(self):
        """^C, ^\\ and a new size reach the application once each, from the
        terminal: init is not in its group, and goes on."""
        held = self.on("node", PYTHON + ["signals"])
        self.terminal.wait("is up")
        for data, number in ((INTERRUPT, signal.SIGINT),
                             (b"\x1c", signal.SIGQUIT),
                             (SUSPEND, signal.SIGTSTP)):
            self.terminal.type(data)
            self.terminal.wait(r"(?m)^%d\r$" % number)
        self.terminal.resize(33, 99)
        self.terminal.wait(r"(?m)^%d\r$" % signal.SIGWINCH)
        held.signal(signal.SIGWINCH)
        self.terminal.wait(r"(?m)^%d\r$" % signal.SIGWINCH)
        held.signal(signal.SIGUSR1)
        self.terminal.wait(r"(?m)^%d\r$" % signal.SIGUSR1)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
            self.assertEqual(len(re.findall(r"(?m)^%d\r$" % number,
                                            self.terminal.text)), 1)
        self.assertEqual(len(self.aws.nodes()), 1)
        held.signal(signal.SIGTERM)
        self.terminal.wait("is removed")

    def test_interrupted(self):
        """An application that ^C ends takes the node with it."""
        held = self.on("node", ["/bin/sleep", "60"])
        self.terminal.wait("is up")
        self.terminal.type(INTERRUPT)
        self.assertEqual(held.wait(), 130)
        self.assert_clean(held.root)

    def test_reads_and_writes(self):
        """Lines go in and come out, to the end of input."""
        held = self.on("refused", ["/usr/bin/tac"])
        wait_until(lambda: held.find("tac"), "CMD")
        self.terminal.type(b"one\ntwo\n" + END)
        self.terminal.wait("two\r\none\r\n")
        self.assertEqual(held.wait(), 0)

    def test_background_writes(self):
        """`stty tostop` does not stop us when we log."""
        self.terminal.set_flag(3, termios.TOSTOP)
        held = self.on("node", ["/bin/sleep", "60"])
        self.terminal.wait("is up")
        self.terminal.wait("is online")
        self.wait_asleep(held)
        pid = held.find("sleep")[0]
        self.assertEqual(self.terminal.foreground(), os.getpgid(pid))
        self.assertNotEqual(os.getpgid(held.pid1), os.getpgid(pid))

    def test_hang_up(self):
        """The terminal goes: the application is told, and we clean up."""
        held = self.on("node", ["/bin/sleep", "60"])
        self.terminal.wait("is up")
        self.terminal.close()
        self.assertEqual(held.wait(), 128 + signal.SIGHUP)
        self.assert_clean(held.root)

    def test_user(self):
        """--user: the terminal's front is that user's as well."""
        held = self.on("node", SHELL, "--user", "65534:65534")
        self.terminal.wait("is up")
        self.terminal.type(b"id -u; echo flags=$-.\n")
        self.terminal.wait("65534")
        self.assertIn("m", self.terminal.wait(r"flags=([a-zA-Z]+)\.")
                      .group(1))
        self.terminal.type(b"exit\n")
        self.assertEqual(held.wait(), 0)

    def test_without_input(self):
        """Only standard input counts: with another the application stays
        behind, and what is typed comes through us."""
        held = self.start(
            ["/bin/sh", "-c", "exec %s </dev/null" % " ".join(
                OURS + PYTHON + ["signals"])], self.probe_root(),
            environment(**REFUSED), terminal=self.terminal.slave)
        self.terminal.wait("ready")
        pid = held.find(PROGRAM)[0]
        self.assertEqual(self.terminal.foreground(), os.getpgid(held.pid1))
        self.assertEqual(os.getpgid(pid), pid)
        self.terminal.type(INTERRUPT)
        self.terminal.wait(r"(?m)^%d\r$" % signal.SIGINT)
        self.wait_asleep(held)
