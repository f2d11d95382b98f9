#!/bin/sh
# SPDX-License-Identifier: MIT
# Shows the whole job against a local AWS, without an account.
#
#     demo.sh [PROGRAM]          PROGRAM is build/ssm-activate if not given
#
# amazon-ssm-agent is taken from SSM_ACTIVATE_AGENT_DIR, else from /usr/bin,
# else the stand-in plays it.  As root everything happens in namespaces of its
# own: a network that has only "lo", processes that end with the demo, files
# that vanish with it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
program=$(realpath "${1:-$top/build/ssm-activate}")
python=/usr/bin/python3
limit=100 # seconds

say()
{
	echo "demo: $*" >&2
}

# Copies of the stand-in under the names that the agent's programs have.
install_standin()
{
	for name in amazon-ssm-agent ssm-agent-worker ssm-session-worker; do
		cp "$top/build/amazon-ssm-agent-standin" "$1/$name"
	done
}

# Echo the folder of the agent.
find_agent()
{
	if [ -n "${SSM_ACTIVATE_AGENT_DIR:-}" ]; then
		realpath "$SSM_ACTIVATE_AGENT_DIR"
	elif [ -x /usr/bin/amazon-ssm-agent ]; then
		echo /usr/bin
	elif [ -x "$top/build/amazon-ssm-agent-standin" ]; then
		mkdir "$scratch/agent"
		install_standin "$scratch/agent"
		echo "$scratch/agent"
	else
		say "no amazon-ssm-agent here, and no stand-in in build/"
		return 1
	fi
}

[ -x "$program" ] || {
	say "$program is missing: ./build.sh build"
	exit 1
}
[ -z "${SSM_ACTIVATE_AGENT_DIR:-}" ] ||
	[ -x "$SSM_ACTIVATE_AGENT_DIR/amazon-ssm-agent" ] || {
	say "SSM_ACTIVATE_AGENT_DIR: no amazon-ssm-agent there"
	exit 1
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/ssm-activate-demo.XXXXXX")
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
agent=$(find_agent)

# --kill-child: what is in there ends with the demo, however that ends.
set -- unshare --net --mount --uts --ipc --pid --fork --mount-proc \
    --kill-child --
if [ "$(id -u)" -ne 0 ]; then
	why="it is not run by root"
elif ! "$@" true 2>"$scratch/why"; then
	why=$(tail -n 1 "$scratch/why")
else
	why=
fi
[ -z "$why" ] || set --

timeout --foreground -k 5 "$limit" "$@" "$python" -B "$here/demo.py" \
    --program "$program" --agent "$agent" --scratch "$scratch" \
    ${why:+--alone "$why"} </dev/null
