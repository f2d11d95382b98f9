/* SPDX-License-Identifier: MIT */
#include "serve/channel.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/client.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pass.h"
#include "base/rng.h"
#include "mgs/link.h"
#include "serve/badge.h"
#include "serve/ledger.h"
#include "serve/records.h"
#include "serve/serve.h"
#include "work/jail.h"
#include "work/work.h"

enum {
	SIGN_MS = 5000,
	MINUTE_MS = 60000,
	READY_MS = 2000,       /* without control_channel_ready: it is open */
	REOPEN_MS = 2500,      /* after one that was open, at most */
	OPEN_FIRST_MS = 10000, /* after one that was refused */
	OPEN_MOST_MS = 40 * MINUTE_MS,
	STEADY_MS = MINUTE_MS, /* a channel that was open for so long */
	TRIES_MAX = 16,
};

struct channel {
	const struct work *work;
	int line, pass;
	struct client *client;
	struct badge badge;
	struct link link;
	struct ledger *ledger;
	struct records_core answer; /* kind 0: not there yet */
	bool open, ready, over;
	int64_t opened_at, open_at;
	int open_tries;
};

/* A share of the time, so that many containers do not come at once. */
static int64_t
jitter(int64_t most)
{
	return (int64_t)((double)most * rng_unit());
}

/* Records of the core. */

static void
take_seat(const struct channel *ch, const char *id)
{
	int fds[PASS_MAX];
	size_t count = pass_receive(ch->pass, fds);

	if (count == 0)
		return;
	for (size_t i = 1; i < count; i++)
		close(fds[i]);
	ledger_seat(ch->ledger, id, fds[0]);
}

static void
take_record(struct channel *ch, const struct records_core *record)
{
	char text[RECORDS_BYTES];

	switch ((enum records_kind)record->kind) {
	case RECORDS_SIGNED:
	case RECORDS_NEW_KEY:
		ch->answer = *record;
		break;
	case RECORDS_SESSION:
		take_seat(ch, record->session);
		break;
	case RECORDS_REFUSED:
		memcpy(text, record->bytes, record->len);
		text[record->len] = '\0';
		ledger_refused(ch->ledger, record->session, text);
		break;
	case RECORDS_PART:
		ch->ledger->parting = true;
		break;
	default:
		break;
	}
}

static void
hear_core(struct channel *ch)
{
	struct records_core record;
	enum records_got got = RECORDS_NONE;

	while ((got = records_hear_core(ch->line, false, &record)) ==
	       RECORDS_ONE)
		take_record(ch, &record);
	if (got == RECORDS_END)
		ch->over = true;
}

static void
tell_core(void *context, enum records_kind kind)
{
	const struct records_core record = { .kind = kind };
	const struct channel *ch = context;

	if (records_tell_core(ch->line, &record) != 0)
		log_debug("the core does not listen");
}

/* Ask the core, and wait for its answer; others of its records are heeded
 * meanwhile. */
static const struct records_core *
ask_core(void *context, const struct records_core *question,
    enum records_kind wanted, struct err *err)
{
	int64_t until = clock_in(SIGN_MS);
	struct channel *ch = context;

	ch->answer.kind = RECORDS_NOTHING;
	if (records_tell_core(ch->line, question) != 0) {
		err_sys(err, ERR_KIND_SYSTEM, "the core");
		return NULL;
	}
	while (ch->answer.kind != wanted && !ch->over &&
	       clock_left(until) > 0) {
		struct pollfd wait = { .fd = ch->line, .events = POLLIN };

		poll(&wait, 1, clock_left(until));
		hear_core(ch);
	}
	if (ch->answer.kind == wanted && ch->answer.len > 0)
		return &ch->answer;
	err_set(err, ERR_KIND_SYSTEM, "the core does not answer");
	return NULL;
}

/* The control channel. */

static void
be_ready(struct channel *ch)
{
	if (ch->ready)
		return;
	ch->ready = true;
	badge_hurry(&ch->badge);
	tell_core(ch, RECORDS_ONLINE);
}

