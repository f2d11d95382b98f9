#!/bin/sh
# SPDX-License-Identifier: MIT
# plain.sh ca_roots|version BEARSSL CJSON: a generated source, for the Makefile.
set -eu
cd "$(dirname "$0")/.."
ROOT=$(pwd)
die()
{
	echo "plain.sh: $*" >&2
	exit 1
}
. build.d/project.sh
. build.d/generate.sh

# The notices of what the Makefile is given; the C library is the compiler's.
notices()
{
	notice "ssm-activate ($PROJECT_LICENCE)" LICENSE
	notice BearSSL "$1/LICENSE.txt"
	notice cJSON "$2/LICENSE"
	printf '%s\n\n' "The C library has a notice of its own."
	cat LICENSE
}

case $1 in
ca_roots) generate_roots ;;
version)
	number=$(sed -n 's/^#define CJSON_VERSION_[A-Z]* //p' "$3/cJSON.h" |
	    tr '\n' .)
	cat <<-END
	#include "base/version.h"
	const char version_program[] = "$(program_version)";
	const char version_revision[] = "$(program_revision)";
	const char version_bearssl[] = "from sources";
	const char version_cjson[] = "${number%.}";
	const char version_musl[] = "or another C library, of the compiler";
	END
	notices "$2" "$3" | c_text version_licenses
	;;
esac
