/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

#define OURS "/proc/self/fd/2"

/* A pipe takes a line in one piece or not at all (pipe(7)). */
enum { LINE_SIZE = PIPE_BUF, NODE_SIZE = 64 };

/* What is written behind a message: the mark of a cut one, the node, the end
 * of the line. */
enum { TAIL_SIZE = NODE_SIZE + 32 };

static const char program[] = "ssm-activate";
static const char cut_mark[] = "...";

static enum log_level threshold = LOG_INFO;
static enum log_format style = LOG_TEXT;
static char node[NODE_SIZE];
/* Lines that could not be written; they are told by the process that lost
 * them, not by one that it forks. */
static unsigned long lost;
static pid_t loser;
static int64_t catch_up_at;
static bool waits = true;
static bool torn; /* the last line lacks its end */

struct line {
	char text[LINE_SIZE];
	size_t len;
	size_t limit; /* of len */
	bool cut;     /* something did not fit; nothing goes in any more */
};

struct origin {
	enum log_level level;
	const char *event;
	const char *prefix; /* who speaks */
};

static const char *
level_name(enum log_level level)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	size_t i = (size_t)level;

	return names[i < sizeof names / sizeof names[0] ? i : LOG_DEBUG];
}

/* All of it or nothing, so that no character is cut in two. */
static void
put(struct line *line, const char *text, size_t len)
{
	if (line->cut || len > line->limit - line->len) {
		line->cut = true;
		return;
	}
	memcpy(&line->text[line->len], text, len);
	line->len += len;
}

