#include "aws/advice.h"

#include <stddef.h>

#include "aws/advice_table.h"
#include "aws/conf.h"
#include "aws/endpoint.h"
#include "aws/partition.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

enum { NAME_SIZE = 256 };

static const char trust[] =
    "{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ssm.amazonaws.com\"},"
    "\"Action\":\"sts:AssumeRole\"}";

/* What the message and the request tell; "" = not known. */
struct names {
	char caller[NAME_SIZE];
	char principal[NAME_SIZE];
	char action[NAME_SIZE];
	char resource[NAME_SIZE];
	char role[NAME_SIZE];
	char account[NAME_SIZE];
};

/* The word after the mark in the text. */
static void
take_after(struct slice text, const char *mark, char *out)
{
	ptrdiff_t at = slice_find(text, mark);
	struct slice word, rest;

	if (at < 0)
		return;
	text = slice_skip(text, (size_t)at + slice_of(mark).len);
	if (!slice_split(text, ' ', &word, &rest))
		word = text;
	while (word.len > 0 && (slice_ends(word, ".") || slice_ends(word, ",")))
		word = slice_head(word, word.len - 1);
	(void)slice_copy(word, out, NAME_SIZE);
}

/* The n-th field of an ARN, from 0. */
static struct slice
arn_field(const char *arn, int n)
{
	struct slice rest = slice_of(arn), field = slice_make(NULL, 0);
	int i;

	for (i = 0; i <= n; i++)
		if (!slice_cut(&rest, ':', &field))
			return slice_make(NULL, 0);
	return field;
}

/*
 * Policies hang on a role, not on its session: of assumed-role/NAME/SESSION
 * the name is what the reader looks for.
 */
static void
name_principal(struct names *names)
{
	struct slice what = arn_field(names->caller, 5);
	struct slice kind, rest, name, session;
	struct buf text = { 0 };

	if (slice_split(what, '/', &kind, &rest) &&
	    slice_eq(kind, "assumed-role") &&
	    slice_split(rest, '/', &name, &session))
		buf_printf(&text, "the role %.*s", (int)name.len, name.ptr);
	else
		buf_puts(&text, names->caller);
	(void)slice_copy(slice_of(buf_str(&text)), names->principal,
	    sizeof names->principal);
	buf_free(&text);
}

static void
name_role(struct names *names, const struct advice_context *ctx)
{
	struct slice body = slice_of(ctx->body);
	struct json *doc = NULL;
	const char *role = ctx->role;

	if (role == NULL && slice_starts(body, "{") &&
	    json_parse(&doc, body.ptr, body.len, NULL) == 0)
		role = json_text(doc, "IamRole");
	if (role != NULL)
		err_clean(names->role, sizeof names->role, role,
		    slice_of(role).len);
	json_free(doc);
}

static void
collect(struct names *names, const struct err *err,
    const struct advice_context *ctx)
{
	struct slice text = slice_of(err->peer_text);

	take_after(text, "User: ", names->caller);
	take_after(text, "perform: ", names->action);
	take_after(text, "on resource: ", names->resource);
	if (ctx->caller != NULL)
		(void)slice_copy(slice_of(ctx->caller), names->caller,
		    sizeof names->caller);
	name_principal(names);
	name_role(names, ctx);
	(void)slice_copy(arn_field(names->caller, 4), names->account,
	    sizeof names->account);
}

static const char *
or_else(const char *text, const char *fallback)
{
	return text != NULL && *text != '\0' ? text : fallback;
}

static void
add_action(struct buf *out, const struct names *names,
    const struct advice_context *ctx)
{
	if (names->action[0] != '\0')
		buf_puts(out, names->action);
	else
		buf_printf(out, "%s:%s", ctx->service, ctx->operation);
}

/* The statement that allows what was refused. */
static void
add_policy(struct buf *out, const struct names *names,
    const struct advice_context *ctx)
{
	struct buf action = { 0 };

	add_action(&action, names, ctx);
	buf_puts(out, "{\"Effect\":\"Allow\",\"Action\":");
	json_quote(out, buf_str(&action));
	buf_puts(out, ",\"Resource\":");
	json_quote(out, or_else(names->resource, "*"));
	buf_putc(out, '}');
	buf_free(&action);
}

/* An ARN stays as it is; ROLE or PATH/ROLE becomes one. */
static void
add_role_arn(struct buf *out, const struct names *names, const char *partition)
{
	const char *given = names->resource;

	if (!slice_starts(slice_of(given), "arn:") ||
	    slice_find(slice_of(given), ":role/") < 0)
		given = names->role;
	if (slice_starts(slice_of(given), "arn:")) {
		buf_puts(out, given);
		return;
	}
	buf_printf(out, "arn:%s:iam::%s:role/%s", partition,
	    or_else(names->account, "ACCOUNT"), or_else(names->role, "ROLE"));
}

static void
add_passrole(struct buf *out, const struct names *names,
    const struct advice_context *ctx)
{
	struct buf arn = { 0 };

	add_role_arn(&arn, names, endpoint_partition(or_else(ctx->region, "")));
	buf_puts(out, "{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\","
	              "\"Resource\":");
	json_quote(out, buf_str(&arn));
	buf_puts(out, ",\"Condition\":{\"StringEquals\":"
	              "{\"iam:PassedToService\":\"ssm.amazonaws.com\"}}}");
	buf_free(&arn);
}

