# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Debian packages that the machine must have.

# Echo those of the packages named that are not installed.
missing_packages()
{
	for package; do
		case " $(dpkg-query -W -f '${db:Status-Status} ' "$package" \
		    2>/dev/null)" in
		*" installed "*) ;;
		*) printf ' %s' "$package" ;;
		esac
	done
}

# apt_install COMMAND...: COMMAND runs with root's rights, or is empty.
apt_install()
{
	# shellcheck disable=SC2086 # the list is one word a package
	timeout 1200 "$@" env DEBIAN_FRONTEND=noninteractive apt-get install \
	    -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
	    -o Acquire::http::Timeout=30 -o Acquire::Retries=3 \
	    -o Dpkg::Use-Pty=0 $missing
}

say_missing()
{
	echo "build.sh: Debian packages are missing; please run, as root:" >&2
	echo "  apt-get update &&" \
	    "apt-get install --no-install-recommends$missing" >&2
}

# need_packages LIST: say what is missing of the list, and install it unless
# --no-install was given; else, or where that is not allowed, say how to.  apt is
# not touched when nothing is missing.
need_packages()
{
	missing=$(
		# shellcheck disable=SC2086 # the list is one word a package
		missing_packages $1
	)
	[ -n "$missing" ] || return 0
	if [ -n "$NO_INSTALL" ]; then
		say_missing
		exit 1
	elif [ "$(id -u)" -eq 0 ]; then
		set --
	elif sudo -n true 2>/dev/null; then
		set -- sudo -n
	else
		say_missing
		exit 1
	fi
	say "this machine lacks these Debian packages, which are installed now" \
	    "(--no-install: not):$missing"
	mkdir -p build
	# The lists that are there may be too old, or none: then update.
	if apt_install "$@" >build/apt-install.log 2>&1; then
		return 0
	fi
	timeout 600 "$@" apt-get update -q -o Acquire::http::Timeout=30 \
	    >>build/apt-install.log 2>&1 ||
	    die "apt-get update failed, see build/apt-install.log"
	apt_install "$@" >>build/apt-install.log 2>&1 ||
	    die "apt-get install failed, see build/apt-install.log"
}
