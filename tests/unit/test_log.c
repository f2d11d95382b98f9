/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"

enum { LINE_MAX_LEN = 4096, TEXT_MAX = 3 * LINE_MAX_LEN };

/* Standard error for one call: a socket that keeps each write apart. */
struct capture {
	int reader;
	int saved;
	char line[TEXT_MAX];
};

static void
capture_start(struct capture *c)
{
	int pair[2];

	(void)fflush(stderr);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
	                     pair),
	    0);
	c->reader = pair[0];
	c->saved = dup(STDERR_FILENO);
	assert_int_not_equal(dup2(pair[1], STDERR_FILENO), -1);
	(void)close(pair[1]);
}

/* How many writes there were; the last one is in c->line. */
static int
capture_end(struct capture *c)
{
	int count = 0;
	ssize_t n;

	assert_int_not_equal(dup2(c->saved, STDERR_FILENO), -1);
	(void)close(c->saved);
	c->line[0] = '\0';
	while ((n = recv(c->reader, c->line, sizeof c->line - 1,
	            MSG_DONTWAIT)) > 0) {
		c->line[n] = '\0';
		count++;
	}
	(void)close(c->reader);
	return count;
}

static void
test_text_line_names_program_and_level(void **state)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	struct capture c;
	char wanted[64];

	(void)state;
	log_open(LOG_DEBUG, LOG_TEXT);
	for (size_t i = 0; i < 4; i++) {
		capture_start(&c);
		log_event((enum log_level)i, "node_up", "%s is %d", "x", 7);
		assert_int_equal(capture_end(&c), 1);
		(void)snprintf(wanted, sizeof wanted,
		    "ssm-activate: %s: x is 7\n", names[i]);
		assert_string_equal(c.line, wanted);
	}
	capture_start(&c);
	log_debug("sent %d", 1);
	assert_int_equal(capture_end(&c), 1);
	assert_string_equal(c.line, "ssm-activate: debug: sent 1\n");
}

static void
test_level_holds_back(void **state)
{
	struct err err = { 0 };
	struct capture c;

	(void)state;
	(void)err_set(&err, ERR_KIND_API, "x");
	log_open(LOG_WARN, LOG_TEXT);
	assert_true(log_enabled(LOG_ERROR));
	assert_true(log_enabled(LOG_WARN));
	assert_false(log_enabled(LOG_INFO));
	capture_start(&c);
	log_event(LOG_INFO, "e", "x");
	log_debug("x");
	log_err(LOG_INFO, "e", &err);
	log_forward(LOG_DEBUG, "agent", "x");
	assert_int_equal(capture_end(&c), 0);
}

static void
test_json_line_is_json(void **state)
{
	struct json *doc = NULL;
	struct capture c;
	struct slice time;

	(void)state;
	log_open(LOG_INFO, LOG_JSON);
	capture_start(&c);
	log_event(LOG_WARN, "node_up", "a \"b\" \\ \n\t\x1b[0m \xc3\xa4 \xff");
	assert_int_equal(capture_end(&c), 1);
	assert_int_equal(c.line[strlen(c.line) - 1], '\n');
	assert_int_equal(json_parse(&doc, c.line, strlen(c.line), NULL), 0);
	assert_string_equal(json_text(doc, "level"), "warn");
	assert_string_equal(json_text(doc, "event"), "node_up");
	assert_string_equal(json_text(doc, "message"),
	    "a \"b\" \\ ???[0m \xc3\xa4 ?");
	assert_null(json_get(doc, "node"));
	time = slice_of(json_text(doc, "time"));
	assert_int_equal(time.len, 20);
	assert_true(slice_ends(time, "Z"));
	json_free(doc);
}

