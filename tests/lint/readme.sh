#!/bin/sh
# readme.sh PROGRAM
#
# Fails if the documents and the program disagree: every setting with its
# names, default and commands (README.md against --help), every setting in the
# manual page, and every log event (README.md).
set -eu
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

program=$1

# One line a setting, as the help of the commands has it:
# flag|variable,alias|default|commands.
settings_of_program()
{
	for command in run up down status api gc version; do
		"$program" help "$command" | sed -n "s/^  \([-S].*\)/$command \1/p
		    s/^      default: /default /p"
	done | awk '
	$1 == "default" { fallback[key] = substr($0, 9); next }
	{
		command = $1
		key = flag = ""
		for (i = 2; i <= NF; i++) {
			word = $i
			gsub(/,$/, "", word)
			if (word ~ /^--/) {
				sub(/[[].*/, "", word)
				flag = word
			} else if (word ~ /^(SSM|MANAGED)_[A-Z_]+$/)
				key = key (key == "" ? "" : ",") word
		}
		key = flag "|" key
		commands[key] = commands[key] \
		    (commands[key] == "" ? "" : " ") command
		fallback[key] = ""
	}
	END {
		# The command help has no help of its own.
		for (key in commands)
			print key "|" fallback[key] "|" commands[key] \
			    (key ~ /^--help/ ? " help" : "")
	}' | sort
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

settings_of_program >"$scratch/source"
settings_of_readme >"$scratch/document"
compare "settings in README.md"

awk -F '|' '{ print $1; gsub(/,/, "\n", $2); print $2 }' "$scratch/source" |
    sed -n 's/^--/Fl -/p; s/^\([A-Z]\)/Ev \1/p' |
    grep -v '^Ev Fl' | sort -u >"$scratch/names"

events_of_source >"$scratch/source"
events_of_readme >"$scratch/document"
compare "events in README.md"

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
