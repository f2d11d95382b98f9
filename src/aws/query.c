#include "aws/query.h"

#include <stdbool.h>
#include <stddef.h>

#include "aws/api.h"
#include "aws/canon.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

void
query_add(struct buf *form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (form->len > 0)
		buf_putc(form, '&');
	canon_encode(form, slice_of(name));
	buf_putc(form, '=');
	canon_encode(form, slice_of(value));
}

const struct json *
query_result(const struct json *doc)
{
	const struct json *member = json_first(json_first(doc));

	while (member != NULL &&
	       !slice_ends(slice_of(json_name(member)), "Result"))
		member = json_next(member);
	return member;
}

int
query_form(struct buf *form, const struct json *params, struct err *err)
{
	const struct json *member = json_first(params);

	for (; member != NULL; member = json_next(member)) {
		const char *name = json_name(member);
		const char *text = json_string(member);
		struct buf value = { 0 };

		if (json_is_object(member) || json_is_array(member) ||
		    json_is_null(member)) {
			return err_set(err, ERR_KIND_PARAM_VALIDATION,
			    "parameter %s: this service takes strings, "
			    "numbers and booleans only",
			    name);
		}
		if (text != NULL)
			buf_puts(&value, text);
		else
			json_print(&value, member);
		form->failed |= value.failed;
		query_add(form, name, buf_str(&value));
		buf_free(&value);
	}
	return buf_ok(form)
	           ? 0
	           : err_set(err, ERR_KIND_SYSTEM, "no memory for a request");
}

int
query_answer(const struct api_reply *reply, struct json **out, struct err *err)
{
	struct slice body = slice_make(reply->body.data, reply->body.len);
	struct json *doc = NULL, *root, *result;

	if (xml_parse(&doc, body, err) != 0)
		return -1;
	root = json_object_in(doc, json_name(json_first(doc)));
	result = json_detach(root, json_name(query_result(doc)));
	json_free(doc);
	if (!json_is_object(result)) {
		json_free(result);
		result = json_new('{', NULL);
	}
	*out = result;
	return result != NULL ? 0 : err_memory(err);
}
