# SPDX-License-Identifier: MIT
"""The whole life on a real account; ./build.sh live starts it.

It changes nothing on the account unless SSM_ACTIVATE_LIVE is the account's
id, and removes what it made, whatever happens.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TOP, "tests", "tools", "demo"))
from account import TAG, Account  # noqa: E402
from container import PATH, Container, Unexpected  # noqa: E402
from screen import Screen  # noqa: E402
from steps import STEPS, Life  # noqa: E402

AGENT = "amazon-ssm-agent"
WRONG_USE = 64
TIER = "/ssm/managed-instance/activation-tier"
FAILURES = (Unexpected, subprocess.SubprocessError, OSError, KeyError,
            ValueError)


class Refused(Exception):
    """It must not, or cannot, be begun."""


class Interrupted(BaseException):
    """A signal wants us to end."""


def interrupt(number, _):
    """Turn a signal into an exception, so that the sweep is not skipped."""
    raise Interrupted(signal.Signals(number).name)


def find_program():
    """Return the program under test."""
    path = (os.environ.get("SSM_ACTIVATE_BIN")
            or os.path.join(TOP, "build", "ssm-activate"))
    if not os.access(path, os.X_OK):
        raise Refused("%s is missing: ./build.sh build" % path)
    return os.path.abspath(path)


def find_agent():
    """Return the folder of the agent's programs."""
    path = (os.environ.get("SSM_ACTIVATE_AGENT")
            or "/usr/bin/" + AGENT)
    if os.path.basename(path) != AGENT or not os.access(path, os.X_OK):
        raise Refused("no %s at %s: install the agent, or name it in "
                      "SSM_ACTIVATE_AGENT, with its workers beside it"
                      % (AGENT, path))
    return os.path.dirname(os.path.abspath(path))


def check_settings(env):
    """Refuse to begin without a guard, a role, or root."""
    if not re.fullmatch(r"\d{12}", env.get("SSM_ACTIVATE_LIVE", "")):
        raise Refused("this makes nodes on a real account: set "
                      "SSM_ACTIVATE_LIVE to the 12 digits of the account "
                      "that you mean; tests/tools/live/README.md says what it does")
    if not env.get("SSM_ACTIVATE_ROLE"):
        raise Refused("set SSM_ACTIVATE_ROLE to a node role of the account, "
                      "as docs/permissions.md has it")
    if os.geteuid() != 0:
        raise Refused("root is needed, for namespaces (sudo -E)")


class Live:
    """One run."""

    def __init__(self, env, scratch, screen):
        self.screen = screen
        self.scratch = scratch
        self.program = find_program()
        self.agent = find_agent()
        self.mark = "%s-%s" % (TAG, secrets.token_hex(4))
        self.made = 0
        # Only what tells who calls and where; each container says the rest.
        self.env = {name: value for name, value in env.items()
                    if not name.startswith("SSM_")}
        self.role = env["SSM_ACTIVATE_ROLE"].rpartition(":role/")[2]
        self.account = Account(self.program, self.env, self.mark)

    def start(self, argv):
        """Start a container whose node has our name and tag."""
        self.made += 1
        folder = os.path.join(self.scratch, "box-%d" % self.made)
        os.mkdir(folder)
        self.screen.command(" ".join(argv))
        return Container(
            [os.path.join(HERE, "root.sh"), folder, self.program, self.agent,
             self.mark] + argv,
            dict(self.env, PATH=PATH, SSM_ACTIVATE="true", SSM_INSTANCE_NAME=self.mark,
                 SSM_ACTIVATE_ROLE=self.role,
                 SSM_ACTIVATE_TAGS="%s=%s" % (TAG, self.mark)),
            self.screen.line)

    def check_account(self, wanted):
        """Refuse any account but the one that was named."""
        caller = self.account.call("sts", "GetCallerIdentity")
        if caller["Account"] != wanted:
            raise Refused("the credentials are of account %s, but "
                          "SSM_ACTIVATE_LIVE says %s"
                          % (caller["Account"], wanted))
        self.screen.text("Account %s, as %s." % (wanted, caller["Arn"]))

    def tell_costs(self):
        """Say what it will cost, before it does."""
        try:
            shown = self.account.call("ssm", "GetServiceSetting",
                                      SettingId=TIER)
            tier = shown["ServiceSetting"]["SettingValue"]
        except (Unexpected, KeyError) as error:
            tier = "not known (%s)" % error
        self.screen.text("All names and tags: " + self.mark)
        self.screen.text(
            "Three nodes, one after another, for a few minutes in all. Nodes "
            "cost nothing in the standard tier; in the advanced tier AWS "
            "bills every node for the time it is registered.")
        self.screen.text("The tier here is: %s. It is not changed." % tier)

    def steps(self):
        """Take all steps; the first failure ends it."""
        life = Life(self.account, self.start, self.role)
        for title, step in STEPS:
            self.screen.step(title)
            step(life)
            self.screen.good("as it should be")

    def clean(self):
        """Remove what is left; return whether the account is clean."""
        self.screen.step("Nothing may be left")
        try:
            for line in self.account.sweep():
                self.screen.text(line)
            self.account.expect_nothing()
        except FAILURES as error:
            self.screen.bad("This was not possible: %s" % error)
            self.screen.bad("Please look yourself:")
            self.screen.command(
                "aws ssm describe-instance-information --filters "
                "Key=tag:%s,Values=%s" % (TAG, self.mark))
            self.screen.command(
                "aws ssm describe-activations --filters "
                "FilterKey=DefaultInstanceName,FilterValues=%s" % self.mark)
            return False
        self.screen.good("Nothing of ours is on the account.")
        return True


def perform(live):
    """Take the steps and clean up; return the exit status."""
    status = 0
    try:
        live.steps()
    except FAILURES as error:
        live.screen.bad("Not as it should be: %s" % error)
        status = 1
    except Interrupted as error:
        live.screen.bad("Ended by %s" % error)
        status = 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return status if live.clean() else 1


def main():
    """Begin only if everything is there that is needed."""
    screen = Screen()
    scratch = tempfile.mkdtemp(prefix="ssm-activate-live-")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        check_settings(os.environ)
        live = Live(os.environ, scratch, screen)
        live.check_account(os.environ["SSM_ACTIVATE_LIVE"])
        live.tell_costs()
    except (Refused, Unexpected) as error:
        print("live: %s" % error, file=sys.stderr)
        shutil.rmtree(scratch)
        return WRONG_USE
    try:
        return perform(live)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
