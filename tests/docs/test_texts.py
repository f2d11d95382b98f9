# SPDX-License-Identifier: MIT
"""Documents for people: links lead somewhere, no page is forgotten."""

import os
import re
import unittest
from xml.etree import ElementTree

import examples

LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)#\s]*)(?:#([^)]*))?\)")


def documents():
    """Yield the path of every Markdown file for people."""
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md",
                 "src/README.md", "tests/README.md", "vendor/README.md"):
        yield os.path.join(examples.TOP, name)
    for folder, _, names in os.walk(os.path.join(examples.TOP, "docs")):
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.join(folder, name)


def anchors(path):
    """Return the anchors of a page: those of its headings, as GitHub makes
    them, and those that it names itself."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"^```.*?^```$", "", file.read(), flags=re.M | re.S)
    found = set(re.findall(r'<a id="([^"]+)"></a>', text))
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


class Links(unittest.TestCase):
    """What a text points at."""

    def test_links(self):
        """Every relative link names a file, and a heading of it if it names
        one."""
        count = 0
        for document in documents():
            with open(document, encoding="utf-8") as file:
                text = file.read()
            for target, anchor in LINK.findall(text):
                if "://" in target:
                    continue
                with self.subTest(document=document, target=target,
                                  anchor=anchor):
                    path = os.path.join(os.path.dirname(document),
                                        target) if target else document
                    self.assertTrue(os.path.exists(path))
                    if anchor:
                        self.assertIn(anchor, anchors(path))
                count += 1
        self.assertGreater(count, 100)

    def test_drawings(self):
        """Well-formed, linked from a page, and told as text as well."""
        folder = os.path.join(examples.TOP, "docs")
        names = [name for name in os.listdir(folder)
                 if name.endswith(".svg")]
        self.assertGreaterEqual(len(names), 2)
        linked = set()
        for document in documents():
            with open(document, encoding="utf-8") as file:
                linked |= {target for target, _ in LINK.findall(file.read())}
        for name in names:
            with self.subTest(name=name):
                self.assertIn(name, linked)
                root = ElementTree.parse(os.path.join(folder, name)).getroot()
                space = "{http://www.w3.org/2000/svg}"
                told = root.find(space + "desc").text
                for text in root.iter(space + "text"):
                    if text.get("class") == "name":
                        self.assertIn(text.text.split(":")[0].split(",")[0],
                                      told)

    def test_agent(self):
        """The Dockerfile with AWS's agent takes one that needs no ec2messages;
        the other one does without."""
        def text_of(name):
            path = os.path.join(examples.TOP, "docker", "Dockerfile." + name)
            with open(path, encoding="utf-8") as file:
                return file.read()
        found = re.search(r"^ARG AGENT_IMAGE=\S+:([\d.]+)$", text_of("debian"),
                          re.M)
        self.assertGreaterEqual([int(n) for n in found[1].split(".")],
                                [3, 3, 40, 0])
        self.assertNotIn("amazon-ssm-agent", text_of("alpine"))

    def test_every_page(self):
        """The index by question links each page."""
        folder = os.path.join(examples.TOP, "docs")
        with open(os.path.join(folder, "README.md"),
                  encoding="utf-8") as file:
            linked = {target for target, _ in LINK.findall(file.read())}
        for name in sorted(os.listdir(folder)):
            with self.subTest(page=name):
                self.assertTrue(name in linked or name == "README.md" or
                                not name.endswith(".md"))

    def test_every_example(self):
        """The index of the examples links each of them."""
        index = examples.text("README.md")
        linked = {target for target, _ in LINK.findall(index)}
        for folder, _, names in os.walk(examples.EXAMPLES):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name),
                                       examples.EXAMPLES)
                with self.subTest(path=path):
                    self.assertTrue(path == "README.md" or path in linked)
