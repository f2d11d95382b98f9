/* SPDX-License-Identifier: MIT */
#include "aws/advice.h"

#include <stddef.h>

#include "aws/advice_table.h"
#include "aws/conf.h"
#include "aws/endpoint.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

enum { ARN_ACCOUNT = 4 };

/* What the message and the request tell; an empty one is not known. */
enum fact { CALLER, ACTION, RESOURCE, ROLE, FACTS };

struct facts {
	const struct advice_context *ctx;
	const char *region;
	struct buf list[FACTS];
};

static const char *
or_else(const char *text, const char *fallback)
{
	return text != NULL && *text != '\0' ? text : fallback;
}

static const char *
fact(const struct facts *facts, enum fact which, const char *fallback)
{
	return or_else(buf_str(&facts->list[which]), fallback);
}

/* The word after the mark in the text. */
static void
add_after(struct buf *out, struct slice text, const char *mark)
{
	ptrdiff_t at = slice_find(text, mark);
	struct slice word;

	if (at < 0)
		return;
	text = slice_skip(text, (size_t)at + slice_of(mark).len);
	slice_cut(&text, ' ', &word);
	while (slice_ends(word, ".") || slice_ends(word, ","))
		word.len--;
	buf_add(out, word.ptr, word.len);
}

static void
collect_facts(struct facts *facts, const struct err *err)
{
	static const char marks[][14] = {
		"User: ", "perform: ", "on resource: "
	};
	const struct advice_context *ctx = facts->ctx;
	struct slice text = slice_of(err->peer_text);
	struct slice body = slice_of(ctx->body);
	const char *role = ctx->role;
	struct json *doc = NULL;

	for (size_t i = 0; i < ROLE; i++)
		add_after(&facts->list[i], text, marks[i]);
	if (facts->list[ACTION].len == 0)
		buf_printf(&facts->list[ACTION], "%s:%s", ctx->service,
		    ctx->operation);
	if (role == NULL && json_parse(&doc, body.ptr, body.len, NULL) == 0)
		role = json_text(doc, "IamRole");
	buf_puts(&facts->list[ROLE], or_else(role, ""));
	json_free(doc);
}

/*
 * Policies hang on a role, not on its session: of assumed-role/NAME/SESSION
 * the name is what the reader looks for.
 */
static void
add_caller(struct buf *out, const char *caller)
{
	static const char mark[] = ":assumed-role/";
	struct slice rest = slice_of(caller), name;
	ptrdiff_t at = slice_find(rest, mark);

	if (at < 0) {
		buf_puts(out, caller);
		return;
	}
	rest = slice_skip(rest, (size_t)at + sizeof mark - 1);
	slice_cut(&rest, '/', &name);
	buf_puts(out, "the role ");
	buf_add(out, name.ptr, name.len);
}

static void
add_allow(struct buf *out, const char *action, const char *resource,
    const char *condition)
{
	static const char where[] = "add to the caller's policy ";

	/* Said once, for the first of several. */
	if (slice_find(slice_of(buf_str(out)), where) < 0)
		buf_puts(out, where);
	json_write(out, "{\"Effect\":\"Allow\",\"Action\":%,\"Resource\":%@}",
	    action, resource, condition);
}

/* An ARN stays as it is; ROLE or PATH/ROLE becomes one. */
static void
add_pass_role(struct buf *out, const struct facts *facts)
{
	const char *given = fact(facts, RESOURCE, "");
	struct slice rest = slice_of(fact(facts, CALLER, "")), account;
	struct buf arn = { 0 };

	if (slice_find(slice_of(given), ":role/") < 0)
		given = fact(facts, ROLE, "ROLE");
	if (!slice_starts(slice_of(given), "arn:")) {
		for (int i = 0; i <= ARN_ACCOUNT; i++)
			slice_cut(&rest, ':', &account);
		if (account.len == 0)
			account = slice_of("ACCOUNT");
		buf_printf(&arn, "arn:%s:iam::%.*s:role/%s",
		    endpoint_partition(facts->region), (int)account.len,
		    account.ptr, given);
		given = buf_str(&arn);
	}
	add_allow(out, "iam:PassRole", given,
	    ",\"Condition\":{\"StringEquals\":"
	    "{\"iam:PassedToService\":\"ssm.amazonaws.com\"}}");
	buf_free(&arn);
}

