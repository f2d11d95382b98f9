/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/paths.h"
#include "agent/setup.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "unit/sandbox.h"

#define FITTING                                                \
	"{\"Identity\":{\"ConsumptionOrder\":[\"OnPrem\"]},\n" \
	" \"Profile\":{\"ShareCreds\":false}}"

/* The merged text without white space. */
static void
check_merge(const char *text, const char *expected)
{
	struct buf merged = { 0 }, flat = { 0 };
	struct json *doc = NULL;
	struct err err = { 0 };
	bool changed = false;

	assert_int_equal(setup_merge_config(&merged, text, &changed, &err), 0);
	assert_true(changed);
	assert_int_equal(json_parse(&doc, merged.data, merged.len, &err), 0);
	assert_int_equal(json_print(&flat, doc), 0);
	assert_string_equal(buf_str(&flat), expected);
	json_free(doc);
	buf_free(&merged);
	buf_free(&flat);
}

static void
test_makes_a_configuration(void **state)
{
	static const char made[] =
	    "{\"Profile\":{\"ShareCreds\":false},"
	    "\"Identity\":{\"ConsumptionOrder\":[\"OnPrem\"]}}";

	(void)state;
	check_merge(NULL, made);
	check_merge("", made);
	check_merge(" \t", made);
	check_merge("{}", made);
}

static void
test_keeps_everything_else_in_its_place(void **state)
{
	(void)state;
	check_merge(
	    "{\"Mds\":{\"CommandWorkersLimit\":5},\"Profile\":{\"ShareProfile\":"
	    "\"x\",\"ShareCreds\":true,\"KeyAutoRotateDays\":30},"
	    "\"Identity\":{\"ConsumptionOrder\":[\"OnPrem\",\"EC2\"],"
	    "\"CustomIdentities\":[]},\"Unknown\":null}",
	    "{\"Mds\":{\"CommandWorkersLimit\":5},\"Profile\":{\"ShareProfile\":"
	    "\"x\",\"ShareCreds\":false,\"KeyAutoRotateDays\":30},"
	    "\"Identity\":{\"ConsumptionOrder\":[\"OnPrem\"],"
	    "\"CustomIdentities\":[]},\"Unknown\":null}");
}

static void
test_merging_twice_changes_nothing(void **state)
{
	struct buf once = { 0 }, twice = { 0 };
	struct err err = { 0 };
	bool changed = false;

	(void)state;
	assert_int_equal(setup_merge_config(&once,
	                     "{\"Agent\":{\"Region\":\"x\"}}", &changed, &err),
	    0);
	assert_true(changed);
	changed = false;
	assert_int_equal(setup_merge_config(&twice, buf_str(&once), &changed,
	                     &err),
	    0);
	assert_false(changed);
	assert_string_equal(buf_str(&once), buf_str(&twice));
	buf_free(&once);
	buf_free(&twice);
}

/* The agent takes the last member of any letter case. */
static void
test_refuses_what_the_agent_would_read_otherwise(void **state)
{
	static const char *const texts[] = { "[]", "7", "{", "{\"a\":1}x",
		"{\"Profile\":7}", "{\"Identity\":[]}",
		"{\"profile\":{\"ShareCreds\":true}}",
		"{\"Profile\":{\"sharecreds\":true}}",
		"{\"Profile\":{\"ShareCreds\":false,\"SHARECREDS\":true}}",
		"{\"Identity\":{\"consumptionOrder\":[\"EC2\"]}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = { 0 };
		struct err err = { 0 };
		bool changed = false;

		assert_int_equal(setup_merge_config(&out, texts[i], &changed,
		                     &err),
		    -1);
		assert_string_not_equal(err.msg, "");
		assert_int_equal(out.len, 0);
		buf_free(&out);
	}
}

static void
check_log(const char *agent, const char *expected)
{
	struct err err = { 0 };
	char path[128];

	SANDBOX_CHECK(setup_find_log(agent, path, sizeof path, &err) == 0);
	SANDBOX_CHECK(strcmp(path, expected) == 0);
}

