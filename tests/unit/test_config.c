/* SPDX-License-Identifier: MIT */
/* Flags over variables over defaults, for every kind of option. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/signals.h"
#include "settings/config.h"
#include "settings/options.h"

enum { LIST_MAX = 8 };

struct list {
	char *item[LIST_MAX + 1];
};

static struct config cfg;
static struct err failure;

static const int64_t second = 1000, hour = 3600000;

/* Load the words of argv, all of them NULL-terminated lists. */
static int
load(enum config_command command, const struct list *argv,
    const struct list *vars)
{
	struct env env = { vars->item };

	cfg = (struct config){ .name = "before" };
	err_clear(&failure);
	return config_load(&cfg, command, argv->item, env, &failure);
}

#define LIST(...) (&(const struct list){ { __VA_ARGS__ } })
#define NOTHING   LIST(NULL)

/* It is a usage error that names what is wrong, and cfg is as before. */
static void
is_usage(int rc, const char *name)
{
	assert_int_equal(rc, -1);
	assert_int_equal(failure.kind, ERR_KIND_USAGE);
	assert_int_equal(failure.code, ERR_USAGE);
	if (strstr(failure.msg, name) == NULL)
		fail_msg("no \"%s\" in: %s", name, failure.msg);
	assert_string_equal(cfg.name, "before");
}

static void
test_defaults(void **state)
{
	const char *role =
	    "service-role/AmazonEC2RunCommandRoleForManagedInstances";

	(void)state;
	assert_int_equal(load(CONFIG_RUN, NOTHING, NOTHING), 0);
	assert_int_equal(cfg.gate, CONFIG_GATE_UNSET);
	assert_null(cfg.odd_gate);
	assert_null(cfg.name);
	assert_string_equal(cfg.role, role);
	assert_null(cfg.tags);
	assert_false(cfg.fis);
	assert_int_equal(cfg.expires_ms, hour);
	assert_int_equal(cfg.timeout_ms, 10 * second);
	assert_int_equal(cfg.give_up_ms, hour);
	assert_int_equal(cfg.down_timeout_ms, 8 * second);
	assert_int_equal(cfg.ttl_ms, 0);
	assert_int_equal(cfg.ttl_grace_ms, hour / 3);
	assert_int_equal(cfg.watch_ms, 5 * second);
	assert_false(cfg.required);
	assert_int_equal(cfg.sudo, CONFIG_WISH_NONE);
	assert_true(cfg.create_user);
	assert_int_equal(cfg.registrar, CONFIG_SELF);
	assert_int_equal(cfg.agent_env, CONFIG_INHERIT);
	assert_true(cfg.stop_signals ==
	            (signals_bit(SIGTERM) | signals_bit(SIGINT) |
	                signals_bit(SIGQUIT)));
	assert_string_equal(cfg.state_dir, "/var/lib/ssm-activate");
	assert_int_equal(cfg.log_level, LOG_INFO);
	assert_int_equal(cfg.log_format, LOG_TEXT);
	assert_string_equal(cfg.body, "{}");
	assert_false(cfg.no_linger || cfg.background || cfg.json);
	assert_null(cfg.argv);
	assert_null(cfg.malformed);
}

static void
test_variables_over_defaults(void **state)
{
	(void)state;
	assert_int_equal(
	    load(CONFIG_UP, NOTHING,
	        LIST("SSM_INSTANCE_NAME=n", "SSM_ACTIVATE_TIMEOUT=500ms",
	            "SSM_ACTIVATE_SUDO=Off", "SSM_ACTIVATE_REGISTRAR=AGENT",
	            "SSM_ACTIVATE_STOP_SIGNALS= hup , SIGRTMIN+3,15",
	            "SSM_ACTIVATE_CODE=secret", "SSM_ACTIVATE_LOG=warn",
	            "SSM_ACTIVATE_LOG_FORMAT=json")),
	    0);
	assert_string_equal(cfg.name, "n");
	assert_int_equal(cfg.timeout_ms, 500);
	assert_int_equal(cfg.sudo, CONFIG_WISH_OFF);
	assert_int_equal(cfg.registrar, CONFIG_AGENT);
	assert_true(cfg.stop_signals == (signals_bit(SIGHUP) | signals_bit(37) |
	                                    signals_bit(SIGTERM)));
	assert_string_equal(cfg.code, "secret");
	assert_int_equal(cfg.log_level, LOG_WARN);
	assert_int_equal(cfg.log_format, LOG_JSON);
	assert_null(cfg.malformed);
}

