#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A local AWS for tests and the demo. README.md says what it plays."""

import argparse
import ctypes
import json
import os
import resource
import signal
import sys
import threading

from admin import Admin
from api import Api
from app import Aws
from calllog import CallLog
from clock import Clock
from faults import Faults
from httpd import Listener, Server
from messages import Messages
from metadata import FULL, RELATIVE, Metadata
from proxy import Proxy
from state import State
import tlsca

PR_SET_PDEATHSIG = 1
LINK_LOCAL = (("ecs", "169.254.170.2"), ("eks", "169.254.170.23"),
              ("imds", "169.254.169.254"))


def parse_arguments(argv):
    """Return the command line's settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", required=True,
                        help="where env, ports.json, ca.pem and log go")
    for name in ("https", "http", "admin", "proxy"):
        parser.add_argument("--%s-port" % name, type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--link-local", action="store_true",
                        help="also 127.0.0.1:443 and the link-local "
                        "addresses of the metadata services, port 80")
    parser.add_argument("--inspect-peers", action="store_true",
                        help="note the process behind each TLS connection")
    parser.add_argument("--state-lag", type=float, default=0.0,
                        help="seconds that DescribeActivations lags")
    parser.add_argument("--proxy-auth", default="", metavar="USER:PASSWORD")
    parser.add_argument("--container-token", default="",
                        help="what the full URI wants as Authorization")
    parser.add_argument("--until-eof", action="store_true",
                        help="end when stdin ends")
    parser.add_argument("--stay", action="store_true",
                        help="do not end with the parent process")
    parser.add_argument("--max-seconds", type=float, default=3600.0)
    return parser.parse_args(argv)


def die_with_parent():
    """Ask the kernel for a SIGTERM when the parent dies."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit("the parent is gone already")


def raise_file_limit():
    """Allow as many descriptors as we may: a thousand clients come."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def write_file(path, text, mode=0o644):
    """Write a file so that it is never seen half-written."""
    part = path + ".part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, path)


def assignments(values):
    """Return shell assignments, single-quoted."""
    return "".join("%s='%s'\n" % (name, str(value).replace("'", "'\\''"))
                   for name, value in values.items())


class Local:
    """The whole of it: state, services and listeners."""

    def __init__(self, options):
        self.options = options
        self.folder = os.path.abspath(options.dir)
        os.makedirs(self.folder, exist_ok=True)
        self.state = State(Clock(), options.region, options.state_lag)
        self.state.defaults = {"proxy_auth": options.proxy_auth,
                               "container_token": options.container_token}
        self.state.reset()
        self.faults = Faults()
        self.log = CallLog(os.path.join(self.folder, "log"))
        self.listeners = {}
        api = Api(self.state, self.log)
        self.messages = Messages(self.state, api, self.log, self.faults)
        self.aws = Aws(api, Metadata(self.state), self.messages, self.log)

    def path(self, name):
        """Return the path of a file in our directory."""
        return os.path.join(self.folder, name)

    def listen(self, server, name, port, context=None, address=None):
        """Open a listener."""
        address = address or self.options.address
        self.listeners[name] = Listener(name, address, port, context)
        server.serve(self.listeners[name])

    def start_aws(self, contexts):
        """Open the listeners of the AWS side."""
        options = self.options
        server = Server(self.aws, self.state, self.faults, self.log,
                        options.inspect_peers)
        for name, context in contexts.items():
            port = options.https_port if name == "https" else 0
            self.listen(server, name, port, context)
        self.listen(server, "http", options.http_port)
        if options.link_local:
            self.listen(server, "https-443", 443, contexts["https"],
                        "127.0.0.1")
            for name, address in LINK_LOCAL:
                self.listen(server, name, 80, None, address)

    def start_others(self):
        """Open the listeners of proxy and admin."""
        options, https = self.options, self.listeners["https"]
        proxy = Proxy(self.state, self.aws,
                      set(tlsca.good_names(options.region)),
                      (https.address, https.port))
        self.listen(Server(proxy, self.state, self.faults, self.log),
                    "proxy", options.proxy_port)
        admin = Admin(self.state, self.faults, self.log, self.messages)
        own_log = CallLog(os.devnull)
        self.listen(Server(admin, self.state, Faults(), own_log),
                    "admin", options.admin_port, None, "127.0.0.1")

    def url(self, name, host="localhost"):
        """Return the URL of a listener."""
        scheme = "https" if self.listeners[name].context else "http"
        return "%s://%s:%d" % (scheme, host, self.listeners[name].port)

    def write_files(self, root):
        """Write what clients need; `ready` comes last."""
        write_file(self.path("ca.pem"), root)
        common = {"AWS_ENDPOINT_URL": self.url("https"),
                  "AWS_CA_BUNDLE": self.path("ca.pem")}
        user = self.state.identity.user
        write_file(self.path("env"), assignments(dict(
            common, AWS_REGION=self.options.region,
            AWS_DEFAULT_REGION=self.options.region,
            AWS_ACCESS_KEY_ID=user.access_key,
            AWS_SECRET_ACCESS_KEY=user.secret)), 0o600)
        write_file(self.path("env-task"), assignments(
            dict(common, **self.task_environment())), 0o600)
        ports = {name: held.port for name, held in self.listeners.items()}
        write_file(self.path("ports.json"), json.dumps(ports) + "\n")
        write_file(self.path("ready"), "%d\n" % os.getpid())

    def task_environment(self):
        """Return the variables that ECS gives a container."""
        task = self.state.task["TaskARN"].rpartition("/")[2]
        container = "/v4/%s-1" % task[:24]
        if self.options.link_local:
            return {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI":
                    RELATIVE + task, "ECS_CONTAINER_METADATA_URI_V4":
                    "http://169.254.170.2" + container}
        plain = self.url("http", "127.0.0.1")
        found = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": plain + FULL,
                 "ECS_CONTAINER_METADATA_URI_V4": plain + container,
                 "AWS_REGION": self.options.region}
        if self.options.container_token:
            found["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = \
                self.options.container_token
        return found


def wait_for_end(options):
    """Return when it is time to end."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    if options.until_eof:
        def read():
            while sys.stdin.buffer.read(4096):
                pass
            ending.set()
        threading.Thread(target=read, daemon=True).start()
    ending.wait(options.max_seconds)


def main(argv):
    """Start everything, and end when told."""
    options = parse_arguments(argv)
    if not options.stay:
        die_with_parent()
    raise_file_limit()
    local = Local(options)
    root, contexts = tlsca.make_contexts(local.path("tls"), options.region)
    local.start_aws(contexts)
    local.start_others()
    local.write_files(root)
    wait_for_end(options)
    os.remove(local.path("ready"))
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