static void
open_link(struct channel *ch)
{
	const struct link_in in = {
		.api = client_api(ch->client),
		.cred = badge_cred(&ch->badge),
		.node = ch->work->state->node,
		.version = SERVE_VERSION,
		.deadline = clock_in(BADGE_CALL_MS),
	};
	struct err err = { 0 };
	int64_t pause;

	if (link_open(&ch->link, &in, &err) == 0) {
		ch->open = true;
		ch->opened_at = clock_ms();
		ledger_reopened(ch->ledger);
		return;
	}
	if (ch->open_tries < TRIES_MAX)
		ch->open_tries++;
	pause = clock_backoff(OPEN_FIRST_MS, OPEN_MOST_MS, ch->open_tries,
	    0.5 + 0.5 * rng_unit());
	ch->open_at = clock_in(pause);
	log_err(LOG_WARN, "agent_channel", &err);
	badge_refused(&ch->badge, &err);
}

/* Whatever the reason, it is opened again, soon if it was open for a while. */
static void
close_link(struct channel *ch, const struct err *why)
{
	int64_t pause = REOPEN_MS;

	if (clock_ms() - ch->opened_at >= STEADY_MS)
		ch->open_tries = 0;
	else if (ch->open_tries < TRIES_MAX)
		ch->open_tries++;
	if (ch->open_tries > 1)
		pause =
		    clock_backoff(REOPEN_MS, OPEN_MOST_MS, ch->open_tries, 1);
	ch->open_at = clock_in(jitter(pause));
	log_debug("the control channel is closed: %s",
	    why->code != ERR_OK ? why->msg : "by AWS");
	link_close(&ch->link);
	ch->open = ch->ready = false;
	tell_core(ch, RECORDS_OFFLINE);
}

static void
refuse_job(const struct channel *ch, const struct order *job)
{
	struct buf frame = { 0 };
	struct err err = { 0 };

	if (order_refuse_job(&frame, job, clock_now() * 1000, &err) != 0 ||
	    websocket_put(ch->link.ws, WEBSOCKET_BINARY,
	        slice_make(frame.data, frame.len), slice_of(NULL), &err) != 0) {
		log_err(LOG_WARN, "agent_job", &err);
	} else {
		log_event(LOG_INFO, "agent_job",
		    "a command of Run Command is refused: the agent of our own "
		    "does not run any; SSM_ACTIVATE_AGENT=PATH uses "
		    "amazon-ssm-agent");
	}
	buf_free(&frame);
}

static void
obey(struct channel *ch, struct order *order)
{
	switch (order->kind) {
	case ORDER_READY:
		be_ready(ch);
		break;
	case ORDER_START:
		ledger_want(ch->ledger, order->session, &order->content);
		break;
	case ORDER_END:
		ledger_stop(ch->ledger, order->session);
		break;
	case ORDER_ACKNOWLEDGED:
		ledger_acknowledged(ch->ledger, order->session);
		break;
	case ORDER_JOB:
		refuse_job(ch, order);
		break;
	case ORDER_NONE:
		break;
	}
}

static void
take_message(struct channel *ch, const struct websocket_message *message)
{
	struct order order = { .kind = ORDER_NONE };
	char name[FRAME_TYPE_MAX + 1];
	struct frame frame;
	struct err err = { 0 };

	if (message->op != WEBSOCKET_BINARY)
		return;
	if (frame_read(&frame, message->data, &err) != 0 ||
	    order_read(&order, &frame, &err) != 0) {
		log_event(LOG_WARN, "agent_channel",
		    "a message of AWS is not understood: %s", err.msg);
	} else if (frame.type == FRAME_OTHER) {
		frame_name(message->data, name);
		log_debug("a message of type \"%s\" is not for us", name);
	} else {
		obey(ch, &order);
	}
	order_free(&order);
}