static void
test_node_is_named_in_json_only(void **state)
{
	struct json *doc = NULL;
	struct capture c;

	(void)state;
	log_node("mi-0123456789abcdef0\"\n");
	log_open(LOG_INFO, LOG_TEXT);
	capture_start(&c);
	log_event(LOG_INFO, "e", "x");
	assert_int_equal(capture_end(&c), 1);
	assert_string_equal(c.line, "ssm-activate: info: x\n");
	log_open(LOG_INFO, LOG_JSON);
	capture_start(&c);
	log_event(LOG_INFO, "e", "x");
	log_node("");
	assert_int_equal(capture_end(&c), 1);
	assert_int_equal(json_parse(&doc, c.line, strlen(c.line), NULL), 0);
	assert_string_equal(json_text(doc, "node"), "mi-0123456789abcdef0");
	json_free(doc);
	capture_start(&c);
	log_event(LOG_INFO, "e", "x");
	assert_int_equal(capture_end(&c), 1);
	assert_null(strstr(c.line, "node"));
}

static void
test_control_characters_cannot_forge_a_line(void **state)
{
	struct capture c;

	(void)state;
	log_open(LOG_INFO, LOG_TEXT);
	capture_start(&c);
	log_event(LOG_INFO, "e",
	    "a\nssm-activate: \r\x7f\xc2\x9b"
	    "31m \xe2\x82 \xe2\x82\xac");
	assert_int_equal(capture_end(&c), 1);
	assert_string_equal(c.line, "ssm-activate: info: a?ssm-activate: "
	                            "????31m ?? \xe2\x82\xac\n");
}

static void
test_long_text_line_is_cut_with_a_mark(void **state)
{
	char longer[2 * LINE_MAX_LEN];
	struct capture c;

	(void)state;
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	log_open(LOG_INFO, LOG_TEXT);
	capture_start(&c);
	log_event(LOG_INFO, "e", "%s", longer);
	assert_int_equal(capture_end(&c), 1);
	assert_in_range(strlen(c.line), LINE_MAX_LEN - 128, LINE_MAX_LEN);
	assert_true(slice_ends(slice_of(c.line), "xxx...\n"));
}

/* At every length around the limit the line is either whole or marked, and
 * never longer than a line may be. */
