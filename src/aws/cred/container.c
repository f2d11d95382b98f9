/* SPDX-License-Identifier: MIT */
#include "aws/conf.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "aws/metadata.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/cidr.h"

/* As the AWS SDKs do it: three attempts, 2 s for each wait. */
enum { ATTEMPTS = 3, PAUSE_MS = 1000, WAIT_MS = 2000 };

static const char relative_uri[] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
static const char full_uri[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
static const char token_setting[] = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
static const char token_file[] = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/* Plain http: loopback, and where ECS and EKS have their endpoints.  A name
 * is not looked up, so none can point there but localhost. */
static bool
host_allowed(const struct url *url)
{
	return url->tls || url_is_loopback(url->host) ||
	       cidr_has(slice_of("169.254.170.2"), url->host) ||
	       cidr_has(slice_of("169.254.170.23"), url->host) ||
	       cidr_has(slice_of("fd00:ec2::23"), url->host);
}

static int
read_relative(struct url *out, const char *path, struct err *err)
{
	struct buf text = { 0 };
	int rc = -1;

	buf_printf(&text, "http://169.254.170.2%s", path);
	if (path[0] != '/') {
		err_set(err, ERR_KIND_INVALID_VALUE,
		    "it does not begin with '/'");
	} else {
		rc = url_parse(out, buf_str(&text), err);
	}
	buf_free(&text);
	return rc == 0 ? 0 : err_wrap(err, relative_uri);
}

static int
read_full(struct url *out, const char *text, struct err *err)
{
	if (url_parse(out, text, err) != 0)
		return err_wrap(err, full_uri);
	if (host_allowed(out))
		return 0;
	return err_set(err, ERR_KIND_INVALID_VALUE,
	    "%s: unsupported host \"%.100s\": http is for loopback, "
	    "169.254.170.2, 169.254.170.23 and fd00:ec2::23 only",
	    full_uri, out->host);
}

/* It becomes a header as it stands; nothing is cut off. */
static int
read_container_token(char **out, struct env env, struct err *err)
{
	const char *from = token_file;
	const char *path = env_get(env, from);
	struct buf text = { 0 };
	int rc = 0;

	if (path != NULL) {
		rc = cred_value_file(&text, path, NULL, from, err);
	} else {
		from = token_setting;
		path = env_get(env, from);
		buf_puts(&text, path != NULL ? path : "");
	}
	if (rc != 0 || path == NULL)
		goto out;
	if (text.len == 0 ||
	    !http_msg_is_text(slice_make(text.data, text.len))) {
		rc = err_set(err, ERR_KIND_INVALID_VALUE,
		    "token from %s is empty or holds a control character",
		    from);
		goto out;
	}
	*out = buf_take(&text);
	if (*out == NULL)
		rc = err_memory(err);
out:
	buf_free(&text);
	return rc;
}

static int
fetch_container(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	struct metadata m = {
		.what = "container credentials",
		.api = api,
		.deadline = deadline,
		.base = &plan->url,
		.below = "",
		.headers = { { "Accept", "application/json" },
		    { "Authorization", plan->token } },
		.json = true,
		.connect_ms = WAIT_MS,
		.read_ms = WAIT_MS,
		.attempts = ATTEMPTS,
		.pause_ms = plan->pause_ms,
		/* All failures but those of TLS have the same kind. */
		.kind = ERR_KIND_CREDENTIAL_RETRIEVAL,
	};
	int rc = metadata_ask(&m, err);

	if (rc == 0 && cred_value_json(out, m.doc, "Token", err) != 0)
		rc = err_wrap(err, m.what);
	metadata_free(&m);
	return rc;
}

int
cred_container_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	struct env env = conf_env(req->conf);
	const char *relative = env_get(env, relative_uri);
	const char *full = env_get(env, full_uri);
	int rc;

	if (relative == NULL && full == NULL) {
		return cred_skip(plan,
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are "
		    "not set");
	}
	rc = relative != NULL ? read_relative(&plan->url, relative, err)
	                      : read_full(&plan->url, full, err);
	if (rc != 0 || read_container_token(&plan->token, env, err) != 0)
		return -1;
	plan->fetch = fetch_container;
	plan->pause_ms = PAUSE_MS;
	return 0;
}
