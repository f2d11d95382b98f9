#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds, tests and checks ssm-activate.  `./build.sh help` lists the verbs.
#
# Read from top to bottom: settings, then one function a verb, then the call.
# What the verbs lean on is in build.d/, one concern a file:
#   packages.sh  Debian packages that the machine must have
#   sources.sh   third-party sources: fetch, verify, patch
#   generate.sh  C sources that are generated: trust anchors, version
#   compile.sh   make, once a flavour, with flags.mk vendor.mk program.mk
#   inspect.sh   what a finished binary must be
#   suites.sh    the test suites and their closing line
#   checks.sh    what lint checks, with lint.mk
#   dist.sh      a release, with sbom.py and oci.py
#   publish.sh   what is done with a release in dist/
#   project.sh   what the project says of itself: licence, authors, address
#   licence.sh   the line of the licence in each source
set -eu
cd "$(dirname "$0")"

ROOT=$(pwd)
JOBS=$(nproc)
SIZE_MAX=524288 # bytes of the stripped program, without fill (inspect.sh)

# Debian's tools, here and in the tests, and nothing from outside that would
# change what they do.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C.UTF-8
export PATH LC_ALL
unset CPATH C_INCLUDE_PATH LIBRARY_PATH GCC_EXEC_PREFIX COMPILER_PATH MAKEFLAGS
umask 022

# Debian packages, by what needs them.
PACKAGES_BUILD="binutils ca-certificates debian-archive-keyring dpkg-dev gcc"
PACKAGES_BUILD="$PACKAGES_BUILD libc6-dev make openssl patch"
PACKAGES_UNIT="openssl python3"
PACKAGES_INTEROP="fish iproute2 openssl python3 python3-botocore zsh"
PACKAGES_RUN="busybox-static dumb-init iproute2 procps python3 s6 strace sudo"
PACKAGES_RUN="$PACKAGES_RUN tini"
PACKAGES_BENCH="awscli curl jq"
PACKAGES_FUZZ="clang libclang-rt-dev"
PACKAGES_FMT="clang-format git"
PACKAGES_LINT="clang clang-format clang-tidy cppcheck flake8 git mandoc"
PACKAGES_LINT="$PACKAGES_LINT python3-yaml shellcheck"
PACKAGES_DOCS="docker-compose python3-botocore python3-kubernetes python3-lark"
PACKAGES_DOCS="$PACKAGES_DOCS python3-yaml skopeo"
PACKAGES_LIVE="iproute2 python3 util-linux"
PACKAGES_DIST="git python3"
PACKAGES_TEST_DIST="faketime minisign python3-jsonschema skopeo"
PACKAGES_EMULATE="libc6-dev gcc qemu-user-static"
PACKAGES_IMAGES="buildah debootstrap $PACKAGES_EMULATE"

. build.d/project.sh
. build.d/packages.sh
. build.d/sources.sh
. build.d/generate.sh
. build.d/compile.sh
. build.d/inspect.sh
. build.d/suites.sh
. build.d/checks.sh
. build.d/dist.sh
. build.d/publish.sh
. build.d/licence.sh

# die TEXT...: say what is wrong and stop.
die()
{
	echo "build.sh: $*" >&2
	exit 1
}

# say TEXT...: one line about what happens now.
say()
{
	echo "-- $*"
}

# replace FILE: standard input becomes FILE; an equal one stays untouched, so
# that make sees no change.
replace()
{
	mkdir -p "$(dirname "$1")"
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then
		rm "$1.new"
	else
		mv "$1.new" "$1"
	fi
}

# Two runs in one folder take turns while they write to build/; the lock is
# given back before tests run.
lock()
{
	mkdir -p build
	exec 9>build/.lock
	flock -n 9 && return 0
	say "another build.sh is at work here, waiting for it"
	flock -w 1200 9 || die "build/.lock is held for 20 minutes"
}

unlock()
{
	exec 9>&-
}

