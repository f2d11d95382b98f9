# shellcheck shell=sh
# Third-party sources: Debian source packages named in vendor/sources.lock.
#
# apt fetches them and checks the archive's signature; the SHA-256 of the
# upstream tarball must be the one in the lock.  The Debian revision may be
# any, since security updates change it; it is named in the output.

# sources_list CODENAME <FILE: the deb-src entries that go with the Debian
# entries of an apt configuration file in either format.  Only component
# main, and only the suites of this release.
sources_list()
{
	awk -v codename="$1" '
	function wanted(suite) {
		return suite ~ "^(" codename "|stable|oldstable|oldoldstable)" \
		    "(-updates|-security|/updates)?$"
	}
	# One-line format: deb [OPTIONS] URI SUITE COMPONENT...
	$1 == "deb" {
		line = $0
		options = ""
		if (match(line, /\[[^]]*\]/)) {
			list = substr(line, RSTART + 1, RLENGTH - 2)
			line = substr(line, 1, RSTART - 1) \
			    substr(line, RSTART + RLENGTH)
			if (match(list, /signed-by=[^ ]*/))
				options = "Signed-By: " \
				    substr(list, RSTART + 10, RLENGTH - 10) "\n"
		}
		n = split(line, word, " ")
		for (i = 4; i <= n; i++)
			if (word[i] == "main" && wanted(word[3]) &&
			    word[2] !~ /^cdrom:/)
				entry(word[2], word[3], options)
		next
	}
	# deb822 format: stanzas of "Field: value", continued by a blank.
	/^[ \t]*$/ { stanza(); next }
	/^#/ { next }
	/^[ \t]/ { if (field != "") value[field] = value[field] "\n" $0; next }
	/^[A-Za-z-]+:/ {
		field = tolower(substr($0, 1, index($0, ":") - 1))
		value[field] = substr($0, index($0, ":") + 1)
	}
	function entry(uris, suites, options) {
		printf "Types: deb-src\nURIs: %s\nSuites: %s\n", uris, suites
		printf "Components: main\n%s\n", options
	}
	function stanza(   n, i, word, suites, options) {
		suites = ""
		n = split(value["suites"], word)
		for (i = 1; i <= n; i++)
			if (wanted(word[i]))
				suites = suites " " word[i]
		if (suites != "" && value["types"] ~ /deb/ &&
		    (" " value["components"] " ") ~ /[ \t\n]main[ \t\n]/ &&
		    value["enabled"] !~ /no/) {
			if (value["signed-by"] != "")
				options = "Signed-By:" value["signed-by"] "\n"
			entry(value["uris"], suites, options)
		}
		split("", value)
		field = ""
	}
	END { stanza() }'
}

# The name of the machine's release.
machine_codename()
{
	# shellcheck disable=SC1091 # a file of every Debian
	(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
}

# machine_sources: the deb-src entries of the machine for its own release.
machine_sources()
{
	codename=$(machine_codename)
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
	    /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$file" ] || sources_list "$codename" <"$file"
	done
}

# A configuration of apt that lives in build/apt; the machine's stays as it
# is, and its proxy and other settings still count.
apt_private_setup()
{
	rm -rf build/apt
	mkdir -p build/apt/parts build/apt/lists/partial \
	    build/apt/cache/archives/partial
	machine_sources >build/apt/parts/debian.sources
	[ -s build/apt/parts/debian.sources ] ||
	    die "no Debian $(machine_codename) archive in the apt configuration"
	cat >build/apt/apt.conf <<-END
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	Dir::Etc::SourceList "/dev/null";
	Dir::Etc::SourceParts "$ROOT/build/apt/parts";
	Dir::State::Lists "$ROOT/build/apt/lists";
	Dir::Cache "$ROOT/build/apt/cache";
	APT::Sandbox::User "root";
	APT::Get::AllowUnauthenticated "false";
	Acquire::http::Timeout "30";
	Acquire::Retries "3";
	END
	timeout 600 apt-get -c build/apt/apt.conf -q update \
	    >build/apt/log 2>&1 || die "apt-get update failed, see build/apt/log"
}

# fetch_source PACKAGE VERSION ORIG SHA256: into build/download/PACKAGE,
# unless what the lock wants is there already.
fetch_source()
{
	folder=build/download/$1
	if ! echo "$4  $folder/$3" | sha256sum -c --status 2>/dev/null ||
	    [ ! -f "$folder/complete" ]; then
		say "fetching the source package of $1 $2"
		[ -d build/apt ] || apt_private_setup
		rm -rf "$folder"
		mkdir -p "$folder"
		(cd "$folder" && timeout 600 apt-get \
		    -c "$ROOT/build/apt/apt.conf" -q source --download-only \
		    "$1") >>build/apt/log 2>&1 ||
		    die "cannot fetch $1, see build/apt/log"
		[ -f "$folder/$3" ] || die "the archive has no $3 but:" \
		    "$(cd "$folder" && echo *)"
		echo "$4  $folder/$3" | sha256sum -c --status ||
		    die "$folder/$3 is not what vendor/sources.lock names"
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
	while read -r package version orig sha256 use; do
		case $package in '#'* | '') continue ;; esac
		[ "$use" = program ] || [ "$use" = "$1" ] || continue
		fetch_source "$package" "$version" "$orig" "$sha256"
		unpack_source "$package"
		echo "$package $(source_version "$package") $orig $sha256" >&3
	done <vendor/sources.lock 3>"build/vendor-versions.$1"
	[ "$1" != program ] ||
	    replace build/vendor-versions <build/vendor-versions.program
	generate
}
