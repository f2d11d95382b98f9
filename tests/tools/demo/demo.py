# SPDX-License-Identifier: MIT
"""The whole job against a local AWS; demo.sh starts it.

Inside namespaces of its own it may do everything.  With --alone it runs as
whoever called it, on the machine itself, and shows what needs no root.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "lib", "fake"))
import client  # noqa: E402
from container import Container, Unexpected, wait_until  # noqa: E402
from screen import Screen  # noqa: E402
from sessionclient import SessionClient, SessionError  # noqa: E402
from signing import Client  # noqa: E402

# The stand-in takes as long as the real agent unless it is told otherwise.
QUICK = {"STANDIN_START_MS": "100", "STANDIN_STOP_MS": "300"}

PROMPT = rb"[$#] "
NODE = "mi-[0-9a-f]{17}"
PORT = "AWS-StartPortForwardingSession"
README = os.path.join(HERE, "..", "..", "..", "README.md")

WHO = {"task": "the task's role", "node": "the node's own key",
       None: "nobody: the activation's code is the proof"}


def recordings():
    """Return what README shows of a container's log, a list of lines each,
    with one id for all nodes."""
    with open(README, encoding="utf-8") as file:
        blocks = re.findall(r"^```text\n(.*?)^```", file.read(), re.M | re.S)
    return [re.sub(NODE, "mi-", block).splitlines() for block in blocks]


class Demo:
    """One telling of the story."""

    def __init__(self, options, aws, screen):
        self.program = options.program
        self.agent = options.agent
        self.scratch = options.scratch
        self.aws = aws
        self.screen = screen
        self.authority = os.path.join(aws.dir, "ca.pem")
        # As ECS does, plus the certificate of an AWS that is none.
        self.env = dict(aws.task_env, AWS_CA_BUNDLE="/etc/local-aws.pem",
                        **QUICK)
        del self.env["AWS_ENDPOINT_URL"]

    def container(self, kind, argv, **env):
        """Show the command line and start it as PID 1 of a container."""
        shown = [name + "=" + shlex.quote(value)
                 for name, value in sorted(env.items())]
        self.screen.command(" ".join(shown + [shlex.join(argv)]))
        root = os.path.join(self.scratch, "root")
        os.makedirs(root, exist_ok=True)
        return Container(
            [os.path.join(HERE, "container.sh"), kind, root, self.program,
             self.agent, self.authority] + argv,
            dict(self.env, **env), self.screen.line)

    def online(self, seconds=30):
        """Wait for one node that is Online, and return it."""
        def question():
            nodes = self.aws.nodes()
            return nodes if [node["PingStatus"] for node in nodes] == [
                "Online"] else None
        return wait_until(question, seconds, "a node that is online")[0]

    def calls(self, since):
        """Show the calls of AWS since a number, with their signers."""
        wanted = ("CreateActivation", "RegisterManagedInstance",
                  "DeleteActivation", "RequestManagedInstanceRoleToken",
                  "UpdateInstanceInformation", "DeregisterManagedInstance")
        for call in self.aws.calls():
            if call["n"] > since and call["operation"] in wanted:
                self.screen.line("%-32s %d  connection %d, signed by %s" % (
                    call["operation"], call["status"], call["connection"],
                    WHO.get(call["principal"], call["principal"])))

    def session(self, node, words, *commands):
        """Show a session: a shell, and what it answers."""
        self.screen.command("aws ssm start-session --target %s" % node)
        with SessionClient(Client(self.aws), node) as shell:
            shell.expect(PROMPT)
            for command in commands:
                shell.write(command.encode() + b"\n")
                shell.expect(PROMPT)
            shell.write(b"exit\n")
            shell.ended()
            said = shell.output.decode(errors="replace")
        # The shell asks the terminal where its cursor is.
        said = said.replace("\r", "").replace("\033[6n", "")
        self.screen.lines(said.splitlines())
        for pattern in words:
            if not re.search(pattern, said):
                raise Unexpected("the session did not say '%s'" % pattern)

    def port(self, node):
        """Show a connection to a port in the container."""
        server = socket.create_server(("127.0.0.1", 0))
        number = server.getsockname()[1]
        threading.Thread(target=self.greet, args=(server,),
                         daemon=True).start()
        self.screen.command(
            "aws ssm start-session --target %s --document-name %s "
            "--parameters portNumber=%d" % (node, PORT, number))
        with SessionClient(Client(self.aws), node, PORT,
                           portNumber=number) as one:
            said = one.started_up().mux.open().read(5)
        self.screen.line("from the port: %s" % said.decode())
        server.close()

    @staticmethod
    def greet(server):
        """Say a word to whoever connects, once."""
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"hello")

    def compare(self, box):
        """README's recording is what the container printed."""
        printed = [re.sub(NODE, "mi-", line) for line in box.output.lines]
        for line in sum(recordings(), []):
            if line not in printed:
                raise Unexpected("README.md shows what is not printed: "
                                 + line)
        self.screen.good("README.md shows these lines.")

    def mark(self):
        """Return the number of the last call so far."""
        return max([call["n"] for call in self.aws.calls()], default=0)

    def expect_empty(self):
        """Show the account, which must hold nothing."""
        state = self.aws.state()
        self.screen.account(state)
        if state["nodes"] or state["activations"]:
            raise Unexpected("something was left on the account")

    def expect_status(self, container, wanted):
        """Wait for the end, which must have this status."""
        status = container.end()
        self.screen.text("The container ended with status %d." % status)
        if status != wanted:
            raise Unexpected("the status should have been %d" % wanted)

    def show_off(self):
        """Show that without SSM_ACTIVATE nothing happens at all."""
        self.screen.step("Without SSM_ACTIVATE=true nothing happens")
        self.screen.text("`run` becomes the command: PID 1 is the shell, and "
                         "AWS is not called.")
        mark = self.mark()
        with self.container("debian", [
                "ssm-activate", "run", "--", "sh", "-c",
                'echo "pid $$ is $(readlink /proc/$$/exe)"']) as box:
            self.expect_status(box, 0)
        if self.mark() != mark:
            raise Unexpected("AWS was called")

    def show_run(self):
        """Show the recommended form, from start to stop."""
        self.screen.step("ssm-activate as PID 1, from start to stop, with "
                         "AWS's agent in the image")
        mark = self.mark()
        with self.container("debian", ["ssm-activate", "run", "--", "app"],
                            SSM_ACTIVATE="true",
                            SSM_INSTANCE_NAME="{family}/{container}") as box:
            node = self.online()
            box.wait_line("is online")
            box.wait_line("is up")
            self.screen.text("The application runs, the node is up. What AWS "
                             "was asked:")
            self.calls(mark)
            self.screen.account(self.aws.state())
            self.screen.text("Its tags:", ", ".join(
                sorted(node["Tags"])) + ".")
            self.screen.text("Inside the container:")
            self.screen.command("ssm-activate status")
            self.screen.lines(box.run(["ssm-activate", "status"]))
            self.screen.command("ps -e -o pid,ppid,user,args")
            self.screen.lines(
                line for line in box.run(
                    ["ps", "-e", "-o", "pid,ppid,user,args"])
                if "ps -e" not in line and "sleep" not in line)
            mark = self.mark()
            self.screen.text("Now the container is stopped: TERM to PID 1.")
            begun = time.monotonic()
            box.signal(signal.SIGTERM)
            self.expect_status(box, 0)
            self.screen.text("That took %.1f seconds." %
                             (time.monotonic() - begun))
        self.calls(mark)
        self.expect_empty()

    def show_entrypoint(self):
        """Show up and down in a script that is PID 1 itself."""
        self.screen.step("up and down in an entrypoint that stays PID 1")
        with open(os.path.join(HERE, "image", "entrypoint"),
                  encoding="utf-8") as file:
            self.screen.lines(line for line in file.read().splitlines()
                              if not line.startswith("#"))
        with self.container("debian", ["entrypoint"],
                            SSM_ACTIVATE="true") as box:
            self.expect_status(box, 0)
            if box.output.find("this container is mi-") is None:
                raise Unexpected("up printed no node id")
        self.expect_empty()

    def show_small(self):
        """Show an image that has next to nothing in it."""
        if shutil.which("busybox") is None:
            self.show_nothing()
            return
        self.screen.step("One COPY line: an image with busybox and our file")
        self.screen.text("Nothing of AWS's: the program is its own agent. No "
                         "CA certificates, no useradd, no libc, no sudo.")
        with self.container("busybox", ["ssm-activate", "run", "--", "app"],
                            SSM_ACTIVATE="true") as box:
            node = self.online()
            box.wait_line("is online")
            self.screen.account(self.aws.state())
            self.screen.text("A session, which needs a user; it was made:")
            self.session(node["InstanceId"], [r"uid=\d+\(ssm-user\)"], "id")
            box.signal(signal.SIGTERM)
            self.expect_status(box, 0)
        self.compare(box)
        self.expect_empty()
        self.show_nobody()
        self.show_nothing()

    def show_nobody(self):
        """Show the same with the fewest rights."""
        self.screen.step("The same as uid 1000, without a capability, on a "
                         "read-only root")
        with self.container("nobody", ["ssm-activate", "run", "--", "app"],
                            SSM_ACTIVATE="true") as box:
            node = self.online()
            box.wait_line("is online")
            self.session(node["InstanceId"],
                         ["uid=1000", "Read-only file system", r"0{16}"],
                         "id", "grep CapEff /proc/self/status",
                         "touch /tmp/file")
            box.signal(signal.SIGTERM)
            self.expect_status(box, 0)
        self.expect_empty()

    def show_nothing(self):
        """Show a root folder that holds our file only: a sidecar."""
        self.screen.step("An image with nothing but our file: a sidecar")
        with self.container("empty", ["/usr/local/bin/ssm-activate", "run"],
                            SSM_ACTIVATE="true") as box:
            node = self.online()
            box.wait_line("is online")
            self.screen.account(self.aws.state())
            self.screen.text("It has no shell, which a session says; ports of "
                             "the container can be reached:")
            self.port(node["InstanceId"])
            box.signal(signal.SIGTERM)
            self.expect_status(box, 0)
        self.expect_empty()

    def show_failure(self):
        """Show that a failure does not take the application down."""
        self.screen.step("AWS says no: the application runs all the same")
        allowed = self.aws.state()["policies"]["task"]["allow"]
        self.aws.policy("task", allow=[
            name for name in allowed if name != "ssm:CreateActivation"])
        app = ["ssm-activate", "run", "--", "sh", "-c",
               'sleep 1; echo "app: my work is done"; exit 7']
        with self.container("debian", app, SSM_ACTIVATE="true") as box:
            self.expect_status(box, 7)
            if box.output.find("my work is done") is None:
                raise Unexpected("the application did not run")
        self.screen.text("7 is the application's own. With REQUIRED, 77 says "
                         "that AWS refused:")
        app[-1] = "sleep 30"
        with self.container("debian", app, SSM_ACTIVATE="true",
                            SSM_ACTIVATE_REQUIRED="true") as box:
            self.expect_status(box, 77)
        self.aws.policy("task", allow=allowed)
        self.expect_empty()

    def show_end(self):
        """Say what the account saw."""
        self.screen.step("The end")
        verdicts, state = self.aws.verdicts(), self.aws.state()
        self.screen.text(
            "Signatures checked: %d (%d HMAC, %d RSA-PSS), refused: %d. "
            "Activations made and deleted: %d. Nodes registered and removed: "
            "%d." % (
                verdicts["signed"], verdicts["hmac"], verdicts["rsa"],
                verdicts["refused"], len(state["deleted_activations"]),
                len(state["deregistered_nodes"])))
        self.expect_empty()
        if verdicts["refused"]:
            raise Unexpected("a signature was refused")
        self.screen.good("The account is empty, as it was at the beginning.")

    def tell(self):
        """Tell the whole story."""
        self.screen.step("An account without nodes and activations")
        self.expect_empty()
        self.show_off()
        self.show_run()
        self.show_entrypoint()
        self.show_small()
        self.show_failure()
        self.show_end()


