/* SPDX-License-Identifier: MIT */
/*
 * Command lines and environments: the command's number, then variables and
 * words, each ended by a newline; variables come first, up to an empty line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/signals.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "settings/config.h"

enum { LIST_MAX = 32, COMMANDS = 7 };

static void
read_list(struct slice *rest, char *list[static LIST_MAX + 1])
{
	struct slice line;
	size_t count = 0;

	while (count < LIST_MAX && slice_cut(rest, '\n', &line) &&
	       line.len > 0) {
		list[count] = slice_dup(line);
		if (list[count] == NULL)
			break;
		count++;
	}
	list[count] = NULL;
}

static void
free_list(char **list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		free(list[i]);
}

/* What was taken is within its bounds. */
static void
check(const struct config *cfg, enum config_command command)
{
	struct err err = { .code = ERR_OK };

	if (cfg->gate > CONFIG_GATE_DEMAND || cfg->role == NULL ||
	    cfg->state_dir == NULL || cfg->state_dir[0] != '/' ||
	    strlen(cfg->state_dir) > CONFIG_DIR_MAX || cfg->timeout_ms < 0 ||
	    cfg->expires_ms < 0 || cfg->down_timeout_ms < 0 ||
	    (unsigned)cfg->registrar > CONFIG_AGENT ||
	    (unsigned)cfg->agent_env > CONFIG_MINIMAL ||
	    (unsigned)cfg->log_level > LOG_DEBUG ||
	    (unsigned)cfg->log_format > LOG_JSON ||
	    (cfg->argv != NULL && command != CONFIG_RUN) ||
	    (cfg->odd_gate != NULL && cfg->gate != CONFIG_GATE_OFF) ||
	    (config_check(cfg, &err) != 0) != (cfg->malformed != NULL) ||
	    (cfg->malformed != NULL && err.kind != ERR_KIND_INVALID_VALUE))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	char *vars[LIST_MAX + 1], *argv[LIST_MAX + 1];
	enum config_command command = CONFIG_RUN;
	struct config cfg = { .name = "before" };
	struct err err = { .code = ERR_OK };

	if (size == 0)
		return 0;
	command = (enum config_command)(1U << data[0] % COMMANDS);
	rest = slice_skip(rest, 1);
	read_list(&rest, vars);
	read_list(&rest, argv);
	if (config_load(&cfg, command, argv, (struct env){ vars }, &err) == 0)
		check(&cfg, command);
	else if (err.kind != ERR_KIND_USAGE || strcmp(cfg.name, "before") != 0)
		abort();
	free_list(vars);
	free_list(argv);
	return 0;
}
