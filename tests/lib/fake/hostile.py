# SPDX-License-Identifier: MIT
"""Frames and session ids that no service sends, by name."""

import framing

NEST = b"[" * 100000
SESSION_IDS = {
    "empty": "", "slash": "a/b", "parent": "..", "path": "../../tmp/owned",
    "nul": "owned\0x", "line": "a\nb", "percent": "%2e%2e%2fowned",
    "blank": "a b", "long": "x" * 5000, "not-ascii": "sess\u00efon"}
PAYLOADS = {
    "no-payload": b"", "not-json": b"{", "not-utf8": b'{"a": "\xff\xfe"}',
    "null": b"null", "list": b"[]", "number": b"1e999", "deep": NEST,
    "deep-object": b'{"Content":' * 20000, "no-members": b"{}",
    "wrong-types": b'{"Content": 7, "content": [], "SessionId": {},'
                   b' "AcknowledgedMessageSequenceNumber": "x"}',
    "content-not-json": b'{"content": "{"}',
    "content-deep": b'{"content": "' + NEST + b'"}',
    "content-empty": b'{"content": "{}"}', "huge": b"x" * (1 << 19)}


def _put(frame, at, data):
    """Return a frame with some of its bytes replaced."""
    return frame[:at] + data + frame[at + len(data):]


def frames(kind, sequence=0, part=0):
    """Return hostile frames of one type, by name.

    Those of the names that begin with "fine-" are odd, but an agent must
    take them: the service itself sends such.
    """
    def made(payload=b"{}", sequence=sequence, **more):
        return framing.encode(kind, payload, sequence, part=part, **more)
    good = made()
    found = {name: made(payload) for name, payload in PAYLOADS.items()}
    found.update({
        "empty": b"", "one-byte": b"\0", "half-header": good[:50],
        "no-length": good[:116], "cut-payload": good[:-1],
        "fine-digest": _put(good, 80, bytes(32)),
        "no-type": _put(good, 4, bytes(32)),
        "blank-type": _put(good, 4, b" " * 32),
        "unknown-type": _put(good, 4, b"no_such_type".ljust(32)),
        "binary-type": _put(good, 4, bytes(range(128, 160))),
        "schema": _put(good, 36, b"\xff" * 4),
        "no-date": _put(good, 40, bytes(8)),
        "last-date": _put(good, 40, b"\xff" * 8),
        "negative-sequence": made(sequence=-1),
        "last-sequence": made(sequence=(1 << 63) - 1),
        "flags": _put(good, 56, b"\xff" * 8),
        "no-id": _put(good, 64, bytes(16)),
        "unknown-part": _put(good, 112, b"\xff" * 4)})
    for length in (0, 1, 115, 117, 118, 119, 1 << 16, (1 << 31) - 1,
                   (1 << 32) - 5, (1 << 32) - 4, (1 << 32) - 1):
        found["header-%d" % length] = _put(good, 0, length.to_bytes(4, "big"))
    for length in (0, 1, 3, 1 << 16, (1 << 32) - 1):
        found["size-%d" % length] = _put(good, 116,
                                         length.to_bytes(4, "big"))
    return found
