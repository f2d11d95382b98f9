# SPDX-License-Identifier: MIT
"""A release, made twice from copies of this tree.

The copies are repositories of one commit, so that a tree with changes can be
tested as well. The second release is made in a folder with another, longer
name, by another user, on another day, in another time zone.
"""

import glob
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import schema

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ARCHES = ("amd64", "arm64")
FILES = {"SHA256SUMS", "_ssm-activate", "ssm-activate.bash",
         "ssm-activate.fish", "THIRD-PARTY-NOTICES.txt", "ssm-activate-linux-amd64",
         "ssm-activate-linux-arm64", "ssm-activate-oci.tar", "ssm-activate.1",
         "ssm-activate.cdx.json"}
NOBODY = 65534
BUILD_TIMEOUT = 3000
DAY = "2026-01-02T03:04:05Z"
made = {}


def run(*words, timeout=120, **options):
    """Run a program; its output is in the error when it fails."""
    done = subprocess.run(words, capture_output=True, text=True,
                          timeout=timeout, check=False, **options)
    if done.returncode != 0:
        raise AssertionError("%s ends with %d\n%s%s" % (
            words, done.returncode, done.stdout, done.stderr))
    return done.stdout


def git(folder, *words):
    """Run git in a copy, as nobody in particular."""
    env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null",
               GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_DATE=DAY,
               GIT_COMMITTER_DATE=DAY)
    return run("git", "-c", "user.name=test", "-c", "user.email=test@test",
               "-c", "safe.directory=*", "-C", folder, *words, env=env)


def copy_tree(folder):
    """Make a repository of the files of this one."""
    os.makedirs(folder)
    listed = run("git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "-z",
                 "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        source, target = os.path.join(TOP, name), os.path.join(folder, name)
        if os.path.lexists(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target, follow_symlinks=False)
    # What is fetched is checked against the lock anyway.
    shutil.copytree(os.path.join(TOP, "build", "download"),
                    os.path.join(folder, "build", "download"))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "copy")


def give(folder, owner):
    """Make somebody the owner of everything in a folder."""
    run("chown", "-R", "%d:%d" % (owner, owner), folder)


def dist(folder, *prefix, **env):
    """Make a release in a copy; return its folder."""
    run(*prefix, "./build.sh", "dist", cwd=folder, timeout=BUILD_TIMEOUT,
        env=dict({"PATH": os.environ["PATH"], "HOME": folder}, **env))
    return os.path.join(folder, "dist")


def setUpModule():
    """Make both releases."""
    made["scratch"] = tempfile.mkdtemp(prefix="ssm-activate-dist-")
    os.chmod(made["scratch"], 0o755)
    first = os.path.join(made["scratch"], "a")
    other = os.path.join(made["scratch"], "another-folder",
                         "with", "a-longer-name")
    copy_tree(first)
    shutil.copytree(first, other, symlinks=True)
    made["first"] = dist(first)
    if os.geteuid() == 0:
        give(made["scratch"] + "/another-folder", NOBODY)
        user = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY,
                "--clear-groups"]
    else:
        user = []
    # FAKE_UTIME: what is asked to have today's time gets it.
    made["other"] = dist(other, *user, "faketime", "-f", "+200d",
                         FAKE_UTIME="1", TZ="Asia/Tokyo", LANG="tr_TR.UTF-8")


def tearDownModule():
    """Remove both."""
    shutil.rmtree(made["scratch"])


def content(folder, name):
    """Return the bytes of a file of a release."""
    with open(os.path.join(made[folder], name), "rb") as file:
        return file.read()


def digest(data):
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


