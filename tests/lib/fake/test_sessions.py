# SPDX-License-Identifier: MIT
"""Sessions: the frames, the service and the client, with a scripted agent."""

import json
import os
import time
import unittest

import framing
import hostile
import websocket
from client import AdminError
from localaws import LocalAws
from scriptedagent import ScriptedAgent
from sessionclient import SessionClient, SessionError

HERE = os.path.dirname(os.path.abspath(__file__))
PORTS = "AWS-StartPortForwardingSession"


class FrameTest(unittest.TestCase):
    """The codecs, by themselves."""

    def test_known(self):
        """Frames of the real agent and plugin, byte for byte."""
        with open(os.path.join(HERE, "frames-known.json"),
                  encoding="utf-8") as file:
            known = json.load(file)["frames"]
        for one in known:
            with self.subTest(one["name"]):
                payload = one["payload"].encode("latin-1")
                data = bytes.fromhex(one["header"]) + payload
                frame = framing.decode(data)
                self.assertEqual(frame.payload, payload)
                for name in ("kind", "ident", "sequence", "flags", "part",
                             "date"):
                    self.assertEqual(getattr(frame, name), one[name])
                self.assertEqual(framing.encode(**frame._asdict()), data)

    def test_hostile(self):
        """Nearly every hostile frame is one that we refuse ourselves, or
        that is whole and carries nonsense; none is good."""
        whole = set(hostile.PAYLOADS) | {
            "unknown-type", "no-type", "blank-type", "binary-type",
            "last-date", "negative-sequence", "last-sequence", "flags",
            "unknown-part"}
        for name, data in hostile.frames("x").items():
            with self.subTest(name):
                if name in whole:
                    framing.decode(data)
                else:
                    self.assertRaises(framing.BadFrame, framing.decode, data)

    def test_websocket(self):
        """Frames of all sizes come back, whole or not there yet."""
        for size in (0, 1, 125, 126, 65535, 65536):
            for mask in (None, b"\x01\x80\xff\x00"):
                data = os.urandom(size)
                sent = websocket.encode(websocket.BINARY, data, mask=mask)
                buffer = bytearray(sent[:-1])
                if size:
                    self.assertIsNone(websocket.decode(buffer, bool(mask)))
                buffer = bytearray(sent + b"rest")
                self.assertEqual(websocket.decode(buffer, bool(mask)),
                                 (websocket.BINARY, True, data))
                self.assertEqual(buffer, b"rest")


