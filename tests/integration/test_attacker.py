# SPDX-License-Identifier: MIT
"""An application that tries everything, in one life: it stays the user that it
is, and the node comes up and is removed as ever."""

import os
import shutil
import signal

import attacker
import place
from case import BIN, Case, environment, procfs, wait_until

HOME = attacker.HOME
CONFIG = HOME + "/conf"
PATH = HOME + "/bin:/opt/ssm:/usr/local/bin:/usr/bin:/bin"
PROGRAM = ["/usr/bin/python3", "/srv/app/attacker.py"]
TRIED = ("sudo", "volumes", "search", "peers", "worker", "pretend")
ROLE = """[default]
role_arn = arn:aws:iam::123456789012:role/app-task-role
web_identity_token_file = %s
endpoint_url = http://127.0.0.1:9999
""" % attacker.SECRET_FILE
PROCESS = "[default]\ncredential_process = %s/bin/helper\n" % HOME
NOTE = "#!/bin/sh\n/usr/bin/id -u >>/out/ran\n"


class Attacker(Case):
    """A whole life, from before the first one to after the node's end."""

    def put(self, root, path, text, uid, mode=0o644):
        """A file of the application's."""
        root.write(path, text, mode)
        os.chown(root.inside(path), uid, uid)

    def home(self, root, uid):
        """All that the image's HOME, PATH and AWS_CONFIG_FILE lead to."""
        keys = tuple(self.aws.env[name] for name in (
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
        self.put(root, CONFIG, PROCESS, uid)
        self.put(root, HOME + "/.aws/config", ROLE, uid)
        self.put(root, HOME + "/bin/helper", NOTE + "echo '{\"Version\":1,"
                 "\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\"}'\n"
                 % keys, uid, 0o755)
        self.put(root, HOME + "/bin/amazon-ssm-agent", NOTE
                 + "exec sleep 300\n", uid, 0o755)
        for name in place.AGENT_FILES[1:]:
            os.symlink("/opt/ssm/" + name, root.inside(HOME + "/bin/" + name))
        for folder in ("", "/bin", "/.aws"):
            os.chown(root.inside(HOME + folder), uid, uid)

    def image(self, uid, mode):
        """The root, in which an agent is in PATH alone."""
        root = self.root("debian")
        shutil.copytree(place.current.path("common/usr/bin"),
                        root.inside("/opt/ssm"))
        for name in os.listdir(place.current.path("common/usr/bin")):
            os.unlink(root.inside("/usr/bin/" + name))
        with open(attacker.__file__, encoding="utf-8") as file:
            root.write(PROGRAM[1], file.read())
        root.write(attacker.SECRET_FILE, attacker.SECRET.decode() + "\n",
                   0o600)
        root.write("/out/ran", "", 0o666)
        os.makedirs(root.inside("/srv/data"))
        os.makedirs(root.inside("/tmp"), exist_ok=True)
        root.mount_tmpfs("/tmp", "4m")
        os.chmod(root.inside("/tmp"), 0o1777)
        self.home(root, uid)
        if mode is not None:
            self.volumes(root, uid, mode)
        return root

    def volumes(self, root, uid, mode):
        """Volumes in which the application has been before."""
        for path in attacker.NAMES:
            root.mount_tmpfs(path, "4m")
            os.chmod(root.inside(path), mode)
        held = self.start(["/usr/bin/setpriv", "--reuid=%d" % uid,
                           "--regid=%d" % uid, "--clear-groups", "--"]
                          + PROGRAM + ["once"], root)
        self.assertEqual(held.wait(), 0, held.err)
        os.unlink(root.inside("/tmp/tried.volumes"))

    def told(self, held, uid):
        """Root asks, whatever the application has put where."""
        said = ""
        for text in (ROLE, None, PROCESS):
            os.unlink(held.root.inside(CONFIG))
            if text is None:
                os.symlink(attacker.SECRET_FILE, held.root.inside(CONFIG))
            else:
                self.put(held.root, CONFIG, text, uid)
            done = held.program("api", "sts", "GetCallerIdentity")
            said += done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        return said

    def live(self, user, uid, mode=None):
        """One life; the network worker is held until all was tried."""
        root = self.image(uid, mode)
        self.aws.fault(operation="CreateActivation", hold="asked")
        held = self.start(
            [BIN, "run", "--user", user, "--"] + PROGRAM, root,
            environment(task=True, HOME=HOME, AWS_CONFIG_FILE=CONFIG,
                        PATH=PATH))
        for name in TRIED:
            wait_until(lambda name=name: root.exists("/tmp/tried." + name),
                       name, 30)
        wait_until(self.aws.held, "a request")
        self.aws.release()
        node = held.wait_line("(mi-[0-9a-f]+) is up", 60).group(1)
        said = self.told(held, uid)
        self.assertEqual(self.status(held)[0]["node"], node)
        self.assertEqual(held.program("down").returncode, 0, held.err)
        self.wait_forgotten(root)
        self.assertEqual(len(held.find("ssm-session-worker")), 1)
        self.assert_stayed(held, uid)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertNotIn(attacker.SECRET.decode(), said + held.err)
        self.assert_untouched(root, uid)
        self.assert_account_empty()

    def assert_stayed(self, held, uid):
        """Whatever runs of the application's is the application's user's."""
        for pid in procfs.descendants(held.pid1):
            if procfs.program(pid) not in ("ssm-activate", "sudo", ""):
                # One that has just ended has none.
                self.assertIn(procfs.uids(pid), ([], [uid] * 4),
                              procfs.argv(pid))

    def assert_untouched(self, root, uid):
        """Nothing was run, read, or changed as root."""
        self.assertNotIn("ESCAPED", self.held[-1].out)
        self.assertEqual(set(root.read("/out/ran").split()), {str(uid)})
        self.assertEqual(root.read(attacker.SECRET_FILE),
                         attacker.SECRET.decode() + "\n")
        self.assertEqual(root.mode(attacker.SECRET_FILE), 0o600)
        self.assertEqual(root.mode("/srv/data"), 0o755)
        self.assertEqual(os.listdir(root.inside("/srv/data")), [])

    def test_number(self):
        """A uid that nobody in passwd has."""
        self.live("1000:1000", 1000)

    def test_volumes_for_everybody(self):
        """As an emptyDir of Kubernetes."""
        self.live("1000:1000", 1000, 0o777)

    def test_sticky_volumes(self):
        """As `docker run --tmpfs`."""
        self.live("1000:1000", 1000, 0o1777)

    def test_nobody(self):
        """65534 is an application's uid like any other."""
        self.live("nobody", 65534)
