# SPDX-License-Identifier: MIT
"""Settings and disks that are wrong."""

import os
import signal
import threading

from agents import amazon, with_builtin
from case import environment, wait_until
from wrong import Wrong

NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@with_builtin("test_bad_role", "test_no_region")
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

    @amazon
    def test_no_agent(self):
        """The image has none, and something wants it: the fix is a line for
        the Dockerfile."""
        for wish in ({"SSM_ACTIVATE_FIS": "on"},
                     {"SSM_ACTIVATE_REGISTRAR": "agent"}):
            self.check("%s.*: amazon-ssm-agent is not installed.*COPY --from"
                       % list(wish)[0], 78, wish,
                       lambda root: os.remove(
                           root.inside("/usr/bin/amazon-ssm-agent")),
                       calls=False, ways=("run_open", "up_required"))

    @amazon
    def test_half_an_agent(self):
        """A core without its worker, which is asked for."""
        self.check("ssm-agent-worker", 78,
                   {"SSM_ACTIVATE_AGENT": "/usr/bin/amazon-ssm-agent"},
                   lambda root: os.remove(
                       root.inside("/usr/bin/ssm-agent-worker")),
                   calls=False)

    def test_no_credentials(self):
        """No source has any."""
        self.check("no AWS credentials", 77, dict(
            NO_KEYS, AWS_EC2_METADATA_DISABLED="true"), calls=False)


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
        self.check("No space", 71, {}, self.fill("/var/lib/amazon"),
                   calls=False)

    def test_too_small_for_the_agent(self):
        """Room for a file, but not for all that it writes."""
        self.check("No space", 71, {}, lambda root: root.mount_tmpfs(
            "/var/lib/amazon/ssm", "8k"), calls=False)

    def test_full_meanwhile(self):
        """The volume fills up after it was looked at: the node that was
        registered meanwhile is taken away again."""
        for name in ("run_required", "up_required"):
            self.drop()
            self.aws.reset()
            self.aws.fault(operation="RegisterManagedInstance", delay=2)
            root = self.root()
            root.mount_tmpfs("/var/lib/amazon/ssm", "64k")
            filler = threading.Thread(target=self.fill_later, args=(root,))
            filler.start()
            getattr(self, name)(root, "No space", 71, environment())
            filler.join()
            self.assertEqual(self.operations()[-1],
                             "DeregisterManagedInstance")
            self.assert_clean(root)

    def fill_later(self, root):
        """Fill the volume while AWS is being waited for."""
        wait_until(lambda: "RegisterManagedInstance" in self.operations(),
                   "the registration")
        with open(root.inside("/var/lib/amazon/ssm/full"), "wb", 0) as file:
            with self.assertRaises(OSError):
                while True:
                    file.write(bytes(4096))

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