static void
test_flags_over_variables(void **state)
{
	(void)state;
	assert_int_equal(load(CONFIG_RUN,
	                     LIST("--name", "flag", "--timeout=3s", "--sudo=on",
	                         "--stop-signals=QUIT", "--agent-env=minimal"),
	                     LIST("SSM_INSTANCE_NAME=variable",
	                         "SSM_ACTIVATE_TIMEOUT=9s",
	                         "SSM_ACTIVATE_SUDO=off",
	                         "SSM_ACTIVATE_STOP_SIGNALS=HUP",
	                         "SSM_ACTIVATE_AGENT_ENV=inherit")),
	    0);
	assert_string_equal(cfg.name, "flag");
	assert_int_equal(cfg.timeout_ms, 3 * second);
	assert_int_equal(cfg.sudo, CONFIG_WISH_ON);
	assert_true(cfg.stop_signals == signals_bit(SIGQUIT));
	assert_int_equal(cfg.agent_env, CONFIG_MINIMAL);
}

static void
test_empty_variable_is_unset(void **state)
{
	(void)state;
	assert_int_equal(load(CONFIG_UP, NOTHING,
	                     LIST("SSM_ACTIVATE=", "SSM_ACTIVATE_TIMEOUT=",
	                         "SSM_ACTIVATE_STATE_DIR=")),
	    0);
	assert_int_equal(cfg.gate, CONFIG_GATE_UNSET);
	assert_int_equal(cfg.timeout_ms, 10 * second);
	assert_string_equal(cfg.state_dir, "/var/lib/ssm-activate");
	assert_null(cfg.malformed);
}

static void
test_alias_of_a_variable(void **state)
{
	(void)state;
	assert_int_equal(load(CONFIG_UP, NOTHING,
	                     LIST("MANAGED_INSTANCE_ROLE_NAME=alias")),
	    0);
	assert_string_equal(cfg.role, "alias");
	assert_int_equal(load(CONFIG_UP, NOTHING,
	                     LIST("MANAGED_INSTANCE_ROLE_NAME=alias",
	                         "SSM_ACTIVATE_ROLE=own")),
	    0);
	assert_string_equal(cfg.role, "own");
	assert_int_equal(load(CONFIG_UP, NOTHING,
	                     LIST("SSM_ACTIVATE_ROLE=",
	                         "MANAGED_INSTANCE_ROLE_NAME=alias")),
	    0);
	assert_string_equal(cfg.role, "alias");
	assert_int_equal(load(CONFIG_UP, LIST("--role", "flag"),
	                     LIST("MANAGED_INSTANCE_ROLE_NAME=alias")),
	    0);
	assert_string_equal(cfg.role, "flag");
}

static void
gate_is(const char *word, enum config_gate gate, bool odd)
{
	char variable[64];

	snprintf(variable, sizeof variable, "SSM_ACTIVATE=%s", word);
	assert_int_equal(load(CONFIG_RUN, NOTHING, LIST(variable)), 0);
	assert_int_equal(cfg.gate, gate);
	if (odd)
		assert_string_equal(cfg.odd_gate, word);
	else
		assert_null(cfg.odd_gate);
	assert_null(cfg.malformed);
}

static void
test_words_of_the_gate(void **state)
{
	static const char *const on[] = { "true", "TRUE", "True", "1", "yes",
		"Yes", "on", "oN" };
	static const char *const off[] = { "false", "FALSE", "0", "no", "NO",
		"off", "Off" };
	static const char *const odd[] = { "maybe", "2", "truee", " true",
		"on off" };

	(void)state;
	for (size_t i = 0; i < sizeof on / sizeof on[0]; i++)
		gate_is(on[i], CONFIG_GATE_ON, false);
	for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
		gate_is(off[i], CONFIG_GATE_OFF, false);
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		gate_is(odd[i], CONFIG_GATE_OFF, true);
	gate_is("demand", CONFIG_GATE_DEMAND, false);
	gate_is("Demand", CONFIG_GATE_DEMAND, false);
	gate_is("demands", CONFIG_GATE_OFF, true);
}

static void
test_flag_of_the_gate(void **state)
{
	(void)state;
	assert_int_equal(load(CONFIG_UP, LIST("--activate", "on"),
	                     LIST("SSM_ACTIVATE=maybe")),
	    0);
	assert_int_equal(cfg.gate, CONFIG_GATE_ON);
	assert_null(cfg.odd_gate);
	assert_int_equal(load(CONFIG_UP, LIST("--activate=off"),
	                     LIST("SSM_ACTIVATE=on")),
	    0);
	assert_int_equal(cfg.gate, CONFIG_GATE_OFF);
}

