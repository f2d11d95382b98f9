# SPDX-License-Identifier: MIT
"""Message gateway and client in one, for one session at a time and as fast as
Python can: what a session's throughput is measured with.

It serves the channels of ssmmessages by TLS on a port of its own, checks no
signature, and is the session's client itself: it acknowledges, sends what it
is told to, counts what comes, and sums it up by SHA-256.
"""

import hashlib
import json
import select
import socket
import ssl
import struct
import threading
import time
import uuid

import framing
import smux
import websocket

PIECE = 1024
WINDOW = 500  # frames of ours that are not acknowledged
AGAIN = 0.5  # seconds until the first of them goes again
READ = 1 << 16
FULL = 1 << 18  # bytes that wait to be sent
STREAM = 3
HEAD = struct.Struct(">I")
NUMBER = struct.Struct(">Q")
ACK = (b'{"AcknowledgedMessageType":"output_stream_data",'
       b'"AcknowledgedMessageId":"%s",'
       b'"AcknowledgedMessageSequenceNumber":%d,'
       b'"IsSequentialMessage":true}')


class Wire:
    """A websocket whose messages are dealt with as they come."""

    def __init__(self, stream, early):
        stream.setblocking(False)
        self.stream = stream
        self.got = bytearray(early)
        self.out = bytearray()
        self.open = True

    def post(self, data, opcode=websocket.BINARY):
        """Send a message."""
        self.out += websocket.encode(opcode, data)

    def messages(self):
        """Return the messages that are whole, without fragments."""
        found, at, got = [], 0, self.got
        while len(got) - at >= 14:
            size, start = got[at + 1] & 0x7f, at + 2
            if size > 125:
                start += 2 if size == 126 else 8
                size = int.from_bytes(got[at + 2:start], "big")
            end = start + 4 + size
            if len(got) < end:
                break
            found.append((got[at] & 0x0f, websocket.apply_mask(
                bytes(got[start:start + 4]), bytes(got[start + 4:end]))))
            at = end
        del got[:at]
        return found

    def read(self):
        """Take what came; tell whether there was anything."""
        before = len(self.got)
        try:
            while len(self.got) - before < FULL:
                data = self.stream.recv(READ)
                self.open = bool(data)
                if not data:
                    break
                self.got += data
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.open = False
        return len(self.got) > before

    def write(self):
        """Send what goes; tell whether anything went."""
        before = len(self.out)
        try:
            while self.out:
                del self.out[:self.stream.send(self.out[:READ])]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.open = False
        return len(self.out) < before

    def wait(self, seconds):
        """Wait until the socket is worth a try."""
        select.select([self.stream], [self.stream] if self.out else [], [],
                      seconds)


class Session:
    """A session and its client. `take(data)` gets its output; `feed` is an
    iterator of the bytes that are sent, or None."""

    def __init__(self, document, parameters=None):
        self.ident = "bench-" + uuid.uuid4().hex[:17]
        self.task = {"SessionId": self.ident, "DocumentName": "bench",
                     "DocumentContent": document,
                     "Parameters": parameters or {}, "RunAsUser": ""}
        self.port = document["sessionType"] == "Port"
        self.expected, self.early = 0, {}
        self.sent, self.queue, self.sent_at = 0, {}, 0.0
        self.feed = None
        self.received, self.digest = 0, hashlib.sha256()
        self.smux = bytearray()
        self.ready = threading.Event()
        self.over = threading.Event()
        self.outcome = None
        self.held = False  # nothing is read of the agent's
        self.wire = None

    # What comes.

    def arrived(self, data):
        """Deal with one frame."""
        kind = data[4:36].rstrip()
        if kind == b"output_stream_data":
            self.stream(data, NUMBER.unpack_from(data, 48)[0])
        elif kind == b"acknowledge":
            number = json.loads(data[120:])
            self.queue.pop(number["AcknowledgedMessageSequenceNumber"], None)
            self.sent_at = time.monotonic()

    def stream(self, data, number):
        """Acknowledge a frame, and put it in order."""
        if number < self.expected:
            return
        ident = data[72:80] + data[64:72]
        self.wire.post(framing.encode(
            "acknowledge", ACK % (str(uuid.UUID(bytes=ident)).encode(),
                                  number), flags=3))
        self.early[number] = data
        while self.expected in self.early:
            self.handle(self.early.pop(self.expected))
            self.expected += 1

    def handle(self, data):
        """Deal with the next output."""
        part = HEAD.unpack_from(data, 112)[0]
        if part == framing.HANDSHAKE_REQUEST:
            self.send(framing.HANDSHAKE_RESPONSE, json.dumps({
                "ClientVersion": "1.2.707.0", "Errors": None,
                "ProcessedClientActions": [{
                    "ActionType": "SessionType", "ActionStatus": 1,
                    "ActionResult": None, "Error": ""}]}).encode())
        elif part == framing.HANDSHAKE_COMPLETE:
            if not self.port:
                self.send(framing.SIZE, b'{"cols":80,"rows":24}')
            self.ready.set()
        elif part == framing.OUTPUT:
            self.take(data[120:])

    def take(self, data):
        """Count output; of a port, what is in its one stream."""
        if self.port:
            self.smux += data
            data, at = b"", 0
            while len(self.smux) - at >= 8:
                size = smux.HEADER.unpack_from(self.smux, at)[2]
                if len(self.smux) - at < 8 + size:
                    break
                data += self.smux[at + 8:at + 8 + size]
                at += 8 + size
            del self.smux[:at]
        self.received += len(data)
        self.digest.update(data)

    # What is sent.

    def send(self, part, data):
        """Send one frame of input."""
        frame = framing.encode("input_stream_data", data, self.sent,
                               part=part)
        self.queue[self.sent] = frame
        self.sent += 1
        self.wire.post(frame)

    def open_stream(self):
        """Open the one stream of a port."""
        self.feed = iter([smux.HEADER.pack(1, smux.SYN, 0, STREAM)])

    def pour(self, data, period, total):
        """Send so many bytes through the one stream, then its end; `data`
        begins anew after each `period`."""
        most = PIECE - smux.HEADER.size

        def pieces():
            at = 0
            while at < total:
                start = at % period
                piece = data[start:start + min(total - at, most)]
                at += len(piece)
                yield smux.HEADER.pack(1, smux.PSH, len(piece),
                                       STREAM) + piece
            yield smux.HEADER.pack(1, smux.FIN, 0, STREAM)
        self.feed = pieces()

    def push(self, now):
        """Send what the window lets, and the first one again when that is
        due; tell whether anything was sent."""
        busy = False
        while (self.feed is not None and len(self.queue) < WINDOW
               and len(self.wire.out) < FULL):
            piece = next(self.feed, None)
            if piece is None:
                self.feed = None
                break
            self.send(framing.OUTPUT, piece)
            busy = True
        if self.queue and now - self.sent_at > AGAIN:
            self.sent_at = now
            self.wire.post(next(iter(self.queue.values())))
        return busy

    def run(self, wire):
        """Serve the agent's connection until the session is over."""
        self.wire = wire
        while wire.open and not self.over.is_set():
            busy = not self.held and wire.read()
            for opcode, data in wire.messages():
                if opcode == websocket.BINARY:
                    self.arrived(data)
                elif opcode == websocket.PING:
                    wire.post(data, websocket.PONG)
            busy |= self.push(time.monotonic())
            busy |= wire.write()
            if self.held:
                time.sleep(0.01)
            elif not busy:
                wire.wait(0.05)


