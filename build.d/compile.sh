# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Compiling: one flavour at a time, in build/ARCH/FLAVOUR.
#
#   ship   musl, small, hardened: the program, and the tests "as shipped"
#   check  the machine's C library with address and undefined behaviour
#          sanitizers: unit tests, corpus replay
#   fuzz   the same with clang and libFuzzer
#   cover  counts which lines and branches the unit tests and the corpora reach

# Settle the architecture: names of tools and, when crossing, more packages.
set_arch()
{
	command -v dpkg >/dev/null || die "this needs Debian 12 or a root of it"
	ARCH=${ARCH:-$(dpkg --print-architecture)}
	CROSS=
	case $ARCH in
	amd64) MUSL_ARCH=x86_64 ;;
	arm64)
		MUSL_ARCH=aarch64
		PACKAGES_BUILD="$PACKAGES_BUILD lld"
		;;
	*) die "no support for architecture $ARCH" ;;
	esac
	if [ "$ARCH" != "$(dpkg --print-architecture)" ]; then
		CROSS=$MUSL_ARCH-linux-gnu-
		PACKAGES_BUILD="$PACKAGES_BUILD linux-libc-dev-$ARCH-cross
		    gcc-$(echo "$MUSL_ARCH" | tr _ -)-linux-gnu"
	fi
}

# run_make FLAVOUR FILE TARGET...
run_make()
{
	flavour=$1
	rules=$2
	shift 2
	make --no-print-directory -s -k -O -j "$JOBS" -f "build.d/$rules" \
	    ROOT="$ROOT" ARCH="$ARCH" MUSL_ARCH="$MUSL_ARCH" CROSS="$CROSS" \
	    FLAVOUR="$flavour" "$@"
}

# keyed FOLDER TEXT: empty the folder unless it was made with this key.
keyed()
{
	if [ "$2" != "$(cat "$1/.key" 2>/dev/null)" ]; then
		rm -rf "$1"
		mkdir -p "$1"
		echo "$2" >"$1/.key"
	fi
}

# compile FLAVOUR TARGET...: make targets of program.mk and before them the
# libraries.  Other flags, compiler or sources make everything anew; other
# than that, make compiles what changed.
compile()
{
	tools=$("${CROSS}gcc" --version | head -n 1
		clang --version 2>/dev/null | head -n 1)
	flags=$(cat build.d/flags.mk build.d/vendor.mk | sha256sum)
	sources=$(cat build/source/bearssl.key build/source/cjson.key \
	    build/source/musl.key)
	keyed "build/$ARCH/$1" "$tools $sources $flags $(sha256sum \
	    <build.d/program.mk)"
	keyed "build/$ARCH/$1-vendor" "$tools $sources $flags"
	[ "$1" != ship ] || run_make "$1" vendor.mk musl
	run_make "$1" vendor.mk libraries
	case $2 in
	unit | */unit/*) run_make "$1" vendor.mk cmocka ;;
	esac
	kind=$1
	shift
	run_make "$kind" program.mk "$@"
}
