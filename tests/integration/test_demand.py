# SPDX-License-Identifier: MIT
"""Access on demand: no node until it is asked for, and none afterwards."""

import re
import signal
import time
import unittest

from case import BIN, SH, SLEEP, Case, environment, wait_until
from runner import FULL

NAME = "/ssm-activate/web"


def clock_text(seconds):
    """Return the time so many seconds from now as AWS's CLI takes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(
        time.time() + seconds))


def on_demand(**more):
    """Return the environment of a container in this mode."""
    return environment(**dict({
        "SSM_ACTIVATE": "demand", "SSM_ACTIVATE_DEMAND": "ssm:" + NAME,
        "SSM_ACTIVATE_DEMAND_EVERY": "1s"}, **more))


def policy(path):
    """Return what the task's role needs, to read that parameter too."""
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Resource": "*", "Action": [
            "ssm:CreateActivation", "ssm:DeleteActivation", "iam:PassRole",
            "ssm:DeregisterManagedInstance", "ssm:AddTagsToResource"]},
        {"Effect": "Allow", "Action": "ssm:GetParameter",
         "Resource": "arn:aws:ssm:*:*:parameter" + path}]}


class Waiting(Case):
    """A container that waits to be asked."""

    def waiting(self, root=None, argv=None, **more):
        """Start one and wait until it waits."""
        held = self.start(argv or [BIN, "run", "--", *SLEEP], root,
                          on_demand(**more))
        held.wait_line("no node until it is asked for")
        return held

    def put(self, value, name=NAME):
        """Put a version of the parameter."""
        self.aws.parameter(name, value)
        return time.monotonic()

    def reads(self):
        """Return how often it was read so far."""
        return len(self.aws.calls("GetParameter"))

    def wait_reads(self, more=2):
        """Wait until it was read so many times more."""
        before = self.reads()
        wait_until(lambda: self.reads() >= before + more, "more reads")

    def wait_down(self, held):
        """Wait until it waits again, with nothing on the account."""
        wait_until(lambda: self.status(held)[0]["waits"], "waits again")
        self.assert_account_empty()