/* 1: the channel has ended in order; -1: it broke. */
static int
move_link(struct channel *ch, struct err *err)
{
	struct websocket_message message;
	int rc = link_move(&ch->link, true, err);
	int got = 0;

	while ((got = websocket_next(ch->link.ws, &message, err)) == 1) {
		if (message.op == WEBSOCKET_CLOSE) {
			log_debug("AWS closes the control channel: %u",
			    message.code);
			link_move(&ch->link, false, NULL);
			return 1;
		}
		take_message(ch, &message);
	}
	return got < 0 ? -1 : rc;
}

static void
step_link(struct channel *ch)
{
	int64_t now = clock_ms();
	struct err err = { 0 };

	if (!ch->open && badge_cred(&ch->badge) != NULL && now >= ch->open_at)
		open_link(ch);
	if (ch->open && move_link(ch, &err) != 0)
		close_link(ch, &err);
	if (ch->open && now - ch->opened_at >= READY_MS)
		be_ready(ch);
}

/* All of it. */

/* Sessions open their channels with the node's credentials. */
static void
share(const struct channel *ch)
{
	const struct cred *cred = badge_cred(&ch->badge);
	struct records_session record = { .part = RECORDS_CRED };

	record.cred.expires = cred->expires;
	record.cred.clock_offset = client_api(ch->client)->clock_offset;
	if (slice_copy(slice_of(cred->access_key), record.cred.id,
	        sizeof record.cred.id) &&
	    slice_copy(slice_of(cred->secret_key), record.cred.secret,
	        sizeof record.cred.secret) &&
	    slice_copy(slice_of(cred->token), record.cred.token,
	        sizeof record.cred.token))
		ledger_credentials(ch->ledger, &record);
	else
		log_event(LOG_WARN, "agent_credentials",
		    "the node's credentials are too long for sessions");
	explicit_bzero(&record, sizeof record);
}

static int64_t
due_next(const struct channel *ch)
{
	int64_t due = clock_min(badge_due(&ch->badge), ledger_due(ch->ledger));

	if (ch->open)
		due = clock_min(due, link_deadline(&ch->link));
	else if (badge_cred(&ch->badge) != NULL)
		due = clock_min(due, ch->open_at);
	if (ch->open && !ch->ready)
		due = clock_min(due, ch->opened_at + READY_MS);
	return due;
}

static void
wait_for_events(struct channel *ch)
{
	struct pollfd fds[2 + LEDGER_MAX] = {
		{ .fd = ch->line, .events = POLLIN },
		{ .fd = -1 },
	};
	size_t count = 2 + ledger_poll(ch->ledger, fds + 2);
	bool now = false;

	if (ch->open) {
		fds[1].fd = link_fd(&ch->link);
		fds[1].events = link_events(&ch->link, true, &now);
	}
	poll(fds, (nfds_t)count, now ? 0 : clock_left(due_next(ch)));
}

/* The control channel comes before the heartbeat: sessions wait for it. */
static void
step(struct channel *ch)
{
	hear_core(ch);
	if (badge_renew(&ch->badge))
		share(ch);
	step_link(ch);
	badge_beat(&ch->badge, ch->ready);
	ledger_move(ch->ledger);
	ledger_report(ch->ledger, ch->open ? ch->link.ws : NULL,
	    ch->work->state->node);
}

int
channel_run(const struct work *work, int out, struct err *err)
{
	struct channel ch = {
		.work = work,
		.line = work->line_fd,
		.pass = work->pass_fd,
	};
	int rc = -1;

	(void)out;
	work_wipe_code(work);
	log_node(work->state->node);
	if (ledger_open(&ch.ledger, ch.line, err) == 0 &&
	    jail_client(&ch.client, work->cfg, work->state->region, err) == 0) {
		badge_open(&ch.badge, work, ch.client,
		    (struct badge_core){ &ch, ask_core, tell_core });
		while (!ch.over) {
			step(&ch);
			wait_for_events(&ch);
		}
		rc = 0;
	}
	link_close(&ch.link);
	ledger_free(ch.ledger);
	badge_close(&ch.badge);
	client_free(ch.client);
	return rc;
}
