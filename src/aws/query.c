#include "aws/query.h"

#include <stddef.h>

#include "aws/canon.h"
#include "base/buf.h"
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
