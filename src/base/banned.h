/* SPDX-License-Identifier: MIT */
/*
 * Included before every unit of ours (build.sh, -include): functions that
 * cannot be used safely, or that have a better counterpart in base/.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf
#pragma GCC poison gets strtok strtok_r atoi atol atoll atof sscanf scanf
#pragma GCC poison fscanf system popen tmpnam tempnam mktemp

#endif
