/* SPDX-License-Identifier: MIT */
/*
 * A task that is taken holds what its kind says, within the limits; of one
 * that is not the session is known if it was there, and a text.
 */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "mgs/document.h"

static void
check_port(const struct document *document)
{
	struct json *doc = NULL;

	require(document->port != 0);
	require(strlen(document->host) < sizeof document->host);
	require(json_parse(&doc, document->properties,
	            strlen(document->properties), NULL) == 0);
	require(json_is_object(doc));
	json_free(doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document got = { .kind = DOCUMENT_SHELL };
	struct err err = { 0 };
	bool command;

	if (document_read(&got, slice_make((const char *)data, size), &err) !=
	    0) {
		require(err.msg[0] != '\0' && got.commands == NULL);
		require(err.kind == ERR_KIND_PARSE ||
		        err.kind == ERR_KIND_INVALID_VALUE ||
		        err.kind == ERR_KIND_CONFIG);
		require(got.session[0] == '\0' ||
		        order_is_session(slice_of(got.session)));
		return 0;
	}
	require(order_is_session(slice_of(got.session)));
	command =
	    got.kind == DOCUMENT_INTERACTIVE || got.kind == DOCUMENT_COMMAND;
	require(command == (got.commands != NULL));
	require(!command || strlen(got.commands) <= DOCUMENT_TEXT_MAX);
	require(got.kind == DOCUMENT_SHELL || got.profile == NULL);
	require((got.kind == DOCUMENT_PORT) == (got.properties != NULL));
	require(strchr(got.user, '/') == NULL && got.user[0] != '-');
	if (got.kind == DOCUMENT_PORT)
		check_port(&got);
	document_free(&got);
	return 0;
}