/* The variable is named, the default holds, and loading goes on. */
static void
malformed(const char *variable, const char *name)
{
	assert_int_equal(load(CONFIG_UP, LIST("--name", "still read"),
	                     LIST((char *)(uintptr_t)variable)),
	    0);
	assert_string_equal(cfg.name, "still read");
	assert_int_equal(failure.kind, ERR_KIND_NONE);
	assert_int_equal(config_check(&cfg, &failure), -1);
	assert_int_equal(failure.kind, ERR_KIND_INVALID_VALUE);
	assert_int_equal(failure.code, ERR_CONFIG);
	assert_non_null(strstr(failure.msg, name));
}

static void
test_malformed_variables_are_kept(void **state)
{
	(void)state;
	malformed("SSM_ACTIVATE_TIMEOUT=soon", "SSM_ACTIVATE_TIMEOUT");
	assert_int_equal(cfg.timeout_ms, 10 * second);
	malformed("SSM_ACTIVATE_SUDO=si", "SSM_ACTIVATE_SUDO");
	assert_int_equal(cfg.sudo, CONFIG_WISH_NONE);
	malformed("SSM_ACTIVATE_REGISTRAR=me", "SSM_ACTIVATE_REGISTRAR");
	assert_non_null(strstr(failure.msg, "self|agent"));
	assert_int_equal(cfg.registrar, CONFIG_SELF);
	malformed("SSM_ACTIVATE_REGISTRAR=self|agent", "REGISTRAR");
	malformed("SSM_ACTIVATE_STOP_SIGNALS=TERM,NONE", "STOP_SIGNALS");
	assert_true((cfg.stop_signals & signals_bit(SIGINT)) != 0);
	malformed("SSM_ACTIVATE_STOP_SIGNALS=TERM,,INT", "STOP_SIGNALS");
	malformed("SSM_ACTIVATE_STOP_SIGNALS=0", "STOP_SIGNALS");
	malformed("SSM_ACTIVATE_STOP_SIGNALS=65", "STOP_SIGNALS");
}

static void
test_first_malformed_variable_is_told(void **state)
{
	(void)state;
	assert_int_equal(load(CONFIG_UP, NOTHING,
	                     LIST("SSM_ACTIVATE_LOG=loud",
	                         "SSM_ACTIVATE_EXPIRES=never",
	                         "SSM_ACTIVATE_TAGS=a=b")),
	    0);
	assert_int_equal(config_check(&cfg, &failure), -1);
	assert_non_null(strstr(failure.msg, "SSM_ACTIVATE_EXPIRES=never: "));
	assert_string_equal(cfg.tags, "a=b");
}

static void
test_malformed_flags_are_errors(void **state)
{
	(void)state;
	is_usage(load(CONFIG_UP, LIST("--timeout", "soon"), NOTHING),
	    "--timeout soon: ");
	is_usage(load(CONFIG_UP, LIST("--timeout="), NOTHING), "--timeout");
	is_usage(load(CONFIG_UP, LIST("--sudo=maybe"), NOTHING), "--sudo");
	is_usage(load(CONFIG_UP, LIST("--sudo="), NOTHING), "--sudo");
	is_usage(load(CONFIG_UP, LIST("--registrar=x"), NOTHING),
	    "--registrar");
	is_usage(load(CONFIG_RUN, LIST("--stop-signals", "TERM,X"), NOTHING),
	    "--stop-signals");
	is_usage(load(CONFIG_UP, LIST("--name"), NOTHING), "--name");
	is_usage(load(CONFIG_UP, LIST("--background=yes"), NOTHING),
	    "--background=yes: ");
}

static void
test_unknown_flags(void **state)
{
	(void)state;
	is_usage(load(CONFIG_UP, LIST("--nonsense"), NOTHING), "--nonsense");
	is_usage(load(CONFIG_UP, LIST("--nonsense=1"), NOTHING), "--nonsense");
	is_usage(load(CONFIG_UP, LIST("--nam", "x"), NOTHING), "--nam");
	is_usage(load(CONFIG_UP, LIST("--=x"), NOTHING), "--");
	is_usage(load(CONFIG_UP, LIST("-x"), NOTHING), "-x");
	is_usage(load(CONFIG_RUN, LIST("-x", "cmd"), NOTHING), "-x");
	/* Known, but not to this command. */
	is_usage(load(CONFIG_UP, LIST("--no-linger"), NOTHING), "--no-linger");
	is_usage(load(CONFIG_STATUS, LIST("--role", "r"), NOTHING), "--role");
	is_usage(load(CONFIG_VERSION, LIST("--json"), NOTHING), "--json");
	/* A code does not belong into argv. */
	is_usage(load(CONFIG_UP, LIST("--code=c"), NOTHING), "--code");
}

