/* SPDX-License-Identifier: MIT */
#include "aws/ini.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/words.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/trust.h"

/* The state between two lines. */
struct reader {
	struct ini ini;
	size_t line;   /* number of the present line */
	size_t indent; /* of the last key */
	bool in_key;   /* a key of this section came before */
	bool block;    /* that key has no value: sub-keys may follow */
};

static const char no_memory[] = "out of memory";

/* Room for one more element of an array that grows by doubling. */
static void *
grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return array;
	return reallocarray(array, count == 0 ? 1 : count * 2, size);
}

static bool
is_tab_or_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes of the blank that s begins with: one of Unicode's, such as the no-break
 * space that is pasted with a key, counts as it does for botocore. */
static size_t
blank_at(struct slice s)
{
	static const char *const blanks[] = { " ", "\t", "\xc2\x85", "\xc2\xa0",
		"\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
		"\xe2\x81\x9f", "\xe3\x80\x80" };

	for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
		if (slice_starts(s, blanks[i]))
			return strlen(blanks[i]);
	}
	/* U+2000 to U+200A */
	return slice_starts(s, "\xe2\x80") && s.len > 2 &&
	               (unsigned char)s.ptr[2] <= 0x8a
	           ? 3
	           : 0;
}

/* Without blanks at both ends. */
static struct slice
trim(struct slice s)
{
	size_t n;

	while ((n = blank_at(s)) > 0)
		s = slice_skip(s, n);
	for (n = 1; n <= 3 && n <= s.len;) {
		if (blank_at(slice_skip(s, s.len - n)) == n) {
			s = slice_head(s, s.len - n);
			n = 1;
		} else {
			n++;
		}
	}
	return s;
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

	while (n < line.len && is_tab_or_blank(line.ptr[n]))
		n++;
	return n;
}

/* Cut at a '#' or ';' that follows a blank, then trim. */
static struct slice
without_comment(struct slice s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (is_tab_or_blank(s.ptr[i - 1]) &&
		    (s.ptr[i] == '#' || s.ptr[i] == ';'))
			return trim(slice_head(s, i));
	}
	return trim(s);
}

/* [name], with nothing but a comment after it.  As the next two, it gives
 * what is wrong, or NULL; what it made is in the file in any case.  Where a
 * header is wrong it is not known whose the lines behind it are. */
static const char *
read_section(struct reader *r, struct slice line)
{
	struct slice name, tail;
	struct ini_section *section =
	    grow(r->ini.sections, r->ini.count, sizeof *section);

	if (section == NULL)
		return no_memory;
	r->ini.sections = section;
	if (!slice_split(slice_skip(line, 1), ']', &name, &tail))
		return "'[' without ']'";
	tail = trim(tail);
	if (tail.len != 0 && !is_comment(tail))
		return "text after ']'";
	name = trim(name);
	if (name.len == 0)
		return "section without a name";
	if (r->ini.count == INI_SECTIONS_MAX)
		return "too many sections";
	section = &section[r->ini.count++];
	*section =
	    (struct ini_section){ .name = slice_dup(name), .line = r->line };
	if (section->name == NULL)
		return no_memory;
	r->in_key = false;
	if (ini_section(&r->ini, section->name) != section)
		return "section appears twice";
	return NULL;
}

/* Take over the entry, whose key or sub-key is missing if memory is. */
static const char *
add_entry(struct reader *r, struct slice key, struct slice value, bool nested)
{
	struct ini_section *section = &r->ini.sections[r->ini.count - 1];
	struct ini_entry *entry =
	    grow(section->entries, section->count, sizeof *entry);
	const char *parent;

	if (entry == NULL)
		return no_memory;
	section->entries = entry;
	if (section->count == INI_SECTION_KEYS_MAX)
		return "too many keys";
	parent = nested ? entry[section->count - 1].key : NULL;
	entry = &entry[section->count++];
	*entry = (struct ini_entry){
		.key = nested ? strdup(parent) : slice_dup(key),
		.sub = nested ? slice_dup(key) : NULL,
		.value = slice_dup(value),
		.line = r->line,
	};
	if (entry->key == NULL || entry->value == NULL ||
	    (nested && entry->sub == NULL))
		return no_memory;
	if (ini_value(section, entry->key, entry->sub) != entry->value)
		return "key appears twice";
	return NULL;
}