class Parameter(Waiting):
    """A parameter of Parameter Store asks."""

    def test_parameter(self):
        """On, its time, waiting again; a version opens once."""
        root = self.root()
        held = self.waiting(root, SSM_ACTIVATE_TTL="4s")
        self.put("off")
        self.wait_reads()
        self.assertEqual(set(self.operations()), {"GetParameter"})
        self.assertTrue(self.status(held)[0]["waits"])
        self.assert_clean(root)
        began = self.put("on")
        held.wait_line("is online")
        self.assertLess(time.monotonic() - began, 1 + 15)
        self.assertFalse(self.status(held)[0]["waits"])
        self.wait_down(held)
        self.wait_reads()
        self.assertEqual(self.operations().count("CreateActivation"), 1)
        self.put("on")
        wait_until(self.aws.nodes, "a node of the next version")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)
        self.assert_one_line(held.err, "version 2, is on")
        self.assertEqual(self.aws.verdicts()["refused"], 0)

    def test_reader(self):
        """Who reads it is a worker without privileges, and short-lived."""
        held = self.waiting()
        self.put("off")
        self.wait_reads()
        status = self.own_calls()[0]["peer"]["status"]
        self.assertTrue(60000 < int(status["Uid"].split()[1]) < 65534)
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]),
                         ("1", "2"))
        wait_until(lambda: held.find("ssm-activate") == [], "it is gone")

    def test_until(self):
        """The end that it says, also for who starts later; not for who was
        taken down by hand."""
        self.put("on until " + clock_text(3600))
        root = self.root()
        held = self.waiting(root)
        held.wait_line("is up")
        shown = self.status(held)[0]
        self.assertEqual(shown["until"], self.parameter_end())
        self.assertEqual(held.program("down").returncode, 0)
        self.wait_down(held)
        self.wait_reads()
        self.assertEqual(self.aws.nodes(), [])
        self.put("on until " + clock_text(4))
        wait_until(self.aws.nodes, "a node of the next version")
        self.wait_down(held)
        self.put("on until " + clock_text(-4))
        self.wait_reads()
        self.assertEqual(self.aws.nodes(), [])

    def parameter_end(self):
        """Return the time in the parameter."""
        return self.aws.calls("GetParameter") and self.aws.post(
            "parameters", {})[NAME]["Value"].split()[-1]

    @staticmethod
    def lines(held, word):
        """Return how many of its lines have such words."""
        return len(re.findall(word, held.err))

    def goes_on(self, held, word):
        """It is told once, and CMD is not touched."""
        held.wait_line(word)
        self.wait_reads(1)
        self.assertEqual(self.lines(held, word), 1, held.err)
        self.assertIsNone(held.outer.poll())
        self.assertTrue(self.status(held)[0]["waits"])

    def test_absent(self):
        """Deleted: one warning with the way to make it, and it is looked for
        as often; its first version is new again."""
        held = self.waiting()
        self.goes_on(held, "ParameterNotFound.*put-parameter.* --name " + NAME)
        self.put("on")
        held.wait_line("is up")
        self.put(None)
        self.wait_reads()
        self.assertEqual(len(self.aws.nodes()), 1)
        self.assertEqual(held.program("down").returncode, 0)
        self.wait_down(held)
        self.put("on")
        wait_until(self.aws.nodes, "the node of the new version 1")

    def test_denied(self):
        """One warning with the statement, less and less often, and it goes
        on by itself."""
        self.aws.policy("task", document=policy("/other"))
        held = self.waiting(task=True)
        self.goes_on(held, "AccessDenied.*may not do ssm:GetParameter; add")
        self.put("on")
        self.aws.policy("task", document=policy(NAME))
        held.wait_line("is up")

    def test_throttled(self):
        """Each pause is longer than the one before; one attempt at a time
        is given up for the next."""
        self.aws.post("throttle", {"operation": "GetParameter", "rate": 0.001,
                                   "burst": 0.5})
        held = self.waiting()
        wait_until(lambda: self.reads() >= 6, "three rounds", 30)
        self.assertEqual(self.lines(held, "ThrottlingException"), 1)
        times = [call["time"] for call in self.aws.calls("GetParameter")][::2]
        gaps = [late - early for early, late in zip(times, times[1:])]
        self.assertGreater(gaps[0], 1.4)
        self.assertGreater(gaps[1], 2.9)
        self.assertTrue(self.status(held)[0]["waits"])

    def test_malformed(self):
        """A value that nobody meant, and an answer that is none."""
        self.put("onn")
        held = self.waiting()
        self.goes_on(held, "is neither on, on until TIME, off nor")
        self.aws.fault(operation="GetParameter", body='{"Parameter":{}}',
                       status=200, count=1)
        held.wait_line("the answer is incomplete")
        self.put("on until tomorrow")
        wait_until(lambda: self.lines(held, "is neither") == 2, "the next")
        self.assertEqual(self.aws.nodes(), [])

    def test_prolonged(self):
        """A version that comes while the node is up moves its end."""
        held = self.waiting(SSM_ACTIVATE_TTL="1h")
        self.put("on")
        held.wait_line("is up")
        before = self.status(held)[0]["until"]
        self.put("on until " + clock_text(7200))
        wait_until(lambda: self.status(held)[0].get("until")
                   == self.parameter_end(), "the later end")
        self.assertNotEqual(before, self.parameter_end())
        self.assertEqual(len(self.aws.nodes()), 1)

    def test_off(self):
        """`off` ends what is open."""
        held = self.waiting()
        self.put("on")
        held.wait_line("is up")
        self.put("off")
        self.wait_down(held)
        held.wait_line("no longer asked for")

    def test_on_for_others(self):
        """`on` that was there before the container was for others."""
        self.put("on")
        time.sleep(1.1)
        held = self.waiting()
        self.wait_reads()
        self.assertTrue(self.status(held)[0]["waits"])
        self.assertEqual(self.aws.nodes(), [])
        self.put("on")
        wait_until(self.aws.nodes, "the next version's node")

    def test_task(self):
        """The id or ARN of our task, in a parameter of our family."""
        name = "/x/demo/web"
        self.aws.policy("task", document=policy(name))
        held = self.waiting(task=True,
                            SSM_ACTIVATE_DEMAND="ssm:/x/{cluster}/{family}")
        self.put("0" * 32, name)
        self.wait_reads()
        self.assertTrue(self.status(held)[0]["waits"])
        arn = self.aws.state()["task"]["TaskARN"]
        self.put(arn.rpartition("/")[2], name)
        held.wait_line("is up")
        self.assertEqual(held.program("down").returncode, 0)
        self.put(arn, name)
        wait_until(self.aws.nodes, "the node of the ARN")
        self.assertNotIn("demand_odd", held.err)


class Restarts(Waiting):
    """A container that starts again on the same root."""

    def again(self, root, **more):
        """Start it again, and wait until it waits."""
        return self.waiting(root, **more)

    def test_restarts(self):
        """While it waits: it waits. While it is up: after a signal nothing is
        left, after SIGKILL that goes first; both wait, but for `on until`."""
        root = self.root()
        held = self.waiting(root)
        held.kill()
        held = self.again(root)
        self.put("on")
        held.wait_line("is up")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)
        held = self.again(root)
        self.wait_reads()
        self.assertTrue(self.status(held)[0]["waits"])
        self.put("on")
        held.wait_line("is up")
        held.kill()
        self.assertEqual(len(self.aws.nodes()), 1)
        held = self.again(root)
        held.wait_line("removing what an earlier start left behind")
        self.wait_down(held)
        self.assert_clean(root)
        self.put("on until " + clock_text(3600))
        held.wait_line("is up")
        held.kill()
        held = self.again(root)
        held.wait_line("is up")
        self.assertEqual(len(self.aws.nodes()), 1)
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(root)


