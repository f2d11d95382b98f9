/* SPDX-License-Identifier: MIT */
/* The settings as a whole. */
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

#include "app/preflight.h"
#include "settings/config.h"

#define UUID "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define CODE "abcdefghijklmnopqrst"

static const char *const programs[] = { "amazon-ssm-agent", "ssm-agent-worker",
	"ssm-session-worker" };

static char folder[64], agent[96];
static struct config cfg;
static struct preflight out;
static struct err failure;

/* An agent beside its workers, all root's. */
static int
make(void **state)
{
	char path[128];

	(void)state;
	strcpy(folder, "/tmp/ssm-activate-unit-XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		FILE *file;

		snprintf(path, sizeof path, "%s/%s", folder, programs[i]);
		file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(chmod(path, 0755), 0);
	}
	snprintf(agent, sizeof agent, "%s/%s", folder, programs[0]);
	cfg = (struct config){
		.role = "Role", .agent = agent, .state_dir = "/state"
	};
	memset(&out, 0, sizeof out);
	err_clear(&failure);
	return 0;
}

static int
clean(void **state)
{
	char path[128];

	(void)state;
	(void)unsetenv("SSM_ACTIVATE_CODE");
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, programs[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

static void
good(void)
{
	if (preflight_check(&out, &cfg, &failure) != 0)
		fail_msg("%s", failure.msg);
}

static void
bad(const char *setting)
{
	assert_int_equal(preflight_check(&out, &cfg, &failure), -1);
	assert_int_equal(failure.kind, ERR_KIND_INVALID_VALUE);
	if (strstr(failure.msg, setting) == NULL)
		fail_msg("no %s in: %s", setting, failure.msg);
	err_clear(&failure);
}

static void
test_least(void **state)
{
	(void)state;
	good();
	assert_string_equal(out.role, "Role");
	assert_string_equal(out.code, "");
	cfg.role = "arn:aws:iam::123456789012:role/path/R";
	good();
	assert_string_equal(out.role, "path/R");
}

static void
test_each_setting(void **state)
{
	static char variable[] = "MANAGED_INSTANCE_ROLE_NAME=a b";
	static char *vars[] = { variable, NULL };

	(void)state;
	cfg.env.vars = vars;
	cfg.role = env_get(cfg.env, "MANAGED_INSTANCE_ROLE_NAME");
	bad("MANAGED_INSTANCE_ROLE_NAME: a b");
	cfg.env.vars = NULL;
	cfg.role = "c d";
	bad("--role: c d");
	cfg.role = "Role";
	cfg.name = "{what}";
	bad("--name: name {what}: ");
	cfg.name = "{task} {hostname}";
	good();
	cfg.tags = "a";
	bad("--tags: tag a: ");
	cfg.tags = "a=b";
	good();
}

/* Else the keeper finds out, beside CMD. */
static void
test_agent_is_looked_for_if_required(void **state)
{
	(void)state;
	cfg.required = true;
	good();
	cfg.agent = "amazon-ssm-agent";
	bad("amazon-ssm-agent");
	cfg.agent = "/nonexistent/agent";
	bad("/nonexistent/agent");
	cfg.required = false;
	good();
}

static void
test_malformed_variable_comes_first(void **state)
{
	char *const variables[] = { (char[]){ "SSM_ACTIVATE_SUDO=si" }, NULL };
	char *const nothing[] = { NULL };

	(void)state;
	assert_int_equal(config_load(&cfg, CONFIG_RUN, nothing,
	                     (struct env){ (char **)(uintptr_t)variables },
	                     NULL),
	    0);
	cfg.role = "a b";
	bad("SSM_ACTIVATE_SUDO");
}

static void
session_user(const char *text, bool fits)
{
	cfg.session_user = text;
	if (fits)
		good();
	else
		bad("--session-user: ");
}

static void
test_session_user(void **state)
{
	(void)state;
	session_user("1000:1000", true);
	session_user("1:1", true);
	session_user("4294967294:4294967294", true);
	session_user("4294967295:1", false);
	session_user("1:4294967295", false);
	session_user("0:1", false);
	session_user("1:0", false);
	session_user("1000", false);
	session_user("1000:", false);
	session_user(":1000", false);
	session_user("app:app", false);
	session_user("1:1:1", false);
	session_user("-1:1", false);
}

static void
test_given_activation(void **state)
{
	(void)state;
	cfg.id = UUID;
	bad("SSM_ACTIVATE_CODE");
	cfg.code_file = "/run/secrets/code";
	good();
	assert_string_equal(out.code, "");
	cfg.id = NULL;
	bad("SSM_ACTIVATE_ID");
	cfg.id = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";
	bad("--id: 0A1B2C3D-");
	cfg.id = "x";
	bad("--id: x ");
}

/* Taken out of the environment, whatever else is wrong. */
static void
take(const char *code, const char *refused)
{
	const char *shown = NULL;

	assert_int_equal(setenv("SSM_ACTIVATE_CODE", code, 1), 0);
	cfg.code = shown = getenv("SSM_ACTIVATE_CODE");
	if (shown == NULL) {
		fail();
		return;
	}
	if (refused == NULL)
		good();
	else
		bad(refused);
	assert_null(cfg.code);
	assert_null(getenv("SSM_ACTIVATE_CODE"));
	/* Where it was, nothing is left of it. */
	assert_int_equal(shown[0], '\0');
	assert_int_equal(shown[strlen(code) - 1], '\0');
}

static void
test_code_leaves_the_environment(void **state)
{
	char code[SSM_CODE_SIZE + 1];

	(void)state;
	cfg.id = UUID;
	take(CODE, NULL);
	assert_string_equal(out.code, CODE);
	memset(code, 'c', sizeof code);
	code[SSM_CODE_SIZE - 1] = '\0';
	take(code, NULL);
	assert_string_equal(out.code, code);
	code[SSM_CODE_SIZE - 1] = 'c';
	code[SSM_CODE_SIZE] = '\0';
	take(code, "SSM_ACTIVATE_CODE");
	assert_null(strstr(failure.msg, "ccc"));
	cfg.role = "a b";
	take(CODE, "--role");
}

static void
test_wipe(void **state)
{
	static const struct preflight zero;

	(void)state;
	strcpy(out.code, CODE);
	strcpy(out.role, "r");
	preflight_wipe(&out);
	assert_memory_equal(&out, &zero, sizeof out);
}

#define CHECK_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

static void
bad_demand(const char *value, const char *why)
{
	cfg.demand = value;
	err_clear(&failure);
	assert_int_equal(preflight_check(&out, &cfg, &failure), -1);
	assert_non_null(strstr(failure.msg, why));
}

static void
test_demand(void **state)
{
	(void)state;
	/* Without the mode it is not looked at. */
	cfg.demand = "x";
	good();
	assert_int_equal(cfg.ttl_ms, 0);
	cfg.gate = CONFIG_GATE_DEMAND;
	cfg.demand = NULL;
	good();
	assert_int_equal(cfg.ttl_ms, 3600000);
	cfg.ttl_ms = 5;
	cfg.demand = "ssm:/web/{cluster}/{task}";
	good();
	assert_int_equal(cfg.ttl_ms, 5);
	bad_demand("/web", "--demand: /web: it must be ssm:NAME");
	bad_demand("ssm:/{x}", "--demand: name /{x}: the words are");
	cfg.keep_identity = true;
	bad_demand(NULL, "SSM_ACTIVATE_KEEP_IDENTITY");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CHECK_TEST(test_least),
		CHECK_TEST(test_each_setting),
		CHECK_TEST(test_agent_is_looked_for_if_required),
		CHECK_TEST(test_malformed_variable_comes_first),
		CHECK_TEST(test_session_user),
		CHECK_TEST(test_given_activation),
		CHECK_TEST(test_code_leaves_the_environment),
		cmocka_unit_test(test_wipe),
		CHECK_TEST(test_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
