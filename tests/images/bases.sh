#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the images that the Dockerfiles start from, of Debian's packages.
#
#     bases.sh FOLDER SOURCES CODENAME
#
# FOLDER/ARCH/debian (with Ruby) and FOLDER/ARCH/alpine (a stand-in: busybox
# and musl) are root file systems.  SOURCES is a file with the machine's Debian
# entries.  That of the machine's architecture is whole; of the other one the
# packages are unpacked and not configured, which needs no emulation.
set -eu

folder=$1
sources=$2
codename=$3
native=$(dpkg --print-architecture)
extra=busybox-static,musl,ruby

# The settings of apt that say how the archive is reached.
network_settings()
{
	apt-config dump | grep -E '^Acquire::(https?::|ftp::|Retries|Check-)' \
	    || true
}

# unpack ROOT: what debootstrap has fetched and not unpacked yet.
unpack()
{
	for package in "$1"/var/cache/apt/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" |
		    tar -C "$1" --keep-directory-symlink -xf -
	done
	cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"
	cp "$1/usr/share/base-passwd/group.master" "$1/etc/group"
	ln -sf dash "$1/bin/sh"
}

# make_debian ROOT ARCH
make_debian()
{
	mirror=$(awk '$1 == "URIs:" { print $2; exit }' "$sources")
	set -- "$1" "$2" --variant=minbase --arch="$2" --include="$extra"
	[ "$2" = "$native" ] || set -- "$@" --foreign
	root=$1
	arch=$2
	shift 2
	debootstrap "$@" "$codename" "$root" "$mirror"
	[ "$arch" = "$native" ] || unpack "$root"
	rm -f "$root/etc/apt/sources.list"
	cp "$sources" "$root/etc/apt/sources.list.d/debian.sources"
	network_settings >"$root/etc/apt/apt.conf.d/99network"
}

# take ARCHIVES PACKAGE ROOT: unpack one package.
take()
{
	dpkg-deb -x "$1/$2"_*.deb "$3"
}

# make_alpine ROOT DEBIAN
make_alpine()
{
	mkdir -p "$1/etc" "$1/bin" "$1/tmp" "$1/root" "$1/usr/bin"
	chmod 1777 "$1/tmp"
	take "$2/var/cache/apt/archives" busybox-static "$1"
	take "$2/var/cache/apt/archives" musl "$1"
	rm -rf "${1:?}/usr/share"
	for name in sh id sleep cat ls echo; do
		ln -s busybox "$1/bin/$name"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
	echo 'root:x:0:' >"$1/etc/group"
	echo 'ID=alpine' >"$1/etc/os-release"
}

log=/dev/null
trap '[ $? -eq 0 ] || tail -n 20 "$log"' EXIT
for arch in amd64 arm64; do
	[ ! -f "$folder/$arch/complete" ] || continue
	rm -rf "${folder:?}/$arch"
	mkdir -p "$folder/$arch"
	log=$folder/$arch/log
	make_debian "$folder/$arch/debian" "$arch" >"$log" 2>&1
	make_alpine "$folder/$arch/alpine" "$folder/$arch/debian"
	rm -rf "$folder/$arch/debian/var/cache/apt/archives/"*.deb
	touch "$folder/$arch/complete"
done
