#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""documents.py [--write] PROGRAM

Fails if the documents and the program disagree.  What can be generated is
compared with what is generated now: with --write it is written instead.

 - docs/settings.md: the tables, from the help of the commands
 - docs/events.md: every event that the source logs, and no other
 - docs/commands.md: every command, every exit status
 - docs/ssm-activate.1: every setting
 - each of these tables stands in that page only
 - README.md: at most README_LINES lines and 80 columns, without tables and
   code
"""

import os
import re
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
README_LINES = 170
COLUMNS = 80
BEGIN = "<!-- made by ./build.sh docs: begin -->\n"
END = "<!-- made by ./build.sh docs: end -->\n"


class Disagreement(Exception):
    """What a document says is not so; the text names both sides."""


def read(*parts):
    """Return the text of a file of the repository."""
    with open(os.path.join(TOP, *parts), encoding="utf-8") as file:
        return file.read()


def pages():
    """Yield the name and the text of README.md and of each page of docs/."""
    yield "README.md", read("README.md")
    for name in sorted(os.listdir(os.path.join(TOP, "docs"))):
        if name.endswith(".md"):
            yield "docs/" + name, read("docs", name)


def fences_out(text):
    """Return a text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def rows(text, header):
    """Return the first cells of the tables whose first row begins so."""
    cells = []
    inside = False
    for line in text.splitlines():
        if line.startswith(header):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|-"):
            cells.append(line.split("|")[1].strip())
    return cells


def only_page(header, wanted):
    """The tables with this header are all in one page; return its text."""
    found = [name for name, text in pages()
             if any(line.startswith(header)
                    for line in fences_out(text).splitlines())]
    if found != [wanted]:
        raise Disagreement("the table %s belongs into %s and nowhere else, "
                           "but is in %s" % (header, wanted, found))
    return read(wanted)


def same(what, program, document):
    """Two collections are equal, and the first is not empty."""
    program, document = set(program), set(document)
    if not program:
        raise Disagreement("%s: nothing was found in the source" % what)
    if program != document:
        raise Disagreement(
            "%s: only in the program: %s; only in the document: %s" % (
                what, sorted(program - document), sorted(document - program)))


class Program:
    """What the program says of itself."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.usage = self.run("help")
        part = self.usage.partition("commands:\n")[2].partition("\n\n")[0]
        self.commands = re.findall(r"^  (\w+)", part, re.M)

    def run(self, *argv):
        """Return what it prints."""
        return subprocess.run([self.path, *argv], check=True, text=True,
                              capture_output=True, timeout=60).stdout

    def settings(self):
        """Return {group: {(flag, variables): row}}, in the order of help."""
        groups = {}
        for command in self.commands:
            if command == "help":
                continue
            text = self.run("help", command)
            for group, key, row in settings_of(text):
                known = groups.setdefault(group, {}).setdefault(key, row)
                known.setdefault("of", []).append(command)
        return groups


def settings_of(text):
    """Yield (group, (flag, variables), row) of the help of one command."""
    group = None
    key, row = None, {}
    for line in text.splitlines():
        if re.match(r"\S.*:$", line):
            group = line[:-1]
        first = re.match(r"  (-\S.*|[A-Z_]{4,}.*)$", line)
        if first:
            if key:
                yield row.pop("group"), key, row
            words = first[1].split(", ")
            key = (words[0] if words[0].startswith("-") else "",
                   tuple(w for w in words if not w.startswith("-")))
            row = {"group": group, "help": [], "default": ""}
        elif key and line.startswith("      default: "):
            row["default"] = line[len("      default: "):]
        elif key and line.startswith("      "):
            row["help"].append(line.strip())
        elif key:
            yield row.pop("group"), key, row
            key, row = None, {}
    if key:
        yield row.pop("group"), key, row


def cell(text):
    """Return a text as a cell of code; an empty one stays empty."""
    return "`%s`" % text.replace("|", "\\|") if text else ""


def settings_table(program):
    """Return the generated part of docs/settings.md."""
    out = []
    for group, settings in program.settings().items():
        out.append("### %s%s\n" % (group[0].upper(), group[1:]))
        out.append("| flag | variable | default | of | meaning |")
        out.append("|---|---|---|---|---|")
        for (flag, variables), row in settings.items():
            out.append("| %s | %s | %s | %s | %s |" % (
                cell(flag), ", ".join(cell(name) for name in variables),
                cell(row["default"]), " ".join(row["of"]),
                " ".join(row["help"]).replace("|", "\\|")))
        out.append("")
    return "\n".join(out)


def generated(page, text, write):
    """The part of a page between the marks is this text."""
    before, begin, rest = read(page).partition(BEGIN)
    there, end, after = rest.partition(END)
    if not begin or not end:
        raise Disagreement("%s has lost its marks" % page)
    if there.strip() == text.strip():
        return
    if not write:
        raise Disagreement("%s is not what the program says; "
                           "./build.sh docs makes it anew" % page)
    with open(os.path.join(TOP, page), "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n" + text.strip() + "\n\n" + END + after)


def check_settings(program, write):
    """The page of settings is the program's, and the manual has them all."""
    generated("docs/settings.md", settings_table(program), write)
    only_page("| flag |", "docs/settings.md")
    manual = read("docs", "ssm-activate.1")
    names = [name for settings in program.settings().values()
             for flag, variables in settings
             for name in (flag.split("[")[0].split(" ")[0],) + variables
             if name]
    lacking = [name for name in names if not re.search(
        # mdoc writes a flag as "Fl -name" and a variable as "Ev NAME".
        r"^\.(It )?(.* )?%s( |$)" % (
            "Fl " + name[1:] if name.startswith("--") else "Ev " + name),
        manual, re.M)]
    if lacking:
        raise Disagreement("docs/ssm-activate.1 lacks %s" % lacking)


