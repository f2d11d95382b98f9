# SPDX-License-Identifier: MIT
"""Volumes that do not answer cost access, never the application."""

import os
import signal
import struct
import subprocess
import time

import place
import procfs
from case import BIN, SH, Case, environment, wait_until

STATE_DIR = "/var/lib/ssm-activate"
AGENT_DIR = "/var/lib/amazon/ssm"
DOWN_SECONDS = 3
SLACK = 4.0  # for a slow machine
# CMD that says when it started and when it was told to end.
SHOWS = [SH, "-c", "echo started; trap 'echo told; exit 7' TERM; "
         "while :; do sleep 0.1; done"]
# An init that outlives the keeper and tells its exit status.
BELOW = [SH, "-c", "ssm-activate run -- \"$@\"; echo status $?; sleep 60",
         "init"]


class Volume:
    """A file system in a file, whose writers can be made to wait."""

    made = 0

    def __init__(self, root, path):
        Volume.made += 1
        self.hangs = False
        image = place.current.path("volume-%d" % Volume.made)
        self.path = root.inside(path)
        with open(image, "wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-qF", image], check=True, timeout=60)
        os.makedirs(self.path)
        place.mount("-o", "loop", image, self.path)
        root.mounts.append(self.path)

    def hang(self):
        """Let every writer wait, uninterruptibly."""
        subprocess.run(["fsfreeze", "-f", self.path], check=True, timeout=30)
        self.hangs = True

    def answer(self):
        """Let them go on."""
        if self.hangs:
            subprocess.run(["fsfreeze", "-u", self.path], check=True,
                           timeout=30)
        self.hangs = False


