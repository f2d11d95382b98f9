#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks Dockerfiles against hadolint's published rules.

Every rule that applies to what our Dockerfiles contain is here under its
number; instructions and tools that they do not use are refused as a whole, so
that a rule that is not here cannot be broken. "# hadolint ignore=NUMBER" above
an instruction counts, if a comment before it says why.

    dockerfile.py FILE...
"""

import json
import re
import sys

KNOWN = {"FROM", "ARG", "WORKDIR", "RUN", "COPY", "EXPOSE", "ENTRYPOINT",
         "CMD"}
# pip, npm, gem, yum and the like have rules of their own (DL3013 to DL3060);
# sudo is DL3004, apt DL3027, cd DL3003, and the rest DL3001 and DL4001.
TOOLS = ("pip pip3 npm gem yum dnf zypper apk yarn go sudo apt cd ssh vim "
         "shutdown service ps free top kill mount ifconfig wget curl useradd"
         ).split()


class Instruction:
    """One instruction: its line, name, words and what is ignored for it."""

    def __init__(self, number, text, ignored):
        self.number = number
        self.name, _, self.text = text.partition(" ")
        self.ignored = ignored
        self.words = self.text.split()

    def flags(self):
        """Return the words that begin with two hyphens, as a mapping."""
        return dict(word[2:].partition("=")[::2] for word in self.words
                    if word.startswith("--"))

    def plain(self):
        """Return the other words."""
        return [word for word in self.words if not word.startswith("--")]


def parse(lines):
    """Yield the instructions of a file."""
    text, start, ignored, reason = "", 0, set(), False
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if line.startswith("#"):
            found = re.match(r"#\s*hadolint ignore=(\S+)", line)
            if found and reason:
                ignored = set(found.group(1).split(","))
            reason = True
            continue
        if not line:
            reason = False
            continue
        start = start or number
        if line.endswith("\\"):
            text += line[:-1] + " "
            continue
        yield Instruction(start, text + line, ignored)
        text, start, ignored, reason = "", 0, set(), False


class File:
    """One Dockerfile, read from top to bottom."""

    def __init__(self, path):
        self.path = path
        self.faults = 0
        self.stages = []
        self.defaults = {}
        self.workdir = False
        self.seen = set()
        self.last = None

    def demand(self, one, rule, holds, text):
        """Report unless it holds or is ignored."""
        if not holds and rule not in one.ignored:
            print("%s:%d: %s %s" % (self.path, one.number, rule, text))
            self.faults += 1

    def check(self):
        """Check all; return the number of faults."""
        with open(self.path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for one in parse(lines):
            self.demand(one, "unknown", one.name in KNOWN,
                        one.name + " is not checked here")
            if one.name in KNOWN:
                getattr(self, "check_" + one.name.lower())(one)
            self.last = one
        if not self.stages:
            print("%s: no FROM" % self.path)
            self.faults += 1
        return self.faults

    def check_arg(self, one):
        """A default of an image is pinned as an image is; no secrets."""
        name, _, value = one.text.partition("=")
        self.defaults[name] = value
        self.demand(one, "DL3064", not re.search(
            "PASSWORD|SECRET|TOKEN|KEY", name), "a secret as an argument")
        if name.endswith("_IMAGE"):
            self.check_tag(one, value)

    def check_tag(self, one, image):
        """Images have a tag, and not the one that moves."""
        tag = image.rpartition("/")[2].partition(":")[2]
        self.demand(one, "DL3006", tag or "@sha256:" in image,
                    "an image without a tag")
        self.demand(one, "DL3007", tag != "latest", "the tag latest")

    def check_from(self, one):
        """Images are pinned, stages have names of their own."""
        words = one.plain()
        platform = one.flags().get("platform")
        self.demand(one, "DL3029", platform in (
            None, "$BUILDPLATFORM", "$TARGETPLATFORM"), "a fixed platform")
        self.demand(one, "DL3065", platform != "$TARGETPLATFORM",
                    "the platform that is the default")
        image = words[0]
        variable = re.fullmatch(r"\$\{(\w+)\}", image)
        if variable:
            self.demand(one, "DL3006", self.defaults.get(variable.group(1)),
                        "an image that is no argument")
        elif image != "scratch" and image not in self.stages:
            self.check_tag(one, image)
        name = words[2] if len(words) == 3 else str(len(self.stages))
        self.demand(one, "DL3024", name not in self.stages, "the same name")
        self.demand(one, "DL3063", name not in ("scratch", "context"),
                    "a reserved name")
        self.stages.append(name)
        self.workdir, self.seen = False, set()

    def check_workdir(self, one):
        """Absolute."""
        self.demand(one, "DL3000", one.text.startswith("/"), "not absolute")
        self.workdir = True

    def check_run(self, one):
        """Shell commands."""
        self.demand(one, "DL3059", self.last.name != "RUN",
                    "one after another")
        self.demand(one, "DL4006", not re.search(r"[^|]\|[^|]", one.text),
                    "a pipe without pipefail")
        for command in re.split(r"&&|\|\||;|\|", one.text):
            words = [word for word in command.split() if "=" not in word]
            self.demand(one, "DL3001", words and words[0] not in TOOLS,
                        "not a program for a build:" + command)
            if words[:2] == ["apt-get", "install"]:
                self.check_install(one, command)

    def check_install(self, one, command):
        """What apt-get installs."""
        words = command.split()[2:]
        packages = [word for word in words if not word.startswith("-")]
        self.demand(one, "DL3014", "-y" in words, "without -y")
        self.demand(one, "DL3015", "--no-install-recommends" in words,
                    "with recommended packages")
        self.demand(one, "DL3008", all("=" in word for word in packages),
                    "packages without a version")
        self.demand(one, "DL3009", "rm -rf /var/lib/apt/lists/*" in one.text,
                    "lists are left")

    def check_copy(self, one):
        """From a stage that is there, to a place that is clear."""
        words, source = one.plain(), one.flags().get("from")
        self.demand(one, "DL3021", len(words) == 2 or words[-1].endswith("/"),
                    "more than one file without a slash")
        self.demand(one, "DL3045", words[-1].startswith("/") or self.workdir,
                    "relative without WORKDIR")
        if source is None:
            return
        self.demand(one, "DL3022", source in self.stages, "no such stage")
        self.demand(one, "DL3023", source != self.stages[-1], "its own stage")
        self.demand(one, "DL3067", words[0] != "/", "a whole file system")

    def check_expose(self, one):
        """Port numbers that exist."""
        self.demand(one, "DL3011", all(
            word.isdigit() and int(word) < 65536 for word in one.words),
            "no port number")

    def check_json(self, one, rule):
        """An array, and once a stage."""
        try:
            words = json.loads(one.text)
        except ValueError:
            words = None
        self.demand(one, "DL3025", isinstance(words, list), "no JSON array")
        self.demand(one, rule, one.name not in self.seen, "twice")
        self.seen.add(one.name)

    def check_entrypoint(self, one):
        """An array, once."""
        self.check_json(one, "DL4004")

    def check_cmd(self, one):
        """An array, once."""
        self.check_json(one, "DL4003")


if __name__ == "__main__":
    sys.exit(1 if sum([File(name).check() for name in sys.argv[1:]]) else 0)
