# SPDX-License-Identifier: MIT
"""The agent of our own: online, its processes, its end."""

import os
import signal

from case import (BIN, Case, SLEEP, environment, json, procfs,
                  wait_until)

STATE_DIR = "/var/lib/ssm-activate"
KEY = STATE_DIR + "/key"
AGENT = "/usr/bin/amazon-ssm-agent"
NOBODY = ["/usr/bin/setpriv", "--reuid=1000", "--regid=1000",
          "--clear-groups", "--no-new-privs", "--bounding-set=-all",
          "--inh-caps=-all"]


def builtin(**more):
    """Return the environment of a container with our own agent."""
    return environment(SSM_ACTIVATE_AGENT="builtin", **more)


class Builtin(Case):
    """Containers with it."""

    def up(self, root=None, **more):
        """Start a container and wait for the control channel."""
        held, node = self.run_up(root=root, env=builtin(**more))
        held.wait_line("%s is online" % node)
        return held, node

    def worker(self, held):
        """Return the channel worker, which is nobody's, and the core."""
        def look():
            for pid in held.find("ssm-activate"):
                if 0 not in procfs.uids(pid):
                    return pid, int(procfs.status(pid)["PPid"])
            return None
        return wait_until(look, "a channel worker")

    def times(self, operation):
        """Return how often an operation succeeded."""
        return len([call for call in self.aws.calls(operation)
                    if call["status"] in (101, 200, 201)])

    def end(self, held, root):
        """End it and look that nothing is left."""
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)
        self.assertFalse(root.exists(KEY))


class Online(Builtin):
    """What the account sees of it."""

    def test_whole_life(self):
        """Online, with files of its own only, and a clean end."""
        root = self.root()
        held, node = self.up(root)
        self.wait_online(node)
        status, code = self.status(held)
        self.assertEqual(code, 0)
        self.assertTrue(status["online"])
        self.assertEqual(status["agent_kind"], "builtin")
        self.assertEqual(root.mode(KEY), 0o600)
        self.assertFalse(any(path.startswith("/var/lib/amazon")
                             or path.startswith("/etc/amazon")
                             for path in root.changes()))
        self.end(held, root)
        self.assertEqual(self.aws.verdicts()["refused"], 0)

    def test_command_is_refused(self):
        """Run Command is answered at once."""
        held, node = self.up()
        self.aws.post("send", {"node": node, "kind": "agent_job",
                               "payload": '{"Content":"{}","JobId":"aws.ssm.'
                               '11111111-2222-3333-4444-555555555555.%s",'
                               '"SchemaVersion":1,"Topic":"t"}' % node})
        held.wait_line("Run Command is refused")
        wait_until(lambda: "51407" in str(self.aws.get("frames")),
                   "an answer")


class Chosen(Case):
    """By default it runs where amazon-ssm-agent cannot."""

    def live(self, root, kind="builtin"):
        """Come up with this agent; return what was said but `info`."""
        held = self.start([BIN, "run", "--"] + SLEEP, root)
        held.wait_line("is online")
        self.assertEqual(self.status(held)[0]["agent_kind"], kind)
        self.assertEqual(" is up with the builtin agent;" in held.err,
                         kind == "builtin")
        said = held.program("version").stdout
        self.assertIn("agent %s\n" % ("builtin" if kind == "builtin" else
                                      AGENT), said)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)
        return [line for line in held.err.splitlines()
                if not line.startswith("ssm-activate: info: ")]

    def test_none(self):
        """Where none is installed there is nothing to say."""
        for kind in ("empty", "alpine"):
            root = self.root(kind)
            os.remove(root.inside(AGENT))
            if kind == "empty":
                held = self.start([BIN, "run"], root)
                held.wait_line("up with the builtin")
                held.wait_line("is online")
                held.signal(signal.SIGTERM)
                self.assertEqual(held.wait(), 0)
                self.assert_clean(root)
            else:
                self.assertEqual(self.live(root), [])

    def test_half(self):
        """One warning, with what is missing; no file of the other's."""
        root = self.root()
        os.remove(root.inside("/usr/bin/ssm-agent-worker"))
        said, = self.live(root)
        self.assertIn("warn: an amazon-ssm-agent is not used: " + AGENT
                      + " has no ssm-agent-worker", said)
        self.assertFalse(root.exists("/etc/amazon"))
        self.assertFalse(root.exists("/var/lib/amazon"))

    def test_not_roots(self):
        """One that others can change is not run."""
        root = self.root()
        os.chown(root.inside(AGENT), 1000, 1000)
        said, = self.live(root)
        self.assertIn("is not used: %s belongs to uid 1000" % AGENT, said)

    def test_found(self):
        """The whole one that is root's runs."""
        self.assertEqual(self.live(self.root(), "amazon-ssm-agent"), [])