/* The letters of an advice that stand for a text as it is. */
static const char *
text_of(char letter, const struct facts *facts)
{
	const struct advice_context *ctx = facts->ctx;

	switch (letter) {
	case 'a':
		return fact(facts, ACTION, "");
	case 'r':
		return fact(facts, ROLE, "the role");
	case 'g':
		return or_else(facts->region, "the region");
	case 'n':
		return endpoint_partition(facts->region);
	case 'h':
		return or_else(ctx->host, "the host");
	case 'k':
		return or_else(ctx->method, "the configuration");
	case 'o':
		return ctx->operation;
	case 's':
		return ctx->service;
	default: /* 'T' */
		return "{\"Effect\":\"Allow\",\"Principal\":"
		       "{\"Service\":\"ssm.amazonaws.com\"},"
		       "\"Action\":\"sts:AssumeRole\"}";
	}
}

static void
add_word(struct buf *out, char letter, const struct facts *facts)
{
	char when[CLOCK_ISO_SIZE] = "unknown";

	switch (letter) {
	case 'w':
		add_caller(out, fact(facts, CALLER, "the caller"));
		break;
	case 'A':
		add_allow(out, fact(facts, ACTION, ""),
		    fact(facts, RESOURCE, "*"), "");
		break;
	case 'P':
		add_pass_role(out, facts);
		break;
	case 'e':
		if (facts->ctx->expires != 0)
			clock_iso(facts->ctx->expires, when);
		buf_puts(out, when);
		break;
	default:
		buf_puts(out, text_of(letter, facts));
	}
}

static void
fill_in(struct buf *out, struct slice rest, const struct facts *facts)
{
	struct slice head;

	while (slice_split(rest, '%', &head, &rest) && rest.len > 0) {
		buf_add(out, head.ptr, head.len);
		add_word(out, rest.ptr[0], facts);
		rest = slice_skip(rest, 1);
	}
	buf_add(out, rest.ptr, rest.len);
}

static bool
needs_roots(const struct advice_context *ctx)
{
	return endpoint_own_roots(or_else(ctx->region, "")) &&
	       (ctx->conf == NULL ||
	           (conf_get(ctx->conf, "AWS_CA_BUNDLE", "ca_bundle") == NULL &&
	               env_get(conf_env(ctx->conf), "SSL_CERT_FILE") == NULL));
}

/* The letters of "when" that hold, with blanks for the others. */
static void
judge_letters(char out[static 6], const struct err *err,
    const struct advice_context *ctx)
{
	bool bare =
	    !ctx->has_token && slice_starts(slice_of(ctx->access_key), "ASIA");

	out[0] = ctx->configured ? 'c' : ' ';
	out[1] = err->retry == ERR_FINAL ? 'f' : ' ';
	out[2] = needs_roots(ctx) ? 'r' : ' ';
	out[3] = bare ? 't' : ' ';
	out[4] = ctx->variant ? 'v' : ' ';
	out[5] = '\0';
}

static bool
row_fits(const struct advice_row *row, const struct err *err,
    const struct advice_context *ctx)
{
	bool api = err->kind == ERR_KIND_API;
	struct slice message = slice_of(api ? err->peer_text : err->msg);
	char now[6];

	judge_letters(now, err, ctx);
	return (row->operation == NULL ||
	           slice_eq(slice_of(row->operation), ctx->operation)) &&
	       (row->text == NULL || slice_find(message, row->text) >= 0) &&
	       (row->when == NULL || slice_all_in(slice_of(row->when), now));
}

/* The first of the rows that fits, or NULL. */
static const struct advice_row *
find_row(const struct err *err, const struct advice_context *ctx)
{
	bool api = err->kind == ERR_KIND_API;
	const char *code = api ? err->peer_code : err_kind_name(err->kind);
	const char *codes = "";

	for (size_t i = 0; i < advice_table_count; i++) {
		const struct advice_row *row = &advice_table_rows[i];

		if (row->codes != NULL)
			codes = row->codes;
		if (slice_names(codes, code) && row_fits(row, err, ctx))
			return row;
	}
	return NULL;
}

/* Put the advice into the error. */
static void
give(struct err *err, const char *advice, const struct advice_context *ctx)
{
	struct facts facts = { .ctx = ctx };
	struct buf text = { 0 };

	facts.region = or_else(ctx->region, "");
	collect_facts(&facts, err);
	fill_in(&text, slice_of(advice), &facts);
	if (buf_ok(&text))
		err_fix(err, "%s", buf_str(&text));
	buf_free(&text);
	for (size_t i = 0; i < FACTS; i++)
		buf_free(&facts.list[i]);
}

void
advice_fill(struct err *err, const struct advice_context *ctx)
{
	const struct advice_row *row;

	if (err == NULL)
		return;
	row = find_row(err, ctx);
	if (row == NULL)
		return;
	/* What the transport advises is nearer, but it knows no partitions. */
	if (row->when != NULL && slice_has(slice_of(row->when), 'r'))
		err->fix[0] = '\0';
	give(err, row->advice, ctx);
}
