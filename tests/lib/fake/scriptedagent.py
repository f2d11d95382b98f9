# SPDX-License-Identifier: MIT
"""An agent that answers as it is told, so that service and client can be
tried without a real one: a shell and a port echo what they get."""

import json
import threading
import time
import urllib.parse

import framing
import smux
import websocket
from sessionclient import PIECE, connect
from signing import Client

AGAIN = 0.3


class Control(websocket.Channel):
    """The control channel; each session gets a thread."""

    pause = 0.05

    def __init__(self, agent, stream, early):
        super().__init__(stream, client=True, early=early)
        self.agent = agent

    def take(self, opcode, data):
        """Start what is asked for, and remember the rest."""
        frame = framing.decode(data)
        self.agent.got.append(frame)
        if frame.kind == "interactive_shell":
            task = {name.lower(): value for name, value
                    in json.loads(frame.payload).items()}
            self.agent.begin(json.loads(task["content"]))
        return True


class Data(websocket.Channel):
    """The data channel of one session, without pause or order of its own:
    whatever is not acknowledged in time is sent again."""

    pause = 0.05

    def __init__(self, agent, session, stream, early):
        super().__init__(stream, client=True, early=early)
        self.agent, self.session = agent, session
        self.beat = session.beat

    def take(self, opcode, data):
        """Acknowledge input and hand it on in order."""
        frame = framing.decode(data)
        if frame.kind == "acknowledge":
            self.session.waiting.pop(json.loads(frame.payload)[
                "AcknowledgedMessageSequenceNumber"], None)
        elif frame.kind == "input_stream_data":
            self.session.input(frame)
        else:
            self.session.told.append(frame.kind)
        return frame.kind != "channel_closed"


class Echo:
    """One session: `exit` ends it, all else comes back."""

    def __init__(self, agent, task):
        self.agent, self.ident = agent, task["SessionId"]
        self.kind = task["DocumentContent"]["sessionType"]
        self.sent, self.waiting = 0, {}
        self.lock = threading.Lock()
        self.expected, self.early = 0, {}
        self.told = []
        self.link, self.over = None, False
        self.buffer = bytearray()

    def live(self):
        """Keep the data channel open; a session ends when it cannot be."""
        try:
            self.serve()
        except OSError:
            return
        self.agent.finish(self.ident)

    def serve(self):
        """Open the data channel again until the session is over."""
        first = True
        while not self.over and (first or "channel_closed" not in self.told):
            path = "/v1/data-channel/" + urllib.parse.quote(self.ident, "")
            stream, early = self.agent.open(
                path, "role=publish_subscribe", ClientId="",
                ClientInstanceId=self.agent.node)
            self.link = Data(self.agent, self, stream, early)
            if first:
                self.greet()
            first = False
            try:
                self.link.run()
            except websocket.Cut:
                pass
            stream.close()

    def greet(self):
        """Say that we are there, and begin with the handshake."""
        self.link.post(framing.encode("agent_session_state", json.dumps({
            "SchemaVersion": 1, "SessionState": "Connected",
            "SessionId": self.ident}).encode(), flags=3))
        properties = None
        if self.kind == "Port":
            properties = {"type": "LocalPortForwarding"}
        self.send(framing.HANDSHAKE_REQUEST, json.dumps({
            "AgentVersion": "3.3.0.0", "RequestedClientActions": [{
                "ActionType": "SessionType", "ActionParameters": {
                    "SessionType": self.kind, "Properties": properties}}]
        }).encode())

    def send(self, part, data):
        """Send numbered output."""
        with self.lock:
            frame = framing.encode("output_stream_data", data, self.sent,
                                   flags=not self.sent, part=part)
            self.waiting[self.sent] = [time.monotonic(), frame]
            self.sent += 1
            self.link.post(frame)

    def beat(self, now):
        """Send again what was not acknowledged."""
        for held in list(self.waiting.values())[:100]:
            if now - held[0] > AGAIN:
                held[0] = now
                self.link.post(held[1])

    def input(self, frame):
        """Acknowledge, put in order, deal with it."""
        self.link.post(framing.encode("acknowledge", json.dumps({
            "AcknowledgedMessageType": frame.kind,
            "AcknowledgedMessageId": frame.ident,
            "AcknowledgedMessageSequenceNumber": frame.sequence,
            "IsSequentialMessage": True}).encode(), flags=3))
        if frame.sequence >= self.expected:
            self.early[frame.sequence] = frame
        while self.expected in self.early:
            self.handle(self.early.pop(self.expected))
            self.expected += 1

    def handle(self, frame):
        """Echo; a flag that ends, or `exit`, ends."""
        if frame.part == framing.HANDSHAKE_RESPONSE:
            self.send(framing.HANDSHAKE_COMPLETE, b'{"CustomerMessage": ""}')
        elif frame.part == framing.SIZE:
            self.send(framing.OUTPUT, b"size " + frame.payload + b"\n")
        elif frame.part == framing.FLAG or frame.payload == b"exit\n":
            self.over = True
            self.link.stop(1000)
        elif self.kind == "Port":
            self.echo_stream(frame.payload)
        else:
            self.send(framing.OUTPUT, frame.payload)

    def echo_stream(self, data):
        """Echo smux frames; SYN is answered by nothing."""
        self.buffer += data
        while len(self.buffer) >= 8:
            _, command, size, _ = smux.HEADER.unpack_from(self.buffer)
            if len(self.buffer) < 8 + size:
                return
            whole = bytes(self.buffer[:8 + size])
            del self.buffer[:8 + size]
            if command != smux.SYN:
                for at in range(0, len(whole), PIECE):
                    self.send(framing.OUTPUT, whole[at:at + PIECE])


