# SPDX-License-Identifier: MIT
"""One cell of the table of ends: a container that is stopped at a stage, ends
in a certain way, and what it leaves; then the next start with its files."""

import contextlib
import fcntl
import os
import re
import signal
import socket
import struct
import threading

import agents
import place
import procfs
import stages
from container import Container, Timeout, environment, wait_until
from roots import Root

UP = r"(mi-[0-9a-f]{17}) is up"
END = "/tmp/end"
PATIENCE = 60.0
AGENT = "/usr/bin/amazon-ssm-agent"
SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT,
           "SIGQUIT": signal.SIGQUIT, "SIGKILL": signal.SIGKILL}
STATUSES = {"exit 0": 0, "exit 7": 7, "SIGKILL": 137}
ENDS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL", "exit 0", "exit 7",
        "agent dies", "network gone", "task refused", "all refused")
# The application: ends with what it is told, or with 0 by a stop signal.
APP = ("trap 'exit 0' TERM INT QUIT; echo ready; "
       "(read code </tmp/end; exit $code) & wait $!")
# Waits until nothing of ours runs any more, and says what does.
ALONE = ("n=0; while ps -o comm | grep -E '^(ssm|amazon)' >/tmp/running && "
         "[ $n -lt 60 ]; do sleep 0.05; n=$((n + 1)); done")
WAYS = {
    "run": ["/usr/local/bin/ssm-activate", "run", "--", "/bin/sh", "-c", APP],
    "up, down": ["/bin/sh", "-c",
                 "finish() { code=$?; [ $code -lt 128 ] || code=0; "
                 "ssm-activate down; %s; exit $code; }; "
                 "trap finish TERM INT QUIT; echo ready; "
                 "ssm-activate up --background; "
                 "(read code </tmp/end; exit $code) & wait $!; finish"
                 % ALONE],
    "up": ["/bin/sh", "-c", "ssm-activate up --background; " + APP],
    "demand": ["/usr/local/bin/ssm-activate", "run", "--activate", "demand",
               "--", "/bin/sh", "-c", APP],
}
WAYS["run, builtin"] = WAYS["run"]
# Where PID 1 is the keeper.
INITS = ("run", "demand")
# What may stay: ssm-user, the agent's settings and logs, the lock.
STAYS = re.compile(
    r"/etc/(passwd|group|shadow|\.pwd\.lock|amazon/ssm/.*)|/home/ssm-user.*|"
    r"/var/log/amazon/ssm/.*|/var/lib/ssm-activate/(lock|failure|agent\.log)|"
    r"/tmp/.*|"
    r"/var/lib/amazon/ssm/(ipc/.*|runtimeconfig|daemons/.*)|%s" % AGENT)
KINDS = (
    ("half-written", r".*/\.[a-z]*\.?ssm-activate[^/]*"),
    ("state", r"/var/lib/ssm-activate/state\.json"),
    ("certificates", r"/var/lib/ssm-activate/ca\.pem"),
    ("socket", r"/var/lib/ssm-activate/control"),
    ("vault", r"/var/lib/amazon/ssm/(Vault/.*|registration|"
     r"mi-[0-9a-f]+/.*|runtimeconfig/identity_config\.json)|"
     r"/var/lib/ssm-activate/key"),
    ("sudoers", r"/etc/sudoers\.d/ssm-agent-users"),
)


def set_link(up):
    """Take the namespace's only interface away, or bring it back."""
    request = struct.pack("16s24s", b"lo", b"")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock, place.SIOCGIFFLAGS, request)
        flags = struct.unpack_from("H", answer, 16)[0]
        flags = flags | place.IFF_UP if up else flags & ~place.IFF_UP
        fcntl.ioctl(sock, place.SIOCSIFFLAGS, struct.pack(
            "16sH22x", b"lo", flags))


def kind_of(path):
    """Return the word for a file that is left, or None if it may be."""
    for word, pattern in KINDS:
        if re.fullmatch(pattern, path):
            return word
    return None if STAYS.fullmatch(path) else path


