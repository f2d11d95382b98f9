# SPDX-License-Identifier: MIT
"""Runs programs for another processor in a root of this machine's kernel.

The kernel cannot start such a program by itself, and is not taught to
(binfmt_misc is a setting of the whole machine). So each program makes room for
a launcher of the machine's own kind, which calls the emulator; see launcher.c.
"""

import os
import shutil
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
MACHINES = {62: "amd64", 183: "arm64"}
EMULATORS = {"arm64": "/usr/bin/qemu-aarch64-static",
             "amd64": "/usr/bin/qemu-x86_64-static"}


def architecture(path):
    """Return the architecture of a program, or None for another file."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        head = file.read(20)
    if len(head) < 20 or head[:4] != b"\x7fELF":
        return None
    return MACHINES.get(struct.unpack_from("<H", head, 18)[0])


def native():
    """Return the architecture of this machine."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine)


class Emulation:
    """The launcher, compiled once, for as many roots as wanted."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.launcher = os.path.join(folder, "launcher")
        subprocess.run(["/usr/bin/gcc", "-O1", "-static", "-o", self.launcher,
                        os.path.join(HERE, "launcher.c")],
                       check=True, timeout=120)

    def install(self, root, path):
        """Let a program of a root be run here; one of this machine's kind
        stays as it is."""
        full = root + path
        kind = architecture(full)
        if kind in (None, native()):
            return
        hidden = root + "/.foreign" + path
        os.makedirs(os.path.dirname(hidden), exist_ok=True)
        os.rename(full, hidden)
        shutil.copy(self.launcher, full)
        os.chmod(full, os.stat(hidden).st_mode & 0o7777)
        self.provide(root, kind, os.path.basename(path))

    @staticmethod
    def provide(root, kind, name):
        """Put the emulator into a root under the name of a program."""
        folder = root + "/.emulator"
        first = os.path.join(folder, EMULATORS[kind].replace("/", "-"))
        os.makedirs(folder, exist_ok=True)
        if not os.path.exists(first):
            shutil.copy(EMULATORS[kind], first)
        if not os.path.exists(os.path.join(folder, name)):
            os.link(first, os.path.join(folder, name))

    def install_all(self, root, folder):
        """Do so with every program in a folder of a root."""
        for name in sorted(os.listdir(root + folder)):
            self.install(root, os.path.join(folder, name))
