# SPDX-License-Identifier: MIT
"""SSM_ACTIVATE_ON_UP: a command beside the application when its node is up."""

import os
import signal

from case import BIN, SH, SLEEP, Case, environment, procfs, wait_until

TELL = "id -u; echo $NODE $REGION $NAME $HOME $MINE; exec sleep 300"


class OnUp(Case):
    """What it gets, and what it cannot do."""

    def live(self, command, *flags, root=None, **variables):
        """Start an application with it, and wait for the node."""
        return self.run_up(*flags, root=root, env=environment(
            SSM_ACTIVATE_ON_UP=command, SSM_INSTANCE_NAME="a name",
            **variables))

    def end(self, held):
        """The application's end is the container's."""
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0, held.err)
        self.assert_account_empty()

    def test_as_the_application(self):
        """Its user, its environment, three variables in place of others, no
        signal and no terminal of its own; the end does not wait for it."""
        held, node = self.live(TELL, "--user", "app", MINE="mine", NODE="x",
                               NAME="y")
        wait_until(lambda: held.out.count("\n") == 2, "its two lines")
        self.assertEqual(held.out, "1000\n%s eu-west-1 a name /home/app mine\n"
                         % node)
        pid = wait_until(lambda: [
            one for one in held.find("sleep") or held.find("busybox")
            if procfs.argv(one)[-2:] == ["sleep", "300"]
            and os.getpgid(one) == one], "its process")[0]
        self.assertTrue(os.readlink("/proc/%d/fd/0" % pid).endswith(
            "/dev/null"))
        self.assertEqual(procfs.status(pid)["SigBlk"].strip("0"), "")
        self.assertEqual(procfs.status(pid)["SigIgn"].strip("0"), "")
        self.assertEqual(len(os.listdir("/proc/%d/fd" % pid)), 3)
        self.end(held)

    def test_reaped(self):
        """One that ends leaves no zombie, and no line where it succeeds."""
        held, _ = self.live("true; echo over")
        wait_until(lambda: "over" in held.out, "its end")
        wait_until(lambda: not [
            pid for pid in procfs.children(held.pid1)
            if procfs.status(pid).get("State", "Z").startswith("Z")], "reaped")
        self.assertNotIn("warn", held.err)
        self.end(held)

    def test_failures(self):
        """One warning each; the node stays."""
        root = self.root()
        root.write("/etc/data", "x\n")
        for command, said in (
                ("exit 3", "has ended with 3"),
                ("/no/such/program", "has ended with 127, not found"),
                ("no-such-word", "has ended with 127, not found"),
                ("/etc/data", "has ended with 126, not executable"),
                ("no-such-word --flag", "has ended with 127, not found"),
                ("kill -9 $$", "has ended with 137")):
            with self.subTest(command=command):
                held, _ = self.live(command, root=root)
                held.wait_line("warn: SSM_ACTIVATE_ON_UP " + said)
                held.wait_line("is online")
                self.assert_one_line(held.err, "warn: ")
                self.end(held)

    def test_each_node(self):
        """Again for a node in place of one that AWS has forgotten, and for
        one that is taken over after a kill."""
        root = self.root()
        held, first = self.live("echo up $NODE $NAME", root=root)
        wait_until(lambda: held.out == "up %s a name\n" % first, "the first")
        held.kill()
        held, node = self.live("echo up $NODE $NAME", root=root)
        self.assertEqual(node, first)
        wait_until(lambda: held.out == "up %s a name\n" % first, "once more")
        self.end(held)

    def test_never_up(self):
        """Without a node it does not run."""
        self.aws.policy("user", allow=[])
        held = self.start([BIN, "run", "--"] + SLEEP, env=environment(
            SSM_ACTIVATE_ON_UP="echo up"))
        held.wait_line("warn: ")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertEqual(held.out, "")

    def test_without_a_shell(self):
        """A path alone needs none."""
        root = self.root("empty")
        held = self.start([BIN, "run", "--on-up", "/usr/local/bin/ssm-activate",
                           "--agent", "builtin"], root)
        held.wait_line("warn: SSM_ACTIVATE_ON_UP has ended with 64")
        self.assertNotIn(SH, held.err)
        held.signal(signal.SIGTERM)
        held.wait()
