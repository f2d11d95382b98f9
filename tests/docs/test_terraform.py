# SPDX-License-Identifier: MIT
"""Terraform: syntax, arguments, references, and files that are there."""

import os
import re
import shutil
import subprocess
import unittest

import examples
import hcl

# What the provider asks for, and what else the example uses.
ARGUMENTS = {
    "aws_iam_role": ({"assume_role_policy"}, {"name"}),
    "aws_iam_role_policy": ({"role", "policy"}, {"name"}),
    "aws_iam_role_policy_attachment": ({"role", "policy_arn"}, set()),
    "aws_ecs_task_definition": (
        {"family", "container_definitions"},
        {"requires_compatibilities", "network_mode", "cpu", "memory",
         "task_role_arn", "execution_role_arn"}),
    "aws_ssm_service_setting": ({"setting_id", "setting_value"}, {"count"}),
}
TEXT = examples.text("terraform", "main.tf")


def addresses(blocks):
    """Return everything that an expression may refer to."""
    found = set()
    for block in blocks:
        kind, labels, body = block
        if kind == "resource":
            found.add(".".join(labels))
        elif kind == "data":
            found.add("data." + ".".join(labels))
        elif kind == "variable":
            found.add("var." + labels[0])
        elif kind == "locals":
            found |= {"local." + item[0] for item in body}
    return found


class Terraform(unittest.TestCase):
    """The one file."""

    def setUp(self):
        self.blocks = hcl.parse(TEXT)

    def test_blocks(self):
        """The blocks that Terraform knows; no address is there twice."""
        kinds = {block[0] for block in self.blocks}
        self.assertLessEqual(kinds, {"terraform", "variable", "data",
                                     "locals", "resource", "output"})
        labels = [(block[0], *block[1]) for block in self.blocks
                  if block[0] != "locals"]
        self.assertEqual(len(labels), len(set(labels)))

    def test_arguments(self):
        """What a resource needs is there, and nothing unknown."""
        count = 0
        for kind, labels, body in self.blocks:
            if kind != "resource":
                continue
            needed, known = ARGUMENTS[labels[0]]
            given = {item[0] for item in body}
            with self.subTest(labels=labels):
                self.assertLessEqual(needed, given)
                self.assertLessEqual(given, needed | known)
            count += 1
        self.assertEqual(count, 6)

    def test_references(self):
        """Every reference leads somewhere."""
        code = re.sub(r"#[^\n]*", "", TEXT)
        used = set(re.findall(r"\b(?:var|local)\.\w+", code))
        used |= set(re.findall(r"\bdata\.\w+\.\w+", code))
        used |= set(re.findall(r"(?<!data\.)\baws_\w+\.\w+", code))
        self.assertGreater(len(used), 6)
        self.assertEqual(used - addresses(self.blocks), set())

    def test_files(self):
        """The files that it reads are there, and every text is used."""
        files = set(re.findall(r'"((?:iam|ecs)/[\w-]+)"', TEXT))
        self.assertGreater(len(files), 3)
        for name in files:
            self.assertTrue(os.path.exists(examples.path(name + ".json")))
            self.assertIn('local.text["%s"]' % name, TEXT)
        task = examples.load("ecs", "task-application.json")
        members = set(re.findall(r"local\.task\.(\w+)", TEXT))
        self.assertLessEqual(members, set(task))

    def test_format(self):
        """Terraform itself, where it is installed: Debian has none."""
        program = shutil.which("terraform")
        if not program:
            self.skipTest("no terraform on this machine")
        done = subprocess.run(
            [program, "fmt", "-check", "-diff", examples.path("terraform")],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Syntax(unittest.TestCase):
    """The grammar takes what HCL is, and refuses what it is not."""

    def test_good(self):
        """Forms that the specification shows."""
        for text in ('a = 1', 'a = b.c[0].d', 'a = f(1, "x",)\n',
                     'b "l" {}', 'b "l" {\n  a = true ? 1 : 2\n}',
                     'a = [\n1,\n2,\n]', 'a = {\n x = 1\n "y" = [2]\n}',
                     'a = [for x in y : x.z if x.ok]',
                     'a = { for k in y : k => f(k) }', 'a = !b && c == 1',
                     'a = "x ${y.z} \\" w"', 'a = 1 # text'):
            with self.subTest(text=text):
                hcl.parse(text)

    def test_bad(self):
        """What Terraform would refuse."""
        for text in ('a = ', 'a 1', 'b "l" {', 'a = [1 2]', 'a = f(1',
                     'a = "x', 'b l = 1', 'a = 1 b = 2', 'a = {x = 1 y = 2}',
                     '= 1', 'a = (1]', 'a = b.'):
            with self.subTest(text=text), self.assertRaises(hcl.BadHcl):
                hcl.parse(text)
