# SPDX-License-Identifier: MIT
"""Containers that all start at once, against one bucket of activations.

AWS lets an account make so many activations a second. Each container runs
`ssm-activate up` and the agent in namespaces and on a root of its own, and all
are let go at the same moment; the local AWS keeps the bucket.

The requests go over plain http, which is allowed to loopback addresses: a
thousand handshakes at once would measure this machine, not the pauses.
"""

import collections
import fcntl
import json
import os
import subprocess
import threading
import time

import place
from container import UNSHARE, environment, wait_until
from roots import Root

RATE, BURST = 5, 5  # activations a second, and at first
# PID 1 waits for its turn, then holds the container open.
INIT = ["/bin/sh", "-c",
        "read -r go; ssm-activate up; exec sleep 3600 </dev/null"]
PIPE_SIZE = 1 << 20
TIDY = 15.0  # seconds in which the last activation must be gone
QUIET = {"not_init", "throttled", "no_access", "node_up", "node_online"}


class Log(threading.Thread):
    """What all containers say, through one pipe, with the time of it."""

    def __init__(self):
        super().__init__(daemon=True)
        source, self.sink = os.pipe()
        fcntl.fcntl(self.sink, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self.source = os.fdopen(source, encoding="utf-8", errors="replace")
        self.up = {}
        self.events = collections.Counter()
        self.odd = []

    def run(self):
        """Read until all who can write are gone."""
        for line in self.source:
            try:
                event = json.loads(line)
                name, message = event["event"], event["message"]
            except (ValueError, KeyError):
                name, message = "no event", line.rstrip()
            self.events[name] += 1
            if name == "node_up":
                self.up[message.split()[0]] = time.monotonic()
            elif name not in QUIET:
                self.odd.append("%s: %s" % (name, message))


class Crowd:
    """The containers, from their making to their end."""

    def __init__(self, count):
        self.aws = place.current.aws
        self.count = count
        self.log = Log()
        self.log.start()
        self.held = []
        self.roots = []
        gate, self.opener = os.pipe()
        try:
            for _ in range(count):
                self.roots.append(Root("alpine"))
                self.held.append(self.start(self.roots[-1], gate))
        finally:
            os.close(gate)

    def start(self, root, gate):
        """Start one container; it waits until the gate is open."""
        env = environment(
            AWS_ENDPOINT_URL="http://127.0.0.1:%d" % self.aws.ports["http"],
            SSM_ACTIVATE_LOG_FORMAT="json")
        return subprocess.Popen(
            UNSHARE + ["--root=" + root.path, "--mount-proc", "--wd=/", "--"]
            + INIT, env=env, stdin=gate, stdout=subprocess.DEVNULL,
            stderr=self.log.sink)

    def run(self, limit, together=False):
        """Let them go; return the seconds until the last node was up, with
        `together` since AWS had a first request of each, and held it."""
        self.aws.post("throttle", {"operation": "CreateActivation",
                                   "rate": RATE, "burst": BURST})
        began = time.monotonic()
        if together:
            self.aws.fault(operation="CreateActivation", hold="asked",
                           count=self.count)
        os.close(self.opener)
        if together:
            wait_until(lambda: len(self.aws.held()) == self.count,
                       "%d requests" % self.count, limit)
            began = time.monotonic()
            self.aws.release()
        while len(self.log.up) < self.count:
            if time.monotonic() - began > limit:
                raise TimeoutError("only %d of %d are up after %d s: %s" % (
                    len(self.log.up), self.count, limit, self.log.odd[:5]))
            time.sleep(0.05)
        return max(self.log.up.values()) - began

    def calls(self):
        """Return how often the program, not the agent, called each."""
        return collections.Counter(
            call["operation"] for call in self.aws.calls()
            if call["user_agent"].startswith("ssm-activate"))

    def account(self):
        """Return the account once the last activation is deleted."""
        deadline = time.monotonic() + TIDY
        while True:
            state = self.aws.state()
            if not state["activations"] or time.monotonic() > deadline:
                return state
            time.sleep(0.1)

    def end(self):
        """End all: who is in a pid namespace ends with its PID 1."""
        for one in self.held:
            one.kill()
        for one in self.held:
            one.wait(30)
        os.close(self.log.sink)
        self.log.join(30)
        for root in self.roots:
            root.remove()


def ideal(count):
    """Return the seconds that the bucket takes for so many."""
    return max(0, count - BURST) / RATE
