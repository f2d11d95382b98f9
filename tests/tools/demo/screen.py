# SPDX-License-Identifier: MIT
"""What the demo prints: steps, commands, what they say, the account."""

import sys
import textwrap
import threading

WIDTH = 78


class Screen:
    """Colour on a terminal only."""

    def __init__(self, stream=sys.stdout):
        self.stream = stream
        self.colour = stream.isatty()
        self.lock = threading.Lock()
        self.count = 0

    def _print(self, text, code=None):
        if code is not None and self.colour:
            text = "\033[%sm%s\033[0m" % (code, text)
        with self.lock:
            print(text, file=self.stream, flush=True)

    def step(self, title):
        """Begin a numbered step."""
        self.count += 1
        self._print("\n%d. %s" % (self.count, title), "1")

    def text(self, *words):
        """Explain something in a paragraph."""
        self._print(textwrap.fill(" ".join(words), WIDTH,
                                  initial_indent="   ",
                                  subsequent_indent="   "))

    def command(self, text):
        """Show a command line."""
        self._print("   $ " + text, "36")

    def line(self, text):
        """Show a line that a program printed."""
        self._print("   | " + text)

    def lines(self, lines):
        """Show several."""
        for text in lines:
            self.line(text)

    def account(self, state):
        """Show what the account holds."""
        nodes, activations = state["nodes"], state["activations"]
        self._print("   account: %d activation%s, %d node%s" % (
            len(activations), "" if len(activations) == 1 else "s",
            len(nodes), "" if len(nodes) == 1 else "s"), "33")
        for node in nodes:
            self._print("            %s \"%s\" %s" % (
                node["InstanceId"], node["Name"], node["PingStatus"]), "33")

    def good(self, text):
        """Say that something is as it should be."""
        self._print("   " + text, "32")

    def bad(self, text):
        """Say that something is not."""
        self._print(textwrap.fill(text, WIDTH, initial_indent="   ",
                                  subsequent_indent="   "), "31")