# The program, the stand-in agent and what denies system calls, if the tests
# have them.  What is for another machine stays in its folder.
verb_build()
{
	need_packages "$PACKAGES_BUILD"
	lock
	prepare program
	compile ship program
	program=build/$ARCH/ship/ssm-activate
	inspect_program "$program"
	[ -n "$CROSS" ] || cp "$program" "$program.debug" build/
	if [ -n "$(find tests/lib/standin -name '*.c' 2>/dev/null)" ]; then
		compile ship standin
		[ -n "$CROSS" ] ||
		    cp "build/$ARCH/ship/amazon-ssm-agent-standin" build/
	fi
	if [ -d tests/lib/deny ]; then
		compile ship deny
		[ -n "$CROSS" ] || cp -r "build/$ARCH/ship/deny" build/
	fi
	unlock
	say "$program: $(wc -c <"$program") of at most" \
	    "$SIZE_MAX bytes, with$(awk '{ printf " %s %s", $1, $2 }' \
	    build/vendor-versions)"
}

# The whole job against a local AWS, explained step by step.
verb_demo()
{
	verb_build
	need_packages "$PACKAGES_RUN"
	exec tests/tools/demo/demo.sh "$@"
}

# All test suites, one of them, or tests of it; the last line counts.
verb_test()
{
	suites_run "$@"
}

# The whole life on a real account; tests/tools/live/README.md.
verb_live()
{
	[ -n "${SSM_ACTIVATE_LIVE:-}" ] || die "live makes nodes on a real" \
	    "account: set SSM_ACTIVATE_LIVE to its id, see tests/tools/live/README.md"
	verb_build
	need_packages "$PACKAGES_LIVE"
	exec tests/tools/live/run
}

