#!/bin/sh
# SPDX-License-Identifier: MIT
# Fails if a file of src/ reads bytes from outside and readers.txt does not say
# which fuzz target covers it; if a target that it names is not there; or if it
# names a file that reads nothing.
set -eu
cd "$(dirname "$0")/../.."

list=tests/lint/readers.txt
readers='(file_read|file_read_fd|trust_read|sock_read|recv|recvfrom|recvmsg|read'
readers="$readers|pread|readlink|readlinkat|json_parse|ini_load|der_take"
readers="$readers|xml_parse|slice_line|http_msg_feed)"
bad=0

# complain TEXT...
complain()
{
	echo "$list: $*"
	bad=1
}

found=$(find src -name '*.c' -exec \
    grep -lE "(^|[^A-Za-z0-9_./])$readers\\(" {} + | sort)
for source in $found; do
	grep -q "^$source " "$list" ||
	    complain "$source reads bytes from outside: by which fuzz target" \
	        "is it covered?"
done

while read -r source targets; do
	case $source in '#'*) continue ;; esac
	echo "$found" | grep -qxF "$source" ||
	    complain "$source reads nothing from outside"
	case $targets in
	'- '*) continue ;;
	'' | -) complain "$source: no target and no reason" ;;
	esac
	for target in $targets; do
		[ -f "tests/fuzz/fuzz_$target.c" ] ||
		    complain "$source: there is no tests/fuzz/fuzz_$target.c"
		[ -n "$(ls "tests/fuzz/corpus/$target" 2>/dev/null)" ] ||
		    complain "$source: tests/fuzz/corpus/$target is empty"
	done
done <"$list"
exit "$bad"
