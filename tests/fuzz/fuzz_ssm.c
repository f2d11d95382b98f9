/* SPDX-License-Identifier: MIT */
/*
 * Answers of Systems Manager; the first byte says to what.  The credentials of
 * a node are decoded alone, since asking for them takes a key.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz/answers.h"
#include "fuzz/fuzz.h"
#include "ssm/ssm.c"

enum { INPUT_MAX = 16384, LIMIT_MS = 5000 };

static const struct ssm_activation given = {
	.id = "11111111-2222-3333-4444-555555555555",
	.code = "A-CODE-OF-TWENTY-CHARS",
};

static void
create(const struct ssm *ssm)
{
	const struct ssm_activation_in in = { .role = "r", .expires = 1 };
	struct ssm_activation out = { .id = "" };
	struct err err = { 0 };
	bool ambiguous;

	if (ssm_create_activation(ssm, &in, &out, &ambiguous, &err) == 0)
		require(id_is_uuid(out.id) && out.code[0] != '\0');
	else
		require(err.code != ERR_OK && out.id[0] == '\0');
}

static void
enrol(const struct ssm *ssm)
{
	const struct ssm_register_in in = { &given, "f", "k" };
	char node[SSM_NODE_SIZE] = "";
	struct err err = { 0 };
	bool ambiguous;

	if (ssm_register(ssm, &in, node, &ambiguous, &err) == 0)
		require(id_is_node(node));
	else
		require(err.code != ERR_OK && node[0] == '\0');
	require(strstr(err.msg, given.code) == NULL);
	require(strstr(err.peer_text, given.code) == NULL);
	require(strstr(err.peer_code, given.code) == NULL);
	require(strstr(err.request_id, given.code) == NULL);
}

static void
read_token(struct slice text)
{
	struct json *doc = NULL;
	struct cred cred = { 0 };

	if (json_parse(&doc, text.ptr, text.len, NULL) == 0 &&
	    decode_token(&cred, doc, NULL) == 0)
		require(cred.expires > 0 && cred.token[0] != '\0');
	cred_value_free(&cred);
	json_free(doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers answers = { slice_make((const char *)data, size) };
	struct ssm ssm = { .deadline = clock_in(LIMIT_MS) };

	if (size == 0 || size > INPUT_MAX)
		return 0;
	answers.rest = slice_skip(answers.rest, 1);
	if (data[0] == 't') {
		read_token(answers.rest);
		return 0;
	}
	ssm.client = answers_client(&answers);
	if (data[0] == 'c')
		create(&ssm);
	else if (data[0] == 'r')
		enrol(&ssm);
	else if (data[0] == 'd')
		(void)ssm_delete_activation(&ssm, given.id, NULL);
	else
		(void)ssm_deregister(&ssm, "mi-0123456789abcdef0", NULL);
	client_free(ssm.client);
	return 0;
}
