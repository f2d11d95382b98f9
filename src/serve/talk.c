/* SPDX-License-Identifier: MIT */
#include "serve/talk.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/client.h"
#include "aws/cred/value.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rng.h"
#include "mgs/document.h"
#include "mgs/flow.h"
#include "mgs/frame.h"
#include "mgs/link.h"
#include "serve/ask.h"
#include "serve/ports.h"
#include "serve/program.h"
#include "serve/records.h"
#include "serve/serve.h"
#include "work/jail.h"

enum {
	TASK_MS = 30000, /* for task and credentials to come */
	OPEN_MS = 8000,  /* one try to open the data channel */
	FIRST_TRIES = 5, /* until it is open the first time */
	LOST_MS = 60000, /* without a data channel, a session ends */
	PAUSE_FIRST_MS = 150,
	PAUSE_MOST_MS = 5000,
	/* From ASK_PART on: a program's end, all that is still to be sent. */
	PART_EXIT_MS = 120,
	PART_SEND_MS = 220,
	CLOSE_MS = 200,
	FIXED_FDS = 3,
};

/* Of a session, and how it ends. */
struct talk {
	const struct talk_in *in;
	struct client *client;
	struct cred cred;
	struct buf task; /* content of the order, whole with task_last */
	bool task_last;
	struct document doc;
	struct ask *ask;
	struct link link; /* open while link.ws is there */
	bool more;        /* messages may lie in the websocket */
	int64_t lost_at;  /* 0 = it is open */
	int64_t try_at;
	int tries;
	struct flow_options options;
	struct flow *flow;
	struct program program;
	struct ports *ports; /* of a session with ports */
	bool ended;          /* by itself, by the service, by a failure */
	bool abrupt;         /* there is nobody to send the rest to */
	int64_t send_until;  /* the rest */
	int64_t part_at;     /* the container stops since; 0 = it does not */
	enum order_status status;
	struct err why; /* of ORDER_FAILED, ORDER_CANCELLED; may be empty */
};

static void
finish(struct talk *talk, enum order_status status, bool abrupt)
{
	int64_t now = clock_ms();

	if (talk->ended)
		return;
	talk->ended = true;
	talk->abrupt = abrupt;
	talk->status = status;
	talk->send_until = talk->part_at != 0 ? talk->part_at + PART_SEND_MS
	                                      : now + FLOW_DRAIN_MS + CLOSE_MS;
	if (talk->flow != NULL)
		flow_finish(talk->flow,
		    !abrupt && talk->ports == NULL && talk->part_at == 0, now);
}

static void
fail(struct talk *talk)
{
	finish(talk, ORDER_FAILED, false);
}

/* What program and ports give. */
static void
judge(struct talk *talk, int rc)
{
	enum order_status over =
	    talk->part_at != 0 ? ORDER_CANCELLED : ORDER_SUCCESS;

	if (rc < 0)
		fail(talk);
	else if (rc > 0)
		finish(talk, over, false);
}

/* The container stops, which the client shall read. */
static void
part(struct talk *talk)
{
	talk->part_at = clock_ms();
	if (!talk->ended)
		err_set(&talk->why, ERR_KIND_SYSTEM, "The container stops.");
	if (talk->ports != NULL)
		judge(talk, 1);
}

static void
take_cred(struct talk *talk, const struct records_cred *from)
{
	char *id = slice_dup(slice_of(from->id));
	char *secret = slice_dup(slice_of(from->secret));
	char *token = slice_dup(slice_of(from->token));

	if (id == NULL || secret == NULL || token == NULL) {
		slice_drop(&id);
		slice_drop(&secret);
		slice_drop(&token);
		return;
	}
	cred_value_free(&talk->cred);
	talk->cred = (struct cred){
		.access_key = id,
		.secret_key = secret,
		.token = token,
		.expires = from->expires,
		.method = "node",
	};
	client_api(talk->client)->clock_offset = from->clock_offset;
}

static void
take_record(struct talk *talk, const struct records_session *record)
{
	switch ((enum records_part)record->part) {
	case RECORDS_TASK:
		if (talk->task_last)
			return;
		buf_add(&talk->task, record->task.data, record->task.len);
		talk->task_last = record->task.last;
		break;
	case RECORDS_CRED:
		take_cred(talk, &record->cred);
		break;
	default: /* RECORDS_STOP */
		finish(talk, ORDER_CANCELLED, true);
		break;
	}
}

