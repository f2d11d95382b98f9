# SPDX-License-Identifier: MIT
"""One container: mount, pid, uts and ipc namespaces on a root of its own."""

import os
import re
import signal
import subprocess
import time

import place
import procfs

UNSHARE = ["/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child",
           "--uts", "--ipc"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_TIMEOUT = 20.0
WAIT = 15.0
# SSM_ACTIVATE_AGENT of containers that are given none; None = unset.
agent = None


class Timeout(AssertionError):
    """Something did not happen in time."""


def wait_until(condition, what, timeout=WAIT):
    """Wait for a condition; return its first true value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Timeout("not within %g s: %s" % (timeout, what))
        time.sleep(0.01)


def environment(task=False, **more):
    """Return a container's environment; None takes a variable out."""
    aws = place.current.aws
    base = {"PATH": PATH, "SSM_ACTIVATE": "true", "HOME": "/root",
            "AWS_REGION": place.REGION, "AWS_CA_BUNDLE": "/aws.pem",
            "SSM_ACTIVATE_AGENT": agent}
    if task:
        base.update(aws.task_env)
        base["AWS_CA_BUNDLE"] = "/aws.pem"
        base.pop("AWS_ENDPOINT_URL", None)
    else:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            base[name] = aws.env[name]
    base.update(more)
    return {name: value for name, value in base.items() if value is not None}


class Container:
    """A program as PID 1; output goes to files beside the root."""

    made = 0

    def __init__(self, root, argv, env=None, strace=None, stdin=None,
                 terminal=None, workdir="/"):
        Container.made += 1
        self.root = root
        self.argv = argv
        self.env = environment() if env is None else env
        self.outer = None
        self.pid1 = None
        self.strace = strace
        self.stdin = subprocess.DEVNULL if stdin is None else stdin
        self.terminal = terminal
        self.workdir = workdir
        self.ended_after = None
        self.base = os.path.join(root.folder, "container-%d" % Container.made)

    def start(self):
        """Start it and wait until PID 1 is the program."""
        argv = UNSHARE + ["--root=" + self.root.path, "--mount-proc",
                          "--wd=" + self.workdir, "--"] + self.argv
        if self.terminal is not None:
            return self.start_on_terminal(argv)
        if self.strace:
            argv = ["/usr/bin/strace", "-f", "-o", self.strace] + argv
        with open(self.base + ".out", "wb") as out, \
                open(self.base + ".err", "ab") as err:
            self.outer = subprocess.Popen(
                argv, env=self.env, stdin=self.stdin, stdout=out,
                stderr=err, start_new_session=True)
        if not self.strace:
            self.pid1 = wait_until(self.find_pid1, "PID 1 of the container",
                                   START_TIMEOUT)
        return self

    def start_on_terminal(self, argv):
        """Start it as `docker run -it` does: PID 1 leads a session, whose
        terminal is its 0, 1 and 2."""
        place_of_command = argv.index("--") + 1
        argv[place_of_command:place_of_command] = ["/usr/bin/setsid",
                                                   "--ctty"]
        self.outer = subprocess.Popen(
            argv, env=self.env, stdin=self.terminal, stdout=self.terminal,
            stderr=self.terminal, start_new_session=True)
        self.pid1 = wait_until(self.find_pid1, "PID 1 of the container",
                               START_TIMEOUT)
        return self

    def find_pid1(self):
        """Return the pid, outside, of PID 1; -1 when it is over already."""
        if self.outer.poll() is not None:
            return -1
        for pid in procfs.children(self.outer.pid):
            if procfs.program(pid) not in ("", "unshare", "setsid"):
                return pid
        return None

    def signal(self, number):
        """Send PID 1 a signal, as docker stop does."""
        if self.pid1 <= 0:
            # A pid of -1 would be every process of the machine.
            raise Timeout("it ended before it could be signalled:\n"
                          + self.err)
        os.kill(self.pid1, number)

    def wait(self, timeout=WAIT):
        """Wait for its end; return PID 1's exit status (128+N by signal)."""
        began = time.monotonic()
        try:
            status = self.outer.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Timeout("the container still runs after %g s" % timeout) \
                from None
        self.ended_after = time.monotonic() - began
        return status if status >= 0 else 128 - status

    def kill(self):
        """End it as `docker kill` does; everything in it goes with it."""
        if self.outer is None:
            return
        if self.outer.poll() is None:
            if self.pid1 and self.pid1 > 0:
                try:
                    os.kill(self.pid1, signal.SIGKILL)
                    self.outer.wait(10)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    pass
            if self.outer.poll() is None:
                self.outer.kill()
        self.outer.wait(10)

    def enter(self, argv, env=None, timeout=WAIT, uid=None, below=(),
              **options):
        """Run another program in it, as docker exec does; below: what that is
        started by, outside."""
        words = [*below, "/usr/bin/nsenter", "--target", str(self.pid1), "--mount",
                 "--pid", "--uts", "--ipc", "--root", "--wd=/"]
        if uid is not None:
            words += ["--setuid=%d" % uid, "--setgid=%d" % uid]
        words.append("--")
        return subprocess.run(words + argv, env=self.env if env is None
                              else env, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=timeout,
                              check=False, **options)

    def program(self, *words, env=None, timeout=WAIT):
        """Run ssm-activate in it."""
        return self.enter(["/usr/local/bin/ssm-activate"] + list(words), env,
                          timeout)

    def processes(self):
        """Return {pid: program file} of all but PID 1."""
        return {pid: procfs.program(pid) or procfs.status(pid).get("Name")
                for pid in procfs.descendants(self.pid1)}

    def find(self, name):
        """Return the pids of a program in it."""
        return sorted(pid for pid, found in self.processes().items()
                      if found == name)

    def keepers(self):
        """Return the pids of keepers below PID 1, without their workers."""
        ours = self.find("ssm-activate")
        return [pid for pid in ours
                if int(procfs.status(pid).get("PPid", 0)) not in ours]

    def read(self, which):
        """Return what it wrote to standard output or error so far."""
        try:
            with open(self.base + which, encoding="utf-8",
                      errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    @property
    def out(self):
        """What it wrote to standard output."""
        return self.read(".out")

    @property
    def err(self):
        """What it wrote to standard error."""
        return self.read(".err")

    def wait_line(self, pattern, timeout=WAIT):
        """Wait for a line on standard error; return the match."""
        def look():
            match = re.search(pattern, self.err)
            if match is None and self.outer.poll() is not None:
                match = re.search(pattern, self.err)
                if match is None:
                    raise Timeout("ended without a line like %r:\n%s"
                                  % (pattern, self.err))
            return match
        return wait_until(look, "a line like %r" % pattern, timeout)
