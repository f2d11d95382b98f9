/* SPDX-License-Identifier: MIT */
#ifndef WORK_NODE_KEY_H
#define WORK_NODE_KEY_H

#include "base/slice.h"

struct buf;
struct config;
struct err;
struct vault;
struct work;

/*
 * The private key of a node whose agent is our own: in memory of the kernel
 * (memfd_create(2)) that the keeper holds, without ever reading it, for all
 * workers that need it; and in the file "key" of the state directory, 0600, for
 * a start after this one, where that can be written.  Both hold lines of base64
 * (PKCS#1): the key, and while it is being replaced the next one.
 */
enum { NODE_KEY_MAX = 8192 };

/* The memory, in the keeper; -1 where there is none: then the file has to do.
 */
int node_key_open(void);

/* Append the lines. 1 = there is no key. */
int node_key_load(struct buf *out, const struct work *work, struct err *err);

/* Replace them: in the file, unless all is in memory, then in memory. */
int node_key_save(const struct work *work, struct slice lines, struct err *err);

/* Both are empty afterwards. */
int node_key_remove(const struct work *work, struct err *err);

/* The identity of the state's node: of our own agent's, its ids and the key;
 * else what is in the agent's vault.  Results as vault_load(). */
int node_key_identity(struct vault *out, const struct work *work,
    struct err *err);

#endif
