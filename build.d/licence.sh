# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The line of each source of ours that says under which licence it is.

# Those that have one.  Examples are made to be copied, and data of tests is
# none of our work; LICENSE counts for them as for all others.
licensed_files()
{
	own_files | grep -v -e '/corpus/' -e '^vendor/patches/' \
	    -e '^docs/examples/' | while read -r file; do
		case $file in
		*.c | *.h | *.py | *.sh | *.mk | *.rb | *.yml | *.1 | \
		    docker/Dockerfile.*)
			echo "$file"
			;;
		*.*) ;;
		*) ! head -n 1 "$file" | grep -q '^#!' || echo "$file" ;;
		esac
	done
}

# licence_line FILE: the line, as a comment of its language.
licence_line()
{
	line="SPDX-License-Identifier: $PROJECT_LICENCE"
	case $1 in
	*.[ch]) echo "/* $line */" ;;
	*.1) echo ".\\\" $line" ;;
	*) echo "# $line" ;;
	esac
}

# Files without their line, which is the first, or the second of a script.
unlicensed_files()
{
	licensed_files | while read -r file; do
		head -n 2 "$file" | grep -qxF "$(licence_line "$file")" ||
		    echo "$file"
	done
}

# licence_write: give every file its line, in place of one of another licence.
# A file is replaced as a whole: build.sh is one of them, and runs.
licence_write()
{
	unlicensed_files | while read -r file; do
		line=$(licence_line "$file")
		LINE=$line awk '
		NR == 1 && /^#!/ { print; print ENVIRON["LINE"]; next }
		NR == 1 { print ENVIRON["LINE"] }
		NR <= 2 && /SPDX-License-Identifier: / { next }
		{ print }' "$file" >build/licensed
		chmod --reference="$file" build/licensed
		mv build/licensed "$file"
	done
}

# LICENSE names the authors, every file the licence.
licence_check()
{
	grep -q "^Copyright (c) .* $PROJECT_AUTHORS\$" LICENSE || {
		echo "LICENSE does not name $PROJECT_AUTHORS"
		return 1
	}
	lacking=$(unlicensed_files)
	[ -z "$lacking" ] || {
		echo "without a line of the licence; ./build.sh fmt adds it:"
		echo "$lacking"
		return 1
	}
}
