/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "app/cmd.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/version.h"
#include "serve/serve.h"
#include "settings/config.h"
#include "work/which.h"

/* Which one would run here; there may be none, and why. */
static void
add_agent(struct buf *text, const struct config *cfg)
{
	char agent[WORK_AGENT_SIZE] = "none";
	struct err skipped = { 0 }, err = { 0 };

	which_agent(agent, cfg, &skipped, &err);
	buf_printf(text, "agent %s%s%s\n", agent,
	    err.code != ERR_OK ? ": " : "", err.msg);
}

int
cmd_version(struct config *cfg, struct err *err)
{
	struct buf text = { 0 };

	if (cfg->licenses)
		buf_puts(&text, version_licenses);
	else {
		buf_printf(&text, "ssm-activate %s (%s)\n", version_program,
		    version_revision);
		add_agent(&text, cfg);
		buf_printf(&text,
		    "builtin agent " SERVE_VERSION
		    "\nBearSSL %s\ncJSON %s\nmusl %s\n",
		    version_bearssl, version_cjson, version_musl);
	}
	file_write_fd(STDOUT_FILENO, buf_str(&text), text.len, err);
	buf_free(&text);
	return (int)err->code;
}
