# SPDX-License-Identifier: MIT
"""`run` as init: what tini's and dumb-init's own tests look at, on all three.

A row is printed for each thing that is compared."""

import hashlib
import os
import signal
import time

from case import BIN, SH, environment, json, native, procfs, wait_until
from inits import OURS, PROGRAM, PYTHON, REFUSED, RIVALS, InitCase

STOPS = {signal.SIGKILL, signal.SIGSTOP}
# By default these do not end a program.
HARMLESS = {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP,
            signal.SIGTTIN, signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH}
FAULTS = [signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS,
          signal.SIGFPE, signal.SIGSEGV, signal.SIGSYS]
STOPPING = [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU]
LIBC = {32, 33}  # glibc's own: no program of it can wait for them
ALL = set(range(1, 65)) - STOPS - {signal.SIGCHLD}
ORPHANS = 10000
KEPT = "the emulator keeps signals for itself"


def same(value):
    """Expect the same of all three."""
    return {"ssm-activate": value, "tini": value, "dumb-init": value}


def ranges(numbers):
    """Return numbers as text, runs of them in short."""
    parts, numbers = [], sorted(numbers)
    while numbers:
        last = 0
        while (last + 1 < len(numbers)
               and numbers[last + 1] == numbers[0] + last + 1):
            last += 1
        parts.append("%d" % numbers[0] if last == 0
                     else "%d-%d" % (numbers[0], numbers[last]))
        numbers = numbers[last + 1:]
    return " ".join(parts) or "none"


class Statuses(InitCase):
    """The application's end is the container's."""

    def loop(self, name, words, command, limit=""):
        """Run an init once for each word; return {word: status}."""
        init = " ".join(RIVALS.get(name, OURS))
        script = ("%s cd /tmp; for i in %s; do %s %s; echo $i $?; done"
                  % (limit, " ".join(str(word) for word in words), init,
                     command))
        held = self.start([SH, "-c", script], self.probe_root(),
                          environment(**REFUSED))
        self.assertEqual(held.wait(60), 0, held.err)
        return {int(line.split()[0]): int(line.split()[1])
                for line in held.out.splitlines()}

    def test_every_status(self):
        """All 256."""
        def wrong(name):
            found = self.loop(name, range(256), "sh -c \"exit $i\"")
            self.assertEqual(len(found), 256)
            return ranges(i for i, status in found.items() if status != i)
        self.compare("exit statuses that are not passed on", wrong,
                     same("none"))

    @native(KEPT)
    def test_death_by_signal(self):
        """128 + its number, dumping core or not."""
        deadly = sorted((ALL - HARMLESS) | {signal.SIGKILL})

        def wrong(name):
            found = self.loop(name, deadly, "sh -c \"kill -$i \\$\\$\"",
                              "ulimit -c unlimited;")
            self.assertEqual(sorted(found), deadly)
            return ranges(i for i, status in found.items()
                          if status != 128 + i)
        self.compare("deaths by signal that are not 128+N", wrong,
                     same("none"))

    def test_cannot_start(self):
        """As shells have it."""
        for title, path, expected in (
                ("a missing command", "/nowhere/at-all",
                 dict(same(127), **{"dumb-init": 2})),
                ("a missing command of PATH", "no-such-command",
                 dict(same(127), **{"dumb-init": 2})),
                ("a file that is not executable", "/etc/passwd",
                 dict(same(126), **{"dumb-init": 2})),
                ("a folder as command", "/etc",
                 dict(same(126), **{"dumb-init": 2}))):
            self.compare("status of " + title, lambda name, path=path:
                         self.loop(name, [1], path)[1], expected)


