/* SPDX-License-Identifier: MIT */
#include "serve/ports.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "mgs/deny.h"
#include "net/resolve.h"

/* The one connection of a session without multiplexer. */
enum { ONLY = 1 };

enum { PIECE = 16 * FLOW_PAYLOAD };

/* Clients multiplex from this version on, if the agent does. */
static const char least_mux[] = "1.1.70";

static struct ports_stream *
find(struct ports *ports, uint32_t id)
{
	for (size_t i = 0; i < SMUX_STREAMS; i++) {
		if (ports->at[i].id == id)
			return &ports->at[i];
	}
	return NULL;
}

static void
drop(struct ports *ports, struct ports_stream *stream)
{
	if (stream->fd != 0)
		close(stream->fd);
	if (stream->dialing) {
		ask_make(ports->ask, ASK_CLOSE);
		ports->ask->id = stream->id;
		ask_send(ports->hand, ports->ask, NULL, 0);
	}
	buf_free(&stream->held);
	*stream = (struct ports_stream){ .id = 0 };
}

/* Both directions are over, whatever the client thinks. */
static void
end(struct ports *ports, struct ports_stream *stream)
{
	smux_end(&ports->smux, stream->id, true);
	drop(ports, stream);
}

static int
denied(struct cidr_list *found, const char *host, struct err *err)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct cidr_address *at = &found->at[i];

		if (deny_address(at->bytes, at->size)) {
			found->count = 0;
			return deny_say(host, err);
		}
	}
	return 0;
}

/* The addresses of the remote host; none for this one. */
static int
look_up(struct ports *ports, int64_t now, struct err *err)
{
	const char *host = ports->doc->host;

	if (*host == '\0' ||
	    (ports->found.count > 0 && now - ports->found_at < PORTS_KEPT_MS))
		return 0;
	if (deny_host(host))
		return deny_say(host, err);
	ports->found.count = 0;
	if (resolve_host(host, false, clock_in(PORTS_RESOLVE_MS), &ports->found,
	        err) != 0)
		return err_wrap(err, "Unable to connect to specified port");
	ports->found_at = now;
	return denied(&ports->found, host, err);
}

/* Ask the helper to try the stream's next address. */
static int
dial(struct ports *ports, struct ports_stream *stream, struct err *err)
{
	struct ask *ask = ports->ask;

	ask_make(ask, ASK_DIAL);
	ask->id = stream->id;
	ask->port = ports->doc->port;
	if (*ports->doc->host != '\0') {
		const struct cidr_address *to = &ports->found.at[stream->next];

		memcpy(ask->address, to->bytes, sizeof ask->address);
		ask->address_size = to->size;
		ask->scope = to->scope;
	}
	stream->next++;
	stream->dialing = true;
	if (ask_send(ports->hand, ask, NULL, 0) == 0)
		return 0;
	return err_sys(err, ERR_KIND_SYSTEM, "the session's helper is gone");
}

static bool
has_next(const struct ports *ports, const struct ports_stream *stream)
{
	return *ports->doc->host != '\0' && stream->next < ports->found.count;
}

/* A new one, or NULL. */
static struct ports_stream *
open_stream(struct ports *ports, uint32_t id, int64_t now, struct err *err)
{
	struct ports_stream *stream = find(ports, 0);

	/* There are as many as the multiplexer lets be opened. */
	if (stream == NULL) {
		err_set(err, ERR_KIND_CONNECTION, "too many connections");
		return NULL;
	}
	*stream = (struct ports_stream){
		.id = id,
		.held = { .max = PORTS_HELD },
		.moved = now,
	};
	if (look_up(ports, now, err) == 0 && dial(ports, stream, err) == 0)
		return stream;
	stream->id = 0;
	return NULL;
}

/* No connection: with the multiplexer that is the stream's affair. */
static int
fail(struct ports *ports, uint32_t id, struct err *err)
{
	struct ports_stream *stream = find(ports, id);

	if (!ports->mux)
		return -1;
	err_clear(err);
	flow_flag(ports->flow, FLOW_CONNECT_ERROR);
	smux_end(&ports->smux, id, true);
	if (stream != NULL)
		drop(ports, stream);
	return 0;
}

/* A session whose host is refused, or unknown, fails at once. */
static int
begin(struct ports *ports, int64_t now, struct err *err)
{
	ports->ready = true;
	ports->mux =
	    ports->doc->local && flow_client_has(ports->flow, least_mux);
	if (ports->mux)
		return look_up(ports, now, err);
	return open_stream(ports, ONLY, now, err) != NULL ? 0 : -1;
}

