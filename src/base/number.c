#include "base/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/format.h"
#include "base/slice.h"

enum {
	LIMBS = 4,
	BITS = 32 * LIMBS,
	/* Of a double, IEEE 754: bits of the mantissa with the leading one,
	 * exponents of the largest and the smallest normal number. */
	MANTISSA = 53,
	EXPONENT_MAX = 1023,
	EXPONENT_MIN = -1022,
	/* A power of ten that takes any mantissa of 38 digits out of range. */
	TEN_MAX = 400,
	DIGITS_MIN = 15,
	DIGITS_MAX = 17,
};

/* limb, the lowest first, times two to the power exp. */
struct wide {
	uint32_t limb[LIMBS];
	int exp;
};

static void
shift_up(struct wide *w)
{
	for (int i = LIMBS - 1; i > 0; i--)
		w->limb[i] = w->limb[i] << 1 | w->limb[i - 1] >> 31;
	w->limb[0] <<= 1;
	w->exp--;
}

/* Make the topmost bit a one; false for zero. */
static bool
normalize(struct wide *w)
{
	for (int i = 0; i < BITS; i++) {
		if (w->limb[LIMBS - 1] >> 31 != 0)
			return true;
		shift_up(w);
	}
	return false;
}

/* The lowest bits are lost when the product does not fit. */
static void
times_ten(struct wide *w, uint32_t add)
{
	uint64_t carry = add;

	for (int i = 0; i < LIMBS; i++) {
		carry += (uint64_t)w->limb[i] * 10;
		w->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry == 0)
		return;
	for (int i = LIMBS - 1; i >= 0; i--) {
		carry = carry << 32 | w->limb[i];
		w->limb[i] = (uint32_t)(carry >> 4);
		carry &= 15;
	}
	w->exp += 4;
}

static void
over_ten(struct wide *w)
{
	uint64_t rest = 0;

	(void)normalize(w);
	for (int i = LIMBS - 1; i >= 0; i--) {
		rest = rest << 32 | w->limb[i];
		w->limb[i] = (uint32_t)(rest / 10);
		rest %= 10;
	}
}

static void
scale(struct wide *w, int tens)
{
	for (; tens > 0; tens--)
		times_ten(w, 0);
	for (; tens < 0; tens++)
		over_ten(w);
}

static uint64_t
high(const struct wide *w)
{
	return (uint64_t)w->limb[3] << 32 | w->limb[2];
}

