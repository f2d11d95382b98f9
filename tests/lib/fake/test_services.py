# SPDX-License-Identifier: MIT
"""Metadata, proxy and message channels."""

import base64
import http.client
import json
import os
import socket
import ssl
import tempfile
import urllib.parse

import framing
import rsatool
import websocket
from signing import Account, Client

ROLE = "SSMServiceRole"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


class Case(Account):
    """What all tests here send."""

    def request(self, path, method="GET", **headers):
        """Send a plain request; return (status, text)."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.aws.ports["http"], timeout=10)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


class MetadataTest(Case):
    """What containers and instances are told."""

    options = {"container_token": "open sesame"}

    def test_task(self):
        """Task and container metadata, and the end of a task."""
        path = urllib.parse.urlsplit(
            self.aws.task_env["ECS_CONTAINER_METADATA_URI_V4"]).path
        container = json.loads(self.request(path)[1])
        task = json.loads(self.request(path + "/task")[1])
        self.assertRegex(task["TaskARN"],
                         r"^arn:aws:ecs:eu-west-1:\d{12}:task/demo/\w{32}$")
        self.assertEqual(task["AvailabilityZone"], "eu-west-1a")
        self.assertEqual([one["DockerId"] for one in task["Containers"]],
                         [container["DockerId"]])
        other = json.loads(self.request("/v4/other")[1])
        self.assertNotEqual(other["DockerId"], container["DockerId"])
        self.aws.post("task", {"DesiredStatus": "STOPPED"})
        task = json.loads(self.request(path + "/task")[1])
        self.assertEqual((task["DesiredStatus"], task["KnownStatus"]),
                         ("STOPPED", "RUNNING"))
        self.assertEqual(self.request("/v4/")[0], 404)

    def test_container_credentials(self):
        """The task role's keys work, and need the right token."""
        uri = self.aws.task_env["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        path = urllib.parse.urlsplit(uri).path
        self.assertEqual(self.request(path)[0], 401)
        self.assertEqual(self.request(path, Authorization="no")[0], 401)
        token = self.aws.task_env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        first = self.request(path, Authorization=token)
        self.assertEqual(first[0], 200)
        self.assertEqual(self.request("/v1/credentials",
                                      Authorization=token), first)
        task = self.aws.state()["task"]["TaskARN"].rpartition("/")[2]
        self.assertEqual(self.request("/v2/credentials/" + task), first)
        self.assertEqual(self.request("/v2/credentials/x")[0], 404)
        held = json.loads(first[1])
        client = Client(self.aws, access_key=held["AccessKeyId"],
                        secret=held["SecretAccessKey"], token=held["Token"])
        self.assertEqual(client.call("CreateActivation", IamRole=ROLE)[0],
                         200)
        call = self.aws.calls("CreateActivation")[0]
        self.assertEqual(call["principal"], "task")
        client.token = ""
        self.assertEqual(client.call("DescribeActivations")[1]["__type"],
                         "UnrecognizedClientException")

    def test_instance(self):
        """Both versions of the instance metadata service."""
        base = "/latest/meta-data/"
        status, token = self.request("/latest/api/token", "PUT",
                                     **{TTL: "60"})
        self.assertEqual(status, 200)
        role = self.request(base + "iam/security-credentials/",
                            **{TOKEN: token})[1]
        held = json.loads(self.request(
            base + "iam/security-credentials/" + role, **{TOKEN: token})[1])
        self.assertEqual(held["Code"], "Success")
        self.assertEqual(self.request(base + "placement/region")[1],
                         "eu-west-1")
        self.aws.limits(imds_v1=False, imds_role="")
        self.assertEqual(self.request(base + "placement/region")[0], 401)
        self.assertEqual(self.request(base + "placement/region",
                                      **{TOKEN: "x"})[0], 401)
        self.assertEqual(self.request(base + "iam/security-credentials/",
                                      **{TOKEN: token})[0], 404)
        for seconds in ("", "0", "21601", "x"):
            self.assertEqual(self.request("/latest/api/token", "PUT",
                                          **{TTL: seconds})[0], 400)


class ProxyTest(Case):
    """The proxy carries TLS, and asks for a password when told."""

    def connect(self, host, port, headers=None):
        """Return the status of a CONNECT and the connection."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.aws.ports["proxy"], timeout=10)
        lines = ["CONNECT %s:%d HTTP/1.1" % (host, port)]
        lines += ["%s: %s" % pair for pair in (headers or {}).items()]
        connection.connect()
        self.addCleanup(connection.close)
        connection.sock.sendall("\r\n".join(lines + ["", ""]).encode())
        head = connection.sock.recv(4096)
        return int(head.split()[1]), connection.sock

    def test_tunnel(self):
        """A name of AWS leads to the local AWS through the tunnel."""
        name = "ssm.eu-west-1.amazonaws.com"
        status, raw = self.connect(name, 443)
        self.assertEqual(status, 200)
        context = ssl.create_default_context(cafile=self.aws.dir + "/ca.pem")
        with context.wrap_socket(raw, server_hostname=name) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close"
                        b"\r\n\r\n")
            self.assertIn(b" 404 ", tls.recv(4096))
        seen = self.aws.calls()
        self.assertEqual([one["listener"] for one in seen],
                         ["proxy", "https"])
        port = self.aws.ports["https"]
        self.assertEqual(self.connect("localhost", port)[0], 200)

    def test_refusals(self):
        """Other hosts are bad gateways; a wrong password is a 407."""
        self.assertEqual(self.connect("example.org", 443)[0], 502)
        self.assertEqual(self.connect("localhost", 1)[0], 502)
        self.aws.limits(proxy_auth="user:pass word")
        port = self.aws.ports["https"]
        self.assertEqual(self.connect("localhost", port)[0], 407)
        word = base64.b64encode(b"user:pass word").decode()
        self.assertEqual(self.connect("localhost", port, {
            "Proxy-Authorization": "Basic " + word})[0], 200)

    def test_absolute_form(self):
        """Plain URLs are answered in place."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.aws.ports["proxy"], timeout=10)
        connection.request("GET", "http://169.254.169.254/latest/meta-data/"
                           "placement/region")
        self.assertEqual(connection.getresponse().read(), b"eu-west-1")
        connection.close()


def frame(opcode, data):
    """Return a masked frame, as clients send them."""
    return websocket.encode(opcode, data, mask=os.urandom(4))


class MessagesTest(Case):
    """A node's control channel from its making to its end."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = tempfile.TemporaryDirectory()
        cls.key = rsatool.Key(cls.keys.name)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.keys.cleanup()

    def setUp(self):
        super().setUp()
        _, made = self.user.call("CreateActivation", IamRole=ROLE)
        _, node = self.user.call(
            "RegisterManagedInstance", signed=False, Fingerprint="f",
            PublicKey=self.key.public(), PublicKeyType="Rsa", **made)
        self.node = node["InstanceId"]
        signer = Client(self.aws, access_key=self.node)
        signer.pss = self.key.sign_text
        _, token = signer.call("RequestManagedInstanceRoleToken",
                               Fingerprint="f")
        self.agent = Client(self.aws, access_key=token["AccessKeyId"],
                            secret=token["SecretAccessKey"],
                            token=token["SessionToken"])

    def send(self, method, path, headers=None):
        """Send a signed request to the channel's path; return the socket
        and what came back first."""
        signed = {"host": "localhost:%d" % self.agent.port}
        self.agent.sign(signed, "ssmmessages", b"", method, path)
        lines = ["%s %s HTTP/1.1" % (method, path)]
        lines += ["%s: %s" % pair for pair in
                  dict(headers or {}, **signed).items()]
        connection = self.agent.connect()
        connection.connect()
        self.addCleanup(connection.close)
        connection.sock.sendall("\r\n".join(lines + ["", ""]).encode())
        return connection.sock, connection.sock.recv(65536).decode()

    def open(self):
        """Open the node's control channel and return its socket."""
        path = "/v1/control-channel/" + self.node
        _, answer = self.send("POST", path)
        self.assertIn(" 201 ", answer)
        token = answer.partition("<TokenValue>")[2].partition("<")[0]
        peer, answer = self.send(
            "GET", path + "?role=subscribe&stream=input", {
                "Upgrade": "websocket", "Connection": "Upgrade",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        self.assertIn(" 101 ", answer)
        self.assertIn("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer)
        peer.sendall(frame(websocket.TEXT, json.dumps(
            {"TokenValue": token, "AgentVersion": "3.3"}).encode()))
        return peer

    def read(self, peer):
        """Return the payload of the next frame from the server."""
        head = peer.recv(2)
        size = head[1]
        if size == 126:
            size = int.from_bytes(peer.recv(2), "big")
        data = b""
        while len(data) < size:
            data += peer.recv(size - len(data))
        return data

    def reply(self, peer, job, status, **plugin):
        """Answer a job as the agent does; return the acknowledgement."""
        content = {"documentStatus": status, "runtimeStatus":
                   {"aws:runShellScript": plugin} if plugin else None}
        payload = {"schemaVersion": 1, "jobId": job,
                   "content": json.dumps(content)}
        data = framing.encode("agent_job_reply",
                              json.dumps(payload).encode())
        peer.sendall(frame(websocket.BINARY, data))
        answer = framing.decode(self.read(peer))
        self.assertEqual(answer.kind, "agent_job_reply_ack")
        self.assertEqual(json.loads(answer.payload)["acknowledgedMessageId"],
                         framing.decode(data).ident)

    def test_command(self):
        """A command goes to the node and its outcome comes back, whatever
        the order of the last answers."""
        peer = self.open()
        peer.sendall(frame(websocket.PING, b"x"))
        peer.recv(100)
        _, sent = self.user.call(
            "SendCommand", InstanceIds=[self.node],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": ["exit 3"]})
        ident = sent["Command"]["CommandId"]
        sent_job = framing.decode(self.read(peer))
        self.assertEqual(sent_job.kind, "agent_job")
        job = json.loads(sent_job.payload)
        self.assertEqual(json.loads(job["Content"])["Parameters"],
                         {"commands": ["exit 3"]})
        self.reply(peer, job["JobId"], "InProgress")
        self.reply(peer, job["JobId"], "Failed", code=3,
                   standardOutput="out", standardError="err")
        self.reply(peer, job["JobId"], "InProgress")
        _, seen = self.user.call("GetCommandInvocation", CommandId=ident,
                                 InstanceId=self.node)
        self.assertEqual((seen["Status"], seen["ResponseCode"],
                          seen["StandardOutputContent"],
                          seen["StandardErrorContent"]),
                         ("Failed", 3, "out", "err"))

    def test_refused_command(self):
        """A node that runs no commands says so, and the command fails."""
        peer = self.open()
        _, sent = self.user.call(
            "SendCommand", InstanceIds=[self.node],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": ["true"]})
        job = framing.decode(self.read(peer))
        peer.sendall(frame(websocket.BINARY, framing.encode(
            "agent_job_ack", json.dumps({
                "jobId": json.loads(job.payload)["JobId"],
                "acknowledgedMessageId": job.ident, "statusCode": "51407",
                "errorMessage": "not in containers"}).encode())))
        peer.sendall(frame(websocket.PING, b"done"))
        self.assertEqual(self.read(peer), b"done")
        _, seen = self.user.call(
            "GetCommandInvocation", InstanceId=self.node,
            CommandId=sent["Command"]["CommandId"])
        self.assertEqual((seen["Status"], seen["StandardErrorContent"]),
                         ("Failed", "not in containers"))

    def test_hostile_frames(self):
        """Frames that make no sense do not end the channel."""
        peer = self.open()
        good = framing.encode("agent_job_reply", b'{"jobId": "x"}')
        for data in (b"", good[:50], good[:-1], good,
                     framing.encode("agent_job_reply", b"[]"),
                     framing.encode("agent_job_reply", b"\xff")):
            peer.sendall(frame(websocket.BINARY, data))
        peer.sendall(frame(websocket.PING, b"alive"))
        self.assertEqual(self.read(peer), b"alive")

    def test_channel(self):
        """Open, ping, status, disconnect."""
        peer = self.open()
        peer.sendall(frame(websocket.PING, b"keepalive"))
        self.assertEqual(peer.recv(100),
                         websocket.encode(websocket.PONG, b"keepalive"))
        self.assertEqual(self.user.call(
            "GetConnectionStatus", Target=self.node)[1]["Status"],
            "connected")
        self.assertEqual(self.aws.state()["connected"], [self.node])
        shown = self.aws.get("channels")[self.node]
        self.assertEqual((shown["pings"], shown["open"]["AgentVersion"]),
                         (1, "3.3"))
        self.aws.post("disconnect", {"node": self.node})
        self.assertEqual(peer.recv(100)[0], 0x80 | websocket.CLOSE)

    def test_wrong_token(self):
        """A channel opened with another token is closed."""
        path = "/v1/control-channel/" + self.node
        peer, _ = self.send("GET", path, {
            "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        peer.sendall(frame(websocket.TEXT, b'{"TokenValue": "x"}'))
        try:
            self.assertEqual(peer.recv(100), b"")
        except (ConnectionError, ssl.SSLError) as error:
            self.assertNotIsInstance(error, socket.timeout)
        self.assertEqual(self.aws.state()["connected"], [])

    def test_refused(self):
        """No channel for another node, nor for a bad signature."""
        other = "/v1/control-channel/mi-" + "0" * 17
        self.assertIn(" 403 ", self.send("POST", other)[1])
        path = "/v1/control-channel/" + self.node
        self.assertIn(" 403 ", self.send("GET", path)[1])
        self.assertEqual(self.aws.calls()[-1]["code"], "InvalidRequest")
        self.agent.secret = "wrong"
        self.assertIn(" 403 ", self.send("POST", path)[1])

    def test_polling(self):
        """GetMessages waits, and brings nothing."""
        self.aws.limits(get_messages_wait=0.2)
        status, answer = self.agent.call(
            "GetMessages", target="EC2WindowsMessageDeliveryService",
            Destination=self.node)
        self.assertEqual((status, answer["Messages"]), (200, []))
