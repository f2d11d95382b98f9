#include "ssm/find.h"

#include <string.h>

#include "aws/api.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "ssm/ssm.h"

enum { PAGE = 50, PAGES_MAX = 200 };

static void
encode_find(struct buf *out, const char *role, const char *next)
{
	json_write(out,
	    "{\"Filters\":[{\"FilterKey\":\"IamRole\",\"FilterValues\":[%]}],"
	    "\"MaxResults\":#",
	    role, (long long)PAGE);
	if (next[0] != '\0')
		json_write(out, ",\"NextToken\":%", next);
	buf_putc(out, '}');
}

static int
find_on_page(const struct json *doc, const char *text,
    const struct find_sink *finder, struct err *err)
{
	const struct json *item = json_first(json_get(doc, "ActivationList"));

	for (; item != NULL; item = json_next(item)) {
		const char *id = json_text(item, "ActivationId");
		const char *description = json_text(item, "Description");

		if (id == NULL || description == NULL || !ssm_is_uuid(id) ||
		    slice_find(slice_of(description), text) < 0)
			continue;
		if (finder->found(finder->context, id, err) != 0)
			return -1;
	}
	return 0;
}

/* The next page's token replaces the one in next, "" at the end. */
static int
next_page(const struct json *doc, struct buf *next, struct err *err)
{
	const char *token = json_text(doc, "NextToken");

	if (token != NULL && *token != '\0' &&
	    strcmp(token, buf_str(next)) == 0)
		return err_set(err, ERR_KIND_PARSE,
		    "the listing repeats its NextToken");
	buf_cut(next, 0);
	if (token != NULL)
		buf_puts(next, token);
	return buf_ok(next)
	           ? 0
	           : err_set(err, ERR_KIND_SYSTEM, "no memory for a listing");
}

static int
find_page(const struct ssm *ssm, const struct buf *body, const char *text,
    const struct find_sink *finder, struct buf *next, struct err *err)
{
	struct api_reply reply = { 0 };
	struct json *doc = NULL;
	int rc = -1;

	if (ssm_call(ssm, "DescribeActivations", body, &reply, err) == 0 &&
	    api_reply_json(&reply, &doc, err) == 0 &&
	    find_on_page(doc, text, finder, err) == 0)
		rc = next_page(doc, next, err);
	json_free(doc);
	api_reply_free(&reply);
	return rc;
}

int
find_activations(const struct ssm *ssm, const char *role, const char *text,
    const struct find_sink *finder, struct err *err)
{
	struct buf next = { 0 };
	int rc = -1;

	for (int page = 0; page < PAGES_MAX; page++) {
		struct buf body = { 0 };

		encode_find(&body, role, buf_str(&next));
		rc = find_page(ssm, &body, text, finder, &next, err);
		buf_free(&body);
		if (rc != 0 || next.len == 0)
			break;
	}
	buf_free(&next);
	return rc;
}
