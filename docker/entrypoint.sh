#!/bin/sh
# SPDX-License-Identifier: MIT
# An entrypoint as images have them: it prepares, then becomes the command.
# Its last line was: exec "$@"
set -eu

echo "preparing as uid $(id -u)"
exec ssm-activate run --user 1000:1000 -- "$@"
