/* SPDX-License-Identifier: MIT */
/*
 * A document that is taken can be printed, and what is printed is taken again
 * and prints the same: no member, no digit and no byte is lost on the way.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

enum { PRINT_MAX = 64 << 20, WALK_MAX = 1 << 20 };

/* Every string is UTF-8 and every number finite or not given. */
static void
check_list(const struct json *list)
{
	const struct json *item = json_first(list);
	size_t steps = 0;

	for (; item != NULL; item = json_next(item)) {
		const char *text = json_string(item);
		double number = 0;

		require(++steps < WALK_MAX);
		require((json_name(item) != NULL) == json_is_object(list));
		require(text == NULL || slice_utf8(slice_of(text)));
		if (json_as_number(item, &number))
			require(number - number == 0);
		if (json_name(item) != NULL)
			require(json_get(list, json_name(item)) != NULL);
	}
}

static void
print(const struct json *doc, bool pretty, struct buf *out)
{
	int rc = pretty ? json_print_pretty(out, doc) : json_print(out, doc);

	require((rc == 0) == buf_ok(out));
	require(rc == 0 || out->len == 0);
}

static void
check_again(const struct buf *text, const struct buf *wanted)
{
	struct buf again = { .max = PRINT_MAX };
	struct json *doc = NULL;

	require(json_parse(&doc, buf_str(text), text->len, NULL) == 0);
	print(doc, false, &again);
	require(buf_ok(&again) && again.len == wanted->len);
	require(memcmp(again.data, wanted->data, wanted->len) == 0);
	buf_free(&again);
	json_free(doc);
}

/* Changing a document keeps it printable, and the change is there once. */
static void
check_change(struct json *doc)
{
	struct json *inner = NULL, *text = NULL, *truth = NULL;
	bool yes = false;

	if (!json_is_object(doc))
		return;
	require(json_parse(&text, "\"new\"", 5, NULL) == 0);
	require(json_add(doc, "a", text) == 0);
	require(strcmp(json_text(doc, "a"), "new") == 0);
	inner = json_object_in(doc, "b");
	if (inner != NULL) {
		require(json_parse(&truth, "true", 4, NULL) == 0);
		require(json_add(inner, "c", truth) == 0);
		require(json_bool(json_get(doc, "b"), "c", &yes) && yes);
	}
	check_list(doc);
}

static void
check_quote(const uint8_t *data, size_t size)
{
	struct buf text = { .max = size + 1 };
	struct buf quoted = { .max = 6 * size + 3 };
	struct json *doc = NULL;

	buf_add(&text, data, size);
	json_quote(&quoted, buf_str(&text));
	require(buf_ok(&quoted));
	require(json_parse(&doc, buf_str(&quoted), quoted.len, NULL) == 0);
	if (slice_utf8(slice_of(buf_str(&text))))
		require(strcmp(json_string(doc), buf_str(&text)) == 0);
	json_free(doc);
	buf_free(&text);
	buf_free(&quoted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf plain = { .max = PRINT_MAX };
	struct buf pretty = { .max = PRINT_MAX };
	struct json *doc = NULL;
	struct err err = { 0 };

	check_quote(data, size);
	if (json_parse(&doc, (const char *)data, size, &err) != 0) {
		require(doc == NULL && err.kind == ERR_KIND_PARSE);
		return 0;
	}
	require(err.kind == ERR_KIND_NONE);
	check_list(doc);
	print(doc, false, &plain);
	print(doc, true, &pretty);
	require(buf_ok(&plain) && buf_ok(&pretty));
	check_again(&plain, &plain);
	check_again(&pretty, &plain);
	check_change(doc);
	json_free(doc);
	buf_free(&plain);
	buf_free(&pretty);
	return 0;
}
