# SPDX-License-Identifier: MIT
"""With the gate off `run` becomes CMD and does nothing before."""

import os
import pty
import re
import subprocess
import tempfile

import place
from case import Case, native

# What the C library's start needs before main.
# mprotect: what was relocated is sealed.
ALLOWED = {"arch_prctl", "set_tid_address", "mprotect", "execve"}
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")


def is_started(line):
    """Tell whether the line is an execve that worked."""
    return " = 0" in line and "execve(" in line


@native("strace shows the calls of the emulator")
class Trace(Case):
    """System calls, as strace shows them."""

    def trace(self, words, **variables):
        """Return names and arguments of the calls from our own execve to
        the one that becomes CMD."""
        with tempfile.NamedTemporaryFile("r") as file:
            env = dict({"PATH": "/nowhere:/usr/bin:/bin"}, **variables)
            done = subprocess.run(
                ["/usr/bin/strace", "-f", "-o", file.name, place.program()]
                + words, env=env, capture_output=True, text=True,
                timeout=30, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr, "")
            lines = file.read().splitlines()
        starts = [n for n, line in enumerate(lines) if is_started(line)]
        self.assertGreaterEqual(len(starts), 2, "\n".join(lines))
        between = lines[starts[0] + 1:starts[1] + 1]
        return [CALL.match(line).groups() for line in between]

    def check(self, words, **variables):
        """Nothing but the C library's start and the search for CMD."""
        calls = self.trace(words, **variables)
        names = [name for name, _ in calls]
        self.assertLessEqual(set(names), ALLOWED, names)
        self.assertLessEqual(names.count("arch_prctl"), 1)
        self.assertLessEqual(names.count("set_tid_address"), 1)
        self.assertEqual(names[-1], "execve")
        return calls

    def test_unset(self):
        """The variable is not there."""
        calls = self.check(["run", "--", "/bin/true"])
        self.assertEqual([name for name, _ in calls].count("execve"), 1)

    def test_false(self):
        """The words for off, and the empty one."""
        for value in ("false", "", "0", "off", "no"):
            with self.subTest(value=value):
                self.check(["run", "--", "/bin/true"], SSM_ACTIVATE=value)

    def test_search(self):
        """A command of PATH: one execve for each folder."""
        calls = self.check(["run", "--", "true"])
        self.assertEqual([name for name, _ in calls].count("execve"), 2)

    def test_other_settings(self):
        """Settings do not matter while it is off, malformed or not."""
        self.check(["run", "--", "/bin/true", "--", "-x"],
                   SSM_ACTIVATE_TIMEOUT="soon", SSM_ACTIVATE_LOG="debug",
                   SSM_ACTIVATE_TLL="8h",
                   AWS_REGION="eu-west-1", SSM_ACTIVATE_REQUIRED="true")

    def test_flag(self):
        """Switched off by the flag."""
        self.check(["run", "--activate=off", "--", "/bin/true"],
                   SSM_ACTIVATE="true")

    def test_descriptors_and_environment(self):
        """CMD has what we were given but for the code, and nothing else."""
        env = {"PATH": os.environ["PATH"], "X": "1", "SSM_ACTIVATE": "false"}
        words = [place.program(), "run", "--", "/bin/sh", "-c",
                 "ls -l /proc/self/fd | wc -l; env | sort"]
        plain = subprocess.run(words[3:], env=env, capture_output=True,
                               timeout=30, check=True)
        ours = subprocess.run(words, env=dict(env, SSM_ACTIVATE_CODE="code"),
                              capture_output=True, timeout=30, check=True)
        self.assertEqual(ours.stdout, plain.stdout)


class Unknown(Case):
    """Variables that are no settings, with the gate on."""

    def said(self, command, **variables):
        """Return the lines that warn of unknown settings; a malformed
        setting keeps everything else from happening."""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [place.program()] + command,
                env=dict({"PATH": "/usr/bin:/bin", "SSM_ACTIVATE": "true",
                          "SSM_ACTIVATE_TIMEOUT": "soon",
                          "SSM_ACTIVATE_STATE_DIR": folder}, **variables),
                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("SSM_ACTIVATE_TIMEOUT=soon", done.stderr)
        return [line for line in done.stderr.splitlines()
                if "is no setting" in line]

    def test_near(self):
        """One that is nearly a setting is named, once, and CMD runs."""
        for command in (["run", "--", "true"], ["up"]):
            with self.subTest(command=command):
                self.assertEqual(
                    self.said(command, SSM_ACTIVATE_TLL="8h"),
                    ["ssm-activate: warn: SSM_ACTIVATE_TLL is no setting; "
                     "did you mean SSM_ACTIVATE_TTL?"])

    def test_far(self):
        """One that is nothing like a setting may be anybody's, and so may
        one with another prefix."""
        self.assertEqual(self.said(
            ["run", "--", "true"], SSM_ACTIVATE_SERVICE_HOST="10.0.0.1",
            SSM_ACTIVATE_PORT_443_TCP="tcp://10.0.0.1:443",
            SSM_ACTIVATES_TLL="8h", SSM_INSTANCE_NAM="x",
            SSM_ACTIVATE_="x"), [])


class Next(Case):
    """What `status` says to a person, and to a program."""

    def status(self, **variables):
        """Return the lines on a terminal, and through a pipe."""
        words = [place.program(), "status"]
        with tempfile.TemporaryDirectory() as folder:
            env = dict({"PATH": "/usr/bin:/bin",
                        "SSM_ACTIVATE_STATE_DIR": folder}, **variables)
            piped = subprocess.run(words, env=env, capture_output=True,
                                   text=True, timeout=60, check=True)
            ours, theirs = pty.openpty()
            with open(ours, "rb", buffering=0) as terminal:
                subprocess.run(words, env=env, stdout=theirs, timeout=60,
                               check=True)
                os.close(theirs)
                shown = terminal.read(4096).decode()
        return shown.splitlines(), piped.stdout.splitlines()

    def test_next(self):
        """One line more on a terminal: what to do."""
        self.assertEqual(self.status(), ([
            "off",
            "next     set SSM_ACTIVATE=true for the container, start it anew"],
            ["off"]))
        self.assertEqual(self.status(SSM_ACTIVATE="true"), ([
            "down", "next     ssm-activate up, or start the container anew"],
            ["down"]))
        self.assertEqual(self.status(
            SSM_ACTIVATE="true", SSM_ACTIVATE_STATE_DIR="/nowhere/state"), ([
                "down", "next     look at the container's log: without a state "
                "directory no keeper can be asked"], ["down"]))
