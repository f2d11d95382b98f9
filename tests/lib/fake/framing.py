# SPDX-License-Identifier: MIT
"""The binary frame that agent, message gateway and client exchange.

A header of 120 bytes, all numbers big-endian: its own length less four,
the type padded with blanks, schema version, time in milliseconds, sequence
number, flags, message id with its halves swapped, SHA-256 of the payload,
payload type, payload length; then the payload.
"""

import hashlib
import struct
import time
import typing
import uuid

HEADER = struct.Struct(">I32sIQqQ16s32sII")
# Payload types of the two streams.
(OUTPUT, ERROR, SIZE, PARAMETER, HANDSHAKE_REQUEST, HANDSHAKE_RESPONSE,
 HANDSHAKE_COMPLETE, CHALLENGE_REQUEST, CHALLENGE_RESPONSE, FLAG, STDERR,
 EXIT_CODE) = range(1, 13)
# What a FLAG says.
DISCONNECT_PORT, TERMINATE, CONNECT_ERROR = 1, 2, 3
# Values of `flags`.
SYN, FIN = 1, 2


class BadFrame(ValueError):
    """The bytes are not a frame."""


class Frame(typing.NamedTuple):
    """One frame; `part` is the payload type."""

    kind: str
    ident: str
    payload: bytes
    sequence: int
    flags: int
    part: int
    date: int


def _swap(data):
    return data[8:] + data[:8]


def encode(kind, payload=b"", sequence=0, flags=0, part=0, ident=None,
           date=None):
    """Return a frame of this type."""
    ident = uuid.uuid4() if ident is None else uuid.UUID(ident)
    date = int(time.time() * 1000) if date is None else date
    return HEADER.pack(
        HEADER.size - 4, kind.encode().ljust(32), 1, date, sequence, flags,
        _swap(ident.bytes), hashlib.sha256(payload).digest(), part,
        len(payload)) + payload


def decode(data):
    """Return the Frame; one that an agent should not send is refused."""
    if len(data) < HEADER.size:
        raise BadFrame("shorter than its header")
    (length, kind, schema, date, sequence, flags, ident, digest, part,
     size) = HEADER.unpack_from(data)
    payload = bytes(data[HEADER.size:])
    if length != HEADER.size - 4 or size != len(payload):
        raise BadFrame("wrong lengths")
    if hashlib.sha256(payload).digest() != digest:
        raise BadFrame("wrong digest")
    if schema != 1 or not date or not any(ident):
        raise BadFrame("no schema, date or id")
    return Frame(kind.rstrip(b"\0 ").decode("latin-1"),
                 str(uuid.UUID(bytes=_swap(ident))), payload, sequence,
                 flags, part, date)
