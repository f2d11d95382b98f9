# SPDX-License-Identifier: MIT
"""What the security tracker of Debian says of a release; the data is ours."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import examples

BILL = {"components": [
    {"name": "musl",
     "purl": "pkg:deb/debian/musl@1.2.5-3?arch=source&distro=trixie"},
    {"name": "cJSON", "purl": "pkg:deb/debian/cjson@1.7.18-3.1%2Bdeb13u1"
                              "?arch=source&distro=trixie"},
    {"name": "libgcc", "purl": "pkg:deb/debian/libgcc-12-dev@12.2.0-14"
                               "?arch=amd64&distro=bookworm"},
    {"name": "something without a package"}]}


def fault(release, status, fixed=None, urgency="not yet assigned"):
    """Return a fault of a package, as the tracker has it."""
    return {"description": "d", "releases": {release: {
        "status": status, "fixed_version": fixed, "urgency": urgency}}}


class Audit(unittest.TestCase):
    """One release against made-up data."""

    def audit(self, data):
        """Return the exit status and the lines."""
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, value in (("data", data), ("bill", BILL)):
                paths.append(os.path.join(folder, name))
                with open(paths[-1], "w", encoding="utf-8") as file:
                    json.dump(value, file)
            done = subprocess.run(
                [sys.executable,
                 os.path.join(examples.TOP, "build.d", "audit.py"), *paths],
                capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    def test_nothing(self):
        """Fixed by then, never affected, or of another release."""
        status, lines = self.audit({
            "musl": {"CVE-1999-0001": fault("trixie", "resolved", "1.2.5-3"),
                     "CVE-1999-0002": fault("trixie", "resolved", "0"),
                     "CVE-1999-0003": fault("bookworm", "open")},
            "bash": {"CVE-1999-0004": fault("trixie", "open")}})
        self.assertEqual(lines, ["0 to look at, in cjson gcc-12 musl"])
        self.assertEqual(status, 0)

    def test_affected(self):
        """Fixed later, or not at all; versions are ordered as dpkg does."""
        status, lines = self.audit({
            "musl": {"CVE-1999-0001": fault("trixie", "resolved", "1.2.5-10")},
            "cjson": {"CVE-1999-0002": fault(
                "trixie", "resolved", "1.7.18-3.1+deb13u2")},
            "gcc-12": {"CVE-1999-0003": fault("bookworm", "open", None,
                                              "unimportant")}})
        self.assertEqual(lines, [
            "cjson 1.7.18-3.1+deb13u1: CVE-1999-0002: fixed in "
            "1.7.18-3.1+deb13u2",
            "gcc-12 12.2.0-14: CVE-1999-0003: no fix in this release of "
            "Debian, unimportant to Debian",
            "musl 1.2.5-3: CVE-1999-0001: fixed in 1.2.5-10",
            "3 to look at, in cjson gcc-12 musl"])
        self.assertEqual(status, 1)

    def test_looked_at(self):
        """What vendor/README.md names is told and does not count."""
        status, lines = self.audit({
            "musl": {"CVE-2026-40200": fault("trixie", "open")}})
        self.assertEqual(lines[0], "musl 1.2.5-3: CVE-2026-40200: no fix in "
                         "this release of Debian; see vendor/README.md")
        self.assertEqual(status, 0)

    def test_other_data(self):
        """Data that knows none of our packages says nothing."""
        status, lines = self.audit({"bash": {}})
        self.assertEqual(status, 1)
        self.assertIn("knows none of", lines[-1])