/* The fix says which flag of the command may have been meant. */
static void
test_did_you_mean(void **state)
{
	(void)state;
	is_usage(load(CONFIG_RUN, LIST("--tll", "8h"), NOTHING), "--tll");
	assert_string_equal(failure.fix, "did you mean --ttl?");
	is_usage(load(CONFIG_GC, LIST("--older-then=1h"), NOTHING), "--older");
	assert_string_equal(failure.fix, "did you mean --older-than?");
	is_usage(load(CONFIG_GC, LIST("--tll", "8h"), NOTHING), "--tll");
	assert_string_equal(failure.fix, "");
	is_usage(load(CONFIG_RUN, LIST("--nonsense"), NOTHING), "--nonsense");
	assert_string_equal(failure.fix, "");
}

/* Also where words are taken: a flag is no word. */
static void
test_unknown_short_flags_are_no_operands(void **state)
{
	(void)state;
	is_usage(load(CONFIG_API, LIST("-x", "ssm", "Op"), NOTHING), "-x");
	is_usage(load(CONFIG_HELP, LIST("-x"), NOTHING), "-x");
}

static void
test_operands(void **state)
{
	(void)state;
	assert_int_equal(load(CONFIG_API,
	                     LIST("ssm", "--body", "-", "Op", "--json"),
	                     NOTHING),
	    0);
	assert_string_equal(cfg.words[0], "ssm");
	assert_string_equal(cfg.words[1], "Op");
	assert_string_equal(cfg.body, "-");
	assert_true(cfg.json);
	assert_int_equal(load(CONFIG_HELP, LIST("run"), NOTHING), 0);
	assert_string_equal(cfg.words[0], "run");
	is_usage(load(CONFIG_API, LIST("ssm", "Op", "three"), NOTHING),
	    "three");
	is_usage(load(CONFIG_HELP, LIST("run", "up"), NOTHING), "up");
	is_usage(load(CONFIG_UP, LIST("what"), NOTHING), "what");
	is_usage(load(CONFIG_UP, LIST("--", "what"), NOTHING), "what");
	assert_int_equal(load(CONFIG_UP, LIST("--"), NOTHING), 0);
}

static void
test_command_of_run(void **state)
{
	(void)state;
	assert_int_equal(load(CONFIG_RUN,
	                     LIST("--no-linger", "--", "--name", "x"), NOTHING),
	    0);
	assert_true(cfg.no_linger);
	assert_null(cfg.name);
	assert_string_equal(cfg.argv[0], "--name");
	assert_string_equal(cfg.argv[1], "x");
	assert_null(cfg.argv[2]);
	/* Without "--" the first word that is no flag begins it. */
	assert_int_equal(load(CONFIG_RUN,
	                     LIST("--user", "app", "sh", "--", "-h",
	                         "--nonsense"),
	                     NOTHING),
	    0);
	assert_string_equal(cfg.user, "app");
	assert_false(cfg.help);
	assert_string_equal(cfg.argv[0], "sh");
	assert_string_equal(cfg.argv[1], "--");
	assert_string_equal(cfg.argv[3], "--nonsense");
	assert_int_equal(load(CONFIG_RUN, LIST("--"), NOTHING), 0);
	assert_null(cfg.argv);
}

static void
test_help_everywhere(void **state)
{
	static const enum config_command commands[] = { CONFIG_RUN, CONFIG_UP,
		CONFIG_DOWN, CONFIG_STATUS, CONFIG_API, CONFIG_VERSION,
		CONFIG_HELP };

	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		assert_int_equal(load(commands[i], LIST("--help"), NOTHING), 0);
		assert_true(cfg.help);
		assert_int_equal(load(commands[i], LIST("-h"), NOTHING), 0);
		assert_true(cfg.help);
	}
}

/* The longest time of each option passes, one millisecond more does not. */
static void
test_bounds_of_times(void **state)
{
	char word[96];

	(void)state;
	for (size_t i = 0; i < options_count; i++) {
		const struct option *opt = &options_table[i];
		unsigned command = opt->commands & -(unsigned)opt->commands;
		int64_t max = (int64_t)opt->max_s * second;

		if (opt->kind != OPTIONS_SPAN)
			continue;
		assert_true(max > 0);
		snprintf(word, sizeof word, "--%s=%lldms", opt->flag,
		    (long long)max);
		assert_int_equal(load((enum config_command)command, LIST(word),
		                     NOTHING),
		    0);
		assert_memory_equal((char *)&cfg + opt->offset, &max,
		    sizeof max);
		snprintf(word, sizeof word, "--%s=%lldms", opt->flag,
		    (long long)max + 1);
		is_usage(load((enum config_command)command, LIST(word),
		             NOTHING),
		    opt->flag);
	}
}

