/* SPDX-License-Identifier: MIT */
#include "base/entry.h"

bool
entry_next(struct slice *text, struct entry *out)
{
	struct slice line;

	*out = (struct entry){ 0 };
	if (!slice_cut(text, '\n', &line))
		return false;
	if (line.len > 0 && slice_has(slice_of("+-#"), line.ptr[0]))
		return true;
	for (int i = 0; i < ENTRY_FIELDS; i++)
		slice_cut(&line, ':', &out->field[i]);
	return true;
}

bool
entry_find(struct slice text, int field, struct slice value, struct entry *out)
{
	while (entry_next(&text, out)) {
		if (out->field[ENTRY_NAME].len > 0 &&
		    slice_same(out->field[field], value))
			return true;
	}
	return false;
}

bool
entry_has_member(const struct entry *group, struct slice user)
{
	struct slice members = group->field[ENTRY_MEMBERS], one;

	while (slice_cut(&members, ',', &one))
		if (slice_same(one, user))
			return true;
	return false;
}

bool
entry_id(struct slice text, uint32_t *id)
{
	uint64_t value;

	if (!slice_u64(text, UINT32_MAX - 1, &value))
		return false;
	*id = (uint32_t)value;
	return true;
}
