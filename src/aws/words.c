#include "aws/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int
end_word(struct splitter *s, struct err *err)
{
	char *word;

	if (!s->started)
		return 0;
	if (s->words.count == WORDS_MAX)
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "more than %d words", WORDS_MAX);
	buf_puts(&s->word, "");
	word = buf_take(&s->word);
	if (word == NULL)
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	s->words.list[s->words.count++] = word;
	s->started = false;
	return 0;
}

/* Within double quotes a backslash stays, except before these. */
static bool
keeps_backslash(const struct splitter *s, char c)
{
	return s->quote == '"' && strchr("\\\"$`\n", c) == NULL;
}

static void
add(struct splitter *s, char c)
{
	s->started = true;
	buf_putc(&s->word, c);
}

static void
take_quoted(struct splitter *s, char c)
{
	if (c == s->quote)
		s->quote = '\0';
	else if (c == '\\' && s->quote == '"')
		s->escaped = true;
	else
		add(s, c);
}

static int
take(struct splitter *s, char c, struct err *err)
{
	if (s->escaped) {
		s->escaped = false;
		if (keeps_backslash(s, c))
			add(s, '\\');
		add(s, c);
	} else if (s->quote != '\0') {
		take_quoted(s, c);
	} else if (c == '\\') {
		s->escaped = true;
		s->started = true;
	} else if (c == '\'' || c == '"') {
		s->quote = c;
		s->started = true;
	} else if (is_blank(c)) {
		return end_word(s, err);
	} else {
		add(s, c);
	}
	return 0;
}

static int
split(struct splitter *s, struct slice text, struct err *err)
{
	size_t i;

	s->words.list = calloc(WORDS_MAX + 1, sizeof *s->words.list);
	if (s->words.list == NULL)
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	for (i = 0; i < text.len; i++) {
		if (take(s, text.ptr[i], err) != 0)
			return -1;
	}
	if (s->quote != '\0')
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "quote that is not closed");
	if (s->escaped)
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "backslash at the end");
	return end_word(s, err);
}

int
words_split(struct words *out, struct slice text, struct err *err)
{
	struct splitter s = { .word = { .max = text.len + 1 } };
	int rc = -1;

	if (slice_has(text, '\0')) {
		rc = err_set(err, ERR_KIND_INVALID_VALUE, "NUL byte");
		goto out;
	}
	if (split(&s, text, err) != 0)
		goto out;
	*out = s.words;
	s.words = (struct words){ 0 };
	rc = 0;
out:
	words_free(&s.words);
	buf_free(&s.word);
	return rc;
}

void
words_free(struct words *words)
{
	size_t i;

	for (i = 0; i < words->count; i++) {
		explicit_bzero(words->list[i], strlen(words->list[i]));
		free(words->list[i]);
	}
	free(words->list);
	*words = (struct words){ 0 };
}
