"""System calls that a policy denies take the application nothing but access."""

import signal
import unittest

from case import BIN, Case, SLEEP, environment, native, wait_until

# Static, and without a pipe: what is denied is not for the command to need.
BUSYBOX = ["/bin/busybox", "sh", "-c"]
LIVE = ("trap 'kill $!; exit 7' TERM; sleep 300 & "
        "busybox id -u; echo ready; wait; exit 9")
# What makes a keeper of `run`, and what --user needs.
KEEPER = ("signalfd4", "pipe2", "setpgid", "poll", "inotify_init1",
          "inotify_add_watch", "pread64", "getresuid", "getresgid",
          "setresuid", "setresgid")


def denying(call, error):
    """Return the words that start a program to which a call is denied."""
    return ["/usr/bin/strace", "-f", "-D", "-o", "/dev/null", "-e",
            "trace=" + call, "-e", "inject=%s:error=%s" % (call, error)]


@native("strace sees the emulator's calls")
class Denied(Case):
    """Each call with the two answers that policies give."""

    def start_denied(self, call, error, *words, **env):
        """Start a container to which a call is denied."""
        return self.start(denying(call, error) + [BIN, "run"] + list(words),
                          self.root("debian"), environment(**env))

    def check(self, call, error, *flags):
        """CMD starts, is told, and its end is the container's."""
        held = self.start_denied(call, error, *flags, "--", *BUSYBOX, LIVE)
        wait_until(lambda: "ready" in held.out, "CMD runs")
        self.assertEqual(held.out, "1000\nready\n" if flags
                         else "0\nready\n")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(40), 7)

    def test_runs(self):
        """Whatever the keeper needs."""
        for call in KEEPER:
            for error in ("ENOSYS", "EPERM"):
                with self.subTest(call=call, error=error):
                    self.check(call, error, "--user", "1000:1000")

    def test_no_init(self):
        """No process is left, or no signal can be blocked: CMD is PID 1, as
        the user it was to be."""
        for call, error in (("fork,clone,vfork", "EAGAIN"),
                            ("fork,clone,vfork", "EPERM"),
                            ("rt_sigprocmask", "ENOSYS"),
                            ("rt_sigprocmask", "EPERM")):
            with self.subTest(call=call, error=error):
                held = self.start_denied(
                    call, error, "--user", "1000:1000", "--",
                    *BUSYBOX, "echo $$; exec busybox id -u")
                self.assertEqual(held.wait(40), 0)
                self.assertEqual(held.out, "1\n1000\n")
                self.assert_one_line(held.err, "warn: (fork|signals): ")

    def test_user(self):
        """As root it does not start where the user cannot be set."""
        for error in ("ENOSYS", "EPERM"):
            with self.subTest(error=error):
                held = self.start_denied(
                    "setresuid,setuid", error, "--user", "1000:1000", "--",
                    *BUSYBOX, "echo CMD")
                self.assertEqual(held.wait(40), 71)
                self.assertEqual(held.out, "")
                self.assert_one_line(held.err, "error: --user: ")

    def test_no_inotify(self):
        """Without an inotify instance the log of the agent is read all the
        same, and that is said once."""
        held = self.start(denying("inotify_init1", "EMFILE")
                          + [BIN, "run", "--"] + SLEEP, self.root("debian"))
        held.wait_line("is online")
        self.assert_one_line(held.err, "inotify: No file descriptors left")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(40), 0)
        self.assert_clean(held.root)


if __name__ == "__main__":
    unittest.main()
