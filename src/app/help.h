/* SPDX-License-Identifier: MIT */
#ifndef APP_HELP_H
#define APP_HELP_H

#include "settings/config.h"

struct buf;

/* What a command is, for the help and for completion. */
struct help_entry {
	const char *name;
	enum config_command command;
	const char *usage;    /* what follows the name */
	const char *summary;  /* one line */
	const char *text;     /* paragraphs, may be NULL */
	const char *examples; /* two lines, what follows "ssm-activate " */
	const char *page;     /* where to read on, of the repository */
	const char *operands; /* the words that the first operand may be, with
	                       * '|' between, or HELP_CMD; may be NULL */
};

/* An operand that is a command of the system. */
#define HELP_CMD "CMD"

/* The help of one command: usage, text, examples, its options from the table
 * that parses them, and the page. */
void help_command(struct buf *out, const struct help_entry *entry);

/* One line each. */
void help_line(struct buf *out, const struct help_entry *entry);

#endif
