/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SUDO_H
#define AGENT_SUDO_H

#include <stdbool.h>

#include "base/slice.h"

struct buf;

/*
 * Why sudo makes nobody root in this container although there is a rule in
 * /etc/sudoers.d; appended to why.  False where nothing of that is seen, and
 * where the image has no sudo.
 */
bool sudo_barred(struct buf *why);

/* What sudoers(5) says leads to the folder /etc/sudoers.d, or may give such
 * rights in another way, which is not followed.  Pure. */
bool sudo_includes(struct slice sudoers);

#endif
