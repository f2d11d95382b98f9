# SPDX-License-Identifier: MIT
"""What push and publish do with dist/, without a registry."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest

import examples

SCRIPT = """
set -eu
die() { echo "$*" >&2; exit 1; }
. "$1/build.d/publish.sh"
. "$1/build.d/dist.sh"
cd "$2"
shift 2
"$@"
"""
VERSION = "0.1.0"
# Notes its arguments and what it reads.
SKOPEO = """#!/bin/sh
echo "$*" >>"$NOTES"
[ "$1" != login ] || cat >>"$NOTES.stdin"
[ "$1" != list-tags ] || echo "$TAGS"
"""


class Publish(unittest.TestCase):
    """A dist/ with two programs that are none."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.dist = os.path.join(self.folder, "dist")
        os.mkdir(self.dist)
        for arch in ("amd64", "arm64"):
            self.write("dist/ssm-activate-linux-" + arch, arch * 100)
        subprocess.run(
            [sys.executable, os.path.join(examples.TOP, "build.d", "oci.py"),
             VERSION, "abcdef", self.dist], check=True, timeout=60,
            env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000",
                     PROJECT_LICENCE="MIT", PROJECT_AUTHORS="us",
                     PROJECT_ABOUT="what it is",
                     PROJECT_URL="https://example.org/ssm-activate"))
        sums = []
        for name in sorted(os.listdir(self.dist)):
            with open(os.path.join(self.dist, name), "rb") as file:
                sums.append("%s  %s\n" % (
                    hashlib.sha256(file.read()).hexdigest(), name))
        self.write("dist/SHA256SUMS", "".join(sums))

    def write(self, name, text, mode=0o644):
        """Write a file of the folder."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def shell(self, *words, **env):
        """Call a function of publish.sh; return status and output."""
        done = subprocess.run(
            ["/bin/sh", "-c", SCRIPT, "sh", examples.TOP, self.folder, *words],
            capture_output=True, text=True, timeout=60, check=False,
            env=dict(os.environ, TMPDIR=self.folder, **env))
        return done.returncode, done.stdout + done.stderr

    def test_whole(self):
        """What is complete and of this version is taken, else nothing."""
        self.assertEqual(self.shell("dist_whole", VERSION), (0, ""))
        status, text = self.shell("dist_whole", "0.2.0")
        self.assertEqual(status, 1)
        self.assertIn("not of 0.2.0", text)
        self.write("dist/ssm-activate-linux-amd64", "another")
        status, text = self.shell("dist_whole", VERSION)
        self.assertEqual(status, 1)
        self.assertIn("not what SHA256SUMS says", text)

    def test_image(self):
        """All architectures arrive, under the version's name."""
        status, text = self.shell("image_push", "oci:copy", VERSION)
        self.assertEqual(status, 0, text)
        with open(os.path.join(self.folder, "copy", "index.json"),
                  encoding="utf-8") as file:
            index = json.load(file)["manifests"][0]
        self.assertEqual([
            one["annotations"]["org.opencontainers.image.ref.name"] for one in
            self.index("copy")], [VERSION, "0.1", "0"])
        self.assertEqual({one["digest"] for one in self.index("copy")},
                         {index["digest"]})
        blob = index["digest"].replace(":", "/")
        with open(os.path.join(self.folder, "copy", "blobs", blob),
                  encoding="utf-8") as file:
            found = json.load(file)["manifests"]
        self.assertEqual([one["platform"]["architecture"] for one in found],
                         ["amd64", "arm64"])

    def index(self, name):
        """Return what a layout on disk holds."""
        with open(os.path.join(self.folder, name, "index.json"),
                  encoding="utf-8") as file:
            return json.load(file)["manifests"]

    def test_annotations(self):
        """The same on the index and on each image, and as labels."""
        prefix = "org.opencontainers.image."
        wanted = {"title": "ssm-activate", "version": VERSION,
                  "revision": "abcdef", "licenses": "MIT", "authors": "us",
                  "description": "what it is",
                  "source": "https://example.org/ssm-activate",
                  "url": "https://example.org/ssm-activate",
                  "documentation": "https://example.org/ssm-activate/tree/"
                                   "v0.1.0/docs",
                  "created": "2023-11-14T22:13:20Z"}
        wanted = {prefix + name: text for name, text in wanted.items()}
        self.assertEqual(self.shell("image_push", "oci:copy", VERSION)[0], 0)
        found = self.blob(self.index("copy")[0])
        self.assertEqual(found["annotations"], wanted)
        for one in found["manifests"]:
            image = self.blob(one)
            self.assertEqual(image["annotations"], wanted)
            labels = self.blob(image["config"])["config"]["Labels"]
            self.assertEqual(dict(labels, **{
                prefix + "created": wanted[prefix + "created"]}), wanted)

    def blob(self, descriptor):
        """Return a document of the layout."""
        path = descriptor["digest"].replace(":", "/")
        with open(os.path.join(self.folder, "copy", "blobs", path),
                  encoding="utf-8") as file:
            return json.load(file)

    def test_moving_tags(self):
        """X.Y and X go to the newest of their versions only."""
        for version, known, wanted in (
                ("1.2.3", "", "1.2\n1\n"),
                ("1.2.3", "1.2.2\n0.9.0", "1.2\n1\n"),
                ("1.2.10", "1.2.9", "1.2\n1\n"),
                ("1.2.3", "1.3.0", "1.2\n"),
                ("1.2.3", "1.2.4", ""),
                ("1.2.3", "11.0.0\n10.2.4", "1.2\n1\n"),
                ("1.2.3", "1.2.3", "1.2\n1\n"),
                ("1.3.0-rc1", "1.2.0", "")):
            with self.subTest(version=version, known=known):
                self.assertEqual(self.shell(
                    "sh", "-c", ". \"$1/build.d/publish.sh\"; "
                    "printf '%b\\n' \"$2\" | moving_tags \"$3\"", "sh",
                    examples.TOP, known, version), (0, wanted))

    def test_login(self):
        """The password is no argument, and is not left on disk."""
        os.mkdir(os.path.join(self.folder, "bin"))
        self.write("bin/skopeo", SKOPEO, 0o755)
        notes = os.path.join(self.folder, "notes")
        path = os.path.join(self.folder, "bin") + ":" + os.environ["PATH"]
        before = set(os.listdir(self.folder))
        status, text = self.shell(
            "image_push", "registry.example/Team/ssm-activate", VERSION,
            PATH=path, NOTES=notes, REGISTRY_USER="me",
            TAGS='{"Tags": ["0.0.9", "latest", "0.1.0"]}',
            REGISTRY_PASSWORD="secret-1")
        self.assertEqual(status, 0, text)
        with open(notes, encoding="utf-8") as file:
            lines = file.read()
        self.assertNotIn("secret-1", lines)
        self.assertRegex(lines, r"login --username me --password-stdin "
                         r"registry\.example\n")
        self.assertRegex(lines, r"docker://registry\.example/team/"
                         r"ssm-activate:0\.1\.0\n")
        self.assertRegex(lines, r"ssm-activate:0\.1\n")
        self.assertRegex(lines, r"ssm-activate:0\n$")
        with open(notes + ".stdin", encoding="utf-8") as file:
            self.assertEqual(file.read(), "secret-1")
        self.assertEqual(set(os.listdir(self.folder)) - before,
                         {"notes", "notes.stdin"})

    def test_notes(self):
        """The texts of the version on top, and no heading."""
        self.write("CHANGELOG.md", "# Changes\n\n## 2\n\n- b\n\n## 1\n\n- a\n")
        self.assertEqual(self.shell("release_notes"), (0, "\n- b\n\n"))

    def test_no_list(self):
        """Without the tags that are there, X.Y and X stay where they are."""
        os.mkdir(os.path.join(self.folder, "bin"))
        self.write("bin/skopeo", SKOPEO, 0o755)
        notes = os.path.join(self.folder, "notes")
        path = os.path.join(self.folder, "bin") + ":" + os.environ["PATH"]
        status, text = self.shell("image_push", "registry.example/it",
                                  VERSION, PATH=path, NOTES=notes, TAGS="")
        self.assertEqual(status, 1)
        self.assertIn("cannot be listed", text)
        with open(notes, encoding="utf-8") as file:
            self.assertEqual(file.read().count("copy "), 1)

    def test_key(self):
        """The key of the repository is the one that documents show."""
        os.mkdir(os.path.join(self.folder, "docs"))
        self.assertIn("there is no", self.shell("dist_key_check")[1])
        self.write("docs/release-key.pub", "untrusted comment: x\nRWQabc\n")
        self.write("docs/releases.md", "minisign -V -P RWQother -m x\n")
        status, text = self.shell("dist_key_check")
        self.assertEqual(status, 1)
        self.assertIn("does not show the key", text)
        self.write("docs/releases.md", "minisign -V -P RWQabc -m x\n")
        self.assertEqual(self.shell("dist_key_check"), (0, ""))
        self.write("docs/release-key.pub", "untrusted comment: x\n")
        self.assertIn("no key", self.shell("dist_key_check")[1])
