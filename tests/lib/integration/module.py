"""Runs one test module; the last line counts for the runner."""

import sys
import time
import unittest

import place


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

    @staticmethod
    def show(word, test, trace):
        """Print one failure."""
        print("%s: %s\n%s" % (word, test.id(), trace.rstrip()))
        owner = getattr(test, "test_case", test)
        if hasattr(owner, "story"):
            print(owner.story())


def main(name):
    """Run the module's tests in a place of their own."""
    module, _, only = name.partition(":")
    with place.Place():
        suite = unittest.defaultTestLoader.loadTestsFromName(
            module + ("." + only if only else ""))
        result = Result()
        suite.run(result)
    failed = len(result.failures) + len(result.errors)
    print("counts %d %d %d" % (result.passed, failed, len(result.skipped)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
