#ifndef AGENT_LOGTAIL_H
#define AGENT_LOGTAIL_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Follow the agent's log file: inotify, fixed buffers, no allocation after
 * logtail_open().  Warnings and errors go to our log with a prefix; some
 * lines are news.
 */
enum logtail_news {
	LOGTAIL_NOTHING = 0,
	LOGTAIL_ONLINE = 1 << 0,    /* the control channel is open */
	LOGTAIL_HIBERNATE = 1 << 1, /* "Entering SSM Agent hibernate" */
	LOGTAIL_REFUSED = 1 << 2,   /* AWS no longer accepts the node */
};

enum { LOGTAIL_LINE_MAX = 1024 };

struct logtail {
	int fd;	     /* inotify, for poll(2); -1 = not open */
	int dir_watch, file_watch;
	int file;    /* the log, -1 = not there yet */
	off_t at;
	bool skipping;
	size_t len;
	char line[LOGTAIL_LINE_MAX];
};

/* Starts at the present end of the file.  Without inotify or folder fd is -1
 * and the log is just not followed. */
void logtail_open(struct logtail *tail, const char *dir, const char *name);

/* Read what is new; gives the news in it, or-ed together. */
unsigned logtail_read(struct logtail *tail);
void logtail_close(struct logtail *tail);

/* What one line means, and whether it is to be forwarded; pure. */
unsigned logtail_judge(const char *line, bool *forward, int *level);

#endif
