# SPDX-License-Identifier: MIT
"""Killed at any point: the next start with the same files cleans up."""

import os
import signal
import subprocess

import place
from agents import amazon, with_builtin
from case import (BIN, KEY, SH, SLEEP, STATE, UP, VAULT, Case, environment, json,
                  wait_until)

STEPS = ("CreateActivation", "RegisterManagedInstance", "DeleteActivation")
DELAY = 1.0
URI = "ECS_CONTAINER_METADATA_URI_V4"


@with_builtin("test_after_it_was_done", "test_while_stopping")
class Killed(Case):
    """SIGKILL of PID 1, so that nobody can clean up."""

    def settle(self):
        """Wait until the local AWS has done what it was asked for."""
        wait_until(lambda: all(call["status"] is not None or call["fault"]
                               for call in self.aws.calls()), "the server")
        wait_until(lambda: not [one for one in self.aws.get("connections")
                                if one["open"] and one["listener"]
                                == "https-443"], "closed connections")

    def begin_and_kill(self, root, operation, **effect):
        """Kill PID 1 while it waits for the answer to a call."""
        self.drop()
        self.aws.reset()
        self.aws.fault(operation=operation, **effect)
        held = self.start([BIN, "run", "--"] + SLEEP, root)
        wait_until(lambda: operation in self.operations(), operation)
        held.kill()
        self.settle()

    def check_next(self, root):
        """The next start in the same place ends with one node, and its end
        with none."""
        self.aws.post("faults", {"clear": True})
        held, node = self.run_up(root=root)
        wait_until(lambda: [one["InstanceId"] for one in self.aws.nodes()]
                   == [node], "one node and no other", 20)
        wait_until(lambda: not self.aws.activations(), "no activation", 20)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)

    def test_before_it_was_done(self):
        """The call had not been carried out."""
        for operation in STEPS:
            with self.subTest(operation=operation):
                root = self.root()
                self.begin_and_kill(root, operation, stall=DELAY)
                self.check_next(root)

    def test_after_it_was_done(self):
        """The call had been carried out; its answer came too late."""
        for operation in STEPS:
            with self.subTest(operation=operation):
                root = self.root()
                self.begin_and_kill(root, operation, stall=DELAY,
                                    perform=True)
                self.check_next(root)

    def test_while_stopping(self):
        """Between the signal and the end."""
        root = self.root()
        held, _ = self.run_up(root=root)
        self.aws.fault(operation="DeregisterManagedInstance", stall=DELAY)
        held.signal(signal.SIGTERM)
        wait_until(lambda: "DeregisterManagedInstance" in self.operations(),
                   "the call")
        held.kill()
        self.settle()
        self.check_next(root)

    def test_down_after_kill(self):
        """`down` alone removes what is left, too."""
        root = self.root()
        held, _ = self.run_up(root=root)
        held.kill()
        self.assertEqual(len(self.aws.nodes()), 1)
        held = self.start([BIN, "down"], root)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)


