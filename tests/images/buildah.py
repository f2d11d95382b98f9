# SPDX-License-Identifier: MIT
"""Calls buildah with a storage of its own."""

import json
import os
import subprocess

BUILD = ["--isolation", "chroot", "--network", "host", "--pull-never",
         "--layers"]
BUILD_TIMEOUT = 1800
CALL_TIMEOUT = 300


class Failed(Exception):
    """buildah ended with a failure; the text has what it said."""


class Store:
    """Images and containers in one folder, apart from the machine's."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.words = ["/usr/bin/buildah", "--storage-driver", "overlay",
                      "--root", os.path.join(self.folder, "storage"),
                      "--runroot", os.path.join(self.folder, "run")]

    def call(self, *words, timeout=CALL_TIMEOUT, text=None):
        """Run buildah; return what it printed."""
        done = subprocess.run(self.words + list(words), input=text or "",
                              capture_output=True, text=True,
                              timeout=timeout, check=False)
        if done.returncode != 0:
            raise Failed("buildah %s:\n%s%s" % (
                " ".join(words), done.stdout[-4000:], done.stderr[-4000:]))
        return done.stdout.strip()

    def usable(self):
        """Return why nothing can be built here, or None."""
        try:
            name = self.call("from", "scratch")
            self.call("mount", name)
            self.call("umount", name)
            self.call("rm", name)
        except Failed as failure:
            return str(failure).strip().splitlines()[-1]
        return None

    def tidy(self):
        """Remove what an earlier run has left: containers, old layers."""
        self.call("rm", "--all")
        self.call("rmi", "--prune", "--force")

    def has(self, image):
        """Tell whether there is an image of that name."""
        try:
            self.call("inspect", "--type", "image", image)
        except Failed:
            return False
        return True

    def load(self, image, arch, folder):
        """Make an image of a root file system."""
        name = self.call("from", "scratch")
        mounted = self.call("mount", name)
        subprocess.run(["/bin/cp", "-a", folder + "/.", mounted], check=True,
                       timeout=CALL_TIMEOUT)
        self.call("umount", name)
        self.call("config", "--arch", arch, "--os", "linux", name)
        self.call("commit", "--quiet", "--rm", name, image)

    def build(self, image, arch, context, file="-", text=None, target=None,
              **arguments):
        """Build a Dockerfile, or its text, for an architecture."""
        words = ["bud"] + BUILD + ["--platform", "linux/" + arch, "-t", image,
                                   "-f", file]
        if target:
            words += ["--target", target]
        for name, value in arguments.items():
            words += ["--build-arg", "%s=%s" % (name, value)]
        self.call(*words, context, timeout=BUILD_TIMEOUT, text=text)

    def config(self, image):
        """Return the configuration of an image."""
        return json.loads(self.call("inspect", "--type", "image",
                                    image))["OCIv1"]

    def mount(self, image):
        """Return a container of an image and its root."""
        name = self.call("from", "--pull-never", image)
        return name, self.call("mount", name)

    def drop(self, name):
        """Throw a container away."""
        self.call("rm", name)
