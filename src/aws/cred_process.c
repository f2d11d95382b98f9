#include <string.h>
#include <sys/wait.h>

#include "aws/conf.h"
#include "aws/cred_run.h"
#include "aws/cred_source.h"
#include "aws/cred_value.h"
#include "aws/words.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/json.h"
#include "base/slice.h"

enum {
	LIMIT_MS = 60 * 1000,
	OUT_MAX = 64 * 1024,
	ERRORS_MAX = 16 * 1024,
	SHOWN = 400, /* bytes of standard error in a message */
};

static int
check_status(const struct cred_run *run, struct err *err)
{
	struct slice errors =
	    slice_make(buf_str(&run->errors), run->errors.len);
	char shown[SHOWN + 1];

	if (WIFEXITED(run->status) && WEXITSTATUS(run->status) == 0)
		return 0;
	while (slice_ends(errors, "\n"))
		errors.len--;
	err_clean(shown, sizeof shown, errors.ptr, errors.len);
	if (WIFSIGNALED(run->status)) {
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "it was ended by signal %d: %s", WTERMSIG(run->status),
		    shown);
	}
	return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL, "exit status %d: %s",
	    WEXITSTATUS(run->status), shown);
}

/* The format that "Sourcing credentials with an external process" of the AWS
 * SDKs and Tools Reference Guide describes. */
static int
decode(struct cred *out, const struct buf *text, struct err *err)
{
	struct json *doc = NULL;
	double version = 0;
	int rc = -1;

	if (json_parse(&doc, buf_str(text), text->len, NULL) != 0 ||
	    !json_is_object(doc)) {
		rc = err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "its output is not one JSON object");
	} else if (!json_number(doc, "Version", &version) || version < 1 ||
	           version > 1) {
		rc = err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "its output does not say \"Version\": 1");
	} else {
		rc = cred_value_json(out, doc, "SessionToken", err);
	}
	json_free(doc);
	return rc;
}

static int
run_helper(struct cred *out, const struct cred_request *req,
    const struct words *words, struct err *err)
{
	struct cred_run run = {
		.argv = words->list,
		.env = conf_env(req->conf),
		.deadline = clock_in(LIMIT_MS),
		.out = { .max = OUT_MAX },
		.errors = { .max = ERRORS_MAX },
	};
	int rc = -1;

	if (cred_run_program(&run, err) != 0 || check_status(&run, err) != 0 ||
	    decode(out, &run.out, err) != 0 ||
	    cred_value_fresh(out, clock_now(), "it", err) != 0)
		goto out;
	rc = 0;
out:
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
	char what[160];
	int rc = -1;

	if (command == NULL)
		return cred_skip(plan, "no credential_process");
	(void)format_text(what, sizeof what,
	    "credential_process of profile \"%.100s\"", req->profile);
	if (words_split(&words, slice_of(command), err) != 0)
		goto out;
	if (words.count == 0 || words.list[0][0] == '\0') {
		rc = err_set(err, ERR_KIND_INVALID_VALUE, "no program");
		goto out;
	}
	plan->kind = CRED_BASE_KEYS;
	rc = run_helper(&plan->keys, req, &words, err);
out:
	words_free(&words);
	return rc == 0 ? 0 : err_wrap(err, what);
}
