/* SPDX-License-Identifier: MIT */
#include "serve/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "mgs/websocket.h"

static const char stops[] = "The container stops.";

int
ledger_open(struct ledger **out, int line, struct err *err)
{
	struct ledger *new = calloc(1, sizeof *new);

	if (new != NULL)
		new->cred = calloc(1, sizeof *new->cred);
	if (new == NULL || new->cred == NULL) {
		free(new);
		return err_memory(err);
	}
	new->line = line;
	*out = new;
	return 0;
}

static struct ledger_entry *
find(struct ledger *ledger, const char *id)
{
	for (size_t i = 0; i < LEDGER_MAX; i++) {
		if (strcmp(ledger->entries[i].id, id) == 0)
			return &ledger->entries[i];
	}
	return NULL;
}

static void
tell_core(const struct ledger *ledger, enum records_kind kind, const char *id)
{
	struct records_core record = { .kind = kind };

	slice_copy(slice_of(id), record.session, sizeof record.session);
	if (records_tell_core(ledger->line, &record) != 0)
		log_debug("the core does not listen");
}

static bool
is_recent(const struct ledger *ledger, const char *id)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < LEDGER_RECENT; i++) {
		if (now < ledger->recent[i].until &&
		    strcmp(ledger->recent[i].id, id) == 0)
			return true;
	}
	return false;
}

static void
note_recent(struct ledger *ledger, const char *id)
{
	struct ledger_recent *recent = &ledger->recent[ledger->recent_next];

	ledger->recent_next = (ledger->recent_next + 1) % LEDGER_RECENT;
	slice_copy(slice_of(id), recent->id, sizeof recent->id);
	recent->until = clock_in(LEDGER_RECENT_MS);
}

static void
forget(struct ledger_entry *entry)
{
	if (entry->fd > 0)
		close(entry->fd);
	buf_free(&entry->task);
	*entry = (struct ledger_entry){ .fd = 0 };
}

/* Forget it; the core does, too. */
static void
drop(struct ledger *ledger, struct ledger_entry *entry)
{
	tell_core(ledger, RECORDS_OVER, entry->id);
	note_recent(ledger, entry->id);
	forget(entry);
}

void
ledger_free(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	for (size_t i = 0; i < LEDGER_MAX; i++) {
		if (ledger->entries[i].id[0] != '\0')
			forget(&ledger->entries[i]);
	}
	explicit_bzero(ledger->cred, sizeof *ledger->cred);
	free(ledger->cred);
	free(ledger);
}

static struct ledger_entry *
begin(struct ledger *ledger, const char *id)
{
	struct ledger_entry *entry = find(ledger, "");

	if (entry == NULL) {
		log_event(LOG_WARN, "agent_session",
		    "more sessions than can even be refused");
		return NULL;
	}
	slice_copy(slice_of(id), entry->id, sizeof entry->id);
	return entry;
}

static void
set_outcome(struct ledger_entry *entry, enum order_status status,
    const char *text)
{
	entry->ended = true;
	entry->outcome.status = status;
	slice_copy(slice_head(slice_of(text), sizeof entry->outcome.text - 1),
	    entry->outcome.text, sizeof entry->outcome.text);
	entry->next = clock_ms();
	entry->give_up_at = clock_in(LEDGER_GIVE_UP_MS);
}

void
ledger_want(struct ledger *ledger, const char *id, struct buf *task)
{
	struct ledger_entry *entry = NULL;

	if (find(ledger, id) != NULL || is_recent(ledger, id))
		return;
	entry = begin(ledger, id);
	if (entry == NULL)
		return;
	if (ledger->parting) {
		set_outcome(entry, ORDER_FAILED, stops);
		return;
	}
	entry->task = *task;
	*task = (struct buf){ 0 };
	entry->task_due = entry->cred_due = true;
	tell_core(ledger, RECORDS_WANTED, id);
}

void
ledger_stop(struct ledger *ledger, const char *id)
{
	struct ledger_entry *entry = find(ledger, id);

	if (entry != NULL)
		entry->stop_due = entry->stopped = true;
}

void
ledger_acknowledged(struct ledger *ledger, const char *id)
{
	struct ledger_entry *entry = find(ledger, id);

	if (entry != NULL && entry->ended)
		drop(ledger, entry);
}

/* One that is not known is of the channel worker before this one. */
void
ledger_seat(struct ledger *ledger, const char *id, int fd)
{
	struct ledger_entry *entry = find(ledger, id);

	if (entry == NULL) {
		entry = begin(ledger, id);
		if (entry != NULL)
			entry->cred_due = true;
	}
	if (entry == NULL || entry->fd > 0)
		close(fd);
	else
		entry->fd = fd;
}

void
ledger_refused(struct ledger *ledger, const char *id, const char *why)
{
	struct ledger_entry *entry = find(ledger, id);

	if (entry != NULL && !entry->ended)
		set_outcome(entry, ORDER_FAILED, why);
}

void
ledger_credentials(struct ledger *ledger, const struct records_session *cred)
{
	*ledger->cred = *cred;
	for (size_t i = 0; i < LEDGER_MAX; i++) {
		if (ledger->entries[i].id[0] != '\0')
			ledger->entries[i].cred_due = true;
	}
}

