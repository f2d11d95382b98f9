# SPDX-License-Identifier: MIT
"""Looks at the process at the other end of a connection, in /proc.

The socket's inode stands in /proc/net/tcp; the process that holds it has a
descriptor of that name. Both are read from outside: nothing is asked of the
peer, so it cannot lie.
"""

import ipaddress
import os

FIELDS = ("Name", "PPid", "Uid", "Gid", "Groups", "NSpid", "CapInh",
          "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
          "VmHWM")


def _kernel_address(text):
    """Return address and port of a field like 0100007F:1F90."""
    raw, _, port = text.partition(":")
    words = [raw[index:index + 8] for index in range(0, len(raw), 8)]
    packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), int(port, 16)


def _inode(local, remote):
    """Return the inode of the socket with these two ends, or None."""
    for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                next(lines)
                rows = [line.split() for line in lines]
        except (OSError, StopIteration):
            continue
        for row in rows:
            if (_kernel_address(row[1]) == local
                    and _kernel_address(row[2]) == remote):
                return int(row[9])
    return None


def descriptors(pid):
    """Return the open descriptors of a process and what they are."""
    found = {}
    folder = "/proc/%d/fd" % pid
    for name in os.listdir(folder):
        try:
            found[name] = os.readlink(os.path.join(folder, name))
        except OSError:
            continue
    return found


def _holder(inode):
    """Return (pid, descriptors) of the process that holds the socket."""
    wanted = "socket:[%d]" % inode
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            held = descriptors(int(name))
        except OSError:
            continue
        if wanted in held.values():
            return int(name), held
    return None, {}


def _status(pid):
    """Return the fields of /proc/PID/status that matter here."""
    with open("/proc/%d/status" % pid, encoding="utf-8") as lines:
        pairs = (line.partition(":") for line in lines)
        return {name: text.strip() for name, _, text in pairs
                if name in FIELDS}


def _dumpable(pid, status):
    """Tell whether a process is dumpable; None when it cannot be seen.

    The kernel gives the files in /proc/PID to root when the process is not
    dumpable, and to its effective user otherwise. For root both look alike.
    """
    user = int(status["Uid"].split()[1])
    if user == 0:
        return None
    return os.stat("/proc/%d/environ" % pid).st_uid == user


def _link(pid, name):
    try:
        return os.readlink("/proc/%d/%s" % (pid, name))
    except OSError:
        return None


def _read(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as file:
            return file.read(65536).decode("utf-8", "replace")
    except OSError:
        return ""


def describe(pid, held):
    """Return what /proc shows of a process."""
    status = _status(pid)
    core = [line.split()[4] for line in _read(pid, "limits").splitlines()
            if line.startswith("Max core file size")]
    return {
        "pid": pid, "exe": _link(pid, "exe"), "root": _link(pid, "root"),
        "argv": _read(pid, "cmdline").split("\0")[:-1], "fds": held,
        "dumpable": _dumpable(pid, status),
        "core_limit": core[0] if core else None, "status": status}


def inspect(connection):
    """Return the peer of an accepted connection, or why it is unknown."""
    remote, local = connection.getpeername(), connection.getsockname()
    inode = _inode(remote[:2], local[:2])
    if inode is None:
        return {"error": "socket not in /proc/net/tcp"}
    pid, held = _holder(inode)
    if pid is None:
        return {"error": "no process holds socket %d" % inode}
    try:
        return describe(pid, held)
    except (OSError, KeyError, IndexError) as error:
        return {"pid": pid, "error": str(error)}
