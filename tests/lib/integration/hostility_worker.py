# SPDX-License-Identifier: MIT
"""Works off cells of the table of hostile networks, in a place of its own: one
JSON list [fault, step] a line on standard input, one JSON object a line back."""

import json
import sys
import traceback

import hostility
import place


def work(words):
    """Return what came of one cell."""
    cell = hostility.Cell(*words)
    try:
        return cell.result()
    except Exception:
        return {"error": traceback.format_exc() + cell.story()}
    finally:
        cell.close()


def main():
    """Take one cell after the other until there are no more."""
    with place.Place(inspect_peers=False):
        for line in sys.stdin:
            print(json.dumps(work(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