/* True when the whole task has been sent. */
static bool
send_task(struct ledger_entry *entry)
{
	struct records_session record = { .part = RECORDS_TASK };
	struct slice rest = { NULL, 0 };

	while (entry->task_due) {
		rest = slice_skip(slice_make(entry->task.data, entry->task.len),
		    entry->sent);
		rest = slice_head(rest, RECORDS_PIECE);
		record.task.len = (uint32_t)rest.len;
		record.task.last = entry->sent + rest.len == entry->task.len;
		if (rest.len > 0)
			memcpy(record.task.data, rest.ptr, rest.len);
		if (records_tell_session(entry->fd, &record) != 0)
			return false;
		entry->sent += rest.len;
		entry->task_due = !record.task.last;
	}
	buf_free(&entry->task);
	return true;
}

/* What the session has still to be told, in this order. */
static void
tell_session(const struct ledger *ledger, struct ledger_entry *entry)
{
	const struct records_session stop = { .part = RECORDS_STOP };

	if (entry->task_due && !send_task(entry))
		return;
	if (entry->cred_due && ledger->cred->part == RECORDS_CRED) {
		if (records_tell_session(entry->fd, ledger->cred) != 0)
			return;
		entry->cred_due = false;
	}
	if (entry->stop_due && records_tell_session(entry->fd, &stop) == 0)
		entry->stop_due = false;
}

static void
hear_session(const struct ledger *ledger, struct ledger_entry *entry)
{
	struct records_session record;
	const char *text = record.outcome.text;
	enum order_status status = ORDER_FAILED;

	switch (records_hear_session(entry->fd, false, true, &record)) {
	case RECORDS_NONE:
		return;
	case RECORDS_END:
		text = ledger->parting
		           ? stops
		           : "The session's process ended unexpectedly.";
		break;
	case RECORDS_ONE:
		status = (enum order_status)record.outcome.status;
		break;
	}
	if (ledger->parting && (*text == '\0' || status != ORDER_FAILED))
		text = stops;
	else if (entry->stopped && status == ORDER_SUCCESS)
		status = ORDER_CANCELLED;
	set_outcome(entry, status, text);
}

void
ledger_move(struct ledger *ledger)
{
	for (size_t i = 0; i < LEDGER_MAX; i++) {
		struct ledger_entry *entry = &ledger->entries[i];

		if (entry->fd == 0 || entry->ended)
			continue;
		tell_session(ledger, entry);
		hear_session(ledger, entry);
	}
}

static bool
is_due(const struct ledger_entry *entry, int64_t now)
{
	return entry->ended && now >= entry->next;
}

static void
report(struct ledger_entry *entry, struct websocket *ws, const char *node)
{
	struct order_outcome outcome = {
		.session = entry->id,
		.node = node,
		.status = (enum order_status)entry->outcome.status,
		.output = entry->outcome.text,
		.attempt = entry->tries + 1,
	};
	struct buf frame = { 0 };
	struct err err = { 0 };

	if (order_complete(&frame, &outcome, clock_now() * 1000, &err) != 0)
		log_err(LOG_WARN, "agent_session", &err);
	else if (websocket_fits(ws, frame.len) &&
	         websocket_put(ws, WEBSOCKET_BINARY,
	             slice_make(frame.data, frame.len), slice_of(NULL),
	             &err) == 0)
		entry->tries++;
	entry->next = clock_in(LEDGER_AGAIN_MS);
	buf_free(&frame);
}

void
ledger_report(struct ledger *ledger, struct websocket *ws, const char *node)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < LEDGER_MAX; i++) {
		struct ledger_entry *entry = &ledger->entries[i];

		if (!is_due(entry, now))
			continue;
		if (now >= entry->give_up_at)
			drop(ledger, entry);
		else if (entry->tries >= LEDGER_TRIES)
			entry->next = entry->give_up_at;
		else if (ws != NULL)
			report(entry, ws, node);
		else
			entry->next = now + LEDGER_AGAIN_MS;
	}
}

void
ledger_reopened(struct ledger *ledger)
{
	for (size_t i = 0; i < LEDGER_MAX; i++) {
		if (ledger->entries[i].id[0] == '\0')
			continue;
		ledger->entries[i].tries = 0;
		ledger->entries[i].next = 0;
	}
}

/* An outcome stays in its socket, which is not asked again then. */
size_t
ledger_poll(const struct ledger *ledger, struct pollfd *fds)
{
	bool cred = ledger->cred->part == RECORDS_CRED;
	size_t count = 0;

	for (size_t i = 0; i < LEDGER_MAX; i++) {
		const struct ledger_entry *entry = &ledger->entries[i];
		bool writes = entry->task_due || entry->stop_due ||
		              (entry->cred_due && cred);

		if (entry->fd == 0 || entry->ended)
			continue;
		fds[count++] = (struct pollfd){
			.fd = entry->fd,
			.events = (short)(writes ? POLLIN | POLLOUT : POLLIN),
		};
	}
	return count;
}

int64_t
ledger_due(const struct ledger *ledger)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < LEDGER_MAX; i++) {
		if (ledger->entries[i].ended)
			due = clock_min(due, ledger->entries[i].next);
	}
	return due;
}