/* The channel worker's records. */
static void
hear_line(struct talk *talk)
{
	struct records_session record;
	enum records_got got;

	do {
		got =
		    records_hear_session(talk->in->line, true, false, &record);
		if (got == RECORDS_ONE)
			take_record(talk, &record);
		explicit_bzero(&record, sizeof record);
	} while (got == RECORDS_ONE);
	if (got == RECORDS_END)
		finish(talk, ORDER_CANCELLED, true);
}

/* Program or ports are told. */
static int
pass_on(struct talk *talk, const int *fds, size_t count)
{
	if (talk->ports != NULL)
		return ports_told(talk->ports, talk->ask, fds, count,
		    &talk->why);
	return program_told(&talk->program, talk->ask, fds, count, &talk->why);
}

/* The helper's. */
static void
hear_hand(struct talk *talk)
{
	int fds[PASS_MAX], got;
	size_t count = 0;

	while ((got = ask_take(talk->in->hand, false, talk->ask, fds,
	            &count)) == 1) {
		if (talk->ask->kind == ASK_PART)
			part(talk);
		else
			judge(talk, pass_on(talk, fds, count));
	}
	if (got == 0 || talk->ended)
		return;
	err_set(&talk->why, ERR_KIND_SYSTEM, "the session's helper died");
	fail(talk);
}

/* Task and credentials, before anything else. */
static void
wait_for_task(struct talk *talk)
{
	int64_t until = clock_in(TASK_MS);
	struct pollfd news[2] = {
		{ talk->in->line, POLLIN, 0 },
		{ talk->in->hand, POLLIN, 0 },
	};

	while (!talk->ended &&
	       (!talk->task_last || talk->cred.access_key == NULL)) {
		if (clock_left(until) == 0) {
			err_set(&talk->why, ERR_KIND_SYSTEM,
			    "the session was not told what to do");
			fail(talk);
			return;
		}
		poll(news, 2, clock_left(until));
		hear_line(talk);
		hear_hand(talk);
	}
}

static int
read_task(struct talk *talk)
{
	struct slice task = slice_make(talk->task.data, talk->task.len);

	if (!buf_ok(&talk->task))
		return err_memory(&talk->why);
	if (document_read(&talk->doc, task, &talk->why) != 0 ||
	    program_bind(&talk->doc, talk->in->hand, talk->ask, &talk->why))
		return -1;
	buf_free(&talk->task);
	if (talk->doc.kind != DOCUMENT_PORT)
		return 0;
	talk->ports = calloc(1, sizeof *talk->ports);
	return talk->ports != NULL ? 0 : err_memory(&talk->why);
}

static int
open_flow(struct talk *talk, int64_t now)
{
	talk->options = (struct flow_options){
		.session = talk->in->id,
		.kind = talk->doc.kind,
		.properties = talk->doc.properties,
		.version = SERVE_VERSION,
		.handshake = true,
	};
	if (flow_open(&talk->flow, &talk->options, now, &talk->why) != 0)
		return -1;
	talk->program = (struct program){
		.doc = &talk->doc,
		.flow = talk->flow,
		.hand = talk->in->hand,
		.ask = talk->ask,
	};
	if (talk->ports == NULL)
		return 0;
	talk->ports->doc = &talk->doc;
	talk->ports->flow = talk->flow;
	talk->ports->hand = talk->in->hand;
	talk->ports->ask = talk->ask;
	return 0;
}

/* The data channel is not open, and is to be tried again. */
static void
lose(struct talk *talk)
{
	int64_t now = clock_ms();

	link_close(&talk->link);
	talk->more = false;
	if (talk->lost_at == 0) {
		talk->lost_at = now;
		talk->tries = 0;
	}
	talk->try_at = now + clock_backoff(PAUSE_FIRST_MS, PAUSE_MOST_MS,
	                         ++talk->tries, rng_unit());
}

static void
give_up(struct talk *talk, struct err *err)
{
	bool over = link_is_over(err);

	err_wrap(err, "the session's data channel cannot be opened");
	if (!over)
		talk->why = *err;
	finish(talk, over ? ORDER_CANCELLED : ORDER_FAILED, true);
}

