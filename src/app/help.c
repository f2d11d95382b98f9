/* SPDX-License-Identifier: MIT */
#include "app/help.h"

#include <string.h>

#include "base/buf.h"
#include "base/slice.h"
#include "settings/options.h"

enum { WIDTH = 79, INDENT = 6 };

/* Fill lines up to WIDTH, each one indented. */
static void
wrap(struct buf *out, const char *text)
{
	struct slice rest = slice_of(text), word;
	size_t column = 0;

	while (slice_cut(&rest, ' ', &word)) {
		if (column == 0 || column + 1 + word.len > WIDTH) {
			if (column > 0)
				buf_putc(out, '\n');
			buf_printf(out, "%*s", INDENT, "");
			column = INDENT;
		} else {
			buf_putc(out, ' ');
			column++;
		}
		buf_add(out, word.ptr, word.len);
		column += word.len;
	}
	buf_putc(out, '\n');
}

static const char *
value_of(const struct option *opt)
{
	switch (opt->kind) {
	case OPTIONS_SWITCH:
		return "";
	case OPTIONS_BOOL:
	case OPTIONS_WISH:
		return "[=on|off]";
	default:
		return opt->value;
	}
}

static void
add_option(struct buf *out, const struct option *opt)
{
	const char *value = value_of(opt);
	bool joined = *value == '\0' || *value == '[';

	buf_puts(out, "  ");
	if (opt->flag != NULL)
		buf_printf(out, "--%s%s%s", opt->flag, joined ? "" : " ",
		    value);
	if (opt->variable != NULL)
		buf_printf(out, "%s%s", opt->flag != NULL ? ", " : "",
		    opt->variable);
	if (opt->alias != NULL)
		buf_printf(out, ", %s", opt->alias);
	buf_putc(out, '\n');
	wrap(out, opt->help);
	if (opt->fallback != NULL)
		buf_printf(out, "%*sdefault: %s\n", INDENT, "", opt->fallback);
}

/* The options of a group that the command knows, if there are any. */
static void
add_group(struct buf *out, size_t group, unsigned command)
{
	bool begun = false;

	for (size_t i = 0; i < options_count; i++) {
		const struct option *opt = &options_table[i];

		if (opt->group != group || (opt->commands & command) == 0)
			continue;
		if (!begun)
			buf_printf(out, "\n%s:\n", options_groups[group]);
		begun = true;
		add_option(out, opt);
	}
}

static void
add_examples(struct buf *out, const char *examples)
{
	struct slice rest = slice_of(examples), line;

	buf_puts(out, "\nexamples:\n");
	while (slice_line(&rest, &line))
		buf_printf(out, "  ssm-activate %.*s\n", (int)line.len,
		    line.ptr);
}

void
help_line(struct buf *out, const struct help_entry *entry)
{
	buf_printf(out, "  %-10s %s\n", entry->name, entry->summary);
}

void
help_command(struct buf *out, const struct help_entry *entry)
{
	buf_printf(out, "usage: ssm-activate %s%s%s\n\n%s.\n", entry->name,
	    *entry->usage != '\0' ? " " : "", entry->usage, entry->summary);
	if (entry->text != NULL)
		buf_printf(out, "\n%s", entry->text);
	add_examples(out, entry->examples);
	buf_puts(out, "\noptions, and the variables that set them:\n");
	for (size_t group = 0; group < OPTIONS_GROUPS; group++)
		add_group(out, group, entry->command);
	buf_printf(out, "\nread on: %s\n", entry->page);
}
