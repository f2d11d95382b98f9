# SPDX-License-Identifier: MIT
"""How long it takes until a node is up when AWS is some milliseconds away.

    far.py [--quick] [--delay MS]

Compared are `ssm-activate up` and the script that it replaces: the AWS CLI,
jq, and `amazon-ssm-agent -register`. Both ask a name server, connect and speak
TLS over a tun(4) device, whose other end sends each packet back half the round
trip later, with source and destination exchanged: so what is sent to FAR
arrives at NEAR, and what NEAR answers seems to come from FAR. Checksums are
the same sums either way.
"""

import argparse
import collections
import fcntl
import mmap
import os
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

import dnsd
import place
from container import Container, environment
from roots import Root

NEAR, FAR = "10.77.0.1", "10.77.0.2"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
PACKET = 65536
TCP, UDP, SYN, PORT, NAMES = 6, 17, 2, 443, 53
# The agent's own requests come after the measurement.
STANDIN_CONF = "STANDIN_START_MS=5000\nSTANDIN_STOP_MS=200\n"
ROUNDS, QUICK, DELAY, RATIO_LIMIT = 15, 3, 20, 5
UP = ["/usr/local/bin/ssm-activate", "up"]
SCRIPT = ["/bin/sh", "-euc", """
made=$(aws ssm create-activation --iam-role SSMServiceRole \\
    --registration-limit 1 --output json)
id=$(echo "$made" | jq -r .ActivationId)
code=$(echo "$made" | jq -r .ActivationCode)
amazon-ssm-agent -register -y -id "$id" -code "$code" -region "$AWS_REGION" \\
    >/dev/null
amazon-ssm-agent >/dev/null 2>&1 &
"""]


def open_device():
    """Make the device and its route."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF,
                struct.pack("16sH22x", b"far0", IFF_TUN | IFF_NO_PI))
    for words in (["addr", "add", NEAR, "peer", FAR, "dev", "far0"],
                  ["link", "set", "far0", "up"]):
        subprocess.run(["/sbin/ip"] + words, check=True, timeout=30)
    return device


class Trips:
    """Counts round trips: what a client says (SYN, a question, data) after it
    has heard the server, or at first. Seen by the process that asks, too."""

    def __init__(self):
        self.shared = mmap.mmap(-1, 8)
        self.waiting = set()

    def count(self):
        """Return how many there were since this was asked last."""
        found, = struct.unpack("Q", self.shared[:8])
        self.shared[:8] = bytes(8)
        return found

    def see(self, packet):
        """Take note of a packet on its way."""
        head = (packet[0] & 15) * 4
        source, target = struct.unpack_from("!HH", packet, head)
        if packet[9] == TCP:
            size = len(packet) - head - (packet[head + 12] >> 4) * 4
            if size == 0 and not packet[head + 13] & SYN:
                return
            flow = target if source == PORT else source
        else:
            flow = "names"  # both questions are one trip
        if source in (PORT, NAMES):
            self.waiting.discard(flow)
        elif flow not in self.waiting:
            self.waiting.add(flow)
            found, = struct.unpack("Q", self.shared[:8])
            self.shared[:8] = struct.pack("Q", found + 1)


def relay(device, one_way, trips):
    """Send every packet back after its time, the other way round."""
    held = collections.deque()
    while True:
        left = held[0][0] - time.monotonic() if held else None
        if left is not None and left <= 0:
            os.write(device, held.popleft()[1])
            continue
        if select.select([device], [], [], left)[0]:
            packet = os.read(device, PACKET)
            if packet[0] >> 4 == 4 and packet[9] in (TCP, UDP):
                trips.see(packet)
                held.append((time.monotonic() + one_way,
                             packet[:12] + packet[16:20] + packet[12:16]
                             + packet[20:]))


def start_relay(device, one_way, trips):
    """Run the relay as a process of its own; return its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            pass  # it is as good on an idle machine
        relay(device, one_way, trips)
    return pid


