# SPDX-License-Identifier: MIT
"""What the agent of our own costs, beside amazon-ssm-agent where
SSM_ACTIVATE_AGENT_DIR names a folder with it: time from start to online and
to the first prompt, memory, bytes on disk, throughput and processor time,
a hundred sessions at once."""

import argparse
import hashlib
import os
import socket
import statistics
import sys
import time

import gateway
import place
import procfs
import tlsca
from container import Container, environment, wait_until
from roots import Root
from sessionclient import SessionClient
from signing import Client

RUN = ["/usr/local/bin/ssm-activate", "run", "--", "/bin/sleep", "3000"]
PROMPT = rb"[$#] "
ONLINE_LIMIT, IDLE_LIMIT, EACH_LIMIT, SPEED_LIMIT = 600, 1024, 614, 6
LINE = b"0123456789abcdef" * 3 + b"0123456789abcde\n"
LONG = 600


def heading(text):
    """Begin a part."""
    print("\n" + text, flush=True)


def row(name, value, unit, wanted=""):
    """Print one number."""
    print("  %-34s %9s %s%s" % (name, value, unit,
                                " (wanted: %s)" % wanted if wanted else ""),
          flush=True)


class Subject:
    """A container with one of the agents."""

    def __init__(self, here, setting, **more):
        self.here = here
        self.root = Root("debian")
        self.root.mount_terminals()
        if "bundle" in more:
            self.root.write("/aws.pem", more.pop("bundle"))
        self.began = time.monotonic()
        self.held = Container(self.root, RUN, environment(
            SSM_ACTIVATE_AGENT=setting, **more)).start()
        self.node = self.held.wait_line(r"(mi-[0-9a-f]{17}) is up", 60
                                        ).group(1)

    def online(self):
        """Wait for the control channel; return the seconds from the start."""
        wait_until(lambda: self.here.aws.get("channels").get(
            self.node, {}).get("open"), "a control channel", 60)
        return time.monotonic() - self.began

    def shell(self):
        """Return a shell's client, before its prompt."""
        return SessionClient(Client(self.here.aws), self.node)

    def own(self):
        """Return all processes but the application's."""
        return [pid for pid in [self.held.pid1]
                + procfs.descendants(self.held.pid1)
                if procfs.program(pid) not in ("sleep", "sh", "cat")]

    def pss(self):
        """Return KiB, of all processes."""
        total = 0
        for pid in self.own():
            text = procfs.read(pid, "smaps_rollup").decode()
            total += sum(int(line.split()[1]) for line in text.splitlines()
                         if line.startswith("Pss:"))
        return total

    def ticks(self):
        """Return processor time so far, in units of 10 ms."""
        total = 0
        for pid in self.own():
            fields = procfs.read(pid, "stat").rpartition(b")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total

    def close(self):
        """End and remove it."""
        self.held.kill()
        self.root.remove()


def show_times(here, setting, rounds):
    """Print the time to online and from there to the first prompt."""
    online, prompt = [], []
    for _ in range(rounds):
        one = Subject(here, setting)
        online.append(one.online())
        began = time.monotonic()
        with one.shell() as shell:
            shell.expect(PROMPT, 60)
            prompt.append(time.monotonic() - began)
        one.close()
    row("start to online, median of %d" % rounds,
        "%.0f" % (1000 * statistics.median(online)), "ms",
        "under %d and round trips" % ONLINE_LIMIT)
    row("StartSession to prompt", "%.0f" % (1000 * statistics.median(prompt)),
        "ms")


def show_memory(here, setting, counts):
    """Print memory without and with sessions, and how fast these come."""
    one = Subject(here, setting)
    one.online()
    time.sleep(3)
    idle = one.pss()
    row("memory idle, Pss of all processes", idle, "KiB",
        "at most %d" % IDLE_LIMIT)
    for count in counts:
        began = time.monotonic()
        shells = [one.shell() for _ in range(count)]
        for shell in shells:
            shell.expect(PROMPT, 120)
        seconds = time.monotonic() - began
        row("%d sessions at once, each" % count, (one.pss() - idle) // count,
            "KiB", "at most %d" % EACH_LIMIT)
        row("  until all had a prompt", "%.1f" % seconds, "s")
        for shell in shells:
            shell.hang_up()
            shell.terminate()
        wait_until(lambda: len(one.own()) < 10, "ends", 60)
    one.close()


def show_disk(setting):
    """Print what the agent takes on disk beyond our program."""
    total = 0
    if setting is None:
        total = sum(entry.stat().st_size
                    for entry in os.scandir(place.real_agent()))
    row("bytes on disk beyond our file", total, "")


def listen(serve):
    """Serve one connection in a process of its own; return the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    if os.fork() == 0:
        try:
            serve(listener.accept()[0])
        finally:
            os._exit(0)
    listener.close()
    return port


def give(size):
    """Return a server that sends so many bytes."""
    def serve(peer):
        data = LINE * 1024
        for at in range(0, size, len(data)):
            peer.sendall(data[:size - at])
    return serve


def swallow(peer):
    """Answer with the sum of all bytes, at their end."""
    digest = hashlib.sha256()
    while True:
        data = peer.recv(1 << 16)
        if not data:
            break
        digest.update(data)
    peer.sendall(digest.hexdigest().encode())


def expected(size):
    """Return the sum of what is sent."""
    digest = hashlib.sha256()
    data = LINE * 1024
    for at in range(0, size, len(data)):
        digest.update(data[:size - at])
    return digest


def measure(one, name, size, done):
    """Wait until a session is done; print its speed and what it took."""
    began, before = time.monotonic(), one.ticks()
    wait_until(done, name, LONG)
    seconds = time.monotonic() - began
    row(name, "%.1f" % (size / 1e6 / seconds), "MB/s",
        "at least %d" % SPEED_LIMIT)
    row("  processor time", "%.1f" % ((one.ticks() - before) * 1e7 / size),
        "ms for each MB")


def check(name, got, wanted):
    """Complain of bytes that are not those that were sent."""
    if got != wanted:
        raise RuntimeError("%s: other bytes came than were sent" % name)


def quiet(one):
    """Tell whether the agent rests, since it may not send."""
    before = one.ticks()
    time.sleep(1)
    return one.ticks() - before < 3


def port_session(way, port):
    """Begin a session with one connection to a port."""
    session = way.start(gateway.Session(gateway.document(
        "Port", portNumber=str(port), type="LocalPortForwarding",
        localPortNumber="0")))
    session.open_stream()
    return session


def show_speed(here, setting, size):
    """Print throughput through a gateway that is one process with its
    client: of a terminal, and of a port both ways."""
    authority = tlsca.Authority(here.path("bench"), "Bench")
    way = gateway.Gateway(authority.leaf("gateway", ["DNS:localhost"]))
    with open(here.path("aws", "ca.pem"), encoding="ascii") as file:
        bundle = file.read() + authority.read("root")
    one = Subject(here, setting, bundle=bundle,
                  AWS_ENDPOINT_URL_SSMMESSAGES="https://localhost:%d"
                  % way.port)
    if not way.online.wait(60):
        raise RuntimeError("not online: " + one.held.err)
    # On a busy machine it is the agent that is measured, not the gateway.
    here.prefer(os.getpid())
    wanted = expected(size).hexdigest()
    one.root.write("/big", (LINE * (size // len(LINE) + 1))[:size].decode())
    name = "cat of %d MB" % (size // 1000000)
    session = way.start(gateway.Session(gateway.document(
        "InteractiveCommands",
        linux={"commands": "stty raw -echo; cat /big; sleep 60",
               "runAsElevated": True})))
    measure(one, name, size, lambda: session.received >= size)
    check(name, session.digest.hexdigest(), wanted)
    way.end(session)

    session = port_session(way, listen(give(1 << 30)))
    session.held, idle = True, one.pss()
    wait_until(lambda: quiet(one), "back-pressure", 60)
    row("  more memory, nothing being taken", one.pss() - idle, "KiB")
    way.end(session)

    session = port_session(way, listen(give(size)))
    measure(one, "a port, from it", size, lambda: session.received >= size)
    check("a port", session.digest.hexdigest(), wanted)
    way.end(session)

    session = port_session(way, listen(swallow))
    wait_until(lambda: session.feed is None, "an open stream")
    heard = []
    session.take = heard.append
    session.pour(LINE * 1024, len(LINE), size)
    measure(one, "a port, to it", size, lambda: any(
        wanted.encode() in data for data in heard))
    way.end(session)
    one.close()


def main():
    """Print everything, of one agent and of the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    agents = [("The agent of our own", "builtin")]
    if place.real_agent():
        agents.append(("amazon-ssm-agent", None))
    with place.Place(inspect_peers=False) as here:
        for title, setting in agents:
            heading(title)
            show_disk(setting)
            show_times(here, setting, 3 if quick else 9)
            show_memory(here, setting, [1, 10] if quick else [1, 10, 100])
            show_speed(here, setting, 20000000 if quick else 100000000)
    if not place.real_agent():
        print("\n(amazon-ssm-agent: skipped, SSM_ACTIVATE_AGENT_DIR names no "
              "folder with it)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
