/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "app/cmd.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/version.h"
#include "serve/serve.h"
#include "settings/config.h"

int
cmd_version(struct config *cfg, struct err *err)
{
	struct buf text = { 0 };

	if (cfg->licenses)
		buf_puts(&text, version_licenses);
	else {
		buf_printf(&text,
		    "ssm-activate %s (%s)\nbuiltin agent " SERVE_VERSION
		    "\nBearSSL %s\ncJSON %s\nmusl %s\n",
		    version_program, version_revision, version_bearssl,
		    version_cjson, version_musl);
	}
	file_write_fd(STDOUT_FILENO, buf_str(&text), text.len, err);
	buf_free(&text);
	return (int)err->code;
}
