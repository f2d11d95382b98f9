/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/spec.h"
#include "base/err.h"
#include "unit/sandbox.h"

#define AGENT "/usr/bin/amazon-ssm-agent"

static char *application[] = { "PATH=/app/bin", "HOME=/app", "LANG=C",
	"DATABASE_URL=x", "AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=s",
	"AWS_SESSION_TOKEN=t", "AWS_SECURITY_TOKEN=t", "AWS_PROFILE=p",
	"AWS_DEFAULT_PROFILE=p", "AWS_CA_BUNDLE=/x", "SSM_ACTIVATE=true",
	"SSM_ACTIVATE_CODE=c", "AWS_REGION=eu-west-1",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c",
	"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=arn",
	"ECS_CONTAINER_METADATA_URI_V4=u", "https_proxy=p", "NO_PROXY=n",
	"TZ=UTC", "no equals sign", "DATABASE_URL=second", "EMPTY=", NULL };

static void
check(char *const *envp, const char *const *expected)
{
	size_t i;

	for (i = 0; expected[i] != NULL; i++) {
		assert_non_null(envp[i]);
		assert_string_equal(envp[i], expected[i]);
	}
	assert_null(envp[i]);
}

static void
test_inherit_keeps_the_application_but_not_its_keys(void **state)
{
	static const char *const expected[] = { "PATH=/app/bin", "HOME=/app",
		"LANG=C", "DATABASE_URL=x", "AWS_REGION=eu-west-1",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c",
		"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=arn",
		"ECS_CONTAINER_METADATA_URI_V4=u", "https_proxy=p",
		"NO_PROXY=n", "TZ=UTC", "EMPTY=", "SSL_CERT_FILE=/ca", NULL };
	struct spec_options options = { .env = { application },
		.path = AGENT,
		.region = "us-east-1",
		.cert_file = "/ca" };
	struct spec spec = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(spec_build(&spec, &options, &err), 0);
	check(spec.envp, expected);
	assert_string_equal(spec.argv[0], AGENT);
	assert_null(spec.argv[1]);
	spec_free(&spec);
	assert_null(spec.argv);
}

static void
test_minimal_keeps_a_list(void **state)
{
	static const char *const expected[] = { "PATH=/app/bin", "HOME=/app",
		"LANG=C", "AWS_REGION=eu-west-1", "https_proxy=p", "NO_PROXY=n",
		"TZ=UTC", "SSL_CERT_FILE=/ca", NULL };
	struct spec_options options = { .env = { application },
		.path = AGENT,
		.minimal = true,
		.region = "us-east-1",
		.cert_file = "/ca" };
	struct spec spec = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(spec_build(&spec, &options, &err), 0);
	check(spec.envp, expected);
	spec_free(&spec);
}

static void
test_defaults_where_nothing_is_set(void **state)
{
	static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:"
	                           "/usr/sbin:/usr/bin:/sbin:/bin";
	static const char *const inherit[] = { path, "HOME=/root", NULL };
	static const char *const minimal[] = { path, "HOME=/root",
		"AWS_REGION=us-east-1", NULL };
	struct spec_options options = { .path = AGENT, .region = "us-east-1" };
	struct spec spec = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(spec_build(&spec, &options, &err), 0);
	check(spec.envp, inherit);
	options.minimal = true;
	/* What was there before is given up. */
	assert_int_equal(spec_build(&spec, &options, &err), 0);
	check(spec.envp, minimal);
	spec_free(&spec);
}

static void
test_what_is_set_stays(void **state)
{
	static char *vars[] = { "SSL_CERT_FILE=/own", "SSL_CERT_DIR=/d",
		"AWS_DEFAULT_REGION=eu-west-1", "PATH=", "HOME=/h", NULL };
	static const char *const expected[] = { "SSL_CERT_FILE=/own",
		"SSL_CERT_DIR=/d", "AWS_DEFAULT_REGION=eu-west-1",
		"PATH=", "HOME=/h", NULL };
	struct spec_options options = { .env = { vars },
		.path = AGENT,
		.region = "us-east-1",
		.cert_file = "/ca" };
	struct spec spec = { 0 };
	struct err err = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		options.minimal = i == 1;
		assert_int_equal(spec_build(&spec, &options, &err), 0);
		check(spec.envp, expected);
	}
	spec_free(&spec);
}

/* Why one in PATH was left out, of the last look. */
static struct err skipped;

/* Look with the path given, and PATH; give where it is. */
static void
finds(const char *path, char *search, const char *found)
{
	char *vars[] = { search, NULL };
	struct env env = { .vars = vars };
	struct err err = { 0 };
	char out[128] = "";

	err_clear(&skipped);
	SANDBOX_CHECK(spec_find(out, sizeof(out), path, env, &skipped, &err) ==
	              0);
	SANDBOX_CHECK(strcmp(out, found) == 0);
}

static void
refuses(const char *path, char *search, const char *why)
{
	char *vars[] = { search, NULL };
	struct env env = { .vars = vars };
	struct err err = { 0 };
	char out[128] = "unchanged";

	bool none = strstr(why, "not installed") != NULL;

	err_clear(&skipped);
	SANDBOX_CHECK(spec_find(out, sizeof(out), path, env, &skipped, &err) ==
	              (none ? 1 : -1));
	SANDBOX_CHECK(strcmp(out, "unchanged") == 0);
	SANDBOX_CHECK(err.kind == ERR_KIND_INVALID_VALUE);
	SANDBOX_CHECK(strstr(err.msg, why) != NULL);
}

