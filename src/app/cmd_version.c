#include <stdio.h>

#include "app/cmd.h"
#include "app/config.h"
#include "base/version.h"

int
cmd_version(struct config *cfg, struct err *err)
{
	(void)err;
	if (cfg->licenses) {
		fputs(version_licenses, stdout);
		return 0;
	}
	printf("ssm-activate %s (%s)\nBearSSL %s\ncJSON %s\nmusl %s\n",
	    version_program, version_revision, version_bearssl, version_cjson,
	    version_musl);
	return 0;
}
