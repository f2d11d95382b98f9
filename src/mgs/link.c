/* SPDX-License-Identifier: MIT */
#include "mgs/link.h"

#include <poll.h>
#include <string.h>

#include "aws/xml.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "net/duplex.h"

enum { CREATED = 201, TOKEN_MAX = 16384 };

static const char ping_text[] = "keepalive";

/* What differs between the two kinds of channels. */
struct names {
	const char *create, *open, *path, *query;
};

static const struct names control_names = { "CreateControlChannel",
	"OpenControlChannel", "/v1/control-channel/",
	"role=subscribe&stream=input" };
static const struct names data_names = { "CreateDataChannel", "OpenDataChannel",
	"/v1/data-channel/", "role=publish_subscribe" };

/* One that is being opened. */
struct opening {
	const struct link_in *in;
	const struct names *names;
	struct buf path, token;
	char request[RNG_UUID_SIZE];
};

/* TokenValue, in JSON or XML, whatever the root is. */
static int
take_token(struct buf *token, const struct api_reply *reply, struct err *err)
{
	struct slice body = slice_make(reply->body.data, reply->body.len);
	const char *text = NULL;
	struct json *doc = NULL;

	if (json_parse(&doc, body.ptr, body.len, NULL) == 0)
		text = json_string(json_find(doc, "TokenValue"));
	else if (xml_parse(&doc, body, NULL) == 0)
		text = json_string(json_find(json_first(doc), "TokenValue"));
	if (text != NULL) {
		struct slice trimmed = slice_trim(slice_of(text));

		buf_add(token, trimmed.ptr, trimmed.len);
	}
	json_free(doc);
	if (reply->status == CREATED && token->len > 0 && buf_ok(token))
		return 0;
	return err_set(err, ERR_KIND_PARSE,
	    "the answer of the message gateway has no token (status %d)",
	    reply->status);
}

static struct api_request
request_of(const struct opening *opening, const char *operation)
{
	return (struct api_request){
		.service = API_SSMMESSAGES,
		.operation = operation,
		.path = buf_str(&opening->path),
		.signer = { .kind = SIGV4_HMAC, .cred = opening->in->cred },
		.deadline = opening->in->deadline,
		.max_attempts = 1,
	};
}

static int
get_token(struct opening *opening, struct err *err)
{
	struct api_request req = request_of(opening, opening->names->create);
	struct api_reply reply = { 0 };
	struct buf body = { 0 };
	int rc;

	json_write(&body,
	    opening->in->session == NULL
	        ? "{\"MessageSchemaVersion\":\"1.0\",\"RequestId\":%}"
	        : "{\"MessageSchemaVersion\":\"1.0\",\"RequestId\":%,"
	          "\"ClientId\":\"\"}",
	    opening->request);
	req.body = buf_str(&body);
	rc = api_call(opening->in->api, &req, &reply, err);
	if (rc == 0)
		rc = take_token(&opening->token, &reply, err);
	api_reply_free(&reply);
	buf_free(&body);
	return rc;
}

static int
open_socket(struct opening *opening, struct duplex **out, struct err *err)
{
	char key[WEBSOCKET_KEY_SIZE];
	const struct api_request req =
	    request_of(opening, opening->names->open);
	const struct http_header headers[] = {
		{ "Upgrade", "websocket" },
		{ "Connection", "Upgrade" },
		{ "Sec-WebSocket-Version", "13" },
		{ "Sec-WebSocket-Key", key },
	};
	struct api_upgrade up = { .query = opening->names->query,
		.headers = headers,
		.header_count = sizeof headers / sizeof headers[0] };
	int rc = websocket_key(key, err);

	if (rc == 0)
		rc = api_upgrade(opening->in->api, &req, &up, err);
	if (rc == 0 && !websocket_accepts(key, http_msg_header(&up.answer,
	                                           "Sec-WebSocket-Accept"))) {
		rc = err_set(err, ERR_KIND_PARSE,
		    "the message gateway does not answer as a websocket");
	}
	http_msg_free(&up.answer);
	if (rc == 0)
		*out = up.line;
	else
		duplex_free(up.line);
	return rc;
}

/* The first message, with the token; it leaves with link_move(). */
static int
introduce(const struct opening *opening, struct websocket *ws, struct err *err)
{
	const struct order_opening first = {
		.token = buf_str(&opening->token),
		.request = opening->request,
		.version = opening->in->version,
	};
	struct buf text = { 0 };
	int rc = -1;

	if (opening->in->session == NULL)
		order_open_control(&text, &first);
	else
		order_open_data(&text, &first, opening->in->node);
	if (!buf_ok(&text))
		err_memory(err);
	else
		rc = websocket_put(ws, WEBSOCKET_TEXT,
		    slice_make(text.data, text.len), slice_of(NULL), err);
	buf_free(&text);
	return rc;
}

