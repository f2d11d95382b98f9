#include "app/work.h"

#include "agent/paths.h"
#include "app/config.h"
#include "base/err.h"
#include "base/format.h"

void
work_path(char out[static WORK_PATH_MAX], const struct config *cfg,
    const char *name)
{
	format_text(out, WORK_PATH_MAX, "%s/%s", cfg->state_dir, name);
}

void
work_advise_volumes(const struct config *cfg, struct err *err)
{
	err_fix(err,
	    "with a read-only root filesystem mount writable volumes (tmpfs "
	    "is enough) on %s, " PATHS_LIB " and " PATHS_ETC,
	    cfg->state_dir);
}
