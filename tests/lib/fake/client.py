# SPDX-License-Identifier: MIT
"""Starts the local AWS for a test and talks to its admin interface.

    with FakeAws() as aws:
        subprocess.run([...], env=aws.environment())
        assert aws.activations() == []
"""

import http.client
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
START_TIMEOUT = 60.0
CALL_TIMEOUT = 30.0


class AdminError(Exception):
    """The admin interface refused a call."""


def read_env(path):
    """Return the assignments of an env file as a mapping."""
    with open(path, encoding="utf-8") as file:
        words = shlex.split(file.read())
    return dict(word.split("=", 1) for word in words)


def call(folder, method, name, body=None):
    """Make one admin call to the local AWS that runs in folder."""
    with open(os.path.join(folder, "ports.json"), encoding="utf-8") as file:
        port = json.load(file)["admin"]
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=CALL_TIMEOUT)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, "/admin/" + name, text)
        answer = connection.getresponse()
        data = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise AdminError(data.strip())
    return json.loads(data)


class FakeAws:
    """One running local AWS; keyword arguments become its options.

    `link_local=True` becomes `--link-local`, `state_lag=3` becomes
    `--state-lag 3`. Without `dir` it works in a folder that goes away.
    """

    def __init__(self, dir=None, **options):
        self.own_folder = dir is None
        self.dir = dir or tempfile.mkdtemp(prefix="fakeaws-")
        self.options = options
        self.process = None
        self.env = {}
        self.task_env = {}
        self.ports = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.stop()

    def arguments(self):
        """Return the command line."""
        argv = [sys.executable, os.path.join(HERE, "fakeaws.py"), "--dir",
                self.dir, "--until-eof", "--stay"]
        for name, value in self.options.items():
            option = "--" + name.replace("_", "-")
            if value is True:
                argv.append(option)
            elif value not in (None, False):
                argv += [option, str(value)]
        return argv

    def start(self):
        """Start it and wait until it is ready."""
        ready = os.path.join(self.dir, "ready")
        if os.path.exists(ready):
            os.remove(ready)
        self.process = subprocess.Popen(self.arguments(),
                                        stdin=subprocess.PIPE)
        deadline = time.monotonic() + START_TIMEOUT
        while not os.path.exists(ready):
            if self.process.poll() is not None:
                raise RuntimeError("the local AWS ended with status %d"
                                   % self.process.returncode)
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the local AWS did not start in time")
            time.sleep(0.02)
        self.env = read_env(os.path.join(self.dir, "env"))
        self.task_env = read_env(os.path.join(self.dir, "env-task"))
        with open(os.path.join(self.dir, "ports.json"),
                  encoding="utf-8") as file:
            self.ports = json.load(file)

    def stop(self):
        """End it, and remove its folder when that was ours."""
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        if self.own_folder:
            shutil.rmtree(self.dir, ignore_errors=True)

    def environment(self, task=False, **more):
        """Return an environment for a client, and nothing else in it."""
        base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG")
                if name in os.environ}
        base.update(self.task_env if task else self.env)
        base.update(more)
        return base

    def get(self, name):
        """Return what GET /admin/NAME answers."""
        return call(self.dir, "GET", name)

    def post(self, name, body):
        """Return what POST /admin/NAME answers."""
        return call(self.dir, "POST", name, body)

    def state(self):
        """Return the account."""
        return self.get("state")

    def activations(self):
        """Return the activations that were not deleted."""
        return self.state()["activations"]

    def nodes(self):
        """Return the registered nodes."""
        return self.state()["nodes"]

    def calls(self, operation=None):
        """Return the requests so far, or those of one operation."""
        return [entry for entry in self.get("calls")
                if operation in (None, entry["operation"])]

    def verdicts(self):
        """Return how many signatures were accepted and refused."""
        return self.get("verdicts")

    def secrets(self):
        """Return codes, secret keys and tokens, to search leaks for."""
        return self.get("secrets")

    def reset(self):
        """Empty account, faults and log."""
        return self.post("reset", {})

    def fault(self, **spec):
        """Order a fault."""
        return self.post("faults", spec)

    def held(self):
        """Return the operations of the requests that a fault holds."""
        return self.get("held")

    def release(self):
        """Let all held requests go on."""
        return self.post("release", {})

    def policy(self, principal, **rules):
        """Set what a principal may do: allow=[...], deny=[...]."""
        return self.post("policy", dict(rules, principal=principal))

    def parameter(self, name, value):
        """Put a new version of a parameter; None deletes it."""
        return self.post("parameters", {name: value})

    def limits(self, **values):
        """Change settings of the account."""
        return self.post("limits", values)

    def clock(self, offset):
        """Move the server's clock."""
        return self.post("clock", {"offset": offset})
