/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "standin.h"

enum { LINE_MAX_BYTES = 4096 };

static const char *context = "";

/* context: "[ssm-agent-worker] " or "". */
void
agentlog_open(const char *name)
{
	struct err err = { 0 };

	context = name;
	/* Without the folder there is no log but standard output. */
	if (file_mkdirs(PATHS_LOG, 0700, &err) != 0)
		(void)fprintf(stderr, "seelog internal error: %s\n", err.msg);
}

static void
write_out(const char *text, size_t len)
{
	struct err err = { 0 };
	int fd = open(PATHS_LOG_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
	    0644);

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
