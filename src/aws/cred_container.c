#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred_source.h"
#include "aws/cred_value.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/slice.h"
#include "net/http.h"

/* As the AWS SDKs do it: three attempts, 2 s for each wait. */
enum {
	ATTEMPTS = 3,
	PAUSE_MS = 1000,
	WAIT_MS = 2000,
	ATTEMPT_MS = 10000, /* for an endpoint that sends byte by byte */
	BODY_MAX = 64 * 1024,
	SHOWN = 200, /* bytes of an error answer in a message */
};

static const char ecs_base[] = "http://169.254.170.2";

static bool
same_address(int family, const char *host, const char *allowed)
{
	unsigned char a[sizeof(struct in6_addr)], b[sizeof(struct in6_addr)];
	size_t len = family == AF_INET ? sizeof(struct in_addr)
	                               : sizeof(struct in6_addr);

	return inet_pton(family, host, a) == 1 &&
	       inet_pton(family, allowed, b) == 1 && memcmp(a, b, len) == 0;
}

/* Plain http: loopback, and where ECS and EKS have their endpoints.  A name
 * is not looked up, so none can point there but localhost. */
static bool
host_allowed(const struct url *url)
{
	return url->tls || url_is_loopback(url->host) ||
	       same_address(AF_INET, url->host, "169.254.170.2") ||
	       same_address(AF_INET, url->host, "169.254.170.23") ||
	       same_address(AF_INET6, url->host, "fd00:ec2::23");
}

static int
read_relative(struct url *out, const char *path, struct err *err)
{
	struct buf text = { 0 };
	struct err cause = { 0 };
	int rc = 0;

	if (path[0] != '/') {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin "
		    "with '/'");
	}
	buf_puts(&text, ecs_base);
	buf_puts(&text, path);
	if (!buf_ok(&text) || url_parse(out, buf_str(&text), &cause) != 0)
		rc = err_set(err, ERR_KIND_INVALID_VALUE,
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: %s", cause.msg);
	buf_free(&text);
	return rc;
}

static int
read_full(struct url *out, const char *text, struct err *err)
{
	struct err cause = { 0 };

	if (url_parse(out, text, &cause) != 0)
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI: %s", cause.msg);
	if (host_allowed(out))
		return 0;
	return err_set(err, ERR_KIND_INVALID_VALUE,
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI: unsupported host \"%.100s\": "
	    "http is for loopback, 169.254.170.2, 169.254.170.23 and "
	    "fd00:ec2::23 only",
	    out->host);
}

/* It becomes a header as it stands; nothing is cut off. */
static int
check_token(struct slice token, const char *from, struct err *err)
{
	if (token.len == 0)
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "authorization token from %s is empty", from);
	for (size_t i = 0; i < token.len; i++) {
		unsigned char c = (unsigned char)token.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f) {
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "authorization token from %s holds a line end or "
			    "control character",
			    from);
		}
	}
	return 0;
}

static int
read_token_file(struct buf *out, const char *path, struct err *err)
{
	struct err cause = { 0 };

	switch (file_read(path, out, &cause)) {
	case FILE_FOUND:
		return 0;
	case FILE_ABSENT:
		err_set(&cause, ERR_KIND_SYSTEM, "%s does not exist", path);
		break;
	case FILE_FAILED:
		break;
	}
	return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %s", cause.msg);
}

static int
read_token(char **out, struct env env, struct err *err)
{
	const char *from = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
	const char *path = env_get(env, from);
	struct buf text = { 0 };
	struct slice token;
	int rc = -1;

	if (path != NULL) {
		if (read_token_file(&text, path, err) != 0)
			goto out;
		token = slice_make(buf_str(&text), text.len);
	} else {
		from = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
		token = slice_of(env_get(env, from));
	}
	rc = 0;
	if (path == NULL && token.len == 0)
		goto out;
	rc = check_token(token, from, err);
	if (rc != 0)
		goto out;
	*out = slice_dup(token);
	if (*out == NULL)
		rc = err_set(err, ERR_KIND_SYSTEM, "out of memory");
out:
	buf_free(&text);
	return rc;
}

