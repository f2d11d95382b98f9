# SPDX-License-Identifier: MIT
"""Whose word a file is: AWS's shared files, programs and tokens that the
application can change are taken as the application's, not as root's."""

import os
import signal
import socket
import threading

from case import BIN, SH, SLEEP, Case, environment, procfs, wait_until

APP = ["--user", "1000:1000", "--"]
HOME = "/home/app"
CONFIG = HOME + "/.aws/config"
ROLE = "arn:aws:iam::123456789012:role/app-task-role"
TOKENS = "/var/run/secrets/token"
DATA = TOKENS + "/..2026_01_02"
WARNING = r"warn: .* is read as uid 1000, not as root"
WITHOUT = ["/usr/bin/setpriv", "--bounding-set=-setuid,-setgid",
           "--inh-caps=-setuid,-setgid", "--"]
HELPER = """#!/bin/sh
{ id; cat /proc/self/status; env; } >%s 2>&1
echo '{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}'
"""


class Trust(Case):
    """Files for root's eyes, and those of others."""

    def keys(self):
        """Return the names of the account's keys and their values."""
        return [self.aws.env[name] for name in ("AWS_ACCESS_KEY_ID",
                                                "AWS_SECRET_ACCESS_KEY")]

    def own(self, root, *paths, uid=1000):
        """Give the entries to a user."""
        for path in paths:
            os.chown(root.inside(path), uid, uid, follow_symlinks=False)

    def home(self, root, config, uid=1000):
        """A home folder of the user's, with this as the config file."""
        root.write(CONFIG, config)
        self.own(root, HOME, HOME + "/.aws", CONFIG, uid=uid)
        os.chmod(root.inside(HOME), 0o700)

    def helper(self, root, path="/home/app/helper", uid=1000):
        """A program that gives the account's keys and notes who it is."""
        root.write("/out/seen", "", 0o666)
        root.write(path, HELPER % (("/out/seen",) + tuple(self.keys())),
                   0o755)
        self.own(root, path, uid=uid)
        return "[default]\ncredential_process = %s\n" % path

    def environment(self, **more):
        """No keys but those of the files."""
        return environment(**{"AWS_ACCESS_KEY_ID": None,
                              "AWS_SECRET_ACCESS_KEY": None, "HOME": HOME,
                              **more})

    def live(self, root, env, before=(), pattern="is up"):
        """Live once, up to a line; return what was said."""
        held = self.start(list(before) + [BIN, "run"] + APP + SLEEP, root,
                          env)
        held.wait_line(pattern)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(40), 0, held.err)
        self.assert_account_empty()
        return held.err


