# SPDX-License-Identifier: MIT
"""Runs a program and notes the memory of each of its processes at its end.

The kernel stops a traced process before it gives up its memory
(PTRACE_EVENT_EXIT); its VmHWM is then read from /proc. So nothing that lives
for a millisecond only is missed, and the program under test is unchanged.
"""

import ctypes
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
TRACEME, CONT, SETOPTIONS = 0, 7, 0x4200
# Children by fork, vfork and clone; exec; exit; and end with the tracer.
OPTIONS = 0x2 | 0x4 | 0x8 | 0x10 | 0x40 | 0x100000
EVENT_EXIT = 6
ALL_CHILDREN = 0x40000000


def ptrace(request, pid, data=0):
    """Make the call; a process that is gone meanwhile is no error."""
    return LIBC.ptrace(request, pid, 0, data)


def status_fields(pid):
    """Return the fields of /proc/PID/status."""
    with open("/proc/%d/status" % pid, encoding="utf-8") as lines:
        pairs = (line.partition(":") for line in lines)
        return {name: text.strip() for name, _, text in pairs}


def describe(pid):
    """Return what is noted of a process that is about to end."""
    fields = status_fields(pid)
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        argv = file.read().split(b"\0")[:-1]
    return {"pid": pid, "parent": int(fields["PPid"]),
            "exe": os.path.basename(os.readlink("/proc/%d/exe" % pid)),
            "name": fields["Name"], "uid": int(fields["Uid"].split()[0]),
            "argv": [word.decode("utf-8", "replace") for word in argv],
            "peak": int(fields.get("VmHWM", "0").split()[0])}


def start(argv, env, root):
    """Start the program in a root, stopped at its first instruction."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        ptrace(SETOPTIONS, pid, OPTIONS)
        return pid
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        os.chroot(root)
        os.chdir("/")
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execve(argv[0], argv, env)
    finally:
        os._exit(127)


def trace(argv, env, root):
    """Run it to the end of its last process; return what was noted."""
    ended, living = [], set()
    pid = start(argv, env, root)
    living.add(pid)
    ptrace(CONT, pid)
    while living:
        pid, status = os.waitpid(-1, ALL_CHILDREN)
        if os.WIFSTOPPED(status):
            handle(pid, status, living, ended)
        else:
            living.discard(pid)
    return ended


def handle(pid, status, living, ended):
    """Let a stopped process go on, with the signal that was meant for it."""
    number, event = os.WSTOPSIG(status), status >> 16
    if event == EVENT_EXIT:
        ended.append(describe(pid))
    first = pid not in living
    living.add(pid)
    if event or (first and number == signal.SIGSTOP):
        number = 0
    ptrace(CONT, pid, number)
