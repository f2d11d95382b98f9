"""Each thing that can be wrong: one clear line, the application unharmed,
the right status when access is required, and nothing left."""

import os
import signal
import unittest

from case import BIN, NODE, SH, Case, environment, wait_until

WAITING = [SH, "-c", "echo started; trap 'exit 9' TERM; sleep 60 & wait"]
NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
QUICK = {"SSM_ACTIVATE_GIVE_UP": "1s"}


class Wrong(Case):
    """The four ways to meet a failure: `run` and `up`, required or not."""

    def check(self, gist, code, variables, prepare=None, kind="alpine",
              calls=True):
        """Meet it in all four ways."""
        for way in (self.run_open, self.run_required, self.up_open,
                    self.up_required):
            with self.subTest(way=way.__name__):
                self.aws.reset()
                root = self.root(kind)
                if prepare is not None:
                    prepare(root)
                way(root, gist, code, environment(**variables))
                self.assert_clean(root)
                if not calls:
                    self.assertEqual(self.operations(), [])

    def run_open(self, root, gist, code, env):
        """CMD runs; its status is the container's."""
        held = self.start([BIN, "run", "--"] + WAITING, root, env)
        wait_until(lambda: held.out == "started\n", "the command")
        held.wait_line("warn: .*" + gist)
        held.wait_line(gist)
        shown = wait_until(lambda: self.failed(held), "the verdict")
        self.assertEqual(shown["error"]["code"], code)
        self.assertRegex("%(message)s - %(fix)s" % shown["error"], gist)
        self.assertFalse(shown["up"])
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 9)
        self.check_lines(held.err, gist)

    def failed(self, held):
        """Return the status once it is settled."""
        shown, code = self.status(held)
        self.assertEqual(code, 0)
        return shown if shown["phase"] == "down" else None

    def run_required(self, root, gist, code, env):
        """CMD does not start, or is stopped; the status says why."""
        env["SSM_ACTIVATE_REQUIRED"] = "true"
        held = self.start([BIN, "run", "--"] + WAITING, root, env)
        self.assertEqual(held.wait(), code)
        self.check_lines(held.err, gist)
        self.assertRegex(held.err, "error: .*" + gist)

    def up_open(self, root, gist, _, env):
        """0, and nothing on standard output."""
        held = self.start(self.entry(), root, env)
        wait_until(lambda: "status" in held.out, "up")
        self.assertEqual(held.out, "status 0\n", held.err)
        self.check_lines(held.err, gist)

    def up_required(self, root, gist, code, env):
        """The code, and nothing on standard output."""
        env["SSM_ACTIVATE_REQUIRED"] = "true"
        held = self.start(self.entry(), root, env)
        wait_until(lambda: "status" in held.out, "up")
        self.assertEqual(held.out, "status %d\n" % code, held.err)
        self.check_lines(held.err, gist)

    @staticmethod
    def entry():
        """Return an entrypoint that shows the status of `up`."""
        return [SH, "-c", "ssm-activate up; echo status $?; sleep 60"]

    def check_lines(self, text, gist):
        """One line says it for good; tries before it may say it, too."""
        lines = [line for line in text.splitlines()
                 if not line.startswith("ssm-activate: info: ")]
        self.assertRegex("\n".join(lines), gist)
        self.assertLessEqual(len(lines), 4, text)
        for line in lines:
            self.assertRegex(line, "^ssm-activate: (warn|error): ")


class Settings(Wrong):
    """Refused before any call."""

    def test_name_too_long(self):
        """Of the node."""
        self.check("SSM_INSTANCE_NAME|name.*256", 78,
                   {"SSM_INSTANCE_NAME": "x" * 300}, calls=False)

    def test_bad_tag(self):
        """No value, and a key that is too long."""
        for tags in ("nothing", "k" * 129 + "=1"):
            self.check("SSM_ACTIVATE_TAGS|tag", 78,
                       {"SSM_ACTIVATE_TAGS": tags}, calls=False)

    def test_bad_role(self):
        """Not a name of IAM."""
        self.check("SSM_ACTIVATE_ROLE|role", 78,
                   {"SSM_ACTIVATE_ROLE": "no role, at all"}, calls=False)

    def test_malformed_variable(self):
        """A value that does not parse."""
        self.check("SSM_ACTIVATE_TIMEOUT", 78,
                   {"SSM_ACTIVATE_TIMEOUT": "soon"}, calls=False)

    def test_bad_region(self):
        """Not a region's name."""
        self.check("region", 78, {"AWS_REGION": "not a region!"},
                   calls=False)

    def test_no_region(self):
        """None anywhere."""
        self.check("region", 78, {
            "AWS_REGION": None, "AWS_EC2_METADATA_DISABLED": "true"},
            calls=False)

    def test_no_agent(self):
        """The image has none: the fix is a line for the Dockerfile."""
        self.check("amazon-ssm-agent is not installed.*COPY --from", 78, {},
                   lambda root: os.remove(
                       root.inside("/usr/bin/amazon-ssm-agent")),
                   calls=False)

    def test_half_an_agent(self):
        """A core without its worker."""
        self.check("ssm-agent-worker", 78, {},
                   lambda root: os.remove(
                       root.inside("/usr/bin/ssm-agent-worker")),
                   calls=False)

    def test_no_credentials(self):
        """No source has any."""
        self.check("no AWS credentials", 77, dict(
            NO_KEYS, AWS_EC2_METADATA_DISABLED="true"), calls=False)


