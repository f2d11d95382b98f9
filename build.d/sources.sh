# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Third-party sources: Debian source packages named in vendor/sources.lock.
#
# apt fetches them and checks the archive's signature; the SHA-256 of the
# upstream tarball must be the one in the lock.  The Debian revision may be
# any, since security updates change it; it is named in the output.  The lock
# names the release that each package comes from, so that machines of any
# release build the same sources.

# The keys of Debian's archive, of all releases that are maintained.
ARCHIVE_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

# The name of the machine's release.
machine_codename()
{
	# shellcheck disable=SC1091 # a file of every Debian
	(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
}

# archive_entries TYPE RELEASE: entries of component main of that release, for
# apt, at the mirrors that the machine uses for its own.  The archive's keys
# are those of Debian, wherever the mirror is.
archive_entries()
{
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets --format \
	    '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' \
	    'Identifier: Packages' |
	    awk -v type="$1" -v release="$2" -v keys="$ARCHIVE_KEYS" '
	function entry(uri, suites) {
		printf "Types: %s\nURIs: %s\nSuites: %s\n", type, uri, suites
		printf "Components: main\nSigned-By: %s\n\n", keys
	}
	# The origin of lists that were never fetched is not known.
	$3 != "main" || ($4 != "Debian" && $4 !~ /ORIGIN/) { next }
	$2 ~ /(-security|\/updates)$/ {
		if (!security++)
			entry($1, release "-security")
		next
	}
	$2 !~ /-/ && !archive++ { entry($1, release " " release "-updates") }'
}

# apt_private_setup RELEASE: a configuration of apt for source packages of one
# release, in build/apt/RELEASE.  The machine's stays as it is, and its proxy
# and other settings still count.
apt_private_setup()
{
	here=$ROOT/build/apt/$1
	mkdir -p "$here/parts" "$here/lists/partial" \
	    "$here/cache/archives/partial"
	archive_entries deb-src "$1" >"$here/parts/debian.sources"
	[ -s "$here/parts/debian.sources" ] ||
	    die "no Debian archive in the apt configuration"
	cat >"$here/apt.conf" <<-END
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	Dir::Etc::SourceList "/dev/null";
	Dir::Etc::SourceParts "$here/parts";
	Dir::State::Lists "$here/lists";
	Dir::Cache "$here/cache";
	APT::Sandbox::User "root";
	APT::Get::AllowUnauthenticated "false";
	Acquire::http::Timeout "30";
	Acquire::Retries "3";
	END
	timeout 600 apt-get -c "$here/apt.conf" -q update \
	    >"$here/log" 2>&1 || die "apt-get update failed, see $here/log"
}

# fetch_source PACKAGE VERSION RELEASE ORIG SHA256: into
# build/download/PACKAGE, unless what the lock wants is there already.
fetch_source()
{
	folder=build/download/$1
	apt=$ROOT/build/apt/$3
	if ! echo "$5  $folder/$4" | sha256sum -c --status 2>/dev/null ||
	    [ ! -f "$folder/complete" ]; then
		say "fetching the source package of $1 $2 ($3)"
		[ -d "$apt" ] || apt_private_setup "$3"
		rm -rf "$folder"
		mkdir -p "$folder"
		(cd "$folder" && timeout 600 apt-get -c "$apt/apt.conf" \
		    -q source --download-only "$1") >>"$apt/log" 2>&1 ||
		    die "cannot fetch $1, see $apt/log"
		[ -f "$folder/$4" ] || die "the archive has no $4 but:" \
		    "$(cd "$folder" && echo *)"
		echo "$5  $folder/$4" | sha256sum -c --status ||
		    die "$folder/$4 is not what vendor/sources.lock names"
		touch "$folder/complete"
	fi
}

# unpack_source PACKAGE: into build/source/PACKAGE, with Debian's patches and
# then ours; again only when one of these changed.
unpack_source()
{
	folder=build/source/$1
	patches=$(find "vendor/patches/$1" -name '*.patch' 2>/dev/null | sort)
	# shellcheck disable=SC2086 # names of patches hold no blanks
	key=$(cat build/download/"$1"/*.dsc $patches | sha256sum)
	if [ "$key" != "$(cat "$folder.key" 2>/dev/null)" ]; then
		rm -rf "$folder" "$folder.key"
		mkdir -p build/source
		# apt has checked the signature; the .dsc's own needs a keyring.
		dpkg-source --no-check --no-copy -x build/download/"$1"/*.dsc \
		    "$folder" >"$folder.log" 2>&1 ||
		    die "cannot unpack $1, see $folder.log"
		for patch in $patches; do
			say "patching $1: $(basename "$patch" .patch)"
			patch -d "$folder" -p1 -s -f <"$patch" ||
			    die "$patch does not apply"
		done
		echo "$key" >"$folder.key"
	fi
}

# source_version PACKAGE: with the Debian revision.
source_version()
{
	awk '$1 == "Version:" { print $2; exit }' "build/download/$1"/*.dsc
}

# prepare program|tests: fetch and unpack what the program needs, or the
# tests as well; record the versions in build/vendor-versions.
prepare()
{
	rm -rf build/apt
	mkdir -p build/download build/source
	while read -r package version release orig sha256 use; do
		case $package in '#'* | '') continue ;; esac
		[ "$use" = program ] || [ "$use" = "$1" ] || continue
		fetch_source "$package" "$version" "$release" "$orig" "$sha256"
		unpack_source "$package"
		echo "$package $(source_version "$package") $orig $sha256" \
		    "$release" >&3
	done <vendor/sources.lock 3>"build/vendor-versions.$1"
	[ "$1" != program ] ||
	    replace build/vendor-versions <build/vendor-versions.program
	generate
}
