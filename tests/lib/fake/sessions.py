# SPDX-License-Identifier: MIT
"""Sessions as the service sees them: who is there, and what passes."""

import collections
import json
import threading
import time
import uuid

import framing
import websocket
from clock import iso

KEPT = 20000
OTHER = {"agent": "client", "client": "agent"}
QUIET = ("acknowledge", "input_stream_data", "output_stream_data")


class Wire:
    """Carries frames, bent as a fault asks, and writes each down."""

    def __init__(self, faults):
        self.faults = faults
        self.lock = threading.Lock()
        self.frames = collections.deque(maxlen=KEPT)
        self.held = {}
        self.bad = collections.defaultdict(list)
        self.began = time.monotonic()

    def note(self, place, sender, frame, plan):
        """Write a frame down; the text of streams is left out."""
        entry = {"time": round(time.monotonic() - self.began, 4),
                 "place": place, "sender": sender, "kind": frame.kind,
                 "sequence": frame.sequence, "flags": frame.flags,
                 "part": frame.part, "size": len(frame.payload),
                 "id": frame.ident, "fault": sorted(plan.spec) or None}
        if frame.kind not in QUIET or frame.part not in (
                0, framing.OUTPUT, framing.STDERR):
            entry["text"] = frame.payload[:16384].decode("utf-8", "replace")
        self.frames.append(entry)

    def plan(self, place, sender, kind):
        """Return what a fault wants of a frame."""
        return self.faults.plan("frame", operation=kind, path=place,
                                sender=sender)

    def carry(self, place, sender, frame, data, deliver, sever):
        """Hand a frame to `deliver(data, pieces)`, as a fault wants it."""
        plan = self.plan(place, sender, frame.kind)
        self.note(place, sender, frame, plan)
        if plan.sever:
            sever(plan.sever)
        if plan.lose:
            return
        if plan.late:
            threading.Timer(plan.late, deliver, (data, 0)).start()
            return
        key = (place, sender)
        with self.lock:
            before = self.held.pop(key, None)
            if plan.swap and before is None:
                self.held[key] = data
                return
        for one in [data] * (2 if plan.double else 1) + [before]:
            if one is not None:
                deliver(one, plan.fragment or 0)

    def reset(self):
        """Forget what was written down."""
        self.frames.clear()
        self.held.clear()
        self.bad.clear()


class Peer(websocket.Channel):
    """A channel of an agent or a client, from its opening message on."""

    def __init__(self, connection, service, place, sender):
        super().__init__(connection.socket)
        self.service = service
        self.place = place
        self.sender = sender
        self.opened = None
        life = service.state.limits["channel_life"]
        self.ends = time.monotonic() + life if life else None

    def report(self):
        """Return what came over the channel so far."""
        return {"open": self.opened, "frames": self.counts["frames"],
                "pings": self.counts["pings"],
                "bad": self.service.wire.bad[self.place]}

    def beat(self, now):
        """End the channel when its hour has come."""
        if self.ends and now > self.ends:
            self.ends = None
            self.stop(1000, b"Bye")

    def full(self):
        """Wait while the other side does not take what this one sends."""
        other = self.opened is not None and self.service.other(self)
        return bool(other) and other.crowded()

    def take(self, opcode, data):
        """Take the opening message, then frames."""
        if self.opened is None:
            return opcode == websocket.TEXT and self.open(data)
        if opcode != websocket.BINARY:
            return True
        self.counts["frames"] += 1
        try:
            self.service.arrived(self, framing.decode(data), data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.service.wire.bad[self.place].append(
                "%s: %s" % (self.sender, error))
            self.service.log.say("bad-frame", {
                "place": self.place, "sender": self.sender,
                "error": str(error)})
        return True

    def open(self, data):
        """Take the opening message, which must carry our token."""
        try:
            message = json.loads(data)
            token = message.pop("TokenValue")
        except (ValueError, KeyError, AttributeError):
            return False
        if not self.service.redeem(self, token):
            return False
        self.opened = message
        self.service.joined(self)
        return True


class Session:
    """One session; `sides` are the channels that are open now."""

    def __init__(self, ident, target, document, now):
        self.ident = ident
        self.target = target
        self.document = document
        self.started = now
        self.ended = None
        self.status = "Connecting"
        self.outcome = None
        self.sides = {"agent": None, "client": None}
        self.opened = collections.Counter()
        self.states = []
        self.counts = collections.Counter()

    def report(self):
        """Return what tests look at."""
        return {"SessionId": self.ident, "Target": self.target,
                "DocumentName": self.document, "Status": self.status,
                "present": [name for name, one in self.sides.items() if one],
                "opened": dict(self.opened), "states": self.states,
                "outcome": self.outcome, "counts": dict(self.counts)}

    def describe(self):
        """Return it as DescribeSessions does."""
        shown = {"SessionId": self.ident, "Target": self.target,
                 "Status": self.status, "StartDate": self.started,
                 "DocumentName": self.document}
        if self.ended is not None:
            shown["EndDate"] = self.ended
        return shown

    def finish(self, status, now):
        """Enter the end, once."""
        if self.ended is None:
            self.status, self.ended = status, now

    def closed_frame(self, output):
        """Return the frame that ends the session."""
        return framing.encode("channel_closed", json.dumps({
            "MessageType": "channel_closed", "MessageId": str(uuid.uuid4()),
            "DestinationId": self.target, "SessionId": self.ident,
            "SchemaVersion": 1, "CreatedDate": iso(time.time()),
            "Output": output}).encode())


def acknowledge_task(frame, outcome):
    """Return the answer to agent_task_complete."""
    return framing.encode("agent_task_acknowledge", json.dumps({
        "SchemaVersion": 1, "MessageId": frame.ident,
        "TaskId": outcome["TaskId"],
        "Topic": "agent_task_complete"}).encode())
