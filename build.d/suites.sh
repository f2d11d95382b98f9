# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The test suites.  Each takes the names of the tests to run, by default all,
# and adds to the two counters; the last line that `test` prints is
# "N passed, N failed".

PASSED=0
FAILED=0

# tally PASSED FAILED
tally()
{
	PASSED=$((PASSED + $1))
	FAILED=$((FAILED + $2))
}

# run_logged SECONDS LOG COMMAND...: give its status, its output in LOG.
run_logged()
{
	limit=$1
	log=$2
	shift 2
	timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null
}

# One cmocka program; its output is shown if something failed.
unit_program()
{
	log=build/test/$(basename "$1").$2.log
	status=0
	run_logged 300 "$log" "$1" || status=$?
	passed=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log")
	failed=$(sed -n 's/^\[  FAILED  \] [^0-9]*\([0-9]*\) test.*/\1/p' \
	    "$log" | head -n 1)
	# A crash, a leak or no test at all is a failure, too.
	if [ "$status" -ne 0 ] || [ "${passed:-0}" -eq 0 ]; then
		cat "$log"
		say "FAILED: $1 ends with $status"
		[ "${failed:-0}" -ne 0 ] || failed=1
	fi
	tally "${passed:-0}" "${failed:-0}"
}

# c_tests FOLDER PREFIX [NAME...]: the names of its programs, with the prefix.
c_tests()
{
	folder=$1
	prefix=$2
	shift 2
	for name in "$@"; do
		name=$prefix${name#"$prefix"}
		[ -f "$folder/$name.c" ] || die "there is no $folder/$name.c"
		echo "$name"
	done
	[ $# -ne 0 ] || find "$folder" -name "$prefix*.c" -exec basename {} .c \; |
	    sort
}

# Unit tests with sanitizers, then as shipped.
suite_unit()
{
	need_packages "$PACKAGES_BUILD $PACKAGES_UNIT"
	list=$(c_tests tests/unit test_ "$@")
	lock
	prepare tests
	for flavour in check ship; do
		# shellcheck disable=SC2046,SC2086 # names hold no blanks
		compile $flavour $(printf "build/$ARCH/$flavour/unit/%s\n" $list)
	done
	unlock
	mkdir -p build/test
	for name in $list; do
		unit_program "build/$ARCH/check/unit/$name" check
		unit_program "build/$ARCH/ship/unit/$name" ship
	done
	say "unit tests with sanitizers and as shipped: $PASSED passed," \
	    "$FAILED failed"
}

# Every input of every corpus, with sanitizers.
suite_fuzz()
{
	need_packages "$PACKAGES_BUILD"
	list=$(c_tests tests/fuzz fuzz_ "$@")
	lock
	prepare program
	# shellcheck disable=SC2046,SC2086 # names hold no blanks
	compile check $(printf "build/$ARCH/check/fuzz/%s\n" $list)
	unlock
	mkdir -p build/test
	for name in $list; do
		log=build/test/$name.log
		if run_logged 600 "$log" "build/$ARCH/check/fuzz/$name" \
		    "tests/fuzz/corpus/${name#fuzz_}"; then
			say "$name: $(tail -n 1 "$log")"
			tally 1 0
		else
			cat "$log"
			say "FAILED: $name"
			tally 0 1
		fi
	done
}

# fuzz_one MODULE SECONDS OPTION...: libFuzzer on one target, compiled before.
fuzz_one()
{
	module=$1
	seconds=$2
	shift 2
	mkdir -p "build/fuzz/$module"
	"build/$ARCH/fuzz/fuzz/fuzz_$module" -max_total_time="$seconds" \
	    -timeout=10 -artifact_prefix="build/fuzz/$module-" "$@" \
	    "build/fuzz/$module" "tests/fuzz/corpus/$module"
}

# fuzz_row MODULE LOG STATUS: what one run came to.
fuzz_row()
{
	awk -v name="$1" -v status="$3" '
	/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
	/^stat::number_of_executed_units:/ { count = $2 }
	/^stat::average_exec_per_sec:/ { rate = $2 }
	END {
		printf "%-16s %12d %9d %9d %8s\n", name, count, rate, cov,
		    status == 0 ? "-" : "CRASH"
	}' "$2"
}

# fuzz_all SECONDS: every target, and a table; fails if one crashed.
fuzz_all()
{
	crashed=0
	mkdir -p build/fuzz
	printf '%-16s %12s %9s %9s %8s\n' target executions exec/s coverage \
	    crashes
	for source in tests/fuzz/fuzz_*.c; do
		name=$(basename "$source" .c)
		name=${name#fuzz_}
		status=0
		fuzz_one "$name" "$1" -print_final_stats=1 \
		    >"build/fuzz/$name.log" 2>&1 </dev/null || status=$?
		fuzz_row "$name" "build/fuzz/$name.log" "$status"
		[ "$status" -eq 0 ] || crashed=$((crashed + 1))
	done
	[ "$crashed" -eq 0 ] ||
	    die "$crashed targets crashed: inputs and logs are in build/fuzz"
}

# What we sign, compared with what others sign, with sanitizers.
suite_interop()
{
	verb_build
	need_packages "$PACKAGES_INTEROP"
	lock
	prepare program
	compile check interop
	unlock
	export SSM_ACTIVATE_DRIVERS="build/$ARCH/check/interop"
	# The local AWS, which other suites believe, signs as we do.
	[ $# -ne 0 ] || run_counted tests/run lib/fake
	run_counted tests/run interop "$@"
}

# The examples and other documents.
suite_docs()
{
	need_packages "$PACKAGES_DOCS"
	suite_program docs "$@"
}

# suite_program SUITE [NAME...]: the finished program in the hands of tests/run.
# One for another machine runs under an emulator.
suite_program()
{
	verb_build
	need_packages "$PACKAGES_RUN"
	if [ -n "$CROSS" ]; then
		[ "$1" = integration ] ||
		    die "only the integration tests can run emulated"
		need_packages "$PACKAGES_EMULATE"
		SSM_ACTIVATE_BIN=build/$ARCH/ship/ssm-activate
		SSM_ACTIVATE_STANDIN=build/$ARCH/ship/amazon-ssm-agent-standin
		export SSM_ACTIVATE_BIN SSM_ACTIVATE_STANDIN
	fi
	run_counted tests/run "$@"
}

# The Dockerfiles, built for real on bases made of Debian's packages.
suite_images()
{
	for arch in $DIST_ARCHES; do
		(
			# shellcheck disable=SC2030 # for this build alone
			ARCH=$arch
			set_arch
			verb_build
		)
	done
	need_packages "$PACKAGES_RUN $PACKAGES_IMAGES"
	archive_entries deb "$(machine_codename)" >build/images.sources
	say "images: bases of Debian's packages in build/images"
	tests/images/bases.sh "$ROOT/build/images" build/images.sources \
	    "$(machine_codename)"
	run_counted /usr/bin/python3 tests/images/images.py build/images \
	    "$(program_revision)"
}

# A release made twice, and what is in it.
suite_dist()
{
	need_packages "$PACKAGES_BUILD $PACKAGES_DIST $PACKAGES_TEST_DIST"
	command -v npm >/dev/null || need_packages npm
	lock
	prepare program
	unlock
	run_counted tests/run dist "$@"
}

# run_counted COMMAND...: one whose last line counts.
run_counted()
{
	mkdir -p build/test
	log=build/test/$suite.log
	# The status has to get past tee.
	{
		status=0
		"$@" </dev/null 2>&1 || status=$?
		echo "$status" >build/test/status
	} | tee "$log"
	status=$(cat build/test/status)
	counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' \
	    "$log" | tail -n 1)
	passed=${counts% *}
	failed=${counts#* }
	if [ -z "$counts" ] || { [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; }
	then
		say "FAILED: $suite ends with $status"
		failed=$((${failed:-0} + 1))
	fi
	tally "${passed:-0}" "$failed"
}

# suite_coverage [NAME...]: unit tests and corpora, by default all, with
# counters, and what lines and branches of src/ they reach.
suite_coverage()
{
	need_packages "$PACKAGES_BUILD $PACKAGES_UNIT"
	# shellcheck disable=SC2031 # see suite_images
	out=build/$ARCH/cover
	units=$(c_tests tests/unit test_ "$@")
	targets=
	[ $# -ne 0 ] || targets=$(c_tests tests/fuzz fuzz_)
	lock
	prepare tests
	# shellcheck disable=SC2046,SC2086 # names hold no blanks
	compile cover $(printf "$out/unit/%s\n" $units) \
	    $([ -z "$targets" ] || printf "$out/fuzz/%s\n" $targets)
	unlock
	mkdir -p build/test
	find "$out" -name '*.gcda' -delete
	for name in $units; do
		unit_program "$out/unit/$name" cover
	done
	for name in $targets; do
		run_logged 600 "build/test/$name.cover.log" "$out/fuzz/$name" \
		    "tests/fuzz/corpus/${name#fuzz_}" || tally 0 1
	done
	/usr/bin/python3 tests/tools/coverage.py "$out" build/coverage
}

# suites_run [SUITE [NAME...]]: one suite, or all; but dist and images, which compile
# everything four times and fill build/ with root file systems, only by name.
# full: all, and with whole tables where the tests else take a part of them.
suites_run()
{
	chosen=${1:-all}
	[ $# -eq 0 ] || shift
	case $chosen in
	all | full)
		suites="unit interop fuzz integration conformance docs"
		[ "$chosen" = all ] || export SSM_ACTIVATE_TEST_FULL=1
		;;
	--coverage)
		suite_coverage "$@"
		suites=
		;;
	unit | interop | fuzz | integration | conformance | docs | \
	    dist | images)
		suites=$chosen
		[ -d "tests/$chosen" ] || die "there is no tests/$chosen"
		;;
	*) die "usage: ./build.sh test" \
	    "[full|unit|interop|fuzz|integration|conformance|docs|dist|images]" \
	    "[NAME...]" ;;
	esac
	[ "$suites" = "$chosen" ] || need_packages "$PACKAGES_BUILD \
$PACKAGES_UNIT $PACKAGES_INTEROP $PACKAGES_FUZZ $PACKAGES_RUN $PACKAGES_DOCS"
	for suite in $suites; do
		[ -d "tests/$suite" ] || continue
		say "suite: $suite"
		case $suite in
		unit | interop | fuzz | docs | dist | images)
			"suite_$suite" "$@"
			;;
		*) suite_program "$suite" "$@" ;;
		esac
	done
	echo "$PASSED passed, $FAILED failed"
	[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}
