#include "aws/attempt.h"

#include <stddef.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred.h"
#include "aws/fault.h"
#include "aws/wire.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

enum { JSON_MAX = 4 * 1024 * 1024, QUERY_MAX = 256 * 1024 };

static void
copy_header(const struct http_msg *answer, const char *name, char *out,
    size_t size)
{
	struct slice value = slice_of(http_msg_header(answer, name));

	err_clean(out, size, value.ptr, value.len);
}

static void
note_answer(struct attempt *call, const struct http_msg *answer)
{
	struct slice after =
	    slice_of(http_msg_header(answer, "x-amz-retry-after"));
	uint64_t ms;

	call->reply->status = answer->status;
	copy_header(answer, "x-amzn-requestid", call->reply->request_id,
	    sizeof call->reply->request_id);
	copy_header(answer, "date", call->date, sizeof call->date);
	if (slice_u64(after, INT64_MAX, &ms))
		call->after_ms = (int64_t)ms;
}

static int
refuse(struct attempt *call, const struct http_msg *answer, struct err *err)
{
	const struct sigv4_signer *signer = &call->req->signer;
	struct fault_answer fault = {
		.status = answer->status,
		.query = call->service->target == NULL,
		.type = http_msg_header(answer, "x-amzn-errortype"),
		.id = http_msg_header(answer, "x-amzn-requestid"),
		.body = answer->body.data,
		.body_len = answer->body.len,
		.secrets = { signer->kind == SIGV4_HMAC ? signer->cred->token
		                                        : NULL,
		    call->req->secret },
	};
	bool id;

	fault_decode(&fault, err);
	id = err->request_id[0] != '\0';
	err_set(err, ERR_KIND_API, "%s at %s: %s%s%s%s%s%s",
	    call->req->operation, call->endpoint.url.host, err->peer_code,
	    err->peer_text[0] != '\0' ? ": " : "", err->peer_text,
	    id ? " (request id " : "", err->request_id, id ? ")" : "");
	if (fault_is_access(err->peer_code))
		err->code = ERR_ACCESS;
	return -1;
}

static int
send(struct attempt *call, const struct wire *wire, struct err *err)
{
	struct api *api = call->api;
	struct http_request request = {
		.method = "POST",
		.url = &call->endpoint.url,
		/* The transport writes Host, the first one, by itself. */
		.headers = &wire->headers[1],
		.header_count = wire->count - 1,
		.body = call->body.data,
		.body_len = call->body.len,
		.has_length = true,
		.read_ms = conf_options(api->conf)->read_timeout_ms,
		.deadline = call->deadline,
		.body_max =
		    call->service->target != NULL ? JSON_MAX : QUERY_MAX,
	};
	struct http_msg answer = { .status = 0 };
	int rc;

	call->reply->attempts++;
	rc = api->transport.roundtrip(api->transport.context, &request, &answer,
	    err);
	if (rc != 0) {
		err_wrap(err, call->req->operation);
		goto out;
	}
	note_answer(call, &answer);
	if (answer.status < 200 || answer.status > 299) {
		rc = refuse(call, &answer, err);
		goto out;
	}
	call->reply->body = answer.body;
	answer.body = (struct buf){ .max = 0 };
out:
	http_msg_free(&answer);
	return rc;
}

int
attempt_make(struct attempt *call, struct err *err)
{
	struct wire wire = { .count = 0 };
	int rc;

	call->date[0] = '\0';
	call->after_ms = -1;
	rc = wire_format(&wire, call, clock_now() + call->api->clock_offset,
	    err);
	if (rc == 0)
		rc = send(call, &wire, err);
	wire_free(&wire);
	log_debug("%s: attempt %d of %d: %s", call->req->operation,
	    call->reply->attempts, call->max, rc == 0 ? "done" : err->msg);
	return rc;
}
