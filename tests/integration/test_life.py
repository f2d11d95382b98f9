# SPDX-License-Identifier: MIT
"""The ordinary life: `run` as PID 1, and `up` and `down` in an entrypoint."""

import re
import signal

from agents import amazon, with_builtin
from case import (AGENTS, BIN, NODE, SH, SLEEP, Case, environment, procfs,
                  wait_until)

ORDER = ["CreateActivation", "RegisterManagedInstance", "DeleteActivation"]


@with_builtin("test_whole_life", "test_status", "test_down_leaves_the_command")
class Run(Case):
    """`run -- CMD` as PID 1."""

    def test_whole_life(self):
        """The calls in their order on one connection, and a clean end."""
        root = self.root()
        held, node = self.run_up(root=root)
        self.wait_online(node)
        held.wait_line("%s is online" % node)
        self.check_calls(node)
        self.assertEqual(self.aws.activations(), [])
        self.assertEqual(root.mode("/var/lib/ssm-activate/state.json"), 0o600)
        self.assertEqual(root.mode("/var/lib/ssm-activate"), 0o700)
        self.assertTrue(self.agent_pids(held))
        self.assertEqual([held.find(name) != [] for name in AGENTS],
                         [self.agent is None] * 2)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertEqual(self.operations(),
                         ORDER + ["DeregisterManagedInstance"])
        self.assert_clean(root)
        self.assertEqual(self.aws.verdicts()["refused"], 0)

    def check_calls(self, node):
        """The three calls of a registration, as AWS saw them."""
        calls = self.own_calls()
        self.assertEqual([call["operation"] for call in calls], ORDER)
        self.assertEqual([call["signature"] for call in calls],
                         ["hmac", "none", "hmac"])
        self.assertEqual(len({call["connection"] for call in calls}), 1,
                         "connections of a registration")
        self.assertEqual({call["status"] for call in calls}, {200})
        made = calls[0]["parameters"]
        self.assertEqual(made["RegistrationLimit"], 1)
        self.assertEqual(
            made["IamRole"],
            "service-role/AmazonEC2RunCommandRoleForManagedInstances")
        token = self.aws.calls("RequestManagedInstanceRoleToken")[0]
        self.assertEqual(token["signature"], "rsa")
        self.assertIn(node, str(token["arn"]) + str(token["headers"]))

    def test_stop_signal(self):
        """By the name that images with systemd have for it."""
        root = self.root()
        held, _ = self.run_up(root=root, env=environment(
            SSM_ACTIVATE_STOP_SIGNALS="SIGRTMIN+3"))
        held.signal(signal.SIGRTMIN + 3)
        self.assertEqual(held.wait(), 128 + signal.SIGRTMIN + 3)
        self.assertIn("RTMIN+3", held.err)
        self.assert_clean(root)

    def test_output(self):
        """Few lines, each with our name; nothing on standard output."""
        held, _ = self.run_up()
        held.signal(signal.SIGTERM)
        held.wait()
        self.assertEqual(held.out, "")
        lines = held.err.splitlines()
        self.assertLessEqual(len(lines), 12, held.err)
        for line in lines:
            self.assertRegex(line, r"^(ssm-activate|amazon-ssm-agent)[^:]*: "
                             r"(info|warn|error): ")

    def test_node_as_wanted(self):
        """Name, role and tags."""
        env = environment(task=True, SSM_INSTANCE_NAME="web-{container}",
                          SSM_ACTIVATE_ROLE="SSMServiceRole",
                          SSM_ACTIVATE_TAGS="team=blue,stage=test")
        _, node = self.run_up(env=env)
        made = self.aws.nodes()[0]
        self.assertEqual(made["InstanceId"], node)
        self.assertEqual(made["Name"], "web-app")
        self.assertEqual(made["IamRole"], "SSMServiceRole")
        tags = made["Tags"]
        self.assertEqual((tags["team"], tags["stage"]), ("blue", "test"))
        self.assertIn("ssm-activate", tags)
        self.assertIn("ECS_TASK_ARN", tags)
        self.assertIn("ECS_TASK_AVAILABILITY_ZONE", tags)
        call = self.aws.calls("CreateActivation")[0]
        self.assertEqual(call["principal"], "task")

    def test_region_of_the_task(self):
        """Without a region in the environment the task's is taken."""
        env = environment(task=True, AWS_REGION=None)
        self.run_up(env=env)
        self.assertEqual(self.aws.nodes()[0]["Region"], "eu-west-1")

    def test_sidecar(self):
        """Without a command an unset gate counts as on."""
        root = self.root("empty")
        held = self.start([BIN, "run"], root, environment(SSM_ACTIVATE=None))
        held.wait_line("is up")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)

    def test_sidecar_switched_off(self):
        """An explicit "false" ends it with 0."""
        held = self.start([BIN, "run"], env=environment(SSM_ACTIVATE="false"))
        self.assertEqual(held.wait(), 0)
        self.assertEqual(self.aws.calls(), [])

    def test_status(self):
        """`status` in its forms while the node is up."""
        held, node = self.run_up()
        held.wait_line("is online")
        shown, code = self.status(held, "--strict")
        self.assertEqual(code, 0)
        self.assertEqual((shown["up"], shown["online"], shown["node"]),
                         (True, True, node))
        self.assertEqual(shown["region"], "eu-west-1")
        self.assertEqual(shown["keeper"], 1)
        self.assertEqual(shown["agent_restarts"], 0)
        text = held.program("status")
        self.assertEqual(text.returncode, 0)
        self.assertEqual(text.stdout.splitlines()[0], "up")
        self.assertIn(node, text.stdout)

    def test_down_leaves_the_command(self):
        """`down` takes the node away and CMD goes on."""
        root = self.root()
        held, node = self.run_up(root=root)
        self.assertEqual(held.program("down").returncode, 0)
        self.assert_clean(root)
        self.assertEqual(self.agent_pids(held), [])
        self.assertIsNone(held.outer.poll())
        shown, code = self.status(held, "--strict")
        self.assertFalse(shown["up"])
        self.assertNotEqual(code, 0)
        self.assertEqual(self.status(held)[1], 0)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertEqual(self.operations().count("DeregisterManagedInstance"),
                         1, node)

    def test_down_twice(self):
        """A second `down` has nothing to do."""
        held, _ = self.run_up()
        self.assertEqual(held.program("down").returncode, 0)
        self.assertEqual(held.program("down").returncode, 0)

    def test_up_beside_run(self):
        """`up` in a container that has a node prints its id."""
        held, node = self.run_up()
        done = held.program("up")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, node))
        self.assertEqual(self.operations(), ORDER)


