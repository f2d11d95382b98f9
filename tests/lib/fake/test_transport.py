# SPDX-License-Identifier: MIT
"""Faults, listeners, and many clients at once."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

from client import AdminError, FakeAws, read_env
from signing import Account, Client

ROLE = "SSMServiceRole"
HERE = os.path.dirname(os.path.abspath(__file__))


class Case(Account):
    """What all tests here call."""

    def create(self):
        """Call CreateActivation."""
        return self.user.call("CreateActivation", IamRole=ROLE)

    def raw(self, listener="http", operation="DescribeActivations"):
        """Send an unsigned request; return every byte of the answer."""
        with socket.create_connection(
                ("127.0.0.1", self.aws.ports[listener]), 10) as peer:
            peer.sendall((
                "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: "
                "AmazonSSM.%s\r\nContent-Length: 2\r\nConnection: close"
                "\r\n\r\n{}" % operation).encode())
            data = b""
            while True:
                piece = peer.recv(65536)
                if not piece:
                    return data
                data += piece


class FaultTest(Case):
    """Each fault does what its name says, and to the right request."""

    def test_replaced_answers(self):
        """Status, code, body and headers can be made up."""
        self.aws.fault(operation="CreateActivation", status=503,
                       body="<html>busy</html>", headers={"X-A": "b"})
        status, headers, body = self.user.post(
            {"x-amz-target": "AmazonSSM.CreateActivation"}, b"{}", "ssm")
        self.assertEqual((status, body, headers["X-A"]),
                         (503, b"<html>busy</html>", "b"))
        self.aws.fault(code="TooManyUpdates", message="slow")
        self.assertEqual(self.create(), (400, {
            "__type": "TooManyUpdates", "message": "slow"}))
        self.aws.fault(redirect="https://elsewhere/")
        self.assertEqual(self.raw().split(b" ")[1], b"301")
        self.assertEqual(self.aws.activations(), [])
        self.assertEqual(self.create()[0], 200)

    def test_counts(self):
        """nth and count choose which requests are hit."""
        self.aws.fault(operation="Describe*", nth=2, count=2, status=500,
                       body="{}")
        seen = [self.user.call("DescribeActivations")[0] for _ in range(4)]
        self.assertEqual(seen, [200, 500, 500, 200])
        self.create()
        self.assertEqual(self.aws.get("faults")[0]["hits"], 2)

    def test_lost_answer(self):
        """A lost answer leaves the activation behind."""
        self.aws.fault(operation="CreateActivation", lost=True)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.create()
        self.assertEqual(len(self.aws.activations()), 1)
        self.assertTrue(self.aws.calls()[0]["performed"])

    def test_cuts(self):
        """Answers end before, within the headers, within the body."""
        for how, error in (("close", b""), ("reset", ConnectionResetError)):
            self.aws.fault(**{how: "answer"})
            if how == "close":
                self.assertEqual(self.raw(), b"")
            else:
                self.assertRaises(error, self.raw)
        self.aws.fault(close="header")
        self.assertNotIn(b"\r\n\r\n", self.raw())
        self.aws.fault(close="body")
        head, _, body = self.raw().partition(b"\r\n\r\n")
        announced = int(head.partition(b"Content-Length: ")[2].split()[0])
        self.assertEqual(len(body), announced // 2)
        for place in ("header", "body"):
            self.aws.fault(reset=place)
            self.assertRaises(ConnectionResetError, self.raw)
        self.aws.fault(refuse=True)
        self.assertEqual(self.raw(), b"")
        self.aws.fault(operation="CreateActivation", reset="answer")
        with self.assertRaises(ConnectionError):
            self.create()
        self.assertEqual(self.aws.activations(), [])

    def test_shapes(self):
        """Bytes one by one, chunks, sizes, names and dates."""
        for shape in ({"bytewise": 0}, {"chunked": [1, 7, 3]},
                      {"lowercase": True}, {"no_length": True},
                      {"interim": 2}, {"flood": 20}, {"hang_up": True},
                      {"size": 5000}):
            with self.subTest(shape):
                self.aws.fault(operation="CreateActivation", **shape)
                status, made = self.create()
                self.assertEqual(status, 200)
                self.assertEqual(len(made["ActivationCode"]), 20)
        self.assertEqual(len(self.aws.activations()), 8)
        self.aws.fault(chunked=3)
        self.assertIn(b"\r\n3\r\n", self.raw())
        self.aws.fault(lowercase=True)
        self.assertIn(b"\r\ncontent-length: ", self.raw())
        self.aws.fault(size=77)
        self.assertEqual(len(self.raw().partition(b"\r\n\r\n")[2]), 77)
        self.aws.fault(no_date=True)
        self.assertNotIn(b"\r\nDate: ", self.raw())
        self.assertIn(b"\r\nDate: ", self.raw())

    def test_date_offset(self):
        """The Date header can lie by itself, or follow the clock."""
        for act in (lambda: self.aws.fault(date_offset=86400),
                    lambda: self.aws.clock(86400)):
            act()
            now = time.strftime("%d %b", time.gmtime(time.time() + 86400))
            self.assertIn(now.encode(), self.raw())

    def test_hostile_bodies(self):
        """Deep nesting and garbage."""
        self.aws.fault(nesting=50)
        self.assertEqual(self.raw().partition(b"\r\n\r\n")[2],
                         b'{"x":' + b"[" * 50 + b"]" * 50 + b"}")
        self.aws.fault(garbage=True)
        self.assertTrue(self.raw().startswith(b"\x00\xff"))
        self.aws.fault(garbage="SEk=")
        self.assertEqual(self.raw(), b"HI")

    def test_delay_and_stall(self):
        """An answer comes late, or never."""
        self.aws.fault(delay=0.3)
        began = time.monotonic()
        self.assertTrue(self.raw())
        self.assertGreater(time.monotonic() - began, 0.29)
        self.aws.fault(operation="CreateActivation", stall=0.3)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.create()
        self.assertEqual(self.aws.activations(), [])

    def hold(self, when):
        """Return a request that is held, and its answers to be."""
        answers = []
        self.aws.fault(operation="CreateActivation", hold=when)
        caller = threading.Thread(
            target=lambda: answers.append(self.create()[0]), daemon=True)
        caller.start()
        deadline = time.monotonic() + 10
        while not self.aws.held() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.aws.held(), ["CreateActivation"])
        self.assertEqual(answers, [])
        return caller, answers

    def test_hold(self):
        """A request waits, before or after it is performed, until told."""
        for when, made in (("asked", 0), ("done", 1)):
            with self.subTest(when=when):
                self.aws.reset()
                caller, answers = self.hold(when)
                self.assertEqual(len(self.aws.activations()), made)
                self.aws.release()
                caller.join(10)
                self.assertEqual((answers, self.aws.held()), ([200], []))
                self.assertEqual(len(self.aws.activations()), 1)

    def test_accept_stage(self):
        """Faults before TLS hit the connection, on the one listener."""
        self.aws.fault(stage="accept", listener="https", refuse=True)
        self.assertRaises((OSError, EOFError), self.create)
        self.aws.fault(stage="accept", listener="https", garbage=True)
        self.assertRaises(ssl.SSLError, self.create)
        self.aws.fault(stage="accept", listener="nowhere", refuse=True)
        self.assertEqual(self.create()[0], 200)

    def test_unknown_fault(self):
        """A misspelt fault is refused, not ignored."""
        for spec in ({"operatoin": "x", "status": 1}, {"operation": "x"},
                     {"reset": "nowhere"}, {"hold": "later"}):
            with self.assertRaises(AdminError):
                self.aws.fault(**spec)


class ListenerTest(Case):
    """Certificates, keep-alive, odd requests, many clients."""

    options = {"inspect_peers": True}

    def test_certificates(self):
        """Only the good certificates are good."""
        reasons = {"tls-untrusted": "unable to get local issuer",
                   "tls-expired": "has expired",
                   "tls-not-yet-valid": "not yet valid",
                   "tls-wrong-name": "Hostname mismatch"}
        for listener in ("https", "https-ec", "tls-1.3-only"):
            self.assertEqual(Client(self.aws, listener).call(
                "DescribeActivations")[0], 200)
        for listener, reason in reasons.items():
            with self.assertRaisesRegex(ssl.SSLCertVerificationError,
                                        reason):
                Client(self.aws, listener).call("DescribeActivations")

    def test_keep_alive(self):
        """One connection carries several requests and is told apart."""
        connection = self.user.connect()
        for _ in range(3):
            connection.request("GET", "/nothing")
            connection.getresponse().read()
        connection.close()
        self.create()
        seen = [call["connection"] for call in self.aws.calls()]
        self.assertEqual(seen[0], seen[2])
        self.assertNotEqual(seen[0], seen[3])

    def test_chunked_request(self):
        """A body in chunks is understood and its signature checked."""
        connection = self.user.connect()
        headers = {"x-amz-target": "AmazonSSM.CreateActivation",
                   "host": "localhost:%d" % self.user.port}
        body = b'{"IamRole":"SSMServiceRole"}'
        self.user.sign(headers, "ssm", body)
        connection.request("POST", "/", iter([body[:5], body[5:]]), headers,
                           encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_nonsense(self):
        """What is not HTTP gets a 400 and the server lives on."""
        for nonsense in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nA\r\n\r\n",
                         b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                         b"POST / HTTP/1.1\r\nContent-Length: 99999999999"
                         b"\r\n\r\n"):
            with socket.create_connection(
                    ("127.0.0.1", self.aws.ports["http"]), 10) as peer:
                peer.sendall(nonsense)
                self.assertIn(b" 400 ", peer.recv(1000))
        self.assertEqual(self.create()[0], 200)

    def test_peer(self):
        """The log tells who was at the other end."""
        self.create()
        peer = self.aws.calls()[0]["peer"]
        self.assertEqual(peer["pid"], os.getpid())
        self.assertEqual(peer["exe"], os.path.realpath("/proc/self/exe"))
        self.assertIn("socket:", "".join(peer["fds"].values()))
        with open("/proc/self/status", encoding="ascii") as lines:
            own = dict(line.rstrip("\n").split(":\t", 1) for line in lines
                       if ":\t" in line)
        for name in ("Uid", "CapEff", "CapBnd", "NoNewPrivs"):
            self.assertEqual(peer["status"][name], own[name])

    def test_peer_without_rights(self):
        """A peer that has dropped everything is seen as such."""
        if os.getuid() != 0:
            self.skipTest("needs root to start such a peer")
        script = (
            "import ctypes, os, socket; os.closerange(3, 64);"
            "os.setgroups([]); os.setresgid(65534, 65534, 65534);"
            "os.setresuid(65534, 65534, 65534);"
            "c = ctypes.CDLL(None); c.prctl(4, 0, 0, 0, 0);"
            "c.prctl(38, 1, 0, 0, 0);"
            "s = socket.create_connection(('127.0.0.1', %d));"
            "s.recv(1)" % self.aws.ports["https"])
        with subprocess.Popen([sys.executable, "-c", script],
                              cwd="/") as peer:
            seen = self.wait_for_process(peer.pid)
            peer.terminate()
        self.assertEqual(seen["status"]["Uid"].split(), ["65534"] * 4)
        self.assertEqual(int(seen["status"]["CapEff"], 16), 0)
        self.assertEqual(seen["status"]["NoNewPrivs"], "1")
        self.assertIs(seen["dumpable"], False)
        self.assertEqual(sorted(seen["fds"]), ["0", "1", "2", "3"])

    def wait_for_process(self, pid):
        """Return what was seen of a process, within ten seconds."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for one in self.aws.get("connections"):
                if (one.get("process") or {}).get("pid") == pid:
                    return one["process"]
            time.sleep(0.05)
        return self.fail("process %d was not seen" % pid)


