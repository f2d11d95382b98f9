#include "aws/query.h"

#include <stddef.h>

#include "aws/canon.h"
#include "base/buf.h"
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
