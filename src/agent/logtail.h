/* SPDX-License-Identifier: MIT */
#ifndef AGENT_LOGTAIL_H
#define AGENT_LOGTAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Follow the agent's log file: inotify, fixed buffers, no allocation after
 * logtail_open().  Warnings and errors go to our log with a prefix, each with
 * the lines that continue it as one, as far as there is room; those that
 * sessions are known to end with go as debug.  Some lines are news.
 */
enum logtail_news {
	LOGTAIL_NOTHING = 0,
	LOGTAIL_ONLINE = 1 << 0,    /* the control channel is open */
	LOGTAIL_HIBERNATE = 1 << 1, /* "Entering SSM Agent hibernate" */
	LOGTAIL_REFUSED = 1 << 2,   /* AWS no longer accepts the node */
	LOGTAIL_OFFLINE = 1 << 3,   /* the control channel is closed */
};

enum {
	LOGTAIL_LINE_MAX = 1024,
	LOGTAIL_SAID_MAX = 2048,
	LOGTAIL_PATH_MAX = 256
};
enum { LOGTAIL_LOOK_MS = 3000 }; /* between two looks without inotify */

struct logtail {
	int fd;       /* inotify, for poll(2); -1 = none */
	bool looks;   /* every few seconds, without it */
	int64_t look; /* when next */
	int file;     /* the log, -1 = not there yet */
	off_t at;     /* what was read of it */
	off_t max;    /* it is begun anew above that many bytes, 0 = never */
	size_t len;   /* of the line that has no end yet, cut to fit */
	bool forward; /* the last line with a date was forwarded */
	int level;
	size_t said_len; /* of what is to be forwarded, once it is whole */
	char said[LOGTAIL_SAID_MAX];
	char path[LOGTAIL_PATH_MAX];
	char line[LOGTAIL_LINE_MAX];
};

/* Starts at the present end of the file.  Without inotify, of which a user has
 * few instances, the file is looked at every few seconds, and a line says so;
 * without the folder fd is -1 and the log is just not followed.  Call
 * logtail_close() only after logtail_open(); twice is fine.
 *
 * max: once it has been read to above that many bytes the file becomes NAME.1,
 * by a copy, since several programs append to it, and is empty then.  Its
 * folder must be root's alone. */
void logtail_open(struct logtail *tail, const char *dir, const char *name,
    off_t max);

/* Read what is new; gives the news in it, or-ed together, of ONLINE and OFFLINE
 * the later.  Never blocks; of more than 1 MiB only the end is read.  A line
 * without its newline waits. */
unsigned logtail_read(struct logtail *tail);

/* When to call that though fd tells of nothing (base/clock); INT64_MAX =
 * never. */
int64_t logtail_due(const struct logtail *tail);
void logtail_close(struct logtail *tail);

/*
 * What one line means, and whether it is to be forwarded (warnings and errors
 * are, harmless ones as LOG_DEBUG) at which enum log_level; pure.  "2006-01-02
 * 15:04:05.0000 LEVEL text" is the form of every line
 * (agent/log/logger/defaultconfig.go); one without it continues the line
 * before, so forward and level stay as they are.
 */
unsigned logtail_judge(const char *line, bool *forward, int *level);

#endif
