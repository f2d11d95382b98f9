/* SPDX-License-Identifier: MIT */
#include "agent/logtail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"

enum { CHUNK = 4096, BEHIND_MAX = 1024 * 1024 };

#define PREFIX "amazon-ssm-agent"

/* Seelog's names of the levels, and what they are to us. */
static const char level_names[] = "CRITICAL ERROR WARN INFO DEBUG TRACE";
static const unsigned char levels[] = { LOG_ERROR, LOG_ERROR, LOG_WARN,
	LOG_INFO, LOG_DEBUG, LOG_DEBUG };

/* "2006-01-02 15:04:05.0000 LEVEL text" */
static bool
parse_line(struct slice line, enum log_level *level, struct slice *text)
{
	struct slice known = slice_of(level_names), date, time, name;

	if (!slice_split(line, ' ', &date, &line) ||
	    !slice_split(line, ' ', &time, &line) ||
	    !slice_split(line, ' ', &name, text))
		return false;
	if (date.len != 10 || !slice_all_in(date, "0123456789-") ||
	    time.len < 8 || !slice_all_in(time, "0123456789:.,"))
		return false;
	for (int i = 0; slice_cut(&known, ' ', &date); i++) {
		if (slice_same(name, date)) {
			*level = levels[i];
			return true;
		}
	}
	return false;
}

/* Without the parts of the agent that speak: "[ssm-agent-worker] [Health] ".
 * The rest must begin as expected, since what sessions are given is logged,
 * too, and can hold any text. */
static struct slice
skip_context(struct slice text)
{
	struct slice part, rest;

	while (slice_starts(text, "[") && slice_split(text, ']', &part, &rest))
		text = slice_trim(rest);
	return text;
}

static bool
has(struct slice text, const char *what)
{
	return slice_find(text, what) >= 0;
}

/*
 * The token request says so (RequestManagedInstanceRoleToken's errors).  An
 * AccessDenied may be one of many calls that the role lacks a right for, and
 * counts only where the request is known to be that one.
 */
static bool
is_refused(struct slice text)
{
	if (has(text, "MachineFingerprintDoesNotMatch") ||
	    has(text, "InvalidInstanceId:"))
		return true;
	return has(text, "AccessDeniedException") &&
	       (has(text, "RequestManagedInstanceRoleToken") ||
	           has(text, "Retrieve credentials produced error"));
}

/*
 * What the worker says of its one websocket, the control channel; sessions
 * have some of their own in other processes.  It reconnects by itself, and says
 * at this level no more than what its socket does.
 * agent/messageservice/interactor/mgsinteractor/mgsinteractor.go,
 * agent/session/communicator/websocketchannel.go and websocketutil
 */
static unsigned
judge_channel(struct slice text)
{
	static const char *const closed[] = {
		"Closing websocket channel connection to: ",
		"Reach the retry limit ",
		"I/O timeout. Error: ",
		"Error setting up control channel: ",
		"failed to reconnect to the control channel ",
	};

	if (slice_eq(text, "Set up control channel successfully") ||
	    slice_starts(text, "Successfully opened websocket connection to: "))
		return LOGTAIL_ONLINE;
	for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
		if (slice_starts(text, closed[i]))
			return LOGTAIL_OFFLINE;
	}
	return 0;
}

/* What the end of a session or a forwarded port looks like to the agent, what
 * the service sends for no reply, and that there is no instance metadata. */
static bool
is_harmless(const char *line, struct slice text)
{
	static const struct {
		const char *start, *part;
	} known[] = {
		{ "getInteger failed: Offset is invalid.", "" },
		{ "error occurred while closing ipcFile, ", "invalid arg" },
		{ "unable to wait pty: signal: ", "" },
		{ "pty process: ", "exited unsuccessfully" },
		{ "acknowledgement ", "could not find any reply threads" },
		{ "Failed to get instance info from IMDS", "" },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (slice_starts(text, known[i].start) &&
		    has(text, known[i].part))
			return true;
	}
	return has(slice_of(line), " [" PATHS_SESSION "] ") &&
	       (has(text, "use of closed network connection") ||
	           has(text, "read/write on closed pipe"));
}

