/* SPDX-License-Identifier: MIT */
#include "app/completion.h"

#include <stdbool.h>
#include <string.h>

#include "app/help.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "settings/options.h"

typedef const struct help_entry *entry_fn(size_t i);

/* What may follow a flag. */
enum follows {
	NOTHING, /* the value, if any, is behind a '=' */
	WORDS,   /* one of those in option.value */
	FILES,
	FOLDERS,
	ANYTHING, /* nothing can be offered */
};

static enum follows
follows(const struct option *opt)
{
	switch (opt->kind) {
	case OPTIONS_BOOL:
	case OPTIONS_WISH:
	case OPTIONS_SWITCH:
		return NOTHING;
	case OPTIONS_GATE:
	case OPTIONS_CHOICE:
		return WORDS;
	case OPTIONS_DIR:
		return FOLDERS;
	default:
		break;
	}
	if (strcmp(opt->value, "FILE") == 0 || strcmp(opt->value, "PATH") == 0)
		return FILES;
	return ANYTHING;
}

/* A list whose words stand between '|', with blanks between. */
static void
put_words(struct buf *out, const char *list)
{
	struct slice rest = slice_of(list), word;

	for (bool first = true; slice_cut(&rest, '|', &word); first = false)
		buf_printf(out, "%s%.*s", first ? "" : " ", (int)word.len,
		    word.ptr);
}

/* Text within single quotes, with a backslash before each of set; the quote
 * itself as the shell wants it. */
static void
put_quoted(struct buf *out, const char *text, const char *set,
    const char *quote)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			buf_puts(out, quote);
			continue;
		}
		if (strchr(set, *text) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

static void
put_commands(struct buf *out, entry_fn *entry)
{
	for (size_t i = 0; entry(i) != NULL; i++)
		buf_printf(out, "%s ", entry(i)->name);
	buf_puts(out, "help");
}

/* bash: what may stand after the flags that take a value, flag by flag. */
static void
bash_values(struct buf *out)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *opt = &options_table[i];

		if (opt->flag == NULL || follows(opt) == NOTHING)
			continue;
		buf_printf(out, "\t--%s) ", opt->flag);
		switch (follows(opt)) {
		case WORDS:
			buf_puts(out, "words='");
			put_words(out, opt->value);
			buf_puts(out, "' ;;\n");
			break;
		case FILES:
			buf_puts(out, "kind=-f ;;\n");
			break;
		case FOLDERS:
			buf_puts(out, "kind=-d ;;\n");
			break;
		default:
			buf_puts(out, "return ;;\n");
			break;
		}
	}
}

/* bash: flags and operands, command by command. */
static void
bash_flags(struct buf *out, entry_fn *entry)
{
	for (size_t i = 0; entry(i) != NULL; i++) {
		const struct help_entry *one = entry(i);

		buf_printf(out, "\t%s) words='", one->name);
		for (size_t k = 0; k < options_count; k++) {
			const struct option *opt = &options_table[k];

			if (opt->flag != NULL &&
			    (opt->commands & one->command) != 0)
				buf_printf(out, "--%s ", opt->flag);
		}
		if (one->operands != NULL &&
		    strcmp(one->operands, HELP_CMD) != 0)
			put_words(out, one->operands);
		buf_puts(out, "' ;;\n");
	}
	buf_puts(out, "\thelp) words='");
	put_commands(out, entry);
	buf_puts(out, "' ;;\n");
}