/* What is left of the data is to wait, 0 of it was written. */
static size_t
hold(struct ports_stream *stream, struct slice data)
{
	if (stream->held_at > 0) {
		memmove(stream->held.data, &stream->held.data[stream->held_at],
		    stream->held.len - stream->held_at);
		buf_cut(&stream->held, stream->held.len - stream->held_at);
		stream->held_at = 0;
	}
	data = slice_head(data, PORTS_HELD - stream->held.len);
	buf_add(&stream->held, data.ptr, data.len);
	return buf_ok(&stream->held) ? data.len : 0;
}

static bool
has_held(const struct ports_stream *stream)
{
	return stream->held_at < stream->held.len;
}

/* Give bytes to the connection: how many it took, or -1, it is broken. */
static ssize_t
give(const struct ports_stream *stream, struct slice data)
{
	ssize_t n = write(stream->fd, data.ptr, data.len);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* As give(), of a stream that may have to wait. */
static ssize_t
take(struct ports_stream *stream, struct slice data)
{
	ssize_t n = 0;

	if (stream->fd != 0 && !has_held(stream))
		n = give(stream, data);
	if (n < 0)
		return -1;
	return n + (ssize_t)hold(stream, slice_skip(data, (size_t)n));
}

/* One event of the multiplexer; false: it has to wait. */
static bool
obey(struct ports *ports, const struct smux_event *event, struct slice *bytes,
    int64_t now)
{
	struct ports_stream *stream = find(ports, event->id);
	struct err err = { 0 };
	ssize_t n = 0;

	if (event->kind == SMUX_OPEN) {
		if (open_stream(ports, event->id, now, &err) == NULL)
			fail(ports, event->id, &err);
	} else if (event->kind == SMUX_REFUSE) {
		flow_flag(ports->flow, FLOW_CONNECT_ERROR);
	} else if (stream != NULL && event->kind == SMUX_EOF) {
		stream->ending = true;
		stream->moved = now;
	} else if (stream != NULL) {
		n = take(stream, event->data);
		if (n < 0)
			end(ports, stream);
		else
			smux_taken(&ports->smux, bytes, (size_t)n, now);
		return n < 0 || (size_t)n == event->data.len;
	}
	return true;
}

static int
demultiplex(struct ports *ports, struct slice data, int64_t now,
    struct err *err)
{
	struct slice rest = data;
	struct smux_event event;
	int rc;

	do {
		rc = smux_next(&ports->smux, &rest, &event, err);
	} while (rc == 1 && obey(ports, &event, &rest, now));
	flow_taken(ports->flow, data.len - rest.len);
	return rc < 0 ? -1 : 0;
}

/* The only connection is gone: a port waits for the next one. */
static int
lost(struct ports *ports, struct ports_stream *stream)
{
	drop(ports, stream);
	return ports->doc->local ? 0 : 1;
}

static int
feed_only(struct ports *ports, struct slice data, int64_t now, struct err *err)
{
	struct ports_stream *stream = find(ports, ONLY);
	ssize_t n;

	if (stream != NULL && stream->ending)
		drop(ports, stream);
	if (stream == NULL || stream->id == 0)
		stream = open_stream(ports, ONLY, now, err);
	if (stream == NULL)
		return -1;
	n = take(stream, data);
	flow_taken(ports->flow, n < 0 ? data.len : (size_t)n);
	return n < 0 ? lost(ports, stream) : 0;
}

int
ports_event(struct ports *ports, const struct flow_event *event, int64_t now,
    struct err *err)
{
	struct ports_stream *only = find(ports, ONLY);

	switch (event->kind) {
	case FLOW_READY:
		return begin(ports, now, err);
	case FLOW_INPUT:
		return ports->mux ? demultiplex(ports, event->data, now, err)
		                  : feed_only(ports, event->data, now, err);
	case FLOW_FLAGGED:
		if (event->flag == FLOW_TERMINATE)
			return 1;
		if (!ports->mux && only != NULL)
			only->ending = true;
		return 0;
	default:
		return 0;
	}
}

int
ports_told(struct ports *ports, const struct ask *ask, const int *fds,
    size_t count, struct err *err)
{
	struct ports_stream *stream =
	    ask->id != 0 ? find(ports, ask->id) : NULL;
	char text[ERR_MSG_MAX];

	for (size_t i = ask->kind == ASK_CONNECTED && stream != NULL &&
	                stream->fd == 0;
	     i < count; i++)
		close(fds[i]);
	if (stream == NULL || stream->fd != 0)
		return 0;
	stream->dialing = false;
	if (ask->kind == ASK_CONNECTED && count > 0) {
		stream->fd = fds[0];
		return 0;
	}
	if (has_next(ports, stream))
		return dial(ports, stream, err);
	err_clean(text, sizeof text, ask->text, ask->len);
	err_set(err, ERR_KIND_CONNECTION, "%s", text);
	return fail(ports, ask->id, err);
}

/* Bytes that waited, and then that there are no more: -1, it is broken. */
static int
flush(struct ports_stream *stream)
{
	struct slice left = slice_make(stream->held.data, stream->held.len);
	ssize_t n = 0;

	if (has_held(stream))
		n = give(stream, slice_skip(left, stream->held_at));
	if (n < 0)
		return -1;
	stream->held_at += (size_t)n;
	if (!has_held(stream) && stream->held.cap > 0) {
		buf_free(&stream->held);
		stream->held_at = 0;
	}
	if (stream->ending && !stream->ended && !has_held(stream)) {
		stream->ended = true;
		shutdown(stream->fd, SHUT_WR);
	}
	return 0;
}

/* Room for a frame with its head, worth a read. */
static size_t
room_for(const struct ports *ports)
{
	size_t room = flow_room(ports->flow);

	if (room < FLOW_PAYLOAD)
		return 0;
	return (room < PIECE ? room : PIECE) - SMUX_HEADER;
}

/* Read a piece: 1 some, 0 none now, -1 there is no more. */
static int
read_piece(struct ports *ports, struct ports_stream *stream, int64_t now)
{
	char bytes[PIECE];
	unsigned char head[SMUX_HEADER];
	size_t most = room_for(ports);
	ssize_t n;

	if (most == 0)
		return 0;
	n = read(stream->fd, &bytes[SMUX_HEADER], most);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	stream->moved = now;
	if (!ports->mux) {
		flow_send(ports->flow, FRAME_OUTPUT, &bytes[SMUX_HEADER],
		    (size_t)n);
		return 1;
	}
	smux_head(head, stream->id, (size_t)n);
	memcpy(bytes, head, sizeof head);
	flow_send(ports->flow, FRAME_OUTPUT, bytes, SMUX_HEADER + (size_t)n);
	return 1;
}

/* The client has ended, and so has the peer, or it is silent. */
static bool
is_done(const struct ports *ports, const struct ports_stream *stream,
    int64_t now)
{
	if (stream->heard && !ports->mux)
		return true;
	return stream->ended &&
	       (stream->heard || now - stream->moved >= PORTS_HALF_OPEN_MS);
}

/* 1: the session is over with this connection. */
static int
move_one(struct ports *ports, struct ports_stream *stream, int64_t now)
{
	if (flush(stream) != 0) {
		if (!ports->mux)
			return lost(ports, stream);
		end(ports, stream);
		return 0;
	}
	if (!stream->heard && read_piece(ports, stream, now) < 0) {
		stream->heard = true;
		if (ports->mux)
			smux_end(&ports->smux, stream->id, false);
	}
	if (!is_done(ports, stream, now))
		return 0;
	if (!ports->mux)
		return lost(ports, stream);
	end(ports, stream);
	return 0;
}

static void
send_fins(struct ports *ports)
{
	unsigned char fin[SMUX_HEADER];

	while (flow_room(ports->flow) >= SMUX_HEADER &&
	       smux_fin(&ports->smux, fin))
		flow_send(ports->flow, FRAME_OUTPUT, fin, sizeof fin);
}

int
ports_move(struct ports *ports, int64_t now, struct err *err)
{
	uint32_t stuck = smux_stuck(&ports->smux, now);
	struct ports_stream *stream = stuck != 0 ? find(ports, stuck) : NULL;
	int rc = 0;

	(void)err;
	if (stream != NULL)
		end(ports, stream);
	for (size_t i = 0; rc == 0 && i < SMUX_STREAMS; i++) {
		stream = &ports->at[(ports->turn + i) % SMUX_STREAMS];
		if (stream->fd != 0)
			rc = move_one(ports, stream, now);
	}
	ports->turn = (ports->turn + 1) % SMUX_STREAMS;
	send_fins(ports);
	return rc;
}

size_t
ports_poll(const struct ports *ports, struct pollfd fds[static SMUX_STREAMS])
{
	bool room = room_for(ports) > 0;
	size_t n = 0;

	for (size_t i = 0; i < SMUX_STREAMS; i++) {
		const struct ports_stream *stream = &ports->at[i];
		short events = (short)((room && !stream->heard ? POLLIN : 0) |
		                       (has_held(stream) ? POLLOUT : 0));

		if (stream->fd != 0 && events != 0)
			fds[n++] = (struct pollfd){ stream->fd, events, 0 };
	}
	return n;
}

int64_t
ports_due(const struct ports *ports)
{
	int64_t due = INT64_MAX;

	if (ports->smux.held_since != 0)
		due = ports->smux.held_since + SMUX_PATIENCE_MS;
	for (size_t i = 0; i < SMUX_STREAMS; i++) {
		if (ports->at[i].fd != 0 && ports->at[i].ended)
			due = clock_min(due,
			    ports->at[i].moved + PORTS_HALF_OPEN_MS);
	}
	return due;
}

void
ports_close(struct ports *ports)
{
	for (size_t i = 0; i < SMUX_STREAMS; i++) {
		if (ports->at[i].id != 0)
			drop(ports, &ports->at[i]);
	}
}
