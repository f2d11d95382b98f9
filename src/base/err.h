/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

struct slice;

/*
 * One error, carried from where it happens to whoever reports it: main() for a
 * command, the keeper for a worker.  It holds no pointer, so it can cross a
 * pipe as it stands (work/job.h).
 */

/* Exit statuses, after sysexits(3). */
enum err_code {
	ERR_OK = 0,
	ERR_USAGE = 64,
	ERR_NETWORK = 69,
	ERR_SERVICE = 70,
	ERR_SYSTEM = 71,
	ERR_PROTOCOL = 76,
	ERR_ACCESS = 77,
	ERR_CONFIG = 78,
};

/*
 * What kind of thing went wrong.  err_kind_name() gives the word that the
 * machine-readable output uses; each kind has an exit status of its own.
 */
enum err_kind {
	ERR_KIND_NONE,
	ERR_KIND_USAGE,
	ERR_KIND_SYSTEM,
	ERR_KIND_INVALID_VALUE, /* a setting of ours */
	ERR_KIND_CONFIG,        /* an AWS setting or file */
	ERR_KIND_PROFILE_NOT_FOUND,
	ERR_KIND_NO_CREDENTIALS,
	ERR_KIND_PARTIAL_CREDENTIALS,
	ERR_KIND_EXPIRED_CREDENTIALS,
	ERR_KIND_CREDENTIAL_RETRIEVAL, /* a source was there and failed */
	ERR_KIND_NO_REGION,
	ERR_KIND_INVALID_REGION,
	ERR_KIND_ENDPOINT_VARIANT, /* no such FIPS or dual-stack name */
	ERR_KIND_PARAM_VALIDATION, /* refused before it was sent */
	ERR_KIND_CONNECTION,
	ERR_KIND_PROXY,
	ERR_KIND_TLS,
	ERR_KIND_PARSE, /* the peer broke its protocol */
	ERR_KIND_API,   /* AWS answered with an error */
	ERR_KIND_COUNT,
};

/* Whether doing the same again can help. */
enum err_retry {
	ERR_FINAL,
	ERR_TRANSIENT,
	ERR_THROTTLED,
};

enum { ERR_MSG_MAX = 1024, ERR_FIX_MAX = 1024 };

/* Zero is "no error".  All texts are NUL-terminated and printable. */
struct err {
	enum err_code code;
	enum err_kind kind;
	enum err_retry retry;
	bool timed_out;      /* a deadline passed */
	bool ambiguous;      /* the peer may have acted on the request */
	int http_status;     /* 0 = there was no answer */
	int attempts;        /* requests sent for the call that failed */
	char peer_code[64];  /* the peer's own error code, without prefix */
	char peer_text[512]; /* the peer's own message, cleaned */
	char request_id[64];
	char msg[ERR_MSG_MAX]; /* the whole line, outermost step first */
	char fix[ERR_FIX_MAX]; /* what to do; may be empty */
};

/*
 * Fill err in and give -1.  An error that is already set stays: the first
 * report is the specific one.  err may be NULL.
 */
int err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with ": " and the text of errno at the end. */
int err_sys(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ERR_KIND_SYSTEM: out of memory. */
int err_memory(struct err *err);

/* Put "what: " before the message of an error that is set; gives -1. */
int err_wrap(struct err *err, const char *what);

/* Say what to do about the error, unless something was said already. */
void err_fix(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Back to "no error". */
void err_clear(struct err *err);

/* Static text, for example "no_region". */
const char *err_kind_name(enum err_kind kind);

/*
 * Copy text from outside so that a terminal can be shown it: what is not
 * printable (slice_printable()) becomes '?', whole characters of at most
 * size - 1 bytes are taken, a NUL ends it.
 */
void err_clean(char *out, size_t size, const char *text, size_t len);

/* How many bytes of a value a message shows: whole characters, at most 64. */
int err_shown(struct slice value);

#endif
