# SPDX-License-Identifier: MIT
"""What /proc shows of processes, read from outside their container."""

import os
import threading


def read(pid, name):
    """Return a file of a process as bytes; b"" when it is gone."""
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as file:
            return file.read()
    except OSError:
        return b""


def children(pid):
    """Return the pids of a process's children."""
    found = []
    try:
        tasks = os.listdir("/proc/%d/task" % pid)
    except OSError:
        return found
    for task in tasks:
        found += [int(word) for word in
                  read(pid, "task/%s/children" % task).split()]
    return found


def descendants(pid):
    """Return the pids of all that come from a process, itself left out."""
    found, left = [], children(pid)
    while left:
        one = left.pop()
        found.append(one)
        left += children(one)
    return found


def program(pid):
    """Return the name of a process's program file, or "" when gone."""
    try:
        return os.path.basename(os.readlink("/proc/%d/exe" % pid))
    except OSError:
        return ""


def argv(pid):
    """Return the arguments of a process."""
    return [word.decode("utf-8", "replace")
            for word in read(pid, "cmdline").split(b"\0")[:-1]]


def environ(pid):
    """Return the environment of a process as it is in its memory now."""
    pairs = (word.partition(b"=") for word in
             read(pid, "environ").split(b"\0") if b"=" in word)
    return {name.decode(): value.decode("utf-8", "replace")
            for name, _, value in pairs}


def status(pid):
    """Return the fields of /proc/PID/status; {} when it is gone."""
    pairs = (line.partition(":") for line in
             read(pid, "status").decode("utf-8", "replace").splitlines())
    return {name: text.strip() for name, _, text in pairs}


def uids(pid):
    """Return its four uids, as numbers; [] when it is gone."""
    return [int(word) for word in status(pid).get("Uid", "").split()]


def is_zombie(pid):
    """Tell whether a process only waits to be reaped."""
    return status(pid).get("State", "").startswith("Z")


def descriptors(pid):
    """Return the open descriptors of a process and what they are."""
    found = {}
    folder = "/proc/%d/fd" % pid
    try:
        names = os.listdir(folder)
    except OSError:
        return found
    for name in names:
        try:
            found[int(name)] = os.readlink(os.path.join(folder, name))
        except OSError:
            continue
    return found


class Sampler(threading.Thread):
    """Notes, all the time, what the processes below one show in /proc.

    `seen` holds (file, program, content) of cmdline and environ, each once.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.over = threading.Event()
        self.seen = set()
        self.rounds = 0

    def run(self):
        """Sample until told to stop."""
        while not self.over.is_set():
            for pid in descendants(self.pid):
                self.note(pid)
            self.rounds += 1

    def note(self, pid):
        """Note one process; a change of program in between is no harm."""
        before = program(pid)
        for name in ("cmdline", "environ"):
            content = read(pid, name)
            if content and before == program(pid):
                self.seen.add((name, before, content))

    def stop(self):
        """Stop and return what was seen."""
        self.over.set()
        self.join(10)
        return self.seen
