#include "app/work.h"

#include <stdio.h>

#include "app/config.h"

bool
work_path(char out[static WORK_PATH_MAX], const struct config *cfg,
    const char *name)
{
	int n = snprintf(out, WORK_PATH_MAX, "%s/%s", cfg->state_dir, name);

	return n > 0 && n < WORK_PATH_MAX;
}
