/* SPDX-License-Identifier: MIT */
#include "aws/words.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct splitter {
	struct words words;
	struct buf word; /* the present one */
	bool started;    /* it exists, even when it is empty ("") */
	char quote;      /* the open quote, 0 = none */
	bool escaped;    /* the byte before was a backslash */
};

static const char no_memory[] = "out of memory";

/* As the next two, it gives what is wrong, or NULL. */
static const char *
end_word(struct splitter *s)
{
	char *word;

	if (!s->started)
		return NULL;
	if (s->words.count == WORDS_MAX)
		return "too many words";
	buf_puts(&s->word, "");
	word = buf_take(&s->word);
	if (word == NULL)
		return no_memory;
	s->words.list[s->words.count++] = word;
	s->started = false;
	return NULL;
}

/* Within double quotes a backslash stays, except before these. */
static void
take_escaped(struct splitter *s, char c)
{
	s->escaped = false;
	if (s->quote == '"' && !slice_has(slice_of("\\\"$`\n"), c))
		buf_putc(&s->word, '\\');
	buf_putc(&s->word, c);
}

static const char *
take_byte(struct splitter *s, char c)
{
	bool open = s->quote != '\0';

	if (!open && !s->escaped && slice_has(slice_of(" \t\n\r"), c))
		return end_word(s);
	s->started = true;
	if (s->escaped)
		take_escaped(s, c);
	else if (c == '\\' && s->quote != '\'')
		s->escaped = true;
	else if (open ? c == s->quote : c == '\'' || c == '"')
		s->quote = (char)(open ? '\0' : c);
	else
		buf_putc(&s->word, c);
	return NULL;
}

static const char *
split_text(struct splitter *s, struct slice text)
{
	const char *wrong = NULL;

	s->words.list = calloc(WORDS_MAX + 1, sizeof *s->words.list);
	if (s->words.list == NULL)
		return no_memory;
	for (size_t i = 0; wrong == NULL && i < text.len; i++)
		wrong = text.ptr[i] == '\0' ? "NUL byte"
		                            : take_byte(s, text.ptr[i]);
	if (wrong != NULL)
		return wrong;
	if (s->quote != '\0')
		return "quote that is not closed";
	if (s->escaped)
		return "backslash at the end";
	return end_word(s);
}

int
words_split(struct words *out, struct slice text, struct err *err)
{
	struct splitter s = { .word = { .max = text.len + 1 } };
	const char *wrong = split_text(&s, text);

	buf_free(&s.word);
	if (wrong == NULL) {
		*out = s.words;
		return 0;
	}
	words_free(&s.words);
	return err_set(err,
	    wrong == no_memory ? ERR_KIND_SYSTEM : ERR_KIND_INVALID_VALUE, "%s",
	    wrong);
}

void
words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		slice_drop(&words->list[i]);
	free(words->list);
	*words = (struct words){ 0 };
}