static void
write_bash(struct buf *out, entry_fn *entry)
{
	buf_puts(out,
	    "# Completion of ssm-activate for bash.\n"
	    "_ssm_activate()\n"
	    "{\n"
	    "\tlocal word=${COMP_WORDS[COMP_CWORD]} words='' kind=-W i\n"
	    "\tCOMPREPLY=()\n"
	    "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W '");
	put_commands(out, entry);
	buf_puts(out,
	    "' -- \"$word\")\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\t# What follows -- is a command of the system.\n"
	    "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	    "\t\t[ \"${COMP_WORDS[i]}\" = -- ] || continue\n"
	    "\t\tkind=-f\n"
	    "\t\t[ \"$i\" -ne $((COMP_CWORD - 1)) ] || kind=-c\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen \"$kind\" -- \"$word\")\n"
	    "\t\treturn\n"
	    "\tdone\n"
	    "\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n");
	bash_values(out);
	buf_puts(out, "\t*)\n"
	              "\tcase ${COMP_WORDS[1]} in\n");
	bash_flags(out, entry);
	buf_puts(out,
	    "\tesac\n"
	    "\tesac\n"
	    "\tif [ \"$kind\" = -W ]; then\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
	    "\telse\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen \"$kind\" -- \"$word\")\n"
	    "\tfi\n"
	    "}\n"
	    "complete -o filenames -F _ssm_activate ssm-activate\n");
}

/* zsh: an argument of _arguments. */
static void
zsh_option(struct buf *out, const struct option *opt)
{
	enum follows what = follows(opt);
	bool joined = what == NOTHING && opt->kind != OPTIONS_SWITCH;

	buf_printf(out, "\t\t    '--%s%s[", opt->flag,
	    joined ? "=-" : (what == NOTHING ? "" : "="));
	put_quoted(out, opt->help, "[]", "'\\''");
	buf_puts(out, "]");
	if (joined)
		buf_puts(out, "::on or off:(on off)");
	if (what != NOTHING) {
		buf_puts(out, ":");
		put_quoted(out, opt->value, ":", "'\\''");
		buf_puts(out, ":");
	}
	if (what == WORDS) {
		buf_puts(out, "(");
		put_words(out, opt->value);
		buf_puts(out, ")");
	} else if (what == FILES) {
		buf_puts(out, "_files");
	} else if (what == FOLDERS) {
		buf_puts(out, "_files -/");
	}
	buf_puts(out, "' \\\n");
}

static void
zsh_command(struct buf *out, const struct help_entry *one)
{
	buf_printf(out, "\t%s)\n\t\t_arguments \\\n", one->name);
	for (size_t i = 0; i < options_count; i++) {
		if (options_table[i].flag != NULL &&
		    (options_table[i].commands & one->command) != 0)
			zsh_option(out, &options_table[i]);
	}
	if (one->operands == NULL) {
		buf_puts(out, "\t\t    && return\n");
	} else if (strcmp(one->operands, HELP_CMD) == 0) {
		buf_puts(out, "\t\t    '1:command:_command_names -e'\n");
	} else {
		buf_puts(out, "\t\t    '1:word:(");
		put_words(out, one->operands);
		buf_puts(out, ")'\n");
	}
	buf_puts(out, "\t\t;;\n");
}

static void
write_zsh(struct buf *out, entry_fn *entry)
{
	buf_puts(out, "#compdef ssm-activate\n"
	              "# Completion of ssm-activate for zsh.\n"
	              "_ssm_activate()\n"
	              "{\n"
	              "\tlocal -a verbs\n"
	              "\tlocal verb at\n"
	              "\tverbs=(\n");
	for (size_t i = 0; entry(i) != NULL; i++) {
		buf_printf(out, "\t    '%s:", entry(i)->name);
		put_quoted(out, entry(i)->summary, ":", "'\\''");
		buf_puts(out, "'\n");
	}
	buf_puts(out, "\t    'help:the options of a command'\n"
	              "\t)\n"
	              "\tif ((CURRENT == 2)); then\n"
	              "\t\t_describe command verbs\n"
	              "\t\treturn\n"
	              "\tfi\n"
	              "\t# What follows -- is a command of the system.\n"
	              "\tat=$words[(i)--]\n"
	              "\tif ((at < CURRENT)); then\n"
	              "\t\tshift at words\n"
	              "\t\t((CURRENT -= at))\n"
	              "\t\t_normal\n"
	              "\t\treturn\n"
	              "\tfi\n"
	              "\tverb=$words[2]\n"
	              "\tshift words\n"
	              "\t((CURRENT--))\n"
	              "\tcase $verb in\n");
	for (size_t i = 0; entry(i) != NULL; i++)
		zsh_command(out, entry(i));
	buf_puts(out, "\thelp)\n"
	              "\t\t_describe command verbs\n"
	              "\t\t;;\n"
	              "\tesac\n"
	              "}\n"
	              "if [ \"$funcstack[1]\" = _ssm-activate ]; then\n"
	              "\t_ssm_activate \"$@\"\n"
	              "else\n"
	              "\tcompdef _ssm_activate ssm-activate\n"
	              "fi\n");
}

/* fish: a line for a flag, of all commands that know it. */
static void
fish_option(struct buf *out, const struct option *opt, entry_fn *entry)
{
	enum follows what = follows(opt);

	buf_puts(out,
	    "complete -c ssm-activate -n '__fish_seen_subcommand_from");
	for (size_t i = 0; entry(i) != NULL; i++) {
		if ((opt->commands & entry(i)->command) != 0)
			buf_printf(out, " %s", entry(i)->name);
	}
	buf_printf(out, "' -l %s -d '", opt->flag);
	put_quoted(out, opt->help, "\\", "\\'");
	buf_puts(out, "'");
	if (what == WORDS) {
		buf_puts(out, " -x -a '");
		put_words(out, opt->value);
		buf_puts(out, "'");
	} else if (what == FILES) {
		buf_puts(out, " -r -F");
	} else if (what == FOLDERS) {
		buf_puts(out, " -x -a '(__fish_complete_directories)'");
	} else if (what == ANYTHING) {
		buf_puts(out, " -x");
	}
	buf_puts(out, "\n");
}

static void
fish_operands(struct buf *out, const struct help_entry *one)
{
	if (one->operands == NULL)
		return;
	buf_printf(out,
	    "complete -c ssm-activate -n '__fish_seen_subcommand_from %s' "
	    "-a '",
	    one->name);
	if (strcmp(one->operands, HELP_CMD) == 0)
		buf_puts(out, "(__fish_complete_command)");
	else
		put_words(out, one->operands);
	buf_puts(out, "'\n");
}

static void
write_fish(struct buf *out, entry_fn *entry)
{
	buf_puts(out, "# Completion of ssm-activate for fish.\n"
	              "complete -c ssm-activate -f\n");
	for (size_t i = 0; entry(i) != NULL; i++) {
		buf_printf(out,
		    "complete -c ssm-activate -n __fish_use_subcommand -a %s "
		    "-d '",
		    entry(i)->name);
		put_quoted(out, entry(i)->summary, "\\", "\\'");
		buf_puts(out, "'\n");
		fish_operands(out, entry(i));
	}
	buf_puts(out,
	    "complete -c ssm-activate -n __fish_use_subcommand -a help "
	    "-d 'the options of a command'\n"
	    "complete -c ssm-activate -n '__fish_seen_subcommand_from help' "
	    "-a '");
	put_commands(out, entry);
	buf_puts(out, "'\n");
	for (size_t i = 0; i < options_count; i++) {
		if (options_table[i].flag != NULL)
			fish_option(out, &options_table[i], entry);
	}
}

int
completion_write(struct buf *out, const char *shell,
    const struct help_entry *(*entry)(size_t i), struct err *err)
{
	static const struct {
		const char *name;
		void (*write)(struct buf *out, entry_fn *entry);
	} shells[] = {
		{ "bash", write_bash },
		{ "zsh", write_zsh },
		{ "fish", write_fish },
	};

	for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
		if (shell != NULL && strcmp(shell, shells[i].name) == 0) {
			shells[i].write(out, entry);
			return 0;
		}
	}
	return err_set(err, ERR_KIND_USAGE,
	    "completion needs a shell: "
	    "bash, zsh or fish");
}
