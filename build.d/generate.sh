# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# C sources that are generated into build/gen: trust anchors, version.

CA_FOLDER=${CA_FOLDER:-/usr/share/ca-certificates/mozilla}

# c_bytes <FILE: the bytes of a file as a list of C constants.
c_bytes()
{
	od -An -v -w16 -tu1 | sed 's/^ *//; s/  */,/g; s/$/,/'
}

# c_text NAME <FILE: a text as a C constant.
c_text()
{
	printf 'const char %s[] =\n' "$1"
	sed 's/[\\"]/\\&/g; s/.*/"&\\n"/'
	echo ';'
}

# Fail unless the certificate in a file has the expected key.
check_root()
{
	spki=$(openssl x509 -in "$1" -noout -pubkey |
	    openssl pkey -pubin -outform DER | sha256sum)
	[ "${spki%% *}" = "$2" ] ||
	    die "$1 does not hold the key that vendor/roots.lock names"
}

# build/gen/ca_roots.c, in the order of vendor/roots.lock.
generate_roots()
{
	table=
	number=0
	echo '#include "net/ca_roots.h"'
	while read -r file sha256 where; do
		case $file in '#'* | '') continue ;; esac
		check_root "$CA_FOLDER/$file" "$sha256"
		[ "$where" = china ] && china=1 || china=0
		name=$(echo "${file%.crt}" | tr _ ' ')
		printf 'static const unsigned char root_%d[] = {\n' "$number"
		openssl x509 -in "$CA_FOLDER/$file" -outform DER | c_bytes
		echo '};'
		table="$table	{ \"$name\", root_$number, sizeof root_$number, \
$china },
"
		number=$((number + 1))
	done <vendor/roots.lock
	printf 'const struct ca_root ca_roots_table[] = {\n%s};\n' "$table"
	echo "const size_t ca_roots_count = $number;"
}

# The version of the newest entry of the changelog: "## 1.2.3 ..." or
# "## [1.2.3] ...".  A tree that has no changelog yet is 0.0.0.
program_version()
{
	[ -f CHANGELOG.md ] || echo 0.0.0
	sed -n 's/^## \[\{0,1\}\([0-9][0-9A-Za-z.~+-]*\).*/\1/p' CHANGELOG.md 2>/dev/null |
	    head -n 1
}

# git_here WORDS...: git in this checkout, whoever owns it.
git_here()
{
	git -c safe.directory="$ROOT" "$@"
}

# The commit that is built, "-dirty" if the tree differs, "none" without git;
# BUILD_REVISION says it where .git is missing.
program_revision()
{
	[ -z "${BUILD_REVISION:-}" ] || {
		echo "$BUILD_REVISION"
		return 0
	}
	commit=$(git_here rev-parse --short=12 HEAD 2>/dev/null) || commit=none
	[ "$commit" = none ] ||
	    [ -z "$(git_here status --porcelain)" ] ||
	    commit=$commit-dirty
	echo "$commit"
}

# Files whose text of the licence must be the one that is printed.
LICENSES="build/source/bearssl/LICENSE.txt build/source/cjson/LICENSE
	build/source/musl/COPYRIGHT"
# Files of musl that have an owner of their own and are linked (inspect.sh).
MUSL_PARTS="src/thread/x86_64/__set_thread_area.s
	src/string/aarch64/memcpy.S src/string/aarch64/memset.S"

# mit_text FILE: the text of the licence in one line.
mit_text()
{
	sed -n 's/^ \*//; /Permission is hereby granted/,/SOFTWARE\.$/p' "$1" |
	    tr -s '[:space:]' ' ' | sed 's/^ //'
}

# notice NAME FILE: whose work it is.
notice()
{
	line=$(sed -n 's/[, ]*\(\*\/\)*$//
	    s/.*Copyright/Copyright/; s/©/(C)/; /^Copyright/p' "$2" | head -n 1) ||
	    die "$2 cannot be read"
	[ -n "$line" ] || die "$2 has no copyright notice"
	printf '%s: %s\n' "$1" "$line"
}

# All notices and once the text, which has to be the same everywhere; that of
# our own work stands by itself where it is another one.
generate_licenses()
{
	text=$(mit_text build/source/bearssl/LICENSE.txt)
	for file in $LICENSES; do
		[ "$(mit_text "$file")" = "$text" ] ||
		    die "$file has another licence than the others"
	done
	notice "ssm-activate ($PROJECT_LICENCE)" LICENSE
	[ "$(mit_text LICENSE)" = "$text" ] || {
		echo
		cat LICENSE
		printf '\nIt contains:\n\n'
	}
	notice BearSSL build/source/bearssl/LICENSE.txt
	notice cJSON build/source/cjson/LICENSE
	notice musl build/source/musl/COPYRIGHT
	for file in $MUSL_PARTS; do
		notice "musl $file" "build/source/musl/$file"
	done
	printf '\nEach under this licence:\n\n'
	echo "$text" | sed 's/ THE SOFTWARE IS/\n\n&/;
	    s/ The above copyright/\n\n&/; s/\n /\n/g' | fold -s -w 78 |
	    sed 's/ *$//'
}

# build/gen/version.c
generate_version()
{
	cat <<-END
	#include "base/version.h"
	const char version_program[] = "$1";
	const char version_revision[] = "$(program_revision)";
	const char version_bearssl[] = "$(source_version bearssl)";
	const char version_cjson[] = "$(source_version cjson)";
	const char version_musl[] = "$(source_version musl)";
	END
	generate_licenses >build/gen/licenses
	c_text version_licenses <build/gen/licenses
}

# All of them, and the public headers of the libraries in build/include.
generate()
{
	version=$(program_version)
	[ -n "$version" ] || die "CHANGELOG.md has no version heading"
	mkdir -p build/gen build/include
	# A failure must stop the build, so no pipe hides it.
	generate_roots >build/gen/ca_roots.out
	generate_version "$version" >build/gen/version.out
	for name in ca_roots version; do
		replace "build/gen/$name.c" <"build/gen/$name.out"
	done
	for header in build/source/bearssl/inc/*.h build/source/cjson/cJSON.h; do
		replace "build/include/${header##*/}" <"$header"
	done
}
