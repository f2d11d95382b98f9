# SPDX-License-Identifier: MIT
"""What containers left behind that no start will ever find: `gc`."""

import json
import os
import re
import signal
import subprocess
import time

import place
from case import SLEEP, BIN, Case, environment, wait_until
from leaving import Crowd, task

DAY = 86400
NONCE = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
MARK = "[ssm-activate:%s]" % NONCE
LINE = re.compile(r"(node|activation) (\S+) (\w+) (\S+) (\S+) ?(.*)")
TIMEOUT = 120


class Gc(Case):
    """Runs it outside of any container, as a scheduled job does."""

    def gc(self, *flags, **env):
        """Run it."""
        more = {name: env.pop(name) for name in ("task",) if name in env}
        return subprocess.run(
            place.command() + ["gc"] + list(flags), text=True,
            env=self.aws.environment(**more, **env), capture_output=True,
            stdin=subprocess.DEVNULL, timeout=TIMEOUT, check=False)

    def ask(self, *flags, status=0, **env):
        """Run it; return {id: reason} of its lines."""
        done = self.gc(*flags, **env)
        self.assertEqual(done.returncode, status, done.stderr)
        self.said = done.stderr
        found = {}
        for line in done.stdout.splitlines():
            match = LINE.fullmatch(line)
            self.assertIsNotNone(match, line)
            found[match.group(2)] = match.group(3)
        return found

    def node(self, arn=None, ours=True, **more):
        """Put a node on the account, silent for two days; return its id."""
        tags = {"ssm-activate": "0.1.0"} if ours else {}
        if arn:
            tags["ECS_TASK_ARN"] = arn
        made = dict({"tags": tags, "registered": 3 * DAY, "pinged": 2 * DAY},
                    **more)
        return self.aws.post("nodes", made)[0]

    def activation(self, text="web " + MARK, **more):
        """Put an activation on the account; return its id."""
        return self.aws.post("activations", dict(more, description=text))

    def tasks(self, **status):
        """Tell ECS about tasks, by number: t1="STOPPED"."""
        self.aws.post("tasks", {task(int(name[1:])): word
                                for name, word in status.items()})

    def ids(self):
        """Return what is on the account."""
        state = self.aws.state()
        return ({one["InstanceId"] for one in state["nodes"]}
                | {one["ActivationId"] for one in state["activations"]})