class Local(Waiting):
    """The word from inside."""

    def test_up_and_down(self):
        """Without a parameter nothing is asked of AWS until `up` is."""
        root = self.root()
        held = self.waiting(root, SSM_ACTIVATE_DEMAND=None)
        self.assertEqual(held.program("down").returncode, 0)
        nodes = []
        for _ in range(2):
            done = held.program("up")
            self.assertRegex(done.stdout, r"^mi-[0-9a-f]{17}\n$", done.stderr)
            nodes.append(done.stdout)
            self.assertEqual(held.program("up").stdout, done.stdout)
            self.assertEqual(held.program("down").returncode, 0)
            self.assert_clean(root)
        self.assertNotEqual(*nodes)
        self.assertEqual(self.aws.calls("GetParameter"), [])
        text = held.program("status").stdout
        self.assertRegex(text, r"^waiting\ndemand   ")

    def test_builtin(self):
        """The agent of our own comes and goes as well."""
        root = self.root("empty")
        held = self.waiting(root, [BIN, "run"], SSM_ACTIVATE_DEMAND=None,
                            SSM_ACTIVATE_AGENT="builtin")
        for _ in range(2):
            self.assertRegex(held.program("up").stdout, "^mi-")
            wait_until(lambda: self.status(held)[0]["online"], "it is online")
            self.assertEqual(held.program("down").returncode, 0)
            self.wait_down(held)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)

    def test_sidecar_stays(self):
        """Without CMD too it waits again after its time."""
        held = self.waiting(argv=[BIN, "run"], SSM_ACTIVATE_DEMAND=None,
                            SSM_ACTIVATE_TTL="1s")
        self.assertRegex(held.program("up").stdout, "^mi-")
        self.wait_down(held)
        self.assertIsNone(held.outer.poll())

    def test_entrypoint(self):
        """The first `up` starts the keeper, which waits; the next one asks."""
        held = self.start([SH, "-c", "ssm-activate up; echo back; "
                           "sleep 300 & wait"],
                          env=on_demand(SSM_ACTIVATE_DEMAND=None))
        wait_until(lambda: "back" in held.out, "the first one")
        self.assertEqual(held.out, "back\n")
        self.assert_account_empty()
        self.assertRegex(held.program("up").stdout, "^mi-")
        self.assertEqual(held.program("down").returncode, 0)
        self.assertTrue(self.status(held)[0]["waits"])

    def test_refused(self):
        """What AWS refuses is told to who asked, and in the log; neither CMD
        nor the next try suffers, REQUIRED or not."""
        self.aws.policy("user", deny=["ssm:CreateActivation"])
        held = self.waiting(SSM_ACTIVATE_DEMAND=None,
                            SSM_ACTIVATE_REQUIRED="true")
        done = held.program("up")
        self.assertEqual((done.returncode, done.stdout), (77, ""))
        self.assertIn("CreateActivation", done.stderr)
        self.assert_one_line(held.err, "AccessDenied")
        shown = self.status(held)[0]
        self.assertTrue(shown["waits"])
        self.assertIn("AccessDenied", shown["error"]["message"])
        self.assertIsNone(held.outer.poll())
        self.aws.policy("user", deny=[])
        self.assertRegex(held.program("up").stdout, "^mi-")
        self.assertNotIn("error", self.status(held)[0])

    def test_settings(self):
        """What does not go together costs access only."""
        for more, word in (
                ({"SSM_ACTIVATE_KEEP_IDENTITY": "on"}, "KEEP_IDENTITY"),
                ({"SSM_ACTIVATE_DEMAND": NAME}, "must be ssm:NAME"),
                ({"SSM_ACTIVATE_DEMAND": "ssm:/{host}"}, "the words are")):
            with self.subTest(word=word):
                held = self.start([BIN, "run", "--", SH, "-c", "exit 3"],
                                  env=on_demand(**more))
                self.assertEqual(held.wait(), 3)
                self.assert_one_line(held.err, word)
        self.assertEqual(self.aws.calls(), [])


@unittest.skipUnless(FULL, "a hundred containers: ./build.sh test full")
class Hundred(Case):
    """A hundred containers with one parameter."""

    COUNT = 100

    def test_hundred(self):
        """All open by one version, none twice, and all go."""
        env = on_demand(
            AWS_ENDPOINT_URL="http://127.0.0.1:%d" % self.aws.ports["http"],
            SSM_ACTIVATE_DEMAND_EVERY="10s", SSM_ACTIVATE_TTL="10m")
        held = [self.start([BIN, "run", "--", *SLEEP], env=env)
                for _ in range(self.COUNT)]
        self.aws.parameter(NAME, "on")
        wait_until(lambda: len(self.aws.nodes()) == self.COUNT,
                   "all of them", 120)
        self.aws.parameter(NAME, "off")
        wait_until(lambda: not self.aws.nodes(), "none of them", 120)
        for one in held:
            self.assertIsNone(one.outer.poll())
        self.assertEqual(len(self.aws.calls("RegisterManagedInstance")),
                         self.COUNT)
