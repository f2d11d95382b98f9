/* SPDX-License-Identifier: MIT */
#ifndef APP_COMPLETION_H
#define APP_COMPLETION_H

#include <stddef.h>

struct buf;
struct err;
struct help_entry;

/*
 * The completion of commands, flags and their values, as a script of a shell:
 * "bash", "zsh" or "fish".  It is made from the table of options and from that
 * of the commands, which entry() gives by its index, NULL behind the last.
 * Another shell is ERR_KIND_USAGE.
 */
int completion_write(struct buf *out, const char *shell,
    const struct help_entry *(*entry)(size_t i), struct err *err);

#endif
