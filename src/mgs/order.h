/* SPDX-License-Identifier: MIT */
#ifndef MGS_ORDER_H
#define MGS_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mgs/frame.h"

struct err;

/*
 * What the service tells an agent over the control channel, and what the
 * agent answers (amazon-ssm-agent, agent/session/controlchannel and
 * agent/messageservice); pure.  The names of members are taken in any letter
 * case.
 */

/* Characters of the id of a session: [A-Za-z0-9_=,.@-], 1 to 128 of them, and
 * no '.' at the beginning, so that it can stand in a URL and name a file. */
enum { ORDER_SESSION_SIZE = 129, ORDER_JOB_SIZE = 257 };
bool order_is_session(struct slice id);

/* The longest message that is taken: documents are up to 64 KiB and are
 * escaped twice. */
enum { ORDER_MESSAGE_MAX = 512 * 1024 };

enum order_kind {
	ORDER_NONE,         /* nothing to do: of another type, or for others */
	ORDER_READY,        /* the service takes the channel as open */
	ORDER_START,        /* begin the session */
	ORDER_END,          /* end the session */
	ORDER_ACKNOWLEDGED, /* it heard how the session ended */
	ORDER_JOB,          /* a command of Run Command: order_refuse_job() */
};

struct order {
	enum order_kind kind;
	char session[ORDER_SESSION_SIZE]; /* START, END, ACKNOWLEDGED */
	struct buf content;          /* START: the task, for document_read() */
	char job[ORDER_JOB_SIZE];    /* JOB: its id */
	char message[FRAME_ID_TEXT]; /* JOB: id of the frame */
};

/*
 * Read a frame of the control channel, or a channel_closed of the data
 * channel.  -1 (ERR_KIND_PARSE): its payload is not what its type says.  An
 * order that names no usable session is such a failure, too.  out is empty
 * before; order_free() wipes it.
 */
int order_read(struct order *out, const struct frame *frame, struct err *err);
void order_free(struct order *order);

/* The first message of a control channel, which is text: asks for
 * control_channel_ready, too. */
struct order_opening {
	const char *token;
	const char *request; /* a new UUID */
	const char *version; /* of the agent: "3.3.0.0" */
};
void order_open_control(struct buf *out, const struct order_opening *opening);

/* The same of a data channel; node: mi-…. */
void order_open_data(struct buf *out, const struct order_opening *opening,
    const char *node);

/* How a session ended (FinalTaskStatus). */
enum order_status { ORDER_SUCCESS, ORDER_FAILED, ORDER_CANCELLED };

struct order_outcome {
	const char *session;
	const char *node;
	enum order_status status;
	const char *output; /* what the client shows; cut to 2000 bytes */
	int attempt;        /* from 1: sent again until ORDER_ACKNOWLEDGED */
};

/*
 * Append the whole frame agent_task_complete: sent up to 3 times, 1 s apart,
 * and again on a new control channel.  date: milliseconds since 1970.
 */
int order_complete(struct buf *out, const struct order_outcome *outcome,
    int64_t date, struct err *err);

/* Append the whole frame agent_job_ack that refuses a job: 51407, "not
 * supported in containers", as AWS's own agent there says. */
int order_refuse_job(struct buf *out, const struct order *job, int64_t date,
    struct err *err);

#endif