unsigned
logtail_judge(const char *line, bool *forward, int *level)
{
	enum log_level found;
	struct slice text;
	unsigned news = 0;
	bool asleep, worker;

	if (!parse_line(slice_of(line), &found, &text))
		return 0;
	worker = slice_starts(text, "[" PATHS_WORKER "] ");
	text = skip_context(text);
	*forward = found <= LOG_WARN;
	*level = is_harmless(line, text) ? LOG_DEBUG : (int)found;
	/* agent/agent.go and agent/agent/agent.go */
	asleep = slice_starts(text, "Entering SSM Agent hibernate") ||
	         slice_starts(text, "Entering SSM Agent Worker hibernate");
	if (asleep)
		news |= LOGTAIL_HIBERNATE;
	if ((asleep || *forward) && is_refused(text))
		news |= LOGTAIL_REFUSED;
	return worker ? news | judge_channel(text) : news;
}

/* Both, with what was known before; the channel is as the later says. */
static unsigned
add(unsigned news, unsigned later)
{
	const unsigned channel = LOGTAIL_ONLINE | LOGTAIL_OFFLINE;

	return (later & channel) != 0 ? (news & ~channel) | later
	                              : news | later;
}

/* Read on from here.  The rest of a line that began before counts as the
 * continuation of a line that is not forwarded. */
static void
start_at(struct logtail *tail, off_t at)
{
	tail->at = at;
	tail->len = 0;
	tail->forward = false;
}

static void
open_log(struct logtail *tail)
{
	tail->file = open(tail->path,
	    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	start_at(tail, 0);
}

/* The folder is watched, so that the file may come later and be renamed. */
static int
open_events(struct logtail *tail, const char *dir)
{
	int error;

	tail->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (tail->fd < 0)
		return -1;
	if (inotify_add_watch(tail->fd, dir,
	        IN_MODIFY | IN_CREATE | IN_MOVED_TO) >= 0)
		return 0;
	error = errno;
	file_close(&tail->fd);
	errno = error;
	return -1;
}

static void
look_instead(struct logtail *tail)
{
	static bool said;

	if (!said) {
		log_event(LOG_WARN, "log_looked_at",
		    "inotify: %s; the agent's log is looked at every %d s "
		    "instead",
		    strerror(errno), LOGTAIL_LOOK_MS / 1000);
	}
	said = true;
	tail->looks = true;
	tail->look = clock_in(LOGTAIL_LOOK_MS);
}

void
logtail_open(struct logtail *tail, const char *dir, const char *name, off_t max)
{
	struct stat st;

	*tail = (struct logtail){ .fd = -1, .file = -1, .max = max };
	if ((size_t)snprintf(tail->path, sizeof tail->path, "%s/%s", dir,
	        name) >= sizeof tail->path)
		return;
	if (open_events(tail, dir) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return;
		look_instead(tail);
	}
	open_log(tail);
	if (tail->file >= 0 && fstat(tail->file, &st) == 0)
		start_at(tail, st.st_size);
}

void
logtail_close(struct logtail *tail)
{
	tail->looks = false;
	file_close(&tail->fd);
	file_close(&tail->file);
}

int64_t
logtail_due(const struct logtail *tail)
{
	return tail->looks ? tail->look : INT64_MAX;
}

/* What was kept back for the lines that continue it. */
static void
say(struct logtail *tail)
{
	tail->said[tail->said_len] = '\0';
	if (tail->said_len > 0)
		log_forward((enum log_level)tail->level, PREFIX, tail->said);
	tail->said_len = 0;
}

/* One more line of the same message. */
static void
join(struct logtail *tail, struct slice line)
{
	const char *between = tail->said_len > 0 ? "; " : "";
	size_t room = sizeof tail->said - 1 - tail->said_len;

	line = slice_head(slice_trim(line), room);
	if (line.len == 0 || line.len + strlen(between) > room)
		return;
	memcpy(tail->said + tail->said_len, between, strlen(between));
	tail->said_len += strlen(between);
	memcpy(tail->said + tail->said_len, line.ptr, line.len);
	tail->said_len += line.len;
}

static unsigned
take_line(struct logtail *tail)
{
	bool forward = tail->forward;
	int level = -1;
	unsigned news;

	tail->line[tail->len] = '\0';
	news = logtail_judge(tail->line, &forward, &level);
	/* A message may be followed by a whole stack of calls. */
	if (level >= 0) {
		say(tail);
		tail->level = level;
		tail->forward = forward;
	}
	if (tail->forward)
		join(tail, slice_make(tail->line, tail->len));
	tail->len = 0;
	return news;
}

static unsigned
take(struct logtail *tail, struct slice data)
{
	struct slice piece, room;
	unsigned news = 0;
	bool ended;

	while (data.len > 0) {
		ended = slice_split(data, '\n', &piece, &data);
		if (!ended) {
			piece = data;
			data = (struct slice){ 0 };
		}
		room = slice_head(piece, sizeof tail->line - 1 - tail->len);
		memcpy(&tail->line[tail->len], room.ptr, room.len);
		tail->len += room.len;
		if (ended)
			news = add(news, take_line(tail));
	}
	return news;
}

static unsigned
read_on(struct logtail *tail)
{
	char chunk[CHUNK];
	struct stat st;
	unsigned news = 0;
	ssize_t n;

	if (fstat(tail->file, &st) != 0)
		return 0;
	if (st.st_size < tail->at)
		start_at(tail, 0);
	if (st.st_size - tail->at > BEHIND_MAX)
		start_at(tail, st.st_size - BEHIND_MAX);
	if (lseek(tail->file, tail->at, SEEK_SET) < 0)
		return 0;
	while (tail->at < st.st_size &&
	       (n = read(tail->file, chunk, sizeof chunk)) > 0) {
		tail->at += n;
		news = add(news, take(tail, slice_make(chunk, (size_t)n)));
	}
	return news;
}

static void
copy_out(int from, int to, off_t size)
{
	char chunk[CHUNK];
	struct err ignored = { 0 };
	off_t at = 0;
	ssize_t n;

	while (at < size && (n = pread(from, chunk, sizeof chunk, at)) > 0 &&
	       file_write_fd(to, chunk, (size_t)n, &ignored) == 0)
		at += n;
}

/* Nothing that was read is missed if the copy cannot be made. */
static void
begin_anew(struct logtail *tail)
{
	const int flags =
	    O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
	char old[LOGTAIL_PATH_MAX + 2];
	struct stat st;
	int fd;

	if (tail->max == 0 || tail->at <= tail->max || tail->len > 0)
		return;
	snprintf(old, sizeof old, "%s.1", tail->path);
	fd = open(old, flags | O_CREAT | O_TRUNC, 0600);
	if (fd >= 0)
		copy_out(tail->file, fd, tail->at);
	file_close(&fd);
	fd = open(tail->path, flags);
	/* What came meanwhile is read first. */
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == tail->at &&
	    ftruncate(fd, 0) == 0)
		tail->at = 0;
	file_close(&fd);
}

