/* SPDX-License-Identifier: MIT */
/* The agent's configuration: what was merged must be whole, and merging it
 * again must change nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/setup.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

static void
check(const struct buf *merged)
{
	struct buf again = { 0 };
	struct json *doc = NULL;
	struct err err = { 0 };
	const struct json *order;
	bool share = true, changed = false;

	if (setup_merge_config(&again, buf_str(merged), &changed, &err) != 0 ||
	    changed || strcmp(buf_str(&again), buf_str(merged)) != 0)
		abort();
	if (json_parse(&doc, merged->data, merged->len, &err) != 0)
		abort();
	order = json_get(json_get(doc, "Identity"), "ConsumptionOrder");
	if (!json_bool(json_get(doc, "Profile"), "ShareCreds", &share) ||
	    share || json_next(json_first(order)) != NULL ||
	    strcmp(json_string(json_first(order)), "OnPrem") != 0)
		abort();
	json_free(doc);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = slice_dup(slice_make((const char *)data, size));
	struct buf merged = { 0 };
	struct err err = { 0 };
	bool changed = false;

	if (text != NULL &&
	    setup_merge_config(&merged, text, &changed, &err) == 0)
		check(&merged);
	buf_free(&merged);
	free(text);
	return 0;
}
