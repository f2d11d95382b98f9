#!/bin/sh
# SPDX-License-Identifier: MIT
# Becomes PID 1 of something like a container on this machine's own files; for
# live.py, which starts it in mount, pid and uts namespaces of its own.
#
#     root.sh SCRATCH PROGRAM AGENT NAME CMD [ARG...]
#
# SCRATCH is an empty folder, AGENT the folder of the agent's programs, NAME
# the host name.  What is written goes to a tmpfs that ends with PID 1.  Files
# that variables of AWS name are copied, since they may be on other mounts.
set -eu

scratch=$1
program=$2
agent=$3
name=$4
shift 4
root=$scratch/root

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$root"
mount -t overlay -o \
    "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$root"
hostname "$name"

# What this machine has of its own: another node, another start.
rm -rf "$root/var/lib/ssm-activate" "$root/var/lib/amazon/ssm" \
    "$root/var/log/amazon/ssm" "$root/etc/amazon/ssm"

# install FILE PATH: a file of ours, over whatever is there.
install_file()
{
	mkdir -p "$root$(dirname "$2")"
	rm -f "$root$2"
	cp -L "$1" "$root$2"
}

for file in amazon-ssm-agent ssm-agent-worker ssm-session-worker \
    ssm-document-worker; do
	[ ! -x "$agent/$file" ] || install_file "$agent/$file" "/usr/bin/$file"
done
install_file "$program" /usr/local/bin/ssm-activate
chmod 755 "$root/usr/local/bin/ssm-activate"
for file in /etc/hosts /etc/resolv.conf "${AWS_CA_BUNDLE:-}" \
    "${SSL_CERT_FILE:-}" "${AWS_WEB_IDENTITY_TOKEN_FILE:-}" \
    "${AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE:-}" \
    "${AWS_CONFIG_FILE:-${HOME:-}/.aws/config}" \
    "${AWS_SHARED_CREDENTIALS_FILE:-${HOME:-}/.aws/credentials}"; do
	[ ! -f "$file" ] || install_file "$file" "$file"
done

mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
exec chroot "$root" "$@"
