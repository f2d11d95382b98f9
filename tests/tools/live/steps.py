# SPDX-License-Identifier: MIT
"""What is done with a node, and what must be true after it; in order.

`./build.sh live` takes these steps on a real account, and
tests/integration/test_live.py on the local one.
"""

import json
import re
import signal

from account import TAG, wait_for
from container import Unexpected

NODE = r"mi-[0-9a-f]{17}"
UP = r"(%s) is up" % NODE
UP_SECONDS = 90
ONLINE_SECONDS = 180
END_SECONDS = 40
SLEEP = ["/bin/sleep", "600"]


class Life:
    """One account, and a way to start containers."""

    def __init__(self, account, start, role):
        self.account = account
        self.start = start
        self.role = role

    def check(self, truth, what):
        """Stop here unless it is true."""
        if not truth:
            raise Unexpected(what)

    def bring_up(self, box):
        """Wait for the node of a container, and for its listing."""
        node = box.wait_line(UP, UP_SECONDS).group(1)

        def listed():
            return [one for one in self.account.nodes()
                    if one["InstanceId"] == node]
        return wait_for(listed, 60, "%s in the listing" % node)[0]

    def end(self, box, status):
        """Wait for a container's end."""
        found = box.end(END_SECONDS)
        self.check(found == status, "the container ended with %d, not %d"
                   % (found, status))

    def run(self):
        """`run` as PID 1: up, seen by AWS as it should be, online, and
        removed by SIGTERM."""
        with self.start(["ssm-activate", "run", "--"] + SLEEP) as box:
            shown = self.bring_up(box)
            self.check_node(shown)
            self.check_online(box, shown["InstanceId"])
            box.signal(signal.SIGTERM)
            self.end(box, 128 + signal.SIGTERM)
        self.account.expect_nothing()

    def check_node(self, shown):
        """Name, role and tags; the activation is gone already."""
        self.check(shown["Name"] == self.account.mark, "the node's name is "
                   + shown["Name"])
        self.check(shown["IamRole"] == self.role, "its role is "
                   + shown["IamRole"])
        tags = self.account.tags(shown["InstanceId"])
        self.check(tags.get(TAG) == self.account.mark
                   and "ssm-activate" in tags, "its tags are %s" % tags)
        wait_for(lambda: not self.account.activations(), 60,
                 "the activation deleted")

    def check_online(self, box, node):
        """AWS hears from the agent, and `status` in the container agrees."""
        def online():
            return [one for one in self.account.nodes()
                    if one["InstanceId"] == node
                    and one["PingStatus"] == "Online"]
        wait_for(online, ONLINE_SECONDS, node + " online")
        text = "\n".join(box.run(["ssm-activate", "status", "--json"]))
        status = json.loads(text)
        self.check(status["up"] and status["node"] == node,
                   "status says " + text)

    def entrypoint(self):
        """`up` and `down` in a script that stays PID 1."""
        script = ("node=$(ssm-activate up --required) || exit; "
                  'echo "this is $node"; ssm-activate down')
        with self.start(["/bin/sh", "-c", script]) as box:
            box.wait_line("this is " + NODE, UP_SECONDS)
            self.end(box, 0)
        self.account.expect_nothing()

    def required(self):
        """What AWS refuses is said, with its status; nothing is left."""
        with self.start(["ssm-activate", "run", "--required", "--role",
                         "ssm-activate-live/no-such-role", "--"]
                        + SLEEP) as box:
            status = box.end(UP_SECONDS)
        self.check(status in (70, 77), "the container ended with %d" % status)
        self.check(box.output.find("CreateActivation at ") is not None,
                   "it does not say what AWS refused")
        self.account.expect_nothing()

    def killed(self):
        """SIGKILL leaves the node; looking for our tag finds and removes it.
        """
        with self.start(["ssm-activate", "run", "--"] + SLEEP) as box:
            node = self.bring_up(box)["InstanceId"]
            box.signal(signal.SIGKILL)
            box.end(END_SECONDS)
        left = [one["InstanceId"] for one in self.account.nodes()]
        self.check(left == [node], "left on the account: %s" % left)
        said = self.account.sweep()
        self.check(any(re.search(node + ": done", line) for line in said),
                   "; ".join(said))
        self.account.expect_nothing()


STEPS = (("run: up, online, stopped by SIGTERM", Life.run),
         ("up and down in an entrypoint", Life.entrypoint),
         ("a role that does not exist", Life.required),
         ("killed: found by its tag, removed", Life.killed))