static int
open_steps(struct opening *opening, struct link *out, struct err *err)
{
	bool control = opening->in->session == NULL;

	buf_printf(&opening->path, "%s%s", opening->names->path,
	    control ? opening->in->node : opening->in->session);
	if (!buf_ok(&opening->path))
		return err_memory(err);
	if (rng_uuid(opening->request, err) != 0 ||
	    get_token(opening, err) != 0 ||
	    open_socket(opening, &out->duplex, err) != 0 ||
	    websocket_open(&out->ws,
	        control ? ORDER_MESSAGE_MAX : LINK_DATA_MAX, LINK_OUT,
	        err) != 0)
		return -1;
	out->pinged = out->heard = clock_ms();
	return introduce(opening, out->ws, err);
}

int
link_open(struct link *out, const struct link_in *in, struct err *err)
{
	struct opening opening = { .in = in,
		.names = in->session == NULL ? &control_names : &data_names,
		.token = { .max = TOKEN_MAX } };
	struct link new = { 0 };
	int rc = open_steps(&opening, &new, err);

	if (rc == 0)
		*out = new;
	else
		link_close(&new);
	buf_free(&opening.path);
	buf_free(&opening.token);
	return rc;
}

bool
link_is_over(const struct err *err)
{
	return slice_find(slice_of(err->peer_text),
	           "Session is already terminated") >= 0 ||
	       slice_eq(slice_of(err->peer_code), "ResourceNotFoundException");
}

void
link_close(struct link *link)
{
	duplex_free(link->duplex);
	websocket_free(link->ws);
	*link = (struct link){ .duplex = NULL };
}

int
link_fd(const struct link *link)
{
	return duplex_fd(link->duplex);
}

short
link_events(const struct link *link, bool reading, bool *ready)
{
	short events = duplex_events(link->duplex, reading);

	*ready = reading && duplex_ready(link->duplex);
	if (websocket_pending(link->ws).len > 0)
		events |= POLLOUT;
	return events;
}

static int
send_all(struct link *link, struct err *err)
{
	struct slice pending = websocket_pending(link->ws);
	size_t taken = 0;

	if (pending.len == 0 && !duplex_busy(link->duplex))
		return 0;
	if (duplex_write(link->duplex, pending.ptr, pending.len, &taken, err) !=
	    0)
		return -1;
	websocket_sent(link->ws, taken);
	return 0;
}

/* One piece at a time, as much as the websocket has room for. */
static int
receive(struct link *link, struct err *err)
{
	size_t room = 0, got = 0;
	char *to = websocket_room(link->ws, &room);
	int rc = duplex_read(link->duplex, to, room, &got, err);

	if (rc != 0)
		return rc;
	websocket_grew(link->ws, got);
	if (got > 0)
		link->heard = clock_ms();
	return 0;
}

static int
keep_alive(struct link *link, bool reading, struct err *err)
{
	int64_t now = clock_ms();

	/* Who does not read hears nothing. */
	if (!reading && link->heard < now - LINK_PING_MS)
		link->heard = now - LINK_PING_MS;
	if (now - link->heard > LINK_PING_MS + LINK_QUIET_MS) {
		err_set(err, ERR_KIND_CONNECTION,
		    "the message gateway is silent");
		if (err != NULL)
			err->retry = ERR_TRANSIENT;
		return -1;
	}
	if (now - link->pinged < LINK_PING_MS ||
	    !websocket_fits(link->ws, sizeof ping_text))
		return 0;
	link->pinged = now;
	return websocket_put(link->ws, WEBSOCKET_PING, slice_of(ping_text),
	    slice_of(NULL), err);
}

int
link_move(struct link *link, bool reading, struct err *err)
{
	int rc = keep_alive(link, reading, err);

	if (rc == 0 && reading)
		rc = receive(link, err);
	/* What is to be sent may still arrive, whatever the peer does. */
	return send_all(link, rc == 0 ? err : NULL) == 0 ? rc : -1;
}

int64_t
link_deadline(const struct link *link)
{
	return clock_min(link->pinged + LINK_PING_MS,
	    link->heard + LINK_PING_MS + LINK_QUIET_MS + 1);
}
