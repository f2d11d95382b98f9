# SPDX-License-Identifier: MIT
"""The account as `ssm-activate api` shows it, and what of it is ours."""

import json
import subprocess

from container import Unexpected, wait_until

TAG = "ssm-activate-live"
CALL_TIMEOUT = 200
PAGES_MAX = 50


def wait_for(question, seconds, what):
    """Ask until the answer is true, and return it; listings lag behind."""
    return wait_until(question, seconds, what, pause=1)


class Account:
    """Calls of the account; `mark` is what only this run's things have."""

    def __init__(self, program, env, mark):
        self.program = program
        self.env = env
        self.mark = mark

    def call(self, service, operation, **body):
        """Make one call; return the answer."""
        argv = [self.program, "api", service, operation, "--body", "-"]
        done = subprocess.run(
            argv, env=self.env, input=json.dumps(body), capture_output=True,
            text=True, timeout=CALL_TIMEOUT, check=False)
        if done.returncode != 0:
            raise Unexpected(done.stderr.strip() or "%s ends with %d"
                             % (operation, done.returncode))
        return json.loads(done.stdout)

    def pages(self, operation, member, **body):
        """Return a listing as a whole."""
        found, token = [], None
        for _ in range(PAGES_MAX):
            more = {"NextToken": token} if token else {}
            answer = self.call("ssm", operation, **body, **more)
            found += answer.get(member) or []
            token = answer.get("NextToken")
            if not token:
                return found
        raise Unexpected(operation + ": the listing has no end")

    def nodes(self):
        """Return the nodes with our tag."""
        return self.pages(
            "DescribeInstanceInformation", "InstanceInformationList",
            Filters=[{"Key": "tag:" + TAG, "Values": [self.mark]}])

    def activations(self):
        """Return the activations with our name."""
        return self.pages(
            "DescribeActivations", "ActivationList",
            Filters=[{"FilterKey": "DefaultInstanceName",
                      "FilterValues": [self.mark]}])

    def tags(self, node):
        """Return the tags of a node."""
        answer = self.call("ssm", "ListTagsForResource", ResourceId=node,
                           ResourceType="ManagedInstance")
        return {tag["Key"]: tag["Value"] for tag in answer["TagList"]}

    def expect_nothing(self, seconds=30):
        """Wait until nothing of ours is on the account."""
        wait_for(lambda: not self.nodes() and not self.activations(), seconds,
                 "an account without anything of ours")

    def _remove(self, operation, member, ident):
        self.call("ssm", operation, **{member: ident})
        return "%s %s: done" % (operation, ident)

    def sweep(self):
        """Remove everything with our mark; return what was done."""
        said = [self._remove("DeregisterManagedInstance", "InstanceId",
                             one["InstanceId"]) for one in self.nodes()]
        said += [self._remove("DeleteActivation", "ActivationId",
                              one["ActivationId"])
                 for one in self.activations()]
        return said
