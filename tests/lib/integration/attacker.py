# SPDX-License-Identifier: MIT
"""An application that wants to be root: test_attacker puts this program into
a container and has it run there as the application.

`attacker.py once` tries the folders once; without it all is tried again and
again until SIGTERM.  A line "ESCAPED ..." tells of a success; /tmp/tried.NAME
is there when NAME was tried."""

import contextlib
import ctypes
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

HOME = "/home/app"
SECRET_FILE = "/srv/secret"
SECRET = b"only-root-knows-this"
STATE = "/var/lib/ssm-activate"
NAMES = {
    STATE: ("state.json", "lock", "control", "failure", "ca.pem"),
    "/var/lib/amazon/ssm": ("registration",),
    "/etc/amazon/ssm": ("seelog.xml.template", "seelog.xml",
                        "amazon-ssm-agent.json"),
}
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
PIDFD_OPEN, PIDFD_GETFD = 434, 438
libc = ctypes.CDLL(None, use_errno=True)


def say(text):
    """Print a line at once."""
    os.write(1, (text + "\n").encode())


def tried(name):
    """Leave a mark, which does not say what came of it."""
    with open("/tmp/tried." + name, "w", encoding="utf-8"):
        pass


def sudo():
    """Become root as the user of sessions can."""
    done = subprocess.run(["/usr/bin/sudo", "-n", "id", "-u"], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.stdout.strip() == "0":
        say("ESCAPED by sudo")
    tried("sudo")


def mislead(path):
    """Put links, files and a socket in the place of one of root's files."""
    with contextlib.suppress(OSError):
        os.unlink(path)
    for target in (SECRET_FILE, "/srv/data/new"):
        with contextlib.suppress(OSError):
            os.symlink(target, path + ".link")
        with contextlib.suppress(OSError):
            os.replace(path + ".link", path)
    with contextlib.suppress(OSError), \
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        os.unlink(path)
        sock.bind(path)
    with contextlib.suppress(OSError):
        os.unlink(path)
        with open(path, "x", encoding="utf-8") as file:
            file.write('{"node":"mi-0f0f0f0f0f0f0f0f0","region":"eu-west-1",'
                       '"version":1,"begun":true,'
                       '"Mgs":{"Endpoint":"forged"}}')
    with contextlib.suppress(OSError):
        os.symlink(SECRET_FILE, path + ".link")
    with contextlib.suppress(OSError):
        os.replace(path + ".link", path)


def volumes():
    """In the folders of root, as far as they can be written to."""
    for folder, names in NAMES.items():
        for name in names:
            mislead(os.path.join(folder, name))
    with contextlib.suppress(OSError):
        os.symlink("/srv/data", "/var/lib/amazon/ssm/Vault")
    tried("volumes")


def search():
    """Look for root's secret wherever something can be read."""
    for top in (*NAMES, "/tmp", "/var/log"):
        for folder, _, names in os.walk(top):
            for name in names:
                with contextlib.suppress(OSError), \
                        open(os.path.join(folder, name), "rb",
                             opener=lambda path, flags: os.open(
                                 path, flags | os.O_NONBLOCK)) as file:
                    if SECRET in file.read(1 << 20):
                        say("ESCAPED by reading %s/%s" % (folder, name))
    tried("search")


def strange(pid):
    """Return the name of a process that is not ours at all, else None."""
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8") as file:
            fields = dict(line.split(":", 1) for line in file)
    except OSError:
        return None
    uids = fields["Uid"].split()
    if str(os.getuid()) in uids:
        return None
    return fields["Name"].strip() + ("" if "0" in uids else " worker")


def call(function, *words):
    """Return whether the system lets us: whatever it said but no."""
    ctypes.set_errno(0)
    return function(*words) != -1 or ctypes.get_errno() == errno.EFAULT


def touch(pid):
    """Yield what can be done to a process."""
    spot = ctypes.create_string_buffer(8)
    ours = (ctypes.c_void_p * 2)(ctypes.addressof(spot), 8)
    theirs = (ctypes.c_void_p * 2)(0x1000, 8)
    for name in ("process_vm_readv", "process_vm_writev"):
        if call(getattr(libc, name), pid, ours, 1, theirs, 1, 0):
            yield name
    for request in (PTRACE_SEIZE, PTRACE_ATTACH):
        if call(libc.ptrace, request, pid, None, None):
            yield "ptrace"
    if call(libc.kill, pid, 0):
        yield "kill"
    fd = libc.syscall(PIDFD_OPEN, pid, 0)
    if fd >= 0:
        if call(libc.syscall, PIDFD_GETFD, fd, 2, 0):
            yield "pidfd_getfd"
        os.close(fd)
    for name in ("mem", "environ", "fd/0"):
        with contextlib.suppress(OSError):
            os.close(os.open("/proc/%d/%s" % (pid, name), os.O_RDONLY))
            yield name


def peers():
    """Every process of another user, network workers among them."""
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        name = strange(pid)
        # One that was about to become ours is no success.
        done = [] if name is None else list(touch(pid))
        if done and strange(pid):
            say("ESCAPED by %s of %s" % (done, name))
        if name == "ssm-activate worker":
            tried("worker")
    tried("peers")


def listen():
    """Be the endpoint that our configuration names."""
    with socket.create_server(("127.0.0.1", 9999), reuse_port=True) as server:
        while True:
            peer = server.accept()[0]
            peer.settimeout(1)
            data = b""
            with contextlib.suppress(OSError):
                while len(data) < 1 << 20 and (more := peer.recv(65536)):
                    data += more
            peer.close()
            if SECRET in data:
                say("ESCAPED by a request")


def pretend():
    """Run what has the names of the agent's programs."""
    for name in ("ssm-session-worker", "ssm-agent-worker",
                 "amazon-ssm-agent"):
        os.makedirs(HOME + "/fake", exist_ok=True)
        shutil.copy("/bin/sleep", HOME + "/fake/" + name)
        subprocess.Popen([HOME + "/fake/" + name, "300"])
    tried("pretend")


def always(attack):
    """Try it all the time."""
    while True:
        attack()
        time.sleep(0.05)


def main():
    """Try everything at once."""
    if sys.argv[1:] == ["once"]:
        volumes()
        return
    signal.signal(signal.SIGTERM, lambda *unused: os._exit(0))
    for attack in (sudo, volumes, search, peers):
        threading.Thread(target=always, args=(attack,), daemon=True).start()
    threading.Thread(target=listen, daemon=True).start()
    pretend()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
