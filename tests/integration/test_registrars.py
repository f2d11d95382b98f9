# SPDX-License-Identifier: MIT
"""Who registers: we, or the agent; and activations made elsewhere."""

import json
import os
import signal
import subprocess
import unittest

import activations
import place
from case import BIN, SLEEP, UP, Case, environment, wait_until


class Registrars(Case):
    """Both registrars."""

    def finish(self, held):
        """Stop the container and look at what is left."""
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertEqual(self.aws.nodes(), [])
        self.assert_disk_clean(held.root)

    def test_agent(self):
        """The agent registers with our activation, which we delete."""
        held, node = self.run_up(env=environment(
            SSM_ACTIVATE_REGISTRAR="agent"))
        self.wait_online(node)
        registered = self.aws.calls("RegisterManagedInstance")
        self.assertEqual(len(registered), 1)
        self.assertTrue(registered[0]["peer"]["exe"].endswith(
            "/amazon-ssm-agent"))
        self.assert_activations_go()
        self.finish(held)
        self.assert_account_empty()
        self.assertEqual(self.operations(), [
            "CreateActivation", "DeleteActivation",
            "DeregisterManagedInstance"])

    def assert_activations_go(self):
        """The activation goes while the node is up, not at its end."""
        wait_until(lambda: not self.aws.activations(), "no activation")

    def test_agent_refused(self):
        """What the agent says about its failure is passed on."""
        self.aws.fault(operation="RegisterManagedInstance", count=0,
                       code="InvalidActivation")
        held = self.start([BIN, "run", "--"] + SLEEP,
                          env=environment(SSM_ACTIVATE_REGISTRAR="agent"))
        held.wait_line("warn: .*InvalidActivation")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(held.root)

    @unittest.skipIf(place.real_agent(), "the words are the stand-in's")
    def test_fallback(self):
        """An answer that cannot be explained: the agent does it, with a
        warning."""
        self.aws.fault(operation="RegisterManagedInstance",
                       code="SomethingNewException")
        held, node = self.run_up()
        self.assert_one_line(held.err, "warn: .*SomethingNew.*instead")
        self.wait_online(node)
        calls = self.aws.calls("RegisterManagedInstance")
        self.assertEqual(len(calls), 2)
        self.finish(held)
        self.assert_account_empty()

    def test_given(self):
        """By variable and by file, with both registrars: not made and not
        deleted by us."""
        for registrar in ("self", "agent"):
            for by_file in (False, True):
                with self.subTest(registrar=registrar, by_file=by_file):
                    self.aws.reset()
                    self.check_given(registrar, by_file)

    def check_given(self, registrar, by_file):
        """One life with an activation made elsewhere."""
        ident, code = activations.make()
        root = self.root()
        root.write("/run/code", code + "\n", 0o400)
        env = environment(SSM_ACTIVATE_ID=ident,
                          SSM_ACTIVATE_REGISTRAR=registrar)
        env.update({"SSM_ACTIVATE_CODE_FILE": "/run/code"} if by_file
                   else {"SSM_ACTIVATE_CODE": code})
        held, node = self.run_up(root=root, env=env)
        self.wait_online(node)
        self.assertEqual([node["ActivationId"] for node in self.aws.nodes()],
                         [ident])
        self.finish(held)
        self.assertEqual([one["ActivationId"]
                          for one in self.aws.activations()], [ident])
        made = self.aws.calls("CreateActivation")
        self.assertEqual(len(made), 1, "ours, in place of the given one")
        self.assertEqual(self.aws.calls("DeleteActivation"), [])

    def test_given_in_one_file(self):
        """Id, code and region in the file that Bottlerocket has; the region
        goes before the variable, the flag before the file. A file that is
        not such a one is named."""
        ident, code = activations.make()
        text = json.dumps({"ssm": {"activation-id": ident, "region":
                                   place.REGION, "activation-code": code}})
        root = self.root()
        root.write("/run/user-data", text, 0o400)
        env = environment(SSM_ACTIVATE_ID_FILE="/run/user-data",
                          AWS_REGION="eu-central-1")
        held, _ = self.run_up(root=root, env=env)
        self.assertEqual([one["ActivationId"] for one in self.aws.nodes()],
                         [ident])
        self.finish(held)
        for place_of_it, content in root.contents():
            if place_of_it != "/run/user-data":
                self.assertNotIn(code.encode(), content, place_of_it)
        held = self.start([BIN, "run", "--region", "eu-central-1", "--"]
                          + SLEEP, root, env)
        held.wait_line(r"warn: .*ssm\.eu-central-1\.")
        held.kill()
        root.write("/run/user-data", '{"admin": {}}')
        held = self.start([BIN, "run", "--"] + SLEEP, root, env)
        held.wait_line("warn: ")
        line = self.assert_one_line(held.err, "warn: ")
        self.assertRegex(line, "SSM_ACTIVATE_ID_FILE: /run/user-data: .*UUID")

    def volumes(self, count):
        """Make roots that share the folders of state and agent."""
        roots = [self.root() for _ in range(count)]
        for path in ("/var/lib/ssm-activate", "/var/lib/amazon/ssm"):
            for root in roots:
                os.makedirs(root.inside(path), exist_ok=True)
            for root in roots[1:]:
                subprocess.run(["/usr/bin/mount", "--bind",
                                roots[0].inside(path), root.inside(path)],
                               check=True)
                self.addCleanup(subprocess.run, [
                    "/usr/bin/umount", "--lazy", root.inside(path)],
                    check=True)
        return roots

    def test_kept(self):
        """An activation for one node, and containers one after another: by
        signal, by CMD's end, killed; the last is taken down by `down`."""
        ident, code = activations.make()
        roots = self.volumes(4)
        env = environment(SSM_ACTIVATE_ID=ident, SSM_ACTIVATE_CODE=code,
                          SSM_ACTIVATE_KEEP_IDENTITY="on")
        nodes = set()
        for number, end in enumerate((signal.SIGTERM, signal.SIGKILL,
                                      signal.SIGINT, None)):
            held, node = self.run_up(root=roots[number], env=env)
            held.wait_line("is online")
            nodes.add(node)
            if end is None:
                held.program("down")
                break
            held.signal(end)
            held.wait()
            self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                             [node], held.err)
        self.assertEqual(len(nodes), 1)
        self.assertEqual(self.aws.nodes(), [])
        self.assertEqual(len(self.aws.calls("RegisterManagedInstance")), 1)

    def test_kept_by_one_at_a_time(self):
        """A rolling deployment: the next container waits for the lock, and
        gives up with one warning; nothing is taken from the one that runs."""
        roots = self.volumes(3)
        env = environment(SSM_ACTIVATE_KEEP_IDENTITY="on")
        first, node = self.run_up(root=roots[0], env=env)
        late = self.start([BIN, "run", "--"] + SLEEP, roots[1],
                          dict(env, SSM_ACTIVATE_GIVE_UP="3s"))
        second = self.start([BIN, "run", "--"] + SLEEP, roots[2], env)
        second.wait_line("info: another ssm-activate .* waiting")
        late.wait_line("warn: another ssm-activate")
        self.assert_one_line(late.err, "warn: ")
        self.assertEqual([one["InstanceId"] for one in self.aws.nodes()],
                         [node])
        first.signal(signal.SIGTERM)
        self.assertEqual(first.wait(), 0)
        second.wait_line("%s is up again" % node)
        second.program("down")
        self.assert_account_empty()

    def test_given_without_keys(self):
        """No credentials at all: registered, and deregistered by the node's
        own where they may."""
        self.aws.policy("node", allow=["ssm:*"])
        ident, code = activations.make()
        env = environment(SSM_ACTIVATE_ID=ident, SSM_ACTIVATE_CODE=code,
                          AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
                          AWS_EC2_METADATA_DISABLED="true")
        held, node = self.run_up(env=env)
        self.wait_online(node)
        self.finish(held)

    def test_given_wrongly(self):
        """Each way to give half an activation, or a wrong one."""
        ident, code = activations.make()
        wrong = "0" * 20
        cases = [
            ({"SSM_ACTIVATE_ID": ident}, "SSM_ACTIVATE_CODE", 78),
            ({"SSM_ACTIVATE_CODE": code}, "SSM_ACTIVATE_ID", 78),
            ({"SSM_ACTIVATE_ID": "me", "SSM_ACTIVATE_CODE": code},
             "SSM_ACTIVATE_ID", 78),
            ({"SSM_ACTIVATE_ID": ident, "SSM_ACTIVATE_CODE": "short"},
             "code.* 20 to", 78),
            ({"SSM_ACTIVATE_ID": ident, "SSM_ACTIVATE_ID_FILE": "/no/such",
              "SSM_ACTIVATE_CODE": code}, "exclude each other", 78),
            ({"SSM_ACTIVATE_ID_FILE": "/no/such"}, "no file /no/such", 78),
            ({"SSM_ACTIVATE_ID": ident,
              "SSM_ACTIVATE_CODE_FILE": "/no/such"}, "/no/such", 78),
            ({"SSM_ACTIVATE_ID": ident, "SSM_ACTIVATE_CODE": wrong},
             "InvalidActivation", 70),
        ]
        for variables, gist, code_wanted in cases:
            with self.subTest(gist=gist):
                env = environment(SSM_ACTIVATE_REQUIRED="true", **variables)
                held = self.start([BIN, "run", "--", "/bin/sleep", "30"],
                                  env=env)
                self.assertEqual(held.wait(), code_wanted)
                self.assert_one_line(held.err, gist)
        self.assertEqual(len(self.aws.activations()), 1)
        self.assertEqual(self.aws.nodes(), [])

    def test_up_with_agent(self):
        """`up` with the agent's registrar."""
        held = self.start(["/bin/sh", "-c", "ssm-activate up --registrar "
                           "agent; echo done; sleep 60"])
        held.wait_line(UP)
        self.assert_activations_go()
