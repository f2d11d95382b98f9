#!/bin/sh
# SPDX-License-Identifier: MIT
# patched.sh BEARSSL CJSON: fail unless every patch of vendor/patches is in these
# folders already.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
check()
{
	for patch in "$here/vendor/patches/$1"/*.patch; do
		patch -d "$2" -p1 -R -f -s --dry-run <"$patch" >/dev/null || {
			echo "$2 lacks a patch: patch -d $2 -p1 <$patch" >&2
			exit 1
		}
	done
}
check bearssl "$1"
check cjson "$2"
