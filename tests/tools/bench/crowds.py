# SPDX-License-Identifier: MIT
"""How long a crowd of containers takes, and how many calls it makes.

    crowds.py [N ...]    so many containers at once; default 1 to 1000

Each is a real `ssm-activate up` with the stand-in agent, against one local AWS
with a bucket of activations; herd.py simulates the same. A thousand take about
four minutes.
"""

import argparse
import os
import sys
import time

import place
from crowd import BURST, RATE, Crowd, ideal

RATIO_LIMIT, CALLS_LIMIT = 1.25, 8
FEW, FEW_LATE = 10, 2.0  # so many are all up within these seconds


def wanted(count):
    """Say what the figures should be."""
    if count <= FEW:
        return "at most %.1f s more" % FEW_LATE
    return "at most %.2f times that" % RATIO_LIMIT


def report(crowd, seconds):
    """Print the figures."""
    count = crowd.count
    state, calls = crowd.account(), crowd.calls()
    least = ideal(count)
    ratio = ", %.2f times that" % (seconds / least) if least else ""
    print("  all are up after %.1f s; the bucket takes %.1f s: %.1f s more%s"
          % (seconds, least, seconds - least, ratio))
    print("  (wanted: %s)" % wanted(count))
    print("  %.2f calls of CreateActivation a container (wanted: at most %d),"
          " %.2f of all operations" % (
              calls["CreateActivation"] / count, CALLS_LIMIT,
              sum(calls.values()) / count))
    print("  %d nodes, %d activations left (wanted: %d, 0)" % (
        len(state["nodes"]), len(state["activations"]), count))
    for line in crowd.log.odd[:10]:
        print("  unexpected: " + line)


def measure(count, aws):
    """Run one crowd."""
    print("\n%d containers at once, %d activations a second, burst %d"
          % (count, RATE, BURST), flush=True)
    aws.reset()
    crowd = Crowd(count)
    try:
        time.sleep(1 + count / 200)
        report(crowd, crowd.run(60 + 2 * ideal(count)))
        sys.stdout.flush()
    finally:
        crowd.end()


def hurry(policy, priority):
    """Set our scheduling, where we may."""
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except OSError as error:
        print("  (scheduling is not ours to set: %s)" % error)


def main():
    """Measure each crowd that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[1, 10, 100, 1000])
    counts = parser.parse_args().counts
    # AWS does not slow down when its clients compete for a processor.
    hurry(os.SCHED_RR, 1)
    with place.Place(inspect_peers=False) as here:
        hurry(os.SCHED_OTHER, 0)
        for count in counts:
            measure(count, here.aws)
    return 0


if __name__ == "__main__":
    sys.exit(main())
