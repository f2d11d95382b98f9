/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "settings/config.h"
#include "unit/sandbox.h"
#include "work/which.h"

#define AGENT  "/usr/bin/amazon-ssm-agent"
#define WORKER "/usr/bin/ssm-agent-worker"

static struct err skipped, err;
static char agent[WORK_AGENT_SIZE];

static int
choose(const struct config *cfg)
{
	err_clear(&skipped);
	err_clear(&err);
	agent[0] = '\0';
	return which_agent(agent, cfg, &skipped, &err);
}

static bool
chosen(const struct config *cfg, const char *wanted)
{
	return choose(cfg) == 0 && strcmp(agent, wanted) == 0 &&
	       err.code == ERR_OK &&
	       which_builtin(cfg) == (strcmp(wanted, WORK_BUILTIN) == 0);
}

/* Refused with these words in text and advice. */
static bool
refused(const struct config *cfg, const char *text, const char *fix)
{
	return choose(cfg) == -1 && strstr(err.msg, text) != NULL &&
	       strstr(err.fix, fix) != NULL && !which_builtin(cfg);
}

static void
finds(void)
{
	struct config seek = { .agent = "auto" }, unset = { 0 };
	struct config ours = { .agent = "builtin" }, path = { .agent = AGENT };

	SANDBOX_CHECK(chosen(&seek, WORK_BUILTIN));
	SANDBOX_CHECK(skipped.code == ERR_OK);
	SANDBOX_CHECK(refused(&path, "is not an executable file", "COPY"));
	sandbox_file(AGENT, 0755, "x");
	SANDBOX_CHECK(chosen(&seek, WORK_BUILTIN));
	SANDBOX_CHECK(strstr(skipped.msg, "no ssm-agent-worker") != NULL);
	SANDBOX_CHECK(refused(&path, "no ssm-agent-worker", "COPY"));
	sandbox_file(WORKER, 0755, "x");
	SANDBOX_CHECK(chosen(&seek, AGENT) && chosen(&unset, AGENT));
	SANDBOX_CHECK(chosen(&path, AGENT));
	SANDBOX_CHECK(skipped.code == ERR_OK);
	SANDBOX_CHECK(chosen(&ours, WORK_BUILTIN));
	/* Others than root can change it. */
	SANDBOX_CHECK(chown(AGENT, 1000, 1000) == 0);
	SANDBOX_CHECK(chosen(&seek, WORK_BUILTIN));
	SANDBOX_CHECK(strstr(skipped.msg, "belongs to uid 1000") != NULL);
	SANDBOX_CHECK(choose(&path) == -1);
}

/* What only amazon-ssm-agent can do is said with what is wrong with it. */
static void
refuses(void)
{
	struct config fis = { .fis = true };
	struct config registrar = { .registrar = CONFIG_AGENT };

	SANDBOX_CHECK(which_check(&fis, &err) == 0);
	SANDBOX_CHECK(refused(&fis,
	    "SSM_ACTIVATE_FIS: amazon-ssm-agent is not installed", "COPY"));
	SANDBOX_CHECK(err.code == ERR_CONFIG);
	SANDBOX_CHECK(refused(&registrar,
	    "SSM_ACTIVATE_REGISTRAR=agent: amazon-ssm-agent is not", "COPY"));
	sandbox_file(AGENT, 0755, "x");
	SANDBOX_CHECK(refused(&fis, "SSM_ACTIVATE_FIS: " AGENT " has no",
	    "COPY"));
	sandbox_file(WORKER, 0755, "x");
	SANDBOX_CHECK(chosen(&fis, AGENT) && chosen(&registrar, AGENT));
	fis.agent = registrar.agent = "builtin";
	SANDBOX_CHECK(refused(&fis, "SSM_ACTIVATE_FIS needs amazon-ssm-agent",
	    "unset SSM_ACTIVATE_AGENT, or unset SSM_ACTIVATE_FIS"));
	SANDBOX_CHECK(refused(&registrar, "SSM_ACTIVATE_REGISTRAR=agent needs",
	    "or unset SSM_ACTIVATE_REGISTRAR"));
	err_clear(&err);
	SANDBOX_CHECK(which_check(&fis, &err) == -1);
	SANDBOX_CHECK(err.code == ERR_CONFIG);
}

/* As another user than root the agent that is installed is no choice. */
static void
without_root(void)
{
	struct config seek = { .agent = "auto" }, fis = { .fis = true };
	struct config path = { .agent = AGENT };

	sandbox_file(AGENT, 0755, "x");
	sandbox_file(WORKER, 0755, "x");
	SANDBOX_CHECK(setuid(1000) == 0);
	SANDBOX_CHECK(chosen(&seek, WORK_BUILTIN));
	SANDBOX_CHECK(skipped.code == ERR_OK);
	SANDBOX_CHECK(refused(&path, "needs uid 0, this is uid 1000",
	    "or unset SSM_ACTIVATE_AGENT"));
	SANDBOX_CHECK(refused(&fis, "SSM_ACTIVATE_FIS: amazon-ssm-agent needs",
	    "or unset SSM_ACTIVATE_FIS"));
}

SANDBOX_TEST(finds)
SANDBOX_TEST(refuses)
SANDBOX_TEST(without_root)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_without_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
