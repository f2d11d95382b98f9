# SPDX-License-Identifier: MIT
"""Folders, programs and processes that the application may have a hand in:
root keeps to itself what it reads and writes as root."""

import os
import shutil
import signal
import subprocess

import place
from case import (BIN, SH, STATE, VAULT, Case, environment, procfs,
                  wait_until)

FOLDERS = ("/var/lib/ssm-activate", "/var/lib/amazon/ssm", "/etc/amazon/ssm")
CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
TEMPLATE = "/etc/amazon/ssm/seelog.xml.template"
SEELOG = "/etc/amazon/ssm/seelog.xml"
LIVE = "trap 'exit 0' TERM; sleep 300 & wait"
APP = ["--user", "1000:1000", "--"]
# What the application does as long as it may: links, files, folders, renames.
ATTACK = """
trap 'exit 0' TERM
for d in /var/lib/ssm-activate /var/lib/amazon/ssm /etc/amazon/ssm; do
    (while :; do
        for n in state.json lock control failure ca.pem Vault registration \
            amazon-ssm-agent.json seelog.xml seelog.xml.template \
            .ssm-activate.state.json .ssm-activate.probe; do
            ln -s /srv/secret $d/$n; ln -sfn /srv/data $d/$n
            mv $d/$n $d/x; mv $d/x $d/$n; echo '{"Mgs":{}}' >$d/$n
        done
        mv $d ${d%/*}/y; mv ${d%/*} ${d%/*}.y
        touch /tmp/tried.$(echo $d | tr / .)
    done) 2>/dev/null &
done
wait
"""


