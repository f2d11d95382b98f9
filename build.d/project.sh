# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the project says of itself, in one place: sources (by ./build.sh fmt),
# bill of materials and images read it here.  Whoever wants another licence
# changes PROJECT_LICENCE and the file LICENSE, and runs ./build.sh fmt.
# shellcheck disable=SC2034 # used by those who read this file

# An identifier of https://spdx.org/licenses; the text is in LICENSE.
PROJECT_LICENCE=MIT
PROJECT_AUTHORS="The ssm-activate authors"
PROJECT_ABOUT="Makes any container a managed node of AWS Systems Manager"
# Where the sources are published, without a slash at the end.  A release is
# refused until it says so; a trial does without.
PROJECT_URL=${PROJECT_URL:-}
