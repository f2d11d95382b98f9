/* SPDX-License-Identifier: MIT */
/* A session with ports, between its client and a helper that the test plays:
 * its connections are sockets of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "serve/ports.h"
#include "unit/plugin.h"

enum { STEPS = 400, STEP_MS = 5, PORT = 5432, PIECE = 1000 };
enum { SYN, FIN, PSH };

/* They are big. */
static struct plugin p;
static struct ask ask, heard;
static struct ports ports;
static struct document doc;
static struct err err;
static int helper, rc;

static int
setup(void **state)
{
	int hand[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX,
	                     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	                     hand),
	    0);
	helper = hand[0];
	doc = (struct document){
		.kind = DOCUMENT_PORT, .port = PORT, .local = true
	};
	err = (struct err){ 0 };
	plugin_open(&p, DOCUMENT_PORT, true);
	ports = (struct ports){
		.doc = &doc, .flow = p.flow, .hand = hand[1], .ask = &ask
	};
	rc = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ports_close(&ports);
	close(helper);
	close(ports.hand);
	plugin_close(&p);
	return 0;
}

/* One round of a session worker. */
static void
step(void)
{
	struct flow_event event = { .kind = FLOW_READY };

	plugin_run(&p, STEP_MS);
	while (rc == 0 && flow_next(p.flow, &event, p.now, &err) == 1) {
		rc = ports_event(&ports, &event, p.now, &err);
		if (event.kind == FLOW_INPUT)
			break;
	}
	if (rc == 0)
		rc = ports_move(&ports, p.now, &err);
}

static void
steps(int n)
{
	while (n-- > 0)
		step();
}

/* What comes before the handshake is over is for nobody. */
static void
be_ready(void)
{
	for (int i = 0; i < STEPS && !ports.ready; i++)
		step();
	assert_true(ports.ready);
}

static void
say(unsigned command, unsigned char id, const char *text)
{
	unsigned char frame[SMUX_HEADER + PIECE] = { 1, (unsigned char)command,
		0, 0, id };
	size_t len = strlen(text);

	frame[2] = (unsigned char)(len & 0xff);
	frame[3] = (unsigned char)(len >> 8);
	for (size_t i = 0; i < len; i++)
		frame[SMUX_HEADER + i] = (unsigned char)text[i];
	plugin_send(&p, FRAME_OUTPUT, frame, SMUX_HEADER + len);
}

static bool
is_asked(enum ask_kind kind)
{
	int fds[PASS_MAX];
	size_t count = 0;

	return ask_take(helper, true, &heard, fds, &count) == 1 &&
	       heard.kind == kind;
}

static void
expect_dial(uint32_t id)
{
	for (int i = 0; i < STEPS; i++) {
		if (is_asked(ASK_DIAL)) {
			assert_int_equal(heard.id, id);
			assert_int_equal(heard.port, PORT);
			return;
		}
		step();
	}
	fail_msg("nobody is dialled");
}

/* The connection is there: the peer's end. */
static int
connect_one(uint32_t id)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	                     pair),
	    0);
	ask_make(&heard, ASK_CONNECTED);
	heard.id = id;
	assert_int_equal(ports_told(&ports, &heard, &pair[1], 1, &err), 0);
	return pair[0];
}

static int
fail_one(uint32_t id)
{
	ask_make(&heard, ASK_FAILED);
	heard.id = id;
	ask_say(&heard, slice_of("Connection refused"));
	return ports_told(&ports, &heard, NULL, 0, &err);
}

static void
expect_bytes(int peer, const char *text)
{
	char got[256] = "";
	size_t len = 0;

	for (int i = 0; i < STEPS && len < strlen(text); i++) {
		ssize_t n = read(peer, &got[len], sizeof got - 1 - len);

		len += n > 0 ? (size_t)n : 0;
		step();
	}
	assert_string_equal(got, text);
}

/* The client got this frame next. */
static void
expect_frame(unsigned command, unsigned char id, const char *text)
{
	static size_t at;
	struct slice got;
	size_t len = strlen(text);

	if (p.output.len == 0)
		at = 0;
	for (int i = 0; i < STEPS && p.output.len < at + SMUX_HEADER + len; i++)
		step();
	assert_true(p.output.len >= at + SMUX_HEADER + len);
	got = slice_skip(slice_make(p.output.data, p.output.len), at);
	assert_int_equal(got.ptr[1], command);
	assert_int_equal(got.ptr[2], len);
	assert_int_equal(got.ptr[4], id);
	assert_memory_equal(&got.ptr[SMUX_HEADER], text, len);
	at += SMUX_HEADER + len;
	if (at == p.output.len) {
		buf_cut(&p.output, 0);
		at = 0;
	}
}

static void
test_many(void **state)
{
	int one, two;

	(void)state;
	be_ready();
	say(SYN, 3, "");
	say(PSH, 3, "early");
	expect_dial(3);
	assert_int_equal(heard.address_size, 0);
	say(SYN, 5, "");
	expect_dial(5);
	one = connect_one(3);
	expect_bytes(one, "early");
	two = connect_one(5);
	say(PSH, 5, "two");
	expect_bytes(two, "two");
	assert_int_equal(write(one, "answer", 6), 6);
	expect_frame(PSH, 3, "answer");
	/* Half-open: the peer's answer comes after the client's end. */
	say(FIN, 3, "");
	steps(10);
	assert_int_equal(read(one, &(char[1]){ 0 }, 1), 0);
	assert_int_equal(write(one, "late", 4), 4);
	expect_frame(PSH, 3, "late");
	close(one);
	expect_frame(FIN, 3, "");
	/* The peer ends first. */
	close(two);
	expect_frame(FIN, 5, "");
	assert_int_equal(rc, 0);
}

