/* SPDX-License-Identifier: MIT */
/* /proc/self/mountinfo: the upper folder is a part of the text, or none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "work/container.h"

enum { SMALL = 16, LARGE = 4096 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = slice_dup(slice_make((const char *)data, size));
	char small[SMALL], large[LARGE];

	if (text == NULL)
		return 0;
	container_upperdir(large, sizeof large, text);
	container_upperdir(small, sizeof small, text);
	if (strlen(large) >= sizeof large || strlen(small) >= sizeof small ||
	    strstr(text, large) == NULL || strpbrk(large, ", \n") != NULL)
		abort();
	/* A place that is too small gives nothing, not a part. */
	if (strcmp(small, large) != 0 && small[0] != '\0')
		abort();
	free(text);
	return 0;
}
