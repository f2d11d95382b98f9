#!/bin/sh
# SPDX-License-Identifier: MIT
# Becomes PID 1 of something like a container; for demo.py, which starts it in
# mount, pid and uts namespaces of its own.
#
#     container.sh KIND ROOT PROGRAM AGENT CA CMD [ARG...]
#
# KIND: debian (this machine's programs, its own /etc and /var, AWS's agent),
# busybox (one static busybox and four files in /etc), nobody (the same for uid
# 1000, nothing of it to be written) or empty (no program at all).
# The environment of CMD is ours.
set -eu

image=$(dirname "$0")/image
kind=$1
root=$2
program=$3
agent=$4
ca=$5
shift 5

# show SOURCE TARGET: a file or folder of the machine, for reading.
show()
{
	mount --bind "$1" "$2"
	mount -o remount,bind,ro "$2"
}

# One entry of the machine's / or /usr: a link as a link, a folder to read.
show_entry()
{
	if [ -L "$1" ]; then
		cp -d "$1" "$root$1"
	elif [ -d "$1" ]; then
		mkdir -p "$root$1"
		show "$1" "$root$1"
	fi
}

make_debian()
{
	mkdir -p "$root/usr"
	for name in /bin /sbin /lib /lib32 /lib64 /libx32 /usr/*; do
		[ "$name" = /usr/local ] || show_entry "$name"
	done
	for name in passwd group shadow login.defs nsswitch.conf ld.so.cache \
	    ld.so.conf ld.so.conf.d alternatives default skel; do
		[ ! -e "/etc/$name" ] || cp -a "/etc/$name" "$root/etc/"
	done
}

make_busybox()
{
	mkdir "$root/bin" "$root/sbin"
	cp "$(command -v busybox)" "$root/bin/busybox"
	chroot "$root" /bin/busybox --install -s /bin
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	echo 'root:*::0:::::' >"$root/etc/shadow"
	echo 'ID=demo' >"$root/etc/os-release"
}

make_devices()
{
	for name in null zero full random urandom tty; do
		: >"$root/dev/$name"
		mount --bind "/dev/$name" "$root/dev/$name"
	done
	mkdir "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts \
	    "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
}

# The names of AWS lead to the local AWS.
make_hosts()
{
	echo "127.0.0.1 localhost $(hostname)"
	for service in ssm sts ecs ssmmessages ec2messages; do
		echo "127.0.0.1 $service.eu-west-1.amazonaws.com"
	done
}

# What a COPY line of a Dockerfile would do, and in debian a second one.
add_programs()
{
	bin=$root/usr/local/bin
	mkdir -p "$bin"
	: >"$bin/ssm-activate"
	show "$program" "$bin/ssm-activate"
	for name in amazon-ssm-agent ssm-agent-worker ssm-session-worker \
	    ssm-document-worker; do
		[ "$kind" = debian ] || continue
		[ -x "$agent/$name" ] || continue
		: >"$bin/$name"
		show "$agent/$name" "$bin/$name"
	done
	[ "$kind" = empty ] || cp "$image/"* "$bin/"
}

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$root"
hostname "demo-$kind"
mkdir "$root/etc" "$root/var" "$root/dev" "$root/proc" "$root/root"
mkdir -m 1777 "$root/tmp"
case $kind in
debian) make_debian ;;
busybox | nobody) make_busybox ;;
empty) ;;
esac
make_devices
make_hosts >"$root/etc/hosts"
cp "$ca" "$root/etc/local-aws.pem"
add_programs
mount -t proc proc "$root/proc"
if [ "$kind" = nobody ]; then
	mount -o remount,ro "$root"
	# Whoever becomes another user so has no capability any more.
	set -- --userspec=1000:1000 --groups=1000 "$root" "$@"
	exec chroot "$@"
fi
exec chroot "$root" "$@"
