/* SPDX-License-Identifier: MIT */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* What this binary is made of; written by build.sh. */
extern const char version_program[];
extern const char version_revision[];
extern const char version_bearssl[];
extern const char version_cjson[];
extern const char version_musl[];
extern const char version_licenses[];

#endif