/* key = value, as a sub-key of the last key or as a key of its own. */
static const char *
read_entry(struct reader *r, struct slice line, bool nested)
{
	struct slice key, value;

	if (r->ini.count == 0)
		return "key before any section";
	if (!slice_split(line, '=', &key, &value))
		return "key without '='";
	key = trim(key);
	if (key.len == 0)
		return "'=' without a key";
	if (slice_has(key, ':'))
		return "':' in a key (write key = value)";
	value = without_comment(value);
	if (!nested) {
		r->in_key = true;
		r->block = value.len == 0;
	}
	return add_entry(r, key, value, nested);
}

static const char *
read_line(struct reader *r, struct slice raw)
{
	struct slice line = trim(raw);
	size_t indent = indent_of(raw);

	if (!slice_utf8(raw))
		return "invalid UTF-8";
	if (line.len == 0 || is_comment(line))
		return NULL;
	if (slice_has(line, '\0'))
		return "NUL byte";
	if (r->in_key && indent > r->indent) {
		if (!r->block)
			return "indented line after a key with a value";
		return read_entry(r, line, true);
	}
	r->indent = indent;
	if (slice_starts(line, "["))
		return read_section(r, line);
	return read_entry(r, line, false);
}

/* A wrong line costs its section; a wrong header, and what is in no section,
 * all of the file.  What is wrong there, or NULL. */
static const char *
take_line(struct reader *r, struct slice raw)
{
	bool header = slice_starts(trim(raw), "[") &&
	              !(r->in_key && indent_of(raw) > r->indent);
	struct ini_section *section = header || r->ini.count == 0
	                                  ? NULL
	                                  : &r->ini.sections[r->ini.count - 1];
	const char *wrong;

	if (section != NULL && section->wrong != NULL)
		return NULL;
	wrong = read_line(r, raw);
	if (section == NULL || wrong == NULL || wrong == no_memory)
		return wrong;
	section->wrong = wrong;
	section->wrong_line = r->line;
	return NULL;
}

int
ini_parse(struct ini *out, struct slice text, struct err *err)
{
	struct reader r = { 0 };
	const char *wrong = NULL;
	struct slice line;

	if (text.len > INI_TEXT_MAX)
		return err_set(err, ERR_KIND_CONFIG, "file is over 1 MiB");
	if (slice_starts(text, "\xef\xbb\xbf"))
		text = slice_skip(text, 3);
	while (wrong == NULL && slice_line(&text, &line)) {
		r.line++;
		wrong = take_line(&r, line);
	}
	if (wrong == NULL) {
		*out = r.ini;
		return 0;
	}
	ini_free(&r.ini);
	return err_set(err,
	    wrong == no_memory ? ERR_KIND_SYSTEM : ERR_KIND_CONFIG,
	    "line %zu: %s", r.line, wrong);
}

int
ini_check(const struct ini_section *section, struct err *err)
{
	if (section == NULL || section->wrong == NULL)
		return 0;
	return err_set(err, ERR_KIND_CONFIG, "line %zu: %s",
	    section->wrong_line, section->wrong);
}

void
ini_free(struct ini *ini)
{
	for (size_t i = 0; i < ini->count; i++) {
		struct ini_section *section = &ini->sections[i];

		for (size_t k = 0; k < section->count; k++) {
			free(section->entries[k].key);
			free(section->entries[k].sub);
			slice_drop(&section->entries[k].value);
		}
		free(section->entries);
		free(section->name);
	}
	free(ini->sections);
	*ini = (struct ini){ 0 };
}

const struct ini_section *
ini_section(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->count; i++) {
		if (strcmp(ini->sections[i].name, name) == 0)
			return &ini->sections[i];
	}
	return NULL;
}

/* Names are ASCII or compared as bytes: no locale is set. */
static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcasecmp(a, b) == 0;
}

const struct ini_entry *
ini_entry(const struct ini_section *section, const char *name, const char *sub)
{
	for (size_t i = 0; section != NULL && i < section->count; i++) {
		const struct ini_entry *entry = &section->entries[i];

		if (same(entry->key, name) && same(entry->sub, sub))
			return entry;
	}
	return NULL;
}

