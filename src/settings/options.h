#ifndef SETTINGS_OPTIONS_H
#define SETTINGS_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* The table of all settings: what they are called, what they take, where they
 * go in struct config.  Read by settings/config.c and app/help.c. */
enum options_kind {
	OPTIONS_GATE,   /* on or off, but never an error */
	OPTIONS_BOOL,   /* on, off */
	OPTIONS_WISH,   /* on, off, or neither: enum config_wish */
	OPTIONS_SWITCH, /* a flag without a value */
	OPTIONS_TEXT,
	OPTIONS_DIR,     /* an absolute path, CONFIG_DIR_MAX bytes */
	OPTIONS_SPAN,    /* a length of time */
	OPTIONS_CHOICE,  /* one of a list of words, separated by '|' */
	OPTIONS_SIGNALS, /* a list of names */
};

/* In the order of help and documents. */
enum options_group {
	OPTIONS_NODE,
	OPTIONS_REGISTRATION,
	OPTIONS_SESSIONS,
	OPTIONS_FAILURE,
	OPTIONS_END,
	OPTIONS_PROGRAM,
	OPTIONS_COMMAND,
	OPTIONS_AWS,
	OPTIONS_GROUPS,
};

struct option {
	const char *flag;     /* without "--"; NULL = variable only */
	const char *variable; /* NULL = flag only */
	const char *alias;    /* a second name of the variable */
	const char *fallback; /* the default, as it would be written */
	const char *value;    /* for the help; the choices */
	const char *help;
	uint32_t max_s;    /* of a length of time, seconds */
	uint32_t commands; /* enum config_command, or-ed */
	size_t offset;     /* in struct config */
	enum options_kind kind;
	enum options_group group;
};

extern const struct option options_table[];
extern const size_t options_count;

/* The headings of the groups. */
extern const char *const options_groups[OPTIONS_GROUPS];

#endif