class Programs(Trust):
    """credential_process."""

    def assert_ran_as(self, root, uid):
        """The helper had that user's ids, and nothing more."""
        seen = root.read("/out/seen")
        self.assertIn("uid=%d" % uid, seen)
        if uid == 0:
            return
        self.assertIn("gid=%d" % uid, seen)
        self.assertNotIn("groups=0", seen)
        for line in ("NoNewPrivs:\t1", "CapPrm:\t0000000000000000",
                     "CapEff:\t0000000000000000",
                     "CapInh:\t0000000000000000"):
            self.assertIn(line, seen)

    def test_application_home(self):
        """In the application's home: as the application, all variables."""
        root = self.root()
        self.home(root, self.helper(root))
        said = self.live(root, self.environment(DATABASE_URL="db"))
        self.assert_ran_as(root, 1000)
        self.assertIn("DATABASE_URL=db", root.read("/out/seen"))
        self.assert_one_line(said, WARNING)
        self.assertIn('the folder "app" is uid 1000\'s', said)

    def test_made_while_running(self):
        """The application makes the files when the node is up."""
        root = self.root()
        self.own(root, HOME)
        held = self.start([BIN, "run"] + APP + SLEEP, root,
                          environment(task=True, HOME=HOME))
        held.wait_line("is up")
        self.home(root, self.helper(root))
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(40), 0, held.err)
        self.assert_ran_as(root, 1000)
        self.assert_account_empty()

    def test_program_of_the_application(self):
        """Root's file names the application's program."""
        root = self.root()
        root.write("/root/.aws/config", self.helper(root))
        said = self.live(root, self.environment(HOME="/root"))
        self.assert_ran_as(root, 1000)
        self.assertIn("/home/app/helper is run as uid 1000, not as root",
                      said)

    def test_folder_for_everybody(self):
        """Nobody's word: whoever came last."""
        root = self.root()
        os.mkdir(root.inside("/shared"))
        os.chmod(root.inside("/shared"), 0o777)
        root.write("/shared/config", self.helper(root, "/bin/helper", 0))
        self.live(root, self.environment(AWS_CONFIG_FILE="/shared/config"))
        self.assert_ran_as(root, 65534)

    def test_all_of_roots(self):
        """Root's file, root's program, sought in PATH: as root, silently."""
        root = self.root()
        self.helper(root, "/usr/bin/helper", 0)
        root.write("/etc/aws/config",
                   "[default]\ncredential_process = helper\n")
        said = self.live(root, self.environment(
            AWS_CONFIG_FILE="/etc/aws/config"))
        self.assert_ran_as(root, 0)
        self.assertNotIn("uid", said)

    def test_without_setuid(self):
        """Without the capabilities the file is not taken, and CMD runs."""
        root = self.root("debian")
        self.home(root, self.helper(root))
        held = self.start(
            WITHOUT + [BIN, "run", "--"] + SLEEP, root,
            self.environment(AWS_EC2_METADATA_DISABLED="true"))
        held.wait_line("no AWS credentials")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(40), 0, held.err)
        self.assertEqual(root.read("/out/seen"), "")
        self.assert_one_line(held.err, "CAP_SETUID or CAP_SETGID is missing")

    def test_api(self):
        """`api` of root goes the same way."""
        root = self.root()
        self.home(root, self.helper(root))
        held = self.start([SH, "-c", "ssm-activate api sts "
                           "GetCallerIdentity"], root, self.environment())
        self.assertEqual(held.wait(40), 0, held.err)
        self.assertIn("123456789012", held.out)
        self.assert_ran_as(root, 1000)
        self.assertRegex(held.err, WARNING)


class Tokens(Trust):
    """Files of tokens."""

    def listen(self):
        """Take what is sent to the application; return its address, and
        what that is."""
        got = []
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve():
            while True:
                try:
                    peer = server.accept()[0]
                except OSError:
                    return
                peer.settimeout(2)
                try:
                    got.append(peer.recv(65536))
                    got.append(peer.recv(65536))
                except OSError:
                    pass
                peer.close()
        threading.Thread(target=serve, daemon=True).start()
        return "http://127.0.0.1:%d" % server.getsockname()[1], got

    def refuse_shadow(self, root, path):
        """A token that only root may read is neither read nor sent."""
        url, got = self.listen()
        self.own(root, HOME)
        held = self.start([BIN, "run"] + APP + SLEEP, root,
                          environment(task=True, HOME=HOME))
        held.wait_line("is up")
        self.home(root, "[default]\nrole_arn=%s\nendpoint_url=%s\n"
                  "web_identity_token_file=%s\n" % (ROLE, url, path))
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(40), 0, held.err)
        self.assertIn("Permission denied", held.err)
        self.assertNotIn(b"WebIdentityToken", b"".join(got))
        self.assertNotIn(b"root%3A", b"".join(got))

    def test_shadow(self):
        """web_identity_token_file = /etc/shadow."""
        self.refuse_shadow(self.root(), "/etc/shadow")

    def test_shadow_through_a_link(self):
        """A link to it in the application's folder."""
        root = self.root()
        os.symlink("/etc/shadow", root.inside(HOME + "/token"))
        self.refuse_shadow(root, HOME + "/token")

    def volume(self, root, uid, mode):
        """A volume as Kubernetes projects it."""
        root.mount_tmpfs(TOKENS, "1m")
        os.chmod(root.inside(TOKENS), 0o1777)
        root.write(DATA + "/token", "head.body.sign", mode)
        self.own(root, DATA + "/token", uid=uid)
        os.symlink(os.path.basename(DATA), root.inside(TOKENS + "/..data"))
        os.symlink("..data/token", root.inside(TOKENS + "/token"))

    def with_token(self, **more):
        """The environment that EKS sets."""
        return self.environment(
            HOME="/root", AWS_ROLE_ARN=ROLE,
            AWS_WEB_IDENTITY_TOKEN_FILE=TOKENS + "/token", **more)

    def test_projected(self):
        """Root's, or that of runAsUser: no warning."""
        for uid, mode in ((0, 0o644), (0, 0o640), (0, 0o600), (1000, 0o600)):
            with self.subTest(uid=uid, mode=mode):
                root = self.root()
                self.volume(root, uid, mode)
                said = self.live(root, self.with_token())
                self.assertNotIn("uid", said)
                self.assertNotIn("warn:", said)

    def test_link_of_another(self):
        """In the volume a link of the application's leads to root's file."""
        root = self.root()
        self.volume(root, 0, 0o644)
        os.unlink(root.inside(TOKENS + "/token"))
        os.symlink("..data/token", root.inside(TOKENS + "/token"))
        self.own(root, TOKENS + "/token")
        said = self.live(root, self.with_token(), pattern="Permission denied")
        self.assertIn('the link "token" is uid 1000\'s', said)
        self.assertEqual(self.operations(), [])


