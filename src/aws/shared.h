#ifndef AWS_SHARED_H
#define AWS_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "aws/ini.h"
#include "base/owner.h"

struct err;
struct slice;

/*
 * One of the two shared files, as sections with a meaning.  In the config
 * file these are [default], [profile NAME], [services NAME] and
 * [sso-session NAME]; in the credentials file every section is a profile.
 */
enum shared_kind { SHARED_CREDENTIALS, SHARED_CONFIG };
enum shared_word { SHARED_PROFILE, SHARED_SERVICES, SHARED_SSO_SESSION };

/* Zero is an empty file.  A section is named "WORD NAME", without quotes; ""
 * is one without a meaning. */
struct shared {
	struct ini ini;
	struct owner owner; /* whose word it is; zero = ours */
};

/* Take the text apart; ERR_KIND_CONFIG with the line.  Pure. */
int shared_parse(struct shared *out, enum shared_kind kind, struct slice text,
    struct err *err);

/*
 * The same for a file, with the path before the message, read by the rules of
 * base/trust.h.  One that is absent, not a regular file or in a folder that we
 * may not look into is an empty one; so is, after a warning, one that is
 * another user's and could not be read with his rights.  mode: the file's
 * permissions, left as it is when there is none.
 */
int shared_load(struct shared *out, enum shared_kind kind, const char *path,
    mode_t *mode, struct err *err);
void shared_free(struct shared *shared);

/* The section, or NULL. */
const struct ini_section *shared_find(const struct shared *shared,
    enum shared_word word, const char *name);

#endif
