# SPDX-License-Identifier: MIT
"""Faults that tests order, and which request they hit.

A fault is a JSON object of conditions and effects; README.md lists both.
"""

import base64
import fnmatch
import threading

CONDITIONS = {"operation", "path", "method", "listener", "sender", "stage",
              "nth", "every", "count"}
EFFECTS = {
    "refuse", "stall", "reset", "close", "lost", "perform", "delay",
    "status", "reason", "code", "message", "body", "body_base64",
    "headers", "redirect", "nesting", "garbage", "chunked", "bytewise",
    "size", "lowercase", "no_length", "date_offset", "no_date",
    "interim", "flood", "hang_up", "no_notify", "hold",
}
# What may happen to a frame between agent and client.
FRAME_EFFECTS = {"lose", "double", "swap", "late", "fragment", "sever",
                 "refuse"}
REPLACING = {"status", "code", "body", "body_base64", "redirect",
             "nesting"}
PLACES = ("answer", "header", "body")
HOLDS = ("asked", "done")
HOLD_MAX = 120.0


class BadFault(ValueError):
    """The order is not one we understand."""


class Fault:
    """One order; it counts the requests that meet its conditions."""

    def __init__(self, spec):
        effects = (FRAME_EFFECTS if spec.get("stage") == "frame"
                   else EFFECTS)
        unknown = set(spec) - CONDITIONS - effects
        if unknown:
            raise BadFault("unknown members: %s" % ", ".join(
                sorted(unknown)))
        if not set(spec) & effects:
            raise BadFault("a fault needs an effect")
        for cut in ("reset", "close"):
            if cut in spec and spec[cut] not in PLACES:
                raise BadFault("%s is one of %s" % (cut, ", ".join(PLACES)))
        if spec.get("hold", "asked") not in HOLDS:
            raise BadFault("hold is one of %s" % ", ".join(HOLDS))
        self.spec = spec
        self.seen = 0
        self.hits = 0

    def meets(self, stage, facts):
        """Tell whether the conditions hold, whatever the counts say."""
        if self.spec.get("stage", "request") != stage:
            return False
        return all(fnmatch.fnmatchcase(facts.get(name) or "",
                                       self.spec[name])
                   for name in ("operation", "path", "method", "listener",
                                "sender")
                   if name in self.spec)

    def due(self):
        """Count one more request; tell whether this one is hit."""
        self.seen += 1
        count = self.spec.get("count", 1)
        late = self.seen - self.spec.get("nth", self.spec.get("every", 1))
        if late < 0 or late % self.spec.get("every", 1):
            return False
        if count and self.hits >= count:
            return False
        self.hits += 1
        return True

    def report(self):
        """Return the order and its counts."""
        return dict(self.spec, seen=self.seen, hits=self.hits)


class Plan:
    """What is to happen to one request; without a fault, nothing."""

    def __init__(self, spec=None):
        self.spec = spec or {}

    def __getattr__(self, name):
        if name not in EFFECTS | FRAME_EFFECTS:
            raise AttributeError(name)
        return self.spec.get(name)

    @property
    def replaces(self):
        """Tell whether the answer is made up by the fault."""
        return bool(REPLACING & set(self.spec))

    @property
    def performs(self):
        """Tell whether the operation is carried out all the same."""
        if "perform" in self.spec:
            return bool(self.spec["perform"])
        if self.lost:
            return True
        silent = (self.refuse or self.stall is not None
                  or self.garbage is not None or self.cut == "answer")
        return not silent and not self.replaces

    @property
    def cut(self):
        """Return where the answer breaks off, or None."""
        if self.lost:
            return "answer"
        return self.reset or self.close

    def garbage_bytes(self):
        """Return what is sent in place of an answer."""
        if isinstance(self.garbage, str):
            return base64.b64decode(self.garbage)
        return b"\x00\xff\x15\x03 this is no HTTP answer\r\n\r\n" * 8


class Holds:
    """The requests that wait until a test lets them go on."""

    def __init__(self):
        self.changed = threading.Condition()
        self.waiting = []
        self.releases = 0

    def wait(self, operation):
        """Wait for the next release, but not for ever."""
        with self.changed:
            before = self.releases
            self.waiting.append(operation)
            self.changed.wait_for(lambda: self.releases > before, HOLD_MAX)
            self.waiting.remove(operation)

    def release(self):
        """Let all go on."""
        with self.changed:
            self.releases += 1
            self.changed.notify_all()

    def report(self):
        """Return the operations of those that wait."""
        with self.changed:
            return list(self.waiting)


class Faults:
    """All orders, in the order they came; the first that is due wins."""

    def __init__(self):
        self.lock = threading.Lock()
        self.orders = []
        self.holds = Holds()

    def add(self, specs):
        """Add one order or a list of them."""
        made = [Fault(spec) for spec in
                (specs if isinstance(specs, list) else [specs])]
        with self.lock:
            self.orders += made

    def clear(self):
        """Forget all orders, and let go on what one of them holds."""
        with self.lock:
            self.orders = []
        self.holds.release()

    def plan(self, stage, **facts):
        """Return the plan for one connection or request."""
        with self.lock:
            for order in self.orders:
                if order.meets(stage, facts) and order.due():
                    return Plan(order.spec)
        return Plan()

    def report(self):
        """Return all orders and how often each has struck."""
        with self.lock:
            return [order.report() for order in self.orders]
