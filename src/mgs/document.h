/* SPDX-License-Identifier: MIT */
#ifndef MGS_DOCUMENT_H
#define MGS_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "mgs/order.h"

struct err;

/*
 * The task of a session: its document with the caller's parameters filled in
 * (amazon-ssm-agent, agent/session/plugins and agent/framework/docparser);
 * pure.  {{ name }} is replaced once, by the parameter's value or default, and
 * what it puts in is not looked at again.
 */
enum document_kind {
	DOCUMENT_SHELL,       /* Standard_Stream */
	DOCUMENT_INTERACTIVE, /* InteractiveCommands: sh -c COMMANDS on a pty */
	DOCUMENT_COMMAND,     /* NonInteractiveCommands: no shell, no pty */
	DOCUMENT_PORT,        /* Port */
};

enum {
	DOCUMENT_TEXT_MAX = 64 * 1024, /* bytes of commands or a profile */
	DOCUMENT_USER_SIZE = 65,
	DOCUMENT_HOST_SIZE = 256,
	DOCUMENT_PREFIX_SIZE = 31,
};

struct document {
	enum document_kind kind;
	char session[ORDER_SESSION_SIZE];
	/* DOCUMENT_SHELL: typed into the shell first, with a line end; NULL =
	 * nothing.  Owned. */
	char *profile;
	/* INTERACTIVE ("" = a shell) and COMMAND.  Owned. */
	char *commands;
	/* The user to be: "" = the agent's choice. */
	char user[DOCUMENT_USER_SIZE];
	bool elevated; /* INTERACTIVE, COMMAND: stay the agent's own user */
	/* COMMAND: stderr apart, and the exit code told; what is put before
	 * each piece that begins a line. */
	bool separate;
	char out_prefix[DOCUMENT_PREFIX_SIZE], err_prefix[DOCUMENT_PREFIX_SIZE];
	/* PORT */
	uint16_t port;
	char host[DOCUMENT_HOST_SIZE]; /* "" = this one, by localhost */
	bool local;       /* LocalPortForwarding; else a stream, as for SSH */
	char *properties; /* JSON, for the handshake.  Owned. */
};

/*
 * Read the content of an order to start (order_read()).  -1: err->msg is what
 * the user shall read.  ERR_KIND_PARSE: the service sent something else.
 * ERR_KIND_INVALID_VALUE: a parameter is missing or wrong.  ERR_KIND_CONFIG:
 * the document asks for what this agent does not do (a KMS key, a log in S3 or
 * CloudWatch, another type of session, {{ssm:…}}); err->fix has the way out.
 * The session's id is in out->session after a failure, too, if it was there.
 * Patterns of parameters were checked by the service and are not again.
 */
int document_read(struct document *out, struct slice content, struct err *err);

/* The value of sessionType, "Standard_Stream" and so on, for the handshake. */
const char *document_kind_name(enum document_kind kind);

void document_free(struct document *document); /* wipes */

#endif
