#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the bill of materials of a release: CycloneDX 1.6, JSON.

    sbom.py VERSION REVISION CA_FOLDER FOLDER

FOLDER holds the two programs. All else comes from what the build recorded:
build/vendor-versions, build/dist.libgcc, vendor/roots.lock, vendor/patches.
"""

import base64
import glob
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.parse
import uuid

LICENCES = {"bearssl": "MIT", "cjson": "MIT", "musl": "MIT"}
NAMES = {"bearssl": "BearSSL", "cjson": "cJSON", "musl": "musl"}
ABOUT = {"bearssl": "TLS, certificates, hashes, RSA", "cjson": "JSON",
         "musl": "the C library"}
TOOLS = ("gcc-12", "binutils", "gcc-12-aarch64-linux-gnu",
         "binutils-aarch64-linux-gnu")


def rows(path):
    """Return the words of each line that is no comment."""
    with open(path, encoding="utf-8") as file:
        return [line.split() for line in file
                if line.strip() and not line.startswith("#")]


def sha256(data):
    """Return the list of hashes that a component has."""
    return [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]


def purl(package, version, arch, release="bookworm"):
    """Return the package URL of a Debian package."""
    return "pkg:deb/debian/%s@%s?arch=%s&distro=%s" % (
        package, urllib.parse.quote(version, safe=""), arch, release)


def properties(**values):
    """Return facts that the format has no field for."""
    return [{"name": "ssm-activate:" + name, "value": value}
            for name, value in values.items()]


def patches(package):
    """Return the patches of ours that a source package gets."""
    return [{"type": "unofficial", "diff": {"url": path}} for path in
            sorted(glob.glob("vendor/patches/%s/*.patch" % package))]


def library(package, version, orig, digest, release):
    """Return the component of a library that is built from source."""
    reference = purl(package, version, "source", release)
    found = {"type": "library", "bom-ref": reference,
             "name": NAMES[package], "version": version,
             "description": ABOUT[package], "scope": "required",
             "hashes": [{"alg": "SHA-256", "content": digest}],
             "licenses": [{"license": {"id": LICENCES[package]}}],
             "purl": reference, "properties": properties(hashed=orig)}
    if patches(package):
        found["pedigree"] = {"patches": patches(package)}
    return found


def libgcc(arch, package, version, digest, members):
    """Return the component of the compiler's own library."""
    reference = purl(package, version, "all" if "cross" in package else arch)
    return {"type": "library", "bom-ref": reference, "name": "libgcc",
            "version": version,
            "scope": "required" if members else "excluded",
            "description": "the compiler's helpers, linux/" + arch,
            "hashes": [{"alg": "SHA-256", "content": digest}],
            "licenses": [{"expression":
                          "GPL-3.0-or-later WITH GCC-exception-3.1"}],
            "purl": reference,
            "properties": properties(hashed="libgcc.a", members=" ".join(
                members) or "none")}


def certificate(path):
    """Return the DER form of a certificate in PEM form."""
    with open(path, encoding="ascii") as file:
        lines = [line.strip() for line in file
                 if line.strip() and not line.startswith("-----")]
    return base64.b64decode("".join(lines), validate=True)


def anchor(folder, name, key, where):
    """Return the component of one trust anchor."""
    return {"type": "data", "bom-ref": "anchor:" + key,
            "name": name[:-len(".crt")].replace("_", " "),
            "hashes": sha256(certificate(os.path.join(folder, name))),
            "properties": properties(hashed="certificate, DER",
                                     public_key_sha256=key, trusted_for=where)}


def anchors(folder, version):
    """Return the component of the package that the anchors come from."""
    reference = purl("ca-certificates", version, "source")
    return {"type": "data", "bom-ref": reference, "name": "ca-certificates",
            "version": version, "description": "the trust anchors",
            "licenses": [{"license": {"id": "MPL-2.0"}}], "purl": reference,
            "components": [anchor(folder, *row)
                           for row in rows("vendor/roots.lock")]}


def program(folder, arch):
    """Return the component of one finished program."""
    name = "ssm-activate-linux-" + arch
    with open(os.path.join(folder, name), "rb") as file:
        return {"type": "file", "bom-ref": name, "name": name,
                "hashes": sha256(file.read())}


def installed(package):
    """Return the version of a package of this machine."""
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                          stdout=subprocess.PIPE, text=True, timeout=30,
                          check=True).stdout


def tools():
    """Return what the programs depend on without containing it."""
    return [{"type": "application", "name": name, "version": installed(name)}
            for name in TOOLS]


def document(version, revision, ca_folder, folder):
    """Return the whole bill."""
    moment = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))
    helpers = rows("build/dist.libgcc")
    parts = [library(*row) for row in rows("build/vendor-versions")]
    parts += [libgcc(row[0], row[1], row[2], row[3], row[4:])
              for row in helpers]
    parts.append(anchors(ca_folder, installed("ca-certificates")))
    programs = [program(folder, row[0]) for row in helpers]
    main = {"type": "application", "bom-ref": "ssm-activate",
            "name": "ssm-activate", "version": version,
            "licenses": [{"license": {"id": os.environ["PROJECT_LICENCE"]}}],
            "authors": [{"name": os.environ["PROJECT_AUTHORS"]}],
            "description": os.environ["PROJECT_ABOUT"],
            "components": programs,
            "properties": properties(revision=revision)}
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(
            [version, revision, programs])).urn,
        "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment),
                     "lifecycles": [{"phase": "build"}],
                     "tools": {"components": tools()}, "component": main},
        "components": parts,
        "dependencies": [{"ref": "ssm-activate", "dependsOn": [
            part["bom-ref"] for part in parts]}]}


if __name__ == "__main__":
    json.dump(document(*sys.argv[1:]), sys.stdout, indent=1, sort_keys=True)
    print()
