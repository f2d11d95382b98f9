# SPDX-License-Identifier: MIT
"""docs/examples/s6-overlay: a service below s6, which is PID 1. The supervisor
is Debian's s6; what s6-overlay has besides it reads `type`, `timeout-down` and
the variables of with-contenv."""

import os
import shutil
import signal

import place
from case import Case, environment, wait_until

SERVICE = os.path.join(place.TOP, "docs", "examples", "s6-overlay",
                       "ssm-activate")
SCAN = "/run/service"
CONTENV = "#!/bin/sh\nexec /usr/bin/s6-envdir /run/contenv \"$@\"\n"


class S6(Case):
    """The service, up and down."""

    def boot(self, **variables):
        """Start s6 as PID 1 with the service and nothing else."""
        root = self.root("debian")
        shutil.copytree(SERVICE, root.inside(SCAN + "/ssm-activate"))
        root.write("/command/with-contenv", CONTENV, 0o755)
        for name, value in environment(**variables).items():
            root.write("/run/contenv/" + name, value)
        return self.start(["/usr/bin/s6-svscan", SCAN], root,
                          {"PATH": environment()["PATH"]})

    @staticmethod
    def told(held, word):
        """Return what s6 says of it."""
        return held.enter(["/usr/bin/s6-svstat", "-o", word,
                           SCAN + "/ssm-activate"]).stdout.strip()

    def test_life(self):
        """Up as any other service; killed, it is started again with the same
        node; stopped, the node is gone before s6 has its status."""
        held = self.boot()
        node = held.wait_line(r"(mi-\w+) is up").group(1)
        os.kill(held.keepers()[0], signal.SIGKILL)
        held.wait_line(node + " is up again")
        with open(os.path.join(SERVICE, "timeout-down"),
                  encoding="ascii") as file:
            patience = file.read().strip()
        done = held.enter(["/usr/bin/s6-svc", "-wD", "-T", patience, "-d",
                           SCAN + "/ssm-activate"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.told(held, "up"), "false")
        self.assert_clean(held.root)

    def test_refused(self):
        """What has ended by itself stays down: no loop of starts."""
        self.aws.policy("user", allow=[])
        held = self.boot()
        held.wait_line("warn: .*AccessDenied")
        wait_until(lambda: self.told(held, "wantedup") == "false", "it is down")
        self.assertEqual(len(self.aws.calls("CreateActivation")), 1)

    def test_off(self):
        """With the gate off it is down, and nothing was asked."""
        held = self.boot(SSM_ACTIVATE="off")
        wait_until(lambda: self.told(held, "wantedup") == "false", "it is down")
        self.assertEqual(self.aws.calls(), [])
        self.assertEqual(held.err, "")

    def test_files(self):
        """What s6-rc compiles: a longrun, a time in milliseconds that is
        longer than the take-down, programs that may be run."""
        self.assertEqual(sorted(os.listdir(SERVICE)),
                         ["finish", "run", "timeout-down", "type"])
        with open(os.path.join(SERVICE, "type"), encoding="ascii") as file:
            self.assertEqual(file.read(), "longrun\n")
        with open(os.path.join(SERVICE, "timeout-down"),
                  encoding="ascii") as file:
            self.assertGreater(int(file.read()), 8000)
        for name in ("run", "finish"):
            self.assertTrue(os.access(os.path.join(SERVICE, name), os.X_OK))