@with_builtin("test_in_place", "test_in_the_image")
class Restarted(Case):
    """Files from before."""

    def test_in_place(self):
        """The same container: the registration is used again."""
        root = self.root()
        held, node = self.run_up(root=root)
        held.wait_line("is online")
        held.kill()
        held, again = self.run_up(root=root)
        self.assertEqual(again, node)
        self.assertEqual(self.operations().count("CreateActivation"), 1)
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)

    def test_node_gone_meanwhile(self):
        """In place, but AWS does not know the node any more."""
        root = self.root()
        held, node = self.run_up(root=root)
        held.kill()
        subprocess.run(
            place.command() + [
                "api", "ssm", "DeregisterManagedInstance",
                "--body", '{"InstanceId":"%s"}' % node],
            env=self.aws.environment(), check=True, timeout=30,
            capture_output=True)
        _, again = self.run_up(root=root)
        self.assertNotEqual(again, node)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [again])

    def test_copied(self):
        """In another container: never the same identity, and the old node,
        which nobody holds, goes."""
        root = self.root()
        held, node = self.run_up(root=root)
        held.wait_line("is online")
        held.kill()
        other = self.copy_of(root)
        held, again = self.run_up(root=other)
        self.assertNotEqual(again, node)
        wait_until(lambda: [one["InstanceId"] for one in self.aws.nodes()]
                   == [again], "one node", 20)
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(other)

    def test_in_the_image(self):
        """State, vault and lock came with the image, as by `docker commit` of
        a container that runs: two containers of it have nodes of their own,
        and the one that runs keeps its."""
        root = self.root()
        first, node = self.run_up(root=root)
        first.wait_line("is online")
        twins = [self.copy_of(root) for _ in range(2)]
        first.kill()
        others = [self.run_up(root=twin)[1] for twin in twins]
        self.assertEqual(len({node, *others}), 3)
        wait_until(lambda: sorted(one["InstanceId"] for one in
                                  self.aws.nodes()) == sorted(others),
                   "the nodes of the two", 20)
        vaults = {self.vault_of(twin) for twin in twins}
        self.assertEqual(len(vaults), 2)

    @staticmethod
    def vault_of(root):
        """Return all that a root has in its vault, or our own agent's key."""
        return "".join(text.hex() for path, text in root.contents()
                       if path.startswith(VAULT) or path == KEY)

    def test_other_container_of_the_task(self):
        """The same root and boot, but ECS says that it is another
        container."""
        root = self.root()
        env = environment(task=True)
        held, node = self.run_up(root=root, env=env)
        held.wait_line("is online")
        held.kill()
        _, again = self.run_up(root=root, env=env)
        self.assertEqual(again, node, "in place")
        self.drop()
        env[URI] = env[URI][:-1] + "2"
        held, again = self.run_up(root=root, env=env)
        self.assertNotEqual(again, node)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [again])

    def test_identity_that_is_unknown(self):
        """A state without one was made by nobody who could be us."""
        root = self.root()
        held, node = self.run_up(root=root)
        held.wait_line("is online")
        held.kill()
        state = json.loads(root.read(STATE))
        self.assertRegex(state["container"], "^[0-9a-f]{64}$")
        state["container"] = ""
        root.write(STATE, json.dumps(state), 0o600)
        _, again = self.run_up(root=root)
        self.assertNotEqual(again, node)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [again])

    def test_damaged_state(self):
        """Garbage in our file is named and does not stop anything."""
        for text in ("", "{", '{"node": 7}', "\0" * 100, "x" * 100000):
            with self.subTest(text=text[:10]):
                self.aws.reset()
                root = self.root()
                root.write(STATE, text, 0o600)
                held, node = self.run_up(root=root)
                self.wait_online(node)
                held.kill()

    def test_two_containers_on_one_volume(self):
        """A state directory that another container holds: left alone."""
        root = self.root()
        held, node = self.run_up(root=root)
        other = self.root()
        folder = other.inside("/var/lib/ssm-activate")
        os.makedirs(folder)
        place.mount("--bind", root.inside("/var/lib/ssm-activate"), folder)
        other.mounts.append(folder)
        second = self.start([BIN, "run", "--"] + SLEEP, other,
                            environment(SSM_ACTIVATE_REQUIRED="true"))
        self.assertEqual(second.wait(), 71)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [node])
        self.assertTrue(self.status(held)[0]["up"])

    def two_on_the_agents_volume(self):
        """Return two roots with one folder of the agent, and what runs in
        the first, and its node."""
        root, other = self.root(), self.root()
        held, node = self.run_up(root=root)
        held.wait_line("is online")
        folder = other.inside("/var/lib/amazon/ssm")
        os.makedirs(folder)
        place.mount("--bind", root.inside("/var/lib/amazon/ssm"), folder)
        other.mounts.append(folder)
        return root, other, held, node

    @amazon
    def test_agents_volume_in_use(self):
        """Another container's, while the state directory is our own: no word
        to AWS, no file touched."""
        root, other, held, node = self.two_on_the_agents_volume()
        before = self.vault_of(root)
        self.assertTrue(before)
        # The keeper learns it beside CMD.
        second = self.start([BIN, "run", "--", SH, "-c",
                             "i=0; while [ $i -lt 100 ] && "
                             "! ssm-activate status | grep error; do "
                             "sleep 0.1; i=$((i + 1)); done; exit 5"], other)
        self.assertEqual(second.wait(), 5)
        self.assert_one_line(second.err, "another container's ssm-activate "
                             "uses /var/lib/amazon/ssm - ")
        self.assertIn("another container's", second.out)
        self.assertEqual(self.operations().count("CreateActivation"), 1)
        self.assertEqual(self.vault_of(root), before)
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(root)
        # Nobody holds it any more.
        third, again = self.run_up(root=other)
        self.assertNotEqual(again, node)
        third.signal(signal.SIGTERM)
        third.wait()
        self.assert_clean(other)

    @amazon
    def test_agents_volume_that_was_ours(self):
        """`down` for a container that was killed, while another one has gone
        on with the volume: the node goes, the files stay."""
        root, other, held, node = self.two_on_the_agents_volume()
        held.kill()
        second, again = self.run_up(root=other)
        before = self.vault_of(other)
        done = self.start([BIN, "down"], root)
        self.assertEqual(done.wait(), 0)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [again])
        self.assertNotEqual(again, node)
        self.assertEqual(self.vault_of(other), before)
        self.assertTrue(self.status(second)[0]["up"])

    def test_up_after_kill_of_the_keeper(self):
        """The keeper of `up` is killed: its agent goes with it or is taken
        over, and there is one node."""
        held = self.start(["/bin/sh", "-c", "ssm-activate up; echo once; "
                           "sleep 60"])
        held.wait_line(UP)
        os.kill(held.find("ssm-activate")[0], signal.SIGKILL)
        done = held.program("up")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [done.stdout.strip()], done.stderr)
        self.wait_one_core(held)