static void
add_expires(struct buf *out, int64_t expires)
{
	char when[CLOCK_ISO_SIZE];

	if (expires != 0)
		clock_iso(expires, when);
	buf_puts(out, expires != 0 ? when : "a time that it does not tell");
}

static void
add_word(struct buf *out, struct slice word, const struct names *names,
    const struct advice_context *ctx)
{
	const struct {
		const char *word;
		const char *value;
	} plain[] = {
		{ "caller", or_else(names->caller, "the caller") },
		{ "principal", or_else(names->principal, "the caller") },
		{ "role", or_else(names->role, "the role") },
		{ "region", or_else(ctx->region, "the region") },
		{ "partition", endpoint_partition(or_else(ctx->region, "")) },
		{ "account", or_else(names->account, "the account") },
		{ "host", or_else(ctx->host, "the host") },
		{ "method", or_else(ctx->method, "the configuration") },
		{ "operation", ctx->operation },
		{ "service", ctx->service },
		{ "trust", trust },
	};
	size_t i;

	if (slice_eq(word, "action"))
		add_action(out, names, ctx);
	else if (slice_eq(word, "policy"))
		add_policy(out, names, ctx);
	else if (slice_eq(word, "passrole"))
		add_passrole(out, names, ctx);
	else if (slice_eq(word, "expires"))
		add_expires(out, ctx->expires);
	for (i = 0; i < sizeof plain / sizeof *plain; i++)
		if (slice_eq(word, plain[i].word))
			buf_puts(out, plain[i].value);
}

static void
expand(struct buf *out, const char *template, const struct names *names,
    const struct advice_context *ctx)
{
	struct slice rest = slice_of(template), head, word;

	while (slice_split(rest, '{', &head, &rest)) {
		buf_add(out, head.ptr, head.len);
		if (!slice_split(rest, '}', &word, &rest))
			break;
		add_word(out, word, names, ctx);
	}
	buf_add(out, rest.ptr, rest.len);
}

static bool
has_bundle(const struct conf *conf)
{
	return conf != NULL &&
	       (conf_get(conf, "AWS_CA_BUNDLE", "ca_bundle") != NULL ||
	           env_get(conf_env(conf), "SSL_CERT_FILE") != NULL);
}

static bool
holds(enum advice_when when, const struct err *err,
    const struct advice_context *ctx)
{
	char plain[ENDPOINT_REGION_MAX + 1];

	switch (when) {
	case ADVICE_CONFIGURED:
		return ctx->configured;
	case ADVICE_FINAL:
		return err->retry == ERR_FINAL;
	case ADVICE_FINAL_CONFIGURED:
		return err->retry == ERR_FINAL && ctx->configured;
	case ADVICE_FINAL_VARIANT:
		return err->retry == ERR_FINAL && ctx->variant;
	case ADVICE_NO_ROOTS:
		(void)endpoint_plain_region(or_else(ctx->region, ""), plain);
		return partition_find(plain)->own_roots &&
		       !has_bundle(ctx->conf);
	case ADVICE_NO_TOKEN:
		return !ctx->has_token &&
		       slice_starts(slice_of(ctx->access_key), "ASIA");
	case ADVICE_ALWAYS:
		break;
	}
	return true;
}

static bool
is_listed(const char *codes, const char *code)
{
	struct slice rest = slice_of(codes), one;

	while (slice_cut(&rest, ' ', &one))
		if (slice_same(one, slice_of(code)))
			return true;
	return false;
}

static bool
fits(const struct advice_row *row, const struct err *err,
    const struct advice_context *ctx)
{
	const char *text =
	    err->kind == ERR_KIND_API ? err->peer_text : err->msg;

	return row->kind == err->kind &&
	       (row->codes == NULL || is_listed(row->codes, err->peer_code)) &&
	       (row->operation == NULL ||
	           slice_eq(slice_of(row->operation), ctx->operation)) &&
	       (row->text == NULL ||
	           slice_find(slice_of(text), row->text) >= 0) &&
	       holds(row->when, err, ctx);
}

void
advice_fill(struct err *err, const struct advice_context *ctx)
{
	struct names names = { .caller = "" };
	struct buf text = { 0 };
	size_t i = 0;

	if (err == NULL || err->kind == ERR_KIND_NONE)
		return;
	while (i < advice_table_rows && !fits(&advice_table[i], err, ctx))
		i++;
	if (i == advice_table_rows)
		return;
	/* What the transport advises is nearer, but it knows no partitions. */
	if (advice_table[i].when == ADVICE_NO_ROOTS)
		err->fix[0] = '\0';
	collect(&names, err, ctx);
	expand(&text, advice_table[i].means, &names, ctx);
	buf_puts(&text, "; ");
	expand(&text, advice_table[i].remedy, &names, ctx);
	if (buf_ok(&text))
		err_fix(err, "%s", buf_str(&text));
	buf_free(&text);
}
