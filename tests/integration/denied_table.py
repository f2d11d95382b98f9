# SPDX-License-Identifier: MIT
"""Which system calls policies deny, and what comes of that.

A row is one call, or a few that stand for each other in different C
libraries or on different processors. There are none of `execve`, `close` and
`wait4`: no program gets anywhere without these.
"""

import collections

# calls: their names.  index: which argument must be `value` for that; -1:
# whatever they are.  expected: what comes of it with each of ERRORS.  line:
# what is said of it, in one line.
Row = collections.namedtuple("Row", "calls index value expected line")

ERRORS = ("ENOSYS", "EPERM")
NODE = "a node"
ONLINE = "a node, and its agent's log is read"
NONE = "no node"
NO_INIT = "CMD is PID 1"
REFUSED = "no CMD: it cannot be what --user says"
SILENT = "no log"

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
F_SETFD, F_SETFL, F_SETLK, F_OFD_SETLK = 2, 4, 6, 37
TIOCSPGRP, TIOCGWINSZ = 0x5410, 0x5413
PDEATHSIG, GET_PDEATHSIG, DUMPABLE, CAPBSET_DROP = 1, 2, 4, 24
SUBREAPER, NO_NEW_PRIVS, CAP_AMBIENT = 36, 38, 47


def row(calls, expected, line=None, index=-1, value=0, eperm=None):
    """Return one row; eperm: where that answer has another outcome."""
    return Row(calls, index, value,
               {"ENOSYS": expected, "EPERM": eperm or expected}, line)


def rows(calls, expected, line=None, index=-1, values=(0,)):
    """Return the rows of calls, or of values of an argument, that are
    alike."""
    return [row(call, expected, line, index, value)
            for call in calls.split() for value in values]


PRIVATE = "a worker is not kept from "
LOOKED_AT = "agent's log is looked at every"
NO_SESSIONS = "sessions fail until there is a user ssm-user"
PRIVILEGES = "cannot give up privileges: "
SIGNALS = "signals: "

# What is not missed, or can be done in another way.
SAME = rows(
    "close_range prlimit64 statx accept4 setpriority madvise "
    "clock_nanosleep,nanosleep getdents64 setsockopt getsockname "
    "readlink,readlinkat uname ioctl setuid setgroups setresuid setresgid "
    "getresuid getresgid setpgid brk munmap mprotect getegid getgid getuid "
    "getsid setsid getgroups rt_sigtimedwait setgid lseek writev", NODE)
SAME += rows("prctl", NODE, None, 0,
             (GET_PDEATHSIG, CAPBSET_DROP, SUBREAPER, CAP_AMBIENT))
SAME += rows("socket", NODE, None, 0, (AF_INET6,))
SAME += rows("fcntl", NODE, None, 1, (F_SETFD, F_SETLK))
SAME += rows("ioctl", NODE, None, 1, (TIOCGWINSZ, TIOCSPGRP))

# What is missed, and said.
LESS = [
    row("inotify_init1", ONLINE, LOOKED_AT),
    row("inotify_add_watch", ONLINE, LOOKED_AT),
    row("fchown", NODE, NO_SESSIONS),
    row("pread64", NODE, NO_SESSIONS),
    row("signalfd4", NODE, None, eperm=NODE),
    row("fsync", NODE, "^fsync: .*lost"),
    row("fchmod", NODE, "^fchmod: "),
    row("capget", NODE),
    row("flock", NODE, "^flock: .* share"),
    row("chmod,fchmodat", NODE, "^fchmodat: "),
    row("fcntl", NODE, None, 1, F_OFD_SETLK),
    row("seccomp", NODE, "not limited in its system calls"),
    row("prctl", NODE, PRIVATE + "outliving", 0, PDEATHSIG),
    row("prctl", NODE, PRIVATE + "being read", 0, DUMPABLE),
    row("kill", NODE),
]

