/* SPDX-License-Identifier: MIT */
#ifndef WORK_NAMING_H
#define WORK_NAMING_H

#include <stddef.h>

#include "base/slice.h"
#include "ssm/ssm.h"

struct err;

/*
 * What the node is called: role, name and tags, checked against the limits of
 * the SSM model before any request is made.  Pure.
 */

/* A role as CreateActivation takes it, a name or path/name; an ARN of a role
 * is reduced to what follows "role/". */
int naming_role(char out[static SSM_ROLE_MAX + 1], const char *text,
    struct err *err);

/* What the words of a template stand for; "" = not known. */
struct naming_words {
	const char *task, *cluster, *family, *container, *hostname;
};

enum { NAMING_NAME_SIZE = SSM_TEXT_SIZE };

/*
 * The name from its template; NULL gives the best name known.  A word that
 * does not exist is an error; characters that AWS refuses and that came out
 * of a word become '-'.
 */
int naming_name(char out[static NAMING_NAME_SIZE], const char *template,
    const struct naming_words *words, struct err *err);

/* Tags with the texts that they point at. */
enum { NAMING_TAGS_SIZE = 20 * 1024, NAMING_KEY_MAX = 128 /* characters */ };
struct naming_tags {
	struct ssm_tag list[SSM_TAGS_MAX];
	size_t count, used;
	char text[NAMING_TAGS_SIZE];
};

/* Add one; a key that is there already is an error.  Characters that AWS
 * refuses: clean turns them into '-', else they are an error. */
int naming_add_tag(struct naming_tags *tags, struct slice key,
    struct slice value, int clean, struct err *err);

/* Add those of "k=v,k=v". */
int naming_parse_tags(struct naming_tags *tags, const char *text,
    struct err *err);

#endif