class Cell:
    """One container and its end."""

    def __init__(self, brake, stage, end, way):
        self.brake = brake
        self.aws = place.current.aws
        self.stage = stages.ALL[stage]
        self.end = end
        self.builtin = way.endswith("builtin")
        self.way = way.partition(", builtin")[0]
        self.root = Root()
        self.held = None
        self.is_down = threading.Event()
        os.mkfifo(self.root.inside(END))
        # Open for both, so that neither side waits for the other.
        self.fifo = os.open(self.root.inside(END), os.O_RDWR)

    def close(self):
        """Clear away what the cell used; nothing of it may come later."""
        self.brake.release()
        if self.held is not None:
            self.held.kill()
        set_link(True)
        self.aws.release()
        self.settle_account()
        os.close(self.fifo)
        self.root.remove()

    def start(self, way):
        """Start a container of this way, braked."""
        more = {"SSM_ACTIVATE_AGENT": agents.BUILTIN} if self.builtin else {}
        if self.end == "network gone":
            more["SSM_ACTIVATE_DOWN_TIMEOUT"] = "2s"
        held = Container(self.root, WAYS[way], environment(**more))
        self.held = self.brake.call(held.start)
        # Before that a signal is not what it should be to the application.
        wait_until(lambda: "ready" in held.out, "the application", PATIENCE)

    def result(self):
        """Do it all; return what is to be known of it."""
        self.aws.reset()
        if "refused" in self.end:
            self.allow_node()
        self.reach()
        status = self.finish()
        left = self.left()
        result = {"status": status, "left": left,
                  "running": self.running(),
                  "told": len(re.findall(
                      "warn: .*(?:stays on|may stay on) the account",
                      self.held.err))}
        if left:
            result["next"] = self.next_start()
        return result

    def allow_node(self):
        """Give nodes what AWS FIS's documentation gives them."""
        if self.end == "task refused":
            self.aws.policy("node", allow=["ssm:*", "ssmmessages:*",
                                           "ec2messages:*"])

    def reach(self):
        """Start it and wait until it stands at the stage."""
        stage = self.stage
        if not stage.removal:
            (stage.after or stage).prepare(self.aws, self.brake, self.root)
        self.start(self.way)
        if self.way == "demand":
            self.held.wait_line("no node until it is asked for", PATIENCE)
        if self.way == "demand" and stage is not stages.WAITING:
            threading.Thread(target=self.ask, daemon=True).start()
        if stage.removal or stage is stages.UP:
            self.held.wait_line(UP, PATIENCE)
        if stage.removal:
            stage.prepare(self.aws, self.brake, self.root)
            threading.Thread(target=self.down, daemon=True).start()
        if stage.after is not None:
            self.wait_stage(stage.after)
            stage.prepare(self.aws, self.brake, self.root)
            self.aws.release()
        self.wait_stage(stage)

    def wait_stage(self, stage):
        """Wait until it stands there."""
        wait_until(lambda: stage.reached(self.aws, self.brake, self.root),
                   "stage %s" % stage.name, PATIENCE)

    def ask(self):
        """Ask for the node from outside; what comes of it, the log says."""
        self.held.program("up", timeout=PATIENCE)

    def down(self):
        """Have it taken down from outside, as a preStop hook does; the
        application goes on."""
        self.held.program("down", timeout=PATIENCE)
        self.is_down.set()

    def send(self, number):
        """Send PID 1 a signal and wait until it has taken it."""
        bit = 1 << (number - 1)
        self.held.signal(number)
        wait_until(lambda: not int(procfs.status(self.held.pid1).get(
            "ShdPnd", "0"), 16) & bit, "signal taken", PATIENCE)

    def tell(self, code):
        """Let the application end by itself with this status."""
        os.write(self.fifo, b"%d\n" % code)

    def finish(self):
        """End it as this cell ends; return the exit status."""
        {"agent dies": self.lose_agent, "network gone": self.lose_network,
         "task refused": self.refuse, "all refused": self.refuse}.get(
             self.end, self.end_directly)()
        self.brake.release()
        # Without a network nothing gets to the local AWS, nor to us.
        if self.end != "network gone":
            self.aws.release()
        if self.end in ("agent dies", "task refused", "all refused"):
            self.settle_and_stop()
        status = self.held.wait(PATIENCE)
        set_link(True)
        self.aws.release()
        self.settle_account()
        return status

    def end_directly(self):
        """The container is stopped, killed, or the application ends."""
        if self.end == "SIGKILL":
            self.held.kill()
        elif self.end in SIGNALS:
            self.send(SIGNALS[self.end])
        else:
            self.tell(STATUSES[self.end])
        self.wait_noticed()

    def wait_noticed(self):
        """Wait until the program knows of the end, before it goes on."""
        wait_until(self.noticed, "the end noticed", PATIENCE)

    def noticed(self):
        """Tell whether it does; without `down` all ends with PID 1."""
        if self.held.outer.poll() is not None:
            return True
        if self.way == "up":
            return False
        return ("taking the node down" in self.held.err
                or (self.way in INITS and not self.app_runs()))

    def app_runs(self):
        """Tell whether the application is there."""
        return any(name == "busybox" and not procfs.is_zombie(pid)
                   for pid, name in self.held.processes().items())

    def lose_agent(self):
        """The agent ends, and before it ever ran it cannot be started."""
        if self.stage is stages.UP or self.stage.removal:
            for pid in (self.cores() if self.builtin
                        else self.held.find("amazon-ssm-agent")):
                os.kill(pid, signal.SIGKILL)
        else:
            os.chmod(self.root.inside(AGENT), 0)

    def cores(self):
        """Return the core of our own agent; while the node is taken down
        there may be none."""
        if self.stage.removal:
            return agents.cores(self.held)
        return wait_until(lambda: agents.cores(self.held), "the core",
                          PATIENCE)

    def lose_network(self):
        """Nothing comes through any more; then the container stops."""
        set_link(False)
        self.send(signal.SIGTERM)
        self.wait_noticed()

    def refuse(self):
        """AWS takes back every right of the task."""
        self.aws.policy("user", allow=[])

    def settle_and_stop(self):
        """Wait until it has made the best of it; then stop it."""
        if self.stage.removal:
            self.is_down.wait(PATIENCE)
        elif self.stage is not stages.WAITING:
            self.held.wait_line(self.settled(), PATIENCE)
            wait_until(self.come_to_rest, "up, or over", PATIENCE)
        if self.end == "task refused":
            wait_until(self.tidied, "no activation", PATIENCE)
        self.send(signal.SIGTERM)

    def come_to_rest(self):
        """Tell whether there is a node, or the keeper of `up` has ended."""
        lost = self.end == "agent dies" and self.stage is not stages.UP
        up = re.search(UP, self.held.err) and not lost
        return (self.way in INITS or self.stage.removal or up
                or not self.held.find("ssm-activate"))

    def tidied(self):
        """Tell whether the node has deleted its activation, and noted it."""
        return (not self.aws.activations() and stages.saved()(self.root)
                and '"activation"' not in stages.text_of(self.root,
                                                         stages.STATE))

    def settled(self):
        """Return the pattern of the line that says where it came to."""
        if self.end == "agent dies" and self.stage is stages.UP:
            return "runs again"
        if self.end == "agent dies":
            return "amazon-ssm-agent: Permission denied"
        return UP + "|AccessDenied"

    def settle_account(self):
        """Wait until the local AWS has done what it was asked for."""
        wait_until(lambda: not self.aws.held() and all(
            call["status"] is not None or call["fault"]
            for call in self.aws.calls()), "the local AWS", PATIENCE)

    def left(self):
        """Return what is left on the account and on disk, by kind."""
        state = self.aws.state()
        left = ["node"] * len(state["nodes"])
        left += ["activation"] * len(state["activations"])
        found = {kind_of(path) for path in self.root.changes()
                 if self.root.exists(path)}
        return left + sorted(found - {None})

    def running(self):
        """Return what still ran after `down`."""
        if self.way != "up, down" or not self.root.exists("/tmp/running"):
            return ""
        return self.root.read("/tmp/running")

    def next_start(self):
        """Start it again with its files; return what that leaves."""
        self.aws.policy("user", allow=["*"])
        self.aws.post("faults", {"clear": True})
        os.chmod(self.root.inside(AGENT), 0o755)
        if self.way == "demand":
            return self.next_wait()
        self.start("run")
        node = self.held.wait_line(UP, PATIENCE).group(1)
        nodes = [one["InstanceId"] for one in self.aws.nodes()]
        left = [] if nodes == [node] else ["nodes %s" % nodes]
        wait_until(lambda: not self.aws.activations(), "no activation",
                   PATIENCE)
        self.send(signal.SIGTERM)
        status = self.held.wait(PATIENCE)
        left += ["status %d" % status] if status else []
        return left + self.left()

    def next_wait(self):
        """The same on demand: it removes all before it is asked."""
        self.start("demand")
        with contextlib.suppress(Timeout):
            wait_until(lambda: not set(self.left()) - {"socket"},
                       "nothing left")
        self.send(signal.SIGTERM)
        status = self.held.wait(PATIENCE)
        return (["status %d" % status] if status else []) + self.left()

    def story(self):
        """Return what the program said, for a failure's report."""
        calls = ["%s %s %s %s" % (call["operation"], call["status"],
                                  call["code"], call["fault"])
                 for call in self.aws.calls()]
        return "%s\n%s" % (self.held.err if self.held else "",
                           "\n".join(calls))
