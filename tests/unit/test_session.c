/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/session.h"
#include "base/buf.h"
#include "base/err.h"
#include "settings/config.h"

#define NODE "mi-0123456789abcdef0"
#define HEAD "aws ssm start-session "
#define TAIL "--region eu-west-1 --target " NODE
#define PORT(document, text)                                            \
	TAIL " --document-name AWS-StartPortForwardingSession" document \
	     " --parameters '{\"portNumber\":[\"" text "}'"
#define RUNS(text)                                                        \
	TAIL " --document-name AWS-StartInteractiveCommand --parameters " \
	     "'{\"command\":[\"" text "\"]}'"

static struct config cfg;
static struct err err;

/* The line for the settings, without its head. */
static void
prints(const char *wanted)
{
	struct session session;
	struct buf parameters = { 0 }, line = { 0 };

	if (session_build(&session, &parameters, &cfg, NODE, "eu-west-1",
	        &err) != 0)
		fail_msg("%s", err.msg);
	assert_null(session.argv[session.count]);
	session_print(&line, &session);
	assert_memory_equal(buf_str(&line), HEAD, sizeof HEAD - 1);
	assert_string_equal(buf_str(&line) + sizeof HEAD - 1, wanted);
	buf_free(&line);
	buf_free(&parameters);
}

static void
port(const char *text, const char *wanted)
{
	cfg.port = text;
	prints(wanted);
}

static void
refuses(const char *text)
{
	struct session session;
	struct buf parameters = { 0 };

	cfg.port = text;
	assert_int_equal(session_build(&session, &parameters, &cfg, NODE,
	                     "eu-west-1", &err),
	    -1);
	assert_int_equal(err.kind, ERR_KIND_USAGE);
	assert_non_null(strstr(err.msg, text));
	err_clear(&err);
	buf_free(&parameters);
}

static int
begin(void **state)
{
	(void)state;
	cfg = (struct config){ 0 };
	err_clear(&err);
	return 0;
}

static void
test_shell(void **state)
{
	(void)state;
	prints(TAIL);
	cfg.profile = "it's mine";
	cfg.endpoint_url = "http://localhost:4566";
	prints("--profile 'it'\\''s mine' "
	       "--endpoint-url http://localhost:4566 " TAIL);
}

static void
test_ports(void **state)
{
	(void)state;
	port("80", PORT("", "80\"],\"localPortNumber\":[\"80\"]"));
	port("8080:80", PORT("", "80\"],\"localPortNumber\":[\"8080\"]"));
	port("db.internal:5432",
	    PORT("ToRemoteHost", "5432\"],\"localPortNumber\":[\"5432\"],"
	                         "\"host\":[\"db.internal\"]"));
	port("1:10.0.0.5:65535",
	    PORT("ToRemoteHost", "65535\"],\"localPortNumber\":[\"1\"],"
	                         "\"host\":[\"10.0.0.5\"]"));
}

static void
test_wrong_ports(void **state)
{
	static const char *const wrong[] = { "", "0", "65536", "http", "a:b",
		"80:", ":80", "1:2:3:4", "0:80", "x:h:80", "1::80", "a b:80",
		"1:h;id:80" };
	char word[] = "ls", *argv[] = { word, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		refuses(wrong[i]);
	/* Both would need a document. */
	cfg.argv = argv;
	refuses("80");
}

/* One word is a line for the node's shell; of several each is one of it. */
static void
test_commands(void **state)
{
	char line[] = "ls | wc -l", rails[] = "rails", odd[] = "b c";
	char *one[] = { line, NULL };
	char *two[] = { rails, odd, NULL };

	(void)state;
	cfg.argv = one;
	prints(RUNS("ls | wc -l"));
	cfg.argv = two;
	prints(RUNS("rails '\\''b c'\\''"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_shell, begin),
		cmocka_unit_test_setup(test_ports, begin),
		cmocka_unit_test_setup(test_wrong_ports, begin),
		cmocka_unit_test_setup(test_commands, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
