#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the image of a release: an OCI layout in one archive.

    oci.py VERSION REVISION FOLDER

FOLDER holds ssm-activate-linux-ARCH and gets ssm-activate-oci.tar. For each
architecture the image has one layer with one file, /ssm-activate. Nothing in
it depends on when, where or by whom it is made.
"""

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import time

ARCHES = ("amd64", "arm64")
TYPE = "application/vnd.oci.image."
PREFIX = "org.opencontainers.image."
EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])


def entry(name, size, mode):
    """Return the head of a file in an archive."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, mode, EPOCH
    return info


def archive(files, mode):
    """Return an archive of (name, content) pairs."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) \
            as tar:
        for name, data in files:
            tar.addfile(entry(name, len(data), mode), io.BytesIO(data))
    return out.getvalue()


def digest(data):
    """Return the name of a blob."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(value):
    """Return a document as bytes, the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Layout:
    """Blobs, each stored once under its digest."""

    def __init__(self):
        self.blobs = {}

    def add(self, kind, data, **more):
        """Store a blob; return its descriptor."""
        name = digest(data)
        self.blobs["blobs/" + name.replace(":", "/")] = data
        return dict({"mediaType": TYPE + kind, "digest": name,
                     "size": len(data)}, **more)

    def image(self, arch, program, labels):
        """Store the image of one architecture; return its descriptor."""
        layer = archive([("ssm-activate", program)], 0o755)
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
        config = {"architecture": arch, "os": "linux", "created": moment,
                  "config": {"Labels": labels},
                  "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
                  "history": [{"created": moment,
                               "created_by": "COPY /ssm-activate /"}]}
        packed = self.add("layer.v1.tar+gzip",
                          gzip.compress(layer, 9, mtime=0))
        labels = dict(labels, **{PREFIX + "created": moment})
        manifest = {"schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json",
                    "config": self.add("config.v1+json", encode(config)),
                    "layers": [packed], "annotations": labels}
        return self.add("manifest.v1+json", encode(manifest),
                        platform={"architecture": arch, "os": "linux"})

    def index(self, images, labels, version):
        """Store the index of all images; return that of the layout."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
        labels = dict(labels, **{PREFIX + "created": moment})
        both = {"schemaVersion": 2, "mediaType": TYPE + "index.v1+json",
                "manifests": images, "annotations": labels}
        name = {"org.opencontainers.image.ref.name": version}
        return {"schemaVersion": 2, "mediaType": TYPE + "index.v1+json",
                "manifests": [self.add("index.v1+json", encode(both),
                                       annotations=name)]}


def about(version, revision):
    """Return what the image says of itself; the address may be missing."""
    labels = {"title": "ssm-activate", "version": version,
              "revision": revision,
              "licenses": os.environ["PROJECT_LICENCE"],
              "authors": os.environ["PROJECT_AUTHORS"],
              "description": os.environ["PROJECT_ABOUT"]}
    url = os.environ["PROJECT_URL"]
    if url:
        labels.update(source=url, url=url,
                      documentation=url + "/tree/v%s/docs" % version)
    return {PREFIX + name: value for name, value in labels.items()}


def main(version, revision, folder):
    """Write the archive."""
    labels = about(version, revision)
    layout, images = Layout(), []
    for arch in ARCHES:
        with open(os.path.join(folder, "ssm-activate-linux-" + arch),
                  "rb") as file:
            images.append(layout.image(arch, file.read(), labels))
    index = layout.index(images, labels, version)
    files = [("oci-layout", encode({"imageLayoutVersion": "1.0.0"})),
             ("index.json", encode(index))] + sorted(layout.blobs.items())
    with open(os.path.join(folder, "ssm-activate-oci.tar"), "wb") as out:
        out.write(archive(files, 0o644))


if __name__ == "__main__":
    main(*sys.argv[1:])