/* A socket must fit in it: short and absolute. */
static void
test_state_directory(void **state)
{
	char word[CONFIG_DIR_MAX + 32], variable[CONFIG_DIR_MAX + 32];
	int head = snprintf(word, sizeof word, "--state-dir=/");
	int start =
	    snprintf(variable, sizeof variable, "SSM_ACTIVATE_STATE_DIR=/");

	(void)state;
	memset(word + head, 'd', CONFIG_DIR_MAX);
	word[head + CONFIG_DIR_MAX - 1] = '\0';
	assert_int_equal(load(CONFIG_UP, LIST(word), NOTHING), 0);
	assert_int_equal(strlen(cfg.state_dir), CONFIG_DIR_MAX);
	word[head + CONFIG_DIR_MAX - 1] = 'd';
	word[head + CONFIG_DIR_MAX] = '\0';
	is_usage(load(CONFIG_UP, LIST(word), NOTHING), "--state-dir");
	is_usage(load(CONFIG_UP, LIST("--state-dir=x"), NOTHING),
	    "--state-dir");
	is_usage(load(CONFIG_UP, LIST("--state-dir="), NOTHING), "--state-dir");
	malformed("SSM_ACTIVATE_STATE_DIR=relative", "SSM_ACTIVATE_STATE_DIR");
	assert_string_equal(cfg.state_dir, "/var/lib/ssm-activate");
	memset(variable + start, 'd', CONFIG_DIR_MAX);
	variable[start + CONFIG_DIR_MAX] = '\0';
	malformed(variable, "SSM_ACTIVATE_STATE_DIR");
}

/* What the help calls the default must parse, and choices must fit the enum
 * they are stored in. */
static void
test_table_is_sound(void **state)
{
	char word[96];

	(void)state;
	for (size_t i = 0; i < options_count; i++) {
		const struct option *opt = &options_table[i];

		assert_true(opt->flag != NULL || opt->variable != NULL);
		assert_non_null(opt->help);
		assert_true(opt->commands != 0);
		if (opt->kind != OPTIONS_SWITCH && opt->kind != OPTIONS_BOOL &&
		    opt->kind != OPTIONS_WISH)
			assert_non_null(opt->value);
		if (opt->fallback == NULL || opt->flag == NULL)
			continue;
		snprintf(word, sizeof word, "--%s=%s", opt->flag,
		    opt->fallback);
		assert_int_equal(load((enum config_command)(opt->commands &
		                                            -opt->commands),
		                     LIST(word), NOTHING),
		    0);
	}
	assert_int_equal(load(CONFIG_UP, LIST("--log=error"), NOTHING), 0);
	assert_int_equal(cfg.log_level, LOG_ERROR);
	assert_int_equal(load(CONFIG_UP, LIST("--log=debug"), NOTHING), 0);
	assert_int_equal(cfg.log_level, LOG_DEBUG);
}

/* Long words in messages are cut, and no control character comes through. */
static void
test_hostile_words(void **state)
{
	char word[4000] = "";

	(void)state;
	memset(word, 'x', sizeof word - 1);
	is_usage(load(CONFIG_UP, LIST(word), NOTHING), "xxx");
	word[0] = word[1] = '-';
	is_usage(load(CONFIG_UP, LIST(word), NOTHING), "xxx");
	is_usage(load(CONFIG_UP, LIST("--a\033[2J\nb"), NOTHING), "--a");
	assert_null(strchr(failure.msg, '\033'));
	assert_null(strchr(failure.msg, '\n'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_variables_over_defaults),
		cmocka_unit_test(test_flags_over_variables),
		cmocka_unit_test(test_empty_variable_is_unset),
		cmocka_unit_test(test_alias_of_a_variable),
		cmocka_unit_test(test_words_of_the_gate),
		cmocka_unit_test(test_flag_of_the_gate),
		cmocka_unit_test(test_malformed_variables_are_kept),
		cmocka_unit_test(test_first_malformed_variable_is_told),
		cmocka_unit_test(test_malformed_flags_are_errors),
		cmocka_unit_test(test_unknown_flags),
		cmocka_unit_test(test_did_you_mean),
		cmocka_unit_test(test_unknown_short_flags_are_no_operands),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_command_of_run),
		cmocka_unit_test(test_help_everywhere),
		cmocka_unit_test(test_bounds_of_times),
		cmocka_unit_test(test_state_directory),
		cmocka_unit_test(test_table_is_sound),
		cmocka_unit_test(test_hostile_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
