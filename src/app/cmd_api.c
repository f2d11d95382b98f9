#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/child.h"
#include "app/cmd.h"
#include "app/config.h"
#include "app/jail.h"
#include "app/relro.h"
#include "aws/client.h"
#include "aws/conf.h"
#include "aws/query_json.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"

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
		rc = query_json_form(&call->body, params, err);
		goto out;
	}
	/* As it was given: the signature is over the bytes that are sent. */
	buf_add(&call->body, text.data, text.len);
	rc = buf_ok(&call->body) ?
	    0 :
	    err_set(err, ERR_KIND_SYSTEM, "no memory for the body");
out:
	json_free(params);
	buf_free(&text);
	return rc;
}

static int
send_call(struct call *call, struct err *err)
{
	const struct config *cfg = call->cfg;
	struct conf_options options = {
		.env = cfg->env,
		.profile = cfg->profile,
		.region = cfg->region,
		.endpoint_url = cfg->endpoint_url,
		.read_timeout_ms = (int)cfg->read_timeout_ms,
	};
	struct api_request req = {
		.service = call->service,
		.operation = cfg->words[1],
		.body = buf_str(&call->body),
	};

	if (client_open(&call->client, &options, err) != 0 ||
	    jail_net(err) != 0)
		return -1;
	return client_call(call->client, &req, &call->reply, err);
}

static int
decode(const struct call *call, struct json **out, struct err *err)
{
	if (call->service == API_STS)
		return query_json_answer(&call->reply, out, err);
	return api_reply_json(&call->reply, out, err);
}

static bool
add_error(struct json *doc, const struct err *failed)
{
	struct json *error = json_object_in(doc, "error");
	bool ok = json_add_text(error, "kind", err_kind_name(failed->kind)) ==
	    0;

	ok = ok && json_add_text(error, "message", failed->msg) == 0;
	if (failed->peer_code[0] != '\0')
		ok = ok && json_add_text(error, "code", failed->peer_code) == 0;
	if (failed->peer_text[0] != '\0')
		ok = ok && json_add_text(error, "text", failed->peer_text) == 0;
	if (failed->http_status != 0)
		ok = ok &&
		    json_add_number(error, "status", failed->http_status) == 0;
	if (failed->request_id[0] != '\0')
		ok = ok &&
		    json_add_text(error, "request_id", failed->request_id) ==
			0;
	if (failed->fix[0] != '\0')
		ok = ok && json_add_text(error, "fix", failed->fix) == 0;
	return ok;
}

/* --json: one object, whatever the outcome. */
static void
print_envelope(const struct call *call, struct json *answer,
    const struct err *failed)
{
	struct json *doc = json_new_object();
	struct buf text = { .max = ANSWER_MAX };
	bool ok = json_add_bool(doc, "ok", failed->code == ERR_OK) == 0;

	ok = ok &&
	    json_add_number(doc, "attempts", call->reply.attempts) == 0;
	if (call->client != NULL) {
		const char *method = client_method(call->client);

		ok = ok &&
		    json_add_text(doc, "region",
			client_region(call->client)) == 0;
		if (method != NULL)
			ok = ok &&
			    json_add_text(doc, "credentials", method) == 0;
	}
	if (failed->code != ERR_OK)
		ok = ok && add_error(doc, failed);
	else
		ok = json_add(doc, "response", answer) == 0 && ok;
	if (ok && json_print(&text, doc) == 0 && buf_ok(&text))
		puts(buf_str(&text));
	json_free(doc);
	buf_free(&text);
}

static void
print_answer(struct json *answer)
{
	struct buf text = { .max = ANSWER_MAX };

	if (json_print(&text, answer) == 0 && buf_ok(&text))
		puts(buf_str(&text));
	buf_free(&text);
	json_free(answer);
}

/* In the process that has no privileges. */
static int
be_caller(struct call *call)
{
	struct json *answer = NULL;
	struct err err = { 0 };

	if (send_call(call, &err) == 0)
		decode(call, &answer, &err);
	if (call->cfg->json)
		print_envelope(call, answer, &err);
	else if (err.code == ERR_OK)
		print_answer(answer);
	else
		log_err(LOG_ERROR, "failed", &err);
	api_reply_free(&call->reply);
	client_free(call->client);
	buf_free(&call->body);
	if (fflush(stdout) != 0)
		return ERR_SYSTEM;
	return (int)err.code;
}

static int
fork_caller(struct call *call, struct err *err)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		_exit(be_caller(call));
	}
	if (pid < 0) {
		err_sys(err, ERR_KIND_SYSTEM, "fork");
		return (int)err->code;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return child_status(status);
}

int
cmd_api(struct config *cfg, struct err *err)
{
	struct call call = { .cfg = cfg };
	int status = 0;

	relro_apply();
	if (cfg->malformed.code != ERR_OK)
		*err = cfg->malformed;
	else if (cfg->words[1] == NULL)
		err_set(err, ERR_KIND_USAGE,
		    "api needs a service and an operation");
	else if (api_service_find(cfg->words[0], &call.service) != 0)
		err_set(err, ERR_KIND_USAGE,
		    "unknown service %.32s: ssm, sts and ecs are known",
		    cfg->words[0]);
	else if (make_body(&call, err) == 0)
		status = fork_caller(&call, err);
	buf_free(&call.body);
	return err->code != ERR_OK ? (int)err->code : status;
}
