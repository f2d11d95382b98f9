# SPDX-License-Identifier: MIT
"""Codes, keys and tokens appear nowhere that they must not."""

import signal

import activations
from case import (AGENTS, BIN, SH, VAULT, Case, environment, json, native,
                  procfs, wait_until)

KEY = VAULT + "/Store/RegistrationKey"
SAMPLES = 50
OUTSIDE = "/proc shows the environment of the emulator"


def pieces(secret):
    """Return what to look for: the whole, and no less than its half."""
    return [secret.encode(), secret[:len(secret) // 2].encode()]


class Watched(Case):
    """A whole life, looked at all the time from outside."""

    def live(self, argv, env, during=None):
        """Live once; return (container, samples, contents of files)."""
        root = self.root()
        held = self.start(argv, root, env)
        sampler = procfs.Sampler(held.outer.pid)
        sampler.start()
        held.wait_line("is up")
        held.wait_line("is online")
        if during is not None:
            during(held)
        files = dict(root.contents())
        held.program("status", "--json")
        held.signal(signal.SIGTERM)
        held.wait()
        seen = sampler.stop()
        self.assertGreater(sampler.rounds, SAMPLES)
        for path, content in root.contents():
            files[path + " at the end"] = content
        return held, seen, files

    def assert_absent(self, secret, held, seen, files, allowed=()):
        """The secret is in no output, argument, environment or file."""
        for piece in pieces(secret):
            self.assertNotIn(piece, held.err.encode(), "standard error")
            self.assertNotIn(piece, held.out.encode(), "standard output")
            for path, content in files.items():
                self.assertFalse(piece in content, "in the file " + path)
            for name, program, content in seen:
                if name == "environ" and program in allowed:
                    continue
                self.assertFalse(piece in content,
                                 "in %s of %s" % (name, program))


class Leaks(Watched):
    """What AWS gave out and what we made."""

    def check_secrets(self, held, seen, files, allowed=()):
        """All that the account ever gave out."""
        secrets = self.aws.secrets()
        self.assertGreaterEqual(len(secrets["activation_codes"]), 1)
        users = self.aws.env["AWS_ACCESS_KEY_ID"]
        for code in secrets["activation_codes"].values():
            self.assert_absent(code, held, seen, files)
        for ident, key in secrets["secret_keys"].items():
            self.assert_absent(key, held, seen, files,
                               allowed if ident == users else ())
        for token in secrets["tokens"].values():
            self.assert_absent(token, held, seen, files)
        # The node's own credentials have been given out.
        self.assertGreaterEqual(len(secrets["tokens"]), 1)

    def check_private_key(self, held, seen, files):
        """The node's key is in its vault and nowhere else."""
        key = json.loads(files[KEY])["privateKey"]
        self.assertGreater(len(key), 1500)
        others = {path: content for path, content in files.items()
                  if path != KEY}
        for start in range(0, 1200, 300):
            self.assert_absent(key[start:start + 64], held, seen, others)
        self.assertNotIn(KEY + " at the end", files)

    def test_run_with_keys(self):
        """User's keys: only where the user had put them."""
        for style in ("text", "json"):
            with self.subTest(style=style):
                self.aws.reset()
                env = environment(SSM_ACTIVATE_LOG="debug",
                                  SSM_ACTIVATE_LOG_FORMAT=style)
                held, seen, files = self.live(
                    [BIN, "run", "--", SH, "-c", "trap 'exit 0' TERM; "
                     "sleep 60 & wait"], env)
                programs = {program for _, program, _ in seen}
                self.assertLessEqual(set(AGENTS) | {"ssm-activate", "busybox"},
                                     programs)
                self.check_secrets(held, seen, files,
                                   ("ssm-activate", "busybox", "unshare"))
                self.check_private_key(held, seen, files)
                self.check_agent(seen)

    def check_agent(self, seen):
        """Neither keys nor settings of ours in the agent's environment."""
        own = [content for name, program, content in seen
               if name == "environ" and program in AGENTS]
        self.assertGreaterEqual(len(own), 1)
        for content in own:
            for word in (b"AWS_ACCESS_KEY_ID", b"AWS_SECRET_ACCESS_KEY",
                         b"SSM_ACTIVATE", b"AWS_CA_BUNDLE"):
                self.assertNotIn(word, content)

    def test_run_with_a_role(self):
        """The task's role: nowhere at all."""
        env = environment(task=True, SSM_ACTIVATE_LOG="debug")
        held, seen, files = self.live(
            [BIN, "run", "--", SH, "-c", "trap 'exit 0' TERM; "
             "sleep 60 & wait"], env)
        self.check_secrets(held, seen, files)
        self.check_private_key(held, seen, files)

    def test_up_and_down(self):
        """The same with `up` and `down`."""
        env = environment(task=True, SSM_ACTIVATE_LOG="debug")
        held, seen, files = self.live(
            [SH, "-c", "trap 'ssm-activate down; exit 0' TERM; "
             "ssm-activate up; sleep 60 & wait"], env)
        self.check_secrets(held, seen, files)
        self.check_private_key(held, seen, files)

    def test_failing(self):
        """Refused at every step: the messages carry no secret either."""
        for name in ("RegisterManagedInstance", "DeleteActivation",
                     "DeregisterManagedInstance"):
            with self.subTest(operation=name):
                self.aws.reset()
                self.aws.fault(operation=name, count=0,
                               code="AccessDeniedException")
                root = self.root()
                held = self.start(
                    [BIN, "run", "--", SH, "-c", "trap 'exit 0' TERM; "
                     "sleep 60 & wait"], root,
                    environment(SSM_ACTIVATE_LOG="debug"))
                held.wait_line("is online|AccessDenied[^:]* - ")
                held.signal(signal.SIGTERM)
                held.wait()
                files = dict(root.contents())
                for code in self.aws.secrets()["activation_codes"].values():
                    self.assert_absent(code, held, (), files)


class GivenCode(Watched):
    """A code that the user gave."""

    @native(OUTSIDE)
    def test_by_variable(self):
        """Gone from every environment once read."""
        ident, code = activations.make()
        env = environment(SSM_ACTIVATE_ID=ident, SSM_ACTIVATE_CODE=code,
                          SSM_ACTIVATE_LOG="debug")

        def during(held):
            for pid in [held.pid1] + procfs.descendants(held.pid1):
                self.assertNotIn(code.encode(), procfs.read(pid, "environ"),
                                 procfs.program(pid))
        held, seen, files = self.live(
            [BIN, "run", "--", SH, "-c", "trap 'exit 0' TERM; "
             "sleep 60 & wait"], env, during)
        self.assert_absent(code, held, seen, files,
                           ("ssm-activate", "unshare"))

    @native(OUTSIDE)
    def test_by_variable_to_up(self):
        """The keeper and what it starts have none; the caller's own
        environment is the caller's."""
        ident, code = activations.make()
        env = environment(SSM_ACTIVATE_ID=ident, SSM_ACTIVATE_CODE=code)
        held = self.start([SH, "-c", "ssm-activate up; echo done; sleep 60"],
                          env=env)
        wait_until(lambda: "done" in held.out, "up")
        keepers = held.keepers()
        self.assertEqual(len(keepers), 1)
        for pid in keepers + procfs.descendants(keepers[0]):
            self.assertNotIn(code.encode(), procfs.read(pid, "environ"),
                             procfs.program(pid))

    @native(OUTSIDE)
    def test_when_malformed(self):
        """Gone also where the settings are refused."""
        code = "a-code-that-is-not-used-0123456789"
        env = environment(SSM_ACTIVATE_CODE=code, SSM_ACTIVATE_LOG="debug")
        held = self.start([BIN, "run", "--", SH, "-c", "env; sleep 60"],
                          env=env)
        held.wait_line("SSM_ACTIVATE_ID")
        wait_until(lambda: "PATH=" in held.out, "the command")
        self.assertNotIn(code, held.out + held.err)
        for pid in [held.pid1] + procfs.descendants(held.pid1):
            self.assertNotIn(code.encode(), procfs.read(pid, "environ"))

    def test_by_file(self):
        """The file stays as it is; the code is nowhere else."""
        ident, code = activations.make()
        root = self.root()
        root.write("/run/code", code + "\n", 0o400)
        env = environment(SSM_ACTIVATE_ID=ident,
                          SSM_ACTIVATE_CODE_FILE="/run/code",
                          SSM_ACTIVATE_LOG="debug")
        held = self.start([BIN, "run", "--", SH, "-c", "trap 'exit 0' TERM; "
                           "sleep 60 & wait"], root, env)
        sampler = procfs.Sampler(held.outer.pid)
        sampler.start()
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        held.wait()
        seen = sampler.stop()
        files = dict(root.contents())
        self.assertEqual(files.pop("/run/code").decode(), code + "\n")
        self.assert_absent(code, held, seen, files)
