/* SPDX-License-Identifier: MIT */
#include "ssm/id.h"

#include <string.h>

#include "base/slice.h"

bool
id_is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof form - 1)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (form[i] == '-'
		        ? text[i] != '-'
		        : strchr("0123456789abcdef", text[i]) == NULL)
			return false;
	}
	return true;
}

bool
id_is_node(const char *text)
{
	struct slice s = slice_of(text);

	return slice_starts(s, "mi-") && s.len >= 10 && s.len < SSM_NODE_SIZE &&
	       slice_all_in(slice_skip(s, 3), "0123456789abcdef");
}
