/* SPDX-License-Identifier: MIT */
/*
 * What a session worker that was taken over sends its helper, and the other way
 * round: the first byte says which, the rest overwrites a record after its
 * magic.  What is taken for valid has texts and numbers within their bounds.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "serve/ask.h"

static void
check_task(const struct ask *ask)
{
	bool words = ask->program == DOCUMENT_COMMAND;

	if (strnlen(ask->user, sizeof ask->user) == sizeof ask->user ||
	    ask->program > DOCUMENT_PORT)
		abort();
	if (ask->program == DOCUMENT_PORT && (ask->port == 0 || ask->len > 0))
		abort();
	if (words && (ask->len == 0 || ask->text[ask->len - 1] != '\0'))
		abort();
	if (!words && memchr(ask->text, '\0', ask->len) != NULL)
		abort();
}

static void
check(const struct ask *ask, bool from_worker)
{
	bool asked = ask->kind >= ASK_TASK && ask->kind <= ASK_CLOSE;

	if (ask->len > ASK_TEXT || ask->kind >= ASK_KINDS ||
	    ask->kind == ASK_NOTHING || asked != from_worker)
		abort();
	if (ask->kind == ASK_TASK)
		check_task(ask);
	if (ask->kind == ASK_START && ask->columns > ASK_SIDE_MAX)
		abort();
	if (ask->kind == ASK_DIAL && ask->address_size > sizeof ask->address)
		abort();
	if (ask->kind == ASK_SIGNAL && ask->number != SIGINT &&
	    ask->number != SIGQUIT)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t begin = offsetof(struct ask, kind);
	static struct ask ask;

	if (size == 0)
		return 0;
	ask_make(&ask, ASK_NOTHING);
	if (--size > sizeof ask - begin)
		size = sizeof ask - begin;
	memcpy((unsigned char *)&ask + begin, data + 1, size);
	if (ask_valid(&ask, begin + size, (data[0] & 1) != 0))
		check(&ask, (data[0] & 1) != 0);
	return 0;
}