class Found(Gc):
    """What is left, and what is not."""

    def plant(self):
        """Put some of everything on the account; return what is left."""
        self.tasks(t1="STOPPED", t2="RUNNING", t3="DEPROVISIONING")
        found = {
            self.node(task(1), pinged=10): "task_stopped",
            self.node(task(1), pinged=3600): "task_stopped",
            self.node(task(9), pinged=3600): "task_missing",
            self.node(): "connection_lost",
            self.node(pinged=None): "never_online",
            self.activation(created=7200, expires=-3600): "expired",
            self.activation(created=5400, used=1): "used_up",
            self.activation(created=2 * DAY, expires=DAY): "unused"}
        # In use, or not ours.
        for arn in (task(2), task(3)):
            self.node(arn)
            self.node(arn, pinged=10)
        self.node(task(9), pinged=10)
        self.node(pinged=10)
        self.node(pinged=DAY - 60)
        self.node(pinged=None, registered=DAY - 60)
        self.node(ours=False)
        self.node(task(1), ours=False)
        self.activation(created=3000)
        self.activation(created=3000, used=1)
        self.activation("theirs", created=7200, expires=-3600)
        self.activation("[ssm-activate:me]", created=7200, expires=-3600)
        return found

    def test_shows(self):
        """Without --yes nothing is changed, and that is said."""
        wanted = self.plant()
        before = self.ids()
        self.assertEqual(self.ask(), wanted)
        self.assertEqual(self.ids(), before)
        self.assertIn("8 left behind; nothing was changed", self.said)
        self.assertEqual({call["operation"] for call in self.aws.calls()},
                         {"DescribeInstanceInformation", "DescribeTasks",
                          "ListTagsForResource", "DescribeActivations"})
        self.assertEqual(self.aws.verdicts()["refused"], 0)

    def test_removes(self):
        """With --yes exactly that goes; once more finds nothing."""
        wanted = self.plant()
        before = self.ids()
        self.assertEqual(self.ask("--yes"), wanted)
        self.assertEqual(self.ids(), before - set(wanted))
        self.assertIn("8 of 8 removed", self.said)
        self.assertEqual(self.ask("--yes"), {})
        self.assertIn("0 of 0 removed", self.said)

    def test_kept(self):
        """A silent node whose task runs is named, with the reason."""
        self.tasks(t2="RUNNING")
        silent = self.node(task(2))
        self.node(task(2), pinged=3600)
        self.assertEqual(self.ask("--yes"), {})
        self.assertEqual(re.findall(r"info: (mi-\w+) is silent, but stays, "
                                    r"since its task runs: (\S+)", self.said),
                         [(silent, task(2))])
        self.assertEqual(len(self.aws.nodes()), 2)

    def test_of_one_task(self):
        """With --task nothing else is looked at, be it an ARN or an id."""
        wanted = {node: why for node, why in self.plant().items()
                  if why == "task_stopped"}
        self.assertEqual(self.ask("--task", task(1)), wanted)
        self.assertEqual({call["operation"] for call in self.aws.calls()},
                         {"DescribeInstanceInformation", "DescribeTasks",
                          "ListTagsForResource"})
        self.assertEqual(sum(call["operation"] == "ListTagsForResource"
                             for call in self.aws.calls()), 3)
        self.assertEqual(
            self.ask("--task", task(1).rpartition("/")[2], "--yes"), wanted)
        self.assertEqual(self.ask("--task", task(2), "--yes"), {})
        self.assertFalse(set(wanted) & self.ids())

    def test_lines(self):
        """What a line holds; a name's odd characters do no harm."""
        node = self.node(task(9), name="web \x1b[31m/ü\n1")
        line = self.gc().stdout
        now = time.time()
        self.assertRegex(line, r"^node %s task_missing \d{4}-\d\d-\d\dT"
                         r"\d\d:\d\d:\d\dZ %s web \?\[31m/ü\?1\n$"
                         % (node, task(9)))
        since = time.strptime(line.split()[3], "%Y-%m-%dT%H:%M:%SZ")
        self.assertAlmostEqual(
            time.mktime(since) - time.timezone, now - 2 * DAY, delta=60)

    def test_dry_run(self):
        """The name of the default; with --yes it is a contradiction."""
        old = {self.node(): "connection_lost"}
        self.assertEqual(self.ask("--dry-run"), old)
        self.assertEqual(self.ask(), old)
        done = subprocess.run([place.program(), "gc", "--dry-run", "--yes"],
                              capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn("exclude each other", done.stderr)

    def test_json(self):
        """--json: an object a line."""
        node = self.node(task(9), name="web")
        kept = self.activation(created=7200, expires=-3600)
        lines = [json.loads(line) for line
                 in self.gc("--json").stdout.splitlines()]
        self.assertEqual([one["id"] for one in lines], [node, kept])
        first = dict(lines[0])
        self.assertRegex(first.pop("since"), r"^20.*Z$")
        self.assertEqual(first, {
            "kind": "node", "id": node, "why": "task_missing",
            "task": task(9), "name": "web", "removed": False})
        self.assertEqual((lines[1]["kind"], lines[1]["task"],
                          lines[1]["name"]), ("activation", "",
                                              "web " + MARK))
        lines = self.gc("--json", "--yes").stdout.splitlines()
        self.assertEqual([json.loads(line)["removed"] for line in lines],
                         [True, True])

    def test_older_than(self):
        """How long a node may be silent; a young activation stays."""
        node = self.node(pinged=5400)
        self.activation(created=1800)
        old = self.activation(created=5400)
        self.assertEqual(self.ask("--older-than", "2h"), {})
        self.assertEqual(self.ask("--older-than", "1h"),
                         {node: "connection_lost", old: "unused"})
        # No start takes more than an hour, so nothing younger is touched.
        self.assertEqual(set(self.ask("--older-than", "0")), {node, old})
        self.assertEqual(self.gc("--older-than", "x").returncode, 64)
        self.assertEqual(self.gc("node").returncode, 64)

    def test_another_region(self):
        """Nodes and tasks of another region cannot be judged by ECS here."""
        self.aws.post("nodes", {"region": "eu-west-2", "pinged": 2 * DAY,
                                "tags": {"ssm-activate": "1"}})
        arn = task(1).replace("eu-west-1", "eu-west-2")
        self.node(arn, pinged=3600)
        old = self.node(arn)
        self.assertEqual(self.ask(), {old: "connection_lost"})
        self.assertEqual(self.aws.calls("DescribeTasks"), [])

    def test_pages(self):
        """More nodes than fit in a page, more tasks than in a call."""
        self.tasks(**{"t%d" % number: "STOPPED" for number in range(130)})
        wanted = {self.node(task(number), pinged=60): "task_stopped"
                  for number in range(130)}
        alive = self.node(pinged=60)
        wanted.update({self.activation(created=5400, used=1): "used_up"
                       for _ in range(60)})
        self.assertEqual(self.ask("--yes"), wanted)
        self.assertEqual(self.ids(), {alive})
        calls = self.aws.calls()
        self.assertEqual([len(call["parameters"]["tasks"]) for call in calls
                          if call["operation"] == "DescribeTasks"],
                         [100, 30])
        counts = [sum(call["operation"] == name for call in calls)
                  for name in ("DescribeInstanceInformation",
                               "DescribeActivations")]
        self.assertEqual(counts, [3, 2])
        self.assertEqual({call["connection"] for call in calls
                          if call["operation"].startswith("Dereg")},
                         {calls[-1]["connection"]})


class Living(Gc):
    """Beside real containers."""

    def test_living(self):
        """A node in use is never touched, nor is a start under way."""
        held, node = self.run_up(env=environment(task=True))
        self.wait_online(node)
        self.aws.fault(operation="RegisterManagedInstance", stall=4,
                       perform=True)
        other = self.start([BIN, "run", "--"] + SLEEP)
        wait_until(lambda: "RegisterManagedInstance" in self.operations()[3:],
                   "a start under way")
        self.assertEqual(len(self.aws.activations()), 1)
        self.assertEqual(self.ask("--yes", "--older-than", "0"), {})
        other.wait_line("is up", 30)
        self.assertEqual(len(self.aws.nodes()), 2)
        for one in (held, other):
            one.signal(signal.SIGTERM)
            self.assertEqual(one.wait(), 0)
        self.assert_account_empty()

    def test_killed(self):
        """SIGKILL of a task's container: found as soon as the task has
        stopped, by a job that has the role of its own task."""
        held, node = self.run_up(env=environment(task=True))
        held.kill()
        self.aws.limits(connection_lost_after=0)
        self.assertEqual(self.ask(), {})
        arn = self.aws.state()["task"]["TaskARN"]
        self.aws.post("task", {"KnownStatus": "STOPPED"})
        self.assertEqual(self.ask("--yes", task=True),
                         {node: "task_stopped"})
        self.assertEqual(
            self.aws.calls("DescribeTasks")[-1]["parameters"]["tasks"],
            [arn])
        self.assert_account_empty()


class Refused(Gc):
    """Permissions that are missing."""

    def refuse(self, *actions):
        """Let the user do all but this."""
        self.aws.policy("user", allow=["ssm:Desc*", "ssm:List*", "ssm:Del*",
                                       "ssm:Dereg*", "ecs:*"], deny=[])
        self.aws.policy("user", deny=list(actions))

    def test_listings(self):
        """One is refused: the other is done, and the status tells."""
        node, made = self.node(), self.activation(created=5400, used=1)
        self.refuse("ssm:DescribeInstanceInformation")
        self.assertEqual(self.ask(status=77), {made: "used_up"})
        self.assertIn("ssm:DescribeInstanceInformation", self.said)
        self.refuse("ssm:DescribeActivations")
        self.assertEqual(self.ask("--yes", status=77),
                         {node: "connection_lost"})
        self.assertEqual(self.ids(), {made})

    def test_tasks(self):
        """ECS, or the tags, may not be asked: said once, with the statement
        to paste, and age alone counts."""
        self.tasks(t1="STOPPED", t2="RUNNING")
        for number in range(120):
            self.node(task(number + 3), pinged=10)
        self.node(task(1), pinged=3600)
        old = {self.node(task(2)): "connection_lost",
               self.node(): "connection_lost"}
        for action in ("ecs:DescribeTasks", "ssm:ListTagsForResource"):
            self.aws.policy("user", deny=[], allow=["ssm:Describe*"] + [
                one for one in ("ssm:ListTagsForResource",
                                "ecs:DescribeTasks") if one != action])
            self.assertEqual(self.ask(), old)
            line = self.assert_one_line(self.said, "warn: nodes are judged "
                                        "by their silence alone")
            self.assertIn('{"Effect":"Allow","Action":"%s"' % action, line)

    def test_page(self):
        """The policy of the page suffices, and lets only ours be
        deregistered."""
        with open(os.path.join(place.TOP, "docs", "lifecycle.md"),
                  encoding="utf-8") as file:
            part = file.read().partition("\n## Leftovers\n")[2]
        text = part.partition("```json\n")[2].partition("```")[0]
        document = json.loads(text.replace("ACCOUNT", "123456789012"))
        self.tasks(t1="STOPPED")
        wanted = {self.node(task(1), pinged=10): "task_stopped",
                  self.node(): "connection_lost",
                  self.activation(created=5400, used=1): "used_up"}
        foreign = self.node(ours=False)
        self.aws.post("policy", {"principal": "user", "document": document})
        self.assertEqual(self.ask("--yes"), wanted)
        self.assertNotIn("warn", self.said)
        done = subprocess.run(
            place.command()
            + ["api", "ssm", "DeregisterManagedInstance",
               "--body", json.dumps({"InstanceId": foreign})], text=True,
            env=self.aws.environment(), capture_output=True,
            timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertEqual(self.ids(), {foreign})

    def test_removal(self):
        """What may not be removed is named, each; the rest is removed."""
        nodes = [self.node() for _ in range(3)]
        made = self.activation(created=5400, used=1)
        self.refuse("ssm:DeregisterManagedInstance")
        self.assertEqual(self.ask("--yes", status=77), {made: "used_up"})
        self.assertEqual(re.findall(r"warn: (mi-\w+): Deregister", self.said),
                         nodes)
        self.assertEqual(self.said.count("explicitly forbids"), 1)
        self.assertIn("1 of 4 removed", self.said)
        self.assertEqual(self.ids(), set(nodes))
        made = self.activation(created=5400, used=1)
        self.refuse("ssm:DeleteActivation")
        self.assertEqual(set(self.ask("--yes", status=77)), set(nodes))
        self.assertEqual(self.ids(), {made})

    def test_events(self):
        """JSON lines have stable events."""
        self.refuse("ssm:DeregisterManagedInstance")
        self.node()
        done = self.gc("--yes", "--log-format", "json")
        events = [json.loads(line)["event"] for line
                  in done.stderr.splitlines()]
        self.assertEqual(events, ["left_behind", "leftovers"])

    def test_nobody(self):
        """Without credentials, and against nobody."""
        done = self.gc("--yes", AWS_ACCESS_KEY_ID="",
                       AWS_EC2_METADATA_DISABLED="true")
        self.assertEqual((done.returncode, done.stdout), (77, ""))
        done = self.gc(AWS_ENDPOINT_URL="http://127.0.0.1:1")
        self.assertEqual((done.returncode, done.stdout), (69, ""))


class Broken(Gc):
    """Failures and odd answers in between."""

    def test_one_failure(self):
        """One that fails does not stop the rest."""
        nodes = [self.node() for _ in range(4)]
        self.aws.fault(operation="DeregisterManagedInstance", nth=2, count=3,
                       code="InternalServerError", status=500)
        self.assertEqual(list(self.ask("--yes", status=70)),
                         [nodes[0], nodes[2], nodes[3]])
        line = self.assert_one_line(self.said, nodes[1])
        self.assertIn("InternalServerError", line)
        self.assertEqual(self.ids(), {nodes[1]})

    def test_blind(self):
        """A server that answers with 500: it says that it could not look,
        and does not sound as if nothing were left."""
        self.node()
        self.aws.fault(operation="DescribeInstanceInformation", count=0,
                       code="InternalServerError", status=500)
        for flags, end in (((), "0 left behind; nothing was changed"),
                           (("--yes",), "0 of 0 removed")):
            self.assertEqual(self.ask(*flags, status=70), {})
            self.assert_one_line(self.said, "warn: could not look at "
                                 "everything; of what was seen, " + end)
        self.aws.fault(operation="DescribeActivations", count=0,
                       code="InternalServerError", status=500)
        self.assertEqual(self.ask(status=70), {})
        self.assertIn("warn: could not look at everything", self.said)

    def test_gone_meanwhile(self):
        """Removed by somebody else between the look and the removal."""
        self.node(), self.node(), self.activation(created=5400, used=1)
        self.aws.fault(operation="DeregisterManagedInstance",
                       code="InvalidInstanceId")
        self.aws.fault(operation="DeleteActivation",
                       code="InvalidActivation")
        self.aws.fault(operation="ListTagsForResource",
                       code="InvalidResourceId")
        self.assertEqual(len(self.ask("--yes")), 2)

    def test_unclear_tasks(self):
        """Tasks of which nothing could be learned: not touched."""
        old = self.node(task(1)), self.node(task(1), pinged=10)
        for fault, status in (
                ({"code": "ServerException", "status": 500}, 70),
                ({"body": "{}", "status": 200}, 76),
                ({"body": '{"tasks":[7,{"taskArn":"%s"}]}' % task(1),
                  "status": 200}, 76)):
            with self.subTest(**fault):
                self.aws.fault(operation="DescribeTasks", count=3, **fault)
                self.assertEqual(self.ask("--yes", status=status), {})
                self.aws.post("faults", {"clear": True})
        self.assertEqual(self.ids(), set(old))

    def test_no_end(self):
        """A listing that repeats its token, or has no end, or is none."""
        made = self.activation(created=5400, used=1)
        for body in ('{"InstanceInformationList":[],"NextToken":"x"}',
                     "[]", "{", "\0"):
            with self.subTest(body=body):
                self.aws.fault(operation="DescribeInstanceInformation",
                               count=0, status=200, body=body)
                self.assertEqual(self.ask(status=76), {made: "used_up"})
                self.aws.post("faults", {"clear": True})

    def test_wrong_types(self):
        """Entries of other types are passed over."""
        for body in ('{"InstanceInformationList":{}}', "{}",
                     '{"InstanceInformationList":[7,{"InstanceId":[]},'
                     '{"InstanceId":"i-0123456789abcdef0"},'
                     '{"InstanceId":"mi-../x"}],"NextToken":9}'):
            with self.subTest(body=body):
                self.aws.fault(operation="DescribeInstanceInformation",
                               status=200, body=body)
                self.assertEqual(self.ask("--yes"), {})

    def test_full_output(self):
        """Where the lines cannot be written, that is the failure."""
        self.node()
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                place.command() + ["gc"], env=self.aws.environment(),
                stdin=subprocess.DEVNULL, stdout=full,
                stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 71, done.stderr)
        self.assertIn(b"No space left", done.stderr)


class Throttled(Gc):
    """AWS allows five a second."""

    def throttle(self, *operations, rate=5, burst=5):
        """Give each of them a bucket."""
        for name in operations:
            self.aws.post("throttle", {"operation": name, "rate": rate,
                                       "burst": burst})

    def test_goes_on(self):
        """It goes on as long as anything is let through."""
        nodes = {self.node() for _ in range(40)}
        self.throttle("DeregisterManagedInstance", "ListTagsForResource",
                      "DescribeInstanceInformation")
        began = time.monotonic()
        self.assertEqual(set(self.ask("--yes", AWS_MAX_ATTEMPTS="1")), nodes)
        self.assertLess(time.monotonic() - began, 60)
        self.assertEqual(self.aws.nodes(), [])

    def on_terminal(self, term):
        """Run `gc --yes` with stderr on a terminal; return its lines and what
        the terminal was given."""
        master, slave = os.openpty()
        with subprocess.Popen(
                place.command() + ["gc", "--yes"], stderr=slave,
                env=self.aws.environment(TERM=term, AWS_MAX_ATTEMPTS="1"),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            os.close(slave)
            text = b""
            while True:
                try:
                    piece = os.read(master, 4096)
                except OSError:
                    break
                text += piece
            lines = process.stdout.read().decode().splitlines()
        os.close(master)
        self.assertEqual(process.returncode, 0, text)
        return lines, text.decode()

    def test_progress(self):
        """A terminal shows how far it is, in one line that is gone at the
        end; a dumb one does not."""
        for term in ("xterm", "dumb"):
            with self.subTest(term=term):
                nodes = {self.node() for _ in range(12)}
                self.throttle("DeregisterManagedInstance", rate=4, burst=2)
                lines, text = self.on_terminal(term)
                self.assertEqual({line.split()[1] for line in lines}, nodes)
                found = re.findall(r"removed (\d+) of 12(, AWS throttles)?, "
                                   r"about \d+ s left\r {70}\r", text)
                self.assertRegex(text, r"12 of 12 removed\r?\n$")
                self.assertNotIn("\x1b", text)
                if term == "dumb":
                    self.assertEqual(found, [])
                    continue
                self.assertGreater(len(found), 1, text)
                self.assertIn(", AWS throttles", [slow for _, slow in found])
                self.assertEqual(found, sorted(found, key=lambda one:
                                               int(one[0])))

    def test_crowd(self):
        """Many stop at once: what the bucket allows is removed within the
        budget, the rest is named, and goes by one `gc --yes`."""
        crowd = Crowd(self, 40, 8)
        crowd.begin()
        self.throttle("DeregisterManagedInstance", rate=2, burst=2)
        seconds = crowd.stop()
        left = crowd.left()
        removed = crowd.count - len(left)
        self.assertLessEqual(removed, 2 + 2 * seconds)
        # As long as they ask, less their pauses; a busy machine needs much
        # of the budget to start them all.
        asked = [call["time"] for call in
                 self.aws.calls("DeregisterManagedInstance")]
        self.assertGreater(len(asked), crowd.count)
        self.assertGreaterEqual(removed, 2 * (max(asked) - min(asked) - 1))
        self.assertEqual(left - crowd.named(), set())
        # Of the last three seconds an answer may come too late for who
        # asked.
        self.assertLessEqual(len(crowd.named() - left), 6)
        crowd.end_tasks()
        self.throttle("DeregisterManagedInstance", rate=20)
        self.assertEqual(set(self.ask("--yes")), left)
        self.assertEqual(self.aws.nodes(), [])
