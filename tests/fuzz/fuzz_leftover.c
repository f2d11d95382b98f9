/* SPDX-License-Identifier: MIT */
/*
 * Listings of nodes, activations, tags and tasks, page by page, as `gc` looks
 * through them.
 */
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "fuzz/answers.h"
#include "fuzz/fuzz.h"
#include "ssm/leftover.h"

enum { INPUT_MAX = 16384, LIMIT_MS = 5000, AGE_S = 86400 };

static void
check(const struct leftover *one)
{
	require(one->why <= LEFTOVER_UNUSED);
	require(one->node.state <= FLEET_TASK_GONE);
	require(memchr(one->node.name, '\0', sizeof one->node.name) != NULL);
	require(memchr(one->node.task, '\0', sizeof one->node.task) != NULL);
	require(one->activation ? id_is_uuid(one->node.id)
	                        : id_is_node(one->node.id));
	for (const char *c = one->node.name; *c != '\0'; c++)
		require(*c != '\n' && *c != '\033');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers answers = { slice_make((const char *)data, size) };
	struct ssm ssm = { .deadline = clock_in(LIMIT_MS) };
	struct buf list = { 0 };
	struct err err = { 0 };
	const struct leftover *one;

	if (size > INPUT_MAX)
		return 0;
	ssm.client = answers_client(&answers);
	require((leftover_find(&ssm, &(struct leftover_scope){ AGE_S, NULL },
	             &list, &err) == 0) == (err.code == ERR_OK));
	one = (const void *)list.data;
	for (size_t n = list.len / sizeof *one; n > 0; n--, one++)
		check(one);
	buf_free(&list);
	client_free(ssm.client);
	return 0;
}
