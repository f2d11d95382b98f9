/* SPDX-License-Identifier: MIT */
/* Which errors tell that the clock is wrong, and what time it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aws/retry.h"
#include "base/err.h"

static const char date[] = "Thu, 15 Jan 2026 08:30:07 GMT";
enum { DATE = 1768465807 };

static bool
asks(const char *code, const char *text, const char *header, int64_t *when)
{
	struct err err = { .kind = ERR_KIND_API };

	snprintf(err.peer_code, sizeof err.peer_code, "%s", code);
	snprintf(err.peer_text, sizeof err.peer_text, "%s", text);
	return retry_server_time(&err, header, when);
}

static void
test_codes(void **state)
{
	static const char *const yes[] = { "InvalidSignatureException",
		"SignatureDoesNotMatch", "AuthFailure", "RequestTimeTooSkewed",
		"AccessDeniedException" };
	static const char *const no[] = { "RequestExpired",
		"RequestInTheFuture", "ValidationException",
		"ExpiredTokenException", "" };
	int64_t when = 0;

	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		assert_true(asks(yes[i], "", date, &when));
		assert_int_equal(when, DATE);
	}
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false(asks(no[i], "", date, &when));
}

static void
test_time_in_the_message(void **state)
{
	static const char expired[] =
	    "Signature expired: 20260115T070000Z is now earlier than "
	    "20260115T082507Z (20260115T083007Z - 5 min.)";
	static const char early[] =
	    "Signature not yet current: 20260115T100000Z is still later than "
	    "20260115T083507Z (20260115T083007Z + 5 min.)";
	int64_t when = 0;

	(void)state;
	assert_true(asks("SignatureDoesNotMatch", expired, NULL, &when));
	assert_int_equal(when, DATE);
	when = 0;
	assert_true(asks("InvalidSignatureException", early, "", &when));
	assert_int_equal(when, DATE);
	assert_false(asks("SignatureDoesNotMatch", "wrong (20260115T083007Z )",
	    NULL, &when));
	assert_false(asks("SignatureDoesNotMatch", "Signature expired: (soon)",
	    NULL, &when));
	assert_false(asks("SignatureDoesNotMatch", "", "yesterday", &when));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_time_in_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
