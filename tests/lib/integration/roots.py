# SPDX-License-Identifier: MIT
"""Root file systems: overlays on small trees, thrown away after each test."""

import os
import shutil
import subprocess

import place
from place import mount, write

BUSYBOX = "/bin/busybox"
# Alpine's busybox has these only in part, or its image does not.
NOT_IN_ALPINE = {"adduser", "addgroup", "deluser", "delgroup", "useradd",
                 "groupadd", "busybox", "init", "linuxrc"}
PASSWD = ("root:x:0:0:root:/root:/bin/sh\n"
          "bin:x:1:1:bin:/bin:/sbin/nologin\n"
          "app:x:1000:1000:Linux User,,,:/home/app:/bin/sh\n"
          "nobody:x:65534:65534:nobody:/:/sbin/nologin\n")
GROUP = "root:x:0:root\nbin:x:1:root,bin\napp:x:1000:\nnobody:x:65534:\n"
SHADOW = "root:*::0:::::\nbin:!::0:::::\napp:!:20000:0:99999:7:::\n"


def make_alpine(folder):
    """Make the tree of an image as Alpine's: busybox, no bundle of roots, no
    useradd, no /etc/ssl."""
    for name in ("bin", "etc", "home/app", "root", "tmp", "var/log", "var/lib",
                 "run", "sbin", "usr/bin", "usr/sbin"):
        os.makedirs(os.path.join(folder, name))
    os.chmod(os.path.join(folder, "tmp"), 0o1777)
    shutil.copy(BUSYBOX, os.path.join(folder, "bin/busybox"))
    listing = subprocess.run([BUSYBOX, "--list"], capture_output=True,
                             text=True, timeout=30, check=True)
    for name in set(listing.stdout.split()) - NOT_IN_ALPINE:
        os.symlink("/bin/busybox", os.path.join(folder, "bin", name))
    write(os.path.join(folder, "etc/passwd"), PASSWD)
    write(os.path.join(folder, "etc/group"), GROUP)
    write(os.path.join(folder, "etc/shadow"), SHADOW, 0o640)
    os.chown(os.path.join(folder, "etc/shadow"), 0, 42)
    write(os.path.join(folder, "etc/os-release"), "ID=alpine\n")


def make_empty(folder):
    """Make the tree of an image from scratch: nothing."""
    os.makedirs(folder)


def lower(kind):
    """Return the lower layer of a kind, made when first asked for."""
    if kind == "debian":
        return "/"
    folder = place.current.path("lower-" + kind)
    if not os.path.isdir(folder):
        {"alpine": make_alpine, "empty": make_empty}[kind](folder)
    return folder


class Root:
    """One root: `path` is it as a whole, `upper` what differs from the image.
    """

    made = 0

    def __init__(self, kind="alpine"):
        Root.made += 1
        self.kind = kind
        self.folder = place.current.path("root-%d" % Root.made)
        self.path = os.path.join(self.folder, "root")
        self.upper = os.path.join(self.folder, "upper")
        self.mounts = []
        for name in ("root", "upper", "work"):
            os.makedirs(os.path.join(self.folder, name))
        self.attach()

    def layers(self):
        """Return the folders below, the upper ones first."""
        return [place.current.path("outside"), place.current.path("common"),
                lower(self.kind)]

    def attach(self):
        """Mount it."""
        mount("-t", "overlay", "overlay", "-o",
              "lowerdir=%s,upperdir=%s,workdir=%s" % (
                  ":".join(self.layers()), self.upper, os.path.join(self.folder, "work")),
              self.path)

    def detach(self):
        """Take everything off it."""
        for path in self.mounts[::-1] + [self.path]:
            subprocess.run(["/bin/umount", "-l", path], check=True,
                           timeout=30)
        self.mounts = []

    def remove(self):
        """Throw it away."""
        self.detach()
        shutil.rmtree(self.folder)

    def copy(self):
        """Return another root of the same kind with the same changes."""
        twin = Root(self.kind)
        twin.detach()
        shutil.rmtree(twin.upper)
        subprocess.run(["/bin/cp", "-a", self.upper, twin.upper], check=True,
                       timeout=60)
        twin.attach()
        return twin

    def inside(self, path):
        """Return the path, seen from outside, of one inside."""
        return os.path.join(self.path, path.lstrip("/"))

    def exists(self, path):
        """Tell whether there is such a file."""
        return os.path.lexists(self.inside(path))

    def read(self, path):
        """Return the text of a file."""
        with open(self.inside(path), encoding="utf-8") as file:
            return file.read()

    def write(self, path, text, mode=0o644):
        """Write a file."""
        write(self.inside(path), text, mode)

    def mode(self, path):
        """Return the permission bits of a file."""
        return os.lstat(self.inside(path)).st_mode & 0o7777

    def mount_tmpfs(self, path, size):
        """Put a small file system in it."""
        os.makedirs(self.inside(path), exist_ok=True)
        mount("-t", "tmpfs", "-o", "size=%s" % size, "tmpfs",
              self.inside(path))
        self.mounts.append(self.inside(path))

    def mount_terminals(self):
        """Give it /dev/ptmx and /dev/pts, as container runtimes do."""
        pts = self.inside("/dev/pts")
        os.makedirs(pts, exist_ok=True)
        mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=0620",
              "devpts", pts)
        self.mounts.append(pts)
        os.symlink("pts/ptmx", self.inside("/dev/ptmx"))

    def make_readonly(self):
        """Let nothing be written from now on."""
        mount("-o", "remount,ro", self.path)

    def changes(self):
        """Return the files, links and devices that differ from the image."""
        found = []
        for folder, _, names in os.walk(self.upper):
            inside = os.path.relpath(folder, self.upper)
            found += [os.path.normpath(os.path.join("/", inside, name))
                      for name in names]
        return sorted(found)

    def contents(self):
        """Yield (path, bytes) of every regular file that differs."""
        for path in self.changes():
            full = self.upper + path
            if os.path.isfile(full) and not os.path.islink(full):
                try:
                    with open(full, "rb") as file:
                        content = file.read()
                except FileNotFoundError:
                    continue  # just renamed, by who runs there
                yield path, content
