# SPDX-License-Identifier: MIT
"""The node goes by itself: its time is over, ECS stops the task, `up` was
required and did not make it; and who may ask about it."""

import os
import signal
import time
import unittest

import place
from case import (BIN, NODE, SH, Case, environment, native, procfs, re,
                  wait_until)

URI = "ECS_CONTAINER_METADATA_URI_V4"
TTL = 4.0  # seconds; a busy machine has its agent online long before


class Ttl(Case):
    """SSM_ACTIVATE_TTL."""

    def run_ttl(self, *flags, **variables):
        """Start `run` with a time to live; return it and the node."""
        return self.run_up("--ttl", "%ds" % TTL, *flags,
                           env=environment(**variables))

    def wait_gone(self):
        """Wait until no node is left; return how long AWS knew it."""
        wait_until(lambda: not self.aws.nodes(), "the end of the node")
        at = {call["operation"]: call["time"] for call in self.own_calls()}
        return (at["DeregisterManagedInstance"]
                - at["RegisterManagedInstance"])

    def test_run(self):
        """The node goes, CMD goes on under its init."""
        held, _ = self.run_ttl()
        shown, _ = self.status(held)
        self.assertRegex(shown["until"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn("ends ", held.program("status").stdout)
        self.assertGreater(self.wait_gone(), TTL)
        wait_until(lambda: not self.agent_pids(held), "the end of the agent")
        self.wait_forgotten(held.root)
        self.assertIsNone(held.outer.poll())
        self.assert_one_line(held.err, NODE + " goes at 20.*1200 s later")
        self.assert_one_line(held.err, "SSM_ACTIVATE_TTL is over: taking")
        self.assert_clean(held.root)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)

    def test_up(self):
        """The keeper of `up` ends with the node."""
        held = self.start([SH, "-c", "ssm-activate up --ttl 1s; sleep 60 & "
                           "wait"])
        held.wait_line("is up")
        wait_until(lambda: not held.find("ssm-activate"), "no keeper")
        self.assert_clean(held.root)
        self.assertEqual(self.agent_pids(held), [])
        self.assertIsNone(held.outer.poll())

    def test_sidecar(self):
        """`run` without a command ends with 0."""
        held = self.start([BIN, "run", "--ttl=1s"])
        self.assertEqual(held.wait(), 0)
        self.assert_one_line(held.err, "is up")
        self.assert_clean(held.root)

    def test_none(self):
        """Without it, and with 0, no word of it."""
        for flags in ([], ["--ttl", "0"]):
            held, _ = self.run_up(*flags)
            self.assertNotIn("until", self.status(held)[0])
            self.assertNotIn("goes at", held.err)
            held.kill()

    @unittest.skipIf(place.real_agent(), "the knobs are the stand-in's")
    def test_session_gets_the_grace(self):
        """An open session keeps the node until it ends."""
        held, node = self.run_ttl("--ttl-grace", "60s", STANDIN_SESSION="1")
        session = wait_until(lambda: held.find("ssm-session-worker"),
                             "a session")
        time.sleep(TTL + 1)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [node])
        os.kill(session[0], signal.SIGKILL)
        self.wait_gone()

    @unittest.skipIf(place.real_agent(), "the knobs are the stand-in's")
    def test_grace_is_over(self):
        """A session that does not end is ended after the grace."""
        held, _ = self.run_ttl("--ttl-grace", "2s", STANDIN_SESSION="1")
        wait_until(lambda: held.find("ssm-session-worker"), "a session")
        self.assertGreater(self.wait_gone(), TTL + 2)
        wait_until(lambda: not held.find("ssm-session-worker"),
                   "the end of the session")

    def test_stop_comes_first(self):
        """A stop signal is not kept waiting by it."""
        held, _ = self.run_ttl("--ttl", "1h")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(held.root)


