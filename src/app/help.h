/* SPDX-License-Identifier: MIT */
#ifndef APP_HELP_H
#define APP_HELP_H

#include "settings/config.h"

struct buf;

/* What a command is, for the help. */
struct help_entry {
	const char *name;
	enum config_command command;
	const char *usage;   /* what follows the name */
	const char *summary; /* one line */
	const char *text;    /* paragraphs, may be NULL */
};

/* The help of one command: usage, text, and its options from the table that
 * parses them. */
void help_command(struct buf *out, const struct help_entry *entry);

/* One line each. */
void help_line(struct buf *out, const struct help_entry *entry);

#endif
