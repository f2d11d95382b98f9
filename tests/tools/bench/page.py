# SPDX-License-Identifier: MIT
"""Writes docs/performance.md from what the bench printed, on stdin."""

import os
import platform
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
PAGE = os.path.join(TOP, "docs", "performance.md")
HEAD = """# Sizes, memory, times

- The program is one file of 512 KiB at most. An idle keeper has less than
  300 KiB of its own, and makes no system call.
- CMD starts before the node is made, so its start waits for nothing.
- amazon-ssm-agent is not part of this: its memory and start time are its own.
- The agent of our own takes less than 1 MiB while nothing happens, and about
  0.45 MiB for each session. A session carries 7 to 18 MB a second on two busy
  processors, and takes 9 to 22 ms of processor time for each MB: `./build.sh
  bench agent` prints that for your machine, beside amazon-ssm-agent where
  `SSM_ACTIVATE_AGENT_DIR` names a folder with it.

`./build.sh bench` measures on your machine, and writes this page: sizes, memory
and times beside a shell script with the AWS CLI, jq and curl, how long it takes
until a node is up when AWS is 20 ms away, then how long 1, 10, 100 and 1,000
containers take that start at once (some minutes; `bench quick` leaves out the
1,000 and makes fewer rounds).

## Measured

%s

```
%s
```
"""
VERSIONS = (["aws", "--version"], ["curl", "--version"], ["jq", "--version"])


def processor():
    """Return the name of the processor."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(("model name", "CPU implementer")):
                return line.partition(":")[2].strip()
    return platform.machine()


def version(argv):
    """Return name and version of a rival."""
    try:
        said = subprocess.run(argv, capture_output=True, text=True, timeout=30,
                              check=False).stdout.split()
    except OSError:
        return argv[0] + " not installed"
    return " ".join(said[:2]) if argv[0] == "curl" else said[0]


def machine():
    """Return what it was measured on, and against."""
    rivals = ", ".join(version(argv) for argv in VERSIONS)
    return ("Debian package versions: %s.\nMachine: %s, %d processors, %s,"
            " load %.1f before." % (
                rivals, processor(), os.cpu_count(), platform.machine(),
                float(os.environ.get("BENCH_LOAD", os.getloadavg()[0]))))


def main():
    """Write the page."""
    text = sys.stdin.read().strip("\n")
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(HEAD % (machine(), text))


if __name__ == "__main__":
    main()
