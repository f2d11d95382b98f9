#ifndef BASE_LOG_WRITE_H
#define BASE_LOG_WRITE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a pipe takes in one piece or not at all (pipe(7)). */
enum { LOG_WRITE_MAX = PIPE_BUF };

/*
 * Bytes of base/log for stderr, at most LOG_WRITE_MAX: write(2), but unless
 * wait it does not wait for a reader.  Then it is -1 and EAGAIN, or less than
 * len.  A file on a disk can make anybody wait.
 */
ssize_t log_write(const char *text, size_t len, bool wait);

#endif
