# SPDX-License-Identifier: MIT
"""From a name to a session: `nodes` and `connect`."""

import json
import os
import pty
import shutil
import subprocess
import tempfile
import unittest

import place
from case import Case
from leaving import task

TIMEOUT = 60
HOUR = 3600
# The AWS CLI asks the plugin how it takes its arguments.
SHOWS = """#!/bin/sh
[ "$1" = --version ] && echo 1.2.0.0 && exit 0
for word; do printf '%s\\n' "$word"; done >"$SHOWN"
exit 5
"""


class Desk(Case):
    """Runs it outside of any container, as somebody at a desk does."""

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="ssm-activate-desk-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.shown = os.path.join(self.folder, "shown")

    def node(self, number, name, **more):
        """Put one of our nodes on the account; return its id."""
        arn = task(number)
        self.aws.post("tasks", {arn: more.pop("task", "RUNNING")})
        return self.aws.post("nodes", dict({
            "tags": {"ssm-activate": "0.1.0", "ECS_TASK_ARN": arn},
            "name": name, "registered": HOUR, "pinged": 10}, **more))[0]

    def run_it(self, *argv, **env):
        """Run the program."""
        return subprocess.run(
            place.command() + list(argv), text=True, capture_output=True,
            env=self.aws.environment(**env), stdin=subprocess.DEVNULL,
            timeout=TIMEOUT, check=False)

    def good(self, *argv, **env):
        """Run it; it succeeds; return its output."""
        done = self.run_it(*argv, **env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, status, text, *argv, **env):
        """Run it; it ends so and says so."""
        done = self.run_it(*argv, **env)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertRegex(done.stderr, text)
        return done

    def stand_in(self, name):
        """Put a program into a folder that shows its arguments."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(SHOWS)
        os.chmod(path, 0o755)

    def arguments(self):
        """Return what the stand-in was given."""
        with open(self.shown, encoding="utf-8") as file:
            return file.read().splitlines()


class Nodes(Desk):
    """Which mi-... is my service?"""

    def plant(self):
        """Some nodes of ours and one of somebody else's."""
        self.nodes = [
            self.node(1, "web/app/01"),
            self.node(2, "web/app/02", pinged=7200),
            self.node(3, "データベース/03"),
            self.node(4, "api/04", pinged=None)]
        self.aws.post("nodes", {"name": "web/theirs", "pinged": 1})

    def list(self, *flags):
        """Return the objects by id."""
        lines = self.good("nodes", *flags).splitlines()
        return {one["id"]: one for one in map(json.loads, lines)}

    def test_all(self):
        """A line of JSON each, when it is piped."""
        self.plant()
        found = self.list()
        self.assertEqual(set(found), set(self.nodes))
        self.assertEqual([found[node]["state"] for node in self.nodes],
                         ["online", "lost", "online", "new"])
        third = found[self.nodes[2]]
        self.assertEqual(third["name"], "データベース/03")
        self.assertEqual(third["task"], task(3))
        self.assertEqual(third["cluster"], task(3).split("/")[1])
        self.assertEqual(third["family"], "planted")
        self.assertTrue(third["registered"] < third["since"])

    def test_filters(self):
        """By name, task, family and cluster."""
        self.plant()
        one, two, three, _ = self.nodes
        for flags, wanted in (
                (("--name", "web/*"), {one, two}),
                (("--name=*データ*",), {three}),
                (("--name", "web"), set()),
                (("--task", task(2)), {two}),
                (("--task", task(2).rpartition("/")[2]), {two}),
                (("--family", "planted", "--name", "web/app/0?"), {one, two}),
                (("--family", "web"), set()),
                (("--cluster", task(1).split("/")[1]), set(self.nodes)),
                (("--cluster", "x"), set())):
            with self.subTest(flags):
                self.assertEqual(set(self.list(*flags)), wanted)
        self.assertEqual(self.aws.verdicts()["refused"], 0)

    def test_terminal(self):
        """On a terminal columns, none wider than 80 characters."""
        self.plant()
        ours, theirs = pty.openpty()
        done = subprocess.Popen(
            place.command() + ["nodes"], env=self.aws.environment(),
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            text += piece
        os.close(ours)
        self.assertEqual(done.wait(TIMEOUT), 0)
        lines = text.decode().splitlines()
        self.assertRegex(lines[0], r"^NODE +STATE +AGE +TASK +NAME$")
        self.assertEqual(len(lines), 5)
        for node, line in zip(self.nodes, lines[1:]):
            self.assertRegex(line, r"^%s  (online|lost  |new   )  +60m  [0-9a-f]+"
                             % node)
            self.assertLessEqual(len(line), 80)

    def test_denied(self):
        """Tags or tasks that may not be asked for are missing, not all."""
        self.plant()
        self.aws.post("policy", {"principal": "user", "allow": [
            "ssm:DescribeInstanceInformation", "ssm:ListTagsForResource"]})
        done = self.run_it("nodes")
        self.assertEqual(done.returncode, 0)
        self.assert_one_line(done.stderr, "tasks are not shown: .*ecs:Describe")
        one = [json.loads(line) for line in done.stdout.splitlines()][0]
        self.assertEqual((one["family"], one["task"]), ("", task(1)))
        self.aws.post("policy", {"principal": "user", "allow": []})
        self.refused(77, "ssm:DescribeInstanceInformation", "nodes")


class Connect(Desk):
    """One command from a name to the AWS CLI."""

    def connect(self, *argv):
        """Run it with a stand-in for aws; return its arguments."""
        self.stand_in("aws")
        done = self.run_it("connect", *argv, SHOWN=self.shown, PATH="%s:%s" % (
            self.folder, os.environ["PATH"]))
        self.assertEqual(done.returncode, 5, done.stderr)
        return self.arguments()

    def line(self, node, *more):
        """Return the arguments for a node."""
        return ["ssm", "start-session", "--region", place.REGION, "--target",
                node, *more]

    def online(self, node):
        """Let the service say that the node is connected."""
        self.aws.post("faults", {
            "operation": "GetConnectionStatus", "count": 0, "status": 200,
            "body": json.dumps({"Target": node, "Status": "connected"})})

    def test_ways(self):
        """By name, pattern, id, task, service and family."""
        node = self.node(1, "web/app/01")
        self.online(node)
        for word in (node, "web/app/01", "web/*", task(1),
                     task(1).rpartition("/")[2], "planted"):
            with self.subTest(word):
                self.assertEqual(self.connect(word), self.line(node))

    def test_ports_and_commands(self):
        """With document and parameters."""
        node = self.node(1, "web")
        self.online(node)
        self.assertEqual(self.connect("--port", "8080:80", "web"), self.line(
            node, "--document-name", "AWS-StartPortForwardingSession",
            "--parameters",
            '{"portNumber":["80"],"localPortNumber":["8080"]}'))
        self.assertEqual(
            self.connect("web", "--", "rails", "console", "-e 'x'"),
            self.line(node, "--document-name", "AWS-StartInteractiveCommand",
                      "--parameters", json.dumps({"command": [
                          "rails console '-e '\\''x'\\'''"]},
                          separators=(",", ":"))))

    def test_print(self):
        """The line alone, which a shell understands."""
        node = self.node(1, "web")
        self.online(node)
        self.stand_in("aws")
        line = self.good("connect", "--print", "web", "--", "echo 'a b'")
        subprocess.run(["sh", "-c", line], check=False, timeout=TIMEOUT, env={
            "PATH": "%s:/usr/bin:/bin" % self.folder, "SHOWN": self.shown})
        self.assertEqual(json.loads(self.arguments()[-1]),
                         {"command": ["echo 'a b'"]})

    def test_several(self):
        """They are listed; --newest takes the last one that is online."""
        first = self.node(1, "web", registered=300)
        newest = self.node(2, "web", registered=100)
        self.node(3, "web", registered=10, pinged=None)
        done = self.refused(64, "2 nodes are web and online", "connect", "web")
        self.assertIn(first, done.stderr)
        self.assertIn(newest, done.stderr)
        self.assertEqual(done.stdout, "")
        self.online(newest)
        self.assertEqual(self.connect("--newest", "web"), self.line(newest))

    def test_none(self):
        """Nothing fits, or it is not online, or not connected."""
        self.refused(64, "no node of ours is web", "connect", "web")
        node = self.node(1, "web", pinged=7200)
        self.refused(69, node + r" \(web\) is not online: it is lost",
                     "connect", "web")
        node = self.node(2, "api")
        self.refused(69, "%s is not ?connected" % node, "connect", node)
        self.refused(64, "connect needs a name", "connect")
        self.refused(64, "--port 0: it must be", "connect", "--port=0", "api")
        self.aws.post("policy", {"principal": "user", "allow": [],
                                 "deny": ["ssm:DescribeInstanceInformation"]})
        self.refused(77, "ssm:DescribeInstanceInformation", "connect", "api")

    def test_no_cli(self):
        """Without the AWS CLI it says what to install."""
        node = self.node(1, "web")
        self.online(node)
        self.refused(71, "aws: No such file.*install the AWS CLI", "connect",
                     "web", PATH=self.folder)

    @unittest.skipUnless(shutil.which("aws"), "no AWS CLI here")
    def test_real_cli(self):
        """The AWS CLI takes the line and starts the plugin."""
        node = self.node(1, "web")
        self.online(node)
        self.aws.post("faults", {
            "operation": "StartSession", "status": 200, "body": json.dumps({
                "SessionId": "s", "TokenValue": "t", "StreamUrl": "wss://u"})})
        self.stand_in("session-manager-plugin")
        # Before version 2.13 it does not know AWS_ENDPOINT_URL.
        path = os.path.join(self.folder, "aws")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec %s --endpoint-url "
                       '"$AWS_ENDPOINT_URL" "$@"\n' % shutil.which("aws"))
        os.chmod(path, 0o755)
        done = self.run_it(
            "connect", node, "--", "id", SHOWN=self.shown, PATH="%s:%s" % (
                self.folder, os.environ["PATH"]))
        self.assertTrue(os.path.exists(self.shown), done.stderr)
        response, region, _, _, request = self.arguments()[:5]
        self.assertEqual(region, place.REGION)
        self.assertIn("TokenValue", response)
        self.assertEqual(json.loads(request), {
            "Target": node, "DocumentName": "AWS-StartInteractiveCommand",
            "Parameters": {"command": ["id"]}})


del Desk
