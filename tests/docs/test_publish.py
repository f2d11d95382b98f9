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
cd "$2"
shift 2
"$@"
"""
VERSION = "0.1.0"
# Notes its arguments and what it reads.
SKOPEO = """#!/bin/sh
echo "$*" >>"$NOTES"
[ "$1" != login ] || cat >>"$NOTES.stdin"
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
            env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"))
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
        self.assertEqual(index["annotations"][
            "org.opencontainers.image.ref.name"], VERSION)
        blob = index["digest"].replace(":", "/")
        with open(os.path.join(self.folder, "copy", "blobs", blob),
                  encoding="utf-8") as file:
            found = json.load(file)["manifests"]
        self.assertEqual([one["platform"]["architecture"] for one in found],
                         ["amd64", "arm64"])

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
            REGISTRY_PASSWORD="secret-1")
        self.assertEqual(status, 0, text)
        with open(notes, encoding="utf-8") as file:
            lines = file.read()
        self.assertNotIn("secret-1", lines)
        self.assertRegex(lines, r"login --username me --password-stdin "
                         r"registry\.example\n")
        self.assertRegex(lines, r"docker://registry\.example/team/"
                         r"ssm-activate:0\.1\.0\n$")
        with open(notes + ".stdin", encoding="utf-8") as file:
            self.assertEqual(file.read(), "secret-1")
        self.assertEqual(set(os.listdir(self.folder)) - before,
                         {"notes", "notes.stdin"})

    def test_notes(self):
        """The texts of the version on top, and no heading."""
        self.write("CHANGELOG.md", "# Changes\n\n## 2\n\n- b\n\n## 1\n\n- a\n")
        self.assertEqual(self.shell("release_notes"), (0, "\n- b\n\n"))
