/* SPDX-License-Identifier: MIT */
#ifndef UNIT_WORLD_H
#define UNIT_WORLD_H

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred/cred.h"
#include "base/err.h"

/*
 * A little world for tests of configuration and credentials: a home folder,
 * an environment, and a network of requests that are expected and answers
 * that are given to them.
 */

/* What happens instead of an answer. */
enum world_fault {
	WORLD_ANSWERS,
	WORLD_REFUSED,   /* nobody takes the connection */
	WORLD_CLOSED,    /* it ends without an answer */
	WORLD_READ_TIME, /* no answer in time */
	WORLD_BAD_TLS,
};

enum { WORLD_TEXTS = 6, WORLD_VARS = 24 };

/*
 * One request and its answer.  The request is seen as text:
 * "METHOD http://host/path\nName: value\n\nbody".
 */
struct world_step {
	const char *start;              /* it begins so, up to a line end */
	const char *has[WORLD_TEXTS];   /* it holds these */
	const char *lacks[WORLD_TEXTS]; /* and none of these */
	enum world_fault fault;
	int status;
	const char *body;
};

struct world {
	char home[64];
	char *vars[WORLD_VARS + 1];
	size_t var_count;
	const struct world_step *steps;
	size_t step_count, step;
	struct conf *conf;
	struct cred_plan *plan;
	struct api api;
	struct cred cred;
	struct err err;
};

/* The world of the test that runs, if world_setup() and world_teardown() are
 * what cmocka calls before and after it. */
extern struct world world;
int world_setup(void **state);
int world_teardown(void **state);

/* A home folder in which nothing is configured; HOME names it. */
void world_make(struct world *w);
void world_free(struct world *w);

/* Write a file of the home folder; world_config() writes ".aws/config". */
void world_file(struct world *w, const char *name, const char *text);
void world_config(struct world *w, const char *text);

/* Set NAME=VALUE; a "@" at the start of VALUE becomes the home folder. */
void world_set(struct world *w, const char *variable);

/* conf_open() and cred_plan() with what was set, once more if need be; the
 * error is in w->err. */
int world_open(struct world *w, const char *profile);
int world_plan(struct world *w, const char *profile);

/* cred_fetch() against the steps, all of which must have been used. */
int world_fetch(struct world *w, const struct world_step *steps, size_t count);

/* The same network for another caller: set the steps, then see that all of
 * them were used. */
void world_expect(struct world *w, const struct world_step *steps,
    size_t count);
void world_done(const struct world *w);

/* The error has this kind and its message or advice holds the text. */
void world_failed(const struct world *w, enum err_kind kind, const char *text);

/* The same three as claims: this method is planned; these steps lead to this
 * key by that method; the plan is refused so. */
void world_planned(struct world *w, const char *profile, const char *method);
void world_got(struct world *w, const struct world_step *steps, size_t count,
    const char *access_key);
void world_refused(struct world *w, const char *profile, enum err_kind kind,
    const char *text);

#define WORLD_STEPS(s) (s), sizeof(s) / sizeof((s)[0])

#endif