class Volumes(Case):
    """The three folders, of mode 0777 as the kubelet makes them, or 1777 as
    Docker does."""

    def volumes(self, root, mode=0o777):
        """Put an empty volume on each."""
        for path in FOLDERS:
            root.mount_tmpfs(path, "4m")
            os.chmod(root.inside(path), mode)

    def run_app(self, root, script, **variables):
        """Start a container whose application is uid 1000."""
        return self.start([BIN, "run"] + APP + [SH, "-c", script], root,
                          environment(**variables))

    def plant(self, root, script):
        """Do that as the application, before anything of ours runs."""
        subprocess.run(
            ["/usr/bin/setpriv", "--reuid=1000", "--regid=1000",
             "--clear-groups", SH, "-c", "cd '%s'\n%s" % (root.path, script)],
            check=True, timeout=30)

    def stop(self, held):
        """End the container as an orchestrator does."""
        held.signal(signal.SIGTERM)
        return held.wait(40)

    def assert_taken(self, root):
        """Nobody but root can write in the folders, nor owns what is there."""
        for path in FOLDERS:
            for folder, _, names in os.walk(root.inside(path)):
                for one in [folder] + [os.path.join(folder, name)
                                       for name in names]:
                    with self.subTest(path=one[len(root.path):]):
                        seen = os.lstat(one)
                        self.assertEqual(seen.st_uid, 0)
                        self.assertFalse(os.path.islink(one))
                        self.assertEqual(seen.st_mode & 0o1022, 0)

    def test_are_taken_from_others(self):
        """Mode and owner are mended, and the node comes up."""
        for mode in (0o777, 0o1777, 0o2775):
            with self.subTest(mode=oct(mode)):
                root = self.root()
                self.volumes(root, mode)
                held = self.run_app(root, LIVE)
                self.wait_online(held.wait_line("(mi-[0-9a-f]+) is up")
                                 .group(1))
                self.assert_taken(root)
                self.assertEqual(root.mode("/etc/amazon/ssm"), 0o755)
                self.assertEqual(root.mode("/var/lib/amazon/ssm"), 0o700)
                self.assertEqual(self.stop(held), 0)
                self.assert_clean(root)

    def test_several_lives(self):
        """What the agent keeps of a node goes with it, after a kill too, and
        nothing of others does."""
        root = self.root()
        root.write("/var/lib/amazon/ssm/mi-0123456789abcdef0/mine", "")
        root.write("/srv/precious", "")
        for end in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            held, node = self.run_up(root=root)
            data = "/var/lib/amazon/ssm/%s" % node
            wait_until(lambda data=data: root.exists(
                data + "/document/orchestration/0"), "an output")
            if not root.exists(data + "/link"):
                os.symlink("/srv", root.inside(data + "/link"))
            held.signal(end)
            held.wait()
            self.assertEqual(root.exists(data), end == signal.SIGKILL)
        self.assertEqual(
            [name for name in os.listdir(root.inside("/var/lib/amazon/ssm"))
             if name.startswith("mi-")], ["mi-0123456789abcdef0"])
        self.assertTrue(root.exists("/srv/precious"))

    def test_template_cannot_lead_to_a_secret(self):
        """A link in place of seelog's template is removed."""
        root = self.root()
        self.volumes(root)
        self.plant(root, "ln -s /etc/shadow .%s" % TEMPLATE)
        held = self.run_app(root, LIVE)
        held.wait_line("is up")
        self.assertFalse(root.exists(TEMPLATE))
        self.assertNotIn("root:", root.read(SEELOG))
        self.assert_one_line(held.err, "removed " + TEMPLATE)
        self.stop(held)

    def test_vault_cannot_lead_elsewhere(self):
        """A link in place of the vault is not followed."""
        root = self.root()
        self.volumes(root)
        os.makedirs(root.inside("/srv/data"))
        self.plant(root, "ln -s /srv/data ./var/lib/amazon/ssm/Vault")
        held = self.run_app(root, LIVE)
        held.wait_line("is up")
        self.assertEqual(root.mode("/srv/data"), 0o755)
        self.assertEqual(os.listdir(root.inside("/srv/data")), [])
        self.assertFalse(os.path.islink(root.inside(VAULT)))
        self.stop(held)
        self.assert_clean(root)

    def test_agent_is_not_configured_by_others(self):
        """The application's amazon-ssm-agent.json is not merged."""
        root = self.root()
        self.volumes(root, 0o1777)
        self.plant(root, """echo '{"Mgs":{"Endpoint":"x"}}' >.%s""" % CONFIG)
        held = self.run_app(root, LIVE)
        held.wait_line("is up")
        self.assertNotIn("Endpoint", root.read(CONFIG))
        self.assertEqual(os.lstat(root.inside(CONFIG)).st_uid, 0)
        self.stop(held)

    def test_state_of_others_is_not_obeyed(self):
        """Nothing is asked of AWS about a node that a forged state names."""
        root = self.root()
        self.volumes(root)
        self.plant(root, """echo '{"version":1,"node":"mi-00000000000000001",
            "region":"eu-west-1","begun":true}' >.%s""" % STATE)
        held = self.run_app(root, LIVE)
        held.wait_line("is up")
        self.assertNotIn("DeregisterManagedInstance", self.operations())
        self.stop(held)
        self.assert_clean(root)

    def test_what_is_not_ours_to_remove_is_named(self):
        """There is no node then, and the application runs."""
        root = self.root()
        self.volumes(root)
        self.plant(root, "mkdir ./var/lib/amazon/ssm/Vault")
        for _ in range(2):
            held = self.run_app(root, "sleep 1; exit 3")
            held.wait_line("there is Vault, which uid 1000 put there")
            self.assertEqual(held.wait(), 3)
        self.assertEqual(self.operations(), [])

    def test_folder_of_another_user_is_refused(self):
        """With a line that says what to do."""
        root = self.root()
        self.volumes(root)
        os.chown(root.inside(FOLDERS[1]), 1000, 1000)
        held = self.run_app(root, "sleep 1; exit 3")
        held.wait_line("/var/lib/amazon/ssm belongs to uid 1000")
        self.assertIn("chown 0:0", held.err)
        self.assertEqual(held.wait(), 3)
        self.assertEqual(os.stat(root.inside(FOLDERS[1])).st_uid, 1000)

    def test_earlier_registration_goes_on(self):
        """What an earlier start of the same container left on its volumes."""
        root = self.root()
        self.volumes(root)
        held = self.run_app(root, LIVE)
        node = held.wait_line("(mi-[0-9a-f]+) is up").group(1)
        held.kill()
        held = self.run_app(root, LIVE)
        held.wait_line(node + " is up again")
        self.stop(held)
        self.assert_clean(root)

    def test_link_of_the_image_goes_on(self):
        """/var/lib/amazon that root made a link to a volume."""
        root = self.root()
        root.mount_tmpfs("/data", "4m")
        os.symlink("/data/amazon", root.inside("/var/lib/amazon"))
        os.mkdir(root.inside("/data/amazon"))
        os.chmod(root.inside("/data"), 0o755)
        held = self.run_app(root, LIVE)
        held.wait_line("is up")
        self.assertTrue(root.exists("/data/amazon/ssm/Vault/Manifest"))
        self.stop(held)

    def test_shared_folder_stays_shared(self):
        """A state directory of /tmp is refused, and /tmp is as it was."""
        root = self.root()
        os.chmod(root.inside("/tmp"), 0o1777)
        held = self.run_app(root, "sleep 1; exit 3",
                            SSM_ACTIVATE_STATE_DIR="/tmp")
        held.wait_line("/tmp is a folder that everybody shares")
        self.assertEqual(held.wait(), 3)
        self.assertEqual(root.mode("/tmp"), 0o1777)

    def test_attacks_all_the_time(self):
        """The application never becomes more than it is, and nothing outside
        the folders is read or written."""
        for mode in (0o777, 0o1777):
            root = self.root()
            self.volumes(root, mode)
            os.makedirs(root.inside("/srv/data"))
            root.write("/srv/secret", "secret of root", 0o600)
            os.chmod(root.inside("/tmp"), 0o1777)
            for _ in range(3):
                held = self.run_app(root, ATTACK,
                                    SSM_ACTIVATE_TIMEOUT="5s")
                wait_until(lambda: "is up" in held.err
                           or "no_access" in held.err
                           or "fix" in held.err, "an outcome", 60)
                wait_until(lambda: len([
                    name for name in os.listdir(root.inside("/tmp"))
                    if name.startswith("tried.")]) == 3, "attacks")
                for name in os.listdir(root.inside("/tmp")):
                    os.unlink(os.path.join(root.inside("/tmp"), name))
                self.assertEqual(
                    [pid for pid in held.find("busybox")
                     if procfs.uids(pid) not in ([], [1000] * 4)], [])
                self.assertEqual(self.stop(held), 0)
            self.assertEqual(root.read("/srv/secret"), "secret of root")
            self.assertEqual(root.mode("/srv/secret"), 0o600)
            self.assertEqual(root.mode("/srv/data"), 0o755)
            self.assertEqual(os.listdir(root.inside("/srv/data")), [])
            for path in FOLDERS[:1] + FOLDERS[2:]:
                for _, found in root_files(root.inside(path)):
                    self.assertNotIn("secret of root", found)
            self.assert_account_empty()


