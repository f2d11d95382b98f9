#ifndef SSM_STATE_H
#define SSM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "ssm/id.h"

struct buf;
struct err;

/*
 * What this container holds on the account and on disk: plain data without
 * pointers, so that it can cross a pipe.  Zero is "nothing".  It is on disk
 * before anything is created, so that a start after a crash knows what its
 * predecessor left.
 */
enum { STATE_CONTAINER_SIZE = 65, STATE_FILE_MAX = 64 * 1024 };

struct state {
	char container[STATE_CONTAINER_SIZE]; /* which container; hash */
	char nonce[SSM_UUID_SIZE]; /* in the activation's description */
	char role[SSM_ROLE_MAX + 1];
	char region[64];
	char activation[SSM_UUID_SIZE]; /* exists on the account, ours */
	char node[SSM_NODE_SIZE];       /* exists on the account */
	char fingerprint[SSM_UUID_SIZE];
	bool unsettled; /* CreateActivation was sent, outcome not known */
	bool begun;     /* vault and sudoers file, where they are, are ours */
	bool installed; /* they are complete */
	int64_t since;  /* registered, seconds since 1970 */
};

/* Nothing is left on the account that this state knows of. */
bool state_settled(const struct state *state);

/* Every text is terminated and of the form its meaning asks for. */
bool state_valid(const struct state *state);

int state_encode(struct buf *out, const struct state *state, struct err *err);
int state_decode(struct state *out, const char *text, struct err *err);

/* 1 = no file. */
int state_load(struct state *out, const char *path, struct err *err);
int state_save(const struct state *state, const char *path, struct err *err);

#endif
