/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SEELOG_H
#define AGENT_SEELOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buf;
struct err;

/*
 * seelog.xml, which says how and where amazon-ssm-agent logs.  Without it the
 * agent writes to /var/log/amazon/ssm, one line in up to 100 ms ("adaptive"),
 * so that what it says at its start is read two seconds late.  Pure.  The form:
 * github.com/cihub/seelog, cfg_parser.go, as vendored by the agent.
 */

/* One that writes each line at once, to standard output, which -register
 * answers on, and to the file. */
int seelog_make(struct buf *out, const char *file, struct err *err);

/* The text is what seelog_make() gives, for whatever file. */
bool seelog_is_made(struct slice text);

/*
 * The file that holds the lines of all levels from info on, an absolute path;
 * -1 with the reason where there is none.  The first of several counts whose
 * name is not errors.log.
 */
int seelog_find(struct slice text, char *out, size_t size, struct err *err);

#endif
