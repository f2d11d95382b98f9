# SPDX-License-Identifier: MIT
"""Websockets: either end of a connection, once the handshake is over."""

import base64
import collections
import hashlib
import os
import select
import socket
import ssl
import threading
import time

from errors import ApiError
from httpmsg import BadRequest, Response
from writer import Cut

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MORE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MAX_FRAME = 1 << 20
CHUNK = 16384
FULL = 1 << 20
GOODBYE = 1.0
GONE = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)


def accept_key(key):
    """Return the Sec-WebSocket-Accept that belongs to a key."""
    digest = hashlib.sha1((key + MAGIC).encode()).digest()
    return base64.b64encode(digest).decode()


def handshake(request):
    """Return the answer that switches to the websocket protocol."""
    key = request.header("sec-websocket-key")
    if request.header("upgrade").lower() != "websocket" or not key:
        raise ApiError("InvalidRequest", "websocket handshake expected")
    return Response(101, b"", {
        "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_key(key)})


def apply_mask(mask, data):
    """Return the data with a mask put on, or taken off."""
    size = len(data)
    cover = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big")
            ^ int.from_bytes(cover, "big")).to_bytes(size, "big")


def encode(opcode, data, final=True, mask=None):
    """Return one frame; clients give a mask."""
    size, bit = len(data), 0x80 if mask else 0
    if size < 126:
        length = bytes([bit | size])
    elif size < 65536:
        length = bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([bit | 127]) + size.to_bytes(8, "big")
    head = bytes([(0x80 if final else 0) | opcode]) + length
    return head + (mask + apply_mask(mask, data) if mask else data)


def decode(buffer, masked=True):
    """Take one frame off the buffer; None while it is incomplete."""
    if len(buffer) < 2:
        return None
    head, size, start = buffer[0], buffer[1] & 0x7f, 2
    if size > 125:
        start += 2 if size == 126 else 8
        size = int.from_bytes(buffer[2:start], "big")
    if bool(buffer[1] & 0x80) != masked or size > MAX_FRAME:
        raise BadRequest("frame with the wrong mask, or too long")
    mask = bytes(buffer[start:start + 4]) if masked else b""
    start += len(mask)
    if len(buffer) < start + size or masked and len(mask) < 4:
        return None
    data = bytes(buffer[start:start + size])
    del buffer[:start + size]
    return (head & 0x0f, bool(head & 0x80),
            apply_mask(mask, data) if masked else data)


class Channel:
    """A websocket; one thread runs it, any thread may post.

    `take(opcode, data)` is called with each message and returns whether the
    channel goes on, `beat(now)` some times a second. While `full()` says
    so, nothing is read.
    """

    pause = 0.25

    def __init__(self, stream, client=False, early=b""):
        self.socket = stream
        self.client = client
        self.buffer = bytearray(early)
        self.message = bytearray()
        self.opcode = None
        self.outbox = bytearray()
        self.chunk = b""
        self.lock = threading.Lock()
        self.wake, self.waker = socket.socketpair()
        self.owner = None
        self.poll = select.poll()
        self.poll.register(self.wake, select.POLLIN)
        self.farewell = None
        self.until = None
        self.severed = False
        self.counts = collections.Counter()
        self.stalled = bool(early)
        self.end = None

    def take(self, opcode, data):
        """Deal with a message; return whether the channel goes on."""
        raise NotImplementedError

    def beat(self, now):
        """Do what is due."""

    def full(self):
        """Tell whether reading must wait."""
        return False

    def crowded(self):
        """Tell whether the peer does not take what it is sent."""
        return len(self.outbox) > FULL

    def post(self, data, opcode=BINARY, pieces=0):
        """Send a message, in pieces of that size if one is given."""
        step = pieces or len(data) or 1
        parts = range(0, len(data) or 1, step)
        with self.lock:
            if self.farewell is not None or self.end is not None:
                return
            idle = not self.outbox
            for at in parts:
                self.outbox += encode(
                    MORE if at else opcode, data[at:at + step],
                    at == parts[-1], os.urandom(4) if self.client else None)
        if idle and threading.get_ident() != self.owner:
            self.rouse()

    def stop(self, code=1001, reason=b""):
        """End the channel with a CLOSE."""
        self.post(code.to_bytes(2, "big") + reason, CLOSE)
        self.farewell = self.farewell or "%d %s" % (code, reason.decode())
        self.rouse()

    def sever(self):
        """End the TCP connection with an RST."""
        self.severed = True
        self.farewell = "severed"
        self.rouse()

    def rouse(self):
        """Wake the channel's thread; it may have ended meanwhile."""
        try:
            self.waker.send(b"!", socket.MSG_DONTWAIT)
        except OSError:
            pass

    def run(self):
        """Serve messages until either side ends it."""
        self.owner = threading.get_ident()
        self.socket.setblocking(False)
        reason = "the peer left"
        try:
            while self.turn():
                pass
        except (OSError, BadRequest) as error:
            reason = str(error)
        finally:
            self.end = self.farewell or reason
            self.socket.settimeout(GOODBYE)
            self.wake.close()
            self.waker.close()

    def turn(self):
        """Wait, read, write; return whether there is another turn."""
        readable = self.await_events()
        if self.severed:
            raise Cut(True)
        now = time.monotonic()
        if self.farewell and self.until is None:
            self.until = now + GOODBYE
        if self.until and now > self.until:
            return False
        self.beat(now)
        if readable and not self.read():
            return False
        self.write()
        return True

    def await_events(self):
        """Wait for something to do; return whether the peer sent any."""
        full = self.full()
        self.poll.register(self.socket, (0 if full else select.POLLIN) | (
            select.POLLOUT if self.chunk or self.outbox else 0))
        secure = isinstance(self.socket, ssl.SSLSocket)
        pending = not full and (self.stalled or secure
                                and self.socket.pending())
        pause = 0 if pending else 0.02 if full else self.pause
        events = dict(self.poll.poll(pause * 1000))
        if self.wake.fileno() in events:
            self.wake.recv(4096)
        seen = events.get(self.socket.fileno(), 0) & ~select.POLLOUT
        return bool(pending or seen)

    def read(self):
        """Take what came; return False at the end."""
        try:
            data = self.socket.recv(65536)
            if not data:
                return False
            self.buffer += data
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except GONE:
            return False
        self.stalled = False
        while True:
            if self.full():
                self.stalled = True
                return True
            frame = decode(self.buffer, not self.client)
            if frame is None:
                return True
            if not self.accept(*frame):
                return False

    def write(self):
        """Send what the connection takes now."""
        while True:
            with self.lock:
                if not self.chunk:
                    self.chunk = bytes(self.outbox[:CHUNK])
                    del self.outbox[:CHUNK]
            if not self.chunk:
                return
            try:
                sent = self.socket.send(self.chunk)
            except (BlockingIOError, ssl.SSLWantReadError,
                    ssl.SSLWantWriteError):
                return
            self.chunk = self.chunk[sent:]

    def accept(self, opcode, final, data):
        """Deal with one frame; return whether the channel goes on."""
        if opcode == CLOSE:
            self.stop(int.from_bytes(data[:2], "big") or 1000)
            self.write()
            return False
        if self.farewell is not None:
            return True
        if opcode in (PING, PONG):
            self.counts["pings" if opcode == PING else "pongs"] += 1
            if opcode == PING:
                self.post(data, PONG)
            return True
        self.opcode = opcode or self.opcode
        self.message += data
        if not final:
            return len(self.message) <= MAX_FRAME
        whole, self.message = bytes(self.message), bytearray()
        return self.take(self.opcode, whole)