class Statuses(Case):
    """CMD's exit status is the container's."""

    def run_command(self, *words, **variables):
        """Return the exit status of a container with that command."""
        held = self.start([BIN, "run", "--"] + list(words),
                          env=environment(**variables))
        return held, held.wait()

    def test_exit_statuses(self):
        """Passed on, with the node clean at the end."""
        for code in (0, 1, 7, 64, 126, 127, 255):
            with self.subTest(code=code):
                _, status = self.run_command(SH, "-c", "exit %d" % code)
                self.assertEqual(status, code)
        self.assert_account_empty()

    def test_killed_by_signal(self):
        """A command that a signal ended: 128 + its number."""
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
            with self.subTest(number=number):
                _, status = self.run_command(
                    SH, "-c", "kill -%d $$" % number)
                self.assertEqual(status, 128 + number)
        self.assert_account_empty()

    def test_not_found(self):
        """127, one line, and no call of AWS."""
        held, status = self.run_command("/nowhere/at-all")
        self.assertEqual(status, 127)
        self.assert_one_line(held.err, "/nowhere/at-all")
        self.assertEqual(self.operations(), [])

    def test_not_executable(self):
        """126."""
        held, status = self.run_command("/etc/passwd")
        self.assertEqual(status, 126)
        self.assert_one_line(held.err, "/etc/passwd")

    def test_not_found_while_off(self):
        """The same with the gate off."""
        for words, code in (("/nowhere/at-all", 127), ("/etc/passwd", 126)):
            held, status = self.run_command(words, SSM_ACTIVATE=None)
            self.assertEqual(status, code)
            self.assert_one_line(held.err, words)

    def test_found_in_path(self):
        """A command without a slash is looked for in PATH."""
        held, status = self.run_command("echo", "found", "it")
        self.assertEqual((status, held.out), (0, "found it\n"))


