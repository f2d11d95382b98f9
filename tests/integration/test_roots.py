# SPDX-License-Identifier: MIT
"""The same binary in all kinds of images, and what it writes there."""

import os
import signal
import time
import unittest

import place
from case import BIN, SH, SLEEP, Case, environment, json, wait_until
from roots import GROUP, PASSWD, SHADOW

SUDOERS = "/etc/sudoers.d/ssm-agent-users"
CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
SEELOG = "/etc/amazon/ssm/seelog.xml"
LOG = "/var/lib/ssm-activate/agent.log"
STORE = "/etc/ssl/certs/ca-certificates.crt"


class Kinds(Case):
    """The whole job."""

    def live(self, argv, root, env=None):
        """Come up, go online, go down; nothing is left."""
        held = self.start(argv, root, env)
        node = held.wait_line("(mi-[0-9a-f]+) is up").group(1)
        self.wait_online(node)
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(root)
        self.assertEqual(self.aws.verdicts()["refused"], 0)
        return held

    def test_alpine(self):
        """Busybox: no bundle of roots, no useradd, no /etc/ssl."""
        root = self.root("alpine")
        self.assertFalse(root.exists("/etc/ssl"))
        self.live([BIN, "run", "--"] + SLEEP, root)

    def test_empty(self):
        """Nothing but the binary and the agent."""
        root = self.root("empty")
        self.assertFalse(root.exists("/bin"))
        self.assertFalse(root.exists("/etc/passwd"))
        self.live([BIN, "run"], root)
        # What is not ours alone does not become so.
        for folder in ("/etc", "/home", "/var", "/var/lib"):
            with self.subTest(folder=folder):
                mode = os.stat(root.inside(folder)).st_mode
                self.assertEqual(mode & 0o7777, 0o755)

    def test_debian(self):
        """A whole distribution."""
        self.live([BIN, "run", "--"] + SLEEP, self.root("debian"))

    def test_entrypoints(self):
        """`up` and `down` in the two that have a shell."""
        for kind in ("alpine", "debian"):
            with self.subTest(kind=kind):
                self.aws.reset()
                self.live([SH, "-c", "trap 'ssm-activate down; exit' TERM; "
                           "ssm-activate up; sleep 60 & wait"],
                          self.root(kind))

    def test_ssl_cert_file(self):
        """The user's SSL_CERT_FILE is the agent's, as it is."""
        root = self.root()
        env = environment(AWS_CA_BUNDLE=None, SSL_CERT_FILE="/aws.pem",
                          STANDIN_ENV_DUMP="/tmp/dump")
        self.live([BIN, "run"], root, env)
        if not place.real_agent():
            self.assertIn("SSL_CERT_FILE=/aws.pem\n", root.read("/tmp/dump"))


