# SPDX-License-Identifier: MIT
"""A crowd of containers that stop at the same moment.

What they hold on the account is planted, and each take-down is a real one:
`down` with the state directory of a container that was killed. All run in one
container, so that many fit on a small machine.
"""

import json
import os
import re
import time

import place
from container import environment

BIN = "/usr/local/bin/ssm-activate"
TASK = "arn:aws:ecs:%s:123456789012:task/demo/%032x"
# All wait until the folder /go is there.
STOP = ("for i in %s; do (while [ ! -e /go ]; do sleep 0.1; done; "
        "exec " + BIN + " down --state-dir /crowd/$i --down-timeout %gs "
        ">/crowd/$i/out 2>/crowd/$i/log) & done; "
        "while [ ! -e /go ]; do sleep 0.1; done; wait; echo stopped")
LEFT = (r"left_behind|the node (mi-\w+) stays on the account; remove it by: "
        r"aws ssm deregister-managed-instance --region \S+ --instance-id \1")


def task(number):
    """Return the ARN of the task of one of them."""
    return TASK % (place.REGION, number)


class Crowd:
    """Nodes of a number of tasks, each with its state directory."""

    def __init__(self, case, count, budget=8.0):
        self.aws = place.current.aws
        self.case = case
        self.budget = budget
        self.root = case.root()
        self.count = count
        self.nodes = [self.plant(number) for number in range(count)]
        self.held = None

    def plant(self, number):
        """Put one node on the account and its state on disk."""
        node, = self.aws.post("nodes", {
            "tags": {"ssm-activate": "0.1.0", "ECS_TASK_ARN": task(number)},
            "name": "web/%d" % number, "pinged": 10, "registered": 1000})
        self.root.write("/crowd/%d/state.json" % number, json.dumps(
            {"version": 1, "node": node, "region": place.REGION}), 0o600)
        return node

    def begin(self, **env):
        """Start all, which wait for the word."""
        words = " ".join(str(number) for number in range(self.count))
        self.held = self.case.start(
            ["/bin/sh", "-c", STOP % (words, self.budget)], self.root,
            environment(SSM_ACTIVATE_LOG="info", **env))

    def stop(self):
        """Let them go, and wait for the last; return the seconds."""
        began = time.monotonic()
        os.mkdir(self.root.inside("/go"))
        self.held.wait(self.budget + 5 + self.count / 5)
        return time.monotonic() - began

    def end_tasks(self):
        """Tell ECS that all tasks have stopped."""
        self.aws.post("tasks", {task(number): "STOPPED"
                                for number in range(self.count)})

    def logs(self):
        """Yield the number, the node and the log of each."""
        for number, node in enumerate(self.nodes):
            yield number, node, self.root.read("/crowd/%d/log" % number)

    def named(self):
        """Return the nodes that logs name with the command for them."""
        found = set()
        for _, _, log in self.logs():
            found.update(re.findall(LEFT, log))
        return found - {""}

    def left(self):
        """Return the nodes that are still on the account."""
        return {node["InstanceId"] for node in self.aws.nodes()}
