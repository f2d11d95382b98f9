# SPDX-License-Identifier: MIT
"""What the images do when they run, on both architectures."""

import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile

import emulation
import place
from buildah import Store
from case import BIN, NODE, SH, Case, environment, json, wait_until
from roots import Root

# Programs of the images that the tests start.
PROGRAMS = ("/usr/local/bin/ssm-activate", "/usr/bin/amazon-ssm-agent",
            "/usr/bin/ssm-agent-worker", "/usr/bin/ssm-session-worker",
            "/usr/bin/ssm-document-worker", "/usr/bin/ruby3.1",
            "/usr/bin/dash", "/usr/bin/sleep", "/usr/bin/id", "/bin/busybox")
# What decides about the bytes of a program, besides its source.
COMPILERS = ("gcc-12", "binutils", "gcc-12-aarch64-linux-gnu",
             "binutils-aarch64-linux-gnu")
SLOW = 90.0  # seconds: an interpreter under an emulator on a busy machine
UP = "trap 'ssm-activate down; exit 5' TERM; ssm-activate up; sleep 90 & wait"

current = {}


def setUpModule():
    """Take the images from where images.py built them."""
    current["store"] = Store(os.environ["SSM_ACTIVATE_IMAGES"])
    current["mounted"] = {}
    current["emulation"] = emulation.Emulation(place.current.path("emulator"))


def tearDownModule():
    """Give the containers back."""
    for name, _ in current["mounted"].values():
        current["store"].drop(name)


def mounted(image):
    """Return the root of an image; nobody writes to it."""
    if image not in current["mounted"]:
        current["mounted"][image] = current["store"].mount(image)
    return current["mounted"][image][1]


def read(path):
    """Return the bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def version(root, package):
    """Return the version of a package in a root."""
    return subprocess.run(
        ["dpkg-query", "--admindir=%s/var/lib/dpkg" % root, "-W", "-f",
         "${Version}", package], stdout=subprocess.PIPE, text=True,
        timeout=30, check=True).stdout


class ImageRoot(Root):
    """A container's root: the image, and what docker adds."""

    def __init__(self, image):
        self.image = image
        super().__init__(image)
        for path in PROGRAMS:
            current["emulation"].install(self.path, path)

    def layers(self):
        """Return the folders below."""
        return [place.current.path("outside"), mounted(self.image)]

    def remove_certificates(self):
        """Take out what Debian's slim image does not have, either; here
        it came with Ruby."""
        for path in ("/etc/ssl", "/usr/share/ca-certificates"):
            if self.exists(path):
                shutil.rmtree(self.inside(path))