class Alone(Demo):
    """What can be shown without root, on the machine itself."""

    def __init__(self, options, aws, screen):
        super().__init__(options, aws, screen)
        self.env = aws.environment(task=True)

    def run(self, argv, wanted=0, **env):
        """Run the program and show what it says."""
        shown = [name + "=" + shlex.quote(value)
                 for name, value in sorted(env.items())]
        self.screen.command(" ".join(shown + ["ssm-activate",
                                              shlex.join(argv)]))
        done = subprocess.run(
            [self.program] + argv, env=dict(self.env, **env),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=30)
        text = done.stdout.decode(errors="replace")
        self.screen.lines(text.splitlines())
        if done.returncode != wanted:
            raise Unexpected("it ended with %d" % done.returncode)
        return text

    def tell(self):
        """Tell what needs no root."""
        screen = self.screen
        screen.step("An account without nodes and activations")
        self.expect_empty()
        screen.step("Without SSM_ACTIVATE=true `run` becomes the command")
        self.run(["run", "--", "sh", "-c",
                  'echo "pid $$ is $(readlink /proc/$$/exe)"'])
        screen.step("Signed calls with the task's credentials")
        self.run(["api", "sts", "GetCallerIdentity"])
        role = '{"IamRole":"SSMServiceRole"}'
        self.run(["api", "ssm", "CreateActivation", "--body", role])
        screen.account(self.aws.state())
        ident = self.aws.activations()[0]["ActivationId"]
        self.run(["api", "ssm", "DeleteActivation", "--body",
                  '{"ActivationId":"%s"}' % ident])
        self.expect_empty()
        if os.geteuid() == 0:
            # Without a namespace it would be this machine that is changed.
            self.show_end()
            return
        screen.step("A node needs no root")
        said = self.run(
            ["run", "--", "sh", "-c",
             "i=0; until %s status | grep -q ', online,'; do sleep 0.1; "
             "i=$((i + 1)); [ $i -lt 100 ] || exit 1; done; "
             "echo 'app: my work is done'; exit 7"
             % shlex.quote(self.program)], wanted=7, SSM_ACTIVATE="true",
            SSM_ACTIVATE_STATE_DIR=os.path.join(self.scratch, "state"))
        if "is up with the builtin agent" not in said:
            raise Unexpected("there was no node")
        self.expect_empty()
        self.show_end()