class Files(Case):
    """What is written."""

    def life(self, root, **variables):
        """Come up and go down; return files as they were meanwhile."""
        held, node = self.run_up(root=root, env=environment(**variables))
        files = dict(root.contents())
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        held.wait()
        self.node = node
        return {path: content.decode() for path, content in files.items()
                if not path.startswith("/var/log")}

    def test_user(self):
        """ssm-user in passwd, group, shadow, with a home; the rest of these
        files byte for byte as before."""
        root = self.root()
        self.life(root)
        self.assertEqual(
            root.read("/etc/passwd"), PASSWD
            + "ssm-user:x:60000:60000::/home/ssm-user:/bin/sh\n")
        self.assertEqual(root.read("/etc/group"), GROUP
                         + "ssm-user:x:60000:\n")
        shadow = root.read("/etc/shadow")
        self.assertEqual(shadow[:len(SHADOW)], SHADOW)
        self.assertRegex(shadow[len(SHADOW):], r"^ssm-user:!:[^\n]*\n$")
        self.check_modes(root)

    def check_modes(self, root):
        """Modes and owners are kept; the home is the user's."""
        for path, mode, owner in (
                ("/etc/passwd", 0o644, (0, 0)), ("/etc/group", 0o644, (0, 0)),
                ("/etc/shadow", 0o640, (0, 42))):
            found = os.stat(root.inside(path))
            self.assertEqual(found.st_mode & 0o7777, mode, path)
            self.assertEqual((found.st_uid, found.st_gid), owner, path)
        home = os.stat(root.inside("/home/ssm-user"))
        self.assertEqual((home.st_uid, home.st_gid), (60000, 60000))
        self.assertEqual(home.st_mode & 0o022, 0)

    def test_user_that_is_there(self):
        """Left as it is."""
        root = self.root()
        text = PASSWD + "ssm-user:x:500:500::/srv:/bin/sh\n"
        root.write("/etc/passwd", text)
        self.life(root)
        self.assertEqual(root.read("/etc/passwd"), text)
        self.assertEqual(root.read("/etc/group"), GROUP)

    def test_user_from_nothing(self):
        """An image without /etc/passwd."""
        root = self.root("empty")
        held = self.start([BIN, "run"], root)
        held.wait_line("is up")
        lines = root.read("/etc/passwd").splitlines()
        self.assertEqual(lines[-1].split(":")[0], "ssm-user")
        self.assertIn("ssm-user", root.read("/etc/group"))

    def test_session_user(self):
        """A second name of the application's user."""
        root = self.root()
        self.life(root, SSM_ACTIVATE_SESSION_USER="1000:1000")
        line = root.read("/etc/passwd")[len(PASSWD):]
        self.assertEqual(line.split(":")[:4],
                         ["ssm-user", "x", "1000", "1000"])
        self.assertEqual(line.split(":")[5], "/home/app")

    def test_no_user_and_no_sudo(self):
        """Switched off: the files of the image stay untouched."""
        root = self.root()
        files = self.life(root, SSM_ACTIVATE_CREATE_USER="false",
                          SSM_ACTIVATE_SUDO="false")
        self.assertEqual([path for path in files
                          if path.startswith("/etc/")
                          and not path.startswith("/etc/amazon/")], [])

    def test_sudoers(self):
        """Right content and mode while up, gone with the node."""
        root = self.root()
        held, _ = self.run_up(root=root)
        self.assertEqual(root.mode(SUDOERS), 0o440)
        lines = [line for line in root.read(SUDOERS).splitlines()
                 if not line.startswith("#")]
        self.assertEqual(lines, ["ssm-user ALL=(ALL) NOPASSWD:ALL"])
        held.program("down")
        self.assertFalse(root.exists(SUDOERS))

    def test_sudoers_of_the_image(self):
        """Somebody else's stays as it is."""
        root = self.root()
        root.write(SUDOERS, "ssm-user ALL=(ALL) /bin/true\n", 0o440)
        self.life(root)
        self.assertEqual(root.read(SUDOERS),
                         "ssm-user ALL=(ALL) /bin/true\n")

    def test_configuration(self):
        """Made where there is none, merged where there is one."""
        root = self.root()
        self.life(root)
        made = json.loads(root.read(CONFIG))
        self.assertEqual(made, {"Profile": {"ShareCreds": False},
                                "Identity": {"ConsumptionOrder": ["OnPrem"]}})
        root = self.root()
        theirs = {"Profile": {"ShareProfile": "x", "ShareCreds": True},
                  "Mds": {"StopTimeoutMillis": 20000, "CommandWorkersLimit":
                          5}, "Agent": {"Region": ""}}
        root.write(CONFIG, json.dumps(theirs), 0o600)
        self.life(root)
        merged = json.loads(root.read(CONFIG))
        self.assertEqual(merged, dict(
            theirs, Profile={"ShareProfile": "x", "ShareCreds": False},
            Identity={"ConsumptionOrder": ["OnPrem"]}))
        self.assertEqual(root.mode(CONFIG), 0o600)

    def test_configuration_that_fits(self):
        """Not written at all when nothing changes."""
        root = self.root()
        text = ('{ "Identity": {"ConsumptionOrder": ["OnPrem"]},\n\n'
                '"Profile": {"ShareCreds": false}}')
        root.write(CONFIG, text)
        before = os.stat(root.inside(CONFIG)).st_mtime_ns
        self.life(root)
        self.assertEqual(root.read(CONFIG), text)
        self.assertEqual(os.stat(root.inside(CONFIG)).st_mtime_ns, before)

    def test_broken_configuration(self):
        """Somebody's broken JSON is named and left alone; no call of AWS."""
        root = self.root()
        root.write(CONFIG, "{ not json")
        held = self.start([BIN, "run", "--"] + SLEEP, root,
                          environment(SSM_ACTIVATE_REQUIRED="true"))
        self.assertNotEqual(held.wait(), 0)
        self.assert_one_line(held.err, "amazon-ssm-agent.json")
        self.assertEqual(root.read(CONFIG), "{ not json")
        self.assertEqual(self.operations(), [])

    @unittest.skipIf(place.real_agent(), "it would obey what we write here")
    def test_log(self):
        """Where there is no seelog.xml the agent writes at once, into the
        state directory, also if it has been told of another; the log goes
        with the node."""
        for stale in (False, True):
            with self.subTest(stale=stale):
                root = self.root()
                root.write(SEELOG + ".template", "<seelog/>\n")
                if stale:
                    self.start_elsewhere(root)
                began = time.monotonic()
                held, _ = self.run_up(root=root)
                held.wait_line("is online")
                self.assertLess(time.monotonic() - began, 5)
                self.assertIn("Set up control", root.read(LOG))
                self.assertEqual(root.mode(os.path.dirname(LOG)), 0o700)
                held.signal(signal.SIGTERM)
                self.assertEqual(held.wait(), 0)
                for path in (SEELOG, LOG, "/var/log/amazon"):
                    self.assertFalse(root.exists(path), path)

    def start_elsewhere(self, root):
        """A start with another state directory, of which all stays."""
        held, _ = self.run_up("--state-dir", "/var/lib/other", root=root)
        held.wait_line("is online")
        held.kill()
        self.aws.reset()

    @unittest.skipIf(place.real_agent(), "it would obey what we write here")
    def test_log_elsewhere(self):
        """The image's own seelog.xml stays and is followed; where it leads
        to no file that is said once."""
        root = self.root()
        mine = ('<seelog type="sync"><outputs><rollingfile type="size" '
                'filename="/srv/log/agent.log"/></outputs></seelog>\n')
        os.makedirs(root.inside("/srv/log"))
        root.write(SEELOG, mine)
        held, _ = self.run_up(root=root)
        held.wait_line("is online")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assertEqual(root.read(SEELOG), mine)
        self.assertNotIn("seelog", held.err)
        root.write(SEELOG, "<seelog><outputs><console/></outputs></seelog>")
        held, node = self.run_up(root=root)
        self.wait_online(node)
        held.wait_line("warn: %s: it writes to no file - " % SEELOG)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_one_line(held.err, "seelog")

    def test_application_profile(self):
        """The application's own credentials file is never touched."""
        root = self.root()
        text = "[default]\naws_access_key_id = x\n"
        root.write("/root/.aws/credentials", text, 0o600)
        self.life(root)
        self.assertEqual(root.read("/root/.aws/credentials"), text)

    def test_log_and_vault(self):
        """The vault is root's alone."""
        root = self.root()
        held, node = self.run_up(root=root)
        store = "/var/lib/amazon/ssm/Vault/"
        for name in ("Manifest", "Store/RegistrationKey",
                     "Store/InstanceFingerprint"):
            self.assertEqual(root.mode(store + name), 0o600, name)
        key = json.loads(root.read(store + "Store/RegistrationKey"))
        self.assertEqual((key["instanceID"], key["region"],
                          key["privateKeyType"]), (node, "eu-west-1", "Rsa"))
        print_ = json.loads(root.read(store + "Store/InstanceFingerprint"))
        self.assertEqual(print_["similarityThreshold"], -1)
        self.assertEqual(print_["fingerprint"],
                         self.aws.nodes()[0]["Fingerprint"])
        held.kill()