class Images:
    """The tests of one architecture."""

    arch = None

    def image_root(self, name):
        """Return a fresh root of an image."""
        self.roots.append(ImageRoot("localhost/%s:%s" % (name, self.arch)))
        return self.roots[-1]

    def boot(self, name, gate):
        """Start an image as docker would: its entrypoint, its command."""
        root = self.image_root(name)
        config = current["store"].config(root.image)["config"]
        return self.start(config["Entrypoint"] + config["Cmd"], root,
                          environment(SSM_ACTIVATE=gate),
                          workdir=config["WorkingDir"])

    def wait_out(self, held, pattern):
        """Wait until the application has said something."""
        self.wait_until(lambda: re.search(pattern, held.out)
                        or held.outer.poll() is not None, held, pattern)
        self.assertRegex(held.out, pattern)

    def wait_until(self, condition, held, what):
        """Wait as long as a slow machine may need."""
        wait_until(condition, "%s in %s" % (what, held.root.image), SLOW)

    def stop(self, held, status):
        """Stop it as docker does."""
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(SLOW), status, held.err)

    def check_off(self, name):
        """Gate off: the application as its user, and no call."""
        held = self.boot(name, None)
        self.wait_out(held, "as uid 1000")
        self.assertEqual(held.err, "")
        self.stop(held, 0)
        self.assertEqual(self.aws.calls(), [])

    def check_on(self, name):
        """Gate on: `run` is PID 1, the node comes up and goes."""
        held = self.boot(name, "true")
        node = held.wait_line("(%s) is up" % NODE, SLOW).group(1)
        self.wait_out(held, "as uid 1000")
        held.wait_line("%s is online" % node, SLOW)
        self.stop(held, 0)
        self.assert_clean(held.root)
        self.assertEqual(self.aws.verdicts()["refused"], 0)

    def test_debian_off(self):
        """Ruby on Debian, gate off."""
        self.check_off("debian-app")

    def test_debian_on(self):
        """Ruby on Debian, gate on."""
        self.check_on("debian-app")

    def test_alpine_off(self):
        """An entrypoint script on Alpine, gate off."""
        self.check_off("alpine-app")

    def test_alpine_on(self):
        """An entrypoint script on Alpine, gate on."""
        self.check_on("alpine-app")

    def test_up_in_entrypoint(self):
        """`up` and `down` in a script that stays PID 1."""
        for kind in ("debian", "alpine"):
            with self.subTest(kind=kind):
                self.aws.reset()
                held = self.start([SH, "-c", UP],
                                  self.image_root(kind + "-copy"))
                self.wait_out(held, NODE)
                self.stop(held, 5)
                self.assert_clean(held.root)

    def test_copy(self):
        """`up` after one COPY line: on Debian without certificates, on
        Alpine, on nothing."""
        for kind in ("debian", "alpine", "empty"):
            with self.subTest(kind=kind):
                self.aws.reset()
                root = self.image_root(kind + "-copy")
                root.remove_certificates()
                held = self.start([BIN, "up", "--timeout=60s"], root)
                self.assertEqual(held.wait(SLOW), 0, held.err)
                self.assertRegex(held.out, "^%s\n$" % NODE, held.err)
                self.assertEqual([one["InstanceId"] for one
                                  in self.aws.nodes()], [held.out.strip()])

    def test_one_layer(self):
        """The artifact is one file; COPY adds one layer with that file."""
        store = current["store"]
        artifact = mounted("localhost/artifact:" + self.arch)
        self.assertEqual(os.listdir(artifact), ["ssm-activate"])
        self.assertEqual(emulation.architecture(artifact + "/ssm-activate"),
                         self.arch)
        layers = [store.config("localhost/%s:%s" % (name, self.arch))
                  ["rootfs"]["diff_ids"] for name in ("alpine", "alpine-copy")]
        self.assertEqual(layers[1][:len(layers[0])], layers[0])
        self.assertEqual(len(layers[1]), len(layers[0]) + 2,
                         "one for ssm-activate, one for the agent")
        self.assertEqual(self.files_of_layer("alpine-copy", len(layers[0])),
                         ["usr/local/bin/ssm-activate"])

    def test_same_as_here(self):
        """The build in the image gave the bytes that the build here gave."""
        root = mounted("localhost/build:" + self.arch)
        for package in COMPILERS:
            if version("/", package) != version(root, package):
                self.skipTest("another %s than here" % package)
        theirs, ours = [read(path + "/ssm-activate") for path in (
            mounted("localhost/artifact:" + self.arch),
            os.path.join(place.TOP, "build", self.arch, "ship"))]
        self.assertTrue(theirs == ours)

    def files_of_layer(self, name, number):
        """Return the files that a layer of an image holds."""
        with tempfile.TemporaryDirectory() as folder:
            current["store"].call("push", "localhost/%s:%s" % (
                name, self.arch), "oci:%s:x" % folder)

            def blob(digest):
                return os.path.join(folder, "blobs",
                                    digest.replace(":", "/"))
            with open(folder + "/index.json", encoding="utf-8") as file:
                index = json.load(file)
            with open(blob(index["manifests"][0]["digest"]),
                      encoding="utf-8") as file:
                layer = json.load(file)["layers"][number]["digest"]
            with tarfile.open(blob(layer)) as tar:
                return [one.name for one in tar if not one.isdir()]

    def story(self):
        """Say which architecture it was."""
        return "architecture %s\n%s" % (self.arch, super().story())


class Amd64(Images, Case):
    """On amd64."""

    arch = "amd64"

    def test_size(self):
        """Far smaller than what it replaces."""
        ours = os.stat(mounted("localhost/artifact:amd64")
                       + "/ssm-activate").st_size // 1024
        theirs = self.size_of_packages("awscli", "jq")
        print("-- added to Debian: ssm-activate %d KiB; awscli and jq with"
              " what they need %d KiB" % (ours, theirs), flush=True)
        self.assertLess(ours * 100, theirs)

    @staticmethod
    def size_of_packages(*names):
        """Return the KiB that packages would take in the Debian image."""
        root = os.path.join(current["store"].folder, "amd64", "debian")

        def apt(*words):
            return subprocess.run(("/usr/sbin/chroot", root) + words,
                                  check=True, text=True, timeout=120,
                                  capture_output=True).stdout
        plan = apt("apt-get", "install", "-s", "--no-install-recommends",
                   *names)
        chosen = ["%s=%s" % pair for pair in
                  re.findall(r"^Inst (\S+) .*?\((\S+) ", plan, re.M)]
        shown = apt("apt-cache", "show", *chosen)
        return sum(int(size) for size in
                   re.findall(r"^Installed-Size: (\d+)", shown, re.M))


class Arm64(Images, Case):
    """On arm64, under an emulator."""

    arch = "arm64"
