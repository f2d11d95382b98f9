# SPDX-License-Identifier: MIT
"""The C programs of this folder, which do what is compared."""

import glob
import json
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILT = os.path.join(TOP, "build", "*", "check", "interop")


def driver(name):
    """Return the path of one."""
    folder = (os.environ.get("SSM_ACTIVATE_DRIVERS")
              or next(iter(glob.glob(BUILT)), BUILT))
    return os.path.abspath(os.path.join(folder, name))


def sign(jobs):
    """Return what sign_driver.c makes of requests."""
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    done = subprocess.run([driver("sign_driver")], input=lines,
                          capture_output=True, encoding="utf-8", timeout=300,
                          check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(answers) != len(jobs):
        raise AssertionError("%s after request %s" % (
            done.stderr, jobs[min(len(answers), len(jobs) - 1)]))
    return answers
