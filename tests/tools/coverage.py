# SPDX-License-Identifier: MIT
"""Prints how many lines and branches of src/ were reached, file by file, from
the counters that gcc's --coverage leaves beside objects.

    coverage.py FOLDER LISTS

FOLDER holds the objects; what was not reached is listed in LISTS, a file for
each source. A source may be part of several objects: these count as one.
"""

import collections
import json
import os
import subprocess
import sys

LINES_WANTED, BRANCHES_WANTED = 90, 80


class Source:
    """What is known of one file: how often each line and branch was taken."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.Counter()

    def add(self, found):
        """Take in what one object says."""
        for line in found["lines"]:
            number = line["line_number"]
            self.lines[number] += line["count"]
            for index, branch in enumerate(line["branches"]):
                self.branches[number, index] += branch["count"]

    @staticmethod
    def part(counter):
        """Return how many were reached, and of how many."""
        return sum(count > 0 for count in counter.values()), len(counter)


def gcov(folder, counters):
    """Return what gcov says of these files."""
    said = subprocess.run(
        ["gcov", "--json-format", "--stdout", "--branch-probabilities",
         *counters], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=True, timeout=600).stdout
    return [json.loads(line) for line in said.splitlines()
            if line.startswith(b"{")]


def read(folder, top):
    """Return {path below src: Source} of all objects."""
    # Objects without counters hold lines that were never reached.
    notes = [os.path.abspath(os.path.join(place, name))
             for place, _, names in os.walk(folder)
             for name in names if name.endswith(".gcno")
             and not place.startswith(os.path.join(folder, "build"))]
    sources = collections.defaultdict(Source)
    for start in range(0, len(notes), 50):
        for one in gcov(top, sorted(notes)[start:start + 50]):
            for found in one["files"]:
                path = os.path.normpath(found["file"])
                if path.startswith("src" + os.sep):
                    sources[path].add(found)
    return sources


def percent(reached, count):
    """Return the part in percent."""
    return 100 * reached / count if count else 100


def write_list(place, path, source):
    """List the lines and branches that were not reached."""
    target = os.path.join(place, path.replace(os.sep, "_") + ".txt")
    with open(target, "w", encoding="utf-8") as file:
        for number in sorted(n for n, c in source.lines.items() if not c):
            file.write("%s:%d: line\n" % (path, number))
        for number, index in sorted(
                k for k, c in source.branches.items() if not c):
            if source.lines[number]:
                file.write("%s:%d: branch %d\n" % (path, number, index))


def main(folder, lists):
    """Print the table."""
    os.makedirs(lists, exist_ok=True)
    sources = read(folder, os.getcwd())
    sums = [0, 0, 0, 0]
    print("%-34s %16s %16s" % ("source", "lines", "branches"))
    for path, source in sorted(sources.items()):
        parts = source.part(source.lines) + source.part(source.branches)
        sums = [one + more for one, more in zip(sums, parts)]
        print("%-34s %5d/%-5d %3.0f%% %5d/%-5d %3.0f%%" % (
            path, *parts[:2], percent(*parts[:2]), *parts[2:],
            percent(*parts[2:])))
        write_list(lists, path, source)
    print("all of src: %.1f %% of %d lines (wanted: %d), %.1f %% of %d branches"
          " (wanted: %d)" % (percent(*sums[:2]), sums[1], LINES_WANTED,
                             percent(*sums[2:]), sums[3], BRANCHES_WANTED))


if __name__ == "__main__":
    main(*sys.argv[1:])
