# SPDX-License-Identifier: MIT
"""Containers that give less than most: no root, no capability, no /proc, no
/etc/passwd, no shell, no room. Each works, or says what it needs before any
call of AWS."""

import os
import shutil
import signal
import unittest

import place
from case import BIN, SH, SLEEP, Case, environment, native, procfs, wait_until
from roots import BUSYBOX

USER = ["/usr/bin/setpriv", "--reuid=1000", "--regid=1000",
        "--clear-groups"]
NO_CAPABILITY = ["/usr/bin/setpriv", "--bounding-set=-all",
                 "--inh-caps=-all"]
WAIT = ["/bin/sleep", "300"]
ENTRY = "trap 'ssm-activate down; exit 5' TERM; ssm-activate up; " \
    "echo status $?; sleep 300 & wait"


class Refused(Case):
    """What amazon-ssm-agent cannot do without, where it is asked for."""

    def refuse(self, before, pattern):
        """Asked for by its path, or for what it alone can do."""
        agent = "/usr/bin/amazon-ssm-agent"
        self.refuse_with(before, pattern, SSM_ACTIVATE_AGENT=agent)
        self.refuse_with(before, "SSM_ACTIVATE_FIS: .*" + pattern,
                         SSM_ACTIVATE_FIS="on")

    def refuse_with(self, before, pattern, **wish):
        """CMD runs with one warning; required, it does not start; `up` says
        the same. AWS is not asked."""
        for required, status in ((None, 7), ("true", 71)):
            held = self.start(
                before + [BIN, "run", "--", SH, "-c", "id -u; exit 7"],
                self.root("debian"),
                environment(SSM_ACTIVATE_REQUIRED=required, **wish))
            self.assertEqual(held.wait(), status, held.err)
            self.assert_one_line(held.err, pattern)
            self.assertEqual(held.out != "", required is None)
        held = self.start(before + [SH, "-c", "ssm-activate up --required; "
                                    "echo status $?"], self.root("debian"),
                          environment(**wish))
        self.assertEqual(held.wait(), 0)
        self.assertEqual(held.out, "status 71\n")
        self.assert_one_line(held.err, pattern)
        self.assertEqual(self.aws.calls(), [])

    def test_not_root(self):
        """A container with a USER."""
        self.refuse(USER, "needs uid 0.* - start the container as root and "
                    "the application by `run --user`")

    def test_cap_drop_all(self):
        """Root without capabilities."""
        self.refuse(NO_CAPABILITY, "DAC_OVERRIDE.* - add it, and SETUID")

    def test_user_without_passwd(self):
        """A name that nobody can know: CMD must not run as somebody else."""
        root = self.root("empty")
        held = self.start([BIN, "run", "--user", "app", "--", "/x"], root)
        self.assertNotEqual(held.wait(), 0)
        self.assert_one_line(held.err, "app")
        self.assertEqual(self.aws.calls(), [])


class Ours(Case):
    """By default our own agent runs where the other one could not, although
    it is installed."""

    def live(self, before, kind, readonly):
        """Come up, go online, go down; no word but that of the memory."""
        root = self.root(kind)
        if readonly:
            root.make_readonly()
        held = self.start(before + [BIN, "run", "--"] + SLEEP, root)
        node = held.wait_line(
            r"(mi-[0-9a-f]+) is up with the builtin agent").group(1)
        self.wait_online(node)
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_clean(root)
        wrong = [line for line in held.err.splitlines()
                 if not line.startswith("ssm-activate: info: ")
                 and "remembered in memory only" not in line]
        self.assertEqual(wrong, [])

    def test_not_root(self):
        """A container with a USER, with and without a writable root."""
        for readonly in (False, True):
            with self.subTest(readonly=readonly):
                self.live(USER, "debian", readonly)

    def test_nothing_at_all(self):
        """With a USER, no capability, nothing to write to."""
        self.live(USER + NO_CAPABILITY[1:], "debian", True)


