# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What is done with a release once it is in dist/ (dist.sh).

DIST_IMAGE=oci-archive:dist/ssm-activate-oci.tar

# dist_whole VERSION: dist/ is complete, and of that version.
dist_whole()
{
	[ -f dist/SHA256SUMS ] || die "there is no dist/: ./build.sh dist"
	(cd dist && sha256sum --quiet -c SHA256SUMS) ||
	    die "dist/ is not what SHA256SUMS says: ./build.sh dist"
	found=$(skopeo inspect --override-arch amd64 --override-os linux \
	    --format '{{index .Labels "org.opencontainers.image.version"}}' \
	    "$DIST_IMAGE")
	[ "$found" = "$1" ] || die "dist/ is of version $found, not of $1"
}

# registry_login REGISTRY FILE: as REGISTRY_USER, whose password is in
# REGISTRY_PASSWORD, for what follows; FILE gets what is needed for that.
registry_login()
{
	REGISTRY_AUTH_FILE=$2
	export REGISTRY_AUTH_FILE
	printf %s "${REGISTRY_PASSWORD:?}" | skopeo login \
	    --username "$REGISTRY_USER" --password-stdin "$1"
}

# image_push IMAGE VERSION: all architectures of the image of dist/.  IMAGE is
# REGISTRY/NAME, or oci:FOLDER for a layout on disk.  Without REGISTRY_USER,
# what the machine is logged in to counts.
image_push()
{
	case $1 in
	oci:*) target=$1 ;;
	# Names of images know no capital letters.
	*) target=docker://$(echo "$1" | tr '[:upper:]' '[:lower:]') ;;
	esac
	if [ -n "${REGISTRY_USER:-}" ]; then
		auth=$(mktemp -d)
		trap 'rm -rf "$auth"' EXIT
		registry_login "${1%%/*}" "$auth/auth.json"
	fi
	skopeo copy --all --retry-times 3 "$DIST_IMAGE" "$target:$2"
	# It is there now, so a list without it is a failure.
	known=$(image_known "$target") || die "the tags of $1 cannot be listed"
	for tag in $(echo "$known" | moving_tags "$2"); do
		skopeo copy --all --retry-times 3 "$DIST_IMAGE" "$target:$tag"
	done
}

# image_known TARGET: the tags that are there, one a line.
image_known()
{
	case $1 in
	oci:*)
		sed 's/"org.opencontainers.image.ref.name":"\([^"]*\)"/\n\1\n/g' \
		    "${1#oci:}/index.json"
		;;
	*) skopeo list-tags --retry-times 3 "$1" | sed 's/[", ]/\n/g' ;;
	esac | grep -xE '[0-9]+\.[0-9]+\.[0-9]+.*'
}

# moving_tags VERSION <KNOWN: X.Y and X, where no newer version has them.
moving_tags()
{
	known=$(grep -xE '[0-9]+\.[0-9]+\.[0-9]+')
	echo "$1" | grep -qxE '[0-9]+\.[0-9]+\.[0-9]+' || return 0
	for tag in "${1%.*}" "${1%%.*}"; do
		newest=$(printf '%s\n' "$known" "$1" | grep "^$tag\\." |
		    sort -V | tail -n 1)
		[ "$newest" != "$1" ] || echo "$tag"
	done
}

# The texts of the version on top of CHANGELOG.md.
release_notes()
{
	awk '/^## / { if (on) exit; on = 1; next } on' CHANGELOG.md
}
