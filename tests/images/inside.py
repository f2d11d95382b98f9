"""Runs the tests of the images; already in namespaces of their own."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for _name in ("integration", "emulation"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib", _name))

# Their folders had to be named first.
import module  # noqa: E402
import place  # noqa: E402
import test_images  # noqa: E402
from buildah import Store  # noqa: E402


def main(folder):
    """Run all tests; print the counts."""
    store = Store(folder)
    with place.Place():
        test_images.use(store)
        result = module.Result()
        unittest.defaultTestLoader.loadTestsFromModule(
            test_images).run(result)
        test_images.release()
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed" % (result.passed, failed))
    return 1 if failed or not result.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