def set_up_network():
    """Give the namespace's lo the addresses that ECS has for containers."""
    def ip(*words):
        subprocess.run(("ip",) + words, check=True, timeout=10)
    ip("link", "set", "lo", "up")
    for address in ("169.254.170.2", "169.254.170.23", "169.254.169.254"):
        ip("address", "add", address + "/32", "dev", "lo")


def version_of(agent):
    """Return what the agent says about its version."""
    done = subprocess.run(
        [os.path.join(agent, "amazon-ssm-agent"), "-version"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=15)
    lines = done.stdout.decode(errors="replace").splitlines()
    return lines[0] if lines else "a version that it does not tell"


def parse_arguments():
    """Return the options; demo.sh gives them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--alone", metavar="WHY")
    return parser.parse_args()


def introduce(options, screen):
    """Say what is used, and what is not."""
    size = os.stat(options.program).st_size
    kind = ("the stand-in of this repository"
            if options.agent.startswith(options.scratch)
            else version_of(options.agent))
    screen.text("ssm-activate, %d bytes, static; amazon-ssm-agent: %s." % (
        size, kind))
    screen.text("AWS is played by tests/lib/fake on this machine: it checks every "
                "signature and keeps an account. Nothing leaves the machine.")
    if options.alone:
        screen.bad("Containers are not possible here: %s. So this shows only "
                   "what needs none." % options.alone)


def main():
    """Tell the story; the status is 0 only if all was as it should be."""
    options = parse_arguments()
    screen = Screen()
    introduce(options, screen)
    if not options.alone:
        set_up_network()
    story = Alone if options.alone else Demo
    try:
        with client.FakeAws(dir=os.path.join(options.scratch, "aws"),
                            link_local=not options.alone) as aws:
            story(options, aws, screen).tell()
    except (Unexpected, RuntimeError, SessionError,
            subprocess.SubprocessError) as error:
        screen.bad("Not as it should be: %s" % error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