class Gate(Case):
    """The gate, off and odd."""

    def off(self, value, *words):
        """Run with the gate as given."""
        held = self.start([BIN] + list(words),
                          env=environment(SSM_ACTIVATE=value))
        status = held.wait()
        self.assertEqual(self.aws.calls(), [])
        return held, status

    def test_off_values(self):
        """Unset, empty and the words for off: CMD, and no word of ours."""
        for value in (None, "", "false", "0", "no", "off", "FALSE", "Off"):
            with self.subTest(value=value):
                held, status = self.off(value, "run", "--", SH, "-c",
                                        "echo $$; exit 3")
                self.assertEqual((status, held.out, held.err),
                                 (3, "1\n", ""))

    def test_odd_values(self):
        """Anything else: one warning, and off."""
        for value in ("maybe", "2", "truee", "on off"):
            with self.subTest(value=value):
                held, status = self.off(value, "run", "--", SH, "-c", "exit 3")
                self.assertEqual(status, 3)
                self.assertEqual(len(held.err.splitlines()), 1, held.err)
                self.assertIn("SSM_ACTIVATE", held.err)

    def test_on_values(self):
        """The words for on, in any case."""
        for value in ("1", "yes", "ON", "True"):
            with self.subTest(value=value):
                held, _ = self.run_up(env=environment(SSM_ACTIVATE=value))
                held.signal(signal.SIGTERM)
                self.assertEqual(held.wait(), 0)

    def test_up_off(self):
        """`up` does nothing and says nothing."""
        held, status = self.off(None, "up")
        self.assertEqual((status, held.out, held.err), (0, "", ""))
        self.assertEqual(held.root.changes(), [])

    def test_status_off(self):
        """`status` of a container that has no access: 0, strict not."""
        self.assertEqual(self.off(None, "status")[1], 0)
        self.assertNotEqual(self.off(None, "status", "--strict")[1], 0)


@with_builtin("test_entrypoint", "test_down_ends_all")
class Up(Case):
    """`up` in an entrypoint script, `down` in its trap."""

    def entry(self, script, root=None, **options):
        """Start a container whose entrypoint is a shell script."""
        return self.start([SH, "-c", script], root, **options)

    def test_entrypoint(self):
        """up, the application, down: nothing is left."""
        root = self.root()
        held = self.entry("x=$(ssm-activate up); echo id=$x; "
                          "trap 'ssm-activate down; exit 5' TERM; "
                          "sleep 300 & wait", root)
        match = wait_until(lambda: re.search("id=(%s)\n" % NODE, held.out),
                           "the node's id")
        self.wait_online(match.group(1))
        self.assert_one_line(held.err, "PID 1 is not ssm-activate")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 5)
        self.assertEqual(self.operations(),
                         ORDER + ["DeregisterManagedInstance"])
        self.assert_clean(root)

    def test_down_ends_all(self):
        """After `down` no process of ours is left."""
        held = self.entry("ssm-activate up && ssm-activate down; "
                          "echo done; sleep 300 & wait")
        wait_until(lambda: "done" in held.out, "down")
        wait_until(lambda: set(held.processes().values()) <= {"busybox"},
                   "only the application's processes")
        self.assert_account_empty()

    def test_up_twice(self):
        """The same id, and no second registration."""
        held = self.entry("ssm-activate up; ssm-activate up; "
                          "ssm-activate up; echo done; sleep 300")
        wait_until(lambda: "done" in held.out, "three times up")
        words = held.out.split()
        self.assertEqual(words, [words[0]] * 3 + ["done"])
        self.assertEqual(self.operations(), ORDER)

    def test_up_at_once(self):
        """Two starts cannot race."""
        held = self.entry("for i in 1 2 3 4; do ssm-activate up & done; "
                          "wait; echo done; sleep 300")
        wait_until(lambda: "done" in held.out, "four at once")
        words = held.out.split()
        self.assertEqual(words, [words[0]] * 4 + ["done"], held.err)
        self.assertEqual(self.operations(), ORDER)

    def test_pipes_end(self):
        """Neither $(...) nor a pipe waits for the keeper."""
        held = self.entry("ssm-activate up 2>&1 | cat; echo done; sleep 300")
        wait_until(lambda: "done" in held.out, "the end of the pipe")
        self.assertRegex(held.out, NODE)

    def test_keeper_holds_nothing(self):
        """The keeper has no descriptor of the caller's."""
        held = self.entry("exec 7>/tmp/seven; ssm-activate up </dev/zero; "
                          "echo done; sleep 300")
        wait_until(lambda: "done" in held.out, "up")
        for name in ("ssm-activate",) + AGENTS:
            for pid in held.find(name):
                files = procfs.descriptors(pid)
                self.assertEqual([path for path in files.values()
                                  if path.endswith("/tmp/seven")], [], name)
                self.assertTrue(files[0].endswith("/dev/null"), name)
                self.assertTrue(files[1].endswith("/dev/null"), name)

    def test_background(self):
        """`--background` comes back at once; the node follows."""
        self.aws.fault(operation="CreateActivation", hold="asked")
        held = self.entry("ssm-activate up --background; echo done; "
                          "sleep 300")
        wait_until(lambda: "done" in held.out, "the way back")
        self.let_go()
        wait_until(self.aws.nodes, "the node")

    def let_go(self):
        """Let the held request for an activation go on."""
        wait_until(self.aws.held, "the request")
        self.assertEqual(self.aws.activations(), [])
        self.aws.release()

    def test_failure_after_return(self):
        """Once `up` is back, the keeper says itself why there is no node."""
        for flag in ("--background", "--timeout 500ms"):
            with self.subTest(flag=flag):
                self.aws.reset()
                # The first one waits; there is another without tags.
                for effect in ({"hold": "asked"}, {"count": 0}):
                    self.aws.fault(operation="CreateActivation",
                                   code="AccessDeniedException", **effect)
                held = self.entry("ssm-activate up %s; echo done; sleep 300"
                                  % flag)
                wait_until(lambda held=held: "done" in held.out, "the way "
                           "back")
                self.let_go()
                held.wait_line("AccessDenied")
                self.assert_one_line(held.err, "AccessDenied")

    def test_timeout(self):
        """`up` comes back after its timeout, the keeper goes on."""
        self.aws.fault(operation="CreateActivation", hold="asked")
        held = self.entry("ssm-activate up --timeout 1s; echo done $?; "
                          "sleep 300")
        wait_until(lambda: "done 0" in held.out, "the way back")
        self.assertNotRegex(held.out, NODE)
        self.let_go()
        wait_until(self.aws.nodes, "the node")

    @amazon
    def test_kept_agent(self):
        """The agent's group is its own; it is below the keeper."""
        held = self.entry("ssm-activate up; echo done; sleep 300")
        wait_until(lambda: "done" in held.out, "up")
        keeper = held.keepers()
        self.assertEqual(len(keeper), 1)
        core = wait_until(lambda: held.find("amazon-ssm-agent"), "the core")
        self.assertIn(core[0], procfs.children(keeper[0]))