def copy(source, target):
    """Pass bytes on until there are none."""
    try:
        while True:
            data = source.recv(PACKET)
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side is gone, and so is the exchange


def forward(port):
    """Let what arrives at NEAR reach the local AWS."""
    listener = socket.create_server((NEAR, port))

    def serve():
        while True:
            peer, _ = listener.accept()
            aws = socket.create_connection(("127.0.0.1", port))
            for pair in ((peer, aws), (aws, peer)):
                for one in pair:
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=copy, args=pair, daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()


def prepare(here):
    """Let names lead to FAR, by way of a name server there."""
    place.write(here.path("outside/etc/hosts"), "127.0.0.1 localhost\n")
    place.write(here.path("outside/etc/resolv.conf"), "nameserver %s\n" % FAR)
    names = {"%s.%s.amazonaws.com" % (service, place.REGION):
             dnsd.Name(a=[FAR]) for service in place.SERVICES}
    dnsd.Server(NEAR, names)
    forward(PORT)
    place.write(here.path("common/usr/bin/standin.conf"), STANDIN_CONF)


def measure(argv):
    """Run it once in a container of its own; return the milliseconds until
    the command has ended, which leaves the agent behind."""
    root = Root("debian")
    env = environment(SSM_ACTIVATE_LOG="error", AWS_PAGER="",
                      SSL_CERT_FILE="/aws.pem",
                      SSM_ACTIVATE_ROLE="SSMServiceRole")
    timed = ["/bin/sh", "-c",
             'began=$(date +%s%N); "$@" </dev/null >/dev/null || exit; '
             'ended=$(date +%s%N); echo $((ended - began)); exec sleep 60',
             "timed"] + argv
    held = Container(root, timed, env).start()
    limit = time.monotonic() + 60
    while not held.out.strip() and held.outer.poll() is None:
        if time.monotonic() > limit:
            raise RuntimeError("no end within 60 s: " + held.err)
        time.sleep(0.05)
    if not held.out.strip():
        raise RuntimeError("it failed: " + held.err)
    spent = int(held.out) / 1e6
    held.kill()
    root.remove()
    return spent


def compare(rounds, trips):
    """Return the medians of milliseconds and round trips of both, in turn."""
    spent = {"up": [], "script": []}
    for number in range(rounds + 1):
        for name, argv in (("up", UP), ("script", SCRIPT)):
            trips.count()
            value = measure(argv), trips.count()
            if number > 0:
                spent[name].append(value)
    return {name: tuple(statistics.median(one) for one in zip(*values))
            for name, values in spent.items()}


def show(here, rounds=ROUNDS, delay=DELAY):
    """Print times, round trips and the ratio, and return them."""
    device = open_device()
    prepare(here)
    trips = Trips()
    pid = start_relay(device, delay / 2000, trips)
    try:
        found = compare(rounds, trips)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print("\nUntil the node is up, AWS %d ms away (median of %d)"
          % (delay, rounds))
    for name, title in (("up", "ssm-activate up"),
                        ("script", "aws, jq, amazon-ssm-agent -register")):
        print("  %-36s %6.0f ms, %2.0f round trips" % ((title,) + found[name]))
    ratio = found["script"][0] / found["up"][0]
    print("  the script takes %.1f times ours (wanted: at least %d)"
          % (ratio, RATIO_LIMIT), flush=True)
    return dict(found, ratio=ratio)


def main():
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_const", const=QUICK,
                        default=ROUNDS, dest="rounds")
    parser.add_argument("--delay", type=int, default=DELAY)
    options = parser.parse_args()
    if not os.path.exists("/usr/bin/aws"):
        print("  (the AWS CLI is not installed)")
        return 0
    with place.Place(inspect_peers=False) as here:
        show(here, options.rounds, options.delay)
    return 0


if __name__ == "__main__":
    sys.exit(main())