class Network(Wrong):
    """AWS cannot be reached, or is somebody else."""

    def listener(self, name):
        """Return the variables that lead to one of the bad listeners."""
        url = "https://localhost:%d" % self.aws.ports[name]
        return dict(QUICK, AWS_ENDPOINT_URL=url)

    def test_refused(self):
        """Nobody listens."""
        self.check("localhost.*refused", 69, dict(
            QUICK, AWS_ENDPOINT_URL="https://localhost:1"), calls=False)

    def test_unknown_host(self):
        """A region that does not exist: a name that does not resolve."""
        self.check("ssm.eu-nowhere-9.amazonaws.com", 69, dict(
            QUICK, AWS_REGION="eu-nowhere-9"), calls=False)

    def test_untrusted(self):
        """An authority that is not ours."""
        self.check("certificate", 69, self.listener("tls-untrusted"),
                   calls=False)

    def test_expired(self):
        """An old certificate."""
        self.check("certificate.*expired", 69, self.listener("tls-expired"),
                   calls=False)

    def test_not_yet_valid(self):
        """A certificate of tomorrow: most likely our clock."""
        self.check("certificate.*(not yet|clock)", 69,
                   self.listener("tls-not-yet-valid"), calls=False)

    def test_wrong_name(self):
        """Somebody else's."""
        self.check("certificate.*(name|localhost)", 69,
                   self.listener("tls-wrong-name"), calls=False)

    def test_no_bundle(self):
        """A bundle that is not there."""
        self.check("/no/such.pem", 78, {"AWS_CA_BUNDLE": "/no/such.pem"},
                   calls=False)

    def test_no_http(self):
        """Something answers that is not AWS."""
        self.check("CreateActivation|HTTP", 76, QUICK,
                   lambda _: self.aws.fault(operation="CreateActivation",
                                            garbage=True, count=0))


class Refused(Wrong):
    """AWS says no."""

    def test_missing_role(self):
        """The role does not exist."""
        self.check("CreateActivation.*ValidationException.*NoSuchRole", 70,
                   {"SSM_ACTIVATE_ROLE": "NoSuchRole"})

    def test_access_denied(self):
        """Nothing is allowed: the statement to add is named."""
        self.check("AccessDenied.*CreateActivation", 77, {},
                   lambda _: self.aws.policy("user", allow=[]))

    def test_wrong_key(self):
        """A secret key that is not the key's."""
        self.check("InvalidSignature|SignatureDoesNotMatch", 77,
                   {"AWS_SECRET_ACCESS_KEY": "x" * 40})

    def test_unknown_key(self):
        """A key that does not exist."""
        self.check("UnrecognizedClient", 77,
                   {"AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX"})

    def test_register_refused(self):
        """The activation is not accepted: it is deleted all the same."""
        self.check("RegisterManagedInstance.*RegistrationLimitExceeded", 70,
                   {}, lambda _: self.aws.fault(
                       operation="RegisterManagedInstance", count=0,
                       code="RegistrationLimitExceeded"))

    def test_truncated(self):
        """Every answer to CreateActivation breaks off in the middle."""
        self.check("CreateActivation", 69, QUICK,
                   lambda _: self.aws.fault(operation="CreateActivation",
                                            close="body", count=0))

    def test_lost(self):
        """Every answer to CreateActivation is lost."""
        self.check("CreateActivation", 69, QUICK,
                   lambda _: self.aws.fault(operation="CreateActivation",
                                            lost=True, count=0))