def check_commands(program, _write):
    """Each command, and each exit status of the program, has its row."""
    page = only_page("| command |", "docs/commands.md")
    same("commands", program.commands,
         re.findall(r"`([a-z]+)", " ".join(rows(page, "| command |"))))
    for command in program.commands[:-1]:
        text = program.run("help", command)
        part = text.partition("\nexamples:\n")[2].partition("\n\n")[0]
        if part.count("\n") != 1:
            raise Disagreement("help %s has not two examples" % command)
        where = re.search(r"\nread on: (\S+)\n$", text)
        path = where[1].partition("#")[0] if where else ""
        if not os.path.isfile(os.path.join(TOP, path)):
            raise Disagreement("help %s names no page" % command)
    page = only_page("| status |", "docs/commands.md")
    statuses = re.findall(r"^\tERR_[A-Z]+ = (\d+),",
                          read("src", "base", "err.h"), re.M)
    same("exit statuses", statuses, rows(page, "| status |"))


def check_events(_program, _write):
    """Each event that the source logs has its row."""
    source = ""
    for folder, _, names in sorted(os.walk(os.path.join(TOP, "src"))):
        for name in sorted(names):
            if name.endswith(".c"):
                source += read(folder, name)
    # Functions that are given an event hand it on to base/log.
    givers = set(re.findall(r"(\w+)\([^)]*const char \*event\b", source))
    calls = re.findall(
        r'(?:%s)\([^";]*("[a-z_]+"(?:\s*:\s*"[a-z_]+")?)' % "|".join(
            sorted(givers | {"log_err"})), source)
    # The last three base/log writes by itself.
    events = re.findall(r'"([a-z_]+)"', " ".join(calls)) + ["debug", "forwarded",
                                                            "log_lost"]
    page = only_page("| event |", "docs/events.md")
    same("events", events, re.findall(r"`([a-z_]+)`",
                                      " ".join(rows(page, "| event |"))))


def check_readme(_program, _write):
    """The first page is short."""
    lines = [line for line in fences_out(read("README.md")).splitlines()
             if not line.startswith("|")]
    whole = read("README.md").count("\n")
    if whole > README_LINES:
        raise Disagreement("README.md has %d lines, at most %d" % (
            whole, README_LINES))
    wide = [line for line in lines if len(line) > COLUMNS]
    if wide:
        raise Disagreement("README.md has lines of more than %d columns: %s"
                           % (COLUMNS, wide))


def main():
    """Run every check, and tell of each that fails."""
    write = "--write" in sys.argv
    program = Program(sys.argv[-1])
    bad = 0
    for check in (check_settings, check_commands, check_events,
                  check_readme):
        try:
            check(program, write)
        except Disagreement as disagreement:
            print(disagreement)
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