class Release(unittest.TestCase):
    """What is in dist/."""

    maxDiff = None

    def test_files(self):
        """All of them and no other."""
        self.assertEqual(set(os.listdir(made["first"])), FILES)

    def test_same_twice(self):
        """To the byte."""
        for name in sorted(FILES):
            with self.subTest(name=name):
                self.assertEqual(digest(content("first", name)),
                                 digest(content("other", name)))

    def test_sums(self):
        """Every file is listed with its hash."""
        run("sha256sum", "-c", "--strict", "SHA256SUMS", cwd=made["first"])
        listed = {line.split()[1] for line in
                  content("first", "SHA256SUMS").decode().splitlines()}
        self.assertEqual(listed, FILES - {"SHA256SUMS"})

    def test_programs(self):
        """Static, at any address, no stack that can be run."""
        for arch, machine in zip(ARCHES, ("X86-64", "AArch64")):
            with self.subTest(arch=arch):
                shown = run("readelf", "-hldW", os.path.join(
                    made["first"], "ssm-activate-linux-" + arch))
                self.assertRegex(shown, "Machine:.*" + machine)
                self.assertRegex(shown, "Type: *DYN")
                self.assertRegex(shown, "GNU_RELRO .* R  *0x")
                self.assertNotIn("INTERP", shown)
                self.assertNotIn("NEEDED", shown)
                self.assertRegex(shown, "GNU_STACK.* RW  *0x")
                self.assertNotRegex(shown, " LOAD .* RWE ")

    def test_notices(self):
        """What the program prints, and the texts in full."""
        text = content("first", "THIRD-PARTY-NOTICES.txt").decode()
        own = run(os.path.join(made["first"], "ssm-activate-linux-amd64"),
                  "version", "--licenses")
        for line in own.splitlines():
            self.assertIn(line.strip(), text)
        for part in ("GCC RUNTIME LIBRARY EXCEPTION", "Thomas Pornin",
                     "Dave Gamble", "Rich Felker", "Mozilla Public License"):
            self.assertIn(part.lower(), text.lower())


class Plain(unittest.TestCase):
    """The Makefile, which takes sources that are unpacked."""

    def setUp(self):
        self.folder = os.path.dirname(made["first"])
        self.source = tempfile.mkdtemp(dir=made["scratch"])
        for name in ("bearssl", "cjson"):
            shutil.copytree(os.path.join(self.folder, "build", "source", name),
                            os.path.join(self.source, name))
        self.addCleanup(shutil.rmtree,
                        os.path.join(self.folder, "build", "plain"), True)

    def make(self):
        """Build with the machine's own C library; return the program."""
        run("make", "-s", "-j2", "BEARSSL=%s/bearssl" % self.source,
            "CJSON=%s/cjson" % self.source, "CC=gcc", cwd=self.folder,
            timeout=BUILD_TIMEOUT)
        return os.path.join(self.folder, "build", "plain", "ssm-activate")

    def test_program(self):
        """It is static, and it starts."""
        program = self.make()
        self.assertNotIn("INTERP", run("readelf", "-lW", program))
        self.assertEqual(run(program, "run", "--", "echo", "started"),
                         "started\n")
        self.assertIn("cJSON 1.", run(program, "version"))
        said = run(program, "version", "--licenses")
        for name in ("ssm-activate (MIT)", "Thomas Pornin", "Dave Gamble"):
            self.assertIn(name, said)

    def test_patches(self):
        """Sources without our patches are refused."""
        path = os.path.join(self.source, "cjson", "cJSON.c")
        patch = glob.glob(TOP + "/vendor/patches/cjson/01-*")[0]
        run("patch", "-R", "-s", path, patch)
        with self.assertRaisesRegex(AssertionError, "lacks a patch"):
            self.make()


