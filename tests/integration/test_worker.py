# SPDX-License-Identifier: MIT
"""The process that speaks TLS has nothing to lose."""

import signal

import place
from case import BIN, SH, SLEEP, Case, environment, wait_until

NONE = "0000000000000000"
STREAMS = {"0", "1", "2"}
IDS = range(65470, 65534)


class Jail(Case):
    """What /proc shows of it, taken by the local AWS before the handshake."""

    def check_peer(self, call, streams):
        """No right, no descriptor but its own."""
        peer = call["peer"]
        what = call["operation"]
        status = peer["status"]
        self.assertTrue(peer["exe"].endswith("/ssm-activate"), what)
        for name in ("Uid", "Gid"):
            ids = status[name].split()
            self.assertEqual(ids, ids[:1] * 4, what)
            self.assertIn(int(ids[0]), IDS, what)
        self.assertEqual(status["Groups"].split(), [], what)
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(status[name], NONE, "%s of %s" % (name, what))
        self.assertEqual(status["NoNewPrivs"], "1", what)
        if not place.is_emulated():
            self.assertEqual(status["Seccomp"], "2", what)
        self.assertFalse(peer["dumpable"], what)
        self.assertEqual(peer["core_limit"], "0", what)
        self.check_descriptors(peer["fds"], streams, what)

    def check_descriptors(self, fds, streams, what):
        """One socket, pipes to its own, /dev/null."""
        others = {number: path for number, path in fds.items()
                  if number not in STREAMS}
        sockets = [path for path in others.values()
                   if path.startswith("socket:")]
        self.assertEqual(len(sockets), 1, "%s: %s" % (what, fds))
        for number, path in others.items():
            self.assertRegex(path, r"^(socket|pipe):\[\d+\]$|/dev/null$",
                             "descriptor %s of %s" % (number, what))
        self.assertLessEqual(len(others), 5, "%s: %s" % (what, fds))
        self.assertRegex(fds.get("0", "/dev/null"), "/dev/null$", what)
        self.assertRegex(fds["2"], r"^pipe:", what)
        self.assertRegex(fds.get("1", "/dev/null"),
                         "/dev/null$" if streams else "^pipe:", what)

    def check_life(self, held):
        """All calls of a life."""
        held.wait_line("is up")
        held.signal(signal.SIGTERM)
        held.wait()
        calls = self.own_calls()
        self.assertEqual(
            [call["operation"] for call in calls],
            ["CreateActivation", "RegisterManagedInstance",
             "DeleteActivation", "DeregisterManagedInstance"])
        for call in calls:
            self.check_peer(call, True)

    def test_run(self):
        """`run`, with a descriptor that PID 1 was started with."""
        self.check_life(self.start(
            [SH, "-c", "exec 7</etc/passwd 8>/tmp/eight ssm-activate run -- "
             "sh -c \"trap 'exit 0' TERM; sleep 60 & wait\""]))

    def test_run_from_scratch(self):
        """`run` in an empty root."""
        self.check_life(self.start([BIN, "run"], self.root("empty")))

    def test_up_down(self):
        """`up` and `down`."""
        self.check_life(self.start(
            [SH, "-c", "exec 7</etc/passwd; "
             "trap 'ssm-activate down; exit' TERM; ssm-activate up; "
             "sleep 60 & wait"]))

    def test_commands(self):
        """`api` and `gc` work for the caller and are as poor."""
        held = self.start(SLEEP)
        for words, count in ((("api", "ssm", "DescribeActivations"), 1),
                             (("gc",), 2)):
            done = held.program(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
            calls = self.own_calls()
            self.assertEqual(len(calls), count)
            self.check_peer(calls[0], False)
            self.aws.reset()

    def test_without_capabilities(self):
        """A container that withholds SETUID and SETPCAP: it still works,
        and says so."""
        held = self.start(
            ["/usr/bin/setpriv", "--bounding-set=-setuid,-setgid,-setpcap",
             BIN, "run", "--", "sleep", "60"], self.root("debian"))
        held.wait_line("is up")
        held.wait_line("keeps uid 0")
        for call in self.own_calls():
            status = call["peer"]["status"]
            self.assertEqual((status["CapEff"], status["CapPrm"],
                              status["NoNewPrivs"]), (NONE, NONE, "1"))

    def test_not_root(self):
        """`api` of an ordinary user keeps that user's id and loses the
        rest."""
        held = self.start([BIN, "run", "--user", "app", "--", SH, "-c",
                           "ssm-activate api sts GetCallerIdentity; "
                           "sleep 60"],
                          env=environment(SSM_ACTIVATE=None))
        calls = self.wait_calls(1)
        status = calls[0]["peer"]["status"]
        self.assertEqual(status["Uid"].split(), ["1000"] * 4)
        self.assertEqual((status["CapEff"], status["NoNewPrivs"]),
                         (NONE, "1"))
        wait_until(lambda: "123456789012" in held.out, "the answer")

    def wait_calls(self, count):
        """Wait for so many calls of ours that were answered."""
        return wait_until(lambda: [
            call for call in self.own_calls()
            if call["status"] is not None][:count], "a call")
