/* SPDX-License-Identifier: MIT */
#ifndef UNIT_VECTORS_H
#define UNIT_VECTORS_H

#include "base/buf.h"

struct json;

/* What was recorded of a real agent and its plugin
 * (tests/lib/data/mgs-vectors.json); freed by the caller. */
struct json *vectors_load(void);

/* The frame of that name, with its payload; out is empty before. */
void vectors_frame(const struct json *doc, const char *name, struct buf *out);

/* The same for one that json_first() or json_next() gave. */
void vectors_bytes(const struct json *item, struct buf *out);

#endif
