#include "aws/shared.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aws/words.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"

static const char *const words_of[] = {
	[SHARED_PROFILE] = "profile",
	[SHARED_SERVICES] = "services",
	[SHARED_SSO_SESSION] = "sso-session",
};
enum { WORD_COUNT = sizeof words_of / sizeof words_of[0] };

/* The word of the meaning, or -1 for a section that has none. */
static int
word_index(const char *text)
{
	for (int i = 0; i < WORD_COUNT; i++) {
		if (strcmp(words_of[i], text) == 0)
			return i;
	}
	return -1;
}

static int
no_memory(struct err *err)
{
	return err_set(err, ERR_KIND_SYSTEM, "out of memory");
}

/* Two spellings of one name, such as [profile a] and [profile "a"], are a
 * section that appears twice. */
static int
add(struct shared *s, const struct shared_section *section, struct err *err)
{
	struct shared_section *added = &s->sections[s->count];

	if (shared_find(s, section->word, section->name) != NULL)
		return err_set(err, ERR_KIND_CONFIG,
		    "line %zu: section appears twice", section->body->line);
	*added = *section;
	added->name = strdup(section->name);
	if (added->name == NULL)
		return no_memory(err);
	s->count++;
	return 0;
}

/* A section of the config file whose name is two words; others vanish. */
static int
add_config(struct shared *s, const struct ini_section *body, struct err *err)
{
	struct shared_section section = { .body = body };
	struct words words = { 0 };
	int word, rc = 0;

	if (words_split(&words, slice_of(body->name), NULL) != 0)
		return 0;
	if (words.count != 2 || words.list[1][0] == '\0')
		goto out;
	word = word_index(words.list[0]);
	if (word < 0)
		goto out;
	section.word = (enum shared_word)word;
	section.name = words.list[1];
	rc = add(s, &section, err);
out:
	words_free(&words);
	return rc;
}

static int
add_section(struct shared *s, enum shared_kind kind,
    const struct ini_section *body, struct err *err)
{
	const struct shared_section as_it_stands = {
		.word = SHARED_PROFILE, .name = body->name, .body = body
	};

	if (kind == SHARED_CREDENTIALS)
		return add(s, &as_it_stands, err);
	return add_config(s, body, err);
}

int
shared_parse(struct shared *out, enum shared_kind kind, struct slice text,
    struct err *err)
{
	struct shared s = { 0 };
	struct ini ini = { 0 };
	const struct ini_section *plain;
	int rc = -1;

	if (ini_parse(&ini, text, err) != 0)
		return -1;
	s.ini = ini;
	s.sections = calloc(s.ini.count + 1, sizeof *s.sections);
	if (s.sections == NULL) {
		rc = no_memory(err);
		goto out;
	}
	for (size_t i = 0; i < s.ini.count; i++) {
		if (add_section(&s, kind, &s.ini.sections[i], err) != 0)
			goto out;
	}
	/* [profile default] wins over [default], so that comes last. */
	plain = ini_section(&s.ini, "default");
	if (plain != NULL &&
	    shared_find(&s, SHARED_PROFILE, "default") == NULL &&
	    add_section(&s, SHARED_CREDENTIALS, plain, err) != 0)
		goto out;
	*out = s;
	s = (struct shared){ 0 };
	rc = 0;
out:
	shared_free(&s);
	return rc;
}

int
shared_load(struct shared *out, enum shared_kind kind, const char *path,
    mode_t *mode, struct err *err)
{
	struct buf text = { .max = INI_TEXT_MAX };
	enum file_found found = FILE_ABSENT;
	struct err cause = { 0 };
	struct stat st = { 0 };
	int rc = -1;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		found = file_read(path, &text, &cause);
	if (found == FILE_FAILED) {
		rc = err_set(err, ERR_KIND_CONFIG, "%s", cause.msg);
		goto out;
	}
	if (shared_parse(out, kind, slice_make(buf_str(&text), text.len),
	        err) != 0) {
		rc = err_wrap(err, path);
		goto out;
	}
	*mode = found == FILE_FOUND ? st.st_mode : 0;
	rc = 0;
out:
	buf_free(&text);
	return rc;
}

void
shared_free(struct shared *shared)
{
	for (size_t i = 0; i < shared->count; i++)
		free(shared->sections[i].name);
	free(shared->sections);
	ini_free(&shared->ini);
	*shared = (struct shared){ 0 };
}

const struct ini_section *
shared_find(const struct shared *shared, enum shared_word word,
    const char *name)
{
	for (size_t i = 0; i < shared->count; i++) {
		const struct shared_section *section = &shared->sections[i];

		if (section->word == word && strcmp(section->name, name) == 0)
			return section->body;
	}
	return NULL;
}