static void
test_refused(void **state)
{
	(void)state;
	be_ready();
	say(SYN, 3, "");
	expect_dial(3);
	assert_int_equal(fail_one(3), 0);
	expect_frame(FIN, 3, "");
	assert_int_equal(p.flag, FLOW_CONNECT_ERROR);
	/* Word of one that is not there is nothing. */
	assert_int_equal(fail_one(3), 0);
	assert_int_equal(fail_one(77), 0);
	close(connect_one(77));
	say(SYN, 5, "");
	expect_dial(5);
	say(FIN, 5, "");
	steps(10);
	plugin_send(&p, FRAME_FLAG, "\0\0\0\2", 4);
	steps(10);
	assert_int_equal(rc, 1);
}

/* A peer that reads nothing: what waits has an end, and so has patience; other
 * connections go on after it. */
static void
test_peer_that_reads_nothing(void **state)
{
	static char text[PIECE + 1];
	int64_t until;
	int one, two;

	(void)state;
	memset(text, 'x', PIECE);
	be_ready();
	say(SYN, 3, "");
	expect_dial(3);
	one = connect_one(3);
	say(SYN, 5, "");
	expect_dial(5);
	two = connect_one(5);
	for (int i = 0; i < 600; i++)
		say(PSH, 3, text);
	say(PSH, 5, "behind");
	for (int i = 0; i < 10 * STEPS && ports_due(&ports) == INT64_MAX; i++)
		step();
	assert_in_range(ports.at[0].held.len, 1, PORTS_HELD);
	assert_true(ports_due(&ports) != INT64_MAX);
	until = p.now + SMUX_PATIENCE_MS;
	/* What was sent in excess comes again, a frame at a time. */
	while (p.now <= until || (p.first < p.next && p.now < 4 * until))
		step();
	expect_bytes(two, "behind");
	assert_false(smux_is_open(&ports.smux, 3));
	assert_int_equal(rc, 0);
	close(one);
	close(two);
}

/* A stream for SSH: it begins at once, and is the session. */
static void
test_stream(void **state)
{
	int peer;

	(void)state;
	doc.local = false;
	expect_dial(1);
	peer = connect_one(1);
	plugin_send(&p, FRAME_OUTPUT, "SSH-2.0", 7);
	expect_bytes(peer, "SSH-2.0");
	assert_int_equal(write(peer, "SSH", 3), 3);
	steps(10);
	assert_string_equal(buf_str(&p.output), "SSH");
	close(peer);
	steps(10);
	assert_int_equal(rc, 1);
}

static void
test_stream_refused(void **state)
{
	(void)state;
	doc.local = false;
	expect_dial(1);
	assert_int_equal(fail_one(1), -1);
	assert_string_equal(err.msg, "Connection refused");
}

/* A client that knows no multiplexer: one connection after another. */
static void
test_old_client(void **state)
{
	int peer;

	(void)state;
	p.response =
	    "{\"ClientVersion\":\"1.1.69.9\",\"ProcessedClientActions\":["
	    "{\"ActionType\":\"SessionType\",\"ActionStatus\":1}]}";
	expect_dial(1);
	peer = connect_one(1);
	plugin_send(&p, FRAME_OUTPUT, "one", 3);
	expect_bytes(peer, "one");
	plugin_send(&p, FRAME_FLAG, "\0\0\0\1", 4);
	steps(10);
	assert_int_equal(read(peer, &(char[1]){ 0 }, 1), 0);
	close(peer);
	plugin_send(&p, FRAME_OUTPUT, "two", 3);
	expect_dial(1);
	peer = connect_one(1);
	expect_bytes(peer, "two");
	close(peer);
	steps(10);
	assert_int_equal(rc, 0);
}

static void
test_denied(void **state)
{
	static const char *const hosts[] = { "169.254.170.2", "localhost",
		"::ffff:169.254.169.254", "127.1" };

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		struct flow_event event = { .kind = FLOW_READY };

		err = (struct err){ 0 };
		slice_copy(slice_of(hosts[i]), doc.host, sizeof doc.host);
		steps(1);
		assert_int_equal(ports_event(&ports, &event, p.now, &err), -1);
		assert_non_null(strstr(err.msg, "is forbidden"));
		assert_false(is_asked(ASK_DIAL));
	}
}

/* Bytes that are not smux end the session. */
static void
test_no_smux(void **state)
{
	(void)state;
	be_ready();
	plugin_send(&p, FRAME_OUTPUT, "GET / HTTP/1.1\r\n", 16);
	for (int i = 0; i < STEPS && rc == 0; i++)
		step();
	assert_int_equal(rc, -1);
	assert_int_not_equal(err.kind, ERR_KIND_NONE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_many), TEST(test_refused),
		TEST(test_peer_that_reads_nothing), TEST(test_stream),
		TEST(test_stream_refused), TEST(test_old_client),
		TEST(test_denied), TEST(test_no_smux) };

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