class Files(Trust):
    """The shared files themselves, and bundles of certificates."""

    def keys_file(self):
        """A credentials file."""
        return "[default]\naws_access_key_id=%s\n" \
            "aws_secret_access_key=%s\n" % tuple(self.keys())

    def test_mounted_from_outside(self):
        """A user's file below a folder that only root may enter."""
        root = self.root()
        os.chmod(root.inside("/root"), 0o700)
        for name in (".aws/credentials", "credentials"):
            path = os.path.join("/root", name)
            with self.subTest(path=path):
                root.write(path, self.keys_file(), 0o600)
                self.own(root, os.path.dirname(path)
                         if name.startswith(".aws") else path, path)
                said = self.live(root, self.environment(
                    HOME="/root", AWS_SHARED_CREDENTIALS_FILE=path))
                self.assertRegex(said, WARNING)

    def test_bundle_is_not_copied_for_all(self):
        """The agent's copy of the bundle holds nothing of root's."""
        root = self.root()
        self.own(root, HOME)
        os.symlink("/etc/shadow", root.inside(HOME + "/ca.pem"))
        held = self.start([BIN, "run"] + APP + SLEEP, root, environment(
            AWS_CA_BUNDLE=HOME + "/ca.pem"))
        held.wait_line("Permission denied")
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(40), 0, held.err)
        for path, content in root.contents():
            self.assertFalse(path.endswith("ca.pem") and b"root:" in content,
                             path)


class Ends(Trust):
    """Programs do not outlive the worker that has started them."""

    def sleeping(self, root):
        """Root's helper, with a child of its own; both sleep."""
        root.write("/bin/slow", "#!/bin/sh\n/bin/sleep 12345 &\n"
                   "exec /bin/sleep 12345\n", 0o755)
        root.write("/root/.aws/config",
                   "[default]\ncredential_process = /bin/slow\n")

    def sleepers(self, held):
        """The helper and its child."""
        return [pid for pid in procfs.descendants(held.pid1)
                if "12345" in procfs.argv(pid)]

    def both(self, held):
        """Wait for them."""
        return wait_until(lambda: len(self.sleepers(held)) == 2
                          and self.sleepers(held), "two that sleep")

    def test_down(self):
        """`down` ends the worker, and with it helper and child."""
        root = self.root()
        self.sleeping(root)
        held = self.start([BIN, "run", "--"] + SLEEP, root, environment(
            task=True, SSM_ACTIVATE_DOWN_TIMEOUT="3s"))
        self.both(held)
        held.program("down")
        wait_until(lambda: not self.sleepers(held), "none that sleeps")

    def test_killed_command(self):
        """`api` is killed where nobody else could end its helper."""
        root = self.root()
        self.sleeping(root)
        held = self.start([SH, "-c", "ssm-activate api sts GetCallerIdentity &"
                           "wait; sleep 300 & wait"], root, environment(
                               AWS_ACCESS_KEY_ID=None,
                               AWS_SECRET_ACCESS_KEY=None))
        self.both(held)
        os.kill(held.find("ssm-activate")[0], signal.SIGKILL)
        wait_until(lambda: not self.sleepers(held), "none that sleeps")
