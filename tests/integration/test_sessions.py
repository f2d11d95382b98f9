# SPDX-License-Identifier: MIT
"""Sessions of our own agent: shells, commands, ports, and what becomes of them
when frames are lost and connections cut.  With SSM_ACTIVATE_TEST_FULL=1 each
fault by itself and much of it, else some of them together."""

import os
import signal
import threading
import time

import framing
import place
from case import BIN, SLEEP, Case, environment, procfs, wait_until
from echo import Echo
from runner import FULL
from sessionclient import SessionClient
from signing import Client

PROMPT = rb"[$#] "
SHELL = "SSM-SessionManagerRunShell"
INTERACTIVE = "AWS-StartInteractiveCommand"
COMMAND = "AWS-StartNonInteractiveCommand"
PORT = "AWS-StartPortForwardingSession"
REMOTE = "AWS-StartPortForwardingSessionToRemoteHost"
ELSEWHERE = "10.77.7.7"
LINES = 60000 if FULL else 20000
OUTPUT = {"sender": "agent", "operation": "output_stream_data", "count": 0}
ANSWERS = {"sender": "client", "count": 0}
FAULTS = {
    "lose": [dict(OUTPUT, every=3, lose=True)],
    "double": [dict(OUTPUT, every=2, double=True)],
    "swap": [dict(OUTPUT, every=3, swap=True)],
    "late": [dict(OUTPUT, every=7, late=0.3)],
    "fragment": [dict(OUTPUT, every=2, fragment=100)],
    "lose input": [dict(ANSWERS, operation="input_stream_data", every=2,
                        lose=True)],
    "sever agent": [dict(OUTPUT, nth=150, count=1, sever="agent")],
    "sever client": [dict(OUTPUT, nth=150, count=1, sever="client")],
    "all": [dict(OUTPUT, every=5, lose=True),
            dict(OUTPUT, every=3, double=True),
            dict(OUTPUT, every=4, swap=True),
            dict(OUTPUT, nth=200, count=1, sever="agent")]}


class Sessions(Case):
    """A container whose node has our own agent."""

    def up(self, root=None, argv=(), **more):
        """Start one and wait for its control channel."""
        self.place = root or self.root()
        self.place.mount_terminals()
        held = self.start(list(argv) + [BIN, "run", "--"] + SLEEP, self.place,
                          environment(SSM_ACTIVATE_AGENT="builtin", **more))
        self.node = held.wait_line(r"(mi-[0-9a-f]{17}) is online").group(1)
        self.user = Client(self.aws)
        return held

    def session(self, document=None, **parameters):
        """Start a session that ends with the test."""
        one = SessionClient(self.user, self.node, document, **parameters)
        self.addCleanup(one.hang_up)
        return one

    def outcome(self, ident):
        """Return what the agent told of a session's end."""
        for one in self.aws.get("sessions"):
            if one["SessionId"] == ident and one["outcome"]:
                return one["outcome"]["FinalTaskStatus"]
        return None

    def assert_good(self, one):
        """The client had nothing to complain of."""
        self.assertEqual(one.faults, [])

    def echo(self, address="127.0.0.1"):
        """Start a server that ends with the test."""
        server = Echo(address)
        self.addCleanup(server.close)
        return server


