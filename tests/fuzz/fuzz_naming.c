/* SPDX-License-Identifier: MIT */
/*
 * Role, template, words and tags, a line each.  What is accepted keeps the
 * limits of the SSM model.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "work/naming.h"

enum { LINES = 5 };

static void
check_role(const char *text)
{
	char role[SSM_ROLE_MAX + 1] = "";
	struct err err = { .code = ERR_OK };

	if (naming_role(role, text, &err) != 0)
		return;
	if (role[0] == '\0' || strlen(role) > SSM_ROLE_MAX || role[0] == '/' ||
	    strchr(role, ':') != NULL)
		abort();
}

/* Where what goes in is UTF-8, what comes out is, too. */
static void
check_name(const char *template, const char *word)
{
	const struct naming_words words = { word, "c", word, "", "h" };
	char name[NAMING_NAME_SIZE] = "";
	struct err err = { .code = ERR_OK };

	if (naming_name(name, template, &words, &err) != 0) {
		if (err.kind != ERR_KIND_INVALID_VALUE || name[0] != '\0')
			abort();
		return;
	}
	if (strpbrk(name, "\t\n{}<>\"'") != NULL ||
	    (slice_utf8(slice_of(template)) && slice_utf8(slice_of(word)) &&
	        !slice_utf8(slice_of(name))))
		abort();
}

static void
check_tags(const char *text, const char *value)
{
	static struct naming_tags tags;
	struct err err = { .code = ERR_OK };

	tags.count = tags.used = 0;
	if (naming_parse_tags(&tags, text, &err) == 0 &&
	    tags.count < SSM_TAGS_MAX)
		(void)naming_add_tag(&tags, slice_of("automatic"),
		    slice_of(value), 1, &err);
	if (tags.count > SSM_TAGS_MAX || tags.used > NAMING_TAGS_SIZE)
		abort();
	for (size_t i = 0; i < tags.count; i++) {
		const struct ssm_tag *tag = &tags.list[i];

		if (strlen(tag->key) == 0 ||
		    strlen(tag->value) > (size_t)4 * SSM_TEXT_MAX ||
		    strpbrk(tag->key, "\t,;(") != NULL ||
		    strpbrk(tag->value, "\t;(") != NULL)
			abort();
		for (size_t k = 0; k < i; k++) {
			if (strcmp(tag->key, tags.list[k].key) == 0)
				abort();
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size), line;
	char *text[LINES] = { NULL };
	size_t count = 0;

	while (count < LINES && slice_cut(&rest, '\n', &line)) {
		text[count] = slice_dup(line);
		if (text[count] == NULL)
			break;
		count++;
	}
	if (count == LINES) {
		check_role(text[0]);
		check_name(text[1], text[2]);
		check_tags(text[3], text[4]);
	}
	for (size_t i = 0; i < count; i++)
		free(text[i]);
	return 0;
}
