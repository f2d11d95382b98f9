#include "aws/canon.h"

#include "base/buf.h"
#include "base/err.h"

char
canon_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	return c;
}

static int
compare(struct slice a, struct slice b, bool fold)
{
	size_t i;

	for (i = 0; i < a.len && i < b.len; i++) {
		char x = a.ptr[i], y = b.ptr[i];

		if (fold) {
			x = canon_lower(x);
			y = canon_lower(y);
		}
		if (x != y)
			return (unsigned char)x - (unsigned char)y;
	}
	return (a.len > b.len) - (a.len < b.len);
}

bool
canon_same(struct slice a, struct slice b)
{
	return compare(a, b, true) == 0;
}

int
canon_insert(struct canon_list *list, struct slice name, struct slice value,
    struct err *err)
{
	size_t i;

	if (list->count == CANON_PAIRS_MAX) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "more than %d headers or parameters to sign",
		    CANON_PAIRS_MAX);
	}
	for (i = list->count++; i > 0; i--) {
		const struct canon_pair *before = &list->pairs[i - 1];
		int rc = compare(before->name, name, !list->parameters);

		if (rc == 0 && list->parameters)
			rc = compare(before->value, value, false);
		if (rc <= 0)
			break;
		list->pairs[i] = *before;
	}
	list->pairs[i] = (struct canon_pair){ name, value };
	return 0;
}

void
canon_encode(struct buf *out, struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		char low = canon_lower(c);

		if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
		    slice_has(slice_of("-._~"), c))
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
	struct canon_list list = { .parameters = true };
	bool last = rest.len == 0;
	size_t i;

	while (!last) {
		last = !slice_split(rest, '&', &pair, &rest);
		name = last ? rest : pair;
		value = slice_make(NULL, 0);
		(void)slice_split(name, '=', &name, &value);
		if (canon_insert(&list, name, value, err) != 0)
			return -1;
	}
	for (i = 0; i < list.count; i++) {
		if (i > 0)
			buf_putc(out, '&');
		buf_add(out, list.pairs[i].name.ptr, list.pairs[i].name.len);
		buf_putc(out, '=');
		buf_add(out, list.pairs[i].value.ptr, list.pairs[i].value.len);
	}
	return 0;
}
