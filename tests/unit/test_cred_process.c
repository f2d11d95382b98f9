/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/cred/run.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/slice.h"
#include "unit/world.h"

/* credential_process and the program behind it. */

#define GOOD                                                   \
	"{\"Version\":1,\"AccessKeyId\":\"AKIDPROC\","         \
	"\"SecretAccessKey\":\"s\",\"SessionToken\":\"ptok\"," \
	"\"Expiration\":\"2099-01-01T00:00:00Z\"}"

/* The helper is found in PATH, as a shell script with this text. */
static void
helper(const char *script)
{
	char text[1024];

	snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
	world_file(&world, "helper", text);
	snprintf(text, sizeof text, "PATH=%s:/usr/bin:/bin", world.home);
	world_set(&world, text);
	world_file(&world, ".aws/config",
	    "[default]\ncredential_process = helper \"a b\" --flag\n");
}

/* The helper prints this. */
static void
prints(const char *json)
{
	char text[512];

	snprintf(text, sizeof text, "echo '%s'", json);
	helper(text);
}

static void
works(void)
{
	if (world_plan(&world, NULL) != 0)
		fail_msg("%s", world.err.msg);
	assert_string_equal(cred_plan_method(world.plan), "custom-process");
	assert_int_equal(world_fetch(&world, NULL, 0), 0);
	assert_string_equal(world.cred.access_key, "AKIDPROC");
}

static void
fails(enum err_kind kind, const char *text)
{
	assert_int_equal(world_plan(&world, NULL), -1);
	world_failed(&world, kind, text);
}

static void
test_takes_what_it_prints(void **state)
{
	(void)state;
	helper("[ \"$1\" = 'a b' ] && [ \"$2\" = --flag ] && [ $# = 2 ] "
	       "|| exit 9\necho noise >&2\necho '" GOOD "'");
	works();
	assert_string_equal(world.cred.secret_key, "s");
	assert_string_equal(world.cred.token, "ptok");
	assert_true(world.cred.expires == 4070908800);
	prints("{\"Version\":1,\"AccessKeyId\":\"AKIDPROC\","
	       "\"SecretAccessKey\":\"s\",\"AccountId\":\"1\"}");
	works();
	assert_null(world.cred.token);
	assert_int_equal(world.cred.expires, 0);
}

static void
test_works_from_either_file(void **state)
{
	(void)state;
	prints(GOOD);
	world_file(&world, ".aws/config", "[default]\nregion=x\n");
	world_file(&world, ".aws/credentials",
	    "[default]\ncredential_process = helper\n");
	works();
}

static void
test_uses_no_shell(void **state)
{
	(void)state;
	helper("[ \"$*\" = '$HOME ; touch marker * ~' ] || exit 9\n"
	       "echo '" GOOD "'");
	world_file(&world, ".aws/config",
	    "[default]\ncredential_process = helper '$HOME' \\; touch marker "
	    "* ~\n");
	works();
}

/* It gets the environment that was given, not that of this process. */
static void
test_gets_the_environment(void **state)
{
	(void)state;
	assert_int_equal(setenv("UNIT_OWN", "1", 1), 0);
	world_set(&world, "UNIT_GIVEN=2");
	helper("[ \"$UNIT_GIVEN\" = 2 ] && [ -z \"$UNIT_OWN\" ] || exit 9\n"
	       "echo '" GOOD "'");
	works();
}

static void
test_shows_errors_of_a_failure(void **state)
{
	(void)state;
	helper("echo 'locked out' >&2\necho hush\nexit 3");
	fails(ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "credential_process of profile \"default\": exit status 3: "
	    "locked out");
	assert_null(strstr(world.err.msg, "hush"));
	helper("kill -9 $$");
	fails(ERR_KIND_CREDENTIAL_RETRIEVAL, "ended by signal 9");
}

static void
test_needs_a_program(void **state)
{
	(void)state;
	world_file(&world, ".aws/config",
	    "[default]\ncredential_process = /nowhere/x\n");
	fails(ERR_KIND_CREDENTIAL_RETRIEVAL, "No such file or directory");
	world_file(&world, ".aws/config",
	    "[default]\ncredential_process = \"helper\n");
	fails(ERR_KIND_INVALID_VALUE, "quote that is not closed");
	world_file(&world, ".aws/config",
	    "[default]\ncredential_process = ''\n");
	fails(ERR_KIND_INVALID_VALUE, "no program");
}

