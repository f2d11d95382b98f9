# SPDX-License-Identifier: MIT
"""The table of ends as text, and what the design promises of each cell."""

import ends
import stages

# What AWS or the disk keeps: a letter each, for narrow columns.
LETTERS = {"node": "N", "activation": "A", "state": "s", "vault": "v",
           "certificates": "c", "sudoers": "u", "half-written": "h",
           "socket": "k"}
HEAD = """\
# What each end leaves

Made by `tests/integration/test_ends.py`, which stops the program at every
stage, ends it there in every way, and fails if what is left differs from this
table. After each cell that is not clean the test starts the program once more
with the same files, ends it, and finds account and disk clean.

| letter | left |
|---|---|
| `.` | nothing: no node, no activation, no file but those that always stay |
| `N` | a node on the account |
| `A` | an activation on the account |
| `s` | `state.json`: what a next start, `ssm-activate down` or the log needs |
| `v` | the agent's identity: `/var/lib/amazon/ssm`; `key` in the state directory |
| `c` | `ca.pem` in the state directory |
| `u` | the sudoers file |
| `h` | a file that was just being written, under a name of its own |
| `k` | the socket `control` |

The ends: stop signals to PID 1; SIGKILL of PID 1, and so of all; the
application ends by itself; *agent dies*: it is killed, or before it ever ran
cannot be started (`-`: the builtin agent always can); *network gone*: every
packet is lost, then the container is stopped; *task refused*: AWS takes all
rights from the caller but not from the node's role, which has those that AWS
FIS documents; *all refused*: from both.
After a dead agent and a refusal, the program makes the best of it, and then
the container is stopped. Stages from `DeregisterManagedInstance asked` on are
reached by `ssm-activate down` from outside, while the application goes on.
*asked*: AWS has got the request and not begun with it; *done*: AWS has done it
and not answered.
"""
WAYS = {
    "run": ("`run`", "PID 1 is `ssm-activate run -- CMD`."),
    "up, down": ("`up` and `down`", "PID 1 is a shell script: `ssm-activate "
                 "up --background`, the application,\nand `ssm-activate "
                 "down` in a trap and after the application's end."),
    "up": ("`up` alone", "The same without `down`: when PID 1 ends, the "
           "kernel kills the keeper, too."),
    "run, builtin": ("`run` with the builtin agent", "PID 1 is `ssm-activate "
                     "run -- CMD`, with `SSM_ACTIVATE_AGENT=builtin`."),
    "demand": ("`run` on demand", "PID 1 is `ssm-activate run -- CMD` with "
               "`SSM_ACTIVATE=demand`, which `ssm-activate up`\nfrom outside "
               "asks. The next start removes what is left before anybody asks "
               "it."),
}


def left_text(left):
    """Return the letters of what is left."""
    return "".join(letter for word, letter in LETTERS.items()
                   if word in left) or "."


def rows(results, way):
    """Return the table of one way."""
    lines = ["| stage | " + " | ".join(ends.ENDS) + " |",
             "|---" * (len(ends.ENDS) + 1) + "|"]
    for stage in sum(stages.of(way), ()):
        found = [results.get((stage.name, end, way))
                 if stages.ends(stage, end, way) else False
                 for end in ends.ENDS]
        if None not in found:
            lines.append("| %s | %s |" % (stage.name, " | ".join(
                "`%s`" % (left_text(one["left"]) if one else "-")
                for one in found)))
    return lines


def cells(document):
    """Return {(stage, end, way): letters} of the document."""
    found, way, columns = {}, None, []
    titles = {title: word for word, (title, _) in WAYS.items()}
    for line in document.splitlines():
        if line.startswith("## "):
            way = titles[line[3:]]
        words = [word.strip() for word in line.strip("|").split("|")]
        if way is None or not line.startswith("|") or "---" in line:
            continue
        if words[0] == "stage":
            columns = words[1:]
            continue
        for end, letters in zip(columns, words[1:]):
            found[words[0], end, way] = letters.strip("`")
    return found


def text(results):
    """Return the whole document."""
    parts = [HEAD]
    for way, (title, words) in WAYS.items():
        parts.append("## %s\n\n%s\n\n%s\n" % (
            title, words, "\n".join(rows(results, way))))
    return "\n".join(parts)


def may_leave(end, way):
    """Tell whether the design allows that something is left."""
    return way == "up" or end in ("SIGKILL", "network gone", "all refused")


def status(end):
    """Return the exit status that a cell has to have; None = any."""
    if end == "SIGKILL":
        return None
    return ends.STATUSES.get(end, 0)