static void
test_json_line_stays_json_at_every_length(void **state)
{
	static const char *const units[] = { "x", "\"", "\n", "\xc3\xa4",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\xc2\x9b" };
	char text[LINE_MAX_LEN + 64];
	struct capture c;
	const size_t rounds = 8 * (size_t)90;
	size_t marked = 0;

	(void)state;
	log_open(LOG_INFO, LOG_JSON);
	log_node("mi-0123456789abcdef0");
	for (size_t i = 0; i < rounds; i++) {
		const char *unit = units[i % 8];
		size_t end = (i % 8 == 1 ? 1920 : 3880) + i / 8;
		struct json *doc = NULL;
		size_t len = 0;

		while (len + 4 < end)
			len += (size_t)snprintf(&text[len], 5, "%s", unit);
		capture_start(&c);
		log_event(LOG_INFO, "e", "%s", text);
		assert_int_equal(capture_end(&c), 1);
		assert_in_range(strlen(c.line), 1000, LINE_MAX_LEN);
		assert_int_equal(json_parse(&doc, c.line, strlen(c.line), NULL),
		    0);
		assert_string_equal(json_text(doc, "node"),
		    "mi-0123456789abcdef0");
		marked +=
		    slice_ends(slice_of(json_text(doc, "message")), "...");
		json_free(doc);
	}
	log_node("");
	assert_in_range(marked, 200, rounds - 200);
}

static void
test_error_line_adds_request_id_and_fix(void **state)
{
	struct err err = { .request_id = "req-1" };
	struct capture c;

	(void)state;
	(void)err_set(&err, ERR_KIND_API, "call: Denied: no");
	log_open(LOG_INFO, LOG_TEXT);
	capture_start(&c);
	log_err(LOG_ERROR, "failed", &err);
	assert_int_equal(capture_end(&c), 1);
	assert_string_equal(c.line, "ssm-activate: error: call: Denied: no "
	                            "(request id req-1)\n");
	err_fix(&err, "allow it");
	capture_start(&c);
	log_err(LOG_WARN, "failed", &err);
	assert_int_equal(capture_end(&c), 1);
	assert_string_equal(c.line, "ssm-activate: warn: call: Denied: no "
	                            "(request id req-1) - allow it\n");
}

static void
test_error_line_names_the_request_id_once(void **state)
{
	struct err err = { .request_id = "req-1" };
	struct capture c;

	(void)state;
	(void)err_set(&err, ERR_KIND_API, "Denied (req-1)");
	log_open(LOG_INFO, LOG_TEXT);
	capture_start(&c);
	log_err(LOG_ERROR, "failed", &err);
	assert_int_equal(capture_end(&c), 1);
	assert_string_equal(c.line, "ssm-activate: error: Denied (req-1)\n");
}

static void
test_error_of_full_size_fits(void **state)
{
	static char longer[ERR_MSG_MAX];
	struct err err = { 0 };
	struct capture c;

	(void)state;
	memset(longer, 'm', sizeof longer - 1);
	(void)err_set(&err, ERR_KIND_API, "%s", longer);
	memset(longer, 'f', sizeof longer - 2);
	longer[sizeof longer - 2] = '!';
	err_fix(&err, "%s", longer);
	log_open(LOG_INFO, LOG_JSON);
	capture_start(&c);
	log_err(LOG_ERROR, "failed", &err);
	assert_int_equal(capture_end(&c), 1);
	assert_true(slice_ends(slice_of(c.line), "fff!\"}\n"));
}

static void
test_forwarded_line_has_its_own_prefix(void **state)
{
	struct json *doc = NULL;
	struct capture c;

	(void)state;
	log_open(LOG_INFO, LOG_TEXT);
	capture_start(&c);
	log_forward(LOG_WARN, "amazon-ssm-agent", "it %s\n broke");
	assert_int_equal(capture_end(&c), 1);
	assert_string_equal(c.line, "amazon-ssm-agent: warn: it %s? broke\n");
	log_open(LOG_INFO, LOG_JSON);
	capture_start(&c);
	log_forward(LOG_WARN, "amazon-ssm-agent", "it broke");
	assert_int_equal(capture_end(&c), 1);
	assert_int_equal(json_parse(&doc, c.line, strlen(c.line), NULL), 0);
	assert_string_equal(json_text(doc, "event"), "forwarded");
	assert_string_equal(json_text(doc, "message"),
	    "amazon-ssm-agent: it broke");
	json_free(doc);
}

static void
test_errno_survives_also_a_closed_stderr(void **state)
{
	struct err err = { 0 };
	int saved = dup(STDERR_FILENO);

	(void)state;
	(void)err_set(&err, ERR_KIND_API, "x");
	log_open(LOG_DEBUG, LOG_JSON);
	(void)close(STDERR_FILENO);
	errno = ENOTTY;
	log_event(LOG_INFO, "e", "x");
	log_debug("x");
	log_err(LOG_INFO, "e", &err);
	log_forward(LOG_INFO, "agent", "x");
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	(void)close(saved);
}

/* Standard error whose reader stands still. */
struct stuck {
	int reader;
	int saved;
	char text[256 * 1024];
};

static void
stuck_take(struct stuck *s, int writer)
{
	(void)fflush(stderr);
	s->saved = dup(STDERR_FILENO);
	assert_int_not_equal(dup2(writer, STDERR_FILENO), -1);
	(void)close(writer);
}

/* Fill it to the last byte, without a trace at the application's end. */
static void
stuck_fill(void)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL);

	assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK), 0);
	while (write(STDERR_FILENO, "x", 1) == 1)
		;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, flags), 0);
}

/* What there is to read now. */
static const char *
stuck_drain(struct stuck *s)
{
	int flags = fcntl(s->reader, F_GETFL);
	size_t len = 0;
	ssize_t n;

	assert_int_equal(fcntl(s->reader, F_SETFL, flags | O_NONBLOCK), 0);
	while (len < sizeof s->text - 1 && (n = read(s->reader, &s->text[len],
	                                        sizeof s->text - 1 - len)) > 0)
		len += (size_t)n;
	s->text[len] = '\0';
	return s->text + strspn(s->text, "x");
}

static void
stuck_end(struct stuck *s)
{
	assert_int_not_equal(dup2(s->saved, STDERR_FILENO), -1);
	(void)close(s->saved);
	(void)close(s->reader);
}

