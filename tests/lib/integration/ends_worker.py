# SPDX-License-Identifier: MIT
"""Works off cells of the table of ends, in a place of its own: one JSON list
[stage, end, way] a line on standard input, one JSON object a line back."""

import json
import sys
import traceback

import ends
import place
from brake import Brake


def work(brake, words):
    """Return what came of one cell."""
    cell = ends.Cell(brake, *words)
    try:
        return cell.result()
    except Exception:
        return {"error": traceback.format_exc() + cell.story()}
    finally:
        cell.close()


def main():
    """Take one cell after the other until there are no more."""
    with place.Place(inspect_peers=False):
        brake = Brake()
        for line in sys.stdin:
            print(json.dumps(work(brake, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
