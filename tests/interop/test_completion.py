# SPDX-License-Identifier: MIT
"""Completion in the shells themselves: what bash, zsh and fish offer is what
the program's help lists.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.environ.get("SSM_ACTIVATE_BIN") or
                          os.path.join(TOP, "build", "ssm-activate"))
WAIT = 20
END = "@@@"
PROMPT = "$>"


def program(*argv):
    """Return what the program prints."""
    return subprocess.run([PROGRAM, *argv], check=True, text=True,
                          capture_output=True, timeout=WAIT).stdout


def commands():
    """Return the commands that the help lists."""
    part = program("help").partition("commands:\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^  (\w+)", part, re.M))


def flags(command):
    """Return the flags that the help of a command lists."""
    return set(re.findall(r"^  (--[a-z-]+)", program("help", command), re.M))


class Shell:
    """What every shell has to offer; a class below for each."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(self.folder + "/a-folder")
        for name in ("a-file", "a-folder/in"):
            with open(os.path.join(self.folder, name), "w",
                      encoding="utf-8"):
                pass
        self.script = os.path.join(self.folder, self.name)
        with open(self.script, "w", encoding="utf-8") as file:
            file.write(program("completion", self.shell))

    def run_shell(self, argv, **more):
        """Return what a shell prints; it must not complain."""
        done = subprocess.run(argv, capture_output=True, text=True,
                              timeout=WAIT, check=True, cwd=self.folder,
                              stdin=subprocess.DEVNULL, **more)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_commands(self):
        """All, at the beginning."""
        self.assertEqual(self.offered(""), commands())
        self.assertEqual(self.offered("ver"), {"version"})

    def test_flags(self):
        """Those of the command, and of no other."""
        for command in sorted(commands() - {"help"}):
            with self.subTest(command=command):
                found = {word.partition("=")[0]
                         for word in self.offered(command + " --")}
                self.assertEqual(found, flags(command))

    def test_values(self):
        """The words that a flag takes."""
        self.assertEqual(self.offered("run --log "),
                         {"error", "warn", "info", "debug"})
        self.assertEqual(self.offered("up --registrar a"), {"agent"})

    def test_nothing_to_offer(self):
        """A flag whose value is free."""
        self.assertEqual(self.offered("run --ttl "), set())

    def test_operands(self):
        """The words that a command takes."""
        self.assertEqual(self.offered("completion z"), {"zsh"})
        self.assertEqual(self.offered("api s"), {"ssm", "sts"})
        self.assertEqual(self.offered("help st"), {"status"})

    def test_files_and_folders(self):
        """Where a flag takes one."""
        self.assertEqual({word.rstrip("/") for word in
                          self.offered("run --code-file a-f")},
                         {"a-file", "a-folder"})
        self.assertEqual({word.rstrip("/") for word in
                          self.offered("run --state-dir a-f")}, {"a-folder"})

    def test_command_of_the_system(self):
        """After run: one that the system has."""
        self.assertIn("mktemp", self.offered("run -- mktem"))


class Bash(Shell, unittest.TestCase):
    """The function is called as readline would."""

    shell = name = "bash"

    def offered(self, line):
        """Return the words that are offered at the end of a line."""
        words = ["ssm-activate"] + line.split(" ")
        return set(self.run_shell(
            ["bash", "--norc", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); '
             'COMP_CWORD=$(($# - 1)); $(complete -p ssm-activate | '
             'sed "s/.*-F \\([a-z_]*\\) .*/\\1/"); '
             '[ "${#COMPREPLY[@]}" -eq 0 ] || '
             'printf "%s\\n" "${COMPREPLY[@]}"',
             "bash", self.script] + words).split())


class Fish(Shell, unittest.TestCase):
    """fish tells by itself what it would offer."""

    shell, name = "fish", "ssm-activate.fish"

    def offered(self, line):
        """Return the words that are offered at the end of a line."""
        said = self.run_shell(
            ["fish", "--no-config", "-c",
             'source $argv[1]; complete -C "ssm-activate $argv[2]"',
             self.script, line],
            env=dict(os.environ, HOME=self.folder))
        return {row.partition("\t")[0] for row in said.splitlines()}


class Zsh(Shell, unittest.TestCase):
    """zsh lists what it would offer, on a terminal."""

    shell, name = "zsh", "_ssm-activate"
    # What is offered is listed, then the line is emptied, all by one key.
    START = ("unset zle_bracketed_paste; LISTMAX=0; "
             "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; "
             "zstyle ':completion:*' verbose no; "
             "offer() { zle list-choices; zle -R; BUFFER=; zle -I; "
             "print @@''@; }; zle -N offer; bindkey '^D' offer; "
             "stty -echo; PS1='$''>'\n")

    def setUp(self):
        super().setUp()
        self.shown = ""
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"],
                       {"PATH": os.environ["PATH"], "TERM": "dumb",
                        "HOME": self.folder, "COLUMNS": "200"})
        self.addCleanup(os.waitpid, pid, 0)
        self.addCleanup(os.close, self.terminal)
        self.say(self.START)
        self.hear(PROMPT)

    def say(self, text):
        """Type something."""
        os.write(self.terminal, text.encode())

    def hear(self, end):
        """Return what is shown up to a text; what follows waits."""
        until = time.monotonic() + WAIT
        while end not in self.shown:
            ready, _, _ = select.select(
                [self.terminal], [], [], max(0, until - time.monotonic()))
            self.assertTrue(ready, self.shown)
            self.shown += os.read(self.terminal, 65536).decode()
        before, _, self.shown = self.shown.partition(end)
        return before

    def offered(self, line):
        """Return the words that are offered at the end of a line."""
        self.say("ssm-activate " + line + "\x04")
        shown = self.hear(END).replace("\r", "\n").replace(PROMPT, "")
        # The line itself is shown, too.
        rows = [row for row in shown.splitlines()
                if not row.startswith("ssm-activate")]
        self.hear(PROMPT)
        return set(" ".join(rows).split())


if __name__ == "__main__":
    unittest.main()
