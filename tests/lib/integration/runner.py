"""Runs the test modules side by side, each in namespaces of its own."""

import glob
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SUITE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "integration")
UNSHARE = ["/usr/bin/unshare", "--net", "--mount", "--uts", "--ipc",
           "--propagation", "private", "--"]
FULL = os.environ.get("SSM_ACTIVATE_TEST_FULL") == "1"
MODULE_TIMEOUT = max(1800 if FULL else 600,
                     4 * int(os.environ.get("SSM_ACTIVATE_CYCLES", "0")))
# What takes longest begins first.
FIRST = ["test_ends", "test_refused", "test_cycles", "test_failopen",
         "test_passing", "test_leftovers"]


def refuse(reason):
    """End because nothing can be run here."""
    print("integration: " + reason)
    print("0 passed, 1 failed")
    sys.exit(1)


def check_machine():
    """Say clearly what is missing, before any test."""
    if os.geteuid() != 0:
        refuse("root is needed, for namespaces and mounts")
    done = subprocess.run(UNSHARE + ["/bin/true"], capture_output=True,
                          text=True, timeout=30, check=False)
    if done.returncode != 0:
        print("integration: the kernel gives no namespaces here: %s"
              % done.stderr.strip())
        print("every test is skipped")
        print("0 passed, 0 failed")
        sys.exit(0)


def modules(names):
    """Return the names of the modules to run, the slow ones first."""
    found = [os.path.basename(path)[:-3]
             for path in glob.glob(os.path.join(SUITE, "test_*.py"))]
    chosen = [name for name in found if not names or name in names]
    unknown = set(names) - set(found)
    if unknown:
        refuse("there is no module " + ", ".join(sorted(unknown)))
    return sorted(chosen, key=lambda name: (
        FIRST.index(name) if name in FIRST else len(FIRST), name))


class Runner:
    """A few modules at a time; the counts of all."""

    def __init__(self, names):
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

    def run_module(self, name):
        """Run one module and show what it says."""
        began = time.monotonic()
        argv = UNSHARE + [sys.executable, os.path.join(HERE, "module.py"),
                          name]
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, text=True,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT,
                                 env=dict(os.environ, PYTHONPATH=SUITE))
        try:
            text, _ = child.communicate(timeout=MODULE_TIMEOUT)
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


def main(names):
    """Run all modules, or those named."""
    check_machine()
    runner = Runner(modules(names))
    threads = [threading.Thread(target=runner.work)
               for _ in range(max(2, os.cpu_count() or 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed, failed, skipped = runner.counts
    if skipped:
        print("%d skipped" % skipped)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