@unittest.skipIf(place.real_agent(), "the dump is the stand-in's")
class AgentEnvironment(Case):
    """What sessions see."""

    def dump(self, **variables):
        """Return the agent's environment."""
        root = self.root()
        root.write("/usr/bin/standin.conf", place.STANDIN_CONF
                   + "STANDIN_ENV_DUMP=/tmp/dump\n")
        env = environment(DATABASE_URL="postgres://x", **variables)
        held, _ = self.run_up(root=root, env=env)
        wait_until(lambda: held.root.exists("/tmp/dump.start"), "the dump")
        pairs = (line.partition("=") for line in
                 held.root.read("/tmp/dump").splitlines())
        return held, {name: value for name, _, value in pairs}

    def test_inherit(self):
        """The application's, without what would mislead the agent."""
        held, found = self.dump(AWS_SESSION_TOKEN=None)
        self.assertEqual(found["DATABASE_URL"], "postgres://x")
        self.assertEqual(found["AWS_REGION"], "eu-west-1")
        self.assertTrue(held.root.exists(found["SSL_CERT_FILE"]))
        for name in found:
            self.assertFalse(name.startswith("SSM_ACTIVATE"), name)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                     "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
            self.assertNotIn(name, found)

    def test_roots_of_the_agent(self):
        """The image's own store and the user's bundle, in one file."""
        root = self.root()
        store = "-----BEGIN CERTIFICATE-----\nstore\n"
        root.write(STORE, store)
        held, _ = self.run_up(root=root)
        text = root.read("/var/lib/ssm-activate/ca.pem")
        self.assertIn(store, text)
        self.assertIn(root.read("/aws.pem"), text)
        held.wait_line("is online")

    def test_role_stays(self):
        """Sessions can use the task's role."""
        env = dict(place.current.aws.task_env)
        _, found = self.dump(
            AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
            AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=env[
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
        self.assertIn("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", found)

    def test_minimal(self):
        """Only what the agent needs."""
        _, found = self.dump(SSM_ACTIVATE_AGENT_ENV="minimal",
                             TZ="UTC")
        self.assertNotIn("DATABASE_URL", found)
        self.assertLessEqual(set(found), {
            "PATH", "HOME", "LANG", "TZ", "AWS_REGION", "SSL_CERT_FILE"})
