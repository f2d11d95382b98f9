# SPDX-License-Identifier: MIT
"""What a test does to channels and sessions; each function is an admin
call, and README.md says what is in its body."""

import base64

import documents
import framing
import hostile
import sessions


class BadOrder(ValueError):
    """The body names nothing that is there."""


def _place(messages, body):
    """Return the node, or the session and the side, that a body names."""
    if "node" in body:
        return body["node"], None
    if body["session"] not in messages.sessions:
        raise BadOrder("no such session")
    return body["session"], body["side"]


def disconnect(messages, body):
    """End one connection, with a CLOSE or, with "reset", an RST."""
    channel = messages.channel(*_place(messages, body))
    if channel is None:
        return {"cut": False}
    if body.get("reset"):
        channel.sever()
    else:
        channel.stop(body.get("code", 1001), b"Bye")
    return {"cut": True}


def send(messages, body):
    """Send a frame of the service's, good or hostile, or any bytes."""
    place, side = _place(messages, body)
    part, sequence = body.get("part", 0), body.get("sequence", 0)
    if "raw" in body:
        data = base64.b64decode(body["raw"])
    elif "hostile" in body:
        data = hostile.frames(body["kind"], sequence, part)[body["hostile"]]
    else:
        messages.send(framing.encode(
            body["kind"], body.get("payload", "").encode(), sequence,
            body.get("flags", 0), part), place, side)
        return {"sent": True}
    channel = messages.channel(place, side)
    if channel is None:
        raise BadOrder("nobody is there")
    channel.post(data)
    return {"sent": True}


def start(messages, body):
    """Tell a node of a session that no client asked for; members of
    "content" replace what it is told."""
    session = sessions.Session(
        body["session"], body["node"],
        body.get("document", documents.SHELL), messages.state.clock.now())
    messages.start(session, body.get("parameters", {}),
                   **body.get("content", {}))
    return session.report()


def end(messages, body):
    """End a session, as one that idled too long."""
    messages.end(messages.sessions[body["session"]], body.get("output", ""))
    return {}


def names():
    """Return the names of the hostile frames and the hostile ids."""
    return {"frames": sorted(hostile.frames("x")),
            "session_ids": hostile.SESSION_IDS}
