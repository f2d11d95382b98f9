/* SPDX-License-Identifier: MIT */
#include "serve/ask.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { MAGIC = 0x53534d61, STATUS_MAX = 255 };

void
ask_make(struct ask *out, enum ask_kind kind)
{
	memset(out, 0, ASK_HEAD);
	out->magic = MAGIC;
	out->kind = kind;
}

void
ask_say(struct ask *ask, struct slice text)
{
	text = slice_head(text, sizeof ask->text);
	if (text.len > 0)
		memcpy(ask->text, text.ptr, text.len);
	ask->len = (uint32_t)text.len;
}

static struct slice
text_of(const struct ask *ask)
{
	return slice_make(ask->text, ask->len);
}

static bool
is_user(const struct ask *ask)
{
	return memchr(ask->user, '\0', sizeof ask->user) != NULL;
}

/* Words end with a NUL each; what a shell runs has none. */
static bool
task_valid(const struct ask *ask)
{
	if (!is_user(ask) || ask->elevated > 1 || ask->separate > 1 ||
	    ask->remote > 1)
		return false;
	if (ask->program == DOCUMENT_PORT)
		return ask->port != 0 && ask->len == 0;
	if (ask->program == DOCUMENT_COMMAND)
		return ask->len > 0 && ask->text[ask->len - 1] == '\0';
	return (ask->program == DOCUMENT_SHELL ||
	           ask->program == DOCUMENT_INTERACTIVE) &&
	       !slice_has(text_of(ask), '\0');
}

static bool
size_valid(const struct ask *ask)
{
	return ask->columns <= ASK_SIDE_MAX && ask->rows <= ASK_SIDE_MAX;
}

static bool
dial_valid(const struct ask *ask)
{
	return ask->id != 0 && ask->port != 0 &&
	       (ask->address_size == 0 || ask->address_size == 4 ||
	           ask->address_size == sizeof ask->address);
}

static bool
asked_valid(const struct ask *ask)
{
	switch ((enum ask_kind)ask->kind) {
	case ASK_TASK:
		return task_valid(ask);
	case ASK_START:
		return size_valid(ask);
	case ASK_RESIZE:
		return size_valid(ask) && ask->columns > 0 && ask->rows > 0;
	case ASK_SIGNAL:
		return ask->number == SIGINT || ask->number == SIGQUIT;
	case ASK_DIAL:
		return dial_valid(ask);
	case ASK_CLOSE:
		return ask->id != 0;
	default:
		return false;
	}
}

static bool
told_valid(const struct ask *ask)
{
	switch ((enum ask_kind)ask->kind) {
	case ASK_EXITED:
		return ask->number >= 0 && ask->number <= STATUS_MAX;
	case ASK_CONNECTED:
		return ask->id != 0;
	case ASK_STARTED:
	case ASK_FAILED:
	case ASK_PART:
		return !slice_has(text_of(ask), '\0');
	default:
		return false;
	}
}

bool
ask_valid(const struct ask *ask, size_t len, bool from_worker)
{
	if (len < ASK_HEAD || ask->magic != MAGIC ||
	    ask->len > sizeof ask->text || ask->len != len - ASK_HEAD)
		return false;
	if (ask->len > 0 && ask->kind != ASK_TASK && ask->kind != ASK_FAILED)
		return false;
	return from_worker ? asked_valid(ask) : told_valid(ask);
}

bool
ask_within(const struct ask *task, const struct ask *ask)
{
	bool port = task != NULL && task->program == DOCUMENT_PORT;

	if (ask->kind == ASK_TASK)
		return task == NULL;
	if (ask->kind == ASK_DIAL)
		return port && ask->port == task->port &&
		       (ask->address_size > 0) == (task->remote != 0);
	return task != NULL && port == (ask->kind == ASK_CLOSE);
}

int
ask_send(int socket, const struct ask *ask, const int *fds, size_t count)
{
	struct slice data =
	    slice_make((const char *)ask, ASK_HEAD + (size_t)ask->len);

	return pass_put(socket, data, fds, count);
}

int
ask_take(int socket, bool from_worker, struct ask *out,
    int fds[static PASS_MAX], size_t *count)
{
	ssize_t n;

	do {
		n = pass_take(socket, out, sizeof *out, fds, count);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	while (from_worker && *count > 0)
		close(fds[--*count]);
	if (n > 0 && ask_valid(out, (size_t)n, from_worker))
		return 1;
	while (*count > 0)
		close(fds[--*count]);
	return -1;
}
