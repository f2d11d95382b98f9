/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/ini.h"
#include "base/err.h"
#include "base/slice.h"

/* The value of k in the section, "(none)" without it, "(gone)" without the
 * section, or the message when the text is refused. */
static const char *
find(enum ini_kind kind, const char *text, enum ini_word word, const char *name)
{
	static char out[ERR_MSG_MAX];
	struct ini shared = { 0 };
	struct err err = { 0 };
	const struct ini_section *section;
	const char *value = "(gone)";

	if (ini_parse_as(&shared, kind, slice_of(text), &err) != 0) {
		assert_int_equal(err.kind, ERR_KIND_CONFIG);
		(void)slice_copy(slice_of(err.msg), out, sizeof out);
		return out;
	}
	section = ini_find(&shared, word, name);
	if (section != NULL)
		value = ini_value(section, "k", NULL);
	(void)slice_copy(slice_of(value != NULL ? value : "(none)"), out,
	    sizeof out);
	ini_free(&shared);
	return out;
}

static void
check_config(const char *text, const char *profile, const char *expected)
{
	assert_string_equal(find(INI_CONFIG, text, INI_PROFILE, profile),
	    expected);
}

static void
test_config_needs_the_word_profile(void **state)
{
	(void)state;
	check_config("[profile dev]\nk=1", "dev", "1");
	check_config("[dev]\nk=1", "dev", "(gone)");
	check_config("[default]\nk=1", "default", "1");
	check_config("[Profile dev]\nk=1", "dev", "(gone)");
	check_config("[profiledev]\nk=1", "dev", "(gone)");
	check_config("[profile]\nk=1", "profile", "(gone)");
	check_config("[DEFAULT]\nk=1", "default", "(gone)");
	check_config("[DEFAULT]\nk=1", "DEFAULT", "(gone)");
}

static void
test_config_takes_quoted_names(void **state)
{
	(void)state;
	check_config("[profile \"a b\"]\nk=1", "a b", "1");
	check_config("[profile 'a b']\nk=1", "a b", "1");
	check_config("[profile \t  dev]\nk=1", "dev", "1");
	check_config("[profile\tdev]\nk=1", "dev", "1");
	check_config("[ profile dev ]\nk=1", "dev", "1");
	check_config("[profile a b]\nk=1", "a b", "(gone)");
	check_config("[profile \"a b]\nk=1", "a b", "(gone)");
	check_config("[profile \"\"]\nk=1", "", "(gone)");
}

static void
test_profile_default_wins_over_default(void **state)
{
	(void)state;
	check_config("[default]\nk=1\n[profile default]\nk=2", "default", "2");
	check_config("[profile default]\nk=2\n[default]\nk=1", "default", "2");
	check_config("[profile default]\nj=2\n[default]\nk=1", "default",
	    "(none)");
}

static void
test_config_has_other_sections(void **state)
{
	static const char text[] = "[services s]\nk=1\n[sso-session t]\nk=2\n"
	                           "[profile s]\nk=3\n[plugins]\nk=4\n";

	(void)state;
	assert_string_equal(find(INI_CONFIG, text, INI_SERVICES, "s"), "1");
	assert_string_equal(find(INI_CONFIG, text, INI_SSO_SESSION, "t"), "2");
	check_config(text, "s", "3");
	check_config(text, "plugins", "(gone)");
	check_config(text, "t", "(gone)");
}

static void
test_credentials_take_names_as_they_stand(void **state)
{
	static const char text[] = "[dev]\nk=1\n[profile dev]\nk=2\n"
	                           "[\"q\"]\nk=3\n[services s]\nk=4\n"
	                           "[default]\nk=5\n";
	static const struct {
		const char *name, *value;
	} profiles[] = {
		{ "dev", "1" },
		{ "profile dev", "2" },
		{ "\"q\"", "3" },
		{ "q", "(gone)" },
		{ "services s", "4" },
		{ "default", "5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
		assert_string_equal(find(INI_CREDENTIALS, text, INI_PROFILE,
		                        profiles[i].name),
		    profiles[i].value);
	}
	assert_string_equal(find(INI_CREDENTIALS, text, INI_SERVICES, "s"),
	    "(gone)");
}

static void
test_refuses_two_spellings_of_a_name(void **state)
{
	(void)state;
	check_config("[profile a]\nk=1\n[profile \"a\"]\nk=2", "a",
	    "line 3: section appears twice");
	check_config("[profile a]\nk=1\n\n[profile  a]\nk=2", "a",
	    "line 4: section appears twice");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_needs_the_word_profile),
		cmocka_unit_test(test_config_takes_quoted_names),
		cmocka_unit_test(test_profile_default_wins_over_default),
		cmocka_unit_test(test_config_has_other_sections),
		cmocka_unit_test(test_credentials_take_names_as_they_stand),
		cmocka_unit_test(test_refuses_two_spellings_of_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
