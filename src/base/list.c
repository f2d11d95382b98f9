#include "base/list.h"

bool
list_holds(struct slice list, struct slice word)
{
	struct slice one;

	while (slice_cut(&list, ' ', &one))
		if (slice_same(one, word))
			return true;
	return false;
}

bool
list_has(const char *list, const char *word)
{
	return list_holds(slice_of(list), slice_of(word));
}
