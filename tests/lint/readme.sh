#!/bin/sh
# Fails if the documents and the source disagree: every setting with its
# names, default and commands (README.md against src/app/options.c), every
# setting in the manual page, every log event (README.md), and every module
# (src/README.md).
set -eu
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

# One line a setting: flag|variable,alias|default|commands.
settings_of_source()
{
	awk -F '"' '
	BEGIN {
		node = "run up down status"
		name["CONFIG_RUN"] = "run"
		name["CONFIG_UP"] = "up"
		name["CONFIG_DOWN"] = "down"
		name["CONFIG_STATUS"] = "status"
		name["CONFIG_API"] = "api"
		name["CONFIG_GC"] = "gc"
		name["CONFIG_VERSION"] = "version"
		name["CONFIG_BRING_UP"] = "run up"
		name["CONFIG_NODE"] = node
		name["CONFIG_AWS"] = node " api gc"
		name["CONFIG_ALL"] = node " api gc version help"
	}
	function put() {
		if (flag != "" || variable != "")
			printf "%s|%s%s|%s|%s\n", flag, variable,
			    alias == "" ? "" : "," alias, fallback, commands
		flag = variable = alias = fallback = commands = wants = ""
	}
	wants != "" && /"/ { fallback = $2; wants = "" }
	/^\t\{/ { put() }
	/\.flag = / { flag = "--" $2 }
	/\.variable = / { variable = $2 }
	/\.alias = / { alias = $2 }
	/\.fallback = "/ { fallback = $2 }
	/\.fallback =$/ { wants = "fallback" }
	/\.commands = / {
		sub(/.*= /, "")
		sub(/,.*/, "")
		count = split($0, word, / \| /)
		for (i = 1; i <= count; i++) {
			if (!(word[i] in name)) {
				print "unknown commands: " word[i]
				exit 1
			}
			commands = commands (i > 1 ? " " : "") name[word[i]]
		}
	}
	END { put() }' src/app/options.c | sort
}

# rows HEADER: the rows of the table of README.md whose first row begins so.
rows()
{
	awk -v header="$1" '
	index($0, header) == 1 { on = 1; next }
	!/^\|/ { on = 0 }
	on && !/^\|-/' README.md
}

settings_of_readme()
{
	# A | inside of a cell is written \|.
	rows '| flag |' | sed 's/\\|/,/g' | awk -F '|' '
	{
		gsub(/[` ]/, "", $3)
		gsub(/[` ]/, "", $4)
		sub(/^ */, "", $5)
		sub(/ *$/, "", $5)
		split($2, word, /[` ]+/)
		printf "%s|%s|%s|%s\n", word[2], $3, $4, $5
	}' | sort
}

events_of_source()
{
	find src -name '*.c' -exec cat {} + | tr '\n\t' '  ' |
	    grep -oE 'log_(event|err)\([^"]*"[a-z_]+"( : "[a-z_]+")?' |
	    grep -oE '"[a-z_]+"' | tr -d '"' | {
		cat
		# Those that base/log writes by itself.
		echo forwarded
		echo log_lost
	} | sort -u
}

events_of_readme()
{
	rows '| event |' | awk -F '|' '{ print $2 }' |
	    grep -oE '[a-z_]+' | sort -u
}

modules_of_source()
{
	find src -name '*.[ch]' ! -path src/main.c |
	    sed 's,^src/,,; s/\.[ch]$//' | sort -u
}

modules_of_readme()
{
	awk '/^### / { dir = $2; sub(/\/$/, "", dir) }
	/^- `/ && dir != "" {
		sub(/: .*/, "")
		while (match($0, /`[a-z0-9_]+`/)) {
			print dir "/" substr($0, RSTART + 1, RLENGTH - 2)
			$0 = substr($0, RSTART + RLENGTH)
		}
	}
	/^## / { dir = "" }' src/README.md | sort -u
}

# compare WHAT: the two files in the scratch folder.
compare()
{
	[ -s "$scratch/source" ] || {
		echo "$1: nothing was found in the source"
		bad=1
	}
	diff "$scratch/source" "$scratch/document" || {
		echo "$1: the source (<) and the document (>) differ"
		bad=1
	}
}

settings_of_source >"$scratch/source"
settings_of_readme >"$scratch/document"
compare "settings in README.md"

awk -F '|' '{ print $1; gsub(/,/, "\n", $2); print $2 }' "$scratch/source" |
    sed -n 's/^--/Fl -/p; s/^\([A-Z]\)/Ev \1/p' |
    grep -v '^Ev Fl' | sort -u >"$scratch/names"

events_of_source >"$scratch/source"
events_of_readme >"$scratch/document"
compare "events in README.md"

modules_of_source >"$scratch/source"
modules_of_readme >"$scratch/document"
compare "modules in src/README.md"

# mdoc writes a flag as "Fl -name" and a variable as "Ev NAME".
while read -r macro name; do
	grep -qE "^\.(It )?(.* )?$macro $name( |\$)" docs/ssm-activate.1 ||
	    echo "docs/ssm-activate.1 lacks $macro $name"
done <"$scratch/names" >"$scratch/missing"
[ ! -s "$scratch/missing" ] || {
	cat "$scratch/missing"
	bad=1
}
exit "$bad"
