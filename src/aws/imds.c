#include "aws/imds.h"

#include <stdlib.h>
#include <string.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/json.h"
#include "base/slice.h"
#include "net/http.h"

enum {
	CONNECT_MS = 1000,
	READ_MS = 2000,
	TIMEOUT_MAX_S = 3600,
	ATTEMPTS_MAX = 100,
	TOKEN_MAX = 4096,
};

static const char token_path[] = "/latest/api/token";
static const char region_path[] = "/latest/meta-data/placement/region";

/* A whole number from 1 to max, or *out as it was when it is not set. */
static int
read_number(int *out, const struct conf *conf, const char *variable,
    const char *key, int max, struct err *err)
{
	const char *text = conf_get(conf, variable, key);
	uint64_t number = 0;

	if (text == NULL)
		return 0;
	if (!slice_u64(slice_trim(slice_of(text)), (uint64_t)max, &number) ||
	    number == 0) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "%s (%s in the profile) is not a whole number from 1 to "
		    "%d",
		    variable, key, max);
	}
	*out = (int)number;
	return 0;
}

/* What the mode stands for; an unknown one is an error even when an endpoint
 * of its own is given, as in the AWS CLI. */
static int
mode_url(const struct conf *conf, const char **out, struct err *err)
{
	struct slice mode =
	    slice_of(conf_get(conf, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	        "ec2_metadata_service_endpoint_mode"));

	if (mode.len == 0 || slice_eq_nocase(mode, "ipv4"))
		*out = "http://169.254.169.254/";
	else if (slice_eq_nocase(mode, "ipv6"))
		*out = "http://[fd00:ec2::254]/";
	else {
		return err_set(err, ERR_KIND_CONFIG,
		    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE "
		    "(ec2_metadata_service_endpoint_mode in the profile) is "
		    "neither IPv4 nor IPv6");
	}
	return 0;
}

static int
read_base(struct url *out, const struct conf *conf, struct err *err)
{
	const char *given = conf_get(conf, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
	    "ec2_metadata_service_endpoint");
	const char *text = NULL;
	struct err cause = { 0 };

	if (mode_url(conf, &text, err) != 0)
		return -1;
	if (given != NULL)
		text = given;
	if (url_parse(out, text, &cause) != 0) {
		return err_set(err, ERR_KIND_CONFIG,
		    "AWS_EC2_METADATA_SERVICE_ENDPOINT "
		    "(ec2_metadata_service_endpoint in the profile): %s",
		    cause.msg);
	}
	if (slice_has(slice_of(out->path), '?'))
		return err_set(err, ERR_KIND_CONFIG,
		    "AWS_EC2_METADATA_SERVICE_ENDPOINT has a query");
	return 0;
}

int
imds_settings(struct imds *out, const struct conf *conf, struct err *err)
{
	struct imds imds = { .connect_ms = CONNECT_MS, .read_ms = READ_MS };
	int seconds = 0;

	if (read_base(&imds.base, conf, err) != 0 ||
	    read_number(&seconds, conf, "AWS_METADATA_SERVICE_TIMEOUT",
	        "metadata_service_timeout", TIMEOUT_MAX_S, err) != 0 ||
	    read_number(&imds.attempts, conf,
	        "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
	        "metadata_service_num_attempts", ATTEMPTS_MAX, err) != 0)
		return -1;
	if (seconds > 0) {
		imds.connect_ms = seconds * 1000;
		imds.read_ms = seconds * 1000;
	}
	imds.disabled = conf_true(conf, "AWS_EC2_METADATA_DISABLED", NULL);
	imds.v1_disabled = conf_true(conf, "AWS_EC2_METADATA_V1_DISABLED",
	    "ec2_metadata_v1_disabled");
	*out = imds;
	return 0;
}

/* What one request asks for, and what counts as an answer. */
struct question {
	const char *method;
	const char *path;
	struct http_header header;
	bool token; /* it is the request for the token */
	bool json;
};

static int
send_once(const struct imds_talk *talk, const struct question *q,
    struct http_msg *answer, struct err *err)
{
	const struct imds *imds = talk->imds;
	struct url url = imds->base;
	struct buf path = { .max = URL_PATH_MAX };
	struct http_request request = {
		.method = q->method,
		.url = &url,
		.headers = &q->header,
		.header_count = q->header.name != NULL ? 1 : 0,
		.has_length = q->token,
		.no_proxy = true,
		.connect_ms = imds->connect_ms,
		.read_ms = imds->read_ms,
		.deadline = clock_min(talk->deadline,
		    clock_in(imds->connect_ms + 2 * (int64_t)imds->read_ms)),
		.body_max = IMDS_BODY_MAX,
	};
	int rc = -1;

	buf_puts(&path, url.path);
	if (slice_ends(slice_of(url.path), "/"))
		buf_cut(&path, path.len - 1);
	buf_puts(&path, q->path);
	if (!buf_ok(&path) ||
	    !slice_copy(slice_of(buf_str(&path)), url.path, sizeof url.path))
		rc = err_set(err, ERR_KIND_CONFIG, "path is too long");
	else
		rc = api_metadata(talk->api, &request, answer, err);
	buf_free(&path);
	return rc;
}

static bool
parses(const struct http_msg *answer)
{
	struct json *doc = NULL;
	bool ok = json_parse(&doc, buf_str(&answer->body), answer->body.len,
	              NULL) == 0;

	json_free(doc);
	return ok;
}

static bool
usable(const struct http_msg *answer, const struct question *q)
{
	return answer->status == 200 && answer->body.len > 0 &&
	       (!q->json || parses(answer));
}

