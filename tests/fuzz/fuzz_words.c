/* SPDX-License-Identifier: MIT */
/*
 * Splitting a command: the words, each put into single quotes, give the same
 * words once more, and there are never more bytes in them than in the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/words.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

/* 'word', with each quote in it as '\''. */
static void
quote(struct buf *out, const char *word)
{
	buf_putc(out, '\'');
	for (size_t i = 0; word[i] != '\0'; i++) {
		if (word[i] == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, word[i]);
	}
	buf_puts(out, "' ");
}

static void
check_again(const struct words *words)
{
	struct buf text = { .max = 1 << 24 };
	struct words again = { 0 };

	for (size_t i = 0; i < words->count; i++)
		quote(&text, words->list[i]);
	require(buf_ok(&text));
	require(words_split(&again, slice_make(buf_str(&text), text.len),
	            NULL) == 0);
	require(again.count == words->count);
	for (size_t i = 0; i < words->count; i++)
		require(strcmp(again.list[i], words->list[i]) == 0);
	words_free(&again);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words words = { 0 };
	struct err err = { 0 };
	size_t bytes = 0;

	if (words_split(&words, slice_make((const char *)data, size), &err) !=
	    0) {
		require(err.kind == ERR_KIND_INVALID_VALUE);
		require(words.list == NULL && words.count == 0);
		return 0;
	}
	require(words.count <= WORDS_MAX);
	require(words.list[words.count] == NULL);
	for (size_t i = 0; i < words.count; i++)
		bytes += strlen(words.list[i]);
	require(bytes <= size);
	check_again(&words);
	words_free(&words);
	return 0;
}