/* Three lines meet a full log; then it is read. */
static void
check_stuck(struct stuck *s)
{
	struct err err = { 0 };

	(void)err_set(&err, ERR_KIND_API, "x");
	stuck_fill();
	assert_true(log_due() == INT64_MAX);
	errno = ENOTTY;
	log_event(LOG_WARN, "e", "first");
	log_err(LOG_WARN, "e", &err);
	log_raw("one\ntwo\n", 8);
	assert_int_equal(errno, ENOTTY);
	assert_true(log_due() <= clock_in(LOG_CATCH_UP_MS));
	assert_string_equal(stuck_drain(s), "");
	/* Before its time it is said only with the next line. */
	log_catch_up();
	assert_string_equal(stuck_drain(s), "");
	log_event(LOG_WARN, "e", "next");
	assert_true(log_due() == INT64_MAX);
	assert_string_equal(stuck_drain(s),
	    "ssm-activate: warn: nobody read this log in time; lines lost: 4\n"
	    "ssm-activate: warn: next\n");
	/* Then, too, where no line comes. */
	stuck_fill();
	log_event(LOG_WARN, "e", "second");
	(void)stuck_drain(s);
	clock_sleep(log_due());
	log_catch_up();
	assert_true(log_due() == INT64_MAX);
	assert_string_equal(stuck_drain(s),
	    "ssm-activate: warn: nobody read this log in time; lines lost: "
	    "1\n");
	stuck_end(s);
}

/* No descriptor is left to open a pipe or terminal with once more. */
static void
forbid_open(void)
{
	struct rlimit limit;
	int next = dup(STDERR_FILENO);

	assert_true(next >= 0);
	(void)close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
open_pipe(struct stuck *s)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	s->reader = ends[0];
	stuck_take(s, ends[1]);
}

static void
test_full_pipe_is_not_waited_for(void **state)
{
	static struct stuck s;

	(void)state;
	log_never_wait();
	log_open(LOG_INFO, LOG_TEXT);
	open_pipe(&s);
	check_stuck(&s);
}

