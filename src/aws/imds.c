/* SPDX-License-Identifier: MIT */
#include "aws/imds.h"

#include "aws/api.h"
#include "aws/conf.h"
#include "base/buf.h"
#include "base/slice.h"

enum {
	CONNECT_MS = 1000,
	READ_MS = 2000,
	NUMBER_MAX = 3600, /* seconds, attempts */
	TOKEN_MAX = 4096,
};

/* The setting of that variable is not what it must be. */
static int
refuse_setting(const struct conf *conf, const char *variable,
    enum err_kind kind, const char *must, struct err *err)
{
	return conf_refuse(conf,
	    &(struct conf_wrong){
	        kind, NULL, variable, &variable[sizeof "AWS_" - 1], must },
	    err);
}

/* A whole number from 1 to 3600, or 0 when it is not set. */
static int
read_number(int *out, const struct conf *conf, const char *variable,
    struct err *err)
{
	const char *text = conf_setting(conf, variable);
	uint64_t number = 0;

	if (text != NULL &&
	    (!slice_u64(slice_trim(slice_of(text)), NUMBER_MAX, &number) ||
	        number == 0))
		return refuse_setting(conf, variable, ERR_KIND_INVALID_VALUE,
		    "a whole number from 1 to 3600", err);
	*out = (int)number;
	return 0;
}

/* An unknown mode is an error even when an endpoint of its own is given, as
 * in the AWS CLI. */
static int
read_base(struct url *out, const struct conf *conf, struct err *err)
{
	static const char endpoint[] = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
	static const char mode[] = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
	const char *given = conf_setting(conf, endpoint);
	struct slice name = slice_of(conf_setting(conf, mode));
	const char *text = "http://169.254.169.254/";

	if (slice_eq_nocase(name, "ipv6"))
		text = "http://[fd00:ec2::254]/";
	else if (name.len > 0 && !slice_eq_nocase(name, "ipv4"))
		return refuse_setting(conf, mode, ERR_KIND_CONFIG,
		    "IPv4 or IPv6", err);
	if (url_parse(out, given != NULL ? given : text, NULL) != 0 ||
	    slice_has(slice_of(out->path), '?'))
		return refuse_setting(conf, endpoint, ERR_KIND_CONFIG,
		    "a URL of http or https without a query", err);
	return 0;
}

int
imds_settings(struct imds *out, const struct conf *conf, struct err *err)
{
	struct imds imds = { .connect_ms = CONNECT_MS, .read_ms = READ_MS };
	int seconds = 0;

	if (read_base(&imds.base, conf, err) != 0 ||
	    read_number(&seconds, conf, "AWS_METADATA_SERVICE_TIMEOUT", err) !=
	        0 ||
	    read_number(&imds.attempts, conf,
	        "AWS_METADATA_SERVICE_NUM_ATTEMPTS", err) != 0)
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

/* Outcomes of the request for the token that asking again cannot better. */
static bool
token_settled(const struct err *cause)
{
	int status = cause->http_status;

	return status == 400 || (status >= 403 && status <= 405) ||
	       (cause->timed_out && cause->ambiguous);
}

static int
keep_token(struct imds_talk *talk)
{
	const struct buf *body = &talk->ask.answer.body;
	struct slice token = slice_make(buf_str(body), body->len);

	if (token.len <= TOKEN_MAX && http_msg_is_text(token))
		talk->token = slice_dup(token);
	if (talk->token != NULL)
		return 0;
	err_set(&talk->why, ERR_KIND_PARSE,
	    "session token is not a header's value");
	return 1;
}

/* No token: go on with version 1, if somebody is there and it is allowed. */
static int
fall_back(struct imds_talk *talk, struct err *err)
{
	const struct err *why = &talk->why;

	if (why->http_status == 400)
		return 1;
	if (talk->v1_disabled) {
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "%s, and AWS_EC2_METADATA_V1_DISABLED forbids version 1",
		    why->msg);
	}
	/* Nobody took the connection, so a second request is in vain, too. */
	if (why->http_status == 0 && !why->ambiguous)
		return 1;
	talk->token_timed_out = why->http_status == 0 && why->timed_out;
	return 0;
}

int
imds_start(struct imds_talk *talk, const struct imds *imds, struct api *api,
    int64_t deadline, struct err *err)
{
	*talk = (struct imds_talk){
		.ask = {
			.what = "session token",
			.api = api,
			.deadline = deadline,
			.base = &imds->base,
			.below = "/latest/api/token",
			.headers = { {
			    "x-aws-ec2-metadata-token-ttl-seconds", "21600" } },
			.put = true,
			.sparing = imds->attempts == 0,
			.settled = token_settled,
			.connect_ms = imds->connect_ms,
			.read_ms = imds->read_ms,
			.attempts = imds->attempts > 0 ? imds->attempts : 2,
		},
		.v1_disabled = imds->v1_disabled,
	};
	if (metadata_ask(&talk->ask, &talk->why) != 0)
		return fall_back(talk, err);
	return keep_token(talk);
}

int
imds_get(struct imds_talk *talk, const char *path, bool json)
{
	struct metadata *ask = &talk->ask;

	ask->what = path;
	ask->below = path;
	ask->headers[0] =
	    (struct http_header){ "x-aws-ec2-metadata-token", talk->token };
	ask->put = false;
	ask->json = json;
	ask->settled = NULL;
	err_clear(&talk->why);
	if (metadata_ask(ask, &talk->why) == 0)
		return 0;
	if (talk->why.http_status == 401 && talk->token_timed_out) {
		err_clear(&talk->why);
		err_set(&talk->why, ERR_KIND_API,
		    "a token is needed, and the request for it got no answer: "
		    "raise the instance's HttpPutResponseHopLimit to 2 (behind "
		    "a bridge) or 3 (Docker in Docker)");
	}
	return 1;
}

int
imds_line(struct imds_talk *talk, const char *path, struct slice *line)
{
	const struct buf *body = &talk->ask.answer.body;
	struct slice rest;

	if (imds_get(talk, path, false) != 0)
		return 1;
	rest = slice_make(buf_str(body), body->len);
	slice_line(&rest, line);
	*line = slice_trim(*line);
	return 0;
}

void
imds_stop(struct imds_talk *talk)
{
	metadata_free(&talk->ask);
	slice_drop(&talk->token);
}

int
imds_region(struct api *api, char out[static IMDS_REGION_SIZE],
    int64_t deadline, struct err *err)
{
	struct imds imds = { 0 };
	struct imds_talk talk;
	struct slice line;
	int rc = 1;

	if (imds_settings(&imds, api->conf, err) != 0)
		return -1;
	if (imds.disabled)
		return 1;
	/* That version 1 is forbidden is no error here: there is no region. */
	if (imds_start(&talk, &imds, api, deadline, NULL) == 0 &&
	    imds_line(&talk, "/latest/meta-data/placement/region", &line) ==
	        0) {
		rc = line.len > 0 && slice_copy(line, out, IMDS_REGION_SIZE)
		         ? 0
		         : err_set(err, ERR_KIND_INVALID_REGION,
		               "instance metadata: no region in its answer");
	}
	imds_stop(&talk);
	return rc;
}
