/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum { SHOWN_MAX = 64 };

struct kind {
	const char *name;
	enum err_code code;
};

static const struct kind kinds[ERR_KIND_COUNT] = {
	[ERR_KIND_NONE] = { "none", ERR_OK },
	[ERR_KIND_USAGE] = { "usage", ERR_USAGE },
	[ERR_KIND_SYSTEM] = { "system", ERR_SYSTEM },
	[ERR_KIND_INVALID_VALUE] = { "invalid_value", ERR_CONFIG },
	[ERR_KIND_CONFIG] = { "config_error", ERR_CONFIG },
	[ERR_KIND_PROFILE_NOT_FOUND] = { "profile_not_found", ERR_CONFIG },
	[ERR_KIND_NO_CREDENTIALS] = { "no_credentials", ERR_ACCESS },
	[ERR_KIND_PARTIAL_CREDENTIALS] = { "partial_credentials", ERR_ACCESS },
	[ERR_KIND_EXPIRED_CREDENTIALS] = { "expired_credentials", ERR_ACCESS },
	[ERR_KIND_CREDENTIAL_RETRIEVAL] = { "credential_retrieval",
	    ERR_ACCESS },
	[ERR_KIND_NO_REGION] = { "no_region", ERR_CONFIG },
	[ERR_KIND_INVALID_REGION] = { "invalid_region", ERR_CONFIG },
	[ERR_KIND_ENDPOINT_VARIANT] = { "endpoint_variant", ERR_CONFIG },
	[ERR_KIND_PARAM_VALIDATION] = { "param_validation", ERR_CONFIG },
	[ERR_KIND_CONNECTION] = { "connection", ERR_NETWORK },
	[ERR_KIND_PROXY] = { "proxy", ERR_NETWORK },
	[ERR_KIND_TLS] = { "tls", ERR_NETWORK },
	[ERR_KIND_PARSE] = { "parse_error", ERR_PROTOCOL },
	[ERR_KIND_API] = { "api_error", ERR_SERVICE },
};

static bool
known(enum err_kind kind)
{
	return (int)kind >= 0 && kind < ERR_KIND_COUNT;
}

static void
clean_text(char *out, size_t size, const char *text)
{
	err_clean(out, size, text, strlen(text));
}

/* Give err its kind, unless there is none to fill or it is set already. */
static bool
claim(struct err *err, enum err_kind kind)
{
	if (err == NULL || err->kind != ERR_KIND_NONE)
		return false;
	/* A failure without a kind must not read as success. */
	err->kind =
	    known(kind) && kind != ERR_KIND_NONE ? kind : ERR_KIND_SYSTEM;
	err->code = kinds[err->kind].code;
	return true;
}

/* Take kind and text, with ": reason" behind it unless that is NULL. */
static void
fill(struct err *err, enum err_kind kind, const char *reason,
    const char *format, va_list args)
{
	char raw[ERR_MSG_MAX] = "", full[ERR_MSG_MAX + 128];

	if (!claim(err, kind))
		return;
	vsnprintf(raw, sizeof raw, format, args);
	snprintf(full, sizeof full, "%s%s%s", raw, reason != NULL ? ": " : "",
	    reason != NULL ? reason : "");
	clean_text(err->msg, sizeof err->msg, full);
}

int
err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, kind, NULL, format, args);
	va_end(args);
	return -1;
}

int
err_sys(struct err *err, enum err_kind kind, const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	fill(err, kind, strerror(saved), format, args);
	va_end(args);
	errno = saved;
	return -1;
}

int
err_memory(struct err *err)
{
	return err_set(err, ERR_KIND_SYSTEM, "out of memory");
}

int
err_wrap(struct err *err, const char *what)
{
	char full[2 * ERR_MSG_MAX + 4];

	if (err == NULL || err->kind == ERR_KIND_NONE)
		return -1;
	snprintf(full, sizeof full, "%.*s: %s", ERR_MSG_MAX - 1, what,
	    err->msg);
	clean_text(err->msg, sizeof err->msg, full);
	return -1;
}

void
err_fix(struct err *err, const char *format, ...)
{
	char raw[ERR_FIX_MAX] = "";
	va_list args;

	if (err == NULL || err->kind == ERR_KIND_NONE || err->fix[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	clean_text(err->fix, sizeof err->fix, raw);
}

void
err_clear(struct err *err)
{
	if (err != NULL)
		memset(err, 0, sizeof *err);
}

const char *
err_kind_name(enum err_kind kind)
{
	return known(kind) ? kinds[kind].name : "unknown";
}

void
err_clean(char *out, size_t size, const char *text, size_t len)
{
	struct slice rest = slice_make(text, len);
	size_t at = 0;

	if (size == 0)
		return;
	while (rest.len > 0) {
		size_t n = slice_printable(rest);
		struct slice one = slice_head(rest, n > 0 ? n : 1);

		if (one.len > size - 1 - at)
			break;
		memcpy(&out[at], n > 0 ? one.ptr : "?", one.len);
		at += one.len;
		rest = slice_skip(rest, one.len);
	}
	out[at] = '\0';
}

int
err_shown(struct slice value)
{
	return (int)slice_head_utf8(value, SHOWN_MAX).len;
}
