# SPDX-License-Identifier: MIT
"""Containers for demo and live: namespaces, a root folder, a first process."""

import os
import re
import subprocess
import threading
import time

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unexpected(Exception):
    """The demo did not go as it should."""


def wait_until(question, seconds, what, pause=0.02):
    """Ask until the answer is true and return it; fail after a time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Unexpected("%s: not within %d seconds" % (what, seconds))
        time.sleep(pause)


class Output:
    """Prints the lines of a pipe as they come, and remembers them."""

    def __init__(self, pipe, printer):
        self.lines = []
        self.printer = printer
        self.pipe = pipe
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        with self.pipe:
            for raw in self.pipe:
                line = raw.decode(errors="replace").rstrip("\n")
                self.printer(line)
                self.lines.append(line)

    def find(self, pattern):
        """Return the first match in the lines so far, or None."""
        found = (re.search(pattern, line) for line in list(self.lines))
        return next(filter(None, found), None)


class Container:
    """One container; ends with the block that it is used in.

    The words are a script that makes the root folder and becomes the first
    process, and its arguments.
    """

    def __init__(self, words, env, printer):
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child",
             "--"] + words,
            env=dict({"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"},
                     **env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.output = Output(self.process.stdout, printer)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.output.thread.join(5)

    def init(self):
        """Return the pid, as we see it, of what is PID 1 in there."""
        with open("/proc/%d/task/%d/children" % (
                self.process.pid, self.process.pid),
                encoding="ascii") as file:
            children = file.read().split()
        if len(children) != 1:
            raise Unexpected("the container has no first process")
        return int(children[0])

    def signal(self, number):
        """Signal PID 1, as `docker stop` and ECS do."""
        os.kill(self.init(), number)

    def run(self, argv):
        """Run a command in there and return its output, at most 15 s."""
        pid = str(self.init())
        done = subprocess.run(
            ["nsenter", "--target", pid, "--mount", "--uts", "--pid",
             "--root=/proc/%s/root" % pid, "--wd=/", "--"] + argv,
            env={"PATH": PATH}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=15)
        return done.stdout.decode(errors="replace").splitlines()

    def file(self, path):
        """Return the lines of a file in there."""
        with open("/proc/%d/root%s" % (self.init(), path),
                  encoding="utf-8") as file:
            return file.read().splitlines()

    def wait_line(self, pattern, seconds=20):
        """Wait until it prints a line that matches."""
        def question():
            found = self.output.find(pattern)
            if found is None and self.process.poll() is not None:
                self.output.thread.join(1)
                if self.output.find(pattern) is None:
                    raise Unexpected("the container ended with %d too early"
                                     % self.process.returncode)
            return found
        return wait_until(question, seconds, "a line like '%s'" % pattern)

    def end(self, seconds=20):
        """Wait for its end and return its status, all output printed."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Unexpected("the container does not end") from None
        self.output.thread.join(5)
        return status
