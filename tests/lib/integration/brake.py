# SPDX-License-Identifier: MIT
"""Stops a process between two of its files, from outside.

What is started through a Brake inherits a filter of system calls: fsync(2)
and unlink(2), one of which follows every file that the program puts in place
or takes away, wait for us.  We let them go on, except the first one after a
condition on the files has come true: that process stands still until it is
told to go on.  It can be killed meanwhile, as at any other moment.
"""

import ctypes
import errno
import fcntl
import os
import platform
import queue
import random
import select
import struct
import threading

import procfs

# By machine: AUDIT_ARCH, then the numbers of seccomp, fsync and the unlinks.
NUMBERS = {"x86_64": (0xc000003e, 317, (74, 87, 263)),
           "aarch64": (0xc00000b7, 277, (82, 35))}
# Calls that may be interrupted while they wait (signal(7)): reads, writes,
# polls, those of sockets; read and fsync alone.
INTERRUPTED = {"x86_64": (0, 1, 7, 20, 44, 45, 46, 47, 271, 288),
               "aarch64": (63, 64, 66, 73, 206, 207, 211, 212, 242)}
READ = {"x86_64": (0,), "aarch64": (63,)}
FSYNC = {"x86_64": (74,), "aarch64": (82,)}
SET_MODE_FILTER, NEW_LISTENER = 1, 8
RET_ALLOW, RET_USER_NOTIF = 0x7fff0000, 0x7fc00000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
RECEIVE, SEND = 0xc0502100, 0xc0182101
GO_ON = 1
# struct seccomp_notif: id, pid; the rest is not looked at.
NOTICE, NOTICE_SIZE = struct.Struct("=QI"), 80
ANSWER = struct.Struct("=QqiI")
POLL_MS = 200


def filter_program(calls=None):
    """Return the filter: these calls are announced, all others allowed."""
    arch, _, usual = NUMBERS[platform.machine()]
    calls = calls or usual
    code = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 0, len(calls) + 1, arch),
            (LOAD, 0, 0, 0)]
    code += [(JUMP_EQUAL, len(calls) - index, 0, number)
             for index, number in enumerate(calls)]
    code += [(RETURN, 0, 0, RET_ALLOW), (RETURN, 0, 0, RET_USER_NOTIF)]
    return b"".join(struct.pack("=HBBI", *one) for one in code)


def install_filter(calls=None):
    """Filter the calling thread and all that it starts; return the
    descriptor at which the calls are announced."""
    code = filter_program(calls)
    held = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    number = NUMBERS[platform.machine()][1]
    made = libc.syscall(number, SET_MODE_FILTER, NEW_LISTENER,
                        ctypes.c_char_p(program))
    if made < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return made


class Brake:
    """One filter, for all that `call` starts."""

    calls = None

    def __init__(self):
        self.lock = threading.Lock()
        self.condition = None
        self.stopped = threading.Event()
        self.held = None
        self.work = queue.Queue()
        self.listener = None
        self.error = None
        ready = threading.Event()
        threading.Thread(target=self._start, args=(ready,),
                         daemon=True).start()
        ready.wait()
        if self.error is not None:
            raise self.error
        threading.Thread(target=self._watch, daemon=True).start()

    def _start(self, ready):
        """The one thread with the filter: it starts what it is given."""
        try:
            self.listener = install_filter(self.calls)
        except OSError as error:
            self.error = error
        ready.set()
        while self.error is None:
            self.work.get()()

    def call(self, function):
        """Call a function in the thread with the filter."""
        results = queue.Queue()

        def run():
            try:
                results.put((function(), None))
            except Exception as error:
                results.put((None, error))
        self.work.put(run)
        result, error = results.get()
        if error is not None:
            raise error
        return result

    def arm(self, condition):
        """Stop the first process at a call after this has come true."""
        self.release()
        with self.lock:
            self.condition = condition
            self.stopped.clear()

    def release(self):
        """Let it go on, and stop nobody else."""
        with self.lock:
            held, self.held, self.condition = self.held, None, None
        if held is not None:
            self._let_go(held)

    def _watch(self):
        """Take what is announced, for as long as there is a process."""
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        while True:
            for _, events in poll.poll(POLL_MS):
                if events & select.POLLIN:
                    self._take()

    def _take(self):
        """Take one call: let it go on, or keep it."""
        notice = bytearray(NOTICE_SIZE)
        try:
            fcntl.ioctl(self.listener, RECEIVE, notice)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return
            raise
        ident, pid = NOTICE.unpack_from(notice)
        self._decide(ident, pid)

    def _decide(self, ident, _):
        """Let the call go on, or keep it."""
        with self.lock:
            if self.condition is not None and self.condition():
                self.condition = None
                self.held = ident
                self.stopped.set()
                return
        self._let_go(ident)

    def _let_go(self, ident):
        """Let the kernel carry out the call; it may be gone meanwhile."""
        try:
            fcntl.ioctl(self.listener, SEND, ANSWER.pack(ident, 0, 0, GO_ON))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise


class Reads(Brake):
    """The same for read(2)."""

    calls = READ.get(platform.machine())


class Slow(Brake):
    """A disk on which each fsync(2) takes so many seconds."""

    calls = FSYNC.get(platform.machine())

    def __init__(self, seconds):
        self.seconds = seconds
        super().__init__()

    def _decide(self, ident, _):
        threading.Timer(self.seconds, self._let_go, [ident]).start()


class Interrupting(Brake):
    """A machine on which one of three of those calls of a process of ours is
    interrupted: by chance, since a poll and a read in turn would never end."""

    calls = INTERRUPTED.get(platform.machine())

    def __init__(self):
        self.chance = random.Random(1)
        super().__init__()

    def _decide(self, ident, pid):
        if procfs.program(pid) != "ssm-activate" or self.chance.random() > 1 / 3:
            self._let_go(ident)
            return
        try:
            fcntl.ioctl(self.listener, SEND, ANSWER.pack(
                ident, 0, -errno.EINTR, 0))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise


def usable():
    """Tell whether kernel and machine can do this; a child tries it."""
    if platform.machine() not in NUMBERS:
        return False
    pid = os.fork()
    if pid == 0:
        try:
            os.close(install_filter())
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0
