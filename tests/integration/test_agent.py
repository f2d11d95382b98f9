# SPDX-License-Identifier: MIT
"""The agent crashes, sleeps, refuses to end; and signals at all times."""

import contextlib
import os
import signal
import time
import unittest

import place
from case import (BIN, SH, SLEEP, Case, environment, json, native, procfs,
                  wait_until)

# Seconds above its budget that a container may take on a busy machine; what
# it does not wait for takes longer.
BUSY = 3.0


@unittest.skipIf(place.real_agent(), "the knobs are the stand-in's")
class Minded(Case):
    """Kept alive."""

    def test_crash(self):
        """Started again; the log and the status say so."""
        held, node = self.run_up()
        held.wait_line("is online")
        old = held.find("amazon-ssm-agent")[0]
        workers = held.find("ssm-agent-worker")
        os.kill(old, signal.SIGKILL)
        held.wait_line("agent ended")
        held.wait_line("runs again")
        self.assertNotEqual(self.wait_one_core(held), [old])
        wait_until(lambda: held.find("ssm-agent-worker")
                   and held.find("ssm-agent-worker") != workers,
                   "a new worker")
        shown, _ = self.status(held)
        self.assertEqual((shown["agent_restarts"], shown["node"]), (1, node))
        self.assertEqual(self.operations().count("CreateActivation"), 1)
        self.check_no_zombie(held)

    def test_status_says_nothing(self):
        """It ends with 0 after nearly every failure: started again."""
        held, _ = self.run_up(env=environment(STANDIN_NO_WORKER="1",
                                              STANDIN_STOP_MS="100"))
        os.kill(self.wait_one_core(held)[0], signal.SIGTERM)
        held.wait_line(r"agent ended \(status 0\)")
        held.wait_line("runs again")
        self.wait_one_core(held)

    @native("its programs are known by their files, which are the emulator's")
    def test_worker_killed(self):
        """As where memory is short: noticed at once, not within the minute
        that the core takes; sessions live on."""
        held, node = self.run_up(env=environment(STANDIN_SESSION="1"))
        held.wait_line("is online")
        self.wait_shell(held)
        session = held.find("ssm-session-worker")
        old = self.wait_one_core(held)
        os.kill(held.find("ssm-agent-worker")[0], signal.SIGKILL)
        held.wait_line("warn: ssm-agent-worker ended; starting the agent again")
        held.wait_line("%s is not online" % node)
        held.wait_line("runs again")
        wait_until(lambda: self.is_online(held), "online")
        self.assertNotEqual(self.wait_one_core(held), old)
        self.assertIn(session[0], held.find("ssm-session-worker"))

    def is_online(self, held):
        """Return what `status` says of it."""
        return self.status(held)[0]["online"]

    def test_channel_lost(self):
        """The control channel is closed and opened again: log and status
        say so, and the agent is left alone."""
        held, node = self.run_up(env=environment(STANDIN_CUT="/tmp/cut"))
        held.wait_line("%s is online" % node)
        self.assertTrue(self.is_online(held))
        held.root.write("/tmp/cut", "")
        held.wait_line("info: %s is not online" % node)
        self.assertFalse(self.is_online(held))
        os.unlink(held.root.inside("/tmp/cut"))
        wait_until(lambda: self.is_online(held), "online")
        self.assertEqual(held.err.count("is online"), 2)
        self.assertEqual(self.status(held)[0]["agent_restarts"], 0)

    def test_not_online_without_core(self):
        """A core that ended has no channel; its worker says nothing."""
        held, node = self.run_up()
        held.wait_line("is online")
        os.kill(held.find("amazon-ssm-agent")[0], signal.SIGKILL)
        held.wait_line("%s is not online" % node)
        self.assertFalse(self.is_online(held))
        wait_until(lambda: self.is_online(held), "online")

    def test_registered_anew(self):
        """Deleted by somebody: the node that takes its place is told of,
        and later lines are of it."""
        held, old = self.run_up(env=environment(
            STANDIN_HEARTBEAT_MS="300", SSM_ACTIVATE_LOG_FORMAT="json",
            SSM_ACTIVATE_TTL="1h"))
        self.wait_online(old)
        held.program("api", "ssm", "DeregisterManagedInstance", "--body",
                     json.dumps({"InstanceId": old}))
        held.wait_line("no longer accepts %s" % old)
        wait_until(lambda: held.err.count("node_up") == 2, "the second node")
        new = self.status(held)[0]["node"]
        wait_until(lambda: self.is_online(held), "online")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(held.root)
        said = [json.loads(line) for line in held.err.splitlines()]
        events = [(one["event"], one.get("node")) for one in said]
        for event in ("node_up", "node_online", "node_removed", "ttl"):
            self.assertIn((event, new), events)
        self.assertIn(("node_removed", old), events)
        self.assertNotIn(old, [node for _, node in
                               events[events.index(("node_up", new)):]])
        ends = [one["message"].split(" goes at ")[1] for one in said
                if one["event"] == "ttl"]
        self.assertEqual(ends[0], ends[1], "the time began again")

    def check_no_zombie(self, held):
        """All that ended was reaped."""
        wait_until(lambda: not [pid for pid in held.processes()
                                if procfs.is_zombie(pid)], "no zombie")

    def test_session_lives_on(self):
        """What runs in a session survives the agent's crash."""
        held, _ = self.run_up(env=environment(STANDIN_SESSION="1"))
        held.wait_line("is online")
        session = wait_until(lambda: held.find("ssm-session-worker"),
                             "a session")
        os.kill(held.find("amazon-ssm-agent")[0], signal.SIGKILL)
        held.wait_line("runs again")
        self.assertIn(session[0], held.find("ssm-session-worker"))
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)

    @staticmethod
    def wait_shell(held):
        """Wait until there is a session with a shell."""
        wait_until(lambda: any(procfs.children(pid) for pid
                               in held.find("ssm-session-worker")), "a shell")

    def check_told(self, end, **env):
        """Clients of open sessions learn of the end, before the node goes."""
        held, _ = self.run_up(env=environment(
            STANDIN_SESSION="1", STANDIN_SESSION_TOLD="/tmp/told", **env))
        self.wait_shell(held)
        end(held)
        wait_until(lambda: not self.aws.nodes(), "no node")
        self.assertTrue(held.root.exists("/tmp/told"), held.err)
        # After its first one it may have ended already.
        with contextlib.suppress(ProcessLookupError):
            held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(held.root)

    @native("its programs are known by their files, which are the emulator's")
    def test_sessions_are_told(self):
        """By a signal, by `down`, at the end of the time to live."""
        ends = {
            "TERM": (lambda held: held.signal(signal.SIGTERM), {}),
            "down": (lambda held: held.program("down"), {}),
            "ttl": (lambda held: None, {"SSM_ACTIVATE_TTL": "1s",
                                        "SSM_ACTIVATE_TTL_GRACE": "1s"})}
        for name, (end, env) in ends.items():
            with self.subTest(end=name):
                self.aws.reset()
                self.check_told(end, SSM_ACTIVATE_WATCH="0", **env)

    @native("its programs are known by their files, which are the emulator's")
    def test_session_that_stays(self):
        """A shell that ignores HUP costs 0.3 s and no more."""
        held, _ = self.run_up(env=environment(
            STANDIN_SESSION="1", STANDIN_SESSION_RUN="trap '' HUP TERM; "
            "while :; do sleep 1; done"))
        self.wait_shell(held)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertLess(held.ended_after, 0.3 + BUSY)
        self.assert_clean(held.root)

    @native("its programs are known by their files, which are the emulator's")
    def test_hibernation(self):
        """A first heartbeat that fails: started again at once."""
        self.aws.fault(operation="UpdateInstanceInformation",
                       code="AccessDeniedException")
        held, node = self.run_up()
        held.wait_line("went to sleep|hibernate")
        self.wait_online(node)
        held.wait_line("is online")
        self.assertGreaterEqual(self.status(held)[0]["agent_restarts"], 1)

    def test_deaf(self):
        """An agent that ignores TERM is killed, within the budget."""
        held, _ = self.run_up(env=environment(STANDIN_IGNORE_TERM="1"))
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertLess(held.ended_after, 9)
        self.assert_clean(held.root)

    @native("its programs are known by their files, which are the emulator's")
    def test_deaf_in_up(self):
        """The same with `up` and `down`; no process stays."""
        held = self.start([SH, "-c", "ssm-activate up; ssm-activate down; "
                           "echo done; sleep 60 & wait"],
                          env=environment(STANDIN_IGNORE_TERM="1",
                                          STANDIN_SESSION="1"))
        wait_until(lambda: "done" in held.out, "down")
        wait_until(lambda: not self.agent_pids(held)
                   and not held.find("ssm-activate")
                   and not held.find("ssm-session-worker"), "no process")
        self.assert_clean(held.root)

    def test_slow_end(self):
        """The container does not wait for an agent that takes 7 seconds."""
        held, _ = self.run_up(env=environment(STANDIN_STOP_MS="7000"))
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertLess(held.ended_after, 6)


