/* SPDX-License-Identifier: MIT */
/*
 * A conversation with the instance's metadata service: the token, the name of
 * the role, its keys.
 */
#include <stdint.h>
#include <string.h>

#include "aws/cred/source.h"
#include "base/clock.h"
#include "fuzz/answers.h"
#include "fuzz/fuzz.h"

enum { INPUT_MAX = 16384, LIMIT_MS = 5000 };

static void
check(const struct cred *cred)
{
	require(cred->access_key != NULL && cred->secret_key != NULL);
	require(cred->token != NULL && cred->expires != 0);
	require(strpbrk(cred->access_key, "\r\n ") == NULL);
	require(strpbrk(cred->token, "\r\n ") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers answers = { slice_make((const char *)data, size) };
	struct conf_options options = { .env = answers_env() };
	struct conf *conf = NULL;
	struct api api = { .transport = answers_transport(&answers) };
	struct cred_plan plan = { .imds = { .attempts = 1 } };
	struct cred cred = { 0 };
	struct err err = { 0 };

	if (size > INPUT_MAX)
		return 0;
	log_open(LOG_ERROR, LOG_TEXT);
	require(conf_open(&conf, &options, NULL) == 0);
	require(url_parse(&plan.imds.base, "http://169.254.169.254", NULL) ==
	        0);
	api.conf = plan.conf = conf;
	if (cred_imds_fetch(&cred, &plan, &api, clock_in(LIMIT_MS), &err) == 0)
		check(&cred);
	else
		require(err.kind != ERR_KIND_NONE && cred.access_key == NULL);
	cred_value_free(&cred);
	buf_free(&plan.skipped);
	conf_free(conf);
	return 0;
}