class Ends(Builtin):
    """The ends of a node that are not a signal."""

    def test_down(self):
        """`down`, and the application goes on."""
        root = self.root()
        held, _ = self.up(root)
        worker, core = self.worker(held)
        done = held.program("down")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_clean(root)
        self.assertFalse(os.path.exists("/proc/%d" % worker))
        self.assertFalse(os.path.exists("/proc/%d" % core))
        self.end(held, root)

    def test_ttl(self):
        """The time is over and no session is open."""
        root = self.root()
        held, _ = self.up(root, SSM_ACTIVATE_TTL="1s")
        held.wait_line("SSM_ACTIVATE_TTL is over")
        self.wait_forgotten(root)
        self.end(held, root)

    def test_up(self):
        """A keeper of its own, beside an entrypoint."""
        root = self.root()
        held = self.start(["/bin/sh", "-c", "ssm-activate up && echo status $?"
                           "; trap 'ssm-activate down; exit 3' TERM;"
                           " sleep 300 & wait"], root, builtin())
        wait_until(lambda: "status 0" in held.out, "up")
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 3)
        self.assert_clean(root)


class Faults(Builtin):
    """What goes wrong, and is mended."""

    def again(self, held, node, before):
        """Wait until another control channel is open."""
        held.wait_line("%s is not online" % node)
        wait_until(lambda: self.times("OpenControlChannel") > before,
                   "another control channel")
        wait_until(lambda: self.status(held)[0]["online"], "online again")

    def test_closed_in_order(self):
        """As the service does about hourly: another one, soon."""
        held, node = self.up()
        before = self.times("OpenControlChannel")
        self.aws.post("disconnect", {"node": node, "code": 1000})
        self.again(held, node, before)

    def test_cut(self):
        """By an RST."""
        held, node = self.up()
        before = self.times("OpenControlChannel")
        self.aws.post("disconnect", {"node": node, "reset": True})
        self.again(held, node, before)

    def test_worker_killed(self):
        """A new one comes, from the same core."""
        root = self.root()
        held, node = self.up(root)
        before = self.times("OpenControlChannel")
        worker, core = self.worker(held)
        os.kill(worker, signal.SIGKILL)
        self.again(held, node, before)
        self.assertEqual(self.worker(held)[1], core)
        self.end(held, root)

    def test_core_killed(self):
        """It is started again, and its worker does not outlive it."""
        root = self.root()
        held, node = self.up(root)
        before = self.times("OpenControlChannel")
        worker, core = self.worker(held)
        os.kill(core, signal.SIGKILL)
        held.wait_line("the builtin agent ended")
        self.again(held, node, before)
        self.assertFalse(os.path.exists("/proc/%d" % worker))
        self.end(held, root)

    def test_keeper_killed(self):
        """The next start of this container is the same node."""
        root = self.root()
        env = builtin(task=True)
        held, node = self.run_up(root=root, env=env)
        held.wait_line("is online")
        held.kill()
        second, again = self.run_up(root=root, env=env)
        self.assertEqual(again, node)
        second.wait_line("is up again")
        second.wait_line("is online")
        self.end(second, root)

    def test_new_key(self):
        """AWS wants another one: it is kept before AWS has it."""
        root = self.root()
        self.aws.limits(update_key_pair=True)
        held, node = self.run_up(root=root, env=builtin())
        held.wait_line("asked for a new key")
        self.assertEqual(len(root.read(KEY).splitlines()), 1)
        self.aws.limits(update_key_pair=False)
        worker, _ = self.worker(held)
        before = self.times("RequestManagedInstanceRoleToken")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: self.times("RequestManagedInstanceRoleToken")
                   > before, "credentials with the new key")
        self.assertEqual(self.aws.verdicts()["refused"], 0)
        self.end(held, root)
        self.assertNotIn("damaged", held.err + node)

    def test_refused_channel(self):
        """It is tried again, with what AWS says in the log."""
        self.aws.fault(operation="CreateControlChannel", count=1,
                       code="AccessDeniedException", status=403)
        held, node = self.run_up(env=builtin())
        held.wait_line("CreateControlChannel")
        self.wait_online(node)
        held.wait_line("%s is online" % node)

    def test_removed_outside(self):
        """A node that somebody deleted is registered anew."""
        root = self.root()
        self.aws.limits(token_lifetime=4)
        held, node = self.up(root)
        held.program("api", "ssm", "DeregisterManagedInstance", "--body",
                     json.dumps({"InstanceId": node}))
        held.wait_line("no longer accepts %s" % node)
        wait_until(lambda: held.err.count("is up with") == 2, "another node")
        wait_until(lambda: held.err.count("is online") == 2, "online")
        self.end(held, root)


