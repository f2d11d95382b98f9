#!/bin/sh
# SPDX-License-Identifier: MIT
# readme.sh PROGRAM
#
# Fails if the documents and the program disagree.
exec "$(dirname "$0")/documents.py" "$1"
