/*
 * Numbers, compared with strtod(3) of the machine's C library.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

enum { INPUT_MAX = 1024 };

static uint64_t
bits_of(double number)
{
	uint64_t bits;

	memcpy(&bits, &number, sizeof bits);
	return bits;
}

/* The nearest number, or its neighbour. */
static void
compare(const char *text, double number)
{
	char *end = NULL;
	uint64_t ours = bits_of(number), theirs = bits_of(strtod(text, &end));

	require(end != NULL && *end == '\0');
	require(ours - theirs <= 1 || theirs - ours <= 1);
}

static void
print(double number)
{
	struct buf text = { 0 };
	char *end = NULL;

	number_print(&text, number);
	require(buf_ok(&text));
	require(bits_of(number_parse(buf_str(&text), &end)) == bits_of(number));
	require(*end == '\0');
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *end = NULL;
	double number;

	if (size > INPUT_MAX)
		return 0;
	text = slice_dup(slice_make((const char *)data, size));
	require(text != NULL);
	number = number_parse(text, &end);
	require(end >= text && end <= text + size);
	if (end != text) {
		*end = '\0';
		compare(text, number);
		if (isfinite(number))
			print(number);
	}
	free(text);
	return 0;
}