class Refusals(unittest.TestCase):
    """What is not made into a release."""

    def setUp(self):
        self.folder = os.path.dirname(made["first"])
        self.addCleanup(git, self.folder, "reset", "-q", "--hard")

    def refused(self, pattern, *words):
        """`dist` ends at once and says why; the old release stays."""
        with self.assertRaisesRegex(AssertionError, pattern):
            run("./build.sh", "dist", *words, cwd=self.folder)
        self.assertEqual(set(os.listdir(made["first"])), FILES)

    def test_changed_tree(self):
        """A file of the commit was changed."""
        with open(self.folder + "/README.md", "a", encoding="utf-8") as file:
            file.write("\n")
        self.refused("the tree differs from its commit")

    def test_new_file(self):
        """A file that is in no commit."""
        path = self.folder + "/new"
        self.addCleanup(os.remove, path)
        with open(path, "w", encoding="utf-8"):
            pass
        self.refused("the tree differs from its commit")

    def test_no_entry(self):
        """A version that the changelog does not have."""
        self.refused("v99.0.0 has no entry", "v99.0.0")

    def test_tag_without_entry(self):
        """The same, as a tag."""
        git(self.folder, "tag", "v99.0.1")
        self.addCleanup(git, self.folder, "tag", "-d", "v99.0.1")
        self.refused("v99.0.1 has no entry")

    def test_unreleased(self):
        """A version that the changelog has, without a date."""
        with open(self.folder + "/CHANGELOG.md", "r+",
                  encoding="utf-8") as file:
            text = file.read()
            file.seek(0)
            file.write("# Changes\n\n## 99.1.0 (unreleased)\n\n" + text)
        git(self.folder, "commit", "-q", "-a", "-m", "next")
        self.addCleanup(git, self.folder, "reset", "-q", "--hard", "HEAD~1")
        self.refused("99.1.0 is unreleased", "99.1.0")


class Bill(unittest.TestCase):
    """The bill of materials."""

    def setUp(self):
        self.bill = json.loads(content("first", "ssm-activate.cdx.json"))
        self.parts = {part["name"]: part for part in self.bill["components"]}

    def test_schema(self):
        """Valid against the schema of its format."""
        self.assertEqual(schema.faults(self.bill, made["scratch"]), [])

    def test_schema_can_refuse(self):
        """The check is one: a wrong hash is found."""
        self.bill["components"][0]["hashes"][0]["content"] = "no hash"
        self.assertNotEqual(schema.faults(self.bill, made["scratch"]), [])

    def test_parts(self):
        """All that is linked in, with version, hash and licence."""
        for name in ("BearSSL", "cJSON", "musl", "libgcc"):
            with self.subTest(name=name):
                part = self.parts[name]
                self.assertRegex(part["version"], "^[0-9]")
                self.assertRegex(part["hashes"][0]["content"],
                                 "^[0-9a-f]{64}$")
                self.assertTrue(part["licenses"])

    def test_own_licence(self):
        """The one of build.d/project.sh, by its authors."""
        own = self.bill["metadata"]["component"]
        with open(TOP + "/build.d/project.sh", encoding="utf-8") as file:
            text = file.read()
        identifier = own["licenses"][0]["license"]["id"]
        self.assertIn("PROJECT_LICENCE=%s\n" % identifier, text)
        self.assertIn('PROJECT_AUTHORS="%s"\n' % own["authors"][0]["name"],
                      text)

    def test_versions(self):
        """As the program says."""
        said = run(os.path.join(made["first"], "ssm-activate-linux-amd64"),
                   "version")
        for name in ("BearSSL", "cJSON", "musl"):
            self.assertIn("%s %s\n" % (name, self.parts[name]["version"]),
                          said)

    def test_anchors(self):
        """Each trust anchor with the hash of its certificate."""
        anchors = self.parts["ca-certificates"]["components"]
        with open(TOP + "/vendor/roots.lock", encoding="utf-8") as file:
            names = [line.split()[0] for line in file
                     if not line.startswith("#")]
        self.assertEqual(len(anchors), len(names))
        for name, anchor in zip(names, anchors):
            data = run("openssl", "x509", "-outform", "DER", "-fingerprint",
                       "-sha256", "-noout", "-in",
                       "/usr/share/ca-certificates/mozilla/" + name)
            shown = data.strip().split("=")[1].replace(":", "").lower()
            self.assertEqual(anchor["hashes"][0]["content"], shown, name)

    def test_programs(self):
        """The hashes of the two programs."""
        for part in self.bill["metadata"]["component"]["components"]:
            self.assertEqual(part["hashes"][0]["content"],
                             digest(content("first", part["name"])))