static void
test_full_pipe_without_a_descriptor_left(void **state)
{
	static struct stuck s;
	struct rlimit before;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	log_open(LOG_INFO, LOG_TEXT);
	open_pipe(&s);
	forbid_open();
	check_stuck(&s);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A pipe keeps a short write in a page of its own: a long line does not fit
 * though there is room for a short one. */
static void
test_pipe_with_too_little_room(void **state)
{
	static struct stuck s;
	char longer[LINE_MAX_LEN];

	(void)state;
	memset(longer, 'y', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	log_open(LOG_INFO, LOG_TEXT);
	open_pipe(&s);
	while (log_due() == INT64_MAX)
		log_event(LOG_INFO, "e", "%s", longer);
	assert_null(strstr(stuck_drain(&s), "lost"));
	/* What is there are whole lines. */
	assert_int_equal(s.text[strlen(s.text) - 1], '\n');
	log_event(LOG_INFO, "e", "x");
	assert_string_equal(stuck_drain(&s),
	    "ssm-activate: warn: nobody read this log in time; lines lost: 1\n"
	    "ssm-activate: info: x\n");
	stuck_end(&s);
}

static void
test_full_socket_is_not_waited_for(void **state)
{
	static struct stuck s;
	int pair[2];

	(void)state;
	log_open(LOG_INFO, LOG_TEXT);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	s.reader = pair[0];
	stuck_take(&s, pair[1]);
	check_stuck(&s);
}

static int
open_terminal(struct stuck *s)
{
	struct termios modes;
	int slave;

	s->reader = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(s->reader >= 0);
	assert_int_equal(grantpt(s->reader), 0);
	assert_int_equal(unlockpt(s->reader), 0);
	slave = open(ptsname(s->reader), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &modes), 0);
	modes.c_oflag &= ~(tcflag_t)OPOST;
	assert_int_equal(tcsetattr(slave, TCSANOW, &modes), 0);
	return slave;
}

static void
test_terminal_that_is_not_read(void **state)
{
	static struct stuck s;

	(void)state;
	log_open(LOG_INFO, LOG_TEXT);
	stuck_take(&s, open_terminal(&s));
	check_stuck(&s);
}

/* As ^S does it. */
static void
test_stopped_terminal_is_not_waited_for(void **state)
{
	static struct stuck s;

	(void)state;
	log_open(LOG_INFO, LOG_TEXT);
	stuck_take(&s, open_terminal(&s));
	assert_int_equal(tcflow(STDERR_FILENO, TCOOFF), 0);
	log_event(LOG_INFO, "e", "x");
	assert_true(log_due() < INT64_MAX);
	assert_int_equal(tcflow(STDERR_FILENO, TCOON), 0);
	log_event(LOG_INFO, "e", "y");
	assert_string_equal(stuck_drain(&s),
	    "ssm-activate: warn: nobody read this log in time; lines lost: 1\n"
	    "ssm-activate: info: y\n");
	stuck_end(&s);
}

/* A process that was forked does not speak of what its parent lost. */
static void
test_lost_lines_are_told_by_the_loser(void **state)
{
	static struct stuck s;
	pid_t pid;

	(void)state;
	log_open(LOG_INFO, LOG_TEXT);
	open_pipe(&s);
	stuck_fill();
	log_event(LOG_INFO, "e", "x");
	(void)stuck_drain(&s);
	pid = fork();
	if (pid == 0) {
		log_event(LOG_INFO, "e", "child");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_string_equal(stuck_drain(&s), "ssm-activate: info: child\n");
	log_event(LOG_INFO, "e", "y");
	assert_non_null(strstr(stuck_drain(&s), "lost: 1"));
	stuck_end(&s);
}

static void
test_raw_lines_are_cleaned_and_cut(void **state)
{
	static char longer[2 * LINE_MAX_LEN];
	struct capture c;

	(void)state;
	log_open(LOG_ERROR, LOG_JSON);
	capture_start(&c);
	log_raw("", 0);
	log_raw("\n\n", 2);
	assert_int_equal(capture_end(&c), 0);
	capture_start(&c);
	log_raw("first\n{\"a\\\"\": \"\xc3\xa4\x1b[0m\"}", 23);
	assert_int_equal(capture_end(&c), 2);
	assert_string_equal(c.line, "{\"a\\\"\": \"\xc3\xa4?[0m\"}\n");
	memset(longer, 'x', sizeof longer);
	capture_start(&c);
	log_raw(longer, sizeof longer);
	assert_int_equal(capture_end(&c), 1);
	assert_in_range(strlen(c.line), LINE_MAX_LEN - 128, LINE_MAX_LEN);
	assert_true(slice_ends(slice_of(c.line), "xxx...\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_line_names_program_and_level),
		cmocka_unit_test(test_level_holds_back),
		cmocka_unit_test(test_json_line_is_json),
		cmocka_unit_test(test_node_is_named_in_json_only),
		cmocka_unit_test(test_control_characters_cannot_forge_a_line),
		cmocka_unit_test(test_long_text_line_is_cut_with_a_mark),
		cmocka_unit_test(test_json_line_stays_json_at_every_length),
		cmocka_unit_test(test_error_line_adds_request_id_and_fix),
		cmocka_unit_test(test_error_line_names_the_request_id_once),
		cmocka_unit_test(test_error_of_full_size_fits),
		cmocka_unit_test(test_forwarded_line_has_its_own_prefix),
		cmocka_unit_test(test_errno_survives_also_a_closed_stderr),
		cmocka_unit_test(test_raw_lines_are_cleaned_and_cut),
		cmocka_unit_test(test_full_pipe_is_not_waited_for),
		cmocka_unit_test(test_full_pipe_without_a_descriptor_left),
		cmocka_unit_test(test_pipe_with_too_little_room),
		cmocka_unit_test(test_full_socket_is_not_waited_for),
		cmocka_unit_test(test_terminal_that_is_not_read),
		cmocka_unit_test(test_stopped_terminal_is_not_waited_for),
		cmocka_unit_test(test_lost_lines_are_told_by_the_loser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