int
cred_container_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	struct env env = conf_env(req->conf);
	const char *relative =
	    env_get(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = env_get(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	int rc;

	if (relative == NULL && full == NULL) {
		return cred_skip(plan,
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are "
		    "not set");
	}
	rc = relative != NULL ? read_relative(&plan->url, relative, err)
	                      : read_full(&plan->url, full, err);
	if (rc != 0 || read_token(&plan->token, env, err) != 0)
		return -1;
	plan->kind = CRED_BASE_CONTAINER;
	plan->pause_ms = PAUSE_MS;
	return 0;
}

static int
send_once(const struct cred_plan *plan, struct api *api, int64_t deadline,
    struct http_msg *answer, struct err *err)
{
	const struct http_header headers[] = {
		{ "Accept", "application/json" },
		{ "Authorization", plan->token },
	};
	const struct http_request request = {
		.method = "GET",
		.url = &plan->url,
		.headers = headers,
		.header_count = plan->token != NULL ? 2 : 1,
		.no_proxy = true,
		.connect_ms = WAIT_MS,
		.read_ms = WAIT_MS,
		.deadline = clock_min(deadline, clock_in(ATTEMPT_MS)),
		.body_max = BODY_MAX,
	};

	return api_metadata(api, &request, answer, err);
}

/* 0 and the document, or the reason in err. */
static int
judge(struct json **out, const struct http_msg *answer, struct err *err)
{
	char shown[SHOWN + 1] = "";

	if (answer->status != 200) {
		/* Only an error answer is known to hold no secret. */
		if (answer->status >= 400)
			err_clean(shown, sizeof shown, buf_str(&answer->body),
			    answer->body.len);
		err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL, "status %d: %s",
		    answer->status, shown);
		err->http_status = answer->status;
		if (answer->status >= 500 || answer->status == 429)
			err->retry = ERR_TRANSIENT;
		return -1;
	}
	if (json_parse(out, buf_str(&answer->body), answer->body.len, NULL) !=
	    0)
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "the answer is not JSON");
	return 0;
}

static int
ask_once(struct json **out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	struct http_msg answer = { 0 };
	int rc = -1;

	if (send_once(plan, api, deadline, &answer, err) == 0)
		rc = judge(out, &answer, err);
	http_msg_free(&answer);
	return rc;
}

/* Why the last attempt failed, in the words of the whole. */
static int
give_up(const struct cred_plan *plan, const struct err *cause, struct err *err)
{
	struct err whole = { .kind = ERR_KIND_NONE };

	err_set(&whole,
	    cause->kind == ERR_KIND_TLS ? ERR_KIND_TLS
	                                : ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "container credentials from %.100s: %s", plan->url.host,
	    cause->msg);
	whole.retry = cause->retry;
	whole.timed_out = cause->timed_out;
	whole.http_status = cause->http_status;
	if (err != NULL && err->kind == ERR_KIND_NONE)
		*err = whole;
	return -1;
}

/* Any failure counts like any other, but for TLS: trying again would not
 * make a certificate good. */
static int
ask(struct json **out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	struct err cause = { 0 };

	for (int made = 1;; made++) {
		int64_t next;

		err_clear(&cause);
		if (ask_once(out, plan, api, deadline, &cause) == 0)
			return 0;
		next = clock_in(plan->pause_ms);
		if (made == ATTEMPTS || cause.kind == ERR_KIND_TLS ||
		    clock_min(next, deadline) == deadline)
			break;
		clock_sleep(next);
	}
	return give_up(plan, &cause, err);
}

int
cred_container_fetch(struct cred *out, const struct cred_plan *plan,
    struct api *api, int64_t deadline, struct err *err)
{
	struct json *doc = NULL;
	int rc = -1;

	if (ask(&doc, plan, api, deadline, err) != 0)
		goto out;
	rc = cred_value_json(out, doc, "Token", err);
	if (rc != 0)
		rc = err_wrap(err, "container credentials");
out:
	json_free(doc);
	return rc;
}