# push TAG IMAGE: the image of dist/, as IMAGE:X.Y.Z, and as X.Y and X unless
# these are a newer one's.
verb_push()
{
	[ $# -eq 2 ] || die "usage: ./build.sh push TAG REGISTRY/IMAGE"
	need_packages "ca-certificates skopeo"
	dist_whole "${1#v}"
	image_push "$2" "${1#v}"
}

# publish TAG: the files of dist/, as a release of the hosting service.
verb_publish()
{
	[ $# -eq 1 ] || die "usage: ./build.sh publish TAG"
	need_packages "ca-certificates gh skopeo"
	dist_whole "${1#v}"
	release_notes >build/release-notes
	gh release create "$1" --verify-tag --title "$1" \
	    --notes-file build/release-notes dist/*
}

# audit [DATA BILL]: whether Debian's security tracker knows something against
# what was released; without files both are fetched, of the newest release.
verb_audit()
{
	need_packages "ca-certificates curl gh python3"
	data=${1:-build/audit/tracker.json}
	bill=${2:-build/audit/ssm-activate.cdx.json}
	if [ $# -eq 0 ]; then
		rm -rf build/audit
		mkdir -p build/audit
		curl -fsS --retry 3 --max-time 300 -o "$data" \
		    https://security-tracker.debian.org/tracker/data/json
		gh release download --pattern "${bill##*/}" --dir build/audit
	fi
	build.d/audit.py "$data" "$bill"
}

# Times and sizes, compared with other ways to do the job, into
# docs/performance.md.
verb_bench()
{
	verb_build
	need_packages "$PACKAGES_RUN $PACKAGES_BENCH"
	exec tests/tools/bench/run "$@"
}

# fuzz MODULE SECONDS: look for new crashes; finds land in build/fuzz.
verb_fuzz()
{
	[ $# -eq 2 ] || die "usage: ./build.sh fuzz MODULE|all SECONDS"
	[ "$1" = all ] || [ -f "tests/fuzz/fuzz_$1.c" ] ||
	    die "no tests/fuzz/fuzz_$1.c"
	need_packages "$PACKAGES_BUILD $PACKAGES_FUZZ"
	lock
	prepare program
	if [ "$1" = all ]; then
		compile fuzz replay
		unlock
		fuzz_all "$2"
	else
		compile fuzz "build/$ARCH/fuzz/fuzz/fuzz_$1"
		unlock
		fuzz_one "$1" "$2"
	fi
}

# Every check that needs no running program.
verb_lint()
{
	need_packages "$PACKAGES_BUILD $PACKAGES_LINT"
	lock
	prepare tests
	checks_run
}

# Every module with the first sentence of its header.
verb_map()
{
	find src -name '*.h' | sort | while read -r header; do
		printf '%-22s ' "${header#src/}"
		awk '/SPDX/ { next }
		/^\/\*/ { on = 1 }
		on {
			sub(/^[\/ ]*\*+ ?/, "")
			done = sub(/\*\/.*/, "") || sub(/\. .*|\.$|:$|;$/, "")
			text = text (text == "" || $0 == "" ? "" : " ") $0
			if (done)
				exit
		}
		END { print text }' "$header"
	done
}

# What documents have from the program, written anew.
verb_docs()
{
	verb_build
	need_packages python3
	tests/lint/documents.py --write build/ssm-activate
}

# Bring all C code into the form that lint asks for, and give every source the
# line of its licence.
verb_fmt()
{
	need_packages "$PACKAGES_FMT"
	licence_write
	find src tests -name '*.[ch]' -exec clang-format -i {} +
}

# dist [VERSION]: the files of a release, in dist/.
verb_dist()
{
	need_packages "$PACKAGES_DIST"
	dist_check "$@"
	dist_make
	say "dist:"
	ls -l dist
}

verb_clean()
{
	lock
	find build -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
}

verb_help()
{
	cat <<-'END'
	usage: ./build.sh [--no-install] [VERB]

	  build                 build/ssm-activate (default)
	  demo                  the whole job against a local AWS
	  test [SUITE [NAME...]]
	                        unit, interop, fuzz, integration, conformance,
	                        docs; default all of these; full: these, with
	                        every cell of the tables that the tests else
	                        take a part of; by name also dist, images.
	                        tests/README.md has the NAMEs of a SUITE
	  test --coverage [NAME...]
	                        lines and branches of src/ that the unit tests
	                        and the corpora reach; uncovered ones are listed
	                        in build/coverage
	  bench [quick] [N...]  times and sizes, and crowds of N containers
	                        each; default 1, 10, 100 and 1000, 0 = none;
	                        writes docs/performance.md
	  bench agent [--quick] the agent of our own: times, memory, throughput
	  fuzz MODULE SECONDS   libFuzzer on tests/fuzz/fuzz_MODULE.c; all: each that
	                        long, one after another, and a table
	  live                  the whole life on a real account (guarded)
	  dist [VERSION]        dist/: programs for both architectures, image,
	                        bill of materials, hashes, signature
	  push TAG IMAGE        the image of dist/ to a registry
	  publish TAG           the files of dist/ as a release
	  audit [DATA BILL]     a release against Debian's security tracker
	  lint                  format, static analysis, layers, scripts
	  map                   every module, and what it is for
	  docs                  write anew what documents have from the program
	  fmt                   apply clang-format, add the licence's line
	  clean                 remove build/

	ARCH=arm64 ./build.sh build   cross-compiles on another machine;
	ARCH=arm64 ./build.sh test integration   runs that under qemu.
	Debian packages that are missing are named, then installed when root or
	sudo allows it; with --no-install they are named, and that is all.
	END
}

NO_INSTALL=
[ "${1:-}" != --no-install ] || {
	NO_INSTALL=1
	shift
}
verb=${1:-build}
[ $# -eq 0 ] || shift
case $verb in
build | demo | test | bench | fuzz | live | dist | push | publish | audit | lint | \
    map | docs | fmt | clean | help)
	set_arch
	"verb_$verb" "$@"
	;;
*)
	verb_help >&2
	die "unknown verb: $verb"
	;;
esac