class Disk(Wrong):
    """The files cannot be written."""

    def fill(self, path):
        """Return what puts a full file system there."""
        def prepare(root):
            root.mount_tmpfs(path, "4k")
            root.write(path + "/full", "x" * 4096)
        return prepare

    def test_readonly_root(self):
        """The volumes are named, before any call of AWS."""
        self.check("Read-only.*/var/lib/ssm-activate.*/var/lib/amazon/ssm.*"
                   "/etc/amazon/ssm", 71, {},
                   lambda root: root.make_readonly(), calls=False)

    def test_full_state_dir(self):
        """No room for our own state."""
        self.check("No space", 71, {}, self.fill("/var/lib/ssm-activate"),
                   calls=False)

    def test_full_agent_dir(self):
        """No room for the agent's files."""
        self.check("No space", 71, {}, self.fill("/var/lib/amazon"))

    def test_too_small_for_the_vault(self):
        """Room for the probe and not for the vault: the node that was
        registered meanwhile is taken away again."""
        self.check("No space", 71, {},
                   lambda root: root.mount_tmpfs("/var/lib/amazon/ssm", "8k"))
        self.assertEqual(self.operations()[-1], "DeregisterManagedInstance")

    def test_readonly_with_volumes(self):
        """With the volumes it works on a read-only root."""
        root = self.root()
        for path in ("/var/lib/ssm-activate", "/var/lib/amazon/ssm",
                     "/etc/amazon/ssm", "/var/log/amazon/ssm"):
            root.mount_tmpfs(path, "1m")
        root.make_readonly()
        held, node = self.run_up(root=root)
        self.wait_online(node)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_account_empty()


class Passing(Case):
    """Failures that pass."""

    def test_throttled(self):
        """It goes on, and comes up when the throttling ends."""
        self.aws.fault(operation="CreateActivation", count=6,
                       code="ThrottlingException")
        held, node = self.run_up()
        self.wait_online(node)
        self.assertRegex(held.err, "warn: .*Throttling")
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_account_empty()

    def test_answer_lost_once(self):
        """The activation nobody knows is found by its mark and deleted."""
        for effect in ({"lost": True}, {"close": "body"}, {"size": 20},
                       {"reset": "header"}):
            with self.subTest(effect=effect):
                self.aws.reset()
                self.aws.fault(operation="CreateActivation", **effect)
                held = self.start([BIN, "run", "--"] + WAITING)
                wait_until(lambda: "DescribeActivations" in
                           self.operations(), "the search")
                wait_until(lambda: not self.aws.activations()
                           and self.status(held)[0]["phase"]
                           in ("up", "down"), "an empty list")
                held.signal(signal.SIGTERM)
                held.wait()
                self.assert_clean(held.root)

    def test_found_late(self):
        """The listing lags: the search is repeated."""
        self.aws.post("lag", {"seconds": 1.5})
        self.aws.fault(operation="CreateActivation", lost=True)
        held = self.start([BIN, "run", "--"] + WAITING)
        wait_until(lambda: len(self.aws.state()["deleted_activations"]) >= 1
                   and not self.aws.activations(), "no activation", 20)
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(held.root)

    def test_search_refused(self):
        """What may be left is named, with the mark to find it by."""
        self.aws.policy("user", allow=["*"], deny=["ssm:Describe*"])
        self.aws.fault(operation="CreateActivation", lost=True)
        held = self.start([BIN, "run", "--"] + WAITING)
        held.wait_line(r"warn: .*\[ssm-activate:[0-9a-f-]{36}\]")

    def test_registration_lost_once(self):
        """A node that nobody knows of is not left."""
        self.aws.fault(operation="RegisterManagedInstance", lost=True)
        held = self.start([BIN, "run", "--"] + WAITING)
        wait_until(lambda: self.status(held)[0]["phase"] in ("up", "down"),
                   "a verdict", 25)
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(held.root)

    def test_foreign_agent(self):
        """Somebody else's agent is left alone, and no call is made."""
        root = self.root("debian")
        held = self.start(
            [SH, "-c", "mkdir /opt/other; cp /bin/sleep "
             "/opt/other/amazon-ssm-agent; /opt/other/amazon-ssm-agent 60 & "
             "sleep 0.2; ssm-activate up --required; echo status $?; wait"],
            root)
        wait_until(lambda: "status" in held.out, "up")
        self.assertEqual(held.out, "status 78\n")
        self.assert_one_line(held.err, "another amazon-ssm-agent.*pid")
        self.assertEqual(self.operations(), [])
        self.assertEqual(len(held.find("amazon-ssm-agent")), 1)
        self.assertNotRegex(held.out, NODE)


if __name__ == "__main__":
    unittest.main()
