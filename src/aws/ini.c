#include "aws/ini.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"

/* The state between two lines. */
struct reader {
	struct ini ini;
	size_t line;   /* number of the present line */
	size_t indent; /* of the last key */
	bool in_key;   /* a key of this section came before */
	bool block;    /* that key has no value: sub-keys may follow */
};

static int
refuse(const struct reader *r, const char *what, struct err *err)
{
	return err_set(err, ERR_KIND_CONFIG, "line %zu: %s", r->line, what);
}

static int
no_memory(struct err *err)
{
	return err_set(err, ERR_KIND_SYSTEM, "out of memory");
}

/* Room for one more element of an array that grows by doubling. */
static void *
grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return array;
	return reallocarray(array, count == 0 ? 1 : count * 2, size);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_comment(struct slice s)
{
	return slice_starts(s, "#") || slice_starts(s, ";");
}

/* The number of blanks before the first other byte. */
static size_t
indent_of(struct slice line)
{
	size_t n = 0;

	while (n < line.len && is_blank(line.ptr[n]))
		n++;
	return n;
}

/* Cut at a '#' or ';' that follows a blank, then trim. */
static struct slice
without_comment(struct slice s)
{
	size_t i;

	for (i = 1; i < s.len; i++) {
		if (is_blank(s.ptr[i - 1]) &&
		    (s.ptr[i] == '#' || s.ptr[i] == ';'))
			return slice_trim(slice_head(s, i));
	}
	return slice_trim(s);
}

static char *
dup_lower(struct slice s)
{
	char *copy = slice_dup(s);
	size_t i;

	for (i = 0; copy != NULL && i < s.len; i++) {
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] - 'A' + 'a');
	}
	return copy;
}

static struct ini_section *
last_section(struct reader *r)
{
	if (r->ini.count == 0)
		return NULL;
	return &r->ini.sections[r->ini.count - 1];
}

/* [name], with nothing but a comment after it. */
static int
read_section(struct reader *r, struct slice line, struct err *err)
{
	struct slice name, tail;
	struct ini_section *grown;
	char *copy;

	if (!slice_split(slice_skip(line, 1), ']', &name, &tail))
		return refuse(r, "'[' without ']'", err);
	tail = slice_trim(tail);
	if (tail.len != 0 && !is_comment(tail))
		return refuse(r, "text after ']'", err);
	name = slice_trim(name);
	if (name.len == 0)
		return refuse(r, "section without a name", err);
	if (r->ini.count == INI_SECTIONS_MAX)
		return refuse(r, "too many sections", err);
	copy = slice_dup(name);
	if (copy == NULL)
		return no_memory(err);
	if (ini_section(&r->ini, copy) != NULL) {
		free(copy);
		return refuse(r, "section appears twice", err);
	}
	grown = grow(r->ini.sections, r->ini.count, sizeof *grown);
	if (grown == NULL) {
		free(copy);
		return no_memory(err);
	}
	r->ini.sections = grown;
	grown[r->ini.count++] =
	    (struct ini_section){ .name = copy, .line = r->line };
	r->in_key = false;
	return 0;
}

static void
free_entry(struct ini_entry *entry)
{
	if (entry->value != NULL)
		explicit_bzero(entry->value, strlen(entry->value));
	free(entry->key);
	free(entry->sub);
	free(entry->value);
	*entry = (struct ini_entry){ 0 };
}

/* Take over the entry, which is freed when there is no room for it. */
static int
add_entry(struct reader *r, struct ini_entry *entry, struct err *err)
{
	struct ini_section *section = last_section(r);
	struct ini_entry *grown;

	if (ini_value(section, entry->key, entry->sub) != NULL) {
		free_entry(entry);
		return refuse(r, "key appears twice", err);
	}
	if (section->count == INI_SECTION_KEYS_MAX) {
		free_entry(entry);
		return refuse(r, "too many keys", err);
	}
	grown = grow(section->entries, section->count, sizeof *grown);
	if (grown == NULL) {
		free_entry(entry);
		return no_memory(err);
	}
	section->entries = grown;
	grown[section->count++] = *entry;
	*entry = (struct ini_entry){ 0 };
	return 0;
}