static void
open_link(struct talk *talk)
{
	int64_t last = talk->lost_at + LOST_MS;
	struct link_in in = {
		.api = client_api(talk->client),
		.cred = &talk->cred,
		.node = talk->in->work.state->node,
		.session = talk->in->id,
		.version = SERVE_VERSION,
		.deadline = clock_min(last, clock_in(OPEN_MS)),
	};
	struct err err = { 0 };

	if (link_open(&talk->link, &in, &err) != 0) {
		log_debug("session %s: %s", talk->in->id, err.msg);
		lose(talk);
		if (link_is_over(&err) || talk->try_at >= last ||
		    (talk->flow == NULL && talk->tries >= FIRST_TRIES))
			give_up(talk, &err);
		return;
	}
	talk->lost_at = 0;
	talk->more = true;
	if (talk->flow != NULL)
		flow_resume(talk->flow);
	else if (open_flow(talk, clock_ms()) != 0)
		finish(talk, ORDER_FAILED, true);
}

static bool
is_open(const struct talk *talk)
{
	return talk->link.ws != NULL;
}

/* Messages that lie in the websocket, as far as the flow takes them. */
static void
receive(struct talk *talk)
{
	struct websocket_message message;
	struct frame frame;
	int rc = 1;

	while (is_open(talk) && rc == 1 && !flow_full(talk->flow)) {
		rc = websocket_next(talk->link.ws, &message, NULL);
		talk->more = rc == 1;
		if (rc < 0 || (rc == 1 && message.op == WEBSOCKET_CLOSE)) {
			lose(talk);
			return;
		}
		if (rc == 1 && message.op == WEBSOCKET_BINARY &&
		    frame_read(&frame, message.data, NULL) == 0)
			flow_receive(talk->flow, &frame, clock_ms());
	}
}

/* Whether more is wanted from the network. */
static bool
is_reading(const struct talk *talk)
{
	return !talk->more && !flow_full(talk->flow);
}

static void
use_link(struct talk *talk)
{
	if (!is_open(talk))
		return;
	if (link_move(&talk->link, is_reading(talk), NULL) != 0)
		lose(talk);
	else
		talk->more = true;
}

static void
obey(struct talk *talk, const struct flow_event *event, int64_t now)
{
	if (event->kind == FLOW_CLOSED)
		finish(talk, ORDER_CANCELLED, true);
	else if (talk->ended)
		flow_taken(talk->flow, event->data.len);
	else if (talk->ports != NULL)
		judge(talk, ports_event(talk->ports, event, now, &talk->why));
	else
		judge(talk, program_event(&talk->program, event, &talk->why));
}

/* What the client sent, up to what has to wait: input of which nothing was
 * taken is given again as it was. */
static void
take_events(struct talk *talk, int64_t now)
{
	struct slice before = { 0 };
	struct flow_event event;
	int rc;

	for (;;) {
		event = (struct flow_event){ .kind = FLOW_READY };
		rc = flow_next(talk->flow, &event, now, &talk->why);
		if (rc < 0)
			fail(talk);
		if (rc <= 0)
			return;
		if (event.kind == FLOW_INPUT && event.data.ptr == before.ptr &&
		    event.data.len == before.len)
			return;
		before = event.data;
		obey(talk, &event, now);
	}
}

static void
move(struct talk *talk, int64_t now)
{
	if (talk->ended)
		return;
	judge(talk, talk->ports != NULL
	                ? ports_move(talk->ports, now, &talk->why)
	                : program_move(&talk->program, now, &talk->why));
	if (talk->part_at != 0 && now >= talk->part_at + PART_EXIT_MS)
		judge(talk, 1);
}

static int64_t
due(const struct talk *talk)
{
	int64_t at = talk->ended ? talk->send_until : INT64_MAX;

	if (talk->part_at != 0 && !talk->ended)
		at = talk->part_at + PART_EXIT_MS;
	if (!is_open(talk))
		at = clock_min(at, talk->try_at);
	else
		at = clock_min(at, link_deadline(&talk->link));
	if (talk->flow != NULL)
		at = clock_min(at, flow_deadline(talk->flow));
	if (talk->ports != NULL)
		return clock_min(at, ports_due(talk->ports));
	return clock_min(at, program_due(&talk->program));
}

