/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/cmd.h"
#include "aws/client.h"
#include "aws/sts.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"
#include "settings/config.h"
#include "work/caller.h"
#include "work/jail.h"

enum { BODY_MAX = 1024 * 1024, ANSWER_MAX = 8 * 1024 * 1024, CHUNK = 8192 };

/* One call, from the words to the answer. */
struct call {
	const struct config *cfg;
	enum api_service service;
	struct client *client;
	struct api_reply reply;
	struct buf body; /* as it is sent */
};

static int
read_stdin(struct buf *out, struct err *err)
{
	for (;;) {
		char *room = buf_room(out, CHUNK);
		ssize_t n = 0;

		if (room == NULL)
			return err_set(err, ERR_KIND_USAGE,
			    "--body: more than %d bytes", BODY_MAX);
		n = read(STDIN_FILENO, room, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, ERR_KIND_SYSTEM, "read");
		if (n == 0)
			return 0;
		buf_grew(out, (size_t)n);
	}
}

/* The parameters as JSON, or as a form where the service wants one. */
static int
make_body(struct call *call, struct err *err)
{
	struct buf text = { .max = BODY_MAX };
	struct json *params = NULL;
	int rc = -1;

	if (strcmp(call->cfg->body, "-") != 0)
		buf_puts(&text, call->cfg->body);
	else if (read_stdin(&text, err) != 0)
		goto out;
	if (json_parse(&params, buf_str(&text), text.len, err) != 0 ||
	    !json_is_object(params)) {
		err_clear(err);
		err_set(err, ERR_KIND_USAGE, "--body is not a JSON object");
		goto out;
	}
	if (call->service == API_STS) {
		rc = sts_form(&call->body, params, err);
		goto out;
	}
	/* As it was given: the signature is over the bytes that are sent. */
	buf_add(&call->body, text.data, text.len);
	rc = buf_ok(&call->body) ? 0 : err_memory(err);
out:
	json_free(params);
	buf_free(&text);
	return rc;
}

static int
send_call(struct call *call, struct err *err)
{
	struct api_request req = {
		.own = true,
		.service = call->service,
		.operation = call->cfg->words[1],
		.body = buf_str(&call->body),
	};

	if (jail_client(&call->client, call->cfg, NULL, err) != 0)
		return -1;
	return api_call(client_api(call->client), &req, &call->reply, err);
}

static int
decode(const struct call *call, struct json **out, struct err *err)
{
	if (call->service == API_STS)
		return sts_answer(&call->reply, out, err);
	return api_reply_json(&call->reply, out, err);
}

static void
put_error(struct buf *out, const struct err *failed)
{
	json_write(out, ",\"error\":{\"kind\":%,\"message\":%",
	    err_kind_name(failed->kind), failed->msg);
	if (failed->http_status != 0) {
		json_write(out,
		    ",\"status\":#,\"code\":%,\"text\":%,\"request_id\":%",
		    (long long)failed->http_status, failed->peer_code,
		    failed->peer_text, failed->request_id);
	}
	json_write(out, ",\"fix\":%}", failed->fix);
}

/* --json: one object, whatever the outcome. */
static void
put_envelope(struct buf *out, const struct call *call,
    const struct json *answer, const struct err *failed)
{
	json_write(out, "{\"ok\":?,\"attempts\":#", failed->code == ERR_OK,
	    (long long)call->reply.attempts);
	if (call->client != NULL)
		json_write(out, ",\"region\":%,\"credentials\":%",
		    client_region(call->client), client_method(call->client));
	if (failed->code != ERR_OK) {
		put_error(out, failed);
	} else {
		buf_puts(out, ",\"response\":");
		json_print(out, answer);
	}
	buf_putc(out, '}');
}

/* In the process that has no privileges. */
static int
be_caller(void *argument)
{
	struct call *call = argument;
	struct buf text = { .max = ANSWER_MAX };
	struct json *answer = NULL;
	struct err err = { 0 };

	if (send_call(call, &err) == 0)
		decode(call, &answer, &err);
	if (call->cfg->json)
		put_envelope(&text, call, answer, &err);
	else if (err.code == ERR_OK)
		json_print(&text, answer);
	else
		log_err(LOG_ERROR, "failed", &err);
	if (text.len > 0) {
		buf_putc(&text, '\n');
		if (!buf_ok(&text) || file_write_fd(STDOUT_FILENO, text.data,
		                          text.len, &err) != 0)
			err.code = ERR_SYSTEM;
	}
	buf_free(&text);
	json_free(answer);
	api_reply_free(&call->reply);
	client_free(call->client);
	buf_free(&call->body);
	return (int)err.code;
}

int
cmd_api(struct config *cfg, struct err *err)
{
	struct call call = { .cfg = cfg };
	int status = 0;

	if (config_check(cfg, err) != 0)
		return (int)err->code;
	if (cfg->words[1] == NULL) {
		err_set(err, ERR_KIND_USAGE,
		    "api needs a service and an operation");
	} else if (api_service_find(cfg->words[0], &call.service) != 0) {
		err_set(err, ERR_KIND_USAGE,
		    "unknown service %.32s: ssm, sts and ecs are known",
		    cfg->words[0]);
	} else if (make_body(&call, err) == 0) {
		status = caller_run(be_caller, &call, err);
	}
	buf_free(&call.body);
	return err->code != ERR_OK ? (int)err->code : status;
}
