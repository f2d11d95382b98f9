/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/world.h"

static void
check(const char *profile, const char *key, const char *expected)
{
	const char *value = conf_value(world.conf, profile, key);

	if (expected == NULL)
		assert_null(value);
	else
		assert_string_equal(value, expected);
}

static void
test_takes_no_files_at_all(void **state)
{
	(void)state;
	assert_int_equal(world_open(&world, NULL), 0);
	assert_string_equal(conf_profile(world.conf), "default");
	assert_false(conf_profile_flag(world.conf));
	assert_false(conf_has_profile(world.conf, "default"));
	check("default", "region", NULL);
}

static void
refused_as(const char *variable, const char *key, const char *text)
{
	const struct conf_wrong what = { ERR_KIND_CONFIG, NULL, variable, key,
		"right" };
	struct err err = { 0 };

	assert_int_equal(world_open(&world, NULL), 0);
	assert_int_equal(conf_refuse(world.conf, &what, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_CONFIG);
	if (strstr(err.msg, text) == NULL)
		fail_msg("no %s in: %s", text, err.msg);
}

static void
test_tells_where_a_value_is_from(void **state)
{
	(void)state;
	world_file(&world, ".aws/config",
	    "[default]\n# x\nretry_mode = fancy\nregion=a\n");
	refused_as("AWS_RETRY_MODE", "retry_mode",
	    ".aws/config:3: retry_mode = fancy: it must be right");
	world_set(&world, "AWS_RETRY_MODE=odd");
	refused_as("AWS_RETRY_MODE", "retry_mode",
	    "AWS_RETRY_MODE=odd: it must be right");
	world_file(&world, ".aws/credentials", "[default]\nregion=b\n");
	refused_as(NULL, "region", ".aws/credentials:2: region = b: it must");
}

static void
test_chooses_the_profile(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials", "[a]\n[b]\n[c]\n");
	world_set(&world, "AWS_DEFAULT_PROFILE=a");
	assert_int_equal(world_open(&world, NULL), 0);
	assert_string_equal(conf_profile(world.conf), "a");
	world_set(&world, "AWS_PROFILE=b");
	assert_int_equal(world_open(&world, NULL), 0);
	assert_string_equal(conf_profile(world.conf), "b");
	assert_false(conf_profile_flag(world.conf));
	assert_int_equal(world_open(&world, "c"), 0);
	assert_string_equal(conf_profile(world.conf), "c");
	assert_true(conf_profile_flag(world.conf));
	assert_int_equal(world_open(&world, ""), 0);
	assert_string_equal(conf_profile(world.conf), "b");
}

static void
test_empty_profile_variable_is_unset(void **state)
{
	(void)state;
	world_set(&world, "AWS_PROFILE=");
	world_set(&world, "AWS_DEFAULT_PROFILE=");
	assert_int_equal(world_open(&world, NULL), 0);
	assert_string_equal(conf_profile(world.conf), "default");
}

static void
test_named_profile_must_exist(void **state)
{
	(void)state;
	assert_int_equal(world_open(&world, "nope"), -1);
	world_failed(&world, ERR_KIND_PROFILE_NOT_FOUND,
	    "\"nope\" (from --prof");
	assert_int_equal(world_open(&world, "default"), -1);
	world_failed(&world, ERR_KIND_PROFILE_NOT_FOUND, "default");
	world_set(&world, "AWS_PROFILE=nope");
	world_file(&world, ".aws/config", "[nope]\nregion=r\n");
	assert_int_equal(world_open(&world, NULL), -1);
	world_failed(&world, ERR_KIND_PROFILE_NOT_FOUND, "from AWS_PROFILE");
}

static void
test_profile_may_be_in_either_file(void **state)
{
	(void)state;
	world_file(&world, ".aws/config", "[profile c]\nk=1\n");
	world_file(&world, ".aws/credentials", "[d]\nk=2\n");
	assert_int_equal(world_open(&world, "c"), 0);
	assert_int_equal(world_open(&world, "d"), 0);
	assert_true(conf_has_profile(world.conf, "c"));
	assert_false(conf_has_profile(world.conf, "e"));
}

static void
test_merges_the_two_files(void **state)
{
	(void)state;
	world_file(&world, ".aws/config",
	    "[profile p]\nk=config\nonly=1\nempty=2\n[default]\nd=3\n");
	world_file(&world, ".aws/credentials",
	    "[p]\nk=credentials\nregion=r\nempty=\n");
	assert_int_equal(world_open(&world, "p"), 0);
	check("p", "k", "credentials");
	check("p", "only", "1");
	check("p", "region", "r");
	check("p", "empty", "2");
	/* Nothing is inherited from default. */
	check("p", "d", NULL);
	assert_string_equal(conf_file_value(world.conf, CONF_CONFIG, "p", "k"),
	    "config");
	assert_string_equal(conf_file_value(world.conf, CONF_CREDENTIALS, "p",
	                        "k"),
	    "credentials");
	assert_null(conf_file_value(world.conf, CONF_CREDENTIALS, "p", "only"));
}

static void
test_variable_wins_over_key(void **state)
{
	(void)state;
	world_file(&world, ".aws/config", "[default]\nk=file\nflag=TRUE\n");
	world_set(&world, "EMPTY=");
	world_set(&world, "SET=variable");
	world_set(&world, "ON=True");
	world_set(&world, "OTHER=1");
	assert_int_equal(world_open(&world, NULL), 0);
	assert_string_equal(conf_get(world.conf, "SET", "k"), "variable");
	assert_string_equal(conf_get(world.conf, "EMPTY", "k"), "file");
	assert_string_equal(conf_get(world.conf, NULL, "k"), "file");
	assert_null(conf_get(world.conf, "UNSET", NULL));
	assert_true(conf_true(world.conf, "ON", NULL));
	assert_false(conf_true(world.conf, "OTHER", NULL));
	assert_true(conf_true(world.conf, "UNSET", "flag"));
	assert_false(conf_true(world.conf, "OTHER", "flag"));
	assert_false(conf_true(world.conf, "UNSET", "unset"));
}

static void
test_variables_name_the_files(void **state)
{
	(void)state;
	world_file(&world, "token", "[profile x]\nk=1\n");
	world_file(&world, "helper", "[x]\nj=2\n");
	world_set(&world, "AWS_CONFIG_FILE=~/token");
	world_set(&world, "AWS_SHARED_CREDENTIALS_FILE=@/helper");
	assert_int_equal(world_open(&world, "x"), 0);
	check("x", "k", "1");
	check("x", "j", "2");
}

static void
test_empty_file_variable_is_unset(void **state)
{
	(void)state;
	world_file(&world, ".aws/config", "[profile x]\nk=1\n");
	world_set(&world, "AWS_CONFIG_FILE=");
	assert_int_equal(world_open(&world, "x"), 0);
}

static void
test_missing_or_irregular_file_is_empty(void **state)
{
	(void)state;
	world_set(&world, "AWS_CONFIG_FILE=/dev/null");
	world_set(&world, "AWS_SHARED_CREDENTIALS_FILE=@/.aws");
	assert_int_equal(world_open(&world, NULL), 0);
	world_set(&world, "AWS_CONFIG_FILE=@/nowhere/config");
	assert_int_equal(world_open(&world, NULL), 0);
}

/* HOME unset: the passwd entry of the user who runs the test; from there a
 * path leads to the file. */
static void
test_home_comes_from_passwd(void **state)
{
	char variable[256];
	char *const vars[] = { variable, NULL };
	struct conf_options options = { .env = { vars }, .profile = "x" };
	struct conf *conf = NULL;
	struct err err = { 0 };

	(void)state;
	world_file(&world, ".aws/config", "[profile x]\nk=1\n");
	snprintf(variable, sizeof variable,
	    "AWS_CONFIG_FILE=~/../../../../../..%s/.aws/config", world.home);
	if (conf_open(&conf, &options, &err) != 0)
		fail_msg("%s", err.msg);
	conf_free(conf);
}

static void
test_refuses_endless_paths(void **state)
{
	static char variable[70000];
	char *const vars[] = { variable, NULL };
	struct conf_options options = { .env = { vars } };
	struct conf *conf = NULL;

	(void)state;
	(void)snprintf(variable, sizeof variable, "%s%0*d",
	    "AWS_CONFIG_FILE=", 69900, 0);
	assert_int_equal(conf_open(&conf, &options, &world.err), -1);
	assert_null(conf);
	world_failed(&world, ERR_KIND_CONFIG,
	    "AWS_CONFIG_FILE: path is too long");
}

static void
test_names_file_and_line_of_a_mistake(void **state)
{
	char expected[128];

	(void)state;
	world_file(&world, ".aws/config", "[default]\nregion\n");
	assert_int_equal(world_open(&world, NULL), -1);
	snprintf(expected, sizeof expected,
	    "%s/.aws/config: line 2: key without '='", world.home);
	assert_string_equal(world.err.msg, expected);
	world_failed(&world, ERR_KIND_CONFIG, "");
}

static void
test_refuses_a_file_over_the_limit(void **state)
{
	char *big = calloc(1, 1024 * 1024 + 2);

	(void)state;
	assert_non_null(big);
	memset(big, '#', 1024 * 1024 + 1);
	world_file(&world, ".aws/config", big);
	free(big);
	assert_int_equal(world_open(&world, NULL), -1);
	world_failed(&world, ERR_KIND_CONFIG, "/.aws/config");
}

/* Read as somebody else than root, who may read everything. */
static int
open_as_nobody(void)
{
	int rc;

	if (geteuid() != 0)
		return world_open(&world, NULL);
	assert_int_equal(seteuid(65534), 0);
	rc = world_open(&world, NULL);
	assert_int_equal(seteuid(0), 0);
	return rc;
}

static void
set_mode(const char *below, mode_t mode)
{
	char path[128];

	snprintf(path, sizeof path, "%s%s", world.home, below);
	assert_int_equal(chmod(path, mode), 0);
}

static void
test_unreadable_file_is_an_error(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials", "[default]\n");
	set_mode("", 0711);
	set_mode("/.aws", 0711);
	set_mode("/.aws/credentials", 0);
	assert_int_equal(open_as_nobody(), -1);
	world_failed(&world, ERR_KIND_CONFIG, "Permission denied");
	set_mode("/.aws/credentials", 0600);
}

/* Whether it exists cannot be seen, so it does not. */
static void
test_file_in_a_closed_folder_is_absent(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials", "broken");
	set_mode("/.aws", 0);
	assert_int_equal(open_as_nobody(), 0);
	set_mode("/.aws", 0700);
}

static void
test_reads_services(void **state)
{
	const char *value = "before";

	(void)state;
	world_file(&world, ".aws/config",
	    "[profile d]\nservices = mine\n[profile e]\nservices = gone\n"
	    "[services mine]\nssm =\n  endpoint_url = http://a\n  e =\n"
	    "sts = http://b\n");
	assert_int_equal(world_open(&world, "d"), 0);
	assert_int_equal(conf_service(world.conf, "ssm", "endpoint_url", &value,
	                     NULL),
	    0);
	assert_string_equal(value, "http://a");
	assert_int_equal(conf_service(world.conf, "sts", "endpoint_url", &value,
	                     NULL),
	    0);
	assert_null(value);
	assert_int_equal(conf_service(world.conf, "ssm", "e", &value, NULL), 0);
	assert_null(value);
	assert_int_equal(world_open(&world, "e"), 0);
	value = "before";
	assert_int_equal(conf_service(world.conf, "ssm", "endpoint_url", &value,
	                     &world.err),
	    -1);
	assert_string_equal(value, "before");
	world_failed(&world, ERR_KIND_CONFIG, "[services gone]");
}

static void
test_services_need_the_config_file(void **state)
{
	const char *value = "before";

	(void)state;
	world_file(&world, ".aws/credentials",
	    "[d]\nservices = mine\n[services mine]\nssm =\n  k = v\n");
	assert_int_equal(world_open(&world, "d"), 0);
	assert_int_equal(conf_service(world.conf, "ssm", "k", &value,
	                     &world.err),
	    -1);
	world_failed(&world, ERR_KIND_CONFIG, "[services mine]");
}

static void
test_no_services_is_fine(void **state)
{
	const char *value = "before";

	(void)state;
	assert_int_equal(world_open(&world, NULL), 0);
	assert_int_equal(conf_service(world.conf, "ssm", "endpoint_url", &value,
	                     NULL),
	    0);
	assert_null(value);
}

/* Open the world; what was said meanwhile. */
static const char *
said_by_open(const char *profile, int rc)
{
	static char said[512];
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	assert_int_equal(world_open(&world, profile), rc);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	n = read(ends[0], said, sizeof said - 1);
	said[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	return said;
}

static const char *
said_with_mode(mode_t mode)
{
	char path[128];

	snprintf(path, sizeof path, "%s/.aws/credentials", world.home);
	assert_int_equal(chmod(path, mode), 0);
	return said_by_open(NULL, 0);
}

/* The one test that opens such a file: the warning comes once a process. */
static void
test_warns_once_of_open_credentials(void **state)
{
	const char *said;

	(void)state;
	world_file(&world, ".aws/credentials", "[default]\n");
	assert_string_equal(said_with_mode(0600), "");
	said = said_with_mode(0640);
	assert_non_null(strstr(said, "warn"));
	assert_non_null(strstr(said, "/.aws/credentials"));
	assert_string_equal(said_with_mode(0604), "");
}

/* A wrong line costs the profile that it is in, those that need it, and one
 * warning; again, the one test in which that comes. */
static void
test_wrong_line_in_another_profile(void **state)
{
	static const char text[] =
	    "[default]\nregion = r\n[bad]\nregion = x\n  output = json\n"
	    "region = y\njunk\n[good]\nregion = g\nrole_arn = r\n"
	    "source_profile = fine\n[needs]\nrole_arn = r\n"
	    "source_profile = bad\n[keys]\nsource_profile = bad\n"
	    "[fine]\nk: 1\n";
	const char *said;

	(void)state;
	world_file(&world, ".aws/credentials", text);
	world_file(&world, ".aws/config",
	    "[profile good]\nservices=s\n[services s]\nssm =\n x\n"
	    "[plugins]\nk\n");
	said = said_by_open("default", 0);
	assert_non_null(strstr(said, "warn"));
	assert_non_null(strstr(said, "/.aws/credentials: line 5: indented"));
	assert_string_equal(said_by_open(NULL, 0), "");
	check("default", "region", "r");
	assert_int_equal(world_open(&world, "keys"), 0);
	assert_int_equal(world_open(&world, "bad"), -1);
	world_failed(&world, ERR_KIND_CONFIG,
	    "/.aws/credentials: line 5: indented line");
	assert_int_equal(world_open(&world, "needs"), -1);
	world_failed(&world, ERR_KIND_CONFIG, "/.aws/credentials: line 5: ");
	assert_int_equal(world_open(&world, "good"), -1);
	world_failed(&world, ERR_KIND_CONFIG, "/.aws/credentials: line 18: ");
	world_file(&world, ".aws/credentials", "[good]\n");
	assert_int_equal(world_open(&world, "good"), -1);
	world_failed(&world, ERR_KIND_CONFIG, "/.aws/config: line 5: ");
}

/* Whose the lines behind a wrong header are nobody knows. */
static void
test_wrong_header_is_of_all_profiles(void **state)
{
	static const char *const wrong[] = { "[b\nk=v\n", "[b] x\n", "[]\n",
		"[default]\n", "[b\xff]\n" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(text, sizeof text, "[default]\nk=v\n%s", wrong[i]);
		world_file(&world, ".aws/credentials", text);
		assert_int_equal(world_open(&world, NULL), -1);
		world_failed(&world, ERR_KIND_CONFIG, ": line 3: ");
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_takes_no_files_at_all),
		TEST(test_tells_where_a_value_is_from),
		TEST(test_chooses_the_profile),
		TEST(test_empty_profile_variable_is_unset),
		TEST(test_named_profile_must_exist),
		TEST(test_profile_may_be_in_either_file),
		TEST(test_merges_the_two_files),
		TEST(test_variable_wins_over_key),
		TEST(test_variables_name_the_files),
		TEST(test_empty_file_variable_is_unset),
		TEST(test_missing_or_irregular_file_is_empty),
		TEST(test_home_comes_from_passwd),
		TEST(test_refuses_endless_paths),
		TEST(test_names_file_and_line_of_a_mistake),
		TEST(test_refuses_a_file_over_the_limit),
		TEST(test_unreadable_file_is_an_error),
		TEST(test_file_in_a_closed_folder_is_absent),
		TEST(test_reads_services),
		TEST(test_services_need_the_config_file),
		TEST(test_no_services_is_fine),
		TEST(test_wrong_line_in_another_profile),
		TEST(test_wrong_header_is_of_all_profiles),
		TEST(test_warns_once_of_open_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
