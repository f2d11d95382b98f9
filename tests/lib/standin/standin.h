/* SPDX-License-Identifier: MIT */
#ifndef STANDIN_STANDIN_H
#define STANDIN_STANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/api.h"
#include "aws/cred/cred.h"

struct buf;
struct err;
struct rsa_key;

/* The parts of the stand-in; README.md says what it plays. */
#define STANDIN_VERSION "3.3.0.0"

enum { STANDIN_PATH_MAX = 512 };

/* knob.c: settings of the tests. */
void knob_load(const char *folder);
const char *knob_get(const char *name); /* NULL = unset */
int64_t knob_ms(const char *name, int64_t otherwise);
bool knob_on(const char *name);

/* agentlog.c: one line of amazon-ssm-agent.log and of standard output. */
void agentlog_open(const char *name);
void agentlog_line(const char *level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Without seelog.xml of type sync what is written in the first moments is seen
 * late. */
void agentlog_catch_up(void);
/* The text of an error as the agent's SDK words it. */
void agentlog_error(struct buf *out, const struct err *err);

/* settings.c: amazon-ssm-agent.json. */
struct settings {
	char endpoint[256]; /* Ssm.Endpoint with its scheme, "" = by region */
	bool share_creds;
};
int settings_load(struct settings *out, const char *folder, struct err *err);

/* identity.c: the vault. */
struct identity {
	char node[64];
	char region[64];
	char fingerprint[64];
	struct rsa_key *key;
};
int identity_load(struct identity *out, struct err *err);
void identity_free(struct identity *id);

/* enrol.c: writing the vault, as -register does. */
struct enrolment {
	const char *node, *region, *fingerprint;
	const struct rsa_key *key; /* NULL = cleared */
	bool similarity;           /* compare hardware: threshold 40 */
};
int enrol_write(const struct enrolment *e, struct err *err);
int enrol_note(const struct enrolment *e, struct err *err);

/* remote.c: the calls. */
struct remote {
	struct conf *conf;
	struct http *http;
	struct api api;
};
int remote_open(struct remote *r, const char *region,
    const struct settings *settings, struct err *err);
void remote_close(struct remote *r);
int remote_register(struct remote *r, const char *body, char *node, size_t size,
    struct err *err);
int remote_token(struct remote *r, const struct identity *id, struct cred *out,
    struct err *err);
int remote_heartbeat(struct remote *r, const struct cred *cred,
    const char *node, bool full, struct err *err);

/* The programs: they give the exit status. */
int register_run(int argc, char **argv, const char *folder);
int core_run(const char *argv0, const char *folder);
int worker_run(const char *folder);

/* sockets.c: the mutual exclusion of agents; 1 = somebody else lives. */
int sockets_bind(struct err *err);

/* survey.c: end workers that an earlier core left. */
void survey_end_workers(void);

#endif
