#include "app/work.h"

#include "app/config.h"
#include "base/format.h"

void
work_path(char out[static WORK_PATH_MAX], const struct config *cfg,
    const char *name)
{
	format_text(out, WORK_PATH_MAX, "%s/%s", cfg->state_dir, name);
}