/* The bits of the nearest double; a tie goes to the even one. */
static uint64_t
round_off(struct wide *w)
{
	int exponent, keep = MANTISSA;
	uint64_t bits, rest;

	if (!normalize(w))
		return 0;
	exponent = w->exp + BITS - 1;
	if (exponent > EXPONENT_MAX)
		return (uint64_t)(2 * EXPONENT_MAX + 1) << (MANTISSA - 1);
	if (exponent < EXPONENT_MIN) {
		keep -= EXPONENT_MIN - exponent;
		exponent = EXPONENT_MIN - 1;
	}
	if (keep < 0)
		return 0;
	bits = keep == 0 ? 0 : high(w) >> (64 - keep);
	rest = high(w) << keep;
	if (rest >> 63 != 0 &&
	    (rest << 1 != 0 || (w->limb[1] | w->limb[0]) != 0 ||
	        (bits & 1) != 0))
		bits++;
	/* The leading one of the mantissa adds to the exponent. */
	if (exponent >= EXPONENT_MIN)
		bits += (uint64_t)(exponent - EXPONENT_MIN) << (MANTISSA - 1);
	return bits;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read digits from text[at] on; gives where they end.  tens counts those that
 * have no room. */
static size_t
take_digits(const char *text, size_t at, struct wide *w, int *tens)
{
	for (; is_digit(text[at]); at++) {
		if (w->limb[LIMBS - 1] >> 28 == 0)
			times_ten(w, (uint32_t)(text[at] - '0'));
		else
			(*tens)++;
	}
	return at;
}

/* Read an exponent, if there is one. */
static size_t
take_exponent(const char *text, size_t at, int *tens)
{
	size_t digits = at + 1;
	bool minus;
	int value = 0;

	if (text[at] != 'e' && text[at] != 'E')
		return at;
	minus = text[digits] == '-';
	if (minus || text[digits] == '+')
		digits++;
	if (!is_digit(text[digits]))
		return at;
	for (at = digits; is_digit(text[at]); at++) {
		if (value < 100 * TEN_MAX)
			value = value * 10 + (text[at] - '0');
	}
	*tens += minus ? -value : value;
	return at;
}

/* As strtod(3): end is for a text that could be changed, and is not. */
static void
stop(char **end, const char *at)
{
	memcpy(end, &at, sizeof at);
}

double
number_parse(const char *text, char **end)
{
	struct wide w = { 0 };
	bool minus = text[0] == '-';
	size_t start = minus, at;
	double number;
	uint64_t bits;
	int tens = 0, fraction = 0;

	at = take_digits(text, start, &w, &tens);
	if (at == start) {
		stop(end, text);
		return 0;
	}
	if (text[at] == '.' && is_digit(text[at + 1])) {
		size_t point = at + 1;

		at = take_digits(text, point, &w, &fraction);
		fraction -= (int)(at - point);
	}
	at = take_exponent(text, at, &tens);
	tens += fraction;
	if (tens > TEN_MAX || tens < -TEN_MAX)
		tens = tens > 0 ? TEN_MAX : -TEN_MAX;
	scale(&w, tens);
	bits = round_off(&w) | (uint64_t)minus << 63;
	memcpy(&number, &bits, sizeof number);
	stop(end, &text[at]);
	return number;
}

/* Digits with the point behind the first one, times ten to the power tens. */
struct decimal {
	uint64_t digits;
	int count; /* of digits */
	int tens;
};

/* The mantissa and the exponent of a positive number. */
static struct wide
take_apart(double number)
{
	struct wide w = { 0 };
	uint64_t bits;
	int exponent;

	memcpy(&bits, &number, sizeof bits);
	exponent = (int)(bits >> (MANTISSA - 1));
	bits &= (UINT64_C(1) << (MANTISSA - 1)) - 1;
	if (exponent > 0)
		bits |= UINT64_C(1) << (MANTISSA - 1);
	else
		exponent = 1;
	w.limb[0] = (uint32_t)bits;
	w.limb[1] = (uint32_t)(bits >> 32);
	w.exp = exponent - EXPONENT_MAX - (MANTISSA - 1);
	return w;
}

/* The nearest integer; one that has no room is UINT64_MAX. */
static uint64_t
nearest(struct wide *w)
{
	int exponent;

	if (!normalize(w))
		return 0;
	exponent = w->exp + BITS - 1;
	if (exponent < -1)
		return 0;
	if (exponent > 62)
		return UINT64_MAX;
	return ((high(w) >> (62 - exponent)) + 1) >> 1;
}

/* All the digits that a number can need. */
static struct decimal
all_digits(double number)
{
	struct wide w = take_apart(number);
	struct decimal d = { .count = DIGITS_MAX, .tens = DIGITS_MAX - 1 };
	const uint64_t limit = UINT64_C(100000000000000000);

	for (; nearest(&w) >= limit; d.tens++)
		over_ten(&w);
	for (; nearest(&w) < limit / 10; d.tens--)
		times_ten(&w, 0);
	d.digits = nearest(&w);
	return d;
}

/* Rounded to count digits, without zeros at the end. */
static void
shorten(struct decimal *d, int count)
{
	uint64_t unit = 1, limit = 1;

	for (int i = count; i < d->count; i++)
		unit *= 10;
	for (int i = 0; i < count; i++)
		limit *= 10;
	d->digits = (d->digits + unit / 2) / unit;
	d->count = count;
	if (d->digits >= limit) {
		d->digits /= 10;
		d->tens++;
	}
	for (; d->count > 1 && d->digits % 10 == 0; d->count--)
		d->digits /= 10;
}

static uint64_t
bits_of(const struct decimal *d)
{
	struct wide w = {
		.limb = { (uint32_t)d->digits, (uint32_t)(d->digits >> 32) },
	};

	scale(&w, d->tens - (d->count - 1));
	return round_off(&w);
}

static void
put_zeros(struct buf *out, int count)
{
	for (; count > 0; count--)
		buf_putc(out, '0');
}

/* As printf's %g does: with an exponent if there were many zeros. */
static void
put_decimal(struct buf *out, const struct decimal *d)
{
	bool plain = d->tens >= -4 && d->tens < DIGITS_MAX;
	int point = plain ? d->tens + 1 : 1; /* digits before it */
	char text[DIGITS_MAX + 1];
	struct slice rest =
	    slice_make(text, format_text(text, sizeof text, "%llu",
	                         (unsigned long long)d->digits));

	if (point <= 0) {
		buf_puts(out, "0.");
		put_zeros(out, -point);
		buf_add(out, rest.ptr, rest.len);
		return;
	}
	buf_add(out, rest.ptr, slice_head(rest, (size_t)point).len);
	put_zeros(out, point - d->count);
	rest = slice_skip(rest, (size_t)point);
	if (rest.len > 0)
		buf_putc(out, '.');
	buf_add(out, rest.ptr, rest.len);
	if (!plain)
		buf_printf(out, "e%c%02d", d->tens < 0 ? '-' : '+',
		    d->tens < 0 ? -d->tens : d->tens);
}

void
number_print(struct buf *out, double number)
{
	struct decimal all, shorter = { .count = 1 };
	uint64_t bits;

	memcpy(&bits, &number, sizeof bits);
	if (bits >> 63 != 0)
		buf_putc(out, '-');
	bits &= UINT64_MAX >> 1;
	if (bits != 0) {
		memcpy(&number, &bits, sizeof number);
		all = all_digits(number);
		for (int count = DIGITS_MIN; count <= DIGITS_MAX; count++) {
			shorter = all;
			shorten(&shorter, count);
			if (bits_of(&shorter) == bits)
				break;
		}
	}
	put_decimal(out, &shorter);
}