class Case(LocalAws):
    """A local AWS, a node and a user."""

    def setUp(self):
        super().setUp()
        self.agent = ScriptedAgent(self.aws, self.key).start()
        self.until(lambda: self.aws.state()["connected"])

    def tearDown(self):
        self.agent.control.stop()

    def until(self, condition, timeout=10):
        """Wait until a condition holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it does not happen")
            time.sleep(0.05)

    def session(self, document=None, **more):
        """Return a session that works."""
        made = SessionClient(self.user, self.agent.node, document, **more)
        self.addCleanup(made.hang_up)
        return made.started_up()

    def talk(self, shell, lines=60):
        """Send lines and see them come back, once each and in order."""
        wanted = b"".join(b"line %d\n" % at for at in range(lines))
        for at in range(lines):
            shell.write(b"line %d\n" % at)
        shell.expect(b"line %d\n" % (lines - 1), 40)
        self.assertTrue(shell.output.endswith(wanted), shell.output)
        self.assertEqual(shell.faults, [])

    def fault(self, **spec):
        """Order a fault of frames."""
        self.aws.fault(stage="frame", **spec)


class ServiceTest(Case):
    """Life of a session, and who may have one."""

    def test_shell(self):
        """A session begins, tells its size, talks and ends."""
        shell = self.session(size=(91, 19))
        shell.expect(rb'size {"cols": 91, "rows": 19}')
        self.talk(shell)
        _, active = self.user.call("DescribeSessions", State="Active")
        self.assertEqual([(one["SessionId"], one["Status"])
                          for one in active["Sessions"]],
                         [(shell.ident, "Connected")])
        shell.write(b"exit\n")
        self.assertEqual(shell.ended(), "")
        self.assertEqual(self.user.call(
            "DescribeSessions", State="Active")[1], {"Sessions": []})
        seen = self.aws.get("sessions")[0]
        self.assertEqual((seen["outcome"]["FinalTaskStatus"], seen["states"],
                          seen["bad"]), ("Success", ["Connected"], []))
        kinds = [one.kind for one in self.agent.got]
        self.assertEqual(kinds[:2], ["control_channel_ready",
                                     "interactive_shell"])
        self.until(lambda: "agent_task_acknowledge" in [
            one.kind for one in self.agent.got])
        self.assertEqual(self.aws.get("channels")[self.agent.node]["bad"], [])

    def test_failure(self):
        """What an agent says of a failure reaches the user."""
        shell = self.session()
        self.agent.finish(shell.ident, "Failed", "no shell here")
        self.assertEqual(shell.ended(), "no shell here")
        self.assertEqual(self.user.call(
            "ResumeSession", SessionId=shell.ident)[1],
            {"SessionId": shell.ident})
        self.assertIn("already terminated", self.agent.create(
            "/v1/data-channel/" + shell.ident)[1])

    def test_ends(self):
        """The user's and the service's end reach both sides, by either of
        the agent's channels."""
        for places in (["node", "client"], ["agent", "client"]):
            self.aws.limits(close_on=places)
            shell = self.session()
            shell.terminate()
            self.assertEqual(shell.ended(), "")
            echo = self.agent.sessions[shell.ident]
            if "agent" in places:
                self.until(lambda: "channel_closed" in echo.told)
            else:
                self.until(lambda: self.agent.got[-1].kind ==
                           "channel_closed")
        shell = self.session()
        self.aws.post("end", {"session": shell.ident, "output": "idle"})
        self.assertEqual(shell.ended(), "idle")

    def test_refused(self):
        """Nodes that are away, documents and parameters, other nodes."""
        for code, params in (
                ("TargetNotConnected", {"Target": "mi-" + "0" * 17}),
                ("InvalidDocument", {"DocumentName": "none"}),
                ("InvalidParameters", {"Parameters": {"x": ["1"]}}),
                ("InvalidParameters", {
                    "DocumentName": "AWS-StartInteractiveCommand"})):
            _, answer = self.user.call("StartSession", **dict(
                {"Target": self.agent.node}, **params))
            self.assertEqual(answer["__type"], code)
        for name in ("ResumeSession", "TerminateSession"):
            self.assertEqual(self.user.call(name, SessionId="x")[1]["__type"],
                             "DoesNotExistException")
        shell = self.session()
        other = ScriptedAgent(self.aws, self.key)
        path = "/v1/data-channel/" + shell.ident
        self.assertEqual(other.create(path)[0], 403)
        self.assertEqual(other.create("/v1/data-channel/none")[0], 404)
        self.aws.policy("node", deny=["ssmmessages:CreateDataChannel"])
        self.assertEqual(self.agent.create(path)[0], 403)
        self.assertNotIn("refused", self.aws.calls()[-1]["signature"])
        self.agent.client.secret = "wrong"
        self.assertEqual(self.agent.create(path)[0], 403)
        self.assertIn("refused", self.aws.calls()[-1]["signature"])

    def test_what_agents_are_told(self):
        """Documents, the spelling of members, RunAs, a session by hand."""
        self.aws.post("documents", {"SSM-SessionManagerRunShell": {
            "inputs": {"shellProfile": {"linux": "date"}}}})
        self.aws.limits(run_as_user="bob", lower_camel=False)
        shell = self.session()
        sent = json.loads([one.payload for one in self.agent.got
                           if one.kind == "interactive_shell"][-1])
        content = json.loads(sent["Content"])
        inputs = content["DocumentContent"]["inputs"]
        self.assertEqual((content["RunAsUser"], inputs["shellProfile"],
                          inputs["idleSessionTimeout"], content["SessionId"]),
                         ("bob", {"linux": "date"}, "20", shell.ident))
        self.aws.post("start", {"session": "a b", "node": self.agent.node,
                                "content": {"Parameters": {"x": "y"}}})
        self.until(lambda: "a b" in self.agent.sessions)
        self.assertRaises(AdminError, self.aws.post, "end", {"session": "?"})

    def test_ports(self):
        """Many streams in one session, also larger than a frame."""
        ports = self.session(PORTS, portNumber=8080)
        self.assertEqual(ports.properties, {"type": "LocalPortForwarding"})
        streams = [ports.mux.open() for _ in range(3)]
        data = os.urandom(100000)
        for stream in streams:
            stream.write(data)
            stream.close()
        for stream in streams:
            self.assertTrue(stream.read(len(data)) == data)
            self.assertTrue(stream.finished())
        self.assertEqual((ports.mux.strays, ports.faults), ([], []))
        ports.flag(framing.TERMINATE)
        self.assertEqual(ports.ended(), "")

    def test_answers(self):
        """The service answers in XML or, when told, in JSON."""
        shell = self.session()
        path = "/v1/data-channel/" + shell.ident
        self.assertRegex(self.agent.create(path)[1],
                         r"^<CreateDataChannelResponse>\s+<Message")
        self.aws.limits(answers="json")
        status, text = self.agent.create(path)
        self.assertEqual((status, set(json.loads(text))),
                         (201, {"messageSchemaVersion", "tokenValue"}))

    def test_unsigned(self):
        """An older plugin does not sign; a wrong signature is refused."""
        self.talk(self.session(signed=False), 3)
        call = self.aws.calls("OpenDataChannel")
        self.assertIn("none", [one["signature"] for one in call])


