/* SPDX-License-Identifier: MIT */
#ifndef UNIT_STRICT_INI_H
#define UNIT_STRICT_INI_H

#include "aws/ini.h"
#include "base/slice.h"

struct err;

/* As ini_parse(), but a wrong line in any section is an error of all. */
static inline int
strict_ini_parse(struct ini *out, struct slice text, struct err *err)
{
	struct ini ini = { 0 };
	int rc = ini_parse(&ini, text, err);

	for (size_t i = 0; rc == 0 && i < ini.count; i++)
		rc = ini_check(&ini.sections[i], err);
	if (rc == 0)
		*out = ini;
	else
		ini_free(&ini);
	return rc;
}

#endif
