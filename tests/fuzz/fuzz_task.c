/* SPDX-License-Identifier: MIT */
/*
 * A document: as the metadata of an ECS task, as the parameters of a form,
 * as an answer of STS; and a text as the name of a zone.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"

#include "aws/task.c"

#include "aws/sts.h"

static void
document(struct slice text)
{
	struct json *doc = NULL;
	struct buf form = { 0 };
	struct task task = { .arn = "" };

	if (json_parse(&doc, text.ptr, text.len, NULL) == 0 &&
	    json_is_object(doc)) {
		if (read_task(&task, doc, NULL) == 0)
			require(task.arn[0] != '\0' && task.region[0] != '\0');
		(void)sts_form(&form, doc, NULL);
	}
	for (size_t i = 0; i < form.len; i++)
		require(form.data[i] > ' ' && form.data[i] <= '~');
	buf_free(&form);
	json_free(doc);
}

static void
zone(struct slice text)
{
	char region[TASK_REGION_SIZE] = "";
	char *name = slice_dup(text);

	require(name != NULL);
	if (task_zone_region(name, region))
		require(slice_starts(text, region));
	free(name);
}

static void
answer(struct slice text)
{
	struct api_reply reply = { .status = 200, .body.max = 1 << 20 };
	struct json *doc = NULL;

	buf_add(&reply.body, text.ptr, text.len);
	if (sts_answer(&reply, &doc, NULL) == 0)
		require(doc != NULL);
	json_free(doc);
	api_reply_free(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);

	document(text);
	zone(text);
	answer(text);
	return 0;
}
