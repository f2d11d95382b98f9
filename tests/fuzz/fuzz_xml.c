/* SPDX-License-Identifier: MIT */
/*
 * The XML reader: a document is refused, or it becomes an object of one
 * member, whose texts are together no longer than the document.
 */
#include <stdint.h>
#include <stdlib.h>

#include "aws/xml.h"
#include "base/err.h"
#include "base/json.h"
#include "fuzz/fuzz.h"

/* The length of all texts below the value, without recursion: every list is
 * left for what comes after it. */
static size_t
texts(const struct json *value)
{
	const struct json *open[XML_DEPTH_MAX + 1];
	size_t depth = 0, sum = 0;

	while (value != NULL) {
		const struct json *first = json_first(value);

		sum += slice_of(json_string(value)).len;
		if (first != NULL) {
			require(depth <= XML_DEPTH_MAX);
			open[depth++] = value;
		}
		value = first != NULL ? first : json_next(value);
		while (value == NULL && depth > 0)
			value = json_next(open[--depth]);
	}
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct json *doc = NULL;
	struct err err = { 0 };

	if (xml_parse(&doc, text, &err) != 0) {
		require(doc == NULL && err.kind == ERR_KIND_PARSE);
		return 0;
	}
	require(json_is_object(doc));
	require(json_first(doc) != NULL);
	require(json_next(json_first(doc)) == NULL);
	require(texts(doc) <= size);
	json_free(doc);
	return 0;
}