class Other(Case):
    """Commands around it."""

    def test_api(self):
        """One signed call, the answer on standard output."""
        held = self.start(SLEEP)
        done = held.program("api", "sts", "GetCallerIdentity")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("123456789012", done.stdout)
        done = held.program("api", "ssm", "DescribeActivations", "--body",
                            "{}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.aws.verdicts()["accepted"], 2)

    def test_api_of_a_caller_without_sigchld(self):
        """Who ignores SIGCHLD, which a program inherits, gets the status."""
        held = self.start([SH, "-c", "trap '' CHLD; exec ssm-activate api "
                                     "ssm DescribeActivations"])
        self.assertEqual(held.wait(), 0)
        self.assertIn("ActivationList", held.out)

    def test_api_refused(self):
        """AWS's own code and the exit status of it."""
        self.aws.policy("user", allow=[])
        held = self.start(SLEEP)
        done = held.program("api", "ssm", "DescribeActivations")
        self.assertEqual((done.returncode, done.stdout), (77, ""))
        self.assert_one_line(done.stderr, "AccessDenied")

    def test_usage(self):
        """64, and a line that names the mistake."""
        held = self.start(SLEEP)
        for words in (["fly"], ["up", "--no-such-flag"], ["run", "--user"],
                      ["up", "--timeout", "soon"], []):
            with self.subTest(words=words):
                done = held.program(*words)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertNotEqual(done.stderr, "")

    def test_help_and_version(self):
        """On standard output, with 0."""
        held = self.start(SLEEP)
        for words, text in ((["version"], "ssm-activate"),
                            (["help"], "usage:"),
                            (["run", "--help"], "SSM_ACTIVATE_DOWN_TIMEOUT"),
                            (["version", "--licenses"], "BearSSL")):
            with self.subTest(words=words):
                done = held.program(*words)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn(text, done.stdout)

    def test_run_user(self):
        """CMD runs as that user, the keeper stays root."""
        held = self.start([BIN, "run", "--user", "app", "--", SH, "-c",
                           "trap 'exit 0' TERM; id; echo $HOME; "
                           "sleep 300 & wait"])
        held.wait_line("is up")
        wait_until(lambda: "/home/app" in held.out, "the home")
        self.assertIn("uid=1000(app) gid=1000(app)", held.out)
        self.assertEqual(self.agent_pids(held)[:1] != [], True)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_account_empty()
