/* SPDX-License-Identifier: MIT */
#include "aws/metadata.h"

#include <stdio.h>

#include "aws/api.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/slice.h"

enum { BODY_MAX = 64 * 1024 };

/* The base with the path below it. */
static int
join_url(struct url *out, const struct metadata *m, struct err *err)
{
	struct slice path = slice_of(m->base->path);
	size_t len;

	if (m->below[0] != '\0' && slice_ends(path, "/"))
		path.len--;
	*out = *m->base;
	len = (size_t)snprintf(out->path, sizeof out->path, "%.*s%s",
	    (int)path.len, path.ptr, m->below);
	if (len >= sizeof out->path)
		return err_set(err, ERR_KIND_CONFIG, "%s: path is too long",
		    m->what);
	return 0;
}

/* 0 if the answer can be used, or the reason in err. */
static int
judge_answer(struct metadata *m, struct err *err)
{
	const struct http_msg *answer = &m->answer;
	const char *body = buf_str(&answer->body);
	int status = answer->status;

	err->http_status = status;
	if (status >= 500 || status == 429)
		err->retry = ERR_TRANSIENT;
	/* Only an error answer is known to hold no secret. */
	if (status != 200)
		return err_set(err, ERR_KIND_PARSE, "status %d: %.200s", status,
		    status >= 400 ? body : "");
	if (answer->body.len > 0 &&
	    (!m->json ||
	        json_parse(&m->doc, body, answer->body.len, NULL) == 0))
		return 0;
	return err_set(err, ERR_KIND_PARSE, "the answer is %s",
	    m->json ? "not JSON" : "empty");
}

static int
ask_once(struct metadata *m, const struct url *url, struct err *err)
{
	const struct http_request request = {
		.method = m->put ? "PUT" : "GET",
		.url = url,
		.headers = m->headers,
		.header_count = (m->headers[0].value != NULL) +
		                (size_t)(m->headers[1].value != NULL),
		.has_length = m->put,
		.connect_ms = m->connect_ms,
		.read_ms = m->read_ms,
		/* For one that sends byte by byte. */
		.deadline = clock_min(m->deadline,
		    clock_in(m->connect_ms + 4 * (int64_t)m->read_ms)),
		.body_max = m->body_max != 0 ? m->body_max : BODY_MAX,
		.no_proxy = true,
	};

	metadata_free(m);
	if (m->api->transport.roundtrip(m->api->transport.context, &request,
	        &m->answer, err) != 0)
		return -1;
	return judge_answer(m, err);
}

/* Asking again would not make a certificate good. */
static bool
in_vain(const struct metadata *m, const struct err *cause)
{
	int status = cause->http_status;

	return cause->kind == ERR_KIND_TLS ||
	       (m->sparing && status != 0 && status < 500) ||
	       (m->settled != NULL && m->settled(cause));
}

/* Why the last attempt failed, in the words of the whole; nothing else of
 * the cause changes. */
static int
report_cause(const struct metadata *m, struct err *cause, struct err *err)
{
	enum err_kind kind = cause->kind;

	if (m->kind != ERR_KIND_NONE && kind != ERR_KIND_TLS)
		kind = m->kind;
	cause->kind = ERR_KIND_NONE;
	err_set(cause, kind, "%s from %.100s: %s", m->what, m->base->host,
	    cause->msg);
	if (err != NULL && err->kind == ERR_KIND_NONE)
		*err = *cause;
	return -1;
}

int
metadata_ask(struct metadata *m, struct err *err)
{
	struct err cause;
	struct url url;

	if (join_url(&url, m, err) != 0)
		return -1;
	for (int made = 1;; made++) {
		int64_t next;

		err_clear(&cause);
		if (ask_once(m, &url, &cause) == 0)
			return 0;
		next = clock_in(m->pause_ms);
		if (made >= m->attempts || in_vain(m, &cause) ||
		    clock_min(next, m->deadline) == m->deadline)
			return report_cause(m, &cause, err);
		clock_sleep(next);
	}
}

void
metadata_free(struct metadata *m)
{
	json_free(m->doc);
	m->doc = NULL;
	http_msg_free(&m->answer);
}
