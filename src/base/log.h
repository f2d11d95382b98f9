/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * One event, one line, one write(2) on stderr; no allocation, so the keeper
 * may log at any time.  Text:  "ssm-activate: level: message".  JSON:
 * {"time":…,"level":…,"event":…,"message":…[,"node":…]} with a stable event,
 * for alarms.  What is not printable (base/slice) of the message becomes '?'.
 * A line has at most 4096 bytes; a longer message ends in "...".
 *
 * After log_never_wait() a line that nobody takes at once, from a pipe that is
 * full or a terminal that was stopped, is dropped: the number of those that
 * are missing is the next line that can be written ("log_lost").
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

enum { LOG_CATCH_UP_MS = 1000 };

void log_open(enum log_level level, enum log_format format);

/* For those that an application depends on.  Before it, and after log_wait(),
 * which is for their workers, a line waits for its reader as any program's
 * does. */
void log_never_wait(void);
void log_wait(void);

/* When log_catch_up() can do something next (base/clock), INT64_MAX for
 * nothing to do; it says that lines are missing as soon as it can. */
int64_t log_due(void);
void log_catch_up(void);

bool log_enabled(enum log_level level);

/* The managed node that later lines belong to (JSON only); "" = none. */
void log_node(const char *id);

/* event: a word such as "node_up"; see docs/events.md. */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The line of an error: message, request id unless the message has it, then
 * what to do: "message (request id ID) - fix". */
void log_err(enum log_level level, const char *event, const struct err *err);

/* A line somebody else wrote (the agent's log): its prefix takes the place of
 * our name; in JSON the event is "forwarded" and the prefix leads the
 * message. */
void log_forward(enum log_level level, const char *prefix, const char *text);

/* Lines that a process of ours formatted, as they are, whatever the level; but
 * control characters become '?' and a line is cut as others are.  Without a
 * last newline it gets one; empty lines are left out. */
void log_raw(const char *text, size_t len);

/* Whether nobody asked for this key before, for warnings that a family of
 * processes gives once together, by whichever has reason to first.  Keys are
 * short texts or paths; what comes after LOG_ONCE_MAX different ones is always
 * new. */
enum { LOG_ONCE_MAX = 32 };
bool log_once(const char *key);

/* Let processes that are forked from now on know of each other; later calls do
 * nothing.  Without memory each warns for itself. */
void log_once_share(void);

/*
 * Whether errno says that nobody here may make a system call: a seccomp policy
 * denies it, or the file system has nothing of it.  If so it warns once, as
 * log_once() has it: the call, and what is lost without it.  Keeps errno.
 */
bool log_denied(const char *call, const char *loss);

#endif