# Access that cannot be.
WITHOUT = rows("capset prctl", NONE, PRIVILEGES)
WITHOUT += rows("prctl", NONE, PRIVILEGES, 0, (NO_NEW_PRIVS,))
WITHOUT += rows("mkdir,mkdirat mkdirat", NONE, "cannot make the folder /")
WITHOUT += rows("renameat,renameat2", NONE, r"cannot rename \.ssm-activate\.")
WITHOUT += rows("unlinkat", NONE, r"cannot remove \.ssm-activate\.probe: ")
WITHOUT += rows("fchdir", NONE, "^fchdir /var/lib/ssm-activate: ")
WITHOUT += rows("getrandom newfstatat bind listen socket socketpair "
                "getsockopt poll,ppoll chdir geteuid getpid fcntl "
                "stat,lstat,newfstatat openat unlink,unlinkat access getppid "
                "dup2,dup3 connect sendto recvfrom sendmsg recvmsg",
                NONE)
WITHOUT += rows("socket", NONE, None, 0, (AF_UNIX, AF_INET))
WITHOUT += rows("fcntl", NONE, None, 1, (F_SETFL,))

# A keeper that cannot be.
BARE = [
    row("pipe2", NODE, eperm=NO_INIT),
    row("fork,clone,clone3,vfork", NO_INIT, "^fork: "),
    row("rt_sigprocmask", NO_INIT, SIGNALS),
    row("rt_sigaction", NO_INIT, SIGNALS),
]

# Somebody whom CMD cannot be.
NOBODY = rows("open open,openat read fstat mmap", REFUSED, "/etc/passwd")
NOBODY += rows("setresuid,setuid setresgid,setgid setgroups,getgroups",
               REFUSED, "--user: ")

ROWS = SAME + LESS + WITHOUT + BARE + NOBODY + [row("write", SILENT)]


def sample():
    """Return a part that takes a minute: with both answers what is a loss to
    somebody, and every third of the others with one."""
    cells = [(one, error) for one in LESS + BARE + NOBODY
             for error in ERRORS]
    cells += [(one, ERRORS[index // 3 % 2]) for index, one
              in enumerate(SAME + WITHOUT) if index % 3 == 0]
    return cells


def whole():
    """Return all cells."""
    return [(one, error) for one in ROWS for error in ERRORS]


# What a system gives when it is at its end or its disk is broken, by which
# call. Where that comes to something else than EPERM it is said here.
FAILING = {
    "ENOMEM": "mmap brk munmap mprotect madvise fork,clone,clone3,vfork "
              "poll,ppoll socket socketpair pipe2 signalfd4 openat "
              "open,openat mkdirat getdents64 fcntl flock statx "
              "inotify_init1 inotify_add_watch recvmsg sendmsg connect "
              "setresuid prctl",
    "EMFILE": "openat open,openat socket socketpair pipe2 signalfd4 "
              "inotify_init1 dup2,dup3 accept4 fcntl",
    "ENOSPC": "openat mkdirat renameat,renameat2 fsync write writev "
              "inotify_add_watch",
    "EIO": "read pread64 write writev fsync openat open,openat "
           "renameat,renameat2 unlinkat mkdirat getdents64 fstat newfstatat "
           "readlink,readlinkat fchmod fchown ioctl lseek",
    "EINTR": "openat open,openat writev connect recvmsg sendmsg fcntl "
             "flock getrandom fsync accept4 rt_sigtimedwait",
}
# What always waits and is always interrupted is not tried: calls that are
# interrupted now and then are those of test_slow.
LOCKED = (NODE, None)
OTHERWISE = {
    ("flock", "ENOMEM"): LOCKED,
    ("flock", "EINTR"): LOCKED,
    ("fsync", "ENOSPC"): (NONE, r"/\S+: fsync: No space left on device"),
    ("fsync", "EIO"): (NONE, r"/\S+: fsync: I/O error"),
    ("fsync", "EINTR"): (NONE, r"/\S+: fsync: Interrupted system call"),
    ("fchmod", "EIO"): (NONE, r"/\S+: fchmod: I/O error"),
}


def failing():
    """Return these cells."""
    known = {one.calls: one for one in ROWS if one.index == -1}
    cells = []
    for error, calls in FAILING.items():
        for call in calls.split():
            base = known.get(call) or row(call, NODE)
            expected, line = OTHERWISE.get(
                (call, error), (base.expected["EPERM"], base.line))
            cells.append((Row(call, -1, 0, {error: expected}, line), error))
    return cells


def failing_sample():
    """Return a part that takes some seconds: each call once."""
    seen, cells = set(), failing()
    cells = [cell for cell in cells
             if not (cell[0].calls in seen or seen.add(cell[0].calls))]
    return cells[::4]