class Signals(InitCase):
    """What is sent to PID 1."""

    def passed_on(self, name):
        """Return the signals that reach the application as they are."""
        held = self.start_init(name, PYTHON + ["signals"])
        self.wait_out(held, "ready")
        wanted = ALL - LIBC - set(STOPPING)
        for number in sorted(wanted):
            held.signal(number)

        def said():
            return {int(line) for line in held.out.splitlines()[1:]}
        # The faults are what they differ in: these get a little time.
        wait_until(lambda: said() >= wanted - set(FAULTS), "signals")
        time.sleep(0.2)
        held.kill()
        return said()

    @native(KEPT)
    def test_each_signal(self):
        """Every one that can be caught, but SIGCHLD."""
        wanted = ALL - LIBC - set(STOPPING)
        self.compare(
            "signals that are not passed on",
            lambda name: ranges(wanted - self.passed_on(name)),
            dict(same("none"), tini=ranges(FAULTS)))

    @native(KEPT)
    def test_with_a_node(self):
        """Those that start no clean-up, while the node is up."""
        held = self.start_init("node", PYTHON + ["signals"])
        for number in sorted(ALL - LIBC - {2, 3, 15}):
            held.signal(number)
            self.wait_out(held, str(int(number)))
        self.assertEqual(len(held.out.split()), 1 + len(ALL - LIBC) - 3)
        self.assertEqual(len(self.aws.nodes()), 1)
        for count, number in enumerate((15, 2, 3, 15)):
            held.signal(number)
            self.wait_out(held, str(number), 2 if count == 3 else 1)
        wait_until(lambda: not self.aws.nodes(), "the clean-up")
        self.assertIsNone(held.outer.poll())

    @native(KEPT)
    def test_reserved_numbers(self):
        """32 and 33, which glibc keeps for itself, are passed on as well."""
        for number in sorted(LIBC):
            held = self.start_init("refused", ["/bin/sleep", "60"])
            wait_until(lambda held=held: held.find("sleep"), "CMD")
            held.signal(number)
            self.assertEqual(held.wait(), 128 + number)

    def test_stop_signals(self):
        """TSTP, TTIN and TTOU reach a program that understands them, as
        unicorn does; init goes on."""
        def passed(name):
            held = self.start_init(name, PYTHON + ["signals"])
            self.wait_out(held, "ready")
            got = set()
            for number in STOPPING:
                held.signal(number)
                # SIGCONT takes back what stops and was not delivered yet.
                self.may_say(held, str(int(number)))
                held.signal(signal.SIGCONT)
                self.wait_out(held, "18", len(got) + 1)
                got.add(number)
            said = {int(word) for word in held.out.split()[1:]}
            self.wait_asleep(held)
            held.kill()
            return ranges(got & said) + ", S"
        self.compare("TSTP, TTIN, TTOU that come as they are", passed, {
            "ssm-activate": "20-22, S", "tini": "20, S",
            "dumb-init": "none, S"})

    def test_stopped_and_continued(self):
        """A program that knows nothing of them stops and goes on; so can
        one be that is stopped in another way."""
        for number in STOPPING + [signal.SIGSTOP]:
            held = self.start_init("refused", ["/bin/sleep", "60"])
            pid = wait_until(lambda held=held: held.find("sleep"), "CMD")[0]
            if number == signal.SIGSTOP:
                os.kill(pid, number)
            else:
                held.signal(number)
            wait_until(lambda pid=pid: procfs.status(pid)["State"][0] == "T",
                       "CMD stopped")
            self.wait_asleep(held)
            held.signal(signal.SIGCONT)
            wait_until(lambda pid=pid: procfs.status(pid)["State"][0] == "S",
                       "CMD goes on")
            held.signal(signal.SIGTERM)
            self.assertEqual(held.wait(), 128 + signal.SIGTERM)

    def test_one_process(self):
        """To the application alone, not to its group; its own is not ours."""
        def found(name):
            held = self.start_init(name, PYTHON + ["group"])
            self.wait_out(held, "ready")
            held.signal(signal.SIGUSR1)
            self.wait_out(held, "parent")
            both = self.may_say(held, "child ended by 10")
            if not both:
                self.assertEqual(len(held.find(PROGRAM)), 2)
            held.kill()
            return "both" if both else "one"
        self.compare("a signal goes to", found,
                     dict(same("one"), **{"dumb-init": "both"}))

    def test_own_group(self):
        """The application leads a group of its own."""
        def leads(name):
            held = self.start_init(name, ["/bin/sleep", "60"])
            pid = wait_until(lambda: held.find("sleep"), "CMD")[0]
            result = (os.getpgid(pid) == pid, os.getsid(pid) == pid)
            held.kill()
            return {(True, False): "group", (True, True): "session",
                    (False, False): "nothing"}[result]
        self.compare("CMD leads its own", leads,
                     dict(same("group"), **{"dumb-init": "session"}))

    def test_who_is_told_of_the_end(self):
        """What the application leaves running is not told; in a container
        the kernel ends it with PID 1."""
        def told(name):
            # Without a namespace that ends with PID 1.
            held = self.start(["/bin/sleep", "60"], self.probe_root(),
                              environment(**REFUSED))
            done = held.enter(["/bin/sh", "-c", "%s %s leave >/tmp/said 2>&1"
                               % (" ".join(RIVALS.get(name, OURS)),
                                  " ".join(PYTHON))])
            self.assertEqual(done.returncode, 0, done.stderr)
            os.kill(held.find(PROGRAM)[0], signal.SIGCONT)
            said = held.root.read("/tmp/said")
            if name == "dumb-init":
                wait_until(lambda: "told" in held.root.read("/tmp/said"),
                           "the word")
                said = held.root.read("/tmp/said")
            held.kill()
            return "told" in said
        self.compare("is told TERM when CMD ends", told,
                     dict(same(False), **{"dumb-init": True}))

    def test_ignoring(self):
        """An application that ignores TERM: the clean-up is done meanwhile,
        a second TERM changes nothing, KILL ends it, and nothing is left."""
        root = self.probe_root()
        held = self.start_init("node", PYTHON + ["ignore", "TERM"], root)
        self.wait_out(held, "ready")
        held.signal(signal.SIGTERM)
        held.wait_line("is gone|removed")
        self.assert_account_empty()
        held.signal(signal.SIGTERM)
        wait_until(lambda: not self.agent_pids(held), "no agent")
        self.assertIsNone(held.outer.poll())
        os.kill(held.find(PROGRAM)[0], signal.SIGUSR1)
        self.assertEqual(held.wait(), 128 + signal.SIGUSR1)
        self.assert_clean(root)

    @native(KEPT)
    def test_ignoring_killed(self):
        """The same, killed by the runtime at the end of its patience."""
        root = self.probe_root()
        held = self.start_init("node", PYTHON + ["ignore", "TERM", "INT"],
                               root)
        self.wait_out(held, "ready")
        held.signal(signal.SIGTERM)
        held.wait_line("is gone|removed")
        self.wait_forgotten(root)
        held.kill()
        self.assert_clean(root)