class Works(Case):
    """The whole life, with less than usual."""

    def live(self, argv, root, env=None):
        """Come up, go online, go down."""
        held = self.start(argv, root, env)
        node = held.wait_line(r"(mi-[0-9a-f]+) is up").group(1)
        self.wait_online(node)
        held.signal(signal.SIGTERM)
        status = held.wait()
        self.assert_clean(root)
        return status

    def test_no_passwd_no_shell(self):
        """An image from scratch whose only program is the application's."""
        root = self.root("empty")
        shutil.copy(BUSYBOX, root.inside("/sleep"))
        held = self.start([BIN, "run", "--user", "1000:1000", "--",
                           "/sleep", "300"], root)
        held.wait_line("is up")
        pid = held.find("sleep")[0]
        self.assertEqual(procfs.status(pid)["Uid"].split(), ["1000"] * 4)
        self.assertEqual(procfs.environ(pid)["HOME"], "/")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 128 + signal.SIGTERM)
        self.assert_clean(root)

    @native("the emulator needs /proc")
    def test_no_proc(self):
        """/proc is not mounted."""
        for argv, status in (
                ([BIN, "run", "--"] + WAIT, 128 + signal.SIGTERM),
                ([SH, "-c", ENTRY], 5)):
            with self.subTest(argv=argv[:2]):
                self.assertEqual(self.live(
                    [SH, "-c", "umount -l /proc && exec \"$@\"", "x"] + argv,
                    self.root("alpine")), status)

    def test_full_tmp(self):
        """/tmp has no room: it is not used."""
        root = self.root()
        root.mount_tmpfs("/tmp", "4k")
        root.write("/tmp/full", "x" * 4096)
        self.assertEqual(self.live([BIN, "run", "--"] + WAIT, root),
                         128 + signal.SIGTERM)

    def test_few_capabilities(self):
        """The three that docs/limits.md names, and KILL to signal CMD."""
        keep = "-all,+dac_override,+setuid,+setgid,+kill"
        self.assertEqual(self.live(
            ["/usr/bin/setpriv", "--bounding-set=" + keep, BIN, "run",
             "--user", "65534:65534", "--"] + WAIT,
            self.root("debian")), 128 + signal.SIGTERM)


@unittest.skipIf(place.real_agent(), "the session is the stand-in's")
class SessionUser(Case):
    """A web application of uid 1000, and what a session can do for it."""

    SCRIPT = (
        "{ id -u; id -g; echo inherited $DATABASE_URL $HOME; "
        "for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ; done "
        "2>/dev/null | grep -c '^DATABASE_URL=postgres://x'; "
        "AWS_CA_BUNDLE=/aws.pem ssm-activate api sts GetCallerIdentity; "
        "echo line >>/app/log/production.log && echo wrote; "
        "} >/tmp/session 2>&1; touch /tmp/session.done; sleep 300")

    def session(self, **variables):
        """Run the script in a session; return what it said."""
        root = self.root()
        root.write("/app/log/production.log", "", 0o644)
        for path in ("/app/log", "/app/log/production.log"):
            os.chown(root.inside(path), 1000, 1000)
        root.write("/usr/bin/standin.conf", place.STANDIN_CONF
                   + "STANDIN_SESSION=1\nSTANDIN_SESSION_RUN=%s\n"
                   % self.SCRIPT)
        env = environment(task=True, DATABASE_URL="postgres://x",
                          **variables)
        held = self.start([BIN, "run", "--user", "1000", "--", SH, "-c",
                           "export RAILS_ENV=production; exec sleep 300"],
                          root, env)
        wait_until(lambda: root.exists("/tmp/session.done"), "the session")
        self.log = root.read("/app/log/production.log")
        said = root.read("/tmp/session")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 128 + signal.SIGTERM)
        self.assert_clean(root)
        return said

    def test_alias(self):
        """With SSM_ACTIVATE_SESSION_USER: all that the application can."""
        said = self.session(SSM_ACTIVATE_SESSION_USER="1000:1000")
        lines = said.splitlines()
        self.assertEqual(lines[:2], ["1000", "1000"], said)
        self.assertEqual(lines[2], "inherited postgres://x /home/app")
        # The application's, the session's shell's and its children's.
        self.assertGreaterEqual(int(lines[3]), 2, said)
        self.assertIn("assumed-role/app-task-role", said)
        self.assertEqual((lines[-1], self.log), ("wrote", "line\n"), said)

    def test_of_its_own(self):
        """Without: a user that may not write there, but has the role."""
        said = self.session()
        lines = said.splitlines()
        self.assertEqual(lines[:2], ["60000", "60000"], said)
        self.assertIn("assumed-role/app-task-role", said)
        self.assertIn("Permission denied", lines[-1])
        self.assertEqual(self.log, "")

    def test_minimal(self):
        """With SSM_ACTIVATE_AGENT_ENV=minimal nothing is inherited; what
        the application's user may read it still may."""
        said = self.session(SSM_ACTIVATE_SESSION_USER="1000:1000",
                            SSM_ACTIVATE_AGENT_ENV="minimal")
        self.assertEqual(said.splitlines()[2:4],
                         ["inherited /home/app", "1"])
