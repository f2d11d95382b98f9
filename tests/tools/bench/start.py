# SPDX-License-Identifier: MIT
"""How long an application's start takes under an init: CLOCK_MONOTONIC at
its main against that at the spawn, in interleaved rounds.

Run inside a container: `start.py ROUNDS PROGRAM`; prints the medians in
nanoseconds as JSON."""

import json
import os
import statistics
import sys
import time

OURS = ["/usr/local/bin/ssm-activate", "run"]
STARTS = {"directly": ([], {}),
          "tini": (["/usr/bin/tini", "-s", "--"], {}),
          "gate off": (OURS + ["--"], {"SSM_ACTIVATE": "false"}),
          "gate on": (OURS + ["--no-linger", "--"], {})}


def measure(argv, env):
    """Start a command that prints when it began; return how long after."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1)]
    began = time.monotonic_ns()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise RuntimeError("%s failed" % argv)
    return int(said) - began


def main(rounds, program):
    """Measure all in turn, so that the machine's moods meet all alike."""
    starts = {name: (argv + [program, "clock"], dict(os.environ, **more))
              for name, (argv, more) in STARTS.items()
              if not argv or os.path.exists(argv[0])}
    times = {name: [] for name in starts}
    for number in range(int(rounds) + 1):
        for name, (argv, env) in starts.items():
            spent = measure(argv, env)
            if number > 0:
                times[name].append(spent)
    print(json.dumps({name: statistics.median(one)
                      for name, one in times.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