/* key = value, as a sub-key of the last key or as a key of its own. */
static int
read_entry(struct reader *r, struct slice line, bool nested, struct err *err)
{
	struct ini_section *section = last_section(r);
	struct ini_entry entry = { 0 };
	struct slice key, value;
	char *name;

	if (section == NULL)
		return refuse(r, "key before any section", err);
	if (!slice_split(line, '=', &key, &value))
		return refuse(r, "key without '='", err);
	key = slice_trim(key);
	if (key.len == 0)
		return refuse(r, "'=' without a key", err);
	if (slice_has(key, ':'))
		return refuse(r, "':' in a key (write key = value)", err);
	value = without_comment(value);
	name = dup_lower(key);
	entry.value = slice_dup(value);
	if (nested) {
		entry.sub = name;
		entry.key = strdup(section->entries[section->count - 1].key);
	} else {
		entry.key = name;
	}
	if (name == NULL || entry.key == NULL || entry.value == NULL) {
		free_entry(&entry);
		return no_memory(err);
	}
	if (!nested) {
		r->in_key = true;
		r->block = value.len == 0;
	}
	return add_entry(r, &entry, err);
}

static int
read_line(struct reader *r, struct slice raw, struct err *err)
{
	struct slice line = slice_trim(raw);
	size_t indent = indent_of(raw);

	if (line.len == 0 || is_comment(line))
		return 0;
	if (slice_has(line, '\0'))
		return refuse(r, "NUL byte", err);
	if (r->in_key && indent > r->indent) {
		if (!r->block)
			return refuse(r,
			    "indented line after a key with a value", err);
		return read_entry(r, line, true, err);
	}
	r->indent = indent;
	if (slice_starts(line, "["))
		return read_section(r, line, err);
	return read_entry(r, line, false, err);
}

int
ini_parse(struct ini *out, struct slice text, struct err *err)
{
	struct reader r = { 0 };
	struct slice line;
	int rc = -1;

	if (text.len > INI_TEXT_MAX)
		return err_set(err, ERR_KIND_CONFIG, "file is over 1 MiB");
	if (slice_starts(text, "\xef\xbb\xbf"))
		text = slice_skip(text, 3);
	while (slice_line(&text, &line)) {
		r.line++;
		if (!slice_utf8(line)) {
			rc = refuse(&r, "invalid UTF-8", err);
			goto out;
		}
		if (read_line(&r, line, err) != 0)
			goto out;
	}
	*out = r.ini;
	r.ini = (struct ini){ 0 };
	rc = 0;
out:
	ini_free(&r.ini);
	return rc;
}

void
ini_free(struct ini *ini)
{
	size_t i, j;

	for (i = 0; i < ini->count; i++) {
		for (j = 0; j < ini->sections[i].count; j++)
			free_entry(&ini->sections[i].entries[j]);
		free(ini->sections[i].entries);
		free(ini->sections[i].name);
	}
	free(ini->sections);
	*ini = (struct ini){ 0 };
}

const struct ini_section *
ini_section(const struct ini *ini, const char *name)
{
	size_t i;

	for (i = 0; i < ini->count; i++) {
		if (strcmp(ini->sections[i].name, name) == 0)
			return &ini->sections[i];
	}
	return NULL;
}

static bool
same_sub(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const char *
ini_value(const struct ini_section *section, const char *name, const char *sub)
{
	size_t i;

	for (i = 0; section != NULL && i < section->count; i++) {
		const struct ini_entry *entry = &section->entries[i];

		if (strcmp(entry->key, name) == 0 && same_sub(entry->sub, sub))
			return entry->value;
	}
	return NULL;
}
