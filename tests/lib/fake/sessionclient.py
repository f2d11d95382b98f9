# SPDX-License-Identifier: MIT
"""A session from its user's side: what session-manager-plugin does.

    with SessionClient(Client(aws), node) as shell:
        shell.expect(rb"[$#] ")
        shell.write(b"echo $((40+2))\\n")
        shell.expect(rb"42")

It behaves on the wire as the plugin does, and is stricter: a frame with a
wrong digest, length or id is entered in `faults`.
"""

import json
import os
import base64
import re
import socket
import ssl
import struct
import threading
import time
import urllib.parse
import uuid

import framing
import smux
import websocket

LEAST_MUX = (3, 0, 196, 0)
PIECE = 1024
WINDOW = 1000
STORE = 10000
ATTEMPTS = 5
TAIL = 2000


class SessionError(Exception):
    """A session did not start, or not what was expected came."""


class Link(websocket.Channel):
    """One websocket of a session; there is a new one after each loss."""

    pause = 0.05

    def __init__(self, stream, session, early):
        super().__init__(stream, client=True, early=early)
        self.session = session
        self.beat = session.beat

    def take(self, opcode, data):
        """Hand a frame to the session."""
        self.session.arrived(data)
        return True


def connect(client, url, opening, signed=True):
    """Open a websocket with a first message; return socket, early bytes."""
    place = urllib.parse.urlsplit(url)
    target = "%s?%s" % (place.path, "&".join(sorted(place.query.split("&"))))
    raw = socket.create_connection((place.hostname, place.port or 443), 20)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = ssl.create_default_context(cafile=client.aws.dir + "/ca.pem")
    stream = context.wrap_socket(raw, server_hostname=place.hostname)
    headers = {"host": place.netloc}
    if signed:
        client.sign(headers, "ssmmessages", b"", "GET", target)
    key = base64.b64encode(os.urandom(16)).decode()
    headers.update({"upgrade": "websocket", "connection": "Upgrade",
                    "sec-websocket-version": "13",
                    "sec-websocket-key": key})
    lines = ["GET %s HTTP/1.1" % target]
    lines += ["%s: %s" % pair for pair in headers.items()]
    stream.sendall("\r\n".join(lines + ["", ""]).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = stream.recv(65536)
        if not piece:
            raise ConnectionError("no answer to the handshake")
        head += piece
    head, _, early = head.partition(b"\r\n\r\n")
    if b" 101 " not in head or websocket.accept_key(key).encode() not in head:
        raise ConnectionError(head.decode("latin-1"))
    opening = dict(opening, MessageSchemaVersion="1.0",
                   RequestId=str(uuid.uuid4()))
    stream.sendall(websocket.encode(
        websocket.TEXT, json.dumps(opening).encode(), mask=os.urandom(4)))
    return stream, early


class Unacknowledged:
    """The frames that the other side did not acknowledge yet.

    Only the first is sent again, as the plugin does it, with the plugin's
    estimate of when that is due.
    """

    def __init__(self):
        self.frames = {}
        self.round_trip, self.variance, self.wait = 0.1, 0.0, 0.2
        self.again = 0

    def add(self, sequence, data):
        """Enter a frame before it is sent."""
        self.frames[sequence] = [time.monotonic(), data]

    def drop(self, sequence):
        """Take an acknowledgement."""
        held = self.frames.pop(sequence, None)
        if held is None:
            return
        sample = time.monotonic() - held[0]
        self.variance += (abs(self.round_trip - sample) - self.variance) / 4
        self.round_trip += (sample - self.round_trip) / 8
        self.wait = min(1.0, self.round_trip + max(0.01, 4 * self.variance))

    def due(self, now):
        """Return the first frame when it is time to send it again."""
        for held in self.frames.values():
            if now - held[0] < self.wait:
                return None
            held[0] = now
            self.again += 1
            return held[1]
        return None


class SessionClient:
    """One session; a thread of its own reads and answers.

    `parameters` are those of the document. `sink` takes the output in place
    of `output`; `signed=False` is an older plugin.
    """

    version = "1.2.707.0"

    def __init__(self, client, target, document=None, signed=True, sink=None,
                 size=(80, 24), **parameters):
        self.client, self.signed, self.size = client, signed, size
        wanted = {"Target": target}
        if document:
            wanted["DocumentName"] = document
        if parameters:
            wanted["Parameters"] = {name: [str(value)] for name, value
                                    in parameters.items()}
        status, self.started = client.call("StartSession", **wanted)
        if status != 200:
            raise SessionError(self.started)
        self.ident = self.started["SessionId"]
        self.output, self.errors = bytearray(), bytearray()
        self.sink = sink or self.output.extend
        self.seen = 0
        self.exit_code = self.farewell = self.agent = self.mux = None
        self.properties, self.message = {}, None
        self.flags, self.faults, self.links = [], [], 0
        self.ready = self.paused = self.over = self.leaving = False
        self.expected, self.early = 0, {}
        self.sent, self.queue = 0, Unacknowledged()
        self.changed = threading.Condition(threading.RLock())
        self.link = None
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.hang_up()

    # The connection.

    def live(self):
        """Keep the session connected until it is over."""
        token = self.started["TokenValue"]
        try:
            while token and not self.leaving:
                self.serve(token)
                if self.leaving:
                    break
                token = self.client.call("ResumeSession", SessionId=self.ident
                                         )[1].get("TokenValue")
        except OSError as error:
            self.faults.append("connection: %s" % error)
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def serve(self, token):
        """Open a connection and serve it to its end."""
        opening = {"TokenValue": token, "ClientId": str(uuid.uuid4()),
                   "ClientVersion": self.version}
        for attempt in range(ATTEMPTS):
            try:
                stream, early = connect(self.client,
                                        self.started["StreamUrl"], opening,
                                        self.signed)
                break
            except OSError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.1 * 2 ** attempt)
        with self.changed:
            self.link = Link(stream, self, early)
            self.paused = False
            self.links += 1
            if self.leaving:
                self.link.stop(1000)
        try:
            self.link.run()
        except websocket.Cut:
            pass
        finally:
            stream.close()

    def beat(self, now):
        """Send the first unacknowledged frame again when that is due."""
        with self.changed:
            data = None if self.paused else self.queue.due(now)
            if data:
                self.link.post(data)

    # What arrives.

    def arrived(self, data):
        """Deal with one frame."""
        try:
            frame = framing.decode(data)
        except framing.BadFrame as error:
            self.faults.append(str(error))
            return
        with self.changed:
            if frame.kind == "output_stream_data":
                self.stream(frame)
            elif frame.kind == "acknowledge":
                self.paused = False
                self.queue.drop(json.loads(frame.payload)
                                ["AcknowledgedMessageSequenceNumber"])
            elif frame.kind == "channel_closed":
                self.farewell = json.loads(frame.payload).get("Output", "")
                self.leaving = True
                self.link.stop(1000)
            elif frame.kind in ("pause_publication", "start_publication"):
                self.paused = frame.kind == "pause_publication"
            else:
                self.faults.append("a client gets no " + frame.kind)
            self.changed.notify_all()

    def stream(self, frame):
        """Put output in order; what came before is not acknowledged."""
        if frame.sequence < self.expected or len(self.early) >= STORE:
            return
        self.acknowledge(frame)
        self.early[frame.sequence] = frame
        while self.expected in self.early:
            self.expected += 1
            self.handle(self.early.pop(self.expected - 1))

    def acknowledge(self, frame):
        """Acknowledge one frame."""
        self.link.post(framing.encode("acknowledge", json.dumps({
            "AcknowledgedMessageType": frame.kind,
            "AcknowledgedMessageId": frame.ident,
            "AcknowledgedMessageSequenceNumber": frame.sequence,
            "IsSequentialMessage": True}).encode(),
            flags=framing.SYN | framing.FIN))

    def handle(self, frame):
        """Deal with the next output."""
        if len(frame.payload) > PIECE:
            self.faults.append("%d bytes in a frame" % len(frame.payload))
        if frame.part == framing.OUTPUT:
            if self.agent is not None and self.message is None:
                self.faults.append("output in the middle of the handshake")
            self.begin()
            (self.mux.feed if self.mux else self.sink)(frame.payload)
        elif frame.part == framing.STDERR:
            self.errors += frame.payload
        elif frame.part == framing.EXIT_CODE:
            self.exit_code = int(frame.payload.partition(b":")[2])
        elif frame.part == framing.FLAG:
            self.flags.append(struct.unpack(">I", frame.payload)[0])
        elif frame.part == framing.HANDSHAKE_REQUEST:
            self.shake_hands(json.loads(frame.payload))
        elif frame.part == framing.HANDSHAKE_COMPLETE:
            self.message = json.loads(frame.payload)["CustomerMessage"]
            self.begin()
        else:
            self.faults.append("output of type %d" % frame.part)

    def shake_hands(self, request):
        """Answer the handshake; only session types are supported."""
        self.agent = request["AgentVersion"]
        actions = []
        for action in request["RequestedClientActions"]:
            known = action["ActionType"] == "SessionType"
            if known:
                self.properties = action["ActionParameters"]["Properties"]
            actions.append({
                "ActionType": action["ActionType"], "ActionResult": None,
                "ActionStatus": 1 if known else 3,
                "Error": "" if known else "Unsupported action"})
        version = tuple(map(int, self.agent.split(".")))
        if version > LEAST_MUX and (self.properties or {}).get(
                "type") == "LocalPortForwarding":
            self.mux = smux.Mux(self.write)
        self.send(framing.HANDSHAKE_RESPONSE, json.dumps({
            "ClientVersion": self.version, "Errors": None,
            "ProcessedClientActions": actions}).encode())

    def begin(self):
        """Start, which for a shell is to tell the window's size."""
        if not self.ready:
            self.ready = True
            if not self.properties:
                self.resize(*self.size)

    # What is sent.

    def send(self, part, data):
        """Send one frame of input."""
        with self.changed:
            frame = framing.encode("input_stream_data", data, self.sent,
                                   part=part)
            self.queue.add(self.sent, frame)
            self.sent += 1
            if self.link is not None and not self.paused:
                self.link.post(frame)

    def write(self, data):
        """Send bytes; wait while too many are not acknowledged."""
        for at in range(0, len(data), PIECE):
            with self.changed:
                if not self.changed.wait_for(
                        lambda: len(self.queue.frames) < WINDOW or self.over,
                        60):
                    raise SessionError("input is not taken")
            self.send(framing.OUTPUT, bytes(data[at:at + PIECE]))

    def resize(self, columns, rows):
        """Tell the size of the window."""
        self.send(framing.SIZE, json.dumps(
            {"cols": columns, "rows": rows}).encode())

    def flag(self, value):
        """Send a flag: framing.TERMINATE, framing.DISCONNECT_PORT."""
        self.send(framing.FLAG, struct.pack(">I", value))

    def terminate(self):
        """Ask the service to end the session."""
        return self.client.call("TerminateSession", SessionId=self.ident)

    def hang_up(self):
        """Leave without a word, as a plugin that is killed."""
        with self.changed:
            self.leaving = True
            if self.link is not None:
                self.link.stop(1000)
        self.thread.join(10)

    # What a test waits for.

    def wait(self, condition, timeout=20):
        """Wait until a condition holds; tell whether it does."""
        with self.changed:
            return self.changed.wait_for(condition, timeout)

    def started_up(self, timeout=20):
        """Wait until the session works, and return it."""
        if not self.wait(lambda: self.ready or self.over, timeout):
            raise SessionError("the session does not begin")
        return self

    def expect(self, pattern, timeout=20):
        """Return the output up to a pattern, and go on after it."""
        found = []

        def there():
            found[:] = filter(None, [re.compile(pattern, re.S).search(
                self.output, self.seen)])
            return found or self.over
        self.wait(there, timeout)
        with self.changed:
            if not found:
                raise SessionError("%r is not in %r; farewell %r" % (
                    pattern, bytes(self.output[self.seen:][-TAIL:]),
                    self.farewell))
            start, self.seen = self.seen, found[0].end()
            return bytes(self.output[start:self.seen])

    def ended(self, timeout=20):
        """Wait for the end; return what the service said of it."""
        if not self.wait(lambda: self.over, timeout):
            raise SessionError("the session does not end: %r"
                               % bytes(self.output[-TAIL:]))
        return self.farewell
