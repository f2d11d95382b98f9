# SPDX-License-Identifier: MIT
"""The inits that are compared: ours, with a node and without, and Debian's
tini and dumb-init, where they are installed."""

import os
import shutil

from case import BIN, Case, environment, procfs, wait_until
from container import Timeout

PYTHON = ["/usr/bin/python3", "-S", "-E", "/init_probe.py"]
PROGRAM = os.path.basename(os.path.realpath(PYTHON[0]))
HERE = os.path.dirname(os.path.abspath(__file__))
# Refused before any request, so that nothing but init is at work.
REFUSED = {"SSM_ACTIVATE_TIMEOUT": "soon", "SSM_ACTIVATE_LOG": "error"}
RIVALS = {"tini": ["/usr/bin/tini", "-s", "--"],
          "dumb-init": ["/usr/bin/dumb-init", "--"]}
OURS = [BIN, "run", "--"]


def rivals():
    """Return those that this machine has."""
    return {name: argv for name, argv in RIVALS.items()
            if os.path.exists(argv[0])}


class InitCase(Case):
    """A test with a whole distribution as root, and the probe in it."""

    rows = []

    @classmethod
    def tearDownClass(cls):
        """Print what was compared, as a table."""
        for row in cls.rows:
            print("  %-44s %-15s %-15s %s" % row)
        cls.rows.clear()

    def probe_root(self):
        """Return a root with the probe."""
        root = self.root("debian")
        shutil.copy(os.path.join(HERE, "init_probe.py"),
                    root.inside("/init_probe.py"))
        return root

    def start_init(self, name, command, root=None, before=(), **options):
        """Start a command as the child of an init that is PID 1."""
        env = environment(**({} if name == "node" else REFUSED))
        argv = RIVALS.get(name, OURS)
        held = self.start(list(before) + argv + command,
                          root or self.probe_root(), env, **options)
        if name == "node":
            held.wait_line("is up")
        return held

    def wait_out(self, held, text, count=1):
        """Wait until the application has said it so many times."""
        wait_until(lambda: held.out.splitlines().count(text) >= count,
                   "%r %d times" % (text, count))

    @staticmethod
    def may_say(held, text):
        """Tell whether the application says it, in a time in which all do
        that are going to."""
        try:
            return wait_until(lambda: text in held.out.splitlines(), text, 1)
        except Timeout:
            return False

    @staticmethod
    def wait_asleep(held):
        """Wait until init has done what there was to do: it is neither
        stopped nor over."""
        wait_until(lambda: procfs.status(held.pid1)["State"][0] == "S",
                   "init asleep")

    def compare(self, title, find, expected):
        """Find the same thing out about each; print it, and compare it with
        what is expected of {name: result}."""
        found = {"ssm-activate": find("refused")}
        for name in rivals():
            found[name] = find(name)
        type(self).rows.append(
            (title,) + tuple(str(found.get(name, "not installed"))
                             for name in ("ssm-activate", "tini",
                                          "dumb-init")))
        for name, result in found.items():
            self.assertEqual(result, expected[name], "%s: %s"
                             % (title, name))