/* The name stands for another file than the one we have. */
static bool
was_replaced(const struct logtail *tail)
{
	struct stat ours, now;

	if (stat(tail->path, &now) != 0)
		return false;
	return tail->file < 0 || fstat(tail->file, &ours) != 0 ||
	       ours.st_ino != now.st_ino || ours.st_dev != now.st_dev;
}

/* Which events there were does not matter: what is new shows in the files. */
static void
drain_events(const struct logtail *tail)
{
	char events[CHUNK];
	ssize_t n;

	do
		n = read(tail->fd, events, sizeof events);
	while (n > 0 || (n < 0 && errno == EINTR));
}

static unsigned
read_all(struct logtail *tail)
{
	unsigned news = 0;

	if (tail->fd < 0 && clock_ms() < logtail_due(tail))
		return 0;
	if (tail->fd >= 0)
		drain_events(tail);
	else
		tail->look = clock_in(LOGTAIL_LOOK_MS);
	if (tail->file >= 0)
		news = read_on(tail);
	if (!was_replaced(tail)) {
		if (tail->file >= 0)
			begin_anew(tail);
		return news;
	}
	/* The rest of the renamed file was read above; a line that it did not
	 * finish is whole now. */
	if (tail->len > 0)
		news = add(news, take_line(tail));
	file_close(&tail->file);
	open_log(tail);
	if (tail->file >= 0)
		news = add(news, read_on(tail));
	return news;
}

unsigned
logtail_read(struct logtail *tail)
{
	unsigned news = read_all(tail);

	/* The agent writes a message with all its lines at once. */
	if (tail->len == 0)
		say(tail);
	return news;
}