static void
find(void)
{
	static const char agent[] = "/opt/ssm/amazon-ssm-agent";
	char both[] = "PATH=/bin:/opt/ssm", opt[] = "PATH=/opt/ssm";
	char slash[] = "PATH=/opt/ssm/",
	     none[] = "PATH=", relative[] = "PATH=/bin:opt/ssm::";

	refuses(NULL, both, "not installed");
	sandbox_file(agent, 0755, "x");
	refuses(NULL, both, "no ssm-agent-worker");
	sandbox_file("/opt/ssm/ssm-agent-worker", 0755, "x");
	/* Without a session-worker the agent looks in /usr/bin. */
	refuses(NULL, both, "no ssm-agent-worker");
	sandbox_file("/opt/ssm/ssm-session-worker", 0755, "x");
	finds(NULL, both, agent);
	refuses(NULL, relative, "not installed");
	finds(agent, none, agent);
	refuses("opt/ssm/amazon-ssm-agent", none, "absolute");
	refuses("/opt/ssm", none, "not an executable file");
	finds(NULL, slash, agent);
	/* A worker that others may write is none for the agent. */
	sandbox_file("/opt/ssm/ssm-agent-worker", 0775, "x");
	refuses(agent, none, "beside /opt/ssm/amazon-ssm-agent must be root:");
	sandbox_file("/opt/ssm/ssm-agent-worker", 0755, "x");
	SANDBOX_CHECK(chown("/opt/ssm/ssm-session-worker", 0, 7) == 0);
	refuses(agent, none, "must be root:root with mode 0755");
	sandbox_file("/usr/bin/ssm-agent-worker", 0755, "x");
	finds(agent, none, agent);
	sandbox_file(AGENT, 0644, "x");
	finds(NULL, opt, agent);
	sandbox_file(AGENT, 0755, "x");
	finds(NULL, opt, AGENT);
}

static void
test_finds_the_agent_that_can_work(void **state)
{
	(void)state;
	assert_true(sandbox_run(find));
}

/* What others could have put there is not run as root. */
static void
find_safely(void)
{
	static const char agent[] = "/opt/ssm/amazon-ssm-agent";
	char path[] = "PATH=/app:/opt/ssm", app[] = "PATH=/app";
	struct err err = { 0 };
	char out[64];

	for (int i = 0; i < 2; i++) {
		const char *folder = i == 0 ? "/opt/ssm" : "/app";

		for (const char *name = "amazon-ssm-agent\0ssm-agent-worker\0"
		                        "ssm-session-worker\0";
		     *name != '\0'; name += strlen(name) + 1) {
			char file[64];

			(void)snprintf(file, sizeof(file), "%s/%s", folder,
			    name);
			sandbox_file(file, 0755, "x");
		}
	}
	SANDBOX_CHECK(chown("/app", 1000, 1000) == 0);
	finds(NULL, path, agent);
	refuses(NULL, app, "not installed");
	SANDBOX_CHECK(strstr(skipped.msg, "/app belongs to uid 1000") != NULL);
	SANDBOX_CHECK(spec_find(out, sizeof(out), "/app/amazon-ssm-agent",
	                  (struct env){ 0 }, &skipped, &err) == -1);
	SANDBOX_CHECK(strstr(err.msg, "/app belongs to uid 1000") != NULL);
	SANDBOX_CHECK(chown("/app", 0, 0) == 0);
	finds(NULL, app, "/app/amazon-ssm-agent");
	SANDBOX_CHECK(skipped.code == ERR_OK);
	SANDBOX_CHECK(chown("/app/amazon-ssm-agent", 1000, 0) == 0);
	finds(NULL, path, agent);
	SANDBOX_CHECK(skipped.code != ERR_OK);
	SANDBOX_CHECK(unlink("/app/amazon-ssm-agent") == 0);
	SANDBOX_CHECK(symlink(agent, "/app/amazon-ssm-agent") == 0);
	finds(NULL, app, "/app/amazon-ssm-agent");
	SANDBOX_CHECK(lchown("/app/amazon-ssm-agent", 1000, 0) == 0);
	refuses(NULL, app, "not installed");
	SANDBOX_CHECK(chmod("/opt/ssm", 0777) == 0);
	refuses(NULL, path, "not installed");
}

static void
test_finds_only_what_root_alone_can_change(void **state)
{
	(void)state;
	assert_true(sandbox_run(find_safely));
}

static void
find_says_what_to_do(void)
{
	struct err err = { 0 };
	char out[8];

	SANDBOX_CHECK(spec_find(out, sizeof(out), NULL, (struct env){ 0 },
	                  &skipped, &err) == 1);
	SANDBOX_CHECK(strstr(err.fix, "COPY --from=") != NULL);
	err_clear(&err);
	sandbox_file(AGENT, 0755, "x");
	sandbox_file("/usr/bin/ssm-agent-worker", 0755, "x");
	SANDBOX_CHECK(spec_find(out, sizeof(out), NULL, (struct env){ 0 },
	                  &skipped, &err) == -1);
	SANDBOX_CHECK(strstr(err.msg, "too long") != NULL);
}

static void
test_says_what_to_add(void **state)
{
	(void)state;
	assert_true(sandbox_run(find_says_what_to_do));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_inherit_keeps_the_application_but_not_its_keys),
		cmocka_unit_test(test_minimal_keeps_a_list),
		cmocka_unit_test(test_defaults_where_nothing_is_set),
		cmocka_unit_test(test_what_is_set_stays),
		cmocka_unit_test(test_finds_the_agent_that_can_work),
		cmocka_unit_test(test_finds_only_what_root_alone_can_change),
		cmocka_unit_test(test_says_what_to_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
