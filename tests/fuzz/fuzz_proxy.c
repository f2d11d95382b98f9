/* SPDX-License-Identifier: MIT */
/*
 * The first line is an URL, the others are the environment.  A proxy that is
 * chosen is one that can be dialled, never for a local host, and an error
 * holds nothing of the value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "net/proxy.h"

enum { VARS_MAX = 8 };

static void
check(const struct url *url, struct env env)
{
	struct proxy proxy = { .port = 1 };
	struct err err = { 0 };

	if (proxy_choose(&proxy, url, env, &err) != 0) {
		require(err.kind == ERR_KIND_PROXY);
		require(strstr(err.msg, "_proxy") != NULL ||
		        strstr(err.msg, "_PROXY") != NULL);
		require(proxy.port == 1 && !proxy.used);
		return;
	}
	require(memchr(proxy.auth, '\0', sizeof proxy.auth) != NULL);
	if (!proxy.used)
		return;
	require(!url_is_local(url->host));
	require(proxy.port > 0 && proxy.host[0] != '\0');
	require(proxy.auth[0] == '\0' || strncmp(proxy.auth, "Basic ", 6) == 0);
	require(strpbrk(proxy.auth, "\r\n") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	struct slice line = { 0 };
	char *vars[VARS_MAX + 1] = { NULL };
	char *text;
	struct url url;

	(void)slice_cut(&rest, '\n', &line);
	text = slice_dup(line);
	require(text != NULL);
	for (size_t i = 0; i < VARS_MAX && slice_cut(&rest, '\n', &line); i++) {
		vars[i] = slice_dup(line);
		require(vars[i] != NULL);
	}
	if (url_parse(&url, text, NULL) == 0)
		check(&url, (struct env){ vars });
	for (size_t i = 0; i < VARS_MAX; i++)
		free(vars[i]);
	free(text);
	return 0;
}
