# SPDX-License-Identifier: MIT
"""Runs the Python tests of a suite; tests/run says how.

The modules run side by side, each in a process of its own, and in namespaces
of its own where it needs them.
"""

import contextlib
import glob
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

LIB = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(LIB)
FULL = os.environ.get("SSM_ACTIVATE_TEST_FULL") == "1"
# Seconds that one module may take.
LIMITS = {
    "conformance": 1800, "dist": 3600, "images": 1200,
    "integration": max(1800 if FULL else 600,
                       4 * int(os.environ.get("SSM_ACTIVATE_CYCLES", "0")))}
LIMIT = 600
# What takes longest begins first.
FIRST = ["test_ends", "test_refused", "test_cycles", "test_failopen",
         "test_passing", "test_leftovers"]
# Suites and modules with namespaces; of these suites root is needed.
ROOTED = ("integration", "conformance", "images")
APART = ROOTED + ("interop/test_resolve",)
# The folders of helpers that a suite needs.
HELPERS = {"integration": ("integration", "fake", "emulation"),
           "images": ("integration", "fake", "emulation"),
           "interop": ("fake",), "conformance": ("fake",)}
# What tests expect in /etc, and what is in it where it is missing.
ETC = {"hosts": "127.0.0.1 localhost\n::1 localhost\n", "resolv.conf": "",
       "nsswitch.conf": "hosts: files dns\n"}
UNSHARE = ["/usr/bin/unshare", "--net", "--mount", "--uts", "--ipc",
           "--propagation", "private"] + (
               [] if os.geteuid() == 0 else ["--map-root-user"]) + ["--"]


