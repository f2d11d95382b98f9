# SPDX-License-Identifier: MIT
"""The examples as files, and what all checks of them share."""

import glob
import importlib.util
import json
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
EXAMPLES = os.path.join(TOP, "docs", "examples")
FAKE = os.path.join(TOP, "tests", "lib", "fake")
ACCOUNT = "123456789012"
REGION = "eu-west-1"


def path(*names):
    """Return the path of an example."""
    return os.path.join(EXAMPLES, *names)


def names(folder, suffix):
    """Return the names of the examples of a folder, sorted."""
    found = glob.glob(path(folder, "*" + suffix))
    return sorted(os.path.basename(one) for one in found)


def text(*parts):
    """Return the text of an example."""
    with open(path(*parts), encoding="utf-8") as file:
        return file.read()


def _no_twins(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("a key is there twice: %s" % sorted(keys))
    return dict(pairs)


def load(*parts):
    """Return a JSON example; a key that is there twice is an error."""
    return json.loads(text(*parts), object_pairs_hook=_no_twins)


def evaluator():
    """Return the local AWS's module for policies; its folder has modules of
    names that others use, too."""
    spec = importlib.util.spec_from_file_location(
        "iampolicy", os.path.join(FAKE, "iampolicy.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program():
    """Return the path of the program."""
    return os.path.abspath(os.environ.get("SSM_ACTIVATE_BIN")
                           or os.path.join(TOP, "build", "ssm-activate"))


def help_of(command):
    """Return the help of a command, or None if there is no such command."""
    done = subprocess.run([program(), "help", command], capture_output=True,
                          text=True, timeout=30, check=False)
    return done.stdout if done.returncode == 0 else None


def settings_of(command):
    """Return the flags and variables of a command."""
    return set(re.findall(r"(--[a-z][a-z-]*|\b(?:SSM_|MANAGED_)[A-Z_]+)",
                          help_of(command) or ""))


def command_words(argv):
    """Return (command, flags) of a command line of ours, without what
    follows "--"."""
    words = argv[1:argv.index("--")] if "--" in argv else argv[1:]
    flags = {word.partition("=")[0] for word in words[1:]
             if word.startswith("--")}
    return words[0], flags


def is_ours(argv):
    """Tell whether a command line runs the program."""
    return bool(argv) and os.path.basename(argv[0]) == "ssm-activate"


class Commands:
    """Checks that a test case mixes in: our command lines and settings."""

    def check_command(self, argv):
        """Each word up to "--" is one that the program knows."""
        command, flags = command_words(argv)
        self.assertIsNotNone(help_of(command), "no command " + command)
        self.assertLessEqual(flags, settings_of(command), argv)
        return command

    def check_environment(self, command, variables):
        """Each variable with our prefix is a setting of the command."""
        ours = {name for name in variables
                if name.startswith(("SSM_", "MANAGED_"))}
        self.assertLessEqual(ours, settings_of(command))
