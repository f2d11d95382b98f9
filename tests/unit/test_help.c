/* SPDX-License-Identifier: MIT */
/* The help is made from the table that parses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "app/help.h"
#include "base/buf.h"
#include "base/slice.h"
#include "settings/options.h"

enum { WIDTH_MAX = 79 };

static const struct help_entry run = {
	.name = "run",
	.command = CONFIG_RUN,
	.usage = "[OPTION]... [--] [CMD [ARG]...]",
	.summary = "start CMD and keep the node",
	.text = "A paragraph.\n",
	.examples = "run -- first\nrun -- second",
	.page = "docs/page.md",
};

static void
has(const struct buf *text, const char *what)
{
	if (strstr(buf_str(text), what) == NULL)
		fail_msg("no \"%s\" in:\n%s", what, buf_str(text));
}

static void
lacks(const struct buf *text, const char *what)
{
	if (strstr(buf_str(text), what) != NULL)
		fail_msg("\"%s\" in:\n%s", what, buf_str(text));
}

static void
test_help_has_usage_text_and_options(void **state)
{
	struct buf text = { 0 };

	(void)state;
	help_command(&text, &run);
	has(&text, "usage: ssm-activate run [OPTION]... [--] [CMD [ARG]...]\n");
	has(&text, "\nstart CMD and keep the node.\n");
	has(&text, "\nA paragraph.\n");
	has(&text, "\nexamples:\n  ssm-activate run -- first\n"
	           "  ssm-activate run -- second\n\n");
	has(&text, "\n\nread on: docs/page.md\n");
	has(&text, "--name TEXT, SSM_INSTANCE_NAME\n");
	has(&text, "MANAGED_INSTANCE_ROLE_NAME");
	has(&text, "  --sudo[=on|off], SSM_ACTIVATE_SUDO\n");
	has(&text, "  --no-linger\n");
	has(&text, "  SSM_ACTIVATE_CODE\n");
	has(&text, "default: 10s\n");
	lacks(&text, "--background");
	lacks(&text, "--strict");
	buf_free(&text);
}

static void
test_without_usage_and_text(void **state)
{
	const struct help_entry bare = { .name = "down",
		.command = CONFIG_DOWN,
		.usage = "",
		.summary = "take down",
		.examples = "down",
		.page = "docs/page.md" };
	struct buf text = { 0 };

	(void)state;
	help_command(&text, &bare);
	has(&text, "usage: ssm-activate down\n");
	has(&text, "--down-timeout TIME");
	lacks(&text, "--role");
	buf_free(&text);
	help_line(&text, &bare);
	assert_string_equal(buf_str(&text), "  down       take down\n");
	buf_free(&text);
}

static void
lines_fit(const struct buf *text)
{
	struct slice rest = slice_of(buf_str(text)), line;

	while (slice_line(&rest, &line)) {
		if (line.len > WIDTH_MAX)
			fail_msg("%zu characters: %.*s", line.len,
			    (int)line.len, line.ptr);
		assert_false(slice_ends(line, " "));
	}
}

/* All that a command knows, and nothing else. */
static void
test_every_option(void **state)
{
	(void)state;
	for (unsigned bit = CONFIG_RUN; bit <= CONFIG_HELP; bit <<= 1) {
		const struct help_entry entry = { .name = "x",
			.command = (enum config_command)bit,
			.usage = "",
			.summary = "x",
			.examples = "x",
			.page = "x" };
		struct buf text = { 0 };

		help_command(&text, &entry);
		assert_true(buf_ok(&text));
		lines_fit(&text);
		for (size_t i = 0; i < options_count; i++) {
			const struct option *opt = &options_table[i];
			char flag[64];

			snprintf(flag, sizeof flag, "  --%s",
			    opt->flag != NULL ? opt->flag : "");
			if (opt->flag == NULL)
				snprintf(flag, sizeof flag, "  %s\n",
				    opt->variable);
			if ((opt->commands & bit) != 0)
				has(&text, flag);
			else if (opt->variable != NULL)
				lacks(&text, flag);
		}
		buf_free(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help_has_usage_text_and_options),
		cmocka_unit_test(test_without_usage_and_text),
		cmocka_unit_test(test_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
