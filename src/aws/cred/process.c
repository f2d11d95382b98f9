/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <sys/wait.h>

#include "aws/conf.h"
#include "aws/cred/run.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "aws/words.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/trust.h"

enum {
	LIMIT_MS = 60 * 1000,
	OUT_MAX = 64 * 1024,
	ERRORS_MAX = 16 * 1024,
};

static int
check_status(struct cred_run *run, struct err *err)
{
	struct buf *errors = &run->errors;
	int status = run->status;
	bool killed = WIFSIGNALED(status);

	if (status == 0)
		return 0;
	while (errors->len > 0 && errors->data[errors->len - 1] == '\n')
		buf_cut(errors, errors->len - 1);
	return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL, "%s %d: %.400s",
	    killed ? "ended by signal" : "exit status",
	    killed ? WTERMSIG(status) : WEXITSTATUS(status), buf_str(errors));
}

/* The format that "Sourcing credentials with an external process" of the AWS
 * SDKs and Tools Reference Guide describes. */
static int
decode_output(struct cred *out, const struct buf *text, struct err *err)
{
	enum err_kind kind = ERR_KIND_CREDENTIAL_RETRIEVAL;
	struct json *doc = NULL;
	double version = 0;
	int rc;

	if (json_parse(&doc, buf_str(text), text->len, NULL) != 0)
		kind = ERR_KIND_INVALID_VALUE;
	if (!json_number(doc, "Version", &version) || version < 1 ||
	    version > 1) {
		rc = err_set(err, kind,
		    "its output is not one JSON object with \"Version\": 1");
	} else {
		rc = cred_value_json(out, doc, "SessionToken", err);
	}
	json_free(doc);
	return rc;
}

/* Whose program it is, and the file that is run. */
static int
choose_program(struct cred_run *run, const struct cred_request *req,
    char **name, struct err *err)
{
	const struct owner *by =
	    conf_owner(req->conf, req->profile, "credential_process");
	struct trust_program program;

	if (trust_program(&program, *name, run->env, by, err) != 0) {
		if (err != NULL)
			err->kind = ERR_KIND_CREDENTIAL_RETRIEVAL;
		return -1;
	}
	run->owner = program.owner;
	slice_drop(name);
	*name = slice_dup(slice_of(program.path));
	return *name != NULL ? 0 : err_memory(err);
}

static int
run_helper(struct cred *out, const struct cred_request *req,
    struct words *words, struct err *err)
{
	struct cred_run run = {
		.argv = words->list,
		.env = conf_env(req->conf),
		.deadline = clock_in(LIMIT_MS),
		.out = { .max = OUT_MAX },
		.errors = { .max = ERRORS_MAX },
	};
	int rc = -1;

	if (words->count == 0 || words->list[0][0] == '\0')
		return err_set(err, ERR_KIND_INVALID_VALUE, "no program");
	if (choose_program(&run, req, &words->list[0], err) == 0 &&
	    cred_run_program(&run, err) == 0 && check_status(&run, err) == 0 &&
	    decode_output(out, &run.out, err) == 0)
		rc = cred_value_fresh(out, clock_now(), "it", err);
	buf_free(&run.out);
	buf_free(&run.errors);
	return rc;
}

int
cred_process_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	const char *command =
	    conf_value(req->conf, req->profile, "credential_process");
	struct words words = { 0 };
	int rc;

	if (command == NULL)
		return cred_skip(plan, "no credential_process");
	rc = words_split(&words, slice_of(command), err);
	if (rc == 0)
		rc = run_helper(&plan->keys, req, &words, err);
	words_free(&words);
	if (rc != 0)
		return cred_blame("credential_process of profile", req->profile,
		    err);
	return 0;
}
