/* SPDX-License-Identifier: MIT */
/*
 * What is made of an answer that says no: advice, a wrong clock, whether to
 * try again.  Two bytes choose who asked for what; code, text, role and the
 * body of the request follow, with NUL bytes between.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/advice.h"
#include "aws/retry.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

enum { CHOICE = 2, CODE = 0, TEXT, ROLE, BODY, PARTS };

/* Bits of the first byte; those above choose the operation. */
enum { TOKEN = 1, CONFIGURED = 2, VARIANT = 4, SSM = 8, OPERATION = 16 };

static const char *const operations[] = { "CreateActivation",
	"RegisterManagedInstance", "DeleteActivation", "AssumeRole",
	"DescribeTasks", "RequestManagedInstanceRoleToken" };

static void
take_error(struct err *err, uint8_t choice, char *const part[PARTS])
{
	err->code = ERR_SERVICE;
	err->kind = (enum err_kind)(1 + choice % (ERR_KIND_COUNT - 1));
	err->http_status = err->kind == ERR_KIND_API ? 400 + choice % 104 : 0;
	err_clean(err->peer_code, sizeof err->peer_code, part[CODE],
	    strlen(part[CODE]));
	err_clean(err->peer_text, sizeof err->peer_text, part[TEXT],
	    strlen(part[TEXT]));
}

static void
judge(const uint8_t choice[CHOICE], char *const part[PARTS])
{
	struct err err = { 0 };
	const struct advice_context context = {
		.service = choice[0] & SSM ? "ssm" : "sts",
		.operation =
		    operations[choice[0] / OPERATION %
		               (sizeof operations / sizeof *operations)],
		.region = "eu-west-1",
		.role = part[ROLE][0] != '\0' ? part[ROLE] : NULL,
		.body = part[BODY],
		.host = "ssm.eu-west-1.amazonaws.com",
		.method = "env",
		.access_key = part[ROLE],
		.has_token = choice[0] & TOKEN,
		.expires = 1,
		.configured = choice[0] & CONFIGURED,
		.variant = choice[0] & VARIANT,
	};
	int64_t server;

	take_error(&err, choice[1], part);
	advice_fill(&err, &context);
	require(memchr(err.fix, '\0', sizeof err.fix) != NULL);
	require_printable(err.fix, strlen(err.fix));
	(void)retry_server_time(&err, part[ROLE], &server);
	retry_classify(&err, (choice[0] & SSM) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	char *part[PARTS];

	if (size < CHOICE)
		return 0;
	rest = slice_skip(rest, CHOICE);
	for (size_t i = 0; i < PARTS; i++) {
		struct slice piece = { 0 };

		(void)slice_cut(&rest, '\0', &piece);
		part[i] = slice_dup(piece);
		require(part[i] != NULL);
	}
	judge(data, part);
	for (size_t i = 0; i < PARTS; i++)
		free(part[i]);
	return 0;
}