static void
write_config(void)
{
	static const char agent[] = PATHS_BIN "/" PATHS_AGENT;
	struct err err = { 0 };
	char path[128];

	SANDBOX_CHECK(setup_config(NULL, "/a/1", &err) == 0);
	SANDBOX_CHECK(sandbox_mode(PATHS_CONFIG) == 0644);
	check_log(NULL, "/a/1");
	SANDBOX_CHECK(!sandbox_exists(PATHS_LOG));
	/* Another state directory, on a volume that was used before. */
	SANDBOX_CHECK(setup_config(NULL, "/a/2", &err) == 0);
	check_log(NULL, "/a/2");
	SANDBOX_CHECK(setup_remove_log_config(&err) == 0);
	SANDBOX_CHECK(!sandbox_exists(PATHS_SEELOG));
	SANDBOX_CHECK(setup_remove_log_config(&err) == 0);
	check_log(NULL, PATHS_LOG_FILE);

	sandbox_file(PATHS_SEELOG, 0640, "<mine/>");
	sandbox_file(PATHS_CONFIG, 0640, "{\"Ssm\":{}}");
	SANDBOX_CHECK(setup_config(agent, "/a/3", &err) == 0);
	SANDBOX_CHECK(sandbox_mode(PATHS_CONFIG) == 0640);
	SANDBOX_CHECK(setup_remove_log_config(&err) == 0);
	SANDBOX_CHECK(sandbox_holds(PATHS_SEELOG, "<mine/>"));
	SANDBOX_CHECK(sandbox_mode(PATHS_LOG) == 0700);
	SANDBOX_CHECK(sandbox_mode("/var/log") == 0755);
	SANDBOX_CHECK(setup_find_log(agent, path, sizeof path, &err) == -1);
	SANDBOX_CHECK(strstr(err.msg, PATHS_SEELOG) != NULL);
	err_clear(&err);

	sandbox_file(PATHS_CONFIG, 0640, "{\"Ssm\":");
	SANDBOX_CHECK(setup_config(NULL, "/a/1", &err) == -1);
	SANDBOX_CHECK(strstr(err.msg, PATHS_CONFIG) != NULL);
	SANDBOX_CHECK(sandbox_holds(PATHS_CONFIG, "{\"Ssm\":"));
}

static void
test_writes_the_configuration(void **state)
{
	(void)state;
	assert_true(sandbox_run(write_config));
}

static void
leave_fitting(void)
{
	struct err err = { 0 };

	sandbox_file(PATHS_CONFIG, 0444, FITTING);
	SANDBOX_CHECK(mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) ==
	              0);
	SANDBOX_CHECK(setup_config(NULL, "/a/1", &err) == 0);
	SANDBOX_CHECK(sandbox_holds(PATHS_CONFIG, FITTING));
	SANDBOX_CHECK(mount(NULL, "/", NULL, MS_REMOUNT, NULL) == 0);
	sandbox_file(PATHS_CONFIG, 0444, "{}");
	SANDBOX_CHECK(mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) ==
	              0);
	SANDBOX_CHECK(setup_config(NULL, "/a/1", &err) == -1);
	SANDBOX_CHECK(strstr(err.msg, "Read-only") != NULL);
}

static void
test_a_fitting_file_may_be_read_only(void **state)
{
	(void)state;
	assert_true(sandbox_run(leave_fitting));
}

/* An agent outside /usr/bin has its own configuration, if there is one. */
static void
merge_beside(void)
{
	static const char beside[] =
	    "/opt/ssm/configuration/amazon-ssm-agent.json";
	struct err err = { 0 };

	SANDBOX_CHECK(setup_config("/opt/ssm/" PATHS_AGENT, "/a/1", &err) == 0);
	SANDBOX_CHECK(!sandbox_exists(beside));
	sandbox_file(beside, 0600, "{\"Profile\":{\"ShareCreds\":true}}");
	SANDBOX_CHECK(setup_config("/opt/ssm/" PATHS_AGENT, "/a/1", &err) == 0);
	SANDBOX_CHECK(sandbox_mode(beside) == 0600);
	SANDBOX_CHECK(sandbox_holds(beside,
	    "{\n\t\"Profile\":\t{\n\t\t\"ShareCreds\":\tfalse\n\t},\n"
	    "\t\"Identity\":\t{\n\t\t\"ConsumptionOrder\":\t[\"OnPrem\"]"
	    "\n\t}\n}\n"));
}

