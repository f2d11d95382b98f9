# SPDX-License-Identifier: MIT
"""Command lines of the documents and of the help: ours are parsed and, where
they change nothing, run; those of the AWS CLI are held to the service's model;
verbs of build.sh exist; what else is in a block of a shell is listed.
"""

import glob
import os
import re
import shlex
import subprocess
import tempfile
import unittest

import botocore.session
from botocore import xform_name

import examples

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
# Options of the AWS CLI itself.
GLOBAL = {"region", "profile", "output", "query", "endpoint-url",
          "cli-input-json"}
# Programs of others in blocks of a shell, which no test runs as they stand.
OTHERS = {"minisign", "git", "diff", "make", "docker"}


def pages():
    """Return the paths of the documents with command lines."""
    return [os.path.join(examples.TOP, name) for name in (
        "README.md", "CONTRIBUTING.md")] + sorted(glob.glob(os.path.join(
            examples.TOP, "docs", "**", "*.md"), recursive=True))


def lines():
    """Yield (page, line) of each block, without functions of a shell."""
    for page in pages():
        with open(page, encoding="utf-8") as file:
            text = file.read()
        for block in BLOCK.findall(text):
            if "() {" in block:
                continue
            for line in block.replace("\\\n", " ").splitlines():
                if line and not line.startswith("#"):
                    yield os.path.relpath(page, examples.TOP), line


def words_of(line):
    """Return the words of a command line, without `exec` and variables."""
    words = shlex.split(line)
    while words[0] == "exec" or re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    return words


class Blocks(examples.Commands, unittest.TestCase):
    """Line by line."""

    def test_ours(self):
        """Each line parses; those that only print or start CMD are run."""
        count = 0
        for page, line in lines():
            words = words_of(line)
            if not examples.is_ours(words):
                continue
            count += 1
            with self.subTest(page=page, line=line):
                command = self.check_command(
                    [word for word in words if not word.startswith(">")])
                if command in ("completion", "run", "version", "help"):
                    self.run_line(line)
        self.assertGreater(count, 3)

    def run_line(self, line):
        """Run it in a shell; what it would write goes nowhere."""
        shell = re.sub(r">\S+", ">/dev/null", line)
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(examples.program(),
                       os.path.join(folder, "ssm-activate"))
            done = subprocess.run(
                ["/bin/sh", "-c", shell, "sh", "echo", "started"],
                capture_output=True, text=True, timeout=60, check=False,
                env={"PATH": folder + ":/usr/bin:/bin"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        if '"$@"' in line:
            self.assertEqual(done.stdout, "started\n")

    def test_examples_of_the_help(self):
        """Each parses, and each command has two."""
        usage = examples.help_of("help")
        part = usage.partition("commands:\n")[2].partition("\n\n")[0]
        names = re.findall(r"^  (\w+)", part, re.M)
        self.assertGreater(len(names), 7)
        for name in names:
            if name == "help":
                continue
            text = examples.help_of(name).partition("\nexamples:\n")[2]
            shown = text.partition("\n\n")[0].splitlines()
            self.assertEqual(len(shown), 2, name)
            for line in shown:
                with self.subTest(line=line):
                    words = [word for word in shlex.split(line)
                             if not word.startswith(">")]
                    self.assertEqual(self.check_command(words), name)

    def test_aws(self):
        """Service, operation and parameters are those of the model; files
        that a line names are there."""
        session = botocore.session.get_session()
        count = 0
        for page, line in lines():
            words = words_of(line)
            if words[0] != "aws":
                continue
            count += 1
            with self.subTest(page=page, line=line):
                model = session.get_service_model(words[1])
                operations = {xform_name(name, "-"): name
                              for name in model.operation_names}
                if (words[1], words[2]) != ("ssm", "start-session"):
                    self.assertIn(words[2], operations)
                shape = model.operation_model(
                    operations[words[2]]).input_shape
                known = {xform_name(name, "-") for name in shape.members}
                flags = {word[2:] for word in words[3:]
                         if word.startswith("--")}
                self.assertLessEqual(flags, known | GLOBAL)
                for name in re.findall(r"file://(\S+)", line):
                    self.assertTrue(os.path.exists(examples.path(name)), name)
        self.assertGreater(count, 5)

    def test_verbs(self):
        """Each verb of build.sh is one."""
        done = subprocess.run([os.path.join(examples.TOP, "build.sh"), "help"],
                              capture_output=True, text=True, timeout=60,
                              check=True)
        verbs = set(re.findall(r"^  ([a-z]+)\b", done.stdout, re.M)) | {
            "help"}
        count = 0
        for page in pages():
            with open(page, encoding="utf-8") as file:
                text = file.read()
            for verb in re.findall(
                    r"\./build\.sh(?: --no-install)? ([a-z]+)", text):
                with self.subTest(page=page, verb=verb):
                    self.assertIn(verb, verbs)
                count += 1
        self.assertGreater(count, 10)

    def test_others(self):
        """Lines that no test runs are of programs that are listed here."""
        for page, line in lines():
            with self.subTest(page=page, line=line):
                self.assertIn(os.path.basename(words_of(line)[0]),
                              OTHERS | {"ssm-activate", "aws", "build.sh"})
