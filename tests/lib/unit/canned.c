/* SPDX-License-Identifier: MIT */
#include "unit/canned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/slice.h"
#include "net/duplex.h"
#include "net/http.h"

enum { SWITCHING = 101 };

const struct canned_answer canned_ok[1] = { { .status = 200,
    .headers = "x-amzn-RequestId: r-1\r\n",
    .body = "{\"a\":1}" } };

const struct api_request canned_create = { .service = API_SSM,
	.operation = "CreateActivation",
	.body = "{\"IamRole\":\"r\"}",
	.signer = { .kind = SIGV4_HMAC } };

static void
write_down(struct canned *c, const struct http_request *request)
{
	struct buf text = { 0 };

	assert_true(c->used < CANNED_SEEN);
	buf_printf(&text, "%s %s://", request->method,
	    request->url->tls ? "https" : "http");
	url_authority(request->url, &text);
	buf_printf(&text, "%s\n", request->url->path);
	for (size_t i = 0; i < request->header_count; i++)
		buf_printf(&text, "%s: %s\n", request->headers[i].name,
		    request->headers[i].value);
	buf_putc(&text, '\n');
	buf_add(&text, request->body, request->body_len);
	assert_true(slice_copy(slice_of(buf_str(&text)), c->seen[c->used],
	    CANNED_TEXT));
	buf_free(&text);
}

static int
give(const struct canned_answer *a, struct http_msg *answer, struct err *err)
{
	const char *body = a->body != NULL ? a->body : "";
	struct buf text = { 0 };
	size_t used;
	int rc;

	buf_printf(&text, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s",
	    a->status, strlen(body), a->headers != NULL ? a->headers : "",
	    body);
	rc = http_msg_feed(answer, buf_str(&text), text.len, &used, err);
	assert_int_equal(used, text.len);
	buf_free(&text);
	return rc;
}

/* What a websocket's server makes of the key. */
static int
accept_key(const struct http_request *request, struct http_msg *answer,
    struct err *err)
{
	struct canned_answer a = { .status = SWITCHING };
	unsigned char sum[DIGEST_SHA1_LEN];
	struct buf text = { 0 }, header = { 0 };
	int rc;

	for (size_t i = 0; i < request->header_count; i++) {
		if (slice_eq(slice_of(request->headers[i].name),
		        "Sec-WebSocket-Key"))
			buf_puts(&text, request->headers[i].value);
	}
	buf_puts(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	digest_sha1(text.data, text.len, sum);
	buf_puts(&header, "Sec-WebSocket-Accept: ");
	buf_base64(&header, sum, sizeof sum);
	buf_puts(&header, "\r\n");
	a.headers = buf_str(&header);
	rc = give(&a, answer, err);
	buf_free(&text);
	buf_free(&header);
	return rc;
}

static int
next_answer(struct canned *c, const struct http_request *request, bool upgrade,
    struct http_msg *answer, struct err *err)
{
	const struct canned_answer *a;

	assert_true(c->used < c->count);
	write_down(c, request);
	c->body_max = request->body_max;
	c->read_ms = request->read_ms;
	a = &c->answers[c->used++];
	http_msg_init(answer, request->body_max, false);
	answer->upgrade = upgrade;
	if (a->status == SWITCHING && a->headers == NULL)
		return accept_key(request, answer, err);
	if (a->status != 0)
		return give(a, answer, err);
	err_set(err, a->fault, "connect: canned fault");
	err->retry = a->retry;
	err->ambiguous = a->ambiguous;
	return -1;
}

static int
roundtrip(void *context, const struct http_request *request,
    struct http_msg *answer, struct err *err)
{
	return next_answer(context, request, false, answer, err);
}

/* The line is a socket, of which the test has the other end. */
static int
upgrade(void *context, const struct http_request *request,
    struct http_msg *answer, struct duplex **line, struct err *err)
{
	struct duplex_parts parts = { .fd = -1 };
	struct canned *c = context;
	int ends[2];

	if (next_answer(c, request, true, answer, err) != 0)
		return -1;
	if (answer->status != SWITCHING)
		return 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	                     ends),
	    0);
	parts.fd = ends[0];
	c->peer = ends[1];
	return duplex_make(line, &parts, err);
}

static void
add_var(struct canned *c, const char *var)
{
	size_t i = 0;

	while (c->vars[i] != NULL)
		i++;
	assert_true(i < CANNED_VARS);
	c->vars[i] = slice_dup(slice_of(var));
}

void
canned_open(struct canned *c, const char *const *vars)
{
	struct conf_options options = { .env = { c->vars } };

	*c = (struct canned){ .peer = -1 };
	add_var(c, "HOME=/nonexistent");
	for (size_t i = 0; vars != NULL && vars[i] != NULL; i++)
		add_var(c, vars[i]);
	assert_int_equal(conf_open(&c->conf, &options, &c->err), 0);
	c->api.conf = c->conf;
	c->api.transport = (struct transport){
		.context = c, .roundtrip = roundtrip, .upgrade = upgrade
	};
	(void)slice_copy(slice_of("eu-central-1"), c->api.region,
	    sizeof c->api.region);
	c->cred.access_key = slice_dup(slice_of("AKIDEXAMPLE"));
	c->cred.secret_key = slice_dup(slice_of("wJalrXUtnFEMI"));
	c->cred.token = slice_dup(slice_of("TOKEN/of+session=="));
	c->cred.method = "env";
}

void
canned_close(struct canned *c)
{
	if (c->peer >= 0)
		close(c->peer);
	cred_value_free(&c->cred);
	api_reply_free(&c->reply);
	conf_free(c->conf);
	for (size_t i = 0; c->vars[i] != NULL; i++)
		free(c->vars[i]);
}

int
canned_call(struct canned *c, const struct api_request *req,
    const struct canned_answer *answers, size_t count)
{
	struct api_request own = *req;
	int rc;

	api_reply_free(&c->reply);
	err_clear(&c->err);
	c->answers = answers;
	c->count = count;
	c->used = 0;
	if (own.signer.kind == SIGV4_HMAC)
		own.signer.cred = &c->cred;
	rc = api_call(&c->api, &own, &c->reply, &c->err);
	assert_int_equal(c->used, count);
	return rc;
}

struct transport
canned_transport(struct canned *c, const struct canned_answer *answers,
    size_t count)
{
	c->answers = answers;
	c->count = count;
	c->used = 0;
	return (struct transport){
		.context = c, .roundtrip = roundtrip, .upgrade = upgrade
	};
}

void
canned_header(const struct canned *c, size_t n, const char *name, char *out,
    size_t size)
{
	struct slice rest = slice_of(c->seen[n]), line, head, value;

	assert_true(n < c->used);
	while (slice_line(&rest, &line) && line.len > 0) {
		if (slice_split(line, ':', &head, &value) &&
		    slice_eq_nocase(head, name)) {
			assert_true(slice_copy(slice_trim(value), out, size));
			return;
		}
	}
	fail_msg("no header %s in request %zu", name, n);
}

bool
canned_has(const struct canned *c, size_t n, const char *text)
{
	assert_true(n < c->used);
	return strstr(c->seen[n], text) != NULL;
}
