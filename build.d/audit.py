#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares a bill of materials with what Debian's security tracker knows.

    audit.py DATA BILL

DATA is the tracker's JSON (security-tracker.debian.org/tracker/data/json),
BILL the ssm-activate.cdx.json of a release. A line each: what is affected,
by what, and where it is fixed. What vendor/README.md names has been looked
at; it is told and does not count. The status is 1 if something counts.
"""

import json
import os
import re
import subprocess
import sys
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PURL = re.compile(r"pkg:deb/debian/([^@]+)@([^?]+)\?.*\bdistro=(\w+)")
# Binary packages whose source has another name.
SOURCES = ((re.compile(r"libgcc-(\d+)-dev-(\w+)-cross"), r"gcc-\1-cross"),
           (re.compile(r"libgcc-(\d+)-dev"), r"gcc-\1"))


def packages(bill):
    """Yield (source package, version, release) of each component."""
    for part in bill["components"]:
        found = PURL.fullmatch(part.get("purl", ""))
        if not found:
            continue
        name, version, release = found.groups()
        for pattern, source in SOURCES:
            name = pattern.sub(source, name)
        yield name, urllib.parse.unquote(version), release


def older(one, other):
    """Tell whether a version is older than another, as dpkg orders them."""
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other],
                          check=False, timeout=30).returncode == 0


def verdict(entry, version):
    """Return what a fault of a package means for this version, or None."""
    fixed = entry.get("fixed_version")
    if entry.get("status") == "open":
        return "no fix in this release of Debian"
    if entry.get("status") == "resolved":
        if fixed in (None, "0") or not older(version, fixed):
            return None
        return "fixed in " + fixed
    return "not determined yet"


def findings(data, bill):
    """Yield (package, version, fault, verdict), sorted."""
    for name, version, release in sorted(set(packages(bill))):
        for fault, what in sorted(data.get(name, {}).items()):
            entry = what.get("releases", {}).get(release)
            said = verdict(entry, version) if entry else None
            if said:
                if entry.get("urgency") == "unimportant":
                    said += ", unimportant to Debian"
                yield name, version, fault, said


def main(data_path, bill_path):
    """Print the findings; return the exit status."""
    with open(data_path, encoding="utf-8") as file:
        data = json.load(file)
    with open(bill_path, encoding="utf-8") as file:
        bill = json.load(file)
    with open(os.path.join(TOP, "vendor", "README.md"),
              encoding="utf-8") as file:
        known = file.read()
    names = sorted({name for name, _, _ in packages(bill)})
    if not names:
        raise SystemExit("no package of Debian in %s" % bill_path)
    if not set(names) & set(data):
        raise SystemExit("%s knows none of %s" % (data_path,
                                                  " ".join(names)))
    count = 0
    for name, version, fault, said in findings(data, bill):
        looked_at = re.search(re.escape(fault) + r"\b", known)
        print("%s %s: %s: %s%s" % (name, version, fault, said,
                                   "; see vendor/README.md"
                                   if looked_at else ""))
        count += not looked_at
    print("%d to look at, in %s" % (count, " ".join(names)))
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
