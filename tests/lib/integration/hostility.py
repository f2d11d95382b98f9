# SPDX-License-Identifier: MIT
"""One cell of the table of hostile networks: `run` with an answer that goes
wrong at one step of the node's life, then a stop, and what is left."""

import base64
import gzip
import re
import time

import ends
import place
from container import Container, environment, wait_until
from roots import Root

UP = r"(mi-[0-9a-f]{17}) is up"
DOWN, MARGIN = 4, 8  # seconds: SSM_ACTIVATE_DOWN_TIMEOUT, and what a busy
# machine takes beside
PATIENCE = 8.0  # until it is clear that there will be no node
SLOW = 30.0     # until there is one, where nothing is in its way
TROUBLE = r"warn: |error: |no_access"
AFTER = 3.0     # for a node after a line of trouble
STATUS = 7
APP = ["/usr/local/bin/ssm-activate", "run", "--", "/bin/sh", "-c",
       "trap 'exit %d' TERM; echo ready; sleep 300 & wait" % STATUS]
JSON_MAX = 4 * 1024 * 1024
CONNECTION = "connection"
STEPS = (CONNECTION, "CreateActivation", "RegisterManagedInstance",
         "DeleteActivation", "DeregisterManagedInstance")


def raw(data):
    """Return bytes as an order wants them."""
    return base64.b64encode(data).decode()


# What happens to each request of a step, or to each connection before TLS.
FAULTS = {
    "refused": {"refuse": True},
    "silence": {"stall": 60},
    "reset instead of an answer": {"reset": "answer"},
    "TLS alert": {"garbage": raw(b"\x15\x03\x03\0\x02\x02\x28")},
    "TLS record that is cut": {"garbage": raw(b"\x16\x03\x03\x40\0\x02\0\0")},
    "no TLS": {"garbage": raw(b"SSH-2.0-OpenSSH_9.2\r\n")},
    "no HTTP": {"garbage": True},
    "end in the header": {"close": "header"},
    "reset in the header": {"reset": "header"},
    "end in the body": {"close": "body"},
    "reset in the body": {"reset": "body"},
    "reset after it is done": {"lost": True},
    "end without close_notify": {"close": "answer", "no_notify": True},
    "one byte a write": {"bytewise": 0},
    "body of the limit": {"size": JSON_MAX},
    "body of the limit and one": {"size": JSON_MAX + 1},
    "length too small": {"headers": {"Content-Length": "1"}},
    "length too large": {"headers": {"Content-Length": "99999"}},
    "two lengths": {"headers": {"Content-Length": "2, 3"}},
    "chunks of one byte": {"chunked": 1},
    "chunks that are none": {"headers": {"Transfer-Encoding": "chunked"}},
    "header names in lower case": {"lowercase": True},
    "redirect": {"redirect": "https://sts.eu-west-1.amazonaws.com/"},
    "three interim answers": {"interim": 3},
    "10000 headers": {"flood": 10000},
    "gzip": {"headers": {"Content-Encoding": "gzip"},
             "body_base64": raw(gzip.compress(b"{}", mtime=0))},
    "500": {"status": 500, "body": "{}"},
    "503": {"status": 503, "body": "<html>busy</html>"},
    "throttled": {"code": "ThrottlingException", "message": "Rate exceeded"},
    "clock says yesterday": {"date_offset": -86400},
    "signature expired": {"code": "InvalidSignatureException",
                          "message": "Signature expired"},
    "token expired": {"code": "ExpiredTokenException", "message": "expired"},
    "JSON 100000 deep": {"nesting": 100000},
    "JSON of another kind": {"body": "[1e999, null, {}]"},
    "NUL and control bytes": {"body_base64": raw(
        b'{"ActivationId": "a\\u0000\x1b[2J", "InstanceId": "\x07\x9b", '
        b'"ActivationCode": "\0"}')},
    "message of control bytes": {"code": "AccessDeniedException",
                                 "message": "\x1b[2J\r\n\x00ssm-activate: x"},
}
EARLY = ("refused", "silence", "reset instead of an answer", "TLS alert",
         "TLS record that is cut", "no TLS")
# What has to be taken as if nothing were wrong.
HARMLESS = ("one byte a write", "body of the limit", "chunks of one byte",
            "header names in lower case", "three interim answers")


def cells():
    """Return all cells: (fault, step)."""
    return [(fault, step) for fault in FAULTS for step in STEPS
            if step != CONNECTION or fault in EARLY]


def order(fault, step):
    """Return the order for the local AWS."""
    where = ({"stage": "accept", "listener": "https*"} if step == CONNECTION
             else {"operation": step})
    return dict(FAULTS[fault], count=0, **where)


class Cell:
    """One container and what it meets."""

    def __init__(self, fault, step):
        self.fault, self.step = fault, step
        self.aws = place.current.aws
        self.root = Root()
        self.held = None

    def close(self):
        """Clear away what the cell used."""
        if self.held is not None:
            self.held.kill()
        self.aws.post("faults", {"clear": True})
        self.aws.reset()
        self.root.remove()

    def story(self):
        """Return what was said, for a failure's report."""
        return "" if self.held is None else self.held.err

    def result(self):
        """Do it all; return what is to be known of it."""
        self.aws.reset()
        self.aws.post("faults", order(self.fault, self.step))
        self.held = Container(self.root, APP, environment(
            SSM_ACTIVATE_DOWN_TIMEOUT="%ds" % DOWN)).start()
        wait_until(lambda: "ready" in self.held.out, "the application", SLOW)
        up = self.await_node()
        self.held.signal(15)
        began = time.monotonic()
        status = self.held.wait(60)
        took = time.monotonic() - began
        self.aws.post("faults", {"clear": True})
        return {"up": up, "status": status, "late": took > DOWN + MARGIN,
                "app": "ready" in self.held.out, "left": self.left(),
                "crashed": self.crashes(), "odd": self.odd(),
                "told": "aws ssm de" in self.held.err}

    def await_node(self):
        """Tell whether there is a node in the time that it may take."""
        free = (self.fault in HARMLESS
                or self.step == "DeregisterManagedInstance")
        limit = time.monotonic() + (SLOW if free else PATIENCE)
        trouble = False
        while time.monotonic() < limit:
            if re.search(UP, self.held.err):
                return True
            if not trouble and re.search(TROUBLE, self.held.err):
                trouble = True
                limit = min(limit, time.monotonic() + AFTER)
            time.sleep(0.05)
        return False

    def left(self):
        """Return what is left on the account and on the disk."""
        state = self.aws.state()
        found = {word for word, list_ in (("node", state["nodes"]),
                                          ("activation",
                                           state["activations"])) if list_}
        for path in self.root.changes():
            kind = ends.kind_of(path)
            if kind is not None and self.root.exists(path):
                found.add(kind)
        return sorted(found)

    def crashes(self):
        """Return lines that tell of a process that a signal ended."""
        return [line for line in self.held.err.splitlines()
                if re.search(r"signal (4|6|7|8|11|31)\b|SIG(SEGV|ABRT|BUS|ILL"
                             r"|FPE|SYS)", line)]

    def odd(self):
        """Return lines with bytes that a terminal would act upon."""
        return [line for line in self.held.err.splitlines()
                if not line.isprintable()]
