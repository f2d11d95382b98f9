#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fails if a workflow of .github/workflows does more than it should.

Least permissions, job by job; no action that is not pinned by its commit; no
expression inside of a script; and every step is .ci/run or a verb of build.sh,
except the one that fetches the commit, which is the same everywhere.
"""

import glob
import re
import subprocess
import sys

import yaml

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
STEP = re.compile(r'(\.ci/run|\./build\.sh( [a-z]+( "\$[A-Z_]+")*)?)')
RIGHTS = {"contents": ("read", "write"), "packages": ("read", "write")}
TOP = {"name", True, "permissions", "jobs"}
FETCH = "Check out"


class Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, which YAML forbids."""

    def construct_mapping(self, node, deep=False):
        """Return a mapping with each key once."""
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.YAMLError("a key is there twice: %s" % keys)
        return super().construct_mapping(node, deep)


def verbs():
    """Return the verbs of build.sh."""
    done = subprocess.run(["./build.sh", "help"], capture_output=True,
                          text=True, timeout=60, check=True)
    return set(re.findall(r"^  ([a-z]+)\b", done.stdout, re.MULTILINE))


class Check:
    """The findings of all files."""

    def __init__(self):
        self.bad = []
        self.fetch = set()
        self.verbs = verbs()

    def want(self, truth, where, what):
        """Note what is not as it should be."""
        if not truth:
            self.bad.append("%s: %s" % (where, what))

    def file(self, path):
        """Check one workflow."""
        with open(path, encoding="utf-8") as file:
            found = yaml.load(file, Loader)
        self.want(set(found) == TOP, path, "top level: %s" % set(found))
        self.want(found.get("permissions") == {}, path,
                  "permissions of the whole are not {}")
        for name, job in found.get("jobs", {}).items():
            self.job("%s: %s" % (path, name), job)

    def job(self, where, job):
        """Check one job."""
        rights = job.get("permissions")
        self.want(isinstance(rights, dict) and all(
            value in RIGHTS.get(key, ()) for key, value in rights.items()),
            where, "permissions: %s" % rights)
        self.want(1 <= job.get("timeout-minutes", 0) <= 180, where,
                  "timeout-minutes is missing")
        self.want("uses" not in job and "services" not in job, where,
                  "a job that is not ours")
        for index, step in enumerate(job.get("steps", [])):
            self.step("%s, step %d" % (where, index + 1), step)

    def step(self, where, step):
        """Check one step."""
        run = step.get("run", "")
        self.want(set(step) <= {"name", "uses", "with", "env", "run"}, where,
                  "members: %s" % set(step))
        if "uses" in step:
            self.want(PINNED.fullmatch(step["uses"]), where,
                      "not pinned by a commit: %s" % step["uses"])
            return
        self.want("${{" not in run, where, "an expression in a script")
        if step.get("name") == FETCH:
            self.fetch.add(run)
            return
        self.want(STEP.fullmatch(run), where, "no verb: %s" % run)
        words = run.split()
        self.want(len(words) < 2 or words[1] in self.verbs, where,
                  "build.sh has no such verb: %s" % run)
        for variable in re.findall(r"\$([A-Z_]+)", run):
            self.want(variable in step.get("env", {}), where,
                      "%s is not set" % variable)


def main():
    """Check all files."""
    check = Check()
    paths = sorted(glob.glob(".github/workflows/*"))
    check.want(paths, ".github/workflows", "nothing is there")
    for path in paths:
        try:
            check.file(path)
        except yaml.YAMLError as error:
            check.bad.append("%s: %s" % (path, error))
    check.want(len(check.fetch) == 1, ".github/workflows",
               "fetching is not the same everywhere")
    print("\n".join(check.bad))
    return 1 if check.bad else 0


if __name__ == "__main__":
    sys.exit(main())
