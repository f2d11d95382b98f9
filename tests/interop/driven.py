# SPDX-License-Identifier: MIT
"""A node whose sessions are those of session_driver.c."""

import json
import os
import subprocess
import sys
import threading

from drivers import TOP, driver

sys.path.insert(0, os.path.join(TOP, "tests", "lib", "fake"))
from scriptedagent import ScriptedAgent  # noqa: E402

STATUS = ("Success", "Failed", "Cancelled")


class DrivenAgent(ScriptedAgent):
    """The control channel; each session is a process of its own."""

    env = {}
    log = subprocess.DEVNULL

    def begin(self, task):
        """Start a session's processes."""
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("AWS_")}
        env.update(AWS_CA_BUNDLE=self.aws.dir + "/ca.pem",
                   AWS_ENDPOINT_URL="https://localhost:%d" % self.client.port,
                   **self.env)
        one = subprocess.Popen(
            [driver("session_driver"), self.node, self.client.region,
             task["SessionId"]], env=env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log, encoding="utf-8")
        self.sessions[task["SessionId"]] = one
        one.stdin.write(json.dumps({
            "content": json.dumps(task), "id": self.client.access_key,
            "secret": self.client.secret, "token": self.client.token}) + "\n")
        one.stdin.flush()
        threading.Thread(target=self.serve, args=(task["SessionId"], one),
                         daemon=True).start()

    def serve(self, ident, one):
        """Tell the service of the end."""
        line = one.stdout.readline()
        if line:
            status, _, text = line.partition(" ")
            self.finish(ident, STATUS[int(status)], text.strip())
        one.wait()

    def tell(self, ident, word):
        """Tell the driver something."""
        one = self.sessions[ident]
        one.stdin.write(word + "\n")
        one.stdin.flush()
