#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

struct buf;

/*
 * Decimal text of a number that is "double": [-]DIGITS[.DIGITS][e[+-]DIGITS].
 *
 * Both directions compute with 128 bits, so that the result is the nearest
 * one in all but contrived cases, and within a unit of the last place in
 * those.  Nothing depends on a locale.
 */

/* With the contract of strtod(3), for cJSON: *end is set behind the number,
 * or to text if there is none.  Too large gives infinity. */
double number_parse(const char *text, char **end);

/* The shortest form, of 15 to 17 digits, that reads back as the same number;
 * number must be finite. */
void number_print(struct buf *out, double number);

#endif