class Orphans(InitCase):
    """Processes whose parent is gone."""

    def reap(self, name, count, status=42):
        """Have them made; return how many zombies are left, and how init's
        memory grew."""
        ends = os.pipe()
        held = self.start_init(name, PYTHON + ["orphans", str(count),
                                               str(status)], stdin=ends[0])
        os.close(ends[0])
        wait_until(lambda: held.find(PROGRAM), "CMD")
        before = self.peak(held)
        wait_until(lambda: "made %d" % count in held.out, "orphans", 120)

        def zombies_left():
            return sum(procfs.is_zombie(pid)
                       for pid in procfs.descendants(held.pid1))
        wait_until(lambda: len(procfs.descendants(held.pid1))
                   <= (4 if name == "node" else 1) and not zombies_left(),
                   "the reaping")
        zombies = zombies_left()
        grown = self.peak(held) - before
        os.close(ends[1])
        self.assertEqual(held.wait(), status)
        return zombies, grown

    @staticmethod
    def peak(held):
        """Return the most memory that PID 1 has had, in KiB."""
        return int(procfs.status(held.pid1)["VmData"].split()[0])

    def test_many(self):
        """10,000 of them while the node is up; the status is still CMD's."""
        self.assertEqual(self.reap("node", ORPHANS), (0, 0))
        self.assert_account_empty()

    @native("its memory is the emulator's")
    def test_compared(self):
        """A few with each."""
        self.compare("zombies left of 1000, memory grown",
                     lambda name: self.reap(name, 1000), same((0, 0)))

    def test_as_subreaper(self):
        """Not PID 1: orphans come to us all the same."""
        held = self.start(["/bin/sleep", "60"], self.probe_root(),
                          environment(**REFUSED))
        done = held.enter(OURS + [
            SH, "-c", "(sh -c 'sleep 0.3; grep PPid /proc/self/status "
            ">/tmp/parent' &); until [ -s /tmp/parent ]; do sleep 0.1; done; "
            "cat /tmp/parent"])
        parent = int(done.stdout.split()[1])
        self.assertNotEqual(parent, 1, "an orphan's parent")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_keeper_killed(self):
        """Not PID 1 and killed: the application goes on, the agent ends."""
        held = self.start(["/bin/sleep", "60"], self.probe_root())
        held.root.write("/tmp/out", "")
        held.enter([SH, "-c", "ssm-activate run -- sleep 50 "
                    ">/tmp/out 2>&1 &"])
        wait_until(lambda: "is up" in held.root.read("/tmp/out"), "up")
        os.kill(held.find("ssm-activate")[0], signal.SIGKILL)
        wait_until(lambda: not self.agent_pids(held), "the agent's end")
        self.assertEqual(len(held.find("sleep")), 1)
        self.assertEqual(held.program("down").returncode, 0)
        self.assert_account_empty()


