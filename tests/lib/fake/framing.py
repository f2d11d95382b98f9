"""The binary frame that agent and message gateway exchange.

A header of 120 bytes, all numbers big-endian: its own length less four,
the type padded with blanks, schema version, time in milliseconds, sequence
number, flags, message id with its halves swapped, SHA-256 of the payload,
payload type, payload length; then the payload.
"""

import hashlib
import struct
import time
import uuid

HEADER = struct.Struct(">I32sIQqQ16s32sII")


class BadFrame(ValueError):
    """The bytes are not a frame."""


def _swap(data):
    return data[8:] + data[:8]


def encode(kind, payload):
    """Return a frame of this type."""
    return HEADER.pack(
        HEADER.size - 4, kind.encode().ljust(32), 1,
        int(time.time() * 1000), 0, 0, _swap(uuid.uuid4().bytes),
        hashlib.sha256(payload).digest(), 0, len(payload)) + payload


def decode(data):
    """Return (type, message id, payload)."""
    if len(data) < HEADER.size:
        raise BadFrame("shorter than its header")
    (length, kind, _, _, _, _, ident, digest, _,
     size) = HEADER.unpack_from(data)
    payload = data[HEADER.size:]
    if length != HEADER.size - 4 or size != len(payload):
        raise BadFrame("wrong lengths")
    if hashlib.sha256(payload).digest() != digest:
        raise BadFrame("wrong digest")
    return (kind.rstrip(b"\0 ").decode("latin-1"),
            str(uuid.UUID(bytes=_swap(ident))), payload)