class Result(unittest.TestResult):
    """Prints a failure with what the program under test said."""

    def __init__(self):
        super().__init__()
        self.passed = 0

    def startTest(self, test):
        """Note when it began."""
        super().startTest(test)
        test.began = time.monotonic()

    def addSuccess(self, test):
        """Count it."""
        super().addSuccess(test)
        self.passed += 1

    def addFailure(self, test, err):
        """Show it."""
        super().addFailure(test, err)
        self.show("FAILED", test, self.failures[-1][1])

    def addSkip(self, test, reason):
        """Say why."""
        super().addSkip(test, reason)
        print("skipped: %s: %s" % (test.id(), reason))

    def addError(self, test, err):
        """Show it."""
        super().addError(test, err)
        self.show("ERROR", test, self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        """Show a part that failed."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.show("FAILED", subtest, self._exc_info_to_string(
                err, subtest))

    def counts(self):
        """Return how many passed, failed and were skipped."""
        return (self.passed, len(self.failures) + len(self.errors),
                len(self.skipped))

    @staticmethod
    def show(word, test, trace):
        """Print one failure."""
        print("%s: %s\n%s" % (word, test.id(), trace.rstrip()))
        owner = getattr(test, "test_case", test)
        if hasattr(owner, "story"):
            print(owner.story())


def paths(suite):
    """Return the folders from which a suite imports, its own first."""
    return [os.path.join(TESTS, suite), LIB] + [
        os.path.join(LIB, name) for name in HELPERS.get(suite, ())]


def chosen(tests, only):
    """Yield the tests of a suite of which `only` is the name: the class, the
    method, or both with a point between them."""
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from chosen(test, only)
        elif not only or "." + only + "." in test.id() + ".":
            yield test


def run_tests(module, only=""):
    """Run the tests of a module, or one, in this process."""
    tests = unittest.TestSuite(chosen(
        unittest.defaultTestLoader.loadTestsFromName(module), only))
    result = Result()
    tests.run(result)
    if only and not tests.countTestCases():
        print("%s has no test %s" % (module, only))
        return 0, 1, 0
    return result.counts()


def complete_etc():
    """Let this namespace see an /etc with the files that a bare root lacks
    (debootstrap makes none), so that tests can mount theirs over them."""
    missing = [name for name in ETC if not os.path.exists("/etc/" + name)]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as folder:
        for words in (["mount", "-t", "tmpfs", "-o", "mode=755", "etc",
                       folder], ["cp", "-a", "/etc/.", folder]):
            # What a user may not read is not copied; no test needs it.
            subprocess.run(words, check=words[0] == "mount", timeout=60)
        for name in missing:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                os.remove(path)
            with open(path, "w", encoding="ascii") as file:
                file.write(ETC[name])
        subprocess.run(["mount", "--bind", folder, "/etc"], check=True,
                       timeout=60)
        subprocess.run(["umount", folder], check=True, timeout=60)


def inside(suite, name):
    """Run one module, in the process that was started for it."""
    if is_apart(suite, name):
        complete_etc()
    around = contextlib.nullcontext()
    if suite in ("integration", "images"):
        import place
        around = place.Place()
    with around:
        counts = run_tests(*name.split(":", 1))
    print("counts %d %d %d" % counts)
    return 1 if counts[1] else 0


def conclude(passed, failed, skipped=0):
    """Print the line that counts; return the status to end with."""
    if skipped:
        print("%d skipped" % skipped)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


def refuse(reason):
    """End because nothing can be run here."""
    print("tests: " + reason)
    sys.exit(conclude(0, 1))


def namespaces():
    """Tell whether the kernel gives some; else print why not."""
    done = subprocess.run(UNSHARE + ["/bin/true"], capture_output=True,
                          text=True, timeout=30, check=False)
    if done.returncode != 0:
        print("the kernel gives no namespaces here: " + done.stderr.strip())
    return done.returncode == 0


def is_apart(suite, name):
    """Tell whether a module gets namespaces."""
    return bool({suite, suite + "/" + name.partition(":")[0]} & set(APART))


def possible(suite, names):
    """Return the modules that this machine can run; say what is missing."""
    if suite in ROOTED and os.geteuid() != 0:
        refuse("root is needed, for namespaces and mounts")
    apart = [name for name in names if is_apart(suite, name)]
    if not apart or namespaces():
        return names
    print("skipped: " + ", ".join(apart))
    if apart == names:
        conclude(0, 0)
        sys.exit(0)
    return [name for name in names if name not in apart]


def modules(suite, names):
    """Return what to run as MODULE or MODULE:TEST, the slow ones first."""
    found = [os.path.basename(path)[:-3] for path in glob.glob(
        os.path.join(TESTS, suite, "test_*.py"))]
    names = [name if name.startswith("test_") else "test_" + name
             for name in names]
    unknown = {name.partition(":")[0] for name in names} - set(found)
    if unknown:
        refuse("%s has no module %s" % (suite, ", ".join(sorted(unknown))))
    return sorted(names or found, key=lambda name: (
        FIRST.index(name) if name in FIRST else len(FIRST), name))


class Runner:
    """A few modules at a time; the counts of all."""

    def __init__(self, suite, names):
        self.suite = suite
        self.lock = threading.Lock()
        self.waiting = list(names)
        self.counts = [0, 0, 0]

    def take(self):
        """Return the next module, or None."""
        with self.lock:
            return self.waiting.pop(0) if self.waiting else None

    def work(self):
        """Run modules until none is left."""
        name = self.take()
        while name is not None:
            self.run_module(name)
            name = self.take()

    def argv(self, name):
        """Return the words that start a module."""
        return (UNSHARE if is_apart(self.suite, name) else []) + [
            sys.executable, os.path.abspath(__file__), "--inside",
            self.suite, name]

    def run_module(self, name):
        """Run one module and show what it says."""
        began = time.monotonic()
        child = subprocess.Popen(
            self.argv(name), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, PYTHONPATH=":".join(paths(self.suite))))
        try:
            text, _ = child.communicate(
                timeout=LIMITS.get(self.suite, LIMIT))
        except subprocess.TimeoutExpired:
            child.kill()
            text = child.communicate()[0] + "\nout of time\n"
        self.settle(name, text, time.monotonic() - began)

    def settle(self, name, text, seconds):
        """Add the module's own last line to the counts."""
        lines = text.rstrip("\n").split("\n")
        words = lines[-1].split()
        counts = [0, 1, 0]
        if len(words) == 4 and words[0] == "counts":
            counts = [int(word) for word in words[1:]]
            lines.pop()
        with self.lock:
            self.counts = [a + b for a, b in zip(self.counts, counts)]
            for line in lines:
                if line:
                    print(line)
            print("-- %s: %d passed, %d failed, %d skipped, %.0f s"
                  % (name, *counts, seconds), flush=True)


def main(suite, *names):
    """Run all modules, or those named."""
    runner = Runner(suite, possible(suite, modules(suite, names)))
    threads = [threading.Thread(target=runner.work)
               for _ in range(max(2, os.cpu_count() or 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return conclude(*runner.counts)


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        sys.exit(inside(*sys.argv[2:]))
    sys.exit(main(*sys.argv[1:]))
