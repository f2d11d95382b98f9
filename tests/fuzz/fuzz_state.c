/* SPDX-License-Identifier: MIT */
/*
 * state.json.  What decodes is valid, encodes, and decodes to the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "ssm/state.h"

static void
check(const struct state *state)
{
	struct state again = { .since = 0 };
	struct buf first = { .data = NULL }, second = { .data = NULL };
	struct err err = { .code = ERR_OK };

	if (!state_valid(state) || state_encode(&first, state, &err) != 0 ||
	    state_decode(&again, buf_str(&first), &err) != 0 ||
	    state_encode(&second, &again, &err) != 0 ||
	    strcmp(buf_str(&first), buf_str(&second)) != 0 ||
	    state_settled(state) != state_settled(&again))
		abort();
	buf_free(&first);
	buf_free(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = slice_dup(slice_make((const char *)data, size));
	struct state state = { .since = 0 };
	struct err err = { .code = ERR_OK };

	if (text == NULL)
		return 0;
	if (state_decode(&state, text, &err) == 0)
		check(&state);
	else if (err.kind == ERR_KIND_NONE || state.nonce[0] != '\0')
		abort();
	free(text);
	return 0;
}
