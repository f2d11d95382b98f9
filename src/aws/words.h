/* SPDX-License-Identifier: MIT */
#ifndef AWS_WORDS_H
#define AWS_WORDS_H

#include <stddef.h>

struct err;
struct slice;

/*
 * Split a command into words as a POSIX shell does (POSIX, XCU 2.2 quoting):
 * blanks, single and double quotes, backslash.  Nothing is expanded and no
 * character is an operator or begins a comment.  Pure.
 */
enum { WORDS_MAX = 256 };

struct words {
	char **list; /* owned, ends with NULL: what execvp(3) takes */
	size_t count;
};

/* ERR_KIND_INVALID_VALUE for an open quote, a backslash at the end, a NUL
 * or too many words; the text is not shown. */
int words_split(struct words *out, struct slice text, struct err *err);
void words_free(struct words *words);

#endif
