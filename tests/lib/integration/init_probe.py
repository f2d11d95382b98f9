# SPDX-License-Identifier: MIT
"""The application that the tests of init start: it tells what it finds, or
does one thing.  `init_probe.py MODE [ARG...]`; it needs nothing but Python."""

import ctypes
import json
import os
import resource
import signal
import sys
import time

STATUS = ("SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd",
          "CapAmb", "NoNewPrivs", "Seccomp", "Uid", "Gid", "Groups",
          "Cpus_allowed", "Mems_allowed", "THP_enabled")
LIMITS = [name for name in dir(resource) if name.startswith("RLIMIT_")]
GET_PDEATHSIG, GET_DUMPABLE, GET_TIMERSLACK, GET_SUBREAPER = 2, 3, 30, 37


def say(*words):
    """Print a line at once."""
    print(*words, flush=True)


def read(path):
    """Return the text of a file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def pointer_option(libc, option):
    """Return what prctl writes to where its argument points."""
    value = ctypes.c_int(-1)
    libc.prctl(option, ctypes.byref(value), 0, 0, 0)
    return value.value


def descriptors():
    """Return {number: what it is} of what this process was given."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink("/proc/self/fd/" + name)
        except OSError:
            continue  # the one by which the folder was read
    return {name: path for name, path in found.items()
            if not path.endswith("/fd")}


def state():
    """Return all that a program inherits and can notice."""
    libc = ctypes.CDLL(None)
    fields = dict(line.split(":", 1)
                  for line in read("/proc/self/status").splitlines())
    mask = os.umask(0)
    return {
        "status": {name: fields[name].strip() for name in STATUS
                   if name in fields},
        "limits": {name: resource.getrlimit(getattr(resource, name))
                   for name in LIMITS},
        "umask": mask, "cwd": os.getcwd(), "argv": sys.argv[1:],
        "environment": dict(os.environ),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "scheduler": os.sched_getscheduler(0),
        "oom_score_adj": read("/proc/self/oom_score_adj").strip(),
        "cgroup": read("/proc/self/cgroup"),
        "session": os.getsid(0),
        "personality": libc.personality(0xffffffff),
        "dumpable": libc.prctl(GET_DUMPABLE, 0, 0, 0, 0),
        "timer slack": libc.prctl(GET_TIMERSLACK, 0, 0, 0, 0),
        "death signal": pointer_option(libc, GET_PDEATHSIG),
        "subreaper": pointer_option(libc, GET_SUBREAPER),
        "descriptors": descriptors(),
    }


def tell_state(path):
    """Write the state to a file, since 0, 1 and 2 may be closed."""
    found = state()
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(found, file)
    os.rename(path + ".new", path)


def count_signals():
    """Print the number of each signal that comes, until KILL."""
    every = set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
    signal.pthread_sigmask(signal.SIG_BLOCK, every)
    say("ready")
    while True:
        say(int(signal.sigwait(every)))


def wait_ignoring(*names):
    """Ignore the signals named, and wait for others."""
    for name in names:
        signal.signal(getattr(signal, "SIG" + name), signal.SIG_IGN)
    say("ready")
    while True:
        signal.pause()


def group():
    """Wait as two processes of one group; the second dies of USR1."""
    signal.signal(signal.SIGUSR1, lambda *_: say("parent"))
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        say("ready")
        time.sleep(60)
    _, status = os.waitpid(child, 0)
    say("child ended by", os.WTERMSIG(status))


def leave_child():
    """End, once it is ready, with a child that tells if it is told to end."""
    source, sink = os.pipe()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, lambda *_: say("told"))
        say("ready")
        os.write(sink, b"x")
        while True:
            time.sleep(1)
    os.read(source, 1)


def orphans(count, status):
    """Make orphans in batches, each of which ends in another way; end with
    the status when the word comes on standard input."""
    made = 0
    while made < int(count):
        middle = os.fork()
        if middle == 0:
            for number in range(100):
                if os.fork() == 0:
                    os._exit(number)
            os._exit(0)
        os.waitpid(middle, 0)
        made += 100
    say("made", made)
    sys.stdin.read()
    sys.exit(int(status))


def open_many(first, last, argv):
    """Become a program that inherits descriptors with all these numbers."""
    null = os.open("/dev/null", os.O_RDWR)
    os.set_inheritable(null, True)
    for number in range(int(first), int(last) + 1):
        if number != null:
            os.dup2(null, number, inheritable=True)
    os.execv(argv[0], argv)


def become(setup, *argv):
    """Change what a program inherits, word by word, and become it."""
    many = None
    for word in setup.split(","):
        what, _, value = word.partition("=")
        if what == "close":
            os.close(int(value))
        elif what == "ignore":
            signal.signal(int(value), signal.SIG_IGN)
        elif what == "default":
            signal.signal(int(value), signal.SIG_DFL)
        elif what == "block":
            signal.pthread_sigmask(signal.SIG_BLOCK, {int(value)})
        elif what == "umask":
            os.umask(int(value, 8))
        elif what == "nice":
            os.nice(int(value))
        elif what == "files":
            resource.setrlimit(resource.RLIMIT_NOFILE, (int(value),) * 2)
        elif what == "core":
            resource.setrlimit(resource.RLIMIT_CORE, (int(value),) * 2)
        elif what == "chdir":
            os.chdir(value)
        elif what == "many":
            many = value.split("-")
    if many:
        open_many(*many, list(argv))
    os.execv(argv[0], argv)


def main(mode, *words):
    """Do what the first word says."""
    {"state": tell_state, "signals": count_signals, "ignore": wait_ignoring,
     "group": group, "leave": leave_child, "orphans": orphans,
     "become": become}[mode](*words)


if __name__ == "__main__":
    main(*sys.argv[1:])
