/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/conf.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "net/http.h"
#include "standin.h"

enum { VARS_MAX = 16, ATTEMPTS = 4 };

/* Of its environment the agent's client minds proxies only; the application's
 * files and variables of AWS are not for it. */
static char *const *
client_vars(void)
{
	static const char *const names[] = { "http_proxy=", "HTTP_PROXY=",
		"https_proxy=", "HTTPS_PROXY=", "no_proxy=", "NO_PROXY=" };
	static char config[] = "AWS_CONFIG_FILE=/dev/null";
	static char shared[] = "AWS_SHARED_CREDENTIALS_FILE=/dev/null";
	static char *vars[VARS_MAX] = { config, shared, NULL };
	size_t count = 2;

	for (size_t i = 0; environ[i] != NULL; i++) {
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			if (count < VARS_MAX - 1 &&
			    slice_starts(slice_of(environ[i]), names[j]))
				vars[count++] = environ[i];
		}
	}
	vars[count] = NULL;
	return vars;
}

/* Go's places of the system's roots; there are none inside the program. */
static const char *
find_roots(void)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/cert.pem"
	};
	const char *file = getenv("SSL_CERT_FILE");

	if (file != NULL && file[0] != '\0')
		return file;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

int
remote_open(struct remote *r, const char *region,
    const struct settings *settings, struct err *err)
{
	struct conf_options options = { .env = { client_vars() },
		.region = region };
	struct http_options http = { .env = options.env,
		.ca_setting = "SSL_CERT_FILE",
		.ca_file = find_roots() };

	if (settings->endpoint[0] != '\0')
		options.endpoint_url = settings->endpoint;
	if (http.ca_file == NULL)
		return err_set(err, ERR_KIND_TLS,
		    "x509: certificate signed by unknown authority");
	if (!slice_copy(slice_of(region), r->api.region, sizeof(r->api.region)))
		return err_set(err, ERR_KIND_INVALID_REGION, "region");
	if (conf_open(&r->conf, &options, err) != 0 ||
	    http_open(&r->http, &http, err) != 0) {
		remote_close(r);
		return -1;
	}
	r->api.conf = r->conf;
	r->api.transport = http_transport(r->http);
	return 0;
}

void
remote_close(struct remote *r)
{
	http_close(r->http);
	conf_free(r->conf);
	*r = (struct remote){ 0 };
}

/* Send and give the answer as an object. */
static int
call(struct remote *r, const struct api_request *request, struct json **out,
    struct err *err)
{
	struct api_reply reply = { 0 };
	int rc;

	rc = api_call(&r->api, request, &reply, err);
	if (rc == 0)
		rc = api_reply_json(&reply, out, err);
	api_reply_free(&reply);
	return rc;
}

int
remote_register(struct remote *r, const char *body, char *node, size_t size,
    struct err *err)
{
	struct api_request request = { .service = API_SSM,
		.operation = "RegisterManagedInstance",
		.body = body,
		.signer = { .kind = SIGV4_NONE },
		.max_attempts = ATTEMPTS };
	struct json *doc = NULL;
	struct slice id;
	int rc = -1;

	if (call(r, &request, &doc, err) != 0)
		return -1;
	id = slice_of(json_text(doc, "InstanceId"));
	if (id.len >= 10 && slice_copy(id, node, size))
		rc = 0;
	else
		err_set(err, ERR_KIND_PARSE, "no InstanceId");
	json_free(doc);
	return rc;
}

static int
take_token(struct cred *out, const struct json *doc, struct err *err)
{
	struct cred new = { .method = "node" };
	double expires;
	bool update;

	new.access_key = slice_dup(slice_of(json_text(doc, "AccessKeyId")));
	new.secret_key = slice_dup(slice_of(json_text(doc, "SecretAccessKey")));
	new.token = slice_dup(slice_of(json_text(doc, "SessionToken")));
	if (new.access_key == NULL || new.secret_key == NULL ||
	    new.token == NULL || new.token[0] == '\0' ||
	    !json_number(doc, "TokenExpirationDate", &expires) ||
	    !json_bool(doc, "UpdateKeyPair", &update)) {
		cred_value_free(&new);
		return err_set(err, ERR_KIND_PARSE,
		    "runtime error: invalid memory address");
	}
	new.expires = (int64_t)expires;
	cred_value_free(out);
	*out = new;
	return 0;
}

int
remote_token(struct remote *r, const struct identity *id, struct cred *out,
    struct err *err)
{
	struct buf body = { 0 };
	struct api_request request = { .service = API_SSM,
		.operation = "RequestManagedInstanceRoleToken",
		.signer = { .kind = SIGV4_RSA,
		    .key = id->key,
		    .node = id->node },
		.max_attempts = ATTEMPTS };
	struct json *doc = NULL;
	int rc;

	buf_printf(&body, "{\"Fingerprint\":\"%s\"}", id->fingerprint);
	request.body = buf_str(&body);
	rc = call(r, &request, &doc, err);
	if (rc == 0)
		rc = take_token(out, doc, err);
	json_free(doc);
	buf_free(&body);
	return rc;
}

int
remote_heartbeat(struct remote *r, const struct cred *cred, const char *node,
    bool full, struct err *err)
{
	struct buf body = { 0 };
	struct api_request request = { .service = API_SSM,
		.operation = "UpdateInstanceInformation",
		.signer = { .kind = SIGV4_HMAC, .cred = cred },
		.max_attempts = ATTEMPTS };
	struct json *doc = NULL;
	char host[65] = "";
	int rc;

	(void)gethostname(host, sizeof(host) - 1);
	buf_puts(&body, "{\"AgentName\":\"amazon-ssm-agent\",");
	if (full) {
		buf_puts(&body, "\"AgentStatus\":\"Active\","
		                "\"ComputerName\":");
		json_quote(&body, host);
		buf_putc(&body, ',');
	}
	buf_printf(&body,
	    "\"AgentVersion\":\"" STANDIN_VERSION "\",\"InstanceId\":\"%s\","
	    "\"PlatformType\":\"Linux\"}",
	    node);
	request.body = buf_str(&body);
	rc = call(r, &request, &doc, err);
	json_free(doc);
	buf_free(&body);
	return rc;
}