class Refused(Builtin):
    """What it does not do is said at once."""

    def refused(self, pattern, **env):
        """Start with settings that cannot be; the application runs."""
        held = self.start([BIN, "run", "--", "/bin/sh", "-c", "exit 7"],
                          env=builtin(**env))
        self.assertEqual(held.wait(), 7)
        self.assert_one_line(held.err, pattern)
        self.assertEqual(self.aws.calls(), [])

    def test_unknown_answer(self):
        """AWS's answer to the registration cannot be explained, and there is
        no other agent that could try."""
        self.aws.fault(operation="RegisterManagedInstance", count=0,
                       code="SomethingNewException")
        held = self.start([BIN, "run", "--"] + SLEEP, env=builtin())
        held.wait_line("warn: .*SomethingNewException")
        wait_until(lambda: self.status(held)[0]["phase"] == "down", "an end")
        self.assertEqual(len(self.aws.calls("RegisterManagedInstance")), 1)
        self.assert_clean(held.root)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)

    def test_registrar(self):
        """The agent that registers is another."""
        self.refused("SSM_ACTIVATE_REGISTRAR=agent needs amazon-ssm-agent",
                     SSM_ACTIVATE_REGISTRAR="agent")

    def test_fis(self):
        """Fault injection needs Run Command."""
        self.refused("SSM_ACTIVATE_FIS needs amazon-ssm-agent",
                     SSM_ACTIVATE_FIS="on")


class Nobody(Builtin):
    """Where no root is, and nothing can be written."""

    def test_readonly(self):
        """uid 1000, no capability, no writable path."""
        root = self.root("debian")
        root.make_readonly()
        held = self.start(NOBODY + [BIN, "run", "--"] + SLEEP, root, builtin())
        node = held.wait_line(r"(mi-\w+) is up with the builtin").group(1)
        held.wait_line("%s is online" % node)
        self.assert_one_line(held.err, "remembered in memory only")
        self.assertEqual({1000}, {uid for pid in held.find("ssm-activate")
                                  for uid in procfs.uids(pid)})
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_account_empty()
        self.assertEqual([line for line in held.err.splitlines()
                          if ": warn:" in line and "memory only" not in line],
                         [])