static void
puts_line(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

static void
put_clean(struct line *line, const char *text)
{
	struct slice rest = slice_of(text);

	while (rest.len > 0 && !line->cut) {
		size_t len = slice_printable(rest);

		if (len == 0)
			put(line, "?", 1);
		else if (style == LOG_JSON && rest.ptr[0] == '"')
			put(line, "\\\"", 2);
		else if (style == LOG_JSON && rest.ptr[0] == '\\')
			put(line, "\\\\", 2);
		else
			put(line, rest.ptr, len);
		rest = slice_skip(rest, len > 0 ? len : 1);
	}
}

static void
put_head(struct line *line, const struct origin *from)
{
	char now[CLOCK_ISO_SIZE];

	if (style == LOG_TEXT) {
		put_clean(line, from->prefix);
		puts_line(line, ": ");
		puts_line(line, level_name(from->level));
		puts_line(line, ": ");
		return;
	}
	clock_iso(clock_now(), now);
	puts_line(line, "{\"time\":\"");
	puts_line(line, now);
	puts_line(line, "\",\"level\":\"");
	puts_line(line, level_name(from->level));
	puts_line(line, "\",\"event\":\"");
	put_clean(line, from->event);
	puts_line(line, "\",\"message\":\"");
	if (from->prefix != program) {
		put_clean(line, from->prefix);
		puts_line(line, ": ");
	}
}

/* What comes now fits in any case. */
static void
end_message(struct line *line)
{
	line->limit = LINE_SIZE;
	if (line->cut) {
		line->cut = false;
		puts_line(line, cut_mark);
	}
}

static void
put_tail(struct line *line)
{
	end_message(line);
	if (style == LOG_JSON && node[0] != '\0') {
		puts_line(line, "\",\"node\":\"");
		puts_line(line, node);
	}
	puts_line(line, style == LOG_JSON ? "\"}\n" : "\n");
}

static void
begin(struct line *line)
{
	line->len = 0;
	line->cut = false;
	line->limit = LINE_SIZE - TAIL_SIZE;
	if (torn)
		put(line, "\n", 1);
}

static ssize_t
write_some(int fd, const char *text, size_t len)
{
	ssize_t n;

	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/*
 * O_NONBLOCK belongs to the open file, which is the application's as well, so
 * the pipe or terminal is opened once more.  Where that may not be, it is
 * asked first: a pipe that has room has it for LINE_SIZE bytes, unless
 * the application fills it that very moment.
 */
static ssize_t
write_now(const char *text, size_t len)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
	int own =
	    open(OURS, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n;

	if (own >= 0) {
		n = write_some(own, text, len);
		close(own);
		return n;
	}
	if (poll(&room, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	return write_some(STDERR_FILENO, text, len);
}

/* write(2) on stderr, but unless wait it does not wait for a reader: then it is
 * -1 and EAGAIN, or less than len.  A file on a disk can make anybody wait. */
static ssize_t
write_text(const char *text, size_t len, bool wait)
{
	struct stat st;

	if (wait || fstat(STDERR_FILENO, &st) != 0)
		return write_some(STDERR_FILENO, text, len);
	if (S_ISSOCK(st.st_mode))
		return send(STDERR_FILENO, text, len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO) == 1)
		return write_now(text, len);
	return write_some(STDERR_FILENO, text, len);
}

/* False if nobody takes it now.  Of any other failure there is nowhere left
 * to report. */
static bool
finish(const struct line *line)
{
	ssize_t n = write_text(line->text, line->len, waits);

	if (n >= 0)
		torn = (size_t)n < line->len;
	return n == (ssize_t)line->len || (n < 0 && errno != EAGAIN);
}

static bool
write_whole(const struct origin *from, const char *message)
{
	struct line line;

	begin(&line);
	put_head(&line, from);
	put_clean(&line, message);
	put_tail(&line);
	return finish(&line);
}

/* Whether nothing is left to be said of lines that are missing. */
static bool
tell_lost(void)
{
	struct origin from = { LOG_WARN, "log_lost", program };
	char message[96];

	if (lost == 0 || loser != getpid() || !log_enabled(LOG_WARN)) {
		lost = 0;
		return true;
	}
	snprintf(message, sizeof message,
	    "nobody read this log in time; lines lost: %lu", lost);
	if (write_whole(&from, message))
		lost = 0;
	return lost == 0;
}

static void
lose(void)
{
	lost++;
	loser = getpid();
	catch_up_at = clock_in(LOG_CATCH_UP_MS);
}

static void
write_line(const struct origin *from, const char *message)
{
	if (!tell_lost() || !write_whole(from, message))
		lose();
}

static void write_format(const struct origin *from, const char *format,
    va_list args) __attribute__((format(printf, 2, 0)));

static void
write_format(const struct origin *from, const char *format, va_list args)
{
	/* As long as a line: a message that is cut here would not fit there. */
	char message[LINE_SIZE] = "";
	int saved = errno;

	vsnprintf(message, sizeof message, format, args);
	write_line(from, message);
	errno = saved;
}

void
log_open(enum log_level level, enum log_format format)
{
	threshold = level;
	style = format;
}

void
log_never_wait(void)
{
	waits = false;
}

void
log_wait(void)
{
	waits = true;
}

bool
log_enabled(enum log_level level)
{
	return level <= threshold;
}

void
log_node(const char *id)
{
	size_t len = 0;

	/* Only what needs no escaping; ids of nodes are mi-HEX. */
	for (size_t i = 0; id[i] != '\0' && len < sizeof node - 1; i++) {
		if (id[i] > ' ' && id[i] <= '~' && id[i] != '"' &&
		    id[i] != '\\')
			node[len++] = id[i];
	}
	node[len] = '\0';
}

void
log_event(enum log_level level, const char *event, const char *format, ...)
{
	struct origin from = { level, event, program };
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, format);
	write_format(&from, format, args);
	va_end(args);
}

void
log_debug(const char *format, ...)
{
	struct origin from = { LOG_DEBUG, "debug", program };
	va_list args;

	if (!log_enabled(LOG_DEBUG))
		return;
	va_start(args, format);
	write_format(&from, format, args);
	va_end(args);
}

void
log_err(enum log_level level, const char *event, const struct err *err)
{
	bool with_id = err->request_id[0] != '\0' &&
	               strstr(err->msg, err->request_id) == NULL;

	log_event(level, event, "%s%s%s%s%s%s", err->msg,
	    with_id ? " (request id " : "", with_id ? err->request_id : "",
	    with_id ? ")" : "", err->fix[0] != '\0' ? " - " : "", err->fix);
}

void
log_forward(enum log_level level, const char *prefix, const char *text)
{
	struct origin from = { level, "forwarded", prefix };
	int saved = errno;

	if (!log_enabled(level))
		return;
	write_line(&from, text);
	errno = saved;
}

/* One line of what another process formatted. */
static void
write_raw(struct slice text)
{
	struct line line;

	if (!tell_lost()) {
		lose();
		return;
	}
	begin(&line);
	while (text.len > 0 && !line.cut) {
		size_t len = slice_printable(text);

		put(&line, len > 0 ? text.ptr : "?", len > 0 ? len : 1);
		text = slice_skip(text, len > 0 ? len : 1);
	}
	end_message(&line);
	puts_line(&line, "\n");
	if (!finish(&line))
		lose();
}

void
log_raw(const char *text, size_t len)
{
	struct slice rest = slice_make(text, len), line;
	int saved = errno;

	while (slice_cut(&rest, '\n', &line)) {
		if (line.len > 0)
			write_raw(line);
	}
	errno = saved;
}

int64_t
log_due(void)
{
	return lost > 0 ? catch_up_at : INT64_MAX;
}

void
log_catch_up(void)
{
	if (clock_ms() >= log_due() && !tell_lost())
		catch_up_at = clock_in(LOG_CATCH_UP_MS);
}

/* Keys that log_once() was asked for, as numbers; 0 is a free place. */
struct keys {
	_Atomic(uint32_t) numbers[LOG_ONCE_MAX];
};

static struct keys unshared;
static struct keys *keys = &unshared;

void
log_once_share(void)
{
	void *page = MAP_FAILED;

	if (keys != &unshared)
		return;
	page = mmap(NULL, sizeof *keys, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED)
		keys = page;
}

/* FNV-1a, of 32 bits; never 0. */
static uint32_t
number_of(const char *key)
{
	uint32_t sum = 2166136261U;

	for (; *key != '\0'; key++)
		sum = (sum ^ (unsigned char)*key) * 16777619U;
	return sum != 0 ? sum : 1;
}

bool
log_once(const char *key)
{
	uint32_t number = number_of(key);

	for (size_t i = 0; i < LOG_ONCE_MAX; i++) {
		uint32_t held = 0;

		if (atomic_compare_exchange_strong(&keys->numbers[i], &held,
		        number))
			return true;
		if (held == number)
			return false;
	}
	return true;
}

bool
log_denied(const char *call, const char *loss)
{
	int error = errno;

	if (error != ENOSYS && error != EPERM)
		return false;
	if (log_once(call))
		log_event(LOG_WARN, "denied", "%s: %s; %s", call,
		    strerror(error), loss);
	errno = error;
	return true;
}
