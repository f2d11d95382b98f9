# SPDX-License-Identifier: MIT
"""Each thing that can be wrong: one clear line, the application unharmed,
the right status when access is required, and nothing left."""

import signal

from case import BIN, SH, Case, environment, wait_until

WAYS = ("run_open", "run_required", "up_open", "up_required")
WAITING = [SH, "-c", "echo started; trap 'exit 9' TERM; sleep 60 & wait"]


class Wrong(Case):
    """The four ways to meet a failure: `run` and `up`, required or not."""

    def check(self, gist, code, variables, prepare=None, kind="alpine",
              calls=True, ways=WAYS):
        """Meet it in all four ways, or in some."""
        for name in ways:
            way = getattr(self, name)
            with self.subTest(way=name):
                self.drop()
                self.aws.reset()
                root = self.root(kind)
                if prepare is not None:
                    prepare(root)
                way(root, gist, code, environment(**variables))
                self.assert_clean(root)
                if not calls:
                    self.assertEqual(self.operations(), [])

    def run_open(self, root, gist, code, env):
        """CMD runs; its status is the container's."""
        held = self.start([BIN, "run", "--"] + WAITING, root, env)
        wait_until(lambda: held.out == "started\n", "the command")
        held.wait_line("warn: .*" + gist)
        held.wait_line(gist)
        shown = wait_until(lambda: self.failed(held), "the verdict")
        self.assertFalse(shown["up"])
        # Without a state directory nobody can be asked.
        if root.exists("/var/lib/ssm-activate"):
            self.assertEqual(shown["error"]["code"], code)
            self.assertRegex("%(message)s - %(fix)s" % shown["error"], gist)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 9)
        self.check_lines(held.err, gist)

    def failed(self, held):
        """Return the status once it is settled."""
        shown, code = self.status(held)
        self.assertEqual(code, 0)
        return shown if shown["phase"] == "down" else None

    def run_required(self, root, gist, code, env):
        """CMD does not start, or is stopped; the status says why."""
        env["SSM_ACTIVATE_REQUIRED"] = "true"
        held = self.start([BIN, "run", "--"] + WAITING, root, env)
        self.assertEqual(held.wait(), code)
        self.check_lines(held.err, gist)
        self.assertRegex(held.err, "error: .*" + gist)

    def up_open(self, root, gist, _, env):
        """0, and nothing on standard output."""
        held = self.start(self.entry(), root, env)
        wait_until(lambda: "status" in held.out, "up")
        self.assertEqual(held.out, "status 0\n", held.err)
        self.check_lines(held.err, gist)

    def up_required(self, root, gist, code, env):
        """The code, and nothing on standard output."""
        env["SSM_ACTIVATE_REQUIRED"] = "true"
        held = self.start(self.entry(), root, env)
        wait_until(lambda: "status" in held.out, "up")
        self.assertEqual(held.out, "status %d\n" % code, held.err)
        self.check_lines(held.err, gist)

    @staticmethod
    def entry():
        """Return an entrypoint that shows the status of `up`."""
        return [SH, "-c", "ssm-activate up; echo status $?; sleep 60"]

    def check_lines(self, text, gist):
        """One line says it for good; tries before it may say it, too."""
        lines = [line for line in text.splitlines()
                 if not line.startswith("ssm-activate: info: ")]
        self.assertRegex("\n".join(lines), gist)
        self.assertLessEqual(len(lines), 4, text)
        for line in lines:
            self.assertRegex(line, "^ssm-activate: (warn|error): ")
