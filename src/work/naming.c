/* SPDX-License-Identifier: MIT */
#include "work/naming.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* The pattern of names and tags is letters, separators and digits of all
 * scripts, and these. AWS itself judges what is not ASCII. */
static bool
allowed(char c)
{
	return (unsigned char)c >= 0x80 ||
	       slice_has(slice_of(ALNUM " _.:/=+-@"), c);
}

static bool
all_allowed(struct slice s)
{
	for (; s.len > 0; s = slice_skip(s, 1)) {
		if (!allowed(*s.ptr))
			return false;
	}
	return true;
}

/* AWS counts characters, of at most four bytes each.  Bytes that are no
 * character are bounded as well. */
static bool
too_long(struct slice s, size_t max)
{
	return slice_head_utf8(s, max).len < s.len || s.len > 4 * max;
}

int
naming_role(char out[static SSM_ROLE_MAX + 1], const char *text,
    struct err *err)
{
	struct slice role = slice_of(text);
	ptrdiff_t at = slice_find(role, ":role/");

	if (slice_starts(role, "arn:")) {
		if (at < 0)
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "%.200s is an ARN, but not of a role", text);
		role = slice_skip(role, (size_t)at + strlen(":role/"));
	}
	while (slice_starts(role, "/"))
		role = slice_skip(role, 1);
	if (role.len == 0 || role.len > SSM_ROLE_MAX) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the role must have 1 to %d characters, %.200s has %zu",
		    SSM_ROLE_MAX, text, role.len);
	}
	if (!slice_all_in(role, ALNUM "+=,.@_-/"))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "%.200s holds a character that no role name has", text);
	slice_copy(role, out, SSM_ROLE_MAX + 1);
	return 0;
}

static const char *
word_value(struct slice word, const struct naming_words *words)
{
	const struct {
		const char *name, *value;
	} table[] = {
		{ "task", words->task },
		{ "cluster", words->cluster },
		{ "family", words->family },
		{ "container", words->container },
		{ "hostname", words->hostname },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (slice_eq(word, table[i].name))
			return table[i].value;
	}
	return NULL;
}

static void
add_clean(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		buf_add(out, allowed(*text) ? text : "-", 1);
}

static const char *
best_template(const struct naming_words *words)
{
	if (*words->task == '\0')
		return "{hostname}";
	return *words->container == '\0' ? "{family}/{task}"
	                                 : "{family}/{container}/{task}";
}

static int
expand(struct buf *out, const char *template, const struct naming_words *words,
    struct err *err)
{
	struct slice rest = slice_of(template);

	while (rest.len > 0) {
		struct slice word = { 0 };
		const char *value = NULL;

		if (*rest.ptr != '{') {
			buf_add(out, rest.ptr, 1);
			rest = slice_skip(rest, 1);
			continue;
		}
		if (slice_split(slice_skip(rest, 1), '}', &word, &rest))
			value = word_value(word, words);
		if (value == NULL) {
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "name %s: the words are {task}, {cluster}, {family}, "
			    "{container} and {hostname}",
			    template);
		}
		add_clean(out, value);
	}
	return 0;
}

int
naming_name(char out[static NAMING_NAME_SIZE], const char *template,
    const struct naming_words *words, struct err *err)
{
	struct buf name = { 0 };
	struct slice all = { 0 };
	int rc = -1;

	if (template == NULL) {
		template = best_template(words);
	} else if (too_long(slice_of(template), SSM_TEXT_MAX)) {
		err_set(err, ERR_KIND_INVALID_VALUE,
		    "name %.*s...: it has more than %d characters",
		    err_shown(slice_of(template)), template, SSM_TEXT_MAX);
		goto out;
	}
	if (expand(&name, template, words, err) != 0)
		goto out;
	/* Long words may be cut; what the user wrote himself was checked. */
	all = slice_head_utf8(slice_of(buf_str(&name)), SSM_TEXT_MAX);
	if (!buf_ok(&name)) {
		err_memory(err);
		goto out;
	}
	if (!all_allowed(all) || !slice_copy(all, out, NAMING_NAME_SIZE)) {
		err_set(err, ERR_KIND_INVALID_VALUE,
		    "name %s: only letters, digits, blanks and _.:/=+-@ may "
		    "be in it",
		    template);
		goto out;
	}
	rc = 0;
out:
	buf_free(&name);
	return rc;
}

/* Copy into the store of tags; NULL when it is full. */
static char *
keep(struct naming_tags *tags, struct slice s)
{
	char *at = tags->text + tags->used;

	if (!slice_copy(s, at, sizeof tags->text - tags->used))
		return NULL;
	tags->used += s.len + 1;
	return at;
}

int
naming_add_tag(struct naming_tags *tags, struct slice key, struct slice value,
    int clean, struct err *err)
{
	char *k = NULL, *v = NULL;

	if (key.len == 0 || too_long(key, NAMING_KEY_MAX) ||
	    too_long(value, SSM_TEXT_MAX)) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "tag %.*s=%.*s: a key has 1 to %d characters, a value at "
		    "most %d",
		    err_shown(key), key.ptr, err_shown(value), value.ptr,
		    NAMING_KEY_MAX, SSM_TEXT_MAX);
	}
	if (!all_allowed(key) || (!clean && !all_allowed(value))) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "tag %.*s=%.*s: only letters, digits, blanks and "
		    "_.:/=+-@ may be in it",
		    err_shown(key), key.ptr, err_shown(value), value.ptr);
	}
	for (size_t i = 0; i < tags->count; i++) {
		if (slice_eq(key, tags->list[i].key)) {
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "tag %s: the key is there twice",
			    tags->list[i].key);
		}
	}
	if (tags->count < SSM_TAGS_MAX) {
		k = keep(tags, key);
		v = keep(tags, value);
	}
	if (k == NULL || v == NULL) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "tag %.*s: too many tags (at most %d), or too long",
		    err_shown(key), key.ptr, SSM_TAGS_MAX);
	}
	for (char *c = v; *c != '\0'; c++) {
		if (!allowed(*c))
			*c = '-';
	}
	tags->list[tags->count++] = (struct ssm_tag){ .key = k, .value = v };
	return 0;
}

int
naming_parse_tags(struct naming_tags *tags, const char *text, struct err *err)
{
	struct slice rest = slice_of(text), item;

	while (slice_cut(&rest, ',', &item)) {
		struct slice key, value;

		if (slice_trim(item).len == 0)
			continue;
		if (!slice_split(item, '=', &key, &value)) {
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "tag %.*s: it must be key=value,key=value",
			    err_shown(item), item.ptr);
		}
		if (naming_add_tag(tags, slice_trim(key), slice_trim(value), 0,
		        err) != 0)
			return -1;
	}
	return 0;
}