const char *
ini_value(const struct ini_section *section, const char *name, const char *sub)
{
	const struct ini_entry *entry = ini_entry(section, name, sub);

	return entry != NULL ? entry->value : NULL;
}

/* By enum ini_word. */
static const char *const meanings[] = { "profile", "services", "sso-session" };

static bool
has_meaning(const char *word)
{
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (strcmp(meanings[i], word) == 0)
			return true;
	}
	return false;
}

/* The name becomes "WORD NAME".  Two spellings of one name, such as
 * [profile a] and [profile "a"], are a section that appears twice. */
static int
rename_section(struct ini *ini, struct ini_section *section, const char *word,
    const char *name, struct err *err)
{
	struct buf text = { .max = INI_TEXT_MAX };

	buf_printf(&text, "%s %s", word, name);
	free(section->name);
	section->name = buf_take(&text);
	if (section->name == NULL)
		return err_memory(err);
	if (ini_section(ini, section->name) != section)
		return err_set(err, ERR_KIND_CONFIG,
		    "line %zu: section appears twice", section->line);
	return 0;
}

/* A section of the config file whose name is two words; others vanish, for
 * nothing looks for a name that is empty. */
static int
settle_section(struct ini *ini, struct ini_section *section, struct err *err)
{
	struct words words = { 0 };
	int rc = 0;

	if (words_split(&words, slice_of(section->name), NULL) == 0 &&
	    words.count == 2 && has_meaning(words.list[0]) &&
	    words.list[1][0] != '\0') {
		rc = rename_section(ini, section, words.list[0], words.list[1],
		    err);
	} else {
		section->name[0] = '\0';
	}
	words_free(&words);
	return rc;
}

/* Give every section its meaning; [profile default] wins over [default]. */
static int
settle_all(struct ini *ini, enum ini_kind kind, struct err *err)
{
	const char *profile = meanings[INI_PROFILE];
	struct ini_section *plain = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ini->count; i++) {
		struct ini_section *section = &ini->sections[i];

		if (kind == INI_CREDENTIALS) {
			rc = rename_section(ini, section, profile,
			    section->name, err);
		} else if (strcmp(section->name, "default") == 0) {
			plain = section;
		} else {
			rc = settle_section(ini, section, err);
		}
	}
	if (rc == 0 && plain != NULL &&
	    ini_section(ini, "profile default") == NULL)
		rc = rename_section(ini, plain, profile, plain->name, err);
	return rc;
}

int
ini_parse_as(struct ini *out, enum ini_kind kind, struct slice text,
    struct err *err)
{
	struct ini s = { 0 };

	if (ini_parse(&s, text, err) != 0 || settle_all(&s, kind, err) != 0) {
		ini_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

int
ini_load(struct ini *out, enum ini_kind kind, const char *path, mode_t *mode,
    struct err *err)
{
	struct trust_file file = { .path = path };
	struct buf text = { .max = INI_TEXT_MAX };
	struct err cause = { 0 };
	enum file_found found = trust_read(&file, &text, &cause);
	int rc;

	if (file.untold)
		log_event(LOG_WARN, "untrusted_file", "%s", cause.msg);
	if (file.refused || file.hidden)
		found = FILE_ABSENT;
	if (found == FILE_FAILED) {
		rc = err_set(err, ERR_KIND_CONFIG, "%s", cause.msg);
	} else {
		rc = ini_parse_as(out, kind,
		    slice_make(buf_str(&text), text.len), err);
		if (rc != 0)
			err_wrap(err, path);
		else
			out->owner = file.owner;
		if (rc == 0 && found == FILE_FOUND)
			*mode = file.mode;
	}
	buf_free(&text);
	return rc;
}

const struct ini_section *
ini_find(const struct ini *ini, enum ini_word word, const char *name)
{
	for (size_t i = 0; i < ini->count; i++) {
		const struct ini_section *section = &ini->sections[i];
		struct slice head, tail;

		if (slice_split(slice_of(section->name), ' ', &head, &tail) &&
		    slice_eq(head, meanings[word]) && slice_eq(tail, name))
			return section;
	}
	return NULL;
}
