# SPDX-License-Identifier: MIT
"""Builds both Dockerfiles for both architectures, then runs the images.

    images.py FOLDER REVISION

FOLDER holds the bases (bases.sh), gets buildah's storage and keeps both for
the next run. The last line counts.
"""

import os
import shutil
import subprocess
import sys
import time

from buildah import Failed, Store

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import runner  # noqa: E402 (its folder had to be named first)

ARCHES = ("amd64", "arm64")
AGENT = ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker",
         "ssm-document-worker")
COPY = """
COPY --from=localhost/artifact:%s /ssm-activate /usr/local/bin/
COPY --from=localhost/agent:%s /usr/bin/ /usr/bin/
"""


def say(text):
    """Print one line at once."""
    print("-- " + text, flush=True)


def make_agent(store, arch):
    """Make the image that stands for AWS's, of the stand-in."""
    folder = os.path.join(store.folder, arch, "agent")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder + "/usr/bin")
    for name in AGENT:
        shutil.copy(os.path.join(TOP, "build", arch, "ship",
                                 "amazon-ssm-agent-standin"),
                    os.path.join(folder, "usr/bin", name))
    store.load("localhost/agent:" + arch, arch, folder)


def make_bases(store, arch):
    """Make images of the root file systems, unless they are there."""
    for kind in ("debian", "alpine"):
        image = "localhost/%s:%s" % (kind, arch)
        if not store.has(image):
            store.load(image, arch, os.path.join(store.folder, arch, kind))


def build_files(store, arch, revision):
    """Build what the two Dockerfiles offer."""
    for kind in ("debian", "alpine"):
        file = os.path.join(TOP, "docker", "Dockerfile." + kind)
        values = {"BUILD_IMAGE": "localhost/debian:" + runner_arch(),
                  "RUBY_IMAGE": "localhost/debian:" + arch,
                  "ALPINE_IMAGE": "localhost/alpine:" + arch,
                  "AGENT_IMAGE": "localhost/agent:" + arch,
                  # Debian 12's buildah does not know it by itself.
                  "BUILDPLATFORM": "linux/" + runner_arch(),
                  "BUILD_REVISION": revision}
        # Alpine's image has no agent but ours.
        for name in (("ALPINE_IMAGE",) if kind == "debian"
                     else ("RUBY_IMAGE", "AGENT_IMAGE")):
            del values[name]
        began = time.monotonic()
        # The name keeps its layers for the next run.
        store.build("localhost/build:" + arch, arch, TOP, file,
                    target="build", **values)
        store.build("localhost/artifact:" + arch, arch, TOP, file,
                    target="artifact", **values)
        store.build("localhost/%s-app:%s" % (kind, arch), arch, TOP, file,
                    **values)
        say("docker/Dockerfile.%s for %s: built in %.0f s"
            % (kind, arch, time.monotonic() - began))


def build_copies(store, arch):
    """Build what users write: one COPY line on an image of theirs."""
    for kind in ("debian", "alpine", "empty"):
        base = ("scratch" if kind == "empty"
                else "localhost/%s:%s" % (kind, arch))
        store.build("localhost/%s-copy:%s" % (kind, arch), arch, HERE,
                    text="FROM " + base + COPY % (arch, arch))


def runner_arch():
    """Return the architecture of this machine."""
    return subprocess.run(["dpkg", "--print-architecture"], check=True,
                          capture_output=True, text=True,
                          timeout=30).stdout.strip()


def main(folder, revision):
    """Build everything, then test it in a network of its own."""
    store = Store(folder)
    reason = store.usable()
    if reason:
        say("images: every test is skipped: " + reason)
        runner.conclude(0, 0)
        return 0
    runner.possible("images", ["test_images"])
    try:
        store.tidy()
        for arch in ARCHES:
            make_bases(store, arch)
            make_agent(store, arch)
            build_files(store, arch, revision)
            build_copies(store, arch)
    except Failed as failure:
        print(failure)
        return runner.conclude(0, 1)
    os.environ["SSM_ACTIVATE_IMAGES"] = store.folder
    return runner.main("images")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
