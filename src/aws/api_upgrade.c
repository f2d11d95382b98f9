/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred/value.h"
#include "aws/fault.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/duplex.h"

enum { SWITCHING = 101, EXTRA_MAX = 6, SIGNED_MAX = 3, BODY_MAX = 64 * 1024 };

/* The request, with what its headers point to. */
struct opening {
	struct http_header headers[SIGNED_MAX + EXTRA_MAX + 2];
	size_t count;
	char date[CLOCK_BASIC_SIZE];
	struct buf host, authorization;
	struct endpoint endpoint;
};

static void
add_header(struct opening *opening, const char *name, const char *value)
{
	if (value != NULL && *value != '\0')
		opening->headers[opening->count++] =
		    (struct http_header){ name, value };
}

/* Signed are Host, X-Amz-Date and X-Amz-Security-Token, as the published
 * agent does it. */
static int
sign(struct opening *opening, const struct api *api,
    const struct api_request *req, const struct api_upgrade *up,
    struct err *err)
{
	struct sigv4_request text = {
		.method = "GET",
		.path = opening->endpoint.url.path,
		.query = up->query,
		.headers = opening->headers,
		.region = opening->endpoint.region,
		.service = opening->endpoint.service,
		.when = clock_now() + api->clock_offset,
	};

	url_authority(&opening->endpoint.url, &opening->host);
	clock_basic(text.when, opening->date);
	add_header(opening, "Host", buf_str(&opening->host));
	add_header(opening, "X-Amz-Date", opening->date);
	add_header(opening, "X-Amz-Security-Token", req->signer.cred->token);
	text.header_count = opening->count;
	if (!buf_ok(&opening->host))
		return err_memory(err);
	return sigv4_sign(&text, &req->signer, NULL, &opening->authorization,
	    err);
}

static int
prepare(struct opening *opening, const struct api *api,
    const struct api_request *req, const struct api_upgrade *up,
    struct err *err)
{
	const char *flag = conf_options(api->conf)->endpoint_url;
	struct buf query = { 0 };
	int rc = 0;

	if (endpoint_find(&opening->endpoint, api->conf,
	        api_service_name(req->service), api->region, flag, err) != 0 ||
	    url_append(&opening->endpoint.url, req->path, err) != 0 ||
	    sign(opening, api, req, up, err) != 0)
		return -1;
	add_header(opening, "Authorization", buf_str(&opening->authorization));
	add_header(opening, "User-Agent", api->user_agent);
	for (size_t i = 0; i < up->header_count && i < EXTRA_MAX; i++)
		add_header(opening, up->headers[i].name, up->headers[i].value);
	if (up->query == NULL)
		return 0;
	buf_printf(&query, "?%s", up->query);
	rc = url_append(&opening->endpoint.url, buf_str(&query), err);
	buf_free(&query);
	return rc;
}

static int
refuse(const struct api_request *req, const struct opening *opening,
    const struct http_msg *answer, struct err *err)
{
	const struct fault_answer fault = {
		.status = answer->status,
		.rest = true,
		.type = http_msg_header(answer, "x-amzn-errortype"),
		.id = http_msg_header(answer, "x-amzn-requestid"),
		.body = answer->body.data,
		.body_len = answer->body.len,
		.secrets = { req->signer.cred->token },
	};
	struct err now = { 0 };

	fault_decode(&fault, &now);
	err_set(&now, ERR_KIND_API, "%s at %s: %s%s%s", req->operation,
	    opening->endpoint.url.host, now.peer_code,
	    now.peer_text[0] != '\0' ? ": " : "", now.peer_text);
	if (fault_is_access(now.peer_code))
		now.code = ERR_ACCESS;
	retry_classify(&now, false);
	if (err != NULL && err->kind == ERR_KIND_NONE)
		*err = now;
	return -1;
}

int
api_upgrade(struct api *api, const struct api_request *req,
    struct api_upgrade *up, struct err *err)
{
	struct opening opening = { 0 };
	struct http_request request = {
		.method = "GET",
		.url = &opening.endpoint.url,
		/* The transport writes Host, the first one, by itself. */
		.headers = &opening.headers[1],
		.read_ms = conf_options(api->conf)->read_timeout_ms,
		.deadline = req->deadline,
		.body_max = BODY_MAX,
	};
	int rc = prepare(&opening, api, req, up, err);

	if (rc == 0) {
		request.header_count = opening.count - 1;
		rc = api->transport.upgrade(api->transport.context, &request,
		    &up->answer, &up->line, err);
		if (rc != 0)
			err_wrap(err, req->operation);
		else if (up->answer.status != SWITCHING)
			rc = refuse(req, &opening, &up->answer, err);
	}
	buf_free(&opening.host);
	buf_free(&opening.authorization);
	return rc;
}