class Signals(Case):
    """Stop signals at all times."""

    def test_each_while_up(self):
        """TERM, INT and QUIT: forwarded, and the node goes."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            with self.subTest(number=number):
                held, _ = self.run_up()
                held.signal(number)
                self.assertEqual(held.wait(), 0)
                self.assert_clean(held.root)

    def test_while_registering(self):
        """At each stalled call: clean, and within the budget."""
        for operation in ("CreateActivation", "RegisterManagedInstance",
                          "DeleteActivation"):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                with self.subTest(operation=operation, number=number):
                    self.aws.reset()
                    self.check_stop(operation, number)
                    self.aws.post("faults", {"clear": True})

    def check_stop(self, operation, number):
        """One signal at one call that is not answered."""
        self.aws.fault(operation=operation, stall=20)
        held = self.start([BIN, "run", "--"] + SLEEP, env=environment(
            SSM_ACTIVATE_DOWN_TIMEOUT="4s"))
        wait_until(lambda: operation in self.operations(), operation)
        began = time.monotonic()
        held.signal(number)
        self.assertEqual(held.wait(), 0)
        self.assertLess(time.monotonic() - began, 4 + BUSY)
        state = self.aws.state()
        named = [one["ActivationId"] for one in state["activations"]
                 if one["ActivationId"] not in held.err]
        named += [one["InstanceId"] for one in state["nodes"]
                  if one["InstanceId"] not in held.err]
        self.assertEqual(named, [], "left behind and not named")

    @native("until its handlers stand, a signal ends the emulator")
    def test_before_anything(self):
        """At once after the start."""
        for pause in (0, 0.01, 0.03, 0.1, 0.2):
            with self.subTest(pause=pause):
                self.aws.reset()
                held = self.start([BIN, "run", "--"] + SLEEP)
                wait_until(lambda held=held: self.heeds(held), "PID 1 as init")
                time.sleep(pause)
                held.signal(signal.SIGTERM)
                # SLEEP's shell may not have set its trap yet.
                self.assertIn(held.wait(), (0, 143))
                self.assert_clean(held.root)

    @staticmethod
    def heeds(held):
        """Tell whether PID 1 takes TERM; before that the kernel drops it."""
        blocked = procfs.status(held.pid1).get("SigBlk", "0")
        return int(blocked, 16) >> (signal.SIGTERM - 1) & 1

    def test_removal_stalls(self):
        """DeregisterManagedInstance is not answered: the budget holds, and
        what stays is named."""
        held, node = self.run_up(env=environment(
            SSM_ACTIVATE_DOWN_TIMEOUT="2s"))
        self.aws.fault(operation="DeregisterManagedInstance", stall=20,
                       count=0)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertLess(held.ended_after, 2 + BUSY)
        self.assert_one_line(held.err, "warn: .*%s.*deregister" % node)
        self.aws.post("faults", {"clear": True})

    def test_throttled_removal(self):
        """A retry never sleeps past the budget."""
        held, node = self.run_up(env=environment(
            SSM_ACTIVATE_DOWN_TIMEOUT="2s"))
        self.aws.fault(operation="DeregisterManagedInstance", count=0,
                       code="ThrottlingException")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertLess(held.ended_after, 2 + BUSY)
        self.assertIn(node, held.err)

    def test_throttled_for_a_while(self):
        """It goes on beyond the attempts of one call."""
        held, _ = self.run_up()
        self.aws.fault(operation="DeregisterManagedInstance", count=5,
                       code="ThrottlingException")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(held.root)
        self.assertEqual(len(self.aws.calls("DeregisterManagedInstance")), 6)

    def test_slow_application(self):
        """The application's own grace period is not shortened: it ends
        after the node is gone."""
        command = [SH, "-c", "trap 'until [ -e /tmp/end ]; do sleep 0.1; "
                   "done; echo bye; exit 4' TERM; sleep 60 & wait"]
        held, _ = self.run_up(command=command)
        held.signal(signal.SIGTERM)
        wait_until(lambda: not self.aws.nodes(), "no node")
        self.assertNotIn("bye", held.out)
        held.root.write("/tmp/end", "")
        self.assertEqual(held.wait(), 4)
        self.assertIn("bye", held.out)

    def test_other_signals(self):
        """Forwarded without taking the node down."""
        command = [SH, "-c", "trap 'echo hup' HUP; trap 'echo usr' USR1; "
                   "trap 'exit 0' TERM; echo ready; "
                   "while :; do sleep 1 & wait; done"]
        held, _ = self.run_up(command=command)
        wait_until(lambda: "ready" in held.out, "the traps")
        held.signal(signal.SIGHUP)
        wait_until(lambda: "hup" in held.out, "HUP")
        held.signal(signal.SIGUSR1)
        wait_until(lambda: "usr" in held.out, "USR1")
        self.assertTrue(self.status(held)[0]["up"])
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)

    def test_orphans(self):
        """PID 1 reaps what others leave to it."""
        command = [SH, "-c", "for i in 1 2 3 4 5; do (sleep 0.2 &) ; done; "
                   "trap 'exit 0' TERM; sleep 60 & wait"]
        held, _ = self.run_up(command=command)
        wait_until(lambda: ["sleep", "0.2"] not in [
            procfs.argv(pid) for pid in held.processes()], "their end")
        wait_until(lambda: not [pid for pid in held.processes()
                                if procfs.is_zombie(pid)], "no zombie")
