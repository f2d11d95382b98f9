# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What a release consists of.  It is the same to the byte wherever and
# whenever it is made from the same commit, with the same Debian packages.

DIST_ARCHES="amd64 arm64"

# dist_check [VERSION]: refuse what must not be published.  What has a tag, or
# is asked for by its version, is a release and needs a dated entry.
dist_check()
{
	[ "$(dpkg --print-architecture)" = amd64 ] ||
	    die "a release is made on amd64; another compiler, another hash"
	[ "$(machine_codename)" = bookworm ] ||
	    die "a release is made on Debian 12; another compiler, another hash"
	git_here rev-parse --verify -q HEAD >/dev/null ||
	    die "dist needs a git checkout"
	dirty=$(git_here status --porcelain)
	[ -z "$dirty" ] || die "the tree differs from its commit:
$dirty"
	version=$(program_version)
	[ -n "$version" ] || die "CHANGELOG.md has no version heading"
	wanted=${1:-$(git_here tag --points-at HEAD 'v[0-9]*' | head -n 1)}
	if [ -z "$wanted" ]; then
		say "no tag here: this is a trial of $version, not a release"
		return 0
	fi
	[ "${wanted#v}" = "$version" ] || die "$wanted has no entry at the" \
	    "top of CHANGELOG.md, which is at $version"
	! grep "^## .*$version" CHANGELOG.md | grep -q unreleased ||
	    die "CHANGELOG.md says that $version is unreleased"
	[ -n "$PROJECT_URL" ] ||
	    die "build.d/project.sh does not say where the sources are published"
	dist_key_check
}

# The public key that releases are signed with, as minisign writes it; its
# second line is what documents show.  Its owner puts it there.
DIST_KEY=docs/release-key.pub

# dist_key_check: docs/releases.md shows the key of the repository.
dist_key_check()
{
	[ -f "$DIST_KEY" ] || die "there is no $DIST_KEY to verify a release with"
	key=$(sed -n 2p "$DIST_KEY")
	[ -n "$key" ] || die "$DIST_KEY is no key of minisign"
	grep -qF "minisign -V -P $key " docs/releases.md ||
	    die "docs/releases.md does not show the key of $DIST_KEY"
}

# libgcc_line: what of libgcc is in the program just built, as one line:
# architecture, package, version, SHA-256 of the archive, members.
libgcc_line()
{
	archive=$("${CROSS}gcc" -print-file-name=libgcc.a)
	package=$(dpkg-query -S "$archive")
	package=${package%%:*}
	# shellcheck disable=SC2016 # dpkg's variable
	echo "$ARCH $package" \
	    "$(dpkg-query -W -f '${Version}\n' "$package" | head -n 1)" \
	    "$(sha256sum <"$archive" | cut -d ' ' -f 1)" \
	    "$(sed -n 's/^[^ ].*libgcc\.a(\(.*\.o\))$/\1/p' \
	    "build/$ARCH/ship/ssm-activate.map" | sort -u | tr '\n' ' ')"
}

# dist_program ARCH FOLDER: one of the two programs.
dist_program()
{
	ARCH=$1
	set_arch
	verb_build
	cp "build/$ARCH/ship/ssm-activate" "$2/ssm-activate-linux-$ARCH"
	libgcc_line >>"build/dist.libgcc"
}

# chapter TITLE FILE: a text that belongs to the notices.
chapter()
{
	printf '\n\n%s\n%s\n\n' "$1" "$(echo "$1" | tr -c '\n' '=')"
	cat "$2"
}

# The short notices that the program prints itself, then all texts in full.
dist_notices()
{
	echo "ssm-activate contains parts of the works below."
	echo
	cat build/gen/licenses
	chapter "BearSSL" build/source/bearssl/LICENSE.txt
	chapter "cJSON" build/source/cjson/LICENSE
	chapter "musl" build/source/musl/COPYRIGHT
	chapter "libgcc (with the GCC Runtime Library Exception)" \
	    /usr/share/doc/libgcc-12-dev/copyright
	chapter "Certificates of ca-certificates" \
	    /usr/share/doc/ca-certificates/copyright
}

# dist_completion PROGRAM FOLDER: under the names that the shells look for.
dist_completion()
{
	"$1" completion bash >"$2/ssm-activate.bash"
	"$1" completion zsh >"$2/_ssm-activate"
	"$1" completion fish >"$2/ssm-activate.fish"
}

# dist_sign FOLDER VERSION: with the key in the file MINISIGN_KEY; its password
# is the first line of the file MINISIGN_PASSWORD_FILE.
dist_sign()
{
	need_packages minisign
	# minisign asks on standard input when there is no terminal.
	(cd "$1" && setsid -w minisign -S -s "$MINISIGN_KEY" -m SHA256SUMS \
	    -t "ssm-activate $2 $(program_revision)") \
	    <"${MINISIGN_PASSWORD_FILE:-/dev/null}" >build/minisign.log 2>&1 ||
	    die "minisign failed, see build/minisign.log"
	[ ! -f "$DIST_KEY" ] || minisign -V -q -p "$DIST_KEY" \
	    -m "$1/SHA256SUMS" >>build/minisign.log 2>&1 ||
	    die "the signature is not by the key of $DIST_KEY"
}

# dist_make: everything into build/dist, which becomes dist/ once it is whole.
dist_make()
{
	out=build/dist
	version=$(program_version)
	SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git_here log -1 --format=%ct)}
	export SOURCE_DATE_EPOCH
	rm -rf "$out" build/dist.libgcc
	mkdir -p "$out"
	for arch in $DIST_ARCHES; do
		(dist_program "$arch" "$ROOT/$out")
	done
	cp docs/ssm-activate.1 "$out/"
	dist_completion "$out/ssm-activate-linux-amd64" "$out"
	dist_notices >"$out/THIRD-PARTY-NOTICES.txt"
	export PROJECT_LICENCE PROJECT_AUTHORS PROJECT_ABOUT PROJECT_URL
	/usr/bin/python3 build.d/sbom.py "$version" "$(program_revision)" \
	    "$CA_FOLDER" "$out" >build/dist.sbom
	mv build/dist.sbom "$out/ssm-activate.cdx.json"
	/usr/bin/python3 build.d/oci.py "$version" "$(program_revision)" "$out"
	chmod 644 "$out"/*
	chmod 755 "$out"/ssm-activate-linux-*
	(cd "$out" && sha256sum -- *) >build/dist.sums
	mv build/dist.sums "$out/SHA256SUMS"
	[ -z "${MINISIGN_KEY:-}" ] || dist_sign "$out" "$version"
	rm -rf dist
	mv "$out" dist
}