class Shells(Sessions):
    """Programs with and without a terminal."""

    def test_shell(self):
        """Size, its changes, ^C, much output, the end."""
        self.up()
        shell = self.session(size=(91, 19))
        shell.expect(PROMPT)
        shell.write(b"stty size; tty; id -u; env\n")
        seen = shell.expect(rb"19 91.*/dev/pts/\d+\r\n[1-9]\d*\r\n.*\$ ")
        self.assertNotIn(b"SSM_ACTIVATE", seen)
        self.assertNotIn(b"AWS_SECRET", seen)
        self.assertIn(b"TERM=xterm-256color", seen)
        shell.resize(100, 30)
        shell.write(b"stty size\n")
        shell.expect(rb"\r\n30 100\r\n.*" + PROMPT)
        shell.write(b"sleep 300\n")
        time.sleep(0.3)
        shell.write(b"\x03")
        shell.expect(PROMPT, 5)
        shell.write(b"seq 1 70000; echo all-$((1+1))\n")
        text = shell.expect(rb"all-2\r\n", 60).split(b"\r\n")
        self.assertEqual([line for line in text if line.isdigit()],
                         [b"%d" % i for i in range(1, 70001)])
        shell.write(b"exit\n")
        self.assertEqual(shell.ended(), "")
        self.assert_good(shell)

    def test_profile_and_user(self):
        """What the document wants is typed, and done as who it wants."""
        self.up()
        self.aws.post("documents", {SHELL: {"inputs": {
            "runAsEnabled": True, "runAsDefaultUser": "app",
            "shellProfile": {"linux": "echo by-$((1+1)); cd ~; pwd; id -un"}}}})
        shell = self.session()
        shell.expect(rb"by-2\r\n/home/app\r\napp\r\n")
        self.aws.post("documents", {SHELL: {"inputs": {
            "runAsEnabled": True, "runAsDefaultUser": "nobody-here"}}})
        self.assertIn("nobody-here does not exist", self.session().ended())

    def test_commands(self):
        """With a terminal, without one, and with streams apart."""
        self.up()
        one = self.session(INTERACTIVE, command="id -u; read x; echo got-$x")
        one.expect(rb"0\r\n")
        one.write(b"this\n")
        one.expect(rb"got-this")
        self.assertEqual(one.ended(), "")
        words = "sh -c 'echo out; echo err >&2; exit 7'"
        one = self.session(COMMAND, command=words)
        self.assertEqual(one.ended(), "")
        self.assertEqual(bytes(one.output), b"out\nerr\n")
        self.assertIsNone(one.exit_code)
        one = self.session(COMMAND, command=words, separateOutputStream="True",
                           stdOutSeparatorPrefix="O:")
        self.assertEqual(one.ended(), "")
        self.assertEqual((bytes(one.output), bytes(one.errors), one.exit_code),
                         (b"O:out\n", b"err\n", 7))
        one = self.session(COMMAND, command="/no/such", separateOutputStream="True")
        self.assertIn("No such file", one.ended())
        self.assertEqual(one.exit_code, 1)
        one = self.session(COMMAND, command="sleep 300",
                           separateOutputStream="True").started_up()
        time.sleep(0.5)
        one.write(b"\x03")
        one.ended()
        self.assertEqual(one.exit_code, 130)

    def test_ends(self):
        """The service ends one: it is cancelled and its processes go; the
        container stops: the client reads why."""
        held = self.up(self.root("debian"))
        one = self.session()
        one.expect(PROMPT)
        one.write(b"sh -c 'trap \"\" HUP; sleep 301'\n")
        wait_until(lambda: self.sleeps(held), "a program")
        one.terminate()
        self.assertEqual(one.ended(), "")
        wait_until(lambda: not self.sleeps(held), "no program")
        wait_until(lambda: self.outcome(one.ident), "an outcome")
        self.assertEqual(self.outcome(one.ident), "Cancelled")
        two = self.session()
        two.expect(PROMPT)
        held.signal(signal.SIGTERM)
        self.assertEqual(two.ended(), "The container stops.")
        self.assertEqual(held.wait(), 0)
        self.assert_account_empty()

    @staticmethod
    def sleeps(held):
        """Return the processes that sleep for 301 seconds."""
        return [pid for pid in held.find("sleep")
                if "301" in procfs.argv(pid)]