static void
test_refuses_other_answers(void **state)
{
	static const struct {
		const char *json, *text;
	} answers[] = {
		{ "{\"Version\":2,\"AccessKeyId\":\"A\","
		  "\"SecretAccessKey\":\"hush\"}",
		    "\"Version\": 1" },
		{ "{\"Version\":\"1\",\"AccessKeyId\":\"A\","
		  "\"SecretAccessKey\":\"hush\"}",
		    "\"Version\": 1" },
		{ "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}",
		    "\"Version\": 1" },
		{ "{\"Version\":1,\"SecretAccessKey\":\"hush\"}",
		    "no AccessKeyId" },
		{ "{\"Version\":1,\"AccessKeyId\":\"A\"}",
		    "no SecretAccessKey" },
		{ "[1]", "not one JSON object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		prints(answers[i].json);
		fails(ERR_KIND_CREDENTIAL_RETRIEVAL, answers[i].text);
		assert_null(strstr(world.err.msg, "hush"));
	}
}

/* A kind of its own, as with the AWS CLI. */
static void
test_refuses_a_bad_time(void **state)
{
	(void)state;
	prints("{\"Version\":1,\"AccessKeyId\":\"A\","
	       "\"SecretAccessKey\":\"hush\",\"Expiration\":\"soon\"}");
	fails(ERR_KIND_INVALID_VALUE, "Expiration");
	assert_null(strstr(world.err.msg, "hush"));
}

/* The same. */
static void
test_refuses_what_is_no_json(void **state)
{
	static const char *const answers[] = { "hush", "", GOOD " " GOOD };

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		prints(answers[i]);
		fails(ERR_KIND_INVALID_VALUE, "not one JSON object");
		assert_null(strstr(world.err.msg, "hush"));
	}
}

static void
test_refuses_expired_keys(void **state)
{
	(void)state;
	prints("{\"Version\":1,\"AccessKeyId\":\"A\","
	       "\"SecretAccessKey\":\"s\","
	       "\"Expiration\":\"2020-01-01T00:00:00Z\"}");
	fails(ERR_KIND_EXPIRED_CREDENTIALS, "2020-01-01T00:00:00Z");
}

static void
test_bounds_the_output(void **state)
{
	(void)state;
	helper("echo '" GOOD "'\nhead -c 65000 /dev/zero | tr '\\0' ' '");
	works();
	helper("yes");
	fails(ERR_KIND_CREDENTIAL_RETRIEVAL, "more than 65536 bytes");
}

/* Neither much output on stderr nor what it leaves running holds it up. */
static void
test_does_not_wait_for_more_than_the_program(void **state)
{
	int64_t start = clock_ms();

	(void)state;
	helper("head -c 300000 /dev/zero >&2\nsleep 20 &\necho '" GOOD "'\n"
	       "echo $! >\"$HOME/marker\"");
	works();
	assert_true(clock_ms() - start < 10000);
	helper("kill $(cat \"$HOME/marker\")\necho '" GOOD "'");
	works();
}

static void
test_closes_other_descriptors(void **state)
{
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_true(fd > 2);
	helper("for fd in /proc/$$/fd/*; do\ncase ${fd##*/} in\n"
	       "0|1|2|10|255) ;;\n*) [ ! -e \"$fd\" ] || exit 9 ;;\nesac\n"
	       "done\necho '" GOOD "'");
	works();
	close(fd);
}

static bool
is_zombie(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return true;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(f);
	return state == 'Z';
}

/* At the deadline all of its process group goes. */
static void
test_is_killed_at_the_deadline(void **state)
{
	char *const argv[] = { "sh", "-c", "sleep 60 & echo $!; wait", NULL };
	struct cred_run run = { .argv = argv, .deadline = clock_in(1500) };
	char *const vars[] = { "PATH=/usr/bin:/bin", NULL };
	struct err err = { 0 };
	uint64_t pid = 0;
	int64_t until = clock_in(15000);

	(void)state;
	run.env.vars = vars;
	assert_int_equal(cred_run_program(&run, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_CREDENTIAL_RETRIEVAL);
	assert_non_null(strstr(err.msg, "did not end in time"));
	assert_true(slice_u64(slice_head(slice_of(buf_str(&run.out)),
	                          run.out.len - 1),
	    INT32_MAX, &pid));
	/* Whoever inherited it reaps it; until then it is a zombie. */
	while (kill((pid_t)pid, 0) == 0 && clock_left(until) > 0 &&
	       !is_zombie((pid_t)pid))
		clock_sleep(clock_in(10));
	assert_true(clock_left(until) > 0);
	buf_free(&run.out);
	buf_free(&run.errors);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_takes_what_it_prints),
		TEST(test_works_from_either_file),
		TEST(test_uses_no_shell),
		TEST(test_gets_the_environment),
		TEST(test_shows_errors_of_a_failure),
		TEST(test_needs_a_program),
		TEST(test_refuses_other_answers),
		TEST(test_refuses_a_bad_time),
		TEST(test_refuses_what_is_no_json),
		TEST(test_refuses_expired_keys),
		TEST(test_bounds_the_output),
		TEST(test_does_not_wait_for_more_than_the_program),
		TEST(test_closes_other_descriptors),
		TEST(test_is_killed_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
