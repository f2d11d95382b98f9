/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "standin.h"

enum { LINE_MAX_BYTES = 4096 };

enum { SEELOG_MAX = 65536 };

static const char *context = "";
static char file[STANDIN_PATH_MAX] = PATHS_LOG_FILE;
static bool at_once;

/* The first file that seelog.xml names, and whether each line is written by
 * itself. */
static void
configure(void)
{
	static const char *const names[] = { " path=\"", " filename=\"" };
	struct buf text = { .max = SEELOG_MAX };
	struct err err = { 0 };
	struct slice value, rest;

	if (file_read(PATHS_SEELOG, &text, &err) == FILE_FOUND) {
		rest = slice_of(buf_str(&text));
		at_once = slice_find(rest, " type=\"sync\"") >= 0;
		file[0] = '\0';
		for (int i = 0; i < 2 && file[0] == '\0'; i++) {
			ptrdiff_t at = slice_find(rest, names[i]);

			if (at < 0)
				continue;
			value = slice_skip(rest, (size_t)at + strlen(names[i]));
			if (!slice_split(value, '"', &value, &rest) ||
			    !slice_copy(value, file, sizeof(file)))
				file[0] = '\0';
		}
	}
	buf_free(&text);
}

void
agentlog_catch_up(void)
{
	if (!at_once)
		clock_sleep(clock_in(knob_ms("STANDIN_ADAPTIVE_MS", 2000)));
}

/* context: "[ssm-agent-worker] " or "". */
void
agentlog_open(const char *name)
{
	struct err err = { 0 };

	context = name;
	configure();
	/* Without the folder there is no log but standard output. */
	if (strcmp(file, PATHS_LOG_FILE) == 0 &&
	    file_mkdirs(PATHS_LOG, 0700, &err) != 0)
		(void)fprintf(stderr, "seelog internal error: %s\n", err.msg);
}

static void
write_out(const char *text, size_t len)
{
	struct err err = { 0 };
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd >= 0) {
		if (file_write_fd(fd, text, len, &err) != 0)
			(void)fprintf(stderr, "seelog internal error: %s\n",
			    err.msg);
		(void)close(fd);
	}
	err_clear(&err);
	if (file_write_fd(STDOUT_FILENO, text, len, &err) != 0)
		(void)fprintf(stderr, "seelog internal error: %s\n", err.msg);
}

void
agentlog_line(const char *level, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	struct buf line = { 0 };
	struct timespec now;
	struct tm tm;
	va_list args;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_printf(&line, "%04d-%02d-%02d %02d:%02d:%02d.%04ld %s %s%s\n",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, now.tv_nsec / 100000, level, context, text);
	if (buf_ok(&line))
		write_out(line.data, line.len);
	buf_free(&line);
}

/* The codes that the SDK has types for; with others it says more. */
static bool
is_modelled(const char *code)
{
	static const char *const codes[] = { "InvalidActivation",
		"ActivationExpired", "RegistrationLimitExceeded",
		"InternalServerError", "TooManyUpdates", "InvalidPublicKey",
		"InstanceAlreadyRegistered", "MachineFingerprintDoesNotMatch",
		"InvalidInstanceId" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return false;
}

void
agentlog_error(struct buf *out, const struct err *err)
{
	if (err->peer_code[0] == '\0') {
		buf_printf(out,
		    "RequestError: send request failed\n"
		    "caused by: %s",
		    err->msg);
		return;
	}
	buf_printf(out, "%s: %s", err->peer_code, err->peer_text);
	if (!is_modelled(err->peer_code))
		buf_printf(out, "\n\tstatus code: %d, request id: %s",
		    err->http_status, err->request_id);
}