class FaultTest(Case):
    """What frames and connections may suffer: nothing is lost."""

    def test_frames(self):
        """Loss, doubles, another order, delay and pieces, both ways."""
        for name, spec in {
                "lost": {"every": 3, "lose": True},
                "double": {"double": True},
                "swapped": {"every": 4, "swap": True},
                "late": {"every": 7, "late": 0.2},
                "pieces": {"sender": "service", "fragment": 7}}.items():
            with self.subTest(name):
                self.aws.post("faults", {"clear": True})
                self.fault(operation="*put_stream_data", count=0, **spec)
                if name == "pieces":
                    self.fault(fragment=50, count=0)
                self.talk(self.session(), 20)
                self.assertTrue(self.aws.get("faults")[-1]["hits"])

    def test_connections(self):
        """Each of the connections is cut in the middle of the talk."""
        for side in ("client", "agent", "node"):
            with self.subTest(side):
                shell = self.session()
                self.fault(operation="output_stream_data", nth=10,
                           sever=side, path=shell.ident)
                self.talk(shell)
                if side == "node":
                    self.until(lambda: not self.aws.state()["connected"])
                else:
                    seen = self.aws.get("sessions")[-1]["opened"]
                    self.assertEqual(seen[side], 2)

    def test_hours(self):
        """Channels end when their time has come, and come back."""
        self.aws.limits(channel_life=0.4)
        shell = self.session()
        while shell.links < 4:
            self.talk(shell, 3)
            time.sleep(0.1)
        self.assertGreater(self.aws.get("sessions")[0]["opened"]["agent"], 2)

    def test_disconnect(self):
        """A test may end one connection, politely or not."""
        shell = self.session()
        for links, reset in ((2, False), (3, True)):
            self.assertEqual(self.aws.post("disconnect", {
                "session": shell.ident, "side": "client", "reset": reset}),
                {"cut": True})
            self.until(lambda: shell.links == links)
            self.talk(shell, 2)

    def test_pause(self):
        """The client holds its input back while it is told to."""
        shell = self.session()
        self.talk(shell, 2)
        for kind, paused in (("pause", True), ("start", False)):
            self.aws.post("send", {"session": shell.ident, "side": "client",
                                   "kind": kind + "_publication"})
            self.until(lambda: shell.paused == paused)
        shell.write(b"after\n")
        shell.expect(b"after")

    def test_refused_token(self):
        """A channel that is refused when it opens is closed; the client
        comes with another token."""
        self.fault(operation="OpenDataChannel", sender="client", refuse=True)
        self.talk(self.session(), 2)
        self.assertEqual(len(self.aws.calls("ResumeSession")), 1)

    def test_bad_agent(self):
        """The client says what an agent does wrong."""
        shell = self.session()
        echo = self.agent.sessions[shell.ident]
        echo.send(framing.OUTPUT, bytes(1025))
        echo.send(framing.PARAMETER, b"x")
        echo.link.post(framing.encode("start_publication"))
        bad = framing.encode("output_stream_data", b"x", echo.sent)[:-1]
        echo.link.post(bad + b"y")
        self.assertTrue(shell.wait(lambda: len(shell.faults) >= 2))
        self.assertEqual(shell.faults, ["1025 bytes in a frame",
                                        "output of type 4"])
        self.until(lambda: self.aws.get("sessions")[0]["bad"])
        self.assertEqual(self.aws.get("sessions")[0]["bad"],
                         ["agent: wrong digest"])

    def test_hostile(self):
        """Hostile frames are sent as they are; nothing of the service's
        side minds them."""
        shell = self.session()
        names = self.aws.get("hostile")
        self.assertIn("../../tmp/owned", names["session_ids"].values())
        for name in ("header-0", "header-4294967295", "empty"):
            self.aws.post("send", {
                "session": shell.ident, "side": "client",
                "kind": "output_stream_data", "hostile": name})
        self.until(lambda: len(shell.faults) == 3)
        self.assertRaises(AdminError, self.aws.post, "send", {
            "session": "none", "side": "client", "hostile": "empty"})

    def test_bad_orders(self):
        """Faults of frames and of requests are not mixed."""
        for spec in ({"status": 500}, {"stage": "frame"}):
            self.assertRaises(AdminError, self.aws.fault,
                              **dict({"stage": "frame"}, **spec))
        self.assertRaises(AdminError, self.aws.fault, lose=True)

    def test_record(self):
        """Every frame is written down, with what happened to it."""
        shell = self.session()
        self.fault(operation="output_stream_data", lose=True)
        self.talk(shell, 2)
        frames = [one for one in self.aws.get("frames")
                  if one["place"] == shell.ident]
        self.assertIn(["lose", "operation", "stage"],
                      [one["fault"] for one in frames])
        response = [json.loads(one["text"]) for one in frames
                    if one["part"] == framing.HANDSHAKE_RESPONSE]
        self.assertEqual(response[0]["ClientVersion"], SessionClient.version)
        self.assertRaises(SessionError, shell.expect, b"never", 0.2)