class Image(unittest.TestCase):
    """The image, read by a tool of others."""

    def inspect(self, *words):
        """Return what skopeo says about it."""
        return json.loads(run(
            "skopeo", *words, "oci-archive:%s/ssm-activate-oci.tar:%s" % (
                made["first"], self.version())))

    @staticmethod
    def version():
        """Return the version of the release."""
        bill = json.loads(content("first", "ssm-activate.cdx.json"))
        return bill["metadata"]["component"]["version"]

    def test_index(self):
        """Both architectures."""
        index = self.inspect("inspect", "--raw")
        self.assertEqual([one["platform"] for one in index["manifests"]],
                         [{"architecture": arch, "os": "linux"}
                          for arch in ARCHES])

    def test_content(self):
        """For each, one layer with one file: the program."""
        for arch in ARCHES:
            with self.subTest(arch=arch):
                shown = self.inspect("--override-arch", arch, "inspect")
                self.assertEqual(shown["Architecture"], arch)
                self.assertEqual(len(shown["Layers"]), 1)
                folder = tempfile.mkdtemp(dir=made["scratch"])
                run("skopeo", "--override-arch", arch, "copy", "-q",
                    "oci-archive:%s/ssm-activate-oci.tar:%s" % (
                        made["first"], self.version()), "dir:" + folder)
                layer = os.path.join(
                    folder, shown["Layers"][0].partition(":")[2])
                listed = run("tar", "-tvzf", layer)
                self.assertRegex(listed, r"^-rwxr-xr-x 0/0 .* ssm-activate$")
                run("tar", "-xzf", layer, "-C", folder)
                with open(folder + "/ssm-activate", "rb") as file:
                    self.assertEqual(
                        digest(file.read()),
                        digest(content("first", "ssm-activate-linux-" + arch)))


class Signature(unittest.TestCase):
    """minisign, with a key made for the test."""

    def sign(self, password):
        """Sign a copy of the hashes as `dist` does; return the folder."""
        folder = tempfile.mkdtemp(dir=made["scratch"])
        words = ["minisign", "-G", "-s", folder + "/key", "-p",
                 folder + "/key.pub"] + ([] if password else ["-W"])
        run("setsid", "-w", *words, input=(password + "\n") * 2)
        with open(folder + "/password", "w", encoding="utf-8") as file:
            file.write(password + "\n")
        shutil.copy(os.path.join(made["first"], "SHA256SUMS"), folder)
        run("sh", "-c", "ROOT=$(pwd); die() { echo \"$*\" >&2; exit 1; }; "
            "need_packages() { :; }; mkdir -p build; . build.d/generate.sh; "
            ". build.d/dist.sh; dist_sign \"$1\" 0.1.0", "sh", folder,
            cwd=os.path.dirname(made["first"]),
            env=dict(os.environ, MINISIGN_KEY=folder + "/key",
                     MINISIGN_PASSWORD_FILE=folder + "/password"))
        return folder

    def check(self, folder):
        """Let minisign verify it."""
        return run("minisign", "-V", "-p", folder + "/key.pub", "-m",
                   folder + "/SHA256SUMS")

    def test_good(self):
        """With and without a password."""
        for password in ("", "secret words"):
            with self.subTest(password=password):
                self.assertIn("ssm-activate 0.1.0",
                              self.check(self.sign(password)))

    def test_other_key(self):
        """A signature that is not by the key of the repository."""
        path = os.path.join(os.path.dirname(made["first"]), "docs",
                            "release-key.pub")
        self.addCleanup(os.remove, path)
        shutil.copy(self.sign("") + "/key.pub", path)
        with self.assertRaisesRegex(AssertionError, "not by the key"):
            self.sign("")

    def test_changed(self):
        """Other hashes are refused."""
        folder = self.sign("")
        with open(folder + "/SHA256SUMS", "a", encoding="utf-8") as file:
            file.write("\n")
        with self.assertRaises(AssertionError):
            self.check(folder)