class CrowdTest(Case):
    """A thousand clients that start at once."""

    def test_thousand(self):
        """All of them are served, each activation once."""
        with open("/proc/self/limits", encoding="ascii") as lines:
            files = [line for line in lines if "open files" in line]
        if int(files[0].split()[3]) < 1100:
            self.skipTest("too few descriptors for a thousand clients")
        go, lock, done = threading.Event(), threading.Lock(), []

        def client():
            go.wait()
            try:
                status = Client(self.aws, "http").call(
                    "CreateActivation", IamRole=ROLE)[0]
            except OSError as error:
                status = str(error)
            with lock:
                done.append(status)

        threads = [threading.Thread(target=client) for _ in range(1000)]
        for thread in threads:
            thread.start()
        go.set()
        for thread in threads:
            thread.join(60)
        self.assertEqual(done, [200] * 1000)
        self.assertEqual(len(self.aws.activations()), 1000)
        self.assertEqual(self.aws.verdicts()["refused"], 0)

    def test_tls(self):
        """Two hundred TLS clients at once are served as well."""
        command = [sys.executable, "-c", (
            "import concurrent.futures, sys; sys.path.insert(0, %r);"
            "from client import FakeAws; from signing import Client;"
            "import json; aws = FakeAws(%r);"
            "aws.env = json.loads(sys.stdin.readline());"
            "aws.ports = json.loads(sys.stdin.readline());"
            "pool = concurrent.futures.ThreadPoolExecutor(200);"
            "print(set(pool.map(lambda _: Client(aws).call("
            "'DescribeActivations')[0], range(200))))"
            % (HERE, self.aws.dir))]
        text = "%s\n%s\n" % (json.dumps(self.aws.env),
                             json.dumps(self.aws.ports))
        done = subprocess.run(command, input=text, text=True, timeout=60,
                              capture_output=True, check=True)
        self.assertEqual(done.stdout.strip(), "{200}")


