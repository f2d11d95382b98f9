# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What lint checks, besides the C files one by one (lint.mk).

LINE_MAX=600

# check NAME COMMAND...: remember a failure and go on.
check()
{
	name=$1
	shift
	if "$@" >"build/lint.log" 2>&1; then
		say "lint: $name"
		PASSED=$((PASSED + 1))
	else
		cat build/lint.log
		say "FAILED: lint: $name"
		FAILED=$((FAILED + 1))
	fi
}

# The files that are, or are about to be, part of the repository.
own_files()
{
	git_here ls-files --cached --others --exclude-standard |
	    while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# Those whose first line asks for an interpreter, or that have its suffix.
scripts()
{
	own_files | while read -r file; do
		case $file in
		*".$2") echo "$file" ;;
		*.*) ;;
		*) ! head -n 1 "$file" | grep -q "^#!.*$1" || echo "$file" ;;
		esac
	done
}

check_length()
{
	long=$(find src -name '*.[ch]' -exec grep -c -v \
	    'SPDX-License-Identifier' {} + | awk -F : -v max="$LINE_MAX" \
	    '$2 > max')
	[ -z "$long" ] || {
		echo "more than $LINE_MAX lines:"
		echo "$long"
		return 1
	}
}

# grep_none TEXT PATTERN <FILES: no file may match.
grep_none()
{
	if tr '\n' '\0' | xargs -0 grep -nIP -e "$2" --; then
		echo "found: $1"
		return 1
	fi
}

check_space()
{
	# A blank line of a patch starts with a blank.
	own_files | grep -v -e '/corpus/' -e '\.patch$' |
	    grep_none "white space at the end of a line" '[[:space:]]+$'
}

# own_sources_none TEXT PATTERN
own_sources_none()
{
	own_files | grep '^src/.*\.[ch]$' | grep_none "$@"
}

# One way to write what can be written in several.
check_dialect()
{
	own_sources_none "sizeof(x), where sizeof x will do" \
	    '\bsizeof\((?!(struct|union) |u?int|br_)\*?[a-z_]\w*(\.|->|\[|\))' &&
	    own_sources_none "(void) before a call" \
	        '(?<!\w)\(void\)[a-z_]\w*\(' &&
	    own_sources_none "an empty initializer that is not { 0 }" \
	        '= \{ \.\w+ = (0|NULL|false) \};'
}

# The words are put together here so that this file passes, too.
check_words()
{
	own_files | grep -v -e '/corpus/' -e '\.patch$' |
	    grep_none "unfinished work" \
	        '(TO''DO|FIX''ME)([^[:alnum:]]|$)'
}

check_paths()
{
	# Of users, only those of the tests' containers have a home.
	own_files | grep_none "a path of somebody's machine" \
	    '(^|[^[:alnum:]._/-])/(ho''me/(?!(ssm-user|app|x)\b)|(wo''rk|ro''ot|Us''ers)/)[[:alnum:]]'
}

check_symbols()
{
	# shellcheck disable=SC2046 # names of objects hold no blanks
	tests/lint/symbols.sh $(find "build/$ARCH/ship/src" -name '*.o' |
	    while read -r object; do
		source=${object#"build/$ARCH/ship/"}
		[ ! -f "${source%.o}.c" ] || echo "$object"
	done)
}

# Functions that only tests call are unused, too.  cppcheck reads the whole
# program at once without the system's headers, so it is told what they define.
check_unused()
{
	cppcheck --quiet --error-exitcode=1 --std=c11 --language=c -Isrc \
	    -D__x86_64__ -DSYS_close_range --enable=unusedFunction \
	    --suppress=missingIncludeSystem src
}

# each_script INTERPRETER SUFFIX COMMAND...
each_script()
{
	list=$(scripts "$1" "$2")
	shift 2
	[ -z "$list" ] || echo "$list" | tr '\n' '\0' | xargs -0 "$@"
}

checks_run()
{
	[ -n "$(own_files)" ] || die "lint works on a git checkout only"
	check "C files, as the build compiles them" compile ship program
	check "C files, one by one" run_make ship lint.mk lint
	check "functions that nobody calls" check_unused
	check "layers" tests/lint/layers.sh
	check "readers of bytes from outside" tests/lint/readers.sh
	check "exported symbols" check_symbols
	check "calls of the keeper" run_make ship lint.mk calls
	check "headers compile alone" env CC="${CROSS}gcc" \
	    CPPFLAGS="-isystem build/include" tests/lint/headers.sh
	check "at most $LINE_MAX lines" check_length
	check "documents agree with the program" tests/lint/readme.sh \
	    "build/$ARCH/ship/ssm-activate"
	check "manual page" mandoc -T lint docs/ssm-activate.1
	check "shell scripts" each_script '/\(ba\|da\|\)sh' sh \
	    shellcheck -x
	check "Python scripts" each_script python3 py \
	    /usr/bin/python3 -m flake8 --max-line-length 100
	check "workflows" tests/lint/workflows.py
	check "Dockerfiles" tests/lint/dockerfile.py docker/Dockerfile.*
	check "licence of each source" licence_check
	check "white space" check_space
	check "one dialect" check_dialect
	check "unfinished work" check_words
	check "paths of a machine" check_paths
	echo "$PASSED passed, $FAILED failed"
	[ "$FAILED" -eq 0 ]
}
