/* SPDX-License-Identifier: MIT */
#include "mgs/order.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"

enum { OUTPUT_MAX = 2000, MS = 1000 };

/* In the form of the published agent's own answers. */
static const char not_supported[] = "51407";

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool
order_is_session(struct slice id)
{
	return id.len < ORDER_SESSION_SIZE &&
	       slice_all_in(id, LETTERS "_=,.@-") && id.ptr[0] != '.';
}

/* A member that is text, whatever the letter case of its name. */
static struct slice
text_of(const struct json *doc, const char *name)
{
	return slice_of(json_string(json_find(doc, name)));
}

static int
take_session(struct order *out, struct slice id, struct err *err)
{
	if (!order_is_session(id) ||
	    !slice_copy(id, out->session, sizeof out->session))
		return err_set(err, ERR_KIND_PARSE,
		    "the gateway names no usable session");
	return 0;
}

/* The task stands as JSON in a string. */
static int
read_start(struct order *out, const struct json *doc, struct err *err)
{
	struct slice content = text_of(doc, "Content");
	struct json *task = NULL;
	int rc = -1;

	if (json_parse(&task, content.ptr, content.len, NULL) != 0) {
		return err_set(err, ERR_KIND_PARSE,
		    "the gateway starts a session without saying which");
	}
	if (take_session(out, text_of(task, "SessionId"), err) == 0) {
		out->kind = ORDER_START;
		out->content.max = ORDER_MESSAGE_MAX;
		buf_add(&out->content, content.ptr, content.len);
		rc = buf_ok(&out->content) ? 0 : err_memory(err);
	}
	json_free(task);
	return rc;
}

static int
read_end(struct order *out, const struct json *doc, struct err *err)
{
	out->kind = ORDER_END;
	return take_session(out, text_of(doc, "SessionId"), err);
}

static int
read_acknowledgement(struct order *out, const struct json *doc, struct err *err)
{
	out->kind = ORDER_ACKNOWLEDGED;
	return take_session(out, text_of(doc, "TaskId"), err);
}

static int
read_job(struct order *out, const struct json *doc, struct err *err)
{
	struct slice job = text_of(doc, "JobId");

	out->kind = ORDER_JOB;
	if (job.len > 0 && slice_copy(job, out->job, sizeof out->job))
		return 0;
	return err_set(err, ERR_KIND_PARSE, "the gateway names no usable job");
}

static int
read_payload(struct order *out, const struct frame *frame, struct err *err)
{
	int (*const readers[FRAME_TYPES])(struct order * out,
	    const struct json *doc, struct err *err) = {
		[FRAME_INTERACTIVE_SHELL] = read_start,
		[FRAME_CHANNEL_CLOSED] = read_end,
		[FRAME_AGENT_TASK_ACKNOWLEDGE] = read_acknowledgement,
		[FRAME_AGENT_JOB] = read_job,
	};
	struct slice payload = frame->payload;
	struct json *doc = NULL;
	int rc;

	if (readers[frame->type] == NULL)
		return 0;
	if (payload.len > ORDER_MESSAGE_MAX ||
	    json_parse(&doc, payload.ptr, payload.len, NULL) != 0 ||
	    !json_is_object(doc)) {
		rc = err_set(err, ERR_KIND_PARSE,
		    "the gateway sent %s without an object in JSON",
		    frame_type_name(frame->type));
	} else {
		rc = readers[frame->type](out, doc, err);
	}
	json_free(doc);
	return rc;
}

int
order_read(struct order *out, const struct frame *frame, struct err *err)
{
	struct order order = { .kind = ORDER_NONE };

	if (frame->type == FRAME_CONTROL_CHANNEL_READY)
		order.kind = ORDER_READY;
	frame_id_text(frame->id, order.message);
	if (read_payload(&order, frame, err) != 0) {
		order_free(&order);
		return -1;
	}
	*out = order;
	return 0;
}

void
order_free(struct order *order)
{
	buf_free(&order->content);
	explicit_bzero(order, sizeof *order);
}

void
order_open_control(struct buf *out, const struct order_opening *opening)
{
	json_write(out,
	    "{\"Cookie\":null,\"MessageSchemaVersion\":\"1.0\","
	    "\"RequestId\":%,\"TokenValue\":%,\"AgentVersion\":%,"
	    "\"PlatformType\":\"linux\",\"RequireAcknowledgement\":true}",
	    opening->request, opening->token, opening->version);
}

void
order_open_data(struct buf *out, const struct order_opening *opening,
    const char *node)
{
	json_write(out,
	    "{\"MessageSchemaVersion\":\"1.0\",\"RequestId\":%,"
	    "\"TokenValue\":%,\"ClientInstanceId\":%,\"ClientId\":\"\"}",
	    opening->request, opening->token, node);
}

/* A frame around the payload, which is given up. */
static int
add_frame(struct buf *out, enum frame_type type, struct buf *payload,
    int64_t date, struct err *err)
{
	unsigned char header[FRAME_HEADER];
	struct frame frame = { .type = type, .date = (uint64_t)date };
	int rc = rng_fill(frame.id, sizeof frame.id, err);

	if (rc == 0) {
		frame.payload = slice_make(payload->data, payload->len);
		frame_write(&frame, header);
		buf_add(out, header, sizeof header);
		buf_add(out, payload->data, payload->len);
		if (!buf_ok(payload) || !buf_ok(out))
			rc = err_memory(err);
	}
	buf_free(payload);
	return rc;
}

int
order_complete(struct buf *out, const struct order_outcome *outcome,
    int64_t date, struct err *err)
{
	static const char *const statuses[] = {
		[ORDER_SUCCESS] = "Success",
		[ORDER_FAILED] = "Failed",
		[ORDER_CANCELLED] = "Cancelled",
	};
	struct slice text = slice_of(outcome->output);
	struct buf payload = { 0 };
	char output[OUTPUT_MAX + 1];

	/* A character that is cut becomes U+FFFD. */
	slice_copy(slice_head(text, OUTPUT_MAX), output, sizeof output);
	json_write(&payload,
	    "{\"SchemaVersion\":1,\"TaskId\":%,\"Topic\":"
	    "\"agent_task_complete\",\"FinalTaskStatus\":%,"
	    "\"IsRoutingFailure\":false,\"AwsAccountId\":\"\","
	    "\"InstanceId\":%,\"Output\":%,\"S3Bucket\":\"\","
	    "\"S3UrlSuffix\":\"\",\"CwlGroup\":\"\",\"CwlStream\":\"\","
	    "\"RetryNumber\":#}",
	    outcome->session, statuses[outcome->status], outcome->node, output,
	    (long long)outcome->attempt);
	return add_frame(out, FRAME_AGENT_TASK_COMPLETE, &payload, date, err);
}

int
order_refuse_job(struct buf *out, const struct order *job, int64_t date,
    struct err *err)
{
	char seconds[CLOCK_ISO_SIZE], when[CLOCK_ISO_SIZE + 4];
	struct buf payload = { 0 };

	clock_iso(date / MS, seconds);
	/* The same with milliseconds, before the Z. */
	snprintf(when, sizeof when, "%.19s.%03dZ", seconds, (int)(date % MS));
	json_write(&payload,
	    "{\"jobId\":%,\"acknowledgedMessageId\":%,\"createdDate\":%,"
	    "\"statusCode\":%,\"errorMessage\":"
	    "\"Run Command is not supported by this agent\"}",
	    job->job, job->message, when, not_supported);
	return add_frame(out, FRAME_AGENT_JOB_ACK, &payload, date, err);
}
