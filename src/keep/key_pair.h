/* SPDX-License-Identifier: MIT */
#ifndef KEEP_KEY_PAIR_H
#define KEEP_KEY_PAIR_H

#include <stdbool.h>

#include "work/job.h"

struct err;
struct work;

/*
 * The key pair of a node: its maker works beside the net worker, once that one
 * is about to call AWS.  Two pipes hold the halves until they are wanted: their
 * read ends are work->public_fd and work->private_fd.
 */
struct key_pair {
	struct job job;
	int out[2]; /* for the maker, until it is started; -1 = none */
	bool used;  /* the public half went to AWS */
};

/* Make the pipes, unless there is a pair, or will be, that was not used. */
int key_pair_open(struct key_pair *pair, struct work *work, struct err *err);

/* Start the maker, if there are pipes for it.  Where it cannot be started,
 * whoever wants the key finds the pipe at its end. */
void key_pair_make(struct key_pair *pair, const struct work *work);

/* Forget the pair. */
void key_pair_drop(struct key_pair *pair, struct work *work);

#endif
