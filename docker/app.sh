#!/bin/sh
# SPDX-License-Identifier: MIT
# Stands for the application: it works until it is told to stop.
set -eu

trap 'echo "stopping"; exit 0' TERM INT
echo "working as uid $(id -u)"
while :; do
	sleep 1 &
	wait $!
done
