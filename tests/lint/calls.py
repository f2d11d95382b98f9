#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fails if the keeper may call a function of the C library that is not listed.

calls.py LIST OBJECT...

The objects have a section for each function and each constant.  From the
keeper's first function on, all is followed that a section refers to, tables of
functions included; not into what LIST says runs elsewhere.  What no object
defines is the C library's, and has to be in LIST, which says how.
"""
import collections
import os
import re
import subprocess
import sys

ROOT = "keeper_run"
HEAD = re.compile(r"RELOCATION RECORDS FOR \[(.*)\]:")
FILE = re.compile(r"^(\S+):\s+file format ")
SYMBOL = re.compile(r"^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+\s+"
                    r"(?:\.hidden )?(\S+)$")
OFFSET = re.compile(r"[+-]0x[0-9a-f]+$")


class Graph:
    """Sections as (object, name), and what each refers to."""

    def __init__(self, objects):
        self.places = {}  # of a symbol: local ones as (object, symbol)
        self.names = {}   # of a section: its first function
        self.refers = collections.defaultdict(set)
        objdump = os.environ.get("OBJDUMP", "objdump")
        text = subprocess.run([objdump, "-t", "-r"] + objects, check=True,
                              stdout=subprocess.PIPE, encoding="utf-8").stdout
        current = section = None
        for line in text.splitlines():
            if found := FILE.match(line):
                current, section = found[1], None
            elif found := HEAD.match(line):
                section = (current, found[1])
            elif found := SYMBOL.match(line):
                self.add(current, *found.groups())
            elif section and "R_" in line:
                self.refers[section].add(OFFSET.sub("", line.split()[2]))

    def add(self, current, flags, section, name):
        """A line of the table of symbols."""
        if section.startswith("*"):
            return
        self.places[name if flags[0] == "g" else (current, name)] = (
            current, section)
        if "F" in flags:
            self.names.setdefault((current, section), name)

    def find(self, current, name):
        """Return the section that defines a symbol, or None."""
        return self.places.get((current, name)) or self.places.get(name)

    def walk(self, root, elsewhere):
        """Return each name that is not defined, as (name, function), with a
        way that leads to it, and those of elsewhere that were met."""
        calls, met = {}, set()
        ways = {self.places[root]: [root]}
        waiting = collections.deque(ways)
        while waiting:
            section = waiting.popleft()
            for name in sorted(self.refers[section]):
                place = self.find(section[0], name)
                if place is None:
                    calls.setdefault((name, ways[section][-1]), ways[section])
                    continue
                label = self.names.get(place)
                if label in elsewhere:
                    met.add(label)
                elif place not in ways:
                    ways[place] = ways[section] + ([label] if label else [])
                    waiting.append(place)
        return calls, met


def read_list(path):
    """Return the two kinds of lines: allowed calls, functions elsewhere."""
    kinds = {"call": {}, "elsewhere": {}}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split(None, 2)
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 3 or words[0] not in kinds:
                sys.exit("%s:%d: not `call NAME REASON` or `elsewhere NAME "
                         "REASON`" % (path, number))
            kinds[words[0]][words[1]] = words[2]
    return kinds["call"], kinds["elsewhere"]


def main(path, objects):
    """Compare, and say what differs."""
    allowed, elsewhere = read_list(path)
    calls, met = Graph(objects).walk(ROOT, elsewhere)
    bad, used = [], set()
    for (name, caller), way in sorted(calls.items()):
        entry = name if name in allowed else "%s@%s" % (name, caller)
        used.add(entry)
        if entry not in allowed:
            bad.append("the keeper may call %s (%s): it must not wait for "
                       "anything; let a worker do it, or say in %s why this "
                       "cannot wait" % (name, " > ".join(way), path))
    bad += ["%s: the keeper does not call %s" % (path, name)
            for name in sorted(set(allowed) - used)]
    bad += ["%s: the keeper does not lead to %s" % (path, name)
            for name in sorted(set(elsewhere) - met)]
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