class Silent:
    """A file system in user space that answers nothing but its mount: not even
    reading comes back."""

    INIT = 26  # linux/fuse.h
    NAME = "silent"

    def __init__(self, root, path):
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        self.path = root.inside(path)
        os.makedirs(self.path)
        subprocess.run(["/bin/mount", "-i", "-t", "fuse", "-o",
                        "fd=%d,rootmode=40755,user_id=0,group_id=0" % self.fd,
                        self.NAME, self.path], check=True, timeout=30,
                       pass_fds=[self.fd])
        root.mounts.append(self.path)
        request = os.read(self.fd, 1 << 17)
        _, opcode, unique = struct.unpack_from("=IIQ", request)
        assert opcode == self.INIT
        # Version 7.31, and a least size of what is written.
        answer = struct.pack("=IIIIHHI", 7, 31, 0, 0, 0, 0, 4096).ljust(64, b"\0")
        os.write(self.fd, struct.pack("=IiQ", 16 + len(answer), 0, unique) + answer)

    def answer(self):
        """Let all fail who wait."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class Hung(Case):
    """Each folder, at each moment."""

    def hung(self, path):
        """Make a root with a volume there."""
        root = self.root()
        volume = Volume(root, path)
        # Before the containers are ended, which could not.
        self.addCleanup(volume.answer)
        return root, volume

    def below(self, root, argv, **more):
        """Start `run` below an init, so that its own end can be seen: PID 1
        goes when the kernel lets all the others go."""
        env = environment(SSM_ACTIVATE_DOWN_TIMEOUT="%ds" % DOWN_SECONDS,
                          **more)
        return self.start(BELOW + argv, root, env)

    @staticmethod
    def keeper(held):
        """Return the pid of `run`."""
        return wait_until(held.keepers, "the keeper")[0]

    def check_end(self, held, status=7):
        """It is told to end and does so in time, with CMD's status."""
        os.kill(self.keeper(held), signal.SIGTERM)
        began = time.monotonic()
        wait_until(lambda: "told" in held.out, "CMD told", SLACK)
        wait_until(lambda: "status" in held.out, "the keeper's end",
                   DOWN_SECONDS + SLACK)
        self.assertIn("status %d" % status, held.out)
        self.assertLess(time.monotonic() - began, DOWN_SECONDS + SLACK)

    def check_start(self, path):
        """Hung before the start."""
        root, volume = self.hung(path)
        volume.hang()
        held = self.below(root, SHOWS)
        wait_until(lambda: "started" in held.out, "CMD", SLACK)
        self.check_end(held)

    def check_later(self, path):
        """Hung once the node is up."""
        root, volume = self.hung(path)
        held = self.below(root, SHOWS)
        held.wait_line("is online")
        volume.hang()
        self.check_end(held)

    def silent(self, path):
        """Make a root with a silent volume there."""
        root = self.root()
        volume = Silent(root, path)
        self.addCleanup(volume.answer)
        return root, volume

    def test_command(self):
        """CMD's own volume: what is to end it does."""
        root, _ = self.silent("/app")
        held = self.below(root, ["/app/server"])
        os.kill(self.keeper(held), signal.SIGTERM)
        wait_until(lambda: "status 143" in held.out, "CMD's end",
                   2 * DOWN_SECONDS + SLACK)

    def test_command_late(self):
        """CMD is not found in the end: said, and CMD's status."""
        root, volume = self.silent("/app")
        held = self.below(root, ["/app/server"])
        held.wait_line("is online")
        volume.answer()
        wait_until(lambda: "status 126" in held.out, "CMD's end",
                   DOWN_SECONDS + SLACK)
        held.wait_line("cannot run /app/server")
        self.assert_account_empty()

    def test_agent_program(self):
        """The folder where the agent is looked for."""
        root, _ = self.silent("/opt/agent")
        held = self.below(
            root, SHOWS, SSM_ACTIVATE_AGENT="/opt/agent/amazon-ssm-agent")
        wait_until(lambda: "started" in held.out, "CMD", SLACK)
        # 10 s for who takes the lock, and 10 s for who looks for the agent.
        held.wait_line("no answer from where amazon-ssm-agent is looked for",
                       20 + 2 * SLACK)
        self.check_end(held)
        self.assert_account_empty()

    def test_agent_log(self):
        """The folder of the agent's log, which cannot even be looked at."""
        root, _ = self.silent("/var/log/amazon/ssm")
        held = self.below(root, SHOWS)
        wait_until(lambda: "started" in held.out, "CMD", SLACK)
        self.check_end(held)
        self.assert_account_empty()

    def test_state_at_start(self):
        """The state directory; no worker gets anywhere."""
        self.check_start(STATE_DIR)
        self.assert_account_empty()

    def test_state_later(self):
        """The node is removed nevertheless."""
        self.check_later(STATE_DIR)
        self.assert_account_empty()

    def test_agent_at_start(self):
        """The agent's folder."""
        self.check_start(AGENT_DIR)
        self.assert_account_empty()

    def test_agent_later(self):
        """The node is removed nevertheless."""
        self.check_later(AGENT_DIR)
        self.assert_account_empty()

    def test_status_and_reason(self):
        """The volume is named once nobody waits for it any more, and CMD goes
        on; then it answers again."""
        root, volume = self.hung(STATE_DIR)
        volume.hang()
        held = self.below(root, SHOWS)
        held.wait_line("no answer from the volume of " + STATE_DIR)
        self.assertNotIn("status", held.out)
        volume.answer()
        self.check_end(held)

    def test_pid1_at_start(self):
        """As PID 1: CMD is told; the end comes when the kernel lets go of the
        worker, and is CMD's."""
        root, volume = self.hung(STATE_DIR)
        volume.hang()
        held = self.start([BIN, "run", "--"] + SHOWS, root, environment(
            SSM_ACTIVATE_DOWN_TIMEOUT="%ds" % DOWN_SECONDS))
        wait_until(lambda: "started" in held.out, "CMD", SLACK)
        held.signal(signal.SIGTERM)
        wait_until(lambda: "told" in held.out, "CMD told", SLACK)
        # It is in exit(2) itself: no file is open any more.
        wait_until(lambda: not self.files(held.pid1), "the keeper's end",
                   DOWN_SECONDS + SLACK)
        volume.answer()
        self.assertEqual(held.wait(), 7)

    @staticmethod
    def files(pid):
        """Return the descriptors of a process."""
        try:
            return os.listdir("/proc/%d/fd" % pid)
        except OSError:
            return []

    def test_up(self):
        """`up` comes back after its time, `down` after its own."""
        root, volume = self.hung(STATE_DIR)
        env = environment(SSM_ACTIVATE_DOWN_TIMEOUT="%ds" % DOWN_SECONDS)
        held = self.start([SH, "-c", "ssm-activate up; echo up; sleep 60"],
                          root, env)
        held.wait_line("is online")
        keeper = self.keeper(held)
        volume.hang()
        os.kill(keeper, signal.SIGTERM)
        wait_until(lambda: not procfs.program(keeper), "the keeper's end",
                   DOWN_SECONDS + SLACK)
        self.assert_account_empty()

    def test_stopped_worker(self):
        """A worker that does not run at all, and may not be waited for."""
        self.aws.fault(operation="CreateActivation", hold="asked")
        held = self.below(self.root(), SHOWS)
        wait_until(self.aws.held, "the request")
        for pid in procfs.children(self.keeper(held)):
            if procfs.program(pid) == "ssm-activate":
                os.kill(pid, signal.SIGSTOP)
        self.check_end(held)
        # What is held would be answered in the middle of the next test.
        held.kill()
        self.aws.release()
        wait_until(lambda: not self.aws.held(), "no request held")
