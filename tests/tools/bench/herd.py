# SPDX-License-Identifier: MIT
"""Simulates a crowd of containers that all want an activation at once.

AWS limits CreateActivation by a token bucket; whoever is refused waits and
tries again.  Compared are rules for that pause: how long the last container
takes, against what the bucket allows, and how many calls a container makes.
A container cannot see the others, but what it has waited so far tells it how
large the crowd is.  `waited` is the rule of src/keep/life_table.c.
"""
import argparse
import heapq
import random

LATENCY = 0.02  # seconds between an answer and the next thought
SPREAD = 0.2  # seconds in which the containers start


def waited(rnd, tries, elapsed):
    """0.4 to 1 of twice the time waited, within 1.5 and 50 seconds."""
    return min(max(2 * elapsed, 1.5), 50) * (0.4 + 0.6 * rnd.random())


def full_jitter(rnd, tries, elapsed):
    """The usual exponential back-off with full jitter and a cap of 60 s."""
    return rnd.random() * min(60, 2 ** (tries - 1))


RULES = {'waited': waited, 'full jitter': full_jitter}


def simulate(count, rule, rate, burst, seed):
    """Seconds until the last one is served, and calls of all together."""
    rnd = random.Random(seed)
    starts = [rnd.random() * SPREAD for _ in range(count)]
    queue = [(start, who, 1) for who, start in enumerate(starts)]
    heapq.heapify(queue)
    tokens, before, calls, end = burst, 0.0, 0, 0.0
    while queue:
        now, who, tries = heapq.heappop(queue)
        tokens = min(burst, tokens + (now - before) * rate)
        before = now
        calls += 1
        if tokens >= 1:
            tokens -= 1
            end = now
            continue
        pause = LATENCY + rule(rnd, tries, now - starts[who])
        heapq.heappush(queue, (now + pause, who, tries + 1))
    return end, calls


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rate', type=float, default=5)
    parser.add_argument('--burst', type=int, default=5)
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument(
        'counts', nargs='*', type=int, default=[10, 100, 300, 1000, 2000]
    )
    args = parser.parse_args()
    print('rule         containers  last/ideal  last-ideal  calls each')
    for name, rule in RULES.items():
        for count in args.counts:
            ideal = (count - args.burst) / args.rate
            runs = [
                simulate(count, rule, args.rate, args.burst, seed)
                for seed in range(args.seeds)
            ]
            last = sum(end for end, _ in runs) / len(runs)
            calls = sum(calls for _, calls in runs) / len(runs) / count
            print(
                f'{name:12} {count:10}  {last / ideal:10.2f}'
                f'  {last - ideal:8.1f} s  {calls:10.1f}'
            )


main()
