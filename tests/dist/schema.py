# SPDX-License-Identifier: MIT
"""Checks a bill of materials against the published schema of CycloneDX.

The schema is not ours to distribute. It comes from a package of its authors,
fetched by name and version through npm and compared with a known hash.
"""

import base64
import hashlib
import json
import os
import subprocess
import tarfile

import jsonschema

PACKAGE = "@cyclonedx/cyclonedx-library@6.13.0"
ARCHIVE = "cyclonedx-cyclonedx-library-6.13.0.tgz"
SHA512 = ("/Wl1j56XPAFwOne2xZdYOOf8tFLwnwgWCFiXVbPNfnYZncuoLhVAEFDHbrJK"
          "SvvVwMRwTCoIugDvUJSIfPksiA==")
MAIN = "bom-1.6.SNAPSHOT.schema.json"
OTHERS = ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")


def fetch(folder):
    """Return the archive of the package, fetched once for a folder."""
    path = os.path.join(folder, ARCHIVE)
    if not os.path.exists(path):
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder,
                       stdout=subprocess.DEVNULL, timeout=300, check=True)
    with open(path, "rb") as file:
        found = base64.b64encode(hashlib.sha512(file.read()).digest())
    if found.decode() != SHA512:
        raise AssertionError("%s has another hash: %s" % (PACKAGE, found))
    return path


def faults(document, folder):
    """Return what is wrong with a document."""
    def load(name):
        return json.load(tar.extractfile("package/res/schema/" + name))
    with tarfile.open(fetch(folder)) as tar:
        schema = load(MAIN)
        store = {"http://cyclonedx.org/schema/" + name: load(name)
                 for name in OTHERS}
    resolver = jsonschema.RefResolver.from_schema(schema, store=store)
    check = jsonschema.Draft7Validator(schema, resolver=resolver)
    return ["%s: %s" % (list(fault.path), fault.message)
            for fault in check.iter_errors(document)]
