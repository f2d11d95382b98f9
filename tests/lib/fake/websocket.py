"""The server's side of a websocket, as much as a control channel needs."""

import base64
import collections
import hashlib
import json
import select
import socket
import ssl
import threading

from errors import ApiError
from httpmsg import BadRequest, Response

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAX_FRAME = 1 << 20
SEND_TIMEOUT = 10.0


def handshake(request):
    """Return the answer that switches to the websocket protocol."""
    key = request.header("sec-websocket-key")
    if request.header("upgrade").lower() != "websocket" or not key:
        raise ApiError("InvalidRequest", "websocket handshake expected")
    digest = hashlib.sha1((key + MAGIC).encode()).digest()
    return Response(101, b"", {
        "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode()})


def encode(opcode, data):
    """Return one unmasked frame."""
    size = len(data)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + data


def decode(buffer):
    """Take one frame off the buffer; None while it is incomplete."""
    if len(buffer) < 2:
        return None
    size, offset = buffer[1] & 0x7f, 2
    if size > 125:
        offset += 2 if size == 126 else 8
        size = int.from_bytes(buffer[2:offset], "big")
    if not buffer[1] & 0x80 or size > MAX_FRAME:
        raise BadRequest("frame is not masked, or too long")
    if len(buffer) < offset + 4 + size:
        return None
    mask = bytes(buffer[offset:offset + 4])
    start = offset + 4
    data = bytes(value ^ mask[index & 3] for index, value
                 in enumerate(buffer[start:start + size]))
    head = buffer[0]
    del buffer[:start + size]
    return head & 0x0f, bool(head & 0x80), data


class Channel:
    """A control channel; one thread reads and writes."""

    def __init__(self, connection, good_token, take_frame):
        self.socket = connection.socket
        self.stream = connection.stream
        self.good_token = good_token
        self.take_frame = take_frame
        self.buffer = bytearray()
        self.opened = None
        self.frames = 0
        self.pings = 0
        self.outbox = collections.deque()
        self.wake, self.waker = socket.socketpair()
        self.stopping = threading.Event()
        self.poll = select.poll()
        for one in (self.socket, self.wake):
            self.poll.register(one, select.POLLIN)

    def report(self):
        """Return what came over the channel so far."""
        return {"open": self.opened, "frames": self.frames,
                "pings": self.pings}

    def stop(self):
        """Ask the channel's thread to end it."""
        self.stopping.set()
        self.rouse()

    def post(self, frame):
        """Send a binary frame from the channel's own thread."""
        self.outbox.append(frame)
        self.rouse()

    def rouse(self):
        """Wake the channel's thread; it may have ended meanwhile."""
        try:
            self.waker.send(b"!")
        except OSError:
            self.outbox.clear()

    def run(self):
        """Serve frames until either side closes."""
        self.socket.settimeout(SEND_TIMEOUT)
        try:
            while not self.stopping.is_set():
                if not self.turn():
                    return
            self.socket.sendall(encode(CLOSE, (1001).to_bytes(2, "big")))
        finally:
            self.wake.close()
            self.waker.close()

    def turn(self):
        """Send what waits, take what came; False when the client left."""
        while self.outbox:
            self.socket.sendall(encode(BINARY, self.outbox.popleft()))
        data = self.receive()
        if data == b"":
            return False
        self.buffer += data or b""
        while True:
            frame = decode(self.buffer)
            if frame is None:
                return True
            if not self.take(*frame):
                return False

    def receive(self):
        """Return bytes, b"" at the end, or None when none came."""
        pending = (isinstance(self.socket, ssl.SSLSocket)
                   and self.socket.pending())
        if not pending:
            ready = [found for found, _ in self.poll.poll()]
            if self.wake.fileno() in ready:
                self.wake.recv(4096)
            if self.socket.fileno() not in ready:
                return None
        try:
            return self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return None
        except (ConnectionError, socket.error):
            return b""

    def take(self, opcode, final, data):
        """Deal with one frame; return whether the channel goes on.

        The agent never splits a message; a split one ends the channel.
        """
        if not final:
            return False
        if opcode == PING:
            self.pings += 1
            self.socket.sendall(encode(PONG, data))
        elif opcode == CLOSE:
            self.socket.sendall(encode(CLOSE, data[:2]))
            return False
        elif opcode == TEXT and self.opened is None:
            return self.open(data)
        elif opcode == BINARY and self.opened is not None:
            self.frames += 1
            answer = self.take_frame(data)
            if answer is not None:
                self.socket.sendall(encode(BINARY, answer))
        return True

    def open(self, data):
        """Take the opening message, which must carry our token."""
        try:
            message = json.loads(data)
            token = message.pop("TokenValue")
        except (ValueError, KeyError, AttributeError):
            return False
        if not self.good_token(token):
            return False
        self.opened = message
        return True
