/* SPDX-License-Identifier: MIT */
#ifndef AWS_INI_H
#define AWS_INI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/owner.h"

struct err;
struct slice;

/*
 * The shared files of AWS's tools (~/.aws/config, ~/.aws/credentials), taken
 * apart; pure but for ini_load().  What is accepted is what the AWS CLI
 * accepts, less what the other SDKs refuse (AWS SDKs and Tools Reference Guide,
 * "shared config and credentials files"): sections, "key = value" lines, and
 * one level of indented sub-keys below a key without a value.
 */
enum {
	INI_TEXT_MAX = 1024 * 1024, /* bytes */
	INI_SECTIONS_MAX = 4096,
	INI_SECTION_KEYS_MAX = 1024, /* keys and sub-keys of one section */
};

/* A key, or a sub-key of the key before it. */
struct ini_entry {
	char *key;   /* owned */
	char *sub;   /* owned; NULL = the key itself */
	char *value; /* owned, may be ""; wiped on free */
	size_t line; /* from 1 */
};

struct ini_section {
	char *name;                /* owned, letter case kept, trimmed */
	size_t line;               /* where it begins, from 1 */
	size_t wrong_line;         /* behind which nothing of it was read */
	const char *wrong;         /* with that line; static, NULL = nothing */
	struct ini_entry *entries; /* owned array */
	size_t count;
};

/* Zero is an empty file. */
struct ini {
	struct ini_section *sections; /* owned array */
	size_t count;
	struct owner owner; /* of the file; zero = ourselves */
};

/*
 * Parse the whole text.  A wrong line costs its section only, which ini_check()
 * tells; a wrong header, or a line in no section, costs all of the text.
 * ERR_KIND_CONFIG names the line and what is wrong with it, never what it
 * holds.
 */
int ini_parse(struct ini *out, struct slice text, struct err *err);
void ini_free(struct ini *ini);

/* The same error for a section (NULL has none). */
int ini_check(const struct ini_section *section, struct err *err);

/* The section of that name, or NULL. */
const struct ini_section *ini_section(const struct ini *ini, const char *name);

/* The key (sub NULL) or one of its sub-keys; NULL = absent.  Letter case of
 * either makes no difference. */
const struct ini_entry *ini_entry(const struct ini_section *section,
    const char *name, const char *sub);

/* The value of the key (sub NULL) or of one of its sub-keys, as above. */
const char *ini_value(const struct ini_section *section, const char *name,
    const char *sub);

/*
 * The same with sections that have a meaning.  In the config file these are
 * [default], [profile NAME], [services NAME] and [sso-session NAME]; in the
 * credentials file every section is a profile.  Such a section is named "WORD
 * NAME" afterwards, without quotes, and all others "".
 */
enum ini_kind { INI_CREDENTIALS, INI_CONFIG };
enum ini_word { INI_PROFILE, INI_SERVICES, INI_SSO_SESSION };
int ini_parse_as(struct ini *out, enum ini_kind kind, struct slice text,
    struct err *err);

/* The section with that meaning, or NULL. */
const struct ini_section *ini_find(const struct ini *ini, enum ini_word word,
    const char *name);

/*
 * The same for a file, with the path before the message, read by the rules of
 * base/trust.h.  One that is absent, not a regular file or in a folder that we
 * may not look into is an empty one; so is, after a warning, one that is
 * another user's and could not be read with his rights.  mode: the file's
 * permissions, left as it is when there is none.
 */
int ini_load(struct ini *out, enum ini_kind kind, const char *path,
    mode_t *mode, struct err *err);

#endif