class Ports(Sessions):
    """Connections into the container and beyond."""

    def test_many(self):
        """Ten at once, much both ways, half-open, and one that is refused."""
        self.up()
        server = self.echo()
        one = self.session(PORT, portNumber=server.port).started_up()
        streams = [one.mux.open() for _ in range(10)]
        for index, stream in enumerate(streams):
            stream.write(b"stream %d" % index)
        for index, stream in enumerate(streams):
            self.assertEqual(stream.read(8), b"stream %d" % index)
        data = os.urandom(3000000)
        threading.Thread(target=streams[0].write, args=(data,),
                         daemon=True).start()
        self.assertEqual(streams[0].read(len(data), 60), data)
        streams[1].write(b"bye")
        self.assertTrue(streams[1].finished(5))
        for stream in streams:
            stream.close()
        for stream in streams:
            self.assertTrue(stream.finished(5))
        wait_until(lambda: server.ended == 10, "ends")
        one.flag(framing.TERMINATE)
        self.assertEqual(one.ended(), "")
        self.assert_good(one)
        self.assertEqual(one.mux.strays, [])
        two = self.session(PORT, portNumber=1).started_up()
        self.assertTrue(two.mux.open().finished(5))
        self.assertEqual(two.flags, [3])

    def test_one(self):
        """Without multiplexer: an older client, and SSH's stream."""
        self.up()
        server = self.echo()
        ssh = self.session("AWS-StartSSHSession",
                           portNumber=server.port).started_up()
        ssh.write(b"SSH-2.0-x\n")
        ssh.expect(rb"SSH-2.0-x\n")
        ssh.write(b"bye")
        self.assertEqual(ssh.ended(), "")
        refused = self.session("AWS-StartSSHSession", portNumber=1)
        self.assertIn("Unable to connect to specified port", refused.ended())

    def test_remote(self):
        """Another host by name and address; never this one, and never what
        hands out credentials."""
        place.add_address(9, ELSEWHERE)
        server = self.echo(ELSEWHERE)
        root = self.root()
        root.write("/etc/hosts", root.read("/etc/hosts")
                   + ELSEWHERE + " db.example\n169.254.170.2 bad.example\n")
        self.up(root)
        for host in (ELSEWHERE, "db.example"):
            one = self.session(REMOTE, portNumber=server.port,
                               host=host).started_up()
            stream = one.mux.open()
            stream.write(b"query")
            self.assertEqual(stream.read(5), b"query")
        for host in ("localhost", "a.localhost", "127.0.0.1", "127.1", "[::1]",
                     "0x7f000001", "::ffff:169.254.169.254", "169.254.170.2",
                     "fd00:ec2::23", "bad.example"):
            with self.subTest(host):
                one = self.session(REMOTE, portNumber=80, host=host)
                self.assertIn("is forbidden", one.ended())


class Roots(Sessions):
    """Images and containers that give little."""

    def test_empty_image(self):
        """No shell is a sentence, and ports are forwarded."""
        root = self.root("empty")
        root.mount_terminals()
        held = self.start([BIN, "run"], root, environment(
            SSM_ACTIVATE_AGENT="builtin"))
        self.node = held.wait_line(r"(mi-[0-9a-f]{17}) is online").group(1)
        self.user = Client(self.aws)
        self.assertIn("this image has no shell", self.session().ended())
        server = self.echo()
        one = self.session(PORT, portNumber=server.port).started_up()
        stream = one.mux.open()
        stream.write(b"in")
        self.assertEqual(stream.read(2), b"in")

    def test_nobody(self):
        """uid 1000 without capabilities and without a writable file."""
        root = self.root("debian")
        root.mount_terminals()
        root.make_readonly()
        held = self.start(
            ["/usr/bin/setpriv", "--reuid=1000", "--regid=1000",
             "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", BIN,
             "run", "--"] + SLEEP, root,
            environment(SSM_ACTIVATE_AGENT="builtin"))
        self.node = held.wait_line(r"(mi-[0-9a-f]{17}) is online").group(1)
        self.user = Client(self.aws)
        shell = self.session()
        shell.expect(PROMPT)
        shell.write(b"id -u; grep CapEff /proc/self/status\n")
        shell.expect(rb"\r\n1000\r\nCapEff:\t0000000000000000\r\n")


class Faults(Sessions):
    """Whatever becomes of frames and connections, each line is there once."""

    def check(self, name):
        """Print numbers through a disturbed session."""
        self.aws.fault(clear=True)
        shell = self.session()
        shell.expect(PROMPT, 30)
        for order in FAULTS[name]:
            self.aws.fault(stage="frame", **order)
        shell.write(b"stty -echo; PS1=; seq 1 %d; echo en''d\n" % LINES)
        text = shell.expect(rb"\nend\r", 180)
        self.assertEqual([line for line in text.split(b"\r\n")
                          if line.isdigit()],
                         [b"%d" % i for i in range(1, LINES + 1)])
        self.assert_good(shell)
        self.aws.fault(clear=True)
        shell.write(b"exit\n")
        self.assertEqual(shell.ended(30), "")

    def test_faults(self):
        """Frames are lost, doubled, late, out of order, in pieces."""
        self.up()
        for name in FAULTS if FULL else ("fragment", "all"):
            with self.subTest(name):
                self.check(name)
