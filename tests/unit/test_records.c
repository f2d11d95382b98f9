/* SPDX-License-Identifier: MIT */
/* What the processes of our own agent tell each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "serve/records.h"

static int ends[2];

static int
make(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int
clean(void **state)
{
	(void)state;
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}

static struct records_core
wanted(const char *id)
{
	struct records_core record = { .kind = RECORDS_WANTED };

	strncpy(record.session, id, sizeof record.session - 1);
	return record;
}

static void
test_one_comes_as_it_was(void **state)
{
	struct records_core record = wanted("user-0123"), got;

	(void)state;
	assert_int_equal(records_hear_core(ends[1], true, &got), RECORDS_NONE);
	assert_int_equal(records_tell_core(ends[0], &record), 0);
	assert_int_equal(records_hear_core(ends[1], true, &got), RECORDS_ONE);
	assert_int_equal(got.kind, RECORDS_WANTED);
	assert_string_equal(got.session, "user-0123");
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(records_hear_core(ends[0], false, &got), RECORDS_END);
}

/* What is damaged, or of the wrong side, is dropped; what follows comes. */
static void
test_others_are_dropped(void **state)
{
	struct records_core good = wanted("s-1"), got;
	const struct records_core bad[] = {
		wanted(""),
		wanted("../x"),
		{ .kind = RECORDS_NOTHING },
		{ .kind = RECORDS_KINDS },
		{ .kind = RECORDS_PART },
		{ .kind = RECORDS_ONLINE, .len = RECORDS_BYTES + 1 },
		{ .kind = RECORDS_SIGN, .sign = 7, .host = "h" },
		{ .kind = RECORDS_SIGN, .sign = NODE_TOKEN },
		{ .kind = RECORDS_SIGN, .host = "h", .with_new = 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(records_tell_core(ends[0], &bad[i]), 0);
	assert_int_equal(send(ends[0], "short", 5, 0), 5);
	assert_int_equal(records_tell_core(ends[0], &good), 0);
	assert_int_equal(records_hear_core(ends[1], true, &got), RECORDS_ONE);
	assert_string_equal(got.session, "s-1");
	assert_int_equal(records_hear_core(ends[1], true, &got), RECORDS_NONE);
}

static void
test_text_without_end(void **state)
{
	struct records_core record = wanted("s-1"), got;

	(void)state;
	memset(record.session, 'a', sizeof record.session);
	assert_int_equal(records_tell_core(ends[0], &record), 0);
	assert_int_equal(records_hear_core(ends[1], true, &got), RECORDS_NONE);
}

/* A new channel worker finds the outcome that the one before it has seen. */
static void
test_outcome_stays(void **state)
{
	struct records_session record = { .part = RECORDS_OUTCOME }, got;

	(void)state;
	record.outcome.status = ORDER_FAILED;
	strcpy(record.outcome.text, "no");
	assert_int_equal(records_tell_session(ends[0], &record), 0);
	close(ends[0]);
	ends[0] = dup(ends[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(records_hear_session(ends[1], false, true,
		                     &got),
		    RECORDS_ONE);
		assert_string_equal(got.outcome.text, "no");
	}
	assert_int_equal(records_hear_session(ends[1], false, false, &got),
	    RECORDS_ONE);
	assert_int_equal(records_hear_session(ends[1], false, true, &got),
	    RECORDS_END);
}

static void
test_session_sides(void **state)
{
	struct records_session cred = { .part = RECORDS_CRED }, got;
	struct records_session task = { .part = RECORDS_TASK };
	struct records_session outcome = { .part = RECORDS_OUTCOME };

	(void)state;
	/* No key; too long; a status that there is not; a wrong side. */
	assert_int_equal(records_tell_session(ends[0], &cred), 0);
	task.task.len = RECORDS_PIECE + 1;
	assert_int_equal(records_tell_session(ends[0], &task), 0);
	assert_int_equal(records_tell_session(ends[0], &outcome), 0);
	assert_int_equal(records_hear_session(ends[1], true, false, &got),
	    RECORDS_NONE);
	outcome.outcome.status = ORDER_CANCELLED + 1;
	assert_int_equal(records_tell_session(ends[0], &outcome), 0);
	assert_int_equal(records_hear_session(ends[1], false, true, &got),
	    RECORDS_NONE);
	strcpy(cred.cred.id, "AKID");
	strcpy(cred.cred.secret, "secret");
	assert_int_equal(records_tell_session(ends[0], &cred), 0);
	assert_int_equal(records_hear_session(ends[1], true, false, &got),
	    RECORDS_ONE);
	assert_string_equal(got.cred.secret, "secret");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_comes_as_it_was, make,
		    clean),
		cmocka_unit_test_setup_teardown(test_others_are_dropped, make,
		    clean),
		cmocka_unit_test_setup_teardown(test_text_without_end, make,
		    clean),
		cmocka_unit_test_setup_teardown(test_outcome_stays, make,
		    clean),
		cmocka_unit_test_setup_teardown(test_session_sides, make,
		    clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
