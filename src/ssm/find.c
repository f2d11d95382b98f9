#include "ssm/find.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "ssm/ssm.h"

enum { PAGE = 50, PAGES_MAX = 200 };

/* One of the two listings, which differ in names only. */
struct listing {
	const char *operation;
	const char *filter; /* the template of the member */
	const char *list, *id;
	bool (*is_id)(const char *text);
	const char *key, *value; /* of the filter; no value: no filter */
	const char *text;        /* in the description; "" = any */
	const struct find_sink *sink;
};

static int
take_page(const struct listing *what, const struct json *doc, struct err *err)
{
	const struct json *item = json_first(json_get(doc, what->list));

	for (; item != NULL; item = json_next(item)) {
		const char *id = json_text(item, what->id);
		const char *description = json_text(item, "Description");

		if (id != NULL && what->is_id(id) &&
		    slice_find(slice_of(description), what->text) >= 0 &&
		    what->sink->found(what->sink->context, id, item, err) != 0)
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
	buf_puts(next, token != NULL ? token : "");
	return buf_ok(next) ? 0
	                    : err_set(err, ERR_KIND_PARSE,
	                          "the listing's NextToken is too long");
}

static int
get_page(const struct listing *what, const struct ssm *ssm, struct buf *next,
    struct err *err)
{
	struct ssm_exchange page = { .operation = what->operation };
	int rc = -1;

	json_write(&page.body, "{\"MaxResults\":#", (long long)PAGE);
	if (what->value != NULL)
		json_write(&page.body, what->filter, what->key, what->value);
	if (next->len > 0)
		json_write(&page.body, ",\"NextToken\":%", buf_str(next));
	buf_putc(&page.body, '}');
	if (ssm_exchange(ssm, &page, err) == 0 &&
	    take_page(what, page.doc, err) == 0)
		rc = next_page(page.doc, next, err);
	json_free(page.doc);
	return rc;
}

static int
find(const struct listing *what, const struct ssm *ssm, struct err *err)
{
	struct buf next = { 0 };
	int rc = 0;

	for (int page = 0; page < PAGES_MAX && rc == 0; page++) {
		rc = get_page(what, ssm, &next, err);
		if (next.len == 0)
			break;
	}
	if (rc == 0 && next.len > 0)
		rc = err_set(err, ERR_KIND_PARSE, "%s: the listing has no end",
		    what->operation);
	buf_free(&next);
	return rc;
}

int
find_activations(const struct ssm *ssm, const char *role, const char *text,
    const struct find_sink *sink, struct err *err)
{
	const struct listing what = {
		.operation = "DescribeActivations",
		.filter = ",\"Filters\":[{\"FilterKey\":%,"
		          "\"FilterValues\":[%]}]",
		.list = "ActivationList",
		.id = "ActivationId",
		.is_id = id_is_uuid,
		.key = "IamRole",
		.value = role,
		.text = text,
		.sink = sink,
	};

	return find(&what, ssm, err);
}

int
find_nodes(const struct ssm *ssm, const char *key, const char *value,
    const struct find_sink *sink, struct err *err)
{
	const struct listing what = {
		.operation = "DescribeInstanceInformation",
		.filter = ",\"Filters\":[{\"Key\":%,\"Values\":[%]}]",
		.list = "InstanceInformationList",
		.id = "InstanceId",
		.is_id = id_is_node,
		.key = key,
		.value = value,
		.text = "",
		.sink = sink,
	};

	return find(&what, ssm, err);
}