static void
test_merges_the_file_beside_the_agent(void **state)
{
	(void)state;
	assert_true(sandbox_run(merge_beside));
}

static void
sudoers(void)
{
	struct err err = { 0 };

	SANDBOX_CHECK(setup_remove_sudoers(&err) == 0);
	SANDBOX_CHECK(setup_sudoers(0, &err) == 0);
	SANDBOX_CHECK(sandbox_mode("/etc") == 0755);
	SANDBOX_CHECK(sandbox_mode(PATHS_SUDOERS_DIR) == 0750);
	SANDBOX_CHECK(sandbox_mode(PATHS_SUDOERS) == 0440);
	SANDBOX_CHECK(sandbox_holds(PATHS_SUDOERS,
	    "# Sessions of AWS Systems Manager run as ssm-user "
	    "(ssm-activate).\nssm-user ALL=(ALL) NOPASSWD:ALL\n"));
	/* For a uid, in place of the one for the name, and back. */
	SANDBOX_CHECK(setup_sudoers(1000, &err) == 0);
	SANDBOX_CHECK(sandbox_holds(PATHS_SUDOERS,
	    "# Sessions of AWS Systems Manager run as ssm-user "
	    "(ssm-activate).\n#1000 ALL=(ALL) NOPASSWD:ALL\n"));
	SANDBOX_CHECK(setup_remove_sudoers(&err) == 0);
	SANDBOX_CHECK(!sandbox_exists(PATHS_SUDOERS));
	SANDBOX_CHECK(setup_sudoers(1000, &err) == 0);
	SANDBOX_CHECK(setup_sudoers(0, &err) == 0);
	SANDBOX_CHECK(setup_sudoers(0, &err) == 0);
	SANDBOX_CHECK(setup_remove_sudoers(&err) == 0);
	SANDBOX_CHECK(!sandbox_exists(PATHS_SUDOERS));

	/* What somebody else wrote is neither replaced nor removed. */
	sandbox_file(PATHS_SUDOERS, 0440, "ssm-user ALL=(ALL) NOPASSWD:ALL\n");
	SANDBOX_CHECK(setup_sudoers(0, &err) == 1);
	SANDBOX_CHECK(setup_remove_sudoers(&err) == 0);
	SANDBOX_CHECK(sandbox_holds(PATHS_SUDOERS,
	    "ssm-user ALL=(ALL) NOPASSWD:ALL\n"));
	sandbox_file(PATHS_SUDOERS, 0440,
	    "# Sessions of AWS Systems Manager run as ssm-user "
	    "(ssm-activate).\napp ALL=(ALL) NOPASSWD:ALL\n"
	    "ssm-user ALL=(ALL) NOPASSWD:ALL\n");
	SANDBOX_CHECK(setup_sudoers(0, &err) == 1);
	SANDBOX_CHECK(setup_remove_sudoers(&err) == 0);
	SANDBOX_CHECK(sandbox_exists(PATHS_SUDOERS));
}

static void
test_sudoers_only_our_own(void **state)
{
	(void)state;
	assert_true(sandbox_run(sudoers));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_makes_a_configuration),
		cmocka_unit_test(test_keeps_everything_else_in_its_place),
		cmocka_unit_test(test_merging_twice_changes_nothing),
		cmocka_unit_test(
		    test_refuses_what_the_agent_would_read_otherwise),
		cmocka_unit_test(test_writes_the_configuration),
		cmocka_unit_test(test_a_fitting_file_may_be_read_only),
		cmocka_unit_test(test_merges_the_file_beside_the_agent),
		cmocka_unit_test(test_sudoers_only_our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
