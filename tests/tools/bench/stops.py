# SPDX-License-Identifier: MIT
"""A thousand containers stop at once, against AWS's limit of deregistrations.

Shown is how many nodes are removed within the budget, compared with what the
limit allows in that time; whether each other node is named in a log with the
command that removes it; and how long one `gc --yes` takes for the rest.  The
machine counts, too: a thousand stops at once are thousands of processes and
requests.  --scale S makes everything S times slower for a small one: the
budget, and the limit.
"""
import argparse
import subprocess
import sys
import time

import place
from container import Container
from leaving import Crowd
from roots import Root

OPERATION = "DeregisterManagedInstance"


class Stage:
    """Gives the crowd its root and container."""

    def __init__(self):
        self.held = []
        self.roots = []

    def root(self):
        """Make a root."""
        self.roots.append(Root())
        return self.roots[-1]

    def start(self, argv, root, env):
        """Start a container."""
        self.held.append(Container(root, argv, env))
        return self.held[-1].start()

    def clear(self):
        """End and remove everything."""
        for one in self.held:
            one.kill()
        for root in self.roots:
            root.remove()


def parse_arguments():
    """Return the settings of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--burst", type=float, default=5)
    parser.add_argument("--budget", type=float, default=8)
    parser.add_argument("--scale", type=float, default=1)
    return parser.parse_args()


def throttle(rate, burst):
    """Give the operation its bucket."""
    place.current.aws.post("throttle", {"operation": OPERATION, "rate": rate,
                                        "burst": burst})


def attempts():
    """Return when each attempt began, and how many were let through."""
    calls = place.current.aws.calls(OPERATION)
    return sorted(call["time"] for call in calls), sum(
        call["status"] == 200 for call in calls)


def stop(crowd, args):
    """Let all stop; print what was removed, against what was allowed."""
    throttle(args.rate / args.scale, args.burst)
    seconds = crowd.stop()
    times, removed = attempts()
    window = times[-1] - times[0]
    allowed = args.burst + window * args.rate / args.scale
    print("stopped after %.1f s; %d attempts within %.1f s"
          % (seconds, len(times), window))
    print("removed %d, the limit allowed %d in that time" % (
        removed, min(allowed, crowd.count)))


def sweep(crowd, args):
    """Remove the rest by gc, at the limit as it is."""
    aws = place.current.aws
    left = len(crowd.left())
    aws.post("faults", {"clear": True})
    throttle(args.rate, args.burst)
    began = time.monotonic()
    done = subprocess.run(
        [place.program(), "gc", "--yes"], env=aws.environment(), text=True,
        capture_output=True, stdin=subprocess.DEVNULL, check=False,
        timeout=120 + 2 * left / args.rate)
    print("gc --yes: status %d, %d lines, %.1f s; the limit allows %.1f s"
          % (done.returncode, len(done.stdout.splitlines()),
             time.monotonic() - began, (left - args.burst) / args.rate))
    print(done.stderr.strip())


def main():
    """Play it once; the status tells whether all went as it should."""
    args = parse_arguments()
    stage = Stage()
    with place.Place(inspect_peers=False) as here:
        try:
            crowd = Crowd(stage, args.count, args.budget * args.scale)
            crowd.begin(AWS_ENDPOINT_URL="http://127.0.0.1:%d"
                        % here.aws.ports["http"])
            stop(crowd, args)
            left, named = crowd.left(), crowd.named()
            print("left %d, named with their command %d" % (
                len(left), len(named)))
            crowd.end_tasks()
            sweep(crowd, args)
            rest = crowd.left()
            print("left %d" % len(rest))
        finally:
            stage.clear()
    return 0 if named == left and not rest else 1


if __name__ == "__main__":
    sys.exit(main())
