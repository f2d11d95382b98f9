/* SPDX-License-Identifier: MIT */
#ifndef BASE_PASS_H
#define BASE_PASS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/slice.h"

/*
 * Handing open descriptors to another process over a socket of AF_UNIX
 * (SCM_RIGHTS, unix(7)).  What comes out is the same open file: its locks and
 * its place in the file come with it.
 */
enum { PASS_MAX = 4 };

/* Send data, and these descriptors (0 to PASS_MAX) with its first byte: 0; 1
 * when nothing can be taken now; -1 with errno. */
int pass_put(int socket, struct slice data, const int *fds, size_t count);

/*
 * Take at most size bytes of one message of a SOCK_SEQPACKET, without waiting,
 * and what came with it; gives how many bytes, or -1 with errno.  A longer
 * message is EMSGSIZE.
 */
ssize_t pass_take(int socket, void *data, size_t size, int fds[static PASS_MAX],
    size_t *count);

/* Send so many, at least one and at most PASS_MAX; they stay open here.  -1
 * with errno. */
int pass_send(int socket, const int *fds, size_t count);

/*
 * Take what was sent by one pass_send(), without waiting; gives how many, 0
 * when there are none.  They are the caller's, and close themselves on exec.
 */
size_t pass_receive(int socket, int fds[static PASS_MAX]);

#endif
