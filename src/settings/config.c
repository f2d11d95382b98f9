/* SPDX-License-Identifier: MIT */
#include "settings/config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/near.h"
#include "base/signals.h"
#include "base/slice.h"
#include "settings/options.h"

enum { NAME_SIZE = 64 }; /* of a setting in a message */

#define PREFIX "SSM_ACTIVATE_"

static bool
parse_bool(const char *text, bool *out)
{
	static const char *const yes[] = { "true", "1", "yes", "on" };
	static const char *const no[] = { "false", "0", "no", "off" };

	for (size_t i = 0; i < 4; i++) {
		if (strcasecmp(text, yes[i]) == 0) {
			*out = true;
			return true;
		}
		if (strcasecmp(text, no[i]) == 0) {
			*out = false;
			return true;
		}
	}
	return false;
}

static bool
parse_wish(const char *text, int *out)
{
	bool on = false;

	if (!parse_bool(text, &on))
		return false;
	*out = on ? CONFIG_WISH_ON : CONFIG_WISH_OFF;
	return true;
}

static bool
parse_choice(const char *text, const char *choices, int *out)
{
	struct slice rest = slice_of(choices), word;

	for (int i = 0; slice_cut(&rest, '|', &word); i++) {
		if (slice_eq_nocase(word, text)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool
parse_signals(const char *text, uint64_t *out)
{
	struct slice rest = slice_of(text), word;
	uint64_t set = 0;

	while (slice_cut(&rest, ',', &word)) {
		int number = 0;

		word = slice_trim(word);
		number = signals_number(word);
		if (number == 0)
			return false;
		set |= signals_bit(number);
	}
	*out = set;
	return true;
}

static void
set_gate(struct config *cfg, const char *text)
{
	bool on = false;

	cfg->odd_gate = NULL;
	cfg->gate = CONFIG_GATE_OFF;
	if (parse_bool(text, &on))
		cfg->gate = on ? CONFIG_GATE_ON : CONFIG_GATE_OFF;
	else if (strcasecmp(text, "demand") == 0)
		cfg->gate = CONFIG_GATE_DEMAND;
	else
		cfg->odd_gate = text;
}

/* Put the value in its place; false: it is malformed. */
static bool
set_value(struct config *cfg, const struct option *opt, const char *text)
{
	char *at = (char *)cfg + opt->offset;

	switch (opt->kind) {
	case OPTIONS_GATE:
		set_gate(cfg, text);
		return true;
	case OPTIONS_BOOL:
		return parse_bool(text, (bool *)at);
	case OPTIONS_WISH:
		return parse_wish(text, (int *)(void *)at);
	case OPTIONS_SWITCH:
		*(bool *)at = true;
		return true;
	case OPTIONS_DIR:
		if (*text != '/' || strlen(text) > CONFIG_DIR_MAX)
			return false;
		*(const char **)(void *)at = text;
		return true;
	case OPTIONS_TEXT:
		*(const char **)(void *)at = text;
		return true;
	case OPTIONS_SPAN:
		return clock_parse_span(slice_of(text),
		    (int64_t)opt->max_s * 1000, (int64_t *)(void *)at);
	case OPTIONS_CHOICE:
		return parse_choice(text, opt->value, (int *)(void *)at);
	case OPTIONS_SIGNALS:
		return parse_signals(text, (uint64_t *)(void *)at);
	}
	return false;
}

static const char *
expected(const struct option *opt)
{
	switch (opt->kind) {
	case OPTIONS_BOOL:
	case OPTIONS_WISH:
		return "on or off";
	case OPTIONS_DIR:
		return "an absolute path of at most 90 characters";
	case OPTIONS_SPAN:
		return "a length of time such as 500ms, 10s, 5m, 1h";
	case OPTIONS_CHOICE:
		return opt->value;
	case OPTIONS_SIGNALS:
		return "names of signals such as TERM,INT";
	default:
		return "text";
	}
}

/* The value of an option's variable or of its second name, and which of the two
 * it is; NULL where neither is set. */
static const char *
find_variable(const struct config *cfg, const struct option *opt,
    const char **name)
{
	const char *text = NULL;

	*name = opt->variable;
	if (opt->variable != NULL)
		text = env_get(cfg->env, opt->variable);
	if (text == NULL && opt->alias != NULL) {
		*name = opt->alias;
		text = env_get(cfg->env, opt->alias);
	}
	return text;
}

static void
load_variables(struct config *cfg)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *opt = &options_table[i];
		const char *name = NULL;
		const char *text = find_variable(cfg, opt, &name);

		if (opt->fallback != NULL)
			set_value(cfg, opt, opt->fallback);
		if (text != NULL && !set_value(cfg, opt, text) &&
		    cfg->malformed == NULL)
			cfg->malformed = opt;
	}
}

int
config_check(const struct config *cfg, struct err *err)
{
	const char *name = NULL, *text = NULL;

	if (cfg->malformed == NULL)
		return 0;
	text = find_variable(cfg, cfg->malformed, &name);
	return err_set(err, ERR_KIND_INVALID_VALUE, "%s=%.*s: it must be %s",
	    name, err_shown(slice_of(text)), text, expected(cfg->malformed));
}

static const struct option *
find_flag(struct slice name, enum config_command command)
{
	for (size_t i = 0; i < options_count; i++) {
		if (options_table[i].flag != NULL &&
		    (options_table[i].commands & command) != 0 &&
		    slice_eq(name, options_table[i].flag))
			return &options_table[i];
	}
	return NULL;
}

static void
suggest_flag(struct slice name, enum config_command command, struct err *err)
{
	struct near best = { 0 };

	for (size_t i = 0; i < options_count; i++) {
		if (options_table[i].flag != NULL &&
		    (options_table[i].commands & command) != 0)
			near_try(&best, name, options_table[i].flag);
	}
	if (best.word != NULL)
		err_fix(err, "did you mean --%s?", best.word);
}

static bool
takes_value(const struct option *opt)
{
	return opt->kind != OPTIONS_SWITCH && opt->kind != OPTIONS_BOOL &&
	       opt->kind != OPTIONS_WISH;
}

/* One flag at argv[0]; gives how many words it used up. */
static int
load_flag(struct config *cfg, enum config_command command, char *const *argv,
    struct err *err)
{
	struct slice name = slice_skip(slice_of(argv[0]), 2), value = { 0 };
	bool joined = slice_split(name, '=', &name, &value);
	const struct option *opt = find_flag(name, command);
	const char *text = joined ? value.ptr : NULL;
	int used = 1;

	if (opt == NULL) {
		err_set(err, ERR_KIND_USAGE, "unknown flag --%.*s",
		    (int)name.len, name.ptr);
		suggest_flag(name, command, err);
		return -1;
	}
	if (text == NULL && takes_value(opt)) {
		text = argv[1];
		used = 2;
	}
	if (text == NULL && takes_value(opt))
		return err_set(err, ERR_KIND_USAGE, "--%s needs a value",
		    opt->flag);
	if (joined && opt->kind == OPTIONS_SWITCH) {
		return err_set(err, ERR_KIND_USAGE,
		    "--%s=%.*s: it takes no value", opt->flag,
		    err_shown(slice_of(text)), text);
	}
	if (!set_value(cfg, opt, text != NULL ? text : "on"))
		return err_set(err, ERR_KIND_USAGE, "--%s %.*s: it must be %s",
		    opt->flag, err_shown(slice_of(text)), text, expected(opt));
	return used;
}

/* A word that belongs to no flag; gives how many words it used up. */
static int
load_operand(struct config *cfg, enum config_command command, const char *word,
    struct err *err)
{
	size_t most = command == CONFIG_API
	                  ? 2
	                  : (command & (CONFIG_HELP | CONFIG_CONNECT |
	                                   CONFIG_COMPLETION)) != 0;

	for (size_t i = 0; i < most && *word != '-'; i++) {
		if (cfg->words[i] == NULL) {
			cfg->words[i] = word;
			return 1;
		}
	}
	return err_set(err, ERR_KIND_USAGE, "%s %.64s",
	    *word == '-' ? "unknown flag" : "unexpected argument", word);
}

int
config_load(struct config *out, enum config_command command, char *const *argv,
    struct env env, struct err *err)
{
	struct config cfg = { .env = env };

	load_variables(&cfg);
	while (*argv != NULL) {
		int used = 1;

		if (strcmp(*argv, "--") == 0) {
			argv++;
			break;
		}
		/* The first word that is no flag begins run's command. */
		if (**argv != '-' && command == CONFIG_RUN)
			break;
		if (strcmp(*argv, "-h") == 0)
			cfg.help = true;
		else if (strncmp(*argv, "--", 2) == 0)
			used = load_flag(&cfg, command, argv, err);
		else
			used = load_operand(&cfg, command, *argv, err);
		if (used < 0)
			return -1;
		argv += used;
	}
	if (*argv != NULL && (command & (CONFIG_RUN | CONFIG_CONNECT)) == 0)
		return err_set(err, ERR_KIND_USAGE, "unexpected argument %.64s",
		    *argv);
	cfg.argv = *argv != NULL ? argv : NULL;
	*out = cfg;
	return 0;
}

int
config_blame(const struct config *cfg, const char *variable, struct err *err)
{
	const struct option *opt = options_table;
	const char *text = NULL;
	char from[NAME_SIZE] = "";

	while (opt->variable == NULL || strcmp(opt->variable, variable) != 0)
		opt++;
	if (env_get(cfg->env, variable) == NULL && opt->alias != NULL)
		variable = opt->alias;
	text = *(const char *const *)(const void *)((const char *)cfg +
	                                            opt->offset);
	if (opt->flag != NULL && text != env_get(cfg->env, variable))
		snprintf(from, sizeof from, "--%s", opt->flag);
	else
		snprintf(from, sizeof from, "%s", variable);
	return err_wrap(err, from);
}

bool
config_given(const struct config *cfg)
{
	return cfg->id != NULL || cfg->id_file != NULL;
}

void
config_warn_gate(const struct config *cfg)
{
	const char *text = cfg->odd_gate;

	if (text == NULL)
		return;
	log_event(LOG_WARN, "odd_gate",
	    "%s%.*s is neither on, off nor demand: taken as off",
	    text == env_get(cfg->env, "SSM_ACTIVATE") ? "SSM_ACTIVATE="
	                                              : "--activate ",
	    err_shown(slice_of(text)), text);
}

static bool
is_variable(struct slice name)
{
	for (size_t i = 0; i < options_count; i++) {
		if (options_table[i].variable != NULL &&
		    slice_eq(name, options_table[i].variable))
			return true;
	}
	return false;
}

/* The known variable that may have been meant by an unknown one of our prefix,
 * or NULL; what follows the prefix is compared. */
static const char *
meant_by(struct slice name)
{
	const size_t prefix = sizeof PREFIX - 1;
	struct near best = { 0 };

	for (size_t i = 0; i < options_count; i++) {
		const char *known = options_table[i].variable;

		if (known != NULL && strncmp(known, PREFIX, prefix) == 0)
			near_try(&best, slice_skip(name, prefix),
			    &known[prefix]);
	}
	return best.word;
}

void
config_warn_unknown(const struct config *cfg)
{
	char *const *vars = cfg->env.vars;

	for (size_t i = 0; vars != NULL && vars[i] != NULL; i++) {
		struct slice name, value;
		const char *meant = NULL;

		if (!slice_split(slice_of(vars[i]), '=', &name, &value) ||
		    !slice_starts(name, PREFIX) || is_variable(name))
			continue;
		meant = meant_by(name);
		if (meant == NULL)
			continue;
		log_event(LOG_WARN, "unknown_setting",
		    "%.*s is no setting; did you mean " PREFIX "%s?",
		    err_shown(name), name.ptr, meant);
	}
}
