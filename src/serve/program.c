/* SPDX-License-Identifier: MIT */
#include "serve/program.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "aws/words.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"

/* Control-C and control-backslash, which a command without a terminal gets as
 * signals. */
enum { INTERRUPT = 0x03, QUIT = 0x1c, START_FAILED = 1 };

/* A pipe or a terminal holds no more of what the program had said. */
enum { PIECE = 16 * 1024, LEFT_MAX = 128 * 1024 };

static bool
is_command(const struct program *program)
{
	return program->doc->kind == DOCUMENT_COMMAND;
}

static int
no_helper(struct err *err)
{
	return err_sys(err, ERR_KIND_SYSTEM, "the session's helper is gone");
}

/* Each word with a NUL, as the helper wants them. */
static int
put_words(struct ask *ask, const char *commands, struct err *err)
{
	struct words words = { 0 };
	struct buf text = { .max = ASK_TEXT };
	int rc = words_split(&words, slice_of(commands), err);

	for (size_t i = 0; rc == 0 && i < words.count; i++)
		buf_add(&text, words.list[i], strlen(words.list[i]) + 1);
	if (rc == 0 && (text.len == 0 || !buf_ok(&text))) {
		rc = err_set(err, ERR_KIND_INVALID_VALUE,
		    text.len == 0 ? "there is no command to run"
		                  : "the command is too long");
	}
	if (rc == 0)
		ask_say(ask, slice_make(text.data, text.len));
	buf_free(&text);
	words_free(&words);
	return rc;
}

int
program_bind(const struct document *doc, int hand, struct ask *ask,
    struct err *err)
{
	ask_make(ask, ASK_TASK);
	ask->program = doc->kind;
	ask->elevated = doc->elevated;
	ask->separate = doc->separate;
	ask->remote = doc->host[0] != '\0';
	ask->port = doc->port;
	slice_copy(slice_of(doc->user), ask->user, sizeof ask->user);
	if (doc->kind == DOCUMENT_COMMAND &&
	    put_words(ask, doc->commands, err) != 0)
		return -1;
	if (doc->kind == DOCUMENT_INTERACTIVE)
		ask_say(ask, slice_of(doc->commands));
	return ask_send(hand, ask, NULL, 0) == 0 ? 0 : no_helper(err);
}

static int
start(struct program *program, struct err *err)
{
	struct ask *ask = program->ask;

	ask_make(ask, ASK_START);
	ask->columns = (uint16_t)program->columns;
	ask->rows = (uint16_t)program->rows;
	program->asked = true;
	return ask_send(program->hand, ask, NULL, 0) == 0 ? 0 : no_helper(err);
}

static void
resize(struct program *program, const struct flow_event *event)
{
	program->columns = event->columns;
	program->rows = event->rows;
	if (!program->asked || is_command(program))
		return;
	ask_make(program->ask, ASK_RESIZE);
	program->ask->columns = (uint16_t)event->columns;
	program->ask->rows = (uint16_t)event->rows;
	/* One that the helper has no room for is followed by others. */
	ask_send(program->hand, program->ask, NULL, 0);
}

static void
interrupt(const struct program *program, unsigned char key)
{
	if (!program->asked || (key != INTERRUPT && key != QUIT))
		return;
	ask_make(program->ask, ASK_SIGNAL);
	program->ask->number = key == INTERRUPT ? SIGINT : SIGQUIT;
	ask_send(program->hand, program->ask, NULL, 0);
}

/* What was not taken is -1; 0 too when there is no terminal yet.  One that is
 * gone takes everything: its end is told by reading. */
static size_t
type(struct program *program, struct slice data)
{
	ssize_t n;

	program->held = false;
	if (program->fds[0] == 0 && program->exited)
		return data.len;
	if (program->fds[0] == 0 || data.len == 0)
		return 0;
	n = write(program->fds[0], data.ptr, data.len);
	if (n >= 0)
		return (size_t)n;
	program->held = errno == EAGAIN;
	return program->held || errno == EINTR ? 0 : data.len;
}

/* The profile goes before what the user types: true when it is in. */
static bool
type_profile(struct program *program)
{
	size_t n;

	if (program->profile_typed)
		return true;
	n = type(program, program->typed);
	program->typed = slice_skip(program->typed, n);
	if (program->typed.len > 0)
		return false;
	program->profile_typed = type(program, slice_of("\n")) == 1;
	return program->profile_typed;
}

static void
input(struct program *program, struct slice data)
{
	if (is_command(program)) {
		if (data.len > 0)
			interrupt(program, (unsigned char)data.ptr[0]);
		flow_taken(program->flow, data.len);
	} else if (type_profile(program)) {
		flow_taken(program->flow, type(program, data));
	}
}

int
program_event(struct program *program, const struct flow_event *event,
    struct err *err)
{
	(void)err;
	switch (event->kind) {
	case FLOW_READY:
		program->ready = true;
		program->typed = slice_of(program->doc->profile);
		program->profile_typed = program->doc->profile == NULL;
		break;
	case FLOW_INPUT:
		input(program, event->data);
		break;
	case FLOW_RESIZE:
		resize(program, event);
		break;
	case FLOW_FLAGGED:
		return event->flag == FLOW_TERMINATE;
	default:
		break;
	}
	return 0;
}

