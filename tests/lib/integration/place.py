# SPDX-License-Identifier: MIT
"""Where the tests of one module run: a network of its own with the local AWS.

The process is in fresh network, mount and uts namespaces already. The
loopback interface gets the link-local addresses of the metadata services; a
tmpfs, seen by nobody else, holds all files and goes with the process.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import emulation
from client import FakeAws

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
REGION = "eu-west-1"
HOSTNAME = "container1"
SERVICES = ("ssm", "ssmmessages", "ec2messages", "sts", "ecs")
ADDRESSES = ("169.254.170.2", "169.254.170.23", "169.254.169.254")
AGENT_FILES = ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker",
               "ssm-document-worker")
STANDIN_CONF = "STANDIN_START_MS=50\nSTANDIN_STOP_MS=200\n"
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891c
IFF_UP = 1
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8),
           "urandom": (1, 9), "tty": (5, 0)}

current = None


def _interface(name, tail):
    return struct.pack("16s24s", name.encode(), tail)


def _address(text):
    return struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(text))


def raise_loopback():
    """Bring lo up and give it the link-local addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock, SIOCGIFFLAGS, _interface("lo", b""))
        flags = struct.unpack_from("H", answer, 16)[0] | IFF_UP
        fcntl.ioctl(sock, SIOCSIFFLAGS,
                    _interface("lo", struct.pack("H", flags)))
    for index, address in enumerate(ADDRESSES):
        add_address(index, address)


def add_address(index, address):
    """Give lo one more address."""
    name = "lo:%d" % index
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFADDR, _interface(name, _address(address)))
        fcntl.ioctl(sock, SIOCSIFNETMASK,
                    _interface(name, _address("255.255.255.255")))


def serve_names():
    """Answer every question for a name: there is none. AWS's own names are
    in /etc/hosts."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 53))

    def serve():
        while True:
            question, peer = sock.recvfrom(4096)
            # The question again, as an answer (QR, RD, RA) of NXDOMAIN.
            head = question[:2] + b"\x81\x83" + question[4:6] + bytes(6)
            end = question.index(b"\0", 12) + 5
            sock.sendto(head + question[12:end], peer)
    threading.Thread(target=serve, daemon=True).start()


def program():
    """Return the path of the binary under test."""
    return os.path.abspath(os.environ.get("SSM_ACTIVATE_BIN")
                           or os.path.join(TOP, "build", "ssm-activate"))


def standin():
    """Return the path of the stand-in for amazon-ssm-agent."""
    return os.path.abspath(
        os.environ.get("SSM_ACTIVATE_STANDIN")
        or os.path.join(TOP, "build", "amazon-ssm-agent-standin"))


def real_agent():
    """Return the folder of a real agent, or None."""
    return os.environ.get("SSM_ACTIVATE_AGENT_DIR") or None


def heed_signals():
    """Undo what a shell does to jobs in the background and `nohup` to all: a
    container's program cannot trap what was ignored when it began."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def is_emulated():
    """Tell whether the binary is for another processor than this one."""
    return emulation.architecture(program()) != emulation.native()


def command():
    """Return the words that start the binary on this machine."""
    if is_emulated():
        return [emulation.EMULATORS[emulation.architecture(program())],
                program()]
    return [program()]


def write(path, text, mode=0o644):
    """Write a file, with the folders above it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def mount(*words):
    """Mount something in our own namespace."""
    subprocess.run(("/bin/mount",) + words, check=True, timeout=30)


class Place:
    """The network, the local AWS and the folders of one module."""

    def __init__(self, inspect_peers=True):
        self.inspect_peers = inspect_peers
        self.folder = tempfile.mkdtemp(prefix="ssm-activate-test-")
        self.aws = None

    def __enter__(self):
        global current
        heed_signals()
        mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", self.folder)
        socket.sethostname(HOSTNAME)
        raise_loopback()
        serve_names()
        os.makedirs(self.path("aws"))
        self.aws = FakeAws(dir=self.path("aws"), link_local=True,
                           inspect_peers=self.inspect_peers,
                           region=REGION)
        self.aws.start()
        self.prefer(self.aws.process.pid)
        self.make_outside()
        self.make_common()
        current = self
        return self

    def __exit__(self, *unused):
        self.aws.stop()
        subprocess.run(["/bin/umount", "-l", self.folder], check=True,
                       timeout=30)
        os.rmdir(self.folder)

    @staticmethod
    def prefer(pid):
        """Let the local AWS be as fast as ever on a busy machine, where that
        is allowed: its threads, and so those that they start."""
        with contextlib.suppress(PermissionError):
            for thread in os.listdir("/proc/%d/task" % pid):
                os.setpriority(os.PRIO_PROCESS, int(thread), -10)

    def path(self, *names):
        """Return a path in our folder."""
        return os.path.join(self.folder, *names)

    def make_outside(self):
        """Make the layer with what docker would add, and our authority."""
        names = ["%s.%s.amazonaws.com" % (service, REGION)
                 for service in SERVICES]
        write(self.path("outside/etc/hosts"), "127.0.0.1 localhost %s %s\n"
              % (HOSTNAME, " ".join(names)))
        write(self.path("outside/etc/resolv.conf"), "nameserver 127.0.0.1\n")
        shutil.copy(self.path("aws/ca.pem"), self.path("outside/aws.pem"))
        os.makedirs(self.path("outside/proc"))
        self.make_devices(self.path("outside/dev"))

    def make_common(self):
        """Make the layer with the program and the agent."""
        os.makedirs(self.path("common/usr/local/bin"))
        shutil.copy(program(), self.path("common/usr/local/bin/ssm-activate"))
        self.install_agent(self.path("common/usr/bin"))
        if is_emulated():
            emulator = emulation.Emulation(self.path("emulation"))
            for folder in ("/usr/bin", "/usr/local/bin"):
                emulator.install_all(self.path("common"), folder)

    @staticmethod
    def make_devices(folder):
        """Make the devices that every container has."""
        os.makedirs(folder)
        for name, (major, minor) in DEVICES.items():
            path = os.path.join(folder, name)
            os.mknod(path, 0o020666, os.makedev(major, minor))
            os.chmod(path, 0o666)

    @staticmethod
    def install_agent(folder):
        """Put the agent, or its stand-in, where AWS's packages put it."""
        os.makedirs(folder)
        for name in AGENT_FILES:
            target = os.path.join(folder, name)
            source = (os.path.join(real_agent(), name) if real_agent()
                      else standin())
            shutil.copy(source, target)
            os.chmod(target, 0o755)
        write(os.path.join(folder, "standin.conf"), STANDIN_CONF)