# uid 1000 listens where a keeper would and answers with a struct of the right
# length whose texts have no end.
FAKE_KEEPER = """
import os, socket, sys
os.setgid(1000)
os.setuid(1000)
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
server.listen(4)
while True:
    peer = server.accept()[0]
    try:
        peer.recv(1)
        peer.send(b"DMSS" + b"\\x1bA" * 1450)
    except OSError:
        pass
    peer.close()
"""


class Strangers(Case):
    """Programs, processes and sockets of the application's."""

    def test_nobody_answers_in_the_keepers_place(self):
        """What a stranger says is not shown, and `down` does not end well."""
        root = self.root("debian")
        os.makedirs(root.inside("/var/lib/ssm-activate"), exist_ok=True)
        os.chmod(root.inside("/var/lib/ssm-activate"), 0o777)
        root.write("/tmp/fake.py", FAKE_KEEPER)
        held = self.start(
            ["/usr/bin/python3", "/tmp/fake.py",
             "/var/lib/ssm-activate/control"], root)
        wait_until(lambda: root.exists("/var/lib/ssm-activate/control"),
                   "a socket")
        done = held.program("status")
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertIn("is not root's", done.stdout)
        self.assertEqual(held.program("down").returncode, 71)

    def test_log_of_up_goes_into_no_file_of_another_user(self):
        """Descriptor 2 of a PID 1 that is not root may be any file."""
        root = self.root()
        root.write("/etc/profile", "# system\n")
        held = self.start([BIN, "run"] + APP + [
            SH, "-c", "exec 2</etc/profile; touch /tmp/ready; sleep 300"],
            root, environment(SSM_ACTIVATE="off"))
        wait_until(lambda: root.exists("/tmp/ready"), "PID 1")
        self.assertEqual(held.program("up", env=environment()).returncode, 0)
        self.assertEqual(held.program("down").returncode, 0)
        self.assertEqual(root.read("/etc/profile"), "# system\n")

    def test_agent_is_not_taken_from_others(self):
        """A folder of PATH in which the application can write is left out."""
        root = self.root()
        # Under an emulator the program itself is below /.foreign.
        for top in ("", "/.foreign"):
            os.makedirs(root.inside(top + "/opt/ssm"), exist_ok=True)
            for name in place.AGENT_FILES + ("standin.conf",):
                if root.exists(top + "/usr/bin/" + name):
                    os.rename(root.inside(top + "/usr/bin/" + name),
                              root.inside(top + "/opt/ssm/" + name))
        os.chown(root.inside("/home/app"), 1000, 1000)
        root.write("/home/app/amazon-ssm-agent",
                   "#!/bin/sh\nid >/run/ran\n", 0o755)
        os.chown(root.inside("/home/app/amazon-ssm-agent"), 1000, 1000)
        held = self.start(
            [BIN, "run"] + APP + [SH, "-c", LIVE], root,
            environment(PATH="/home/app:/opt/ssm:/usr/local/bin:/bin"))
        held.wait_line("is up")
        self.assertFalse(root.exists("/run/ran"))
        self.assert_one_line(held.err, "an amazon-ssm-agent is not used: /home/app "
                                       "belongs to uid 1000")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(40), 0)

    def test_a_name_is_no_session(self):
        """What is only called like a session does not keep the node, and is
        not killed with the agent; a process of root's neither."""
        for user in (APP, ["--"]):
            root = self.root("debian")
            os.makedirs(root.inside("/srv/app"), exist_ok=True)
            shutil.copy("/bin/sleep",
                        root.inside("/srv/app/ssm-session-worker"))
            held = self.start([BIN, "run"] + user + [
                SH, "-c", "/srv/app/ssm-session-worker 99 & " + LIVE], root,
                environment(SSM_ACTIVATE_TTL="2s",
                            SSM_ACTIVATE_TTL_GRACE="10m"))
            held.wait_line("is over")
            self.wait_forgotten(root)
            self.assertEqual(len(held.find("ssm-session-worker")), 1)
            held.signal(signal.SIGTERM)
            self.assertEqual(held.wait(40), 0)


def root_files(folder):
    """Yield (path, text) of the regular files below."""
    for above, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(above, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    yield path, file.read()