class ScriptedAgent:
    """A registered node with a control channel."""

    def __init__(self, aws, key):
        self.aws, self.got, self.sessions = aws, [], {}
        user = Client(aws)
        _, made = user.call("CreateActivation", IamRole="SSMServiceRole")
        _, node = user.call(
            "RegisterManagedInstance", signed=False, Fingerprint="f",
            PublicKey=key.public(), PublicKeyType="Rsa", **made)
        self.node = node["InstanceId"]
        signer = Client(aws, access_key=self.node)
        signer.pss = key.sign_text
        _, token = signer.call("RequestManagedInstanceRoleToken",
                               Fingerprint="f")
        self.client = Client(aws, access_key=token["AccessKeyId"],
                             secret=token["SecretAccessKey"],
                             token=token["SessionToken"])
        self.control = None

    def create(self, path):
        """Create a channel; return status and text of the answer."""
        headers = {"host": "localhost:%d" % self.client.port}
        self.client.sign(headers, "ssmmessages", b"{}", "POST", path)
        connection = self.client.connect()
        connection.request("POST", path, b"{}", headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def open(self, path, query, **opening):
        """Open a channel; return socket and early bytes."""
        status, text = self.create(path)
        if status != 201:
            raise ConnectionError(text)
        opening["TokenValue"] = text.partition("<TokenValue>")[2].partition(
            "<")[0]
        return connect(self.client, "wss://localhost:%d%s?%s" % (
            self.client.port, path, query), opening)

    def start(self):
        """Open the control channel in a thread of its own."""
        stream, early = self.open(
            "/v1/control-channel/" + self.node, "role=subscribe&stream=input",
            AgentVersion="3.3.0.0", PlatformType="linux",
            RequireAcknowledgement=True)
        self.control = Control(self, stream, early)

        def run():
            try:
                self.control.run()
            finally:
                stream.close()
        threading.Thread(target=run, daemon=True).start()
        return self

    def begin(self, task):
        """Run a session."""
        echo = self.sessions[task["SessionId"]] = Echo(self, task)
        threading.Thread(target=echo.live, daemon=True).start()

    def finish(self, ident, status="Success", output=""):
        """Tell the service that a session is over."""
        self.control.post(framing.encode("agent_task_complete", json.dumps({
            "SchemaVersion": 1, "TaskId": ident, "RetryNumber": 1,
            "Topic": "agent_task_complete", "FinalTaskStatus": status,
            "InstanceId": self.node, "Output": output}).encode()))
