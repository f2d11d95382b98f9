"""Documents for people: links lead somewhere, no example is forgotten."""

import os
import re
import unittest

import examples

LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)")


def documents():
    """Yield the path of every Markdown file for people."""
    yield os.path.join(examples.TOP, "README.md")
    yield os.path.join(examples.TOP, "src", "README.md")
    yield os.path.join(examples.TOP, "tests", "README.md")
    for folder, _, names in os.walk(os.path.join(examples.TOP, "docs")):
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.join(folder, name)


class Links(unittest.TestCase):
    """What a text points at."""

    def test_links(self):
        """Every relative link names a file."""
        count = 0
        for document in documents():
            with open(document, encoding="utf-8") as file:
                text = file.read()
            for target, _ in LINK.findall(text):
                if "://" in target:
                    continue
                with self.subTest(document=document, target=target):
                    self.assertTrue(os.path.exists(os.path.join(
                        os.path.dirname(document), target)))
                count += 1
        self.assertGreater(count, 20)

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
