/* SPDX-License-Identifier: MIT */
#include "unit/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/slice.h"

enum { DATA_MAX = 1 << 20 };

static const char data_file[] = "tests/lib/data/mgs-vectors.json";

struct json *
vectors_load(void)
{
	struct buf text = { .max = DATA_MAX };
	struct json *doc = NULL;

	assert_int_equal(file_read(data_file, &text, NULL), FILE_FOUND);
	assert_int_equal(json_parse(&doc, text.data, text.len, NULL), 0);
	buf_free(&text);
	return doc;
}

static void
decode_hex(struct buf *out, const char *hex)
{
	for (size_t i = 0; hex[i] != '\0'; i += 2) {
		char pair[3] = { hex[i], hex[i + 1], '\0' };

		buf_putc(out, (char)strtol(pair, NULL, 16));
	}
}

void
vectors_bytes(const struct json *item, struct buf *out)
{
	const char *hex = json_text(item, "hex");

	decode_hex(out, json_text(item, "header"));
	if (hex != NULL)
		decode_hex(out, hex);
	else
		buf_puts(out, json_text(item, "text"));
	assert_true(buf_ok(out));
}

void
vectors_frame(const struct json *doc, const char *name, struct buf *out)
{
	const struct json *item = json_first(json_get(doc, "frames"));

	for (; item != NULL; item = json_next(item)) {
		if (slice_eq(slice_of(name), json_text(item, "name"))) {
			vectors_bytes(item, out);
			return;
		}
	}
	fail_msg("there is no frame %s", name);
}
