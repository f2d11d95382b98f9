/* SPDX-License-Identifier: MIT */
#include "aws/cred/value.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/trust.h"

void
cred_value_free(struct cred *cred)
{
	slice_drop(&cred->access_key);
	slice_drop(&cred->secret_key);
	slice_drop(&cred->token);
	*cred = (struct cred){ 0 };
}

bool
cred_value_lasts(const struct cred *cred, int64_t now, int64_t margin)
{
	return cred->expires == 0 || cred->expires - now >= margin;
}

/* As the services name them. */
static const char *const service_names[CRED_VALUE_COUNT] = { "AccessKeyId",
	"SecretAccessKey", "SessionToken" };

/* Whatever a service gives. */
static const struct cred_values given = {
	.names = service_names,
	.blanks = true,
	.missing = ERR_KIND_CREDENTIAL_RETRIEVAL,
	.bad = ERR_KIND_CREDENTIAL_RETRIEVAL,
};

/* What is wrong with a text whose bytes are from lowest up, or NULL. */
static const char *
fault_of(const char *text, unsigned char lowest)
{
	for (size_t i = 0; text[i] != '\0'; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < lowest || c == 0x7f)
			return "a blank, line end or control character";
		if (c > 0x7f)
			return "other than ASCII, such as a no-break space";
	}
	return NULL;
}

static int
copy_value(char **out, const struct cred_values *values, size_t i,
    struct err *err)
{
	const char *text = values->texts[i];
	char lowest = values->blanks && i == CRED_VALUE_SECRET ? ' ' : '!';
	const char *fault;

	if (text == NULL && i == CRED_VALUE_TOKEN)
		return 0;
	if (text == NULL)
		return err_set(err, values->missing, "there is no %s",
		    values->names[i]);
	fault = fault_of(text, (unsigned char)lowest);
	if (fault != NULL)
		return err_set(err, values->bad, "%s holds %s",
		    values->names[i], fault);
	*out = strdup(text);
	if (*out == NULL)
		return err_memory(err);
	return 0;
}

int
cred_value_take(struct cred *out, const struct cred_values *values,
    struct err *err)
{
	struct cred cred = { .method = out->method };

	if (copy_value(&cred.access_key, values, CRED_VALUE_KEY, err) != 0 ||
	    copy_value(&cred.secret_key, values, CRED_VALUE_SECRET, err) != 0 ||
	    copy_value(&cred.token, values, CRED_VALUE_TOKEN, err) != 0) {
		cred_value_free(&cred);
		return -1;
	}
	cred_value_free(out);
	*out = cred;
	return 0;
}

int
cred_value_copy(struct cred *out, const struct cred *from, struct err *err)
{
	struct cred_values values = given;
	int64_t expires = from->expires;

	values.texts[CRED_VALUE_KEY] = from->access_key;
	values.texts[CRED_VALUE_SECRET] = from->secret_key;
	values.texts[CRED_VALUE_TOKEN] = from->token;
	if (cred_value_take(out, &values, err) != 0)
		return -1;
	out->expires = expires;
	return 0;
}

static const char *
filled_text(const struct json *doc, const char *key)
{
	const char *text = json_text(doc, key);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

int
cred_value_json(struct cred *out, const struct json *doc, const char *token_key,
    struct err *err)
{
	const char *const names[] = { service_names[CRED_VALUE_KEY],
		service_names[CRED_VALUE_SECRET], token_key };
	struct cred_values values = given;
	const char *expires = filled_text(doc, "Expiration");
	int64_t when = 0;

	values.names = names;
	for (size_t i = 0; i < CRED_VALUE_COUNT; i++)
		values.texts[i] = filled_text(doc, names[i]);
	if (expires != NULL && !clock_parse_iso(slice_of(expires), &when))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "Expiration %.64s is not a time in ISO 8601", expires);
	if (cred_value_take(out, &values, err) != 0)
		return -1;
	out->expires = when;
	return 0;
}

int
cred_value_file(struct buf *out, const char *path, const struct owner *by,
    const char *what, struct err *err)
{
	struct trust_file file = { .path = path, .by = by, .value = true };
	struct err cause = { 0 };

	if (trust_read(&file, out, &cause) == FILE_FOUND)
		return 0;
	err_set(&cause, ERR_KIND_SYSTEM, "%s does not exist", path);
	return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL, "%s: %s", what,
	    cause.msg);
}

int
cred_value_fresh(const struct cred *cred, int64_t now, const char *from,
    struct err *err)
{
	char when[CLOCK_ISO_SIZE];

	if (cred_value_lasts(cred, now, 0))
		return 0;
	clock_iso(cred->expires, when);
	err_set(err, ERR_KIND_EXPIRED_CREDENTIALS,
	    "the credentials from %s expired at %s", from, when);
	err_fix(err, "Get new credentials; if these are new, check this "
	             "machine's clock.");
	return -1;
}
