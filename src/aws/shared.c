#include "aws/shared.h"

#include <stdlib.h>
#include <string.h>

#include "aws/words.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/trust.h"

/* By enum shared_word. */
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
settle(struct ini *ini, struct ini_section *section, struct err *err)
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
settle_all(struct ini *ini, enum shared_kind kind, struct err *err)
{
	const char *profile = meanings[SHARED_PROFILE];
	struct ini_section *plain = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ini->count; i++) {
		struct ini_section *section = &ini->sections[i];

		if (kind == SHARED_CREDENTIALS) {
			rc = rename_section(ini, section, profile,
			    section->name, err);
		} else if (strcmp(section->name, "default") == 0) {
			plain = section;
		} else {
			rc = settle(ini, section, err);
		}
	}
	if (rc == 0 && plain != NULL &&
	    ini_section(ini, "profile default") == NULL)
		rc = rename_section(ini, plain, profile, plain->name, err);
	return rc;
}

int
shared_parse(struct shared *out, enum shared_kind kind, struct slice text,
    struct err *err)
{
	struct shared s = { 0 };

	if (ini_parse(&s.ini, text, err) != 0 ||
	    settle_all(&s.ini, kind, err) != 0) {
		shared_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

int
shared_load(struct shared *out, enum shared_kind kind, const char *path,
    mode_t *mode, struct err *err)
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
		rc = shared_parse(out, kind,
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

void
shared_free(struct shared *shared)
{
	ini_free(&shared->ini);
}

const struct ini_section *
shared_find(const struct shared *shared, enum shared_word word,
    const char *name)
{
	for (size_t i = 0; i < shared->ini.count; i++) {
		const struct ini_section *section = &shared->ini.sections[i];
		struct slice head, tail;

		if (slice_split(slice_of(section->name), ' ', &head, &tail) &&
		    slice_eq(head, meanings[word]) && slice_eq(tail, name))
			return section;
	}
	return NULL;
}