/* The request for the token has outcomes that asking again cannot better. */
static bool
settled(const struct question *q, int status, const struct err *cause)
{
	if (!q->token)
		return false;
	return status == 400 || status == 403 || status == 404 ||
	       status == 405 || (cause->timed_out && cause->ambiguous);
}

/* Whether to ask once more; status 0 = there was no answer. */
static bool
again(const struct imds *imds, int made, int status)
{
	if (imds->attempts > 0)
		return made < imds->attempts;
	return made < 2 && (status == 0 || status >= 500);
}

/* 0: an answer that can be used; 1: none, *status or cause tells. */
static int
ask(const struct imds_talk *talk, const struct question *q,
    struct http_msg *answer, int *status, struct err *cause)
{
	for (int made = 1;; made++) {
		err_clear(cause);
		*status = 0;
		if (send_once(talk, q, answer, cause) == 0)
			*status = answer->status;
		if (*status != 0 && usable(answer, q))
			return 0;
		if (settled(q, *status, cause) ||
		    !again(talk->imds, made, *status) ||
		    clock_left(talk->deadline) == 0)
			return 1;
		http_msg_free(answer);
	}
}

static int
nothing(struct imds_talk *talk, const char *what, int status,
    const struct err *cause)
{
	if (status == 0) {
		(void)format_text(talk->why, sizeof talk->why, "%s: %.200s",
		    what, cause->msg);
	} else {
		(void)format_text(talk->why, sizeof talk->why,
		    "%s: status %d or an answer without use", what, status);
	}
	return 1;
}

/* The token goes into a header as it is. */
static int
keep_token(struct imds_talk *talk, const struct http_msg *answer)
{
	struct slice token =
	    slice_make(buf_str(&answer->body), answer->body.len);

	for (size_t i = 0; i < token.len; i++) {
		if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
			return -1;
	}
	if (token.len > TOKEN_MAX)
		return -1;
	talk->token = slice_dup(token);
	return talk->token != NULL ? 0 : -1;
}

/* No token: go on with version 1, if somebody is there and it is allowed. */
static int
fall_back(struct imds_talk *talk, int status, const struct err *cause,
    struct err *err)
{
	if (status == 400)
		return nothing(talk, "token request", status, cause);
	if (talk->imds->v1_disabled) {
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "instance metadata service: no token for version 2 (%s), "
		    "and AWS_EC2_METADATA_V1_DISABLED forbids version 1",
		    status == 0 ? cause->msg : "refused");
	}
	/* Nobody took the connection, so a second request is in vain, too. */
	if (status == 0 && !cause->ambiguous)
		return nothing(talk, "token request", status, cause);
	talk->token_timed_out = status == 0 && cause->timed_out;
	return 0;
}

int
imds_start(struct imds_talk *talk, struct err *err)
{
	const struct question q = {
		.method = "PUT",
		.path = token_path,
		.header = { "x-aws-ec2-metadata-token-ttl-seconds", "21600" },
		.token = true,
	};
	struct http_msg answer = { 0 };
	struct err cause = { 0 };
	int status = 0, rc = 0;

	if (ask(talk, &q, &answer, &status, &cause) != 0)
		rc = fall_back(talk, status, &cause, err);
	else if (keep_token(talk, &answer) != 0)
		rc = nothing(talk, "token is not a header's value", 200, NULL);
	http_msg_free(&answer);
	return rc;
}

int
imds_get(struct imds_talk *talk, const char *path, bool json, struct buf *out,
    int *status)
{
	struct question q = { .method = "GET", .path = path, .json = json };
	struct http_msg answer = { 0 };
	struct err cause = { 0 };
	int rc = 0;

	if (talk->token != NULL)
		q.header = (struct http_header){ "x-aws-ec2-metadata-token",
			talk->token };
	if (ask(talk, &q, &answer, status, &cause) != 0)
		rc = nothing(talk, path, *status, &cause);
	else
		buf_add(out, answer.body.data, answer.body.len);
	if (*status == 401 && talk->token_timed_out) {
		(void)format_text(talk->why, sizeof talk->why,
		    "the token request got no answer and a token is needed: "
		    "raise the instance's HttpPutResponseHopLimit (2 for a "
		    "container behind a bridge, 3 for Docker in Docker)");
	}
	http_msg_free(&answer);
	return rc;
}

void
imds_stop(struct imds_talk *talk)
{
	if (talk->token != NULL)
		explicit_bzero(talk->token, strlen(talk->token));
	free(talk->token);
	talk->token = NULL;
}

int
imds_region(struct api *api, char out[static IMDS_REGION_SIZE],
    int64_t deadline, struct err *err)
{
	struct imds imds = { 0 };
	struct imds_talk talk = {
		.imds = &imds, .api = api, .deadline = deadline
	};
	struct buf text = { .max = IMDS_BODY_MAX };
	struct slice rest, line = { 0 };
	int status = 0, rc = -1;

	if (imds_settings(&imds, api->conf, err) != 0)
		return -1;
	rc = 1;
	/* That version 1 is forbidden is no error here: there is no region. */
	if (imds.disabled || imds_start(&talk, NULL) != 0 ||
	    imds_get(&talk, region_path, false, &text, &status) != 0)
		goto out;
	rest = slice_make(buf_str(&text), text.len);
	(void)slice_line(&rest, &line);
	rc = 0;
	if (!slice_copy(slice_trim(line), out, IMDS_REGION_SIZE) ||
	    out[0] == '\0')
		rc = err_set(err, ERR_KIND_INVALID_REGION,
		    "instance metadata service: no region in its answer");
out:
	imds_stop(&talk);
	buf_free(&text);
	return rc;
}