class ProcessTest(unittest.TestCase):
    """Starting, files, ending."""

    def test_files_and_end(self):
        """The files are there when it is ready, and it ends on EOF."""
        with FakeAws(region="us-east-1") as aws:
            env = read_env(os.path.join(aws.dir, "env"))
            self.assertEqual(env["AWS_REGION"], "us-east-1")
            mode = os.stat(os.path.join(aws.dir, "env")).st_mode
            self.assertEqual(mode & 0o777, 0o600)
            self.assertEqual(Client(aws, region="us-east-1").call(
                "DescribeActivations")[0], 200)
            process = aws.process
        self.assertEqual(process.returncode, 0)
        self.assertFalse(os.path.exists(aws.dir))

    def test_ctl(self):
        """The shell command reads and changes."""
        with FakeAws() as aws:
            def ctl(*words):
                return subprocess.run(
                    [os.path.join(HERE, "ctl"), aws.dir, *words], text=True,
                    capture_output=True, timeout=30)
            self.assertEqual(ctl("get", "activations.#").stdout, "0\n")
            ctl("fault", '{"status": 500, "body": "{}"}')
            self.assertEqual(Client(aws).call("DescribeActivations")[0],
                             500)
            self.assertEqual(len(json.loads(ctl("calls").stdout)), 1)
            ctl("reset")
            self.assertEqual(json.loads(ctl("calls").stdout), [])
            bad = ctl("limits", '{"nosuch": 1}')
            self.assertEqual(bad.returncode, 1)
            self.assertIn("unknown: nosuch", bad.stderr)