static int
not_started(struct program *program, const struct ask *ask, struct err *err)
{
	char text[ERR_MSG_MAX];

	err_clean(text, sizeof text, ask->text, ask->len);
	err_set(err, ERR_KIND_SYSTEM, "%s", text);
	program->exited = true;
	if (!is_command(program))
		return -1;
	flow_send(program->flow, FRAME_STDERR, text,
	    slice_head(slice_of(text), flow_room(program->flow)).len);
	if (program->doc->separate)
		flow_exit_code(program->flow, START_FAILED);
	return -1;
}

int
program_told(struct program *program, const struct ask *ask, const int *fds,
    size_t count, struct err *err)
{
	switch ((enum ask_kind)ask->kind) {
	case ASK_STARTED:
		for (size_t i = 0; i < count; i++) {
			if (i < PROGRAM_FDS && program->fds[i] == 0)
				program->fds[i] = fds[i];
			else
				close(fds[i]);
		}
		return 0;
	case ASK_EXITED:
		program->exited = true;
		program->code = ask->number;
		return 0;
	case ASK_FAILED:
		return not_started(program, ask, err);
	default:
		return 0;
	}
}

/* How much to read next: whole lines' prefixes have to fit into a frame. */
static size_t
wanted(const struct program *program, size_t prefix, size_t most)
{
	size_t room = flow_room(program->flow);

	if (!program->doc->separate)
		return room < most ? room : most;
	return room < FLOW_PAYLOAD ? 0 : FLOW_PAYLOAD - prefix;
}

/* A piece of a stream whose lines may get a prefix. */
static void
say(struct program *program, size_t which, char *text, size_t prefix, size_t n)
{
	enum frame_part part = which == 0 ? FRAME_OUTPUT : FRAME_STDERR;

	if (program->within[which])
		flow_send(program->flow, part, &text[prefix], n);
	else
		flow_send(program->flow, part, text, prefix + n);
	program->within[which] = text[prefix + n - 1] != '\n';
}

/* Read one stream as far as the client takes it; it ends with EIO where a
 * terminal is nobody's any more. */
static void
read_from(struct program *program, size_t which)
{
	struct slice prefix = slice_of(which == 0 ? program->doc->out_prefix
	                                          : program->doc->err_prefix);
	size_t before = program->doc->separate ? prefix.len : 0, most;
	char text[DOCUMENT_PREFIX_SIZE + PIECE];
	ssize_t n = 1;

	memcpy(text, prefix.ptr, before);
	while (n > 0 && program->fds[which] != 0 &&
	       program->after <= LEFT_MAX) {
		most = wanted(program, before, PIECE);
		if (most == 0)
			return;
		n = read(program->fds[which], &text[before], most);
		if (n > 0) {
			say(program, which, text, before, (size_t)n);
			program->quiet_from = 0;
			program->after += program->exited ? (size_t)n : 0;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			close(program->fds[which]);
			program->fds[which] = 0;
		}
	}
}

/* Somebody who was left behind may hold the terminal: what the program itself
 * said is here by the end of the grace. */
static bool
is_over(struct program *program, int64_t now)
{
	if (!program->exited)
		return false;
	if ((program->fds[0] == 0 && program->fds[1] == 0) ||
	    program->after > LEFT_MAX)
		return true;
	if (flow_room(program->flow) < FLOW_PAYLOAD)
		return false;
	if (program->quiet_from == 0)
		program->quiet_from = now;
	return now - program->quiet_from >= PROGRAM_GRACE_MS;
}

int
program_move(struct program *program, int64_t now, struct err *err)
{
	if (program->ready && !program->asked && start(program, err) != 0)
		return -1;
	if (program->fds[0] != 0 && program->ready)
		type_profile(program);
	for (size_t i = 0; i < PROGRAM_FDS; i++)
		read_from(program, i);
	if (!is_over(program, now))
		return 0;
	if (program->doc->separate)
		flow_exit_code(program->flow, program->code);
	return 1;
}

size_t
program_poll(const struct program *program,
    struct pollfd fds[static PROGRAM_FDS])
{
	bool room = flow_room(program->flow) >= FLOW_PAYLOAD;

	for (size_t i = 0; i < PROGRAM_FDS; i++) {
		fds[i] = (struct pollfd){
			.fd = program->fds[i] != 0 &&
			              (room || (i == 0 && program->held))
			          ? program->fds[i]
			          : -1,
			.events =
			    (short)((room ? POLLIN : 0) |
			            (i == 0 && program->held ? POLLOUT : 0)),
		};
	}
	return PROGRAM_FDS;
}

int64_t
program_due(const struct program *program)
{
	return program->exited && program->quiet_from != 0
	           ? program->quiet_from + PROGRAM_GRACE_MS
	           : INT64_MAX;
}

void
program_close(struct program *program)
{
	for (size_t i = 0; i < PROGRAM_FDS; i++) {
		if (program->fds[i] != 0)
			close(program->fds[i]);
		program->fds[i] = 0;
	}
}