static void
wait_for_news(const struct talk *talk)
{
	struct pollfd fds[FIXED_FDS + SMUX_STREAMS];
	bool ready = talk->more && is_open(talk) && !flow_full(talk->flow);
	int64_t at = due(talk);
	size_t n = 2;

	fds[0] = (struct pollfd){ talk->in->line, POLLIN, 0 };
	fds[1] = (struct pollfd){ talk->in->hand, POLLIN, 0 };
	if (is_open(talk)) {
		bool inside = false;

		fds[n].fd = link_fd(&talk->link);
		fds[n].revents = 0;
		fds[n++].events =
		    link_events(&talk->link, is_reading(talk), &inside);
		ready |= inside;
	}
	if (talk->flow != NULL && !talk->ended) {
		n += talk->ports != NULL
		         ? ports_poll(talk->ports, &fds[n])
		         : program_poll(&talk->program, &fds[n]);
	}
	poll(fds, n, ready ? 0 : at == INT64_MAX ? -1 : clock_left(at));
}

static bool
has_sent_all(const struct talk *talk, int64_t now)
{
	return talk->ended &&
	       (talk->abrupt || now >= talk->send_until ||
	           (is_open(talk) && flow_finished(talk->flow, now)));
}

static void
step(struct talk *talk)
{
	int64_t now;

	wait_for_news(talk);
	hear_line(talk);
	hear_hand(talk);
	if (!is_open(talk) && clock_ms() >= talk->try_at)
		open_link(talk);
	use_link(talk);
	if (talk->flow == NULL)
		return;
	receive(talk);
	now = clock_ms();
	take_events(talk, now);
	move(talk, now);
	if (is_open(talk) &&
	    flow_pump(talk->flow, talk->link.ws, now, &talk->why) != 0)
		fail(talk);
	/* What was put there goes at once. */
	if (is_open(talk) && link_move(&talk->link, false, NULL) != 0)
		lose(talk);
}

/* Tell the service that the channel is closed, without waiting long. */
static void
close_link(struct talk *talk)
{
	int64_t until = clock_in(CLOSE_MS);

	if (is_open(talk))
		websocket_close(talk->link.ws, WEBSOCKET_NORMAL, "", NULL);
	while (is_open(talk) && clock_left(until) > 0) {
		bool ready = false;
		struct pollfd one = { .fd = link_fd(&talk->link) };

		if (link_move(&talk->link, false, NULL) != 0)
			break;
		one.events = link_events(&talk->link, false, &ready);
		if (one.events == 0)
			break;
		poll(&one, 1, clock_left(until));
	}
	link_close(&talk->link);
}

/* How it ended; the text is for the user. */
static void
tell_outcome(const struct talk *talk)
{
	struct records_session record;
	struct records_outcome *outcome = &record.outcome;
	const struct err *why = &talk->why;
	const char *fix = why->fix;

	memset(&record, 0, sizeof record);
	record.part = RECORDS_OUTCOME;
	outcome->status = talk->status;
	if (talk->status != ORDER_SUCCESS && why->code != ERR_OK) {
		snprintf(outcome->text, sizeof outcome->text, "%s%s%s",
		    why->msg, *fix != '\0' ? ": " : "", fix);
	}
	if (records_tell_session(talk->in->line, &record) != 0)
		log_debug("session %s: the outcome cannot be told",
		    talk->in->id);
}

static void
talk_to_client(struct talk *talk)
{
	talk->lost_at = clock_ms();
	while (!has_sent_all(talk, clock_ms()))
		step(talk);
	if (talk->ports != NULL)
		ports_close(talk->ports);
	else
		program_close(&talk->program);
	close_link(talk);
}

static void
free_talk(struct talk *talk)
{
	if (talk->flow != NULL) {
		log_debug("client %.16s, %llu frames again",
		    flow_client(talk->flow),
		    (unsigned long long)flow_counts(talk->flow).again);
	}
	flow_free(talk->flow);
	document_free(&talk->doc);
	cred_value_free(&talk->cred);
	buf_free(&talk->task);
	client_free(talk->client);
	free(talk->ports);
	free(talk->ask);
}

int
talk_run(const struct work *work, int out, struct err *err)
{
	struct talk talk = {
		.in = (const struct talk_in *)(const void *)work,
		.task = { .max = ORDER_MESSAGE_MAX },
	};

	(void)out;
	talk.ask = calloc(1, sizeof *talk.ask);
	if (talk.ask == NULL)
		return err_memory(err);
	if (jail_client(&talk.client, work->cfg, work->state->region, err) !=
	        0 ||
	    client_locate(talk.client, err) != 0)
		return -1;
	wait_for_task(&talk);
	if (!talk.ended && read_task(&talk) != 0)
		finish(&talk, ORDER_FAILED, true);
	if (!talk.ended)
		talk_to_client(&talk);
	tell_outcome(&talk);
	free_talk(&talk);
	return 0;
}