class Gateway:
    """The service: one control channel, one session at a time."""

    def __init__(self, context):
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.online = threading.Event()
        self.control = None
        self.orders = []
        self.session = None
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Serve each connection in a thread of its own."""
        while True:
            peer = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        """Answer requests until one becomes a channel."""
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with self.context.wrap_socket(peer, server_side=True) as stream:
                while self.answer(stream):
                    pass
        except OSError:
            pass

    def answer(self, stream):
        """Answer one request; tell whether another may follow."""
        head = bytearray()
        while b"\r\n\r\n" not in head:
            piece = stream.recv(READ)
            if not piece:
                return False
            head += piece
        text, _, rest = bytes(head).partition(b"\r\n\r\n")
        lines = text.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (
            line.partition(":") for line in lines[1:])}
        while len(rest) < int(fields.get("content-length", 0)):
            rest += stream.recv(READ)
        if lines[0].startswith("POST"):
            body = json.dumps({"TokenValue": uuid.uuid4().hex}).encode()
            stream.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n"
                           b"Content-Type: application/json\r\n\r\n%s"
                           % (len(body), body))
            return True
        stream.sendall(
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
             % websocket.accept_key(fields["sec-websocket-key"])).encode())
        wire = Wire(stream, rest)
        if "/data-channel/" in lines[0]:
            self.session.run(wire)
        else:
            self.run_control(wire)
        return False

    def run_control(self, wire):
        """Serve a control channel."""
        wire.post(framing.encode("control_channel_ready", b"{}"))
        self.online.set()
        while wire.open:
            busy = wire.read()
            for opcode, data in wire.messages():
                if opcode == websocket.BINARY:
                    self.hear(wire, framing.decode(data))
            while self.orders:
                wire.post(self.orders.pop(0))
            if not wire.write() and not busy:
                wire.wait(0.02)

    def hear(self, wire, frame):
        """Take how a session ended."""
        if frame.kind != "agent_task_complete":
            return
        told = json.loads(frame.payload)
        if self.session and told["TaskId"] == self.session.ident:
            self.session.outcome = told
            self.session.over.set()
        wire.post(framing.encode("agent_task_acknowledge", json.dumps({
            "SchemaVersion": 1, "MessageId": frame.ident,
            "TaskId": told["TaskId"],
            "Topic": "agent_task_complete"}).encode()))

    def start(self, session):
        """Begin a session, and wait until its client is ready."""
        self.session = session
        self.orders.append(framing.encode("interactive_shell", json.dumps({
            "schemaVersion": 1, "taskId": "bench", "topic": "bench",
            "content": json.dumps(session.task)}).encode()))
        if not session.ready.wait(30):
            raise RuntimeError("the session does not begin: %s"
                               % session.outcome)
        return session

    def end(self, session):
        """End a session."""
        self.orders.append(framing.encode("channel_closed", json.dumps({
            "MessageType": "channel_closed", "MessageId": str(uuid.uuid4()),
            "DestinationId": "bench", "SessionId": session.ident,
            "SchemaVersion": 1, "CreatedDate": ""}).encode()))
        if not session.over.wait(30):
            raise RuntimeError("the session does not end")


def document(kind, **properties):
    """Return a document of a session."""
    return {"schemaVersion": "1.0", "sessionType": kind, "inputs": {},
            "parameters": {}, "properties": properties}