class Watch(Case):
    """SSM_ACTIVATE_WATCH: `up` on ECS."""

    def up_task(self, **variables):
        """Start `up` below another PID 1 in a task; wait for the node."""
        env = environment(task=True, **dict({"SSM_ACTIVATE_WATCH": "200ms"},
                                            **variables))
        held = self.start([SH, "-c", "ssm-activate up; trap '' TERM; "
                           "while :; do sleep 1; done"], env=env)
        held.wait_line("is up")
        return held

    def asked(self):
        """Return how often the task was asked for, and by whom."""
        return [call["peer"] for call in self.aws.calls("metadata")
                if call["path"].endswith("/task")]

    def watcher(self, held):
        """Return the pid of the watcher, the only child of the keeper that is
        neither root's nor the agent's."""
        keeper = min(held.find("ssm-activate"))
        found = [pid for pid in procfs.children(keeper)
                 if procfs.program(pid) == "ssm-activate"
                 and procfs.status(pid).get("Uid", "0").split()[0] != "0"]
        return found[0] if len(found) == 1 else None

    def test_stopped(self):
        """ECS wants the task to stop: the node goes, though PID 1 does
        not."""
        held = self.up_task()
        self.assert_one_line(held.err, "PID 1 is not.*SSM_ACTIVATE_WATCH")
        self.aws.post("task", {"DesiredStatus": "STOPPED"})
        held.wait_line("ECS stops the task: taking the node down")
        wait_until(lambda: not held.find("ssm-activate"), "no keeper")
        self.assertIsNone(held.outer.poll())
        self.assert_clean(held.root)

    @native("its memory is the emulator's")
    def test_privileges_and_cost(self):
        """The watcher is jailed, small, and goes with its keeper."""
        held = self.up_task()
        pid = wait_until(lambda: self.watcher(held), "the watcher")
        # The last thing that it gives up.
        wait_until(lambda: procfs.status(pid)["NoNewPrivs"] == "1",
                   "no new privileges")
        self.assertEqual(procfs.status(pid)["CapEff"], "0" * 16)
        rollup = procfs.read(pid, "smaps_rollup").decode()
        private = sum(int(size) for size in re.findall(
            r"Private_\w+: +(\d+) kB", rollup))
        self.assertLess(private, 400, rollup)
        os.kill(min(held.find("ssm-activate")), signal.SIGKILL)
        wait_until(lambda: procfs.program(pid) == "", "its end")

    def test_without_kill(self):
        """Without CAP_KILL root may not signal the watcher, which is
        another user's: the take-down does not wait for it, and it ends."""
        env = environment(task=True, SSM_ACTIVATE_WATCH="200ms")
        held = self.start([SH, "-c", "setpriv --bounding-set="
                           "-all,+dac_override,+setuid,+setgid ssm-activate "
                           "up; trap '' TERM; while :; do sleep 1; done"],
                          self.root("debian"), env)
        held.wait_line("is up")
        watcher = wait_until(lambda: self.watcher(held), "the watcher")
        done = held.program("down")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_clean(held.root)
        wait_until(lambda: procfs.program(watcher) == "", "its end")

    def test_started_again(self):
        """When it dies there is another one."""
        held = self.up_task()
        pid = wait_until(lambda: self.watcher(held), "the watcher")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.watcher(held) not in (None, pid), "another")
        self.aws.post("task", {"DesiredStatus": "STOPPED"})
        wait_until(lambda: not self.aws.nodes(), "the end of the node")

    def test_off(self):
        """0 turns it off; and away from ECS there is none."""
        for variables in ({"SSM_ACTIVATE_WATCH": "0"}, {URI: None}):
            held = self.up_task(**variables)
            self.assertIsNone(self.watcher(held))
            self.assertNotIn("SSM_ACTIVATE_WATCH", self.assert_one_line(
                held.err, "PID 1 is not"))
            held.kill()

    def test_elsewhere(self):
        """A metadata service that is not ECS's is not asked again."""
        held = self.up_task(**{URI: "http://127.0.0.1:1/v4/x"})
        wait_until(lambda: self.watcher(held) is None, "no watcher")
        time.sleep(1.5)
        self.assertIsNone(self.watcher(held))

    def test_not_as_init(self):
        """PID 1 learns it by signal."""
        held, _ = self.run_up(env=environment(
            task=True, SSM_ACTIVATE_WATCH="200ms"))
        held.wait_line("is online")
        before = len(self.asked())
        time.sleep(1)
        self.assertEqual(len(self.asked()), before)


class Required(Case):
    """`up` with SSM_ACTIVATE_REQUIRED leaves nothing when it fails."""

    def test_timeout(self):
        """The keeper takes down what was begun before `up` comes back."""
        self.aws.fault(operation="RegisterManagedInstance", delay=2)
        held = self.start([SH, "-c", "ssm-activate up --timeout 1s; "
                           "echo done $?; sleep 60"],
                          env=environment(SSM_ACTIVATE_REQUIRED="true"))
        wait_until(lambda: "done" in held.out, "the way back", 15)
        self.assertEqual(held.out, "done 69\n")
        # What has ended may have to be reaped yet, by PID 1.
        self.assertEqual([pid for pid in held.find("ssm-activate")
                          if procfs.program(pid)], [])
        wait_until(lambda: not held.find("ssm-activate"), "no zombie")
        self.assertEqual(self.agent_pids(held), [])
        self.assert_one_line(held.err, "no node within 1000 ms")
        self.assert_clean(held.root)


class Down(Case):
    """`down` and what comes after it."""

    def test_keeper_is_gone(self):
        """When `down` is back the keeper of `up` has ended."""
        held = self.start([SH, "-c", "for i in 1 2 3; do ssm-activate up && "
                           "ssm-activate down; ls /proc/*/exe -l; "
                           "echo done; done; sleep 60"])
        wait_until(lambda: held.out.count("done") == 3, "three rounds", 90)
        self.assertNotIn("/ssm-activate", held.out)
        self.assertEqual(self.operations().count("CreateActivation"), 3)
        self.assert_clean(held.root)


class NotRoot(Case):
    """`status` and `down` as the application's user."""

    def ask(self, held, *words, **variables):
        """Run a command of ours as uid 1000."""
        env = dict(held.env, **variables)
        return held.enter([BIN] + list(words), env, uid=1000)

    def check(self, done, code):
        """Not known: neither up nor down, and why."""
        self.assertEqual(done.returncode, code, done.stderr)
        text = done.stdout + done.stderr
        self.assertIn("Permission denied", text)
        self.assertIn("only root may ask it, not uid 1000", text)

    def test_status(self):
        """Unknown; a failure only where a failure is one."""
        held, _ = self.run_up("--user", "app")
        done = self.ask(held, "status")
        self.check(done, 0)
        self.assertEqual(done.stdout.splitlines()[0], "unknown")
        done = self.ask(held, "status", "--json")
        self.assertRegex(done.stdout, '^{"up":null,"phase":"unknown"')
        self.check(self.ask(held, "status", "--strict"), 71)
        self.check(self.ask(held, "status", SSM_ACTIVATE_REQUIRED="true"),
                   71)
        self.check(self.ask(held, "down"), 71)
        self.assertTrue(self.status(held)[0]["up"])

    def test_application(self):
        """The application itself gets the same."""
        held = self.start([BIN, "run", "--user", "app", "--", SH, "-c",
                           "sleep 2; ssm-activate status; echo $?; "
                           "sleep 60"])
        wait_until(lambda: held.out.endswith("\n0\n"), "the answer")
        self.assertIn("only root may ask it, not uid 1000", held.out)
