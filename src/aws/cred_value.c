#include "aws/cred_value.h"

#include <stddef.h>
#include <string.h>

#include "aws/cred.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/slice.h"

/* No byte below lowest, and no DEL. */
static int
check(const struct cred_value *value, unsigned char lowest, enum err_kind kind,
    struct err *err)
{
	const char *text = value->text;

	for (size_t i = 0; text != NULL && text[i] != '\0'; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < lowest || c == 0x7f) {
			return err_set(err, kind,
			    "%s holds a blank, line end or control character",
			    value->name);
		}
	}
	return 0;
}

static int
copy(char **out, const char *text)
{
	if (text == NULL)
		return 0;
	*out = strdup(text);
	return *out != NULL ? 0 : -1;
}

int
cred_value_take(struct cred *out, const struct cred_values *values,
    struct err *err)
{
	unsigned char secret = values->rule == CRED_VALUE_IN_SECRET ? ' ' : '!';
	struct cred cred = { 0 };

	if (check(&values->access_key, '!', values->kind, err) != 0 ||
	    check(&values->secret_key, secret, values->kind, err) != 0 ||
	    check(&values->token, '!', values->kind, err) != 0)
		return -1;
	if (copy(&cred.access_key, values->access_key.text) != 0 ||
	    copy(&cred.secret_key, values->secret_key.text) != 0 ||
	    copy(&cred.token, values->token.text) != 0) {
		cred_free(&cred);
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	}
	cred.method = out->method;
	cred_free(out);
	*out = cred;
	return 0;
}

static const char *
text_of(const struct json *doc, const char *key)
{
	const char *text = json_text(doc, key);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

int
cred_value_json(struct cred *out, const struct json *doc, const char *token_key,
    struct err *err)
{
	const struct cred_values values = {
		.access_key = { "AccessKeyId", text_of(doc, "AccessKeyId") },
		.secret_key = { "SecretAccessKey",
		    text_of(doc, "SecretAccessKey") },
		.token = { token_key, text_of(doc, token_key) },
		.rule = CRED_VALUE_IN_SECRET,
		.kind = ERR_KIND_CREDENTIAL_RETRIEVAL,
	};
	const char *expires = text_of(doc, "Expiration");
	int64_t when = 0;

	if (!json_is_object(doc))
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "the answer is not a JSON object");
	if (values.access_key.text == NULL || values.secret_key.text == NULL) {
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "the answer has no %s",
		    values.access_key.text == NULL ? "AccessKeyId"
		                                   : "SecretAccessKey");
	}
	if (expires != NULL && !clock_parse_iso(slice_of(expires), &when))
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "Expiration is not a time in ISO 8601");
	if (cred_value_take(out, &values, err) != 0)
		return -1;
	out->expires = when;
	return 0;
}

int
cred_value_fresh(const struct cred *cred, int64_t now, const char *from,
    struct err *err)
{
	char when[CLOCK_ISO_SIZE];

	if (cred_fresh(cred, now, 0))
		return 0;
	clock_iso(cred->expires, when);
	err_set(err, ERR_KIND_EXPIRED_CREDENTIALS,
	    "the credentials from %s expired at %s", from, when);
	err_fix(err, "Get new credentials; if these are new, check this "
	             "machine's clock.");
	return -1;
}