class Inherited(InitCase):
    """What the application is given is what init was given."""

    def setUp(self):
        super().setUp()
        self.variables = environment(**REFUSED)

    def state(self, name, setup, argv=None):
        """Return the state of the application under an init, or of one that
        is started without any."""
        root = self.probe_root()
        path = "/tmp/state"
        if argv is None:
            argv = RIVALS.get(name, [] if name == "direct" else OURS)
        held = self.start(PYTHON + ["become", setup] + argv + PYTHON
                          + ["state", path], root, self.variables)
        self.assertEqual(held.wait(), 0, held.err)
        found = json.loads(root.read(path))
        found.pop("cgroup")
        # The container's own, for PID 1.
        self.assertEqual(found.pop("death signal"),
                         9 if name == "direct" else 0)
        # The files are others in each container.
        for number in set(found["descriptors"]) & {"1", "2"}:
            found["descriptors"][number] = found["descriptors"][number][-4:]
        self.assert_account_empty()
        return found

    def differences(self, name, setup):
        """Return the names of what differs from a direct start."""
        direct, under = self.state("direct", setup), self.state(name, setup)
        return sorted(key for key in direct if direct[key] != under[key])

    def test_nothing_changes(self):
        """Limits, folder, environment, capabilities, and the rest."""
        setup = "umask=027,nice=3,files=700,core=4096,chdir=/usr/share"
        self.compare(
            "what CMD is given otherwise",
            lambda name: " ".join(self.differences(name, setup)) or "nothing",
            {"ssm-activate": "nothing", "tini": "nothing",
             "dumb-init": "session"})
        self.variables = environment()
        self.assertEqual(self.differences("node", setup), [])

    def test_closed(self):
        """0, 1 and 2 are closed for CMD where they were for us, and no file
        of ours gets what was to be logged."""
        for closed in (["0"], ["1"], ["2"], ["0", "1", "2"]):
            setup = ",".join("close=" + number for number in closed)
            with self.subTest(closed=closed):
                self.variables = environment()
                found = self.state("node", setup)["descriptors"]
                self.assertEqual(sorted(found),
                                 sorted({"0", "1", "2"} - set(closed)))

    def test_closed_with_a_node(self):
        """All is well without any of them."""
        root = self.probe_root()
        held = self.start(PYTHON + ["become", "close=0,close=1,close=2"]
                          + OURS + ["/bin/sleep", "60"], root)
        wait_until(lambda: root.exists("/var/lib/ssm-activate/control")
                   and self.status(held)[0]["online"], "the node")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 128 + signal.SIGTERM)
        self.assert_clean(root)

    def test_many_descriptors(self):
        """All go to CMD; neither keeper nor agent holds one."""
        root = self.probe_root()
        held = self.start(PYTHON + ["become", "many=3-400"] + OURS
                          + ["/bin/sleep", "60"], root)
        held.wait_line("is up")
        command = procfs.descriptors(held.find("sleep")[0])
        self.assertEqual(sorted(command), list(range(401)))
        for pid in [held.pid1] + self.agent_pids(held):
            files = procfs.descriptors(pid)
            self.assertLess(len(files), 16, files)
            self.assertEqual([path for number, path in files.items()
                              if path == "/dev/null" and number > 2], [])

    def test_pipes(self):
        """Bytes go through untouched, and the end of input."""
        ends = os.pipe()
        held = self.start_init("node", ["/usr/bin/sha256sum"], stdin=ends[0])
        os.close(ends[0])
        with os.fdopen(ends[1], "wb") as file:
            file.write(bytes(range(256)) * 200)
        self.assertEqual(held.wait(), 0)
        digest = hashlib.sha256(bytes(range(256)) * 200).hexdigest()
        self.assertEqual(held.out, digest + "  -\n")

    @native(KEPT)
    def test_signals(self):
        """Ignored ones stay ignored, blocked ones blocked: as after exec,
        and so the same with the gate off."""
        setup = ("default=13,default=25,ignore=1,ignore=17,ignore=22,"
                 "block=10,block=21,block=40")

        def found(name, env=None):
            held = self.start(
                PYTHON + ["become", setup] + RIVALS.get(name, OURS)
                + ["/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"],
                self.probe_root(), env or environment(**REFUSED))
            wait_until(lambda: held.out.count("\n") == 2, "two lines")
            held.kill()
            return " ".join(ranges(
                n + 1 for n in range(64) if int(line.split()[1], 16) >> n & 1)
                for line in held.out.splitlines()).replace(" ", ",")
        as_given = "10,21,40,1,17,22"
        self.compare("blocked and ignored signals", found, {
            "ssm-activate": as_given, "tini": as_given,
            "dumb-init": "none,none"})
        self.assertEqual(found("off", environment(SSM_ACTIVATE=None)),
                         as_given)

    def test_ignored_children(self):
        """A status is passed on even where SIGCHLD was ignored."""
        held = self.start(PYTHON + ["become", "ignore=17"] + OURS
                          + [SH, "-c", "exit 7"], self.probe_root())
        self.assertEqual(held.wait(), 7)
        self.assert_account_empty()

    def test_user(self):
        """With --user the ids, HOME and the capabilities change, and
        nothing else."""
        self.variables = environment()
        direct = self.state("direct", "umask=027")
        user = self.state("node", "umask=027",
                          [BIN, "run", "--user", "65534:65534", "--"])
        self.assertEqual(user["status"]["Uid"].split(), ["65534"] * 4)
        self.assertEqual(int(user["status"]["CapEff"], 16), 0)
        self.assertEqual(user["status"]["CapBnd"],
                         direct["status"]["CapBnd"])
        user["environment"].pop("HOME")
        direct["environment"].pop("HOME")
        self.assertEqual([key for key in direct if direct[key] != user[key]],
                         ["status"])
