#include "aws/canon.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { PARAMETERS_MAX = 64 };

struct parameter {
	struct slice name;
	struct slice value;
};

static int
compare_bytes(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int rc = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;

	if (rc != 0)
		return rc;
	return (a.len > b.len) - (a.len < b.len);
}

static int
compare_parameters(const void *a, const void *b)
{
	const struct parameter *x = a, *y = b;
	int rc = compare_bytes(x->name, y->name);

	return rc != 0 ? rc : compare_bytes(x->value, y->value);
}

void
canon_encode(struct buf *out, struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		    c == '_' || c == '~')
			buf_putc(out, c);
		else
			buf_printf(out, "%%%02X",
			    (unsigned int)(unsigned char)c);
	}
}

void
canon_path(struct buf *out, const char *path)
{
	struct buf clean = { 0 };
	struct slice rest = slice_of(path), segment, head, tail;

	while (slice_cut(&rest, '/', &segment)) {
		if (segment.len == 0 || slice_eq(segment, "."))
			continue;
		if (!slice_eq(segment, "..")) {
			buf_putc(&clean, '/');
			canon_encode(&clean, segment);
		} else if (slice_rsplit(slice_make(clean.data, clean.len), '/',
		               &head, &tail)) {
			buf_cut(&clean, head.len);
		}
	}
	if (clean.len == 0 || slice_ends(slice_of(path), "/"))
		buf_putc(&clean, '/');
	out->failed |= clean.failed;
	buf_add(out, clean.data, clean.len);
	buf_free(&clean);
}

int
canon_query(struct buf *out, const char *query, struct err *err)
{
	struct slice rest = slice_of(query), pair, name, value;
	struct parameter list[PARAMETERS_MAX] = { 0 };
	bool more = rest.len > 0, last;
	size_t count = 0, i;

	for (; more; more = !last) {
		last = !slice_split(rest, '&', &pair, &rest);
		if (last)
			pair = rest;
		if (!slice_split(pair, '=', &name, &value)) {
			name = pair;
			value = slice_make(NULL, 0);
		}
		if (count == PARAMETERS_MAX) {
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "more than %d parameters in a query",
			    PARAMETERS_MAX);
		}
		list[count++] = (struct parameter){ name, value };
	}
	qsort(list, count, sizeof *list, compare_parameters);
	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(out, '&');
		buf_add(out, list[i].name.ptr, list[i].name.len);
		buf_putc(out, '=');
		buf_add(out, list[i].value.ptr, list[i].value.len);
	}
	return 0;
}
