# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What a finished program must be; the build refuses to hand over another.

CANARIES_MIN=250 # functions that check one, of the 830 there are

# inspect_elf FILE: a static executable that runs at any address, no page of
# which can be both written and run, nor constants be written once they are
# relocated, nor be run.
inspect_elf()
{
	headers=$("${CROSS}readelf" -hlW "$1")
	dynamic=$("${CROSS}readelf" -dW "$1")
	case $headers in *INTERP*) die "$1 asks for an interpreter" ;; esac
	case $dynamic in *NEEDED*) die "$1 needs shared libraries" ;; esac
	case $dynamic in *TEXTREL*) die "$1 has relocations in its code" ;; esac
	echo "$headers" | grep -q 'Type: *DYN' ||
	    die "$1 runs at fixed addresses only"
	echo "$headers" | grep -q 'GNU_RELRO .* R  *0x' ||
	    die "$1 has no segment that becomes read-only"
	echo "$dynamic" | grep -q 'FLAGS.*NOW PIE' ||
	    die "$1 is not bound at once"
	[ "$(echo "$headers" | awk '$1 == "LOAD" && / R E / { print $2 }')" \
	    != 0x000000 ] || die "$1 can run its headers and constants"
	echo "$headers" | grep -q 'GNU_STACK.* RW  *0' ||
	    die "$1 has an executable stack"
	! echo "$headers" | grep -q ' LOAD .* RWE ' ||
	    die "$1 has a segment that is writable and executable"
}

# count_canaries FILE: how many of its functions check the canary on their
# stack.
count_canaries()
{
	"${CROSS}objdump" -d --no-show-raw-insn "$1" | awk '
	/^[0-9a-f]+ <.*>:$/ { name = $2; next }
	/<__stack_chk_fail>/ { checks[name] = 1 }
	END {
		count = 0
		for (name in checks)
			count++
		print count
	}'
}

# names_root FILE: tell whether a file has the path of this folder in it; the
# tail of another path (./src in a checkout that is /src) is none.
names_root()
{
	strings -a "$1" | awk -v root="$ROOT/" '
	{
		at = index($0, root)
		if (at == 1 || (at > 1 &&
		    substr($0, at - 1, 1) !~ /[[:alnum:]._-]/))
			found = 1
	}
	END { exit !found }'
}

# inspect_notices: what is linked of musl and has an owner of its own is named
# by `version --licenses`.
inspect_notices()
{
	musl=build/source/musl
	grep -o 'libc\.a([^)]*\.l\{0,1\}o)' "build/$ARCH/ship/ssm-activate.map" |
	    sed 's/.*(\(.*\)\.l*o)/\1/' | sort -u | while read -r object; do
		file=$(find $musl/src -path "*/$MUSL_ARCH/$object.[csS]")
		[ -n "$file" ] || file=$(find $musl/src $musl/ldso \
		    -maxdepth 3 -name "$object.c")
		[ -n "$file" ] || die "no source of musl's $object"
		# shellcheck disable=SC2086 # names of sources hold no blanks
		grep -l Copyright $file | while read -r file; do
			case $MUSL_PARTS in
			*"${file#"$musl/"}"*) ;;
			*) die "MUSL_PARTS in generate.sh lacks $file" ;;
			esac
		done
	done
}

# inspect_program FILE: the whole list, and that it starts.
inspect_program()
{
	inspect_elf "$1"
	for file in "$1" "$1.debug"; do
		! names_root "$file" ||
		    die "$file names the folder it was built in"
	done
	# Functions with known faults that only their absence keeps out of reach.
	! "${CROSS}nm" "$1.debug" | grep -w iconv_open ||
	    die "$1 contains iconv, see vendor/README.md"
	# net/resolve looks names up within our deadlines.
	! "${CROSS}nm" "$1.debug" | grep -w getaddrinfo ||
	    die "$1 contains getaddrinfo"
	inspect_notices
	canaries=$(count_canaries "$1.debug")
	[ "$canaries" -ge "$CANARIES_MIN" ] ||
	    die "$1 has $canaries functions with a canary," \
	        "$CANARIES_MIN are wanted at least"
	say "$1: $canaries functions check a canary"
	size=$(wc -c <"$1")
	[ "$size" -le "$SIZE_MAX" ] ||
	    die "$1 has $size bytes, $SIZE_MAX are allowed"
	# A program for another processor cannot be started here.
	[ -z "$CROSS" ] || return 0
	"$1" version </dev/null >build/version.out ||
	    die "$1 version ends with $?"
	grep -qF "$(program_version)" build/version.out ||
	    die "$1 version does not say $(program_version)"
}
