#include "app/work.h"

#include <stdio.h>

#include "app/config.h"

void
work_path(char out[static WORK_PATH_MAX], const struct config *cfg,
    const char *name)
{
	snprintf(out, WORK_PATH_MAX, "%s/%s", cfg->state_dir, name);
}
