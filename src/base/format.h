#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * What the program uses of printf(3), without the floating point, wide
 * characters and streams that the C library's comes with:
 *
 *	%[-][0][WIDTH|*][.PRECISION|.*][l|ll|z]CONVERSION
 *
 * with the conversions d u x X c s and %; a precision counts for s alone.
 * Anything else stands in the result as it is.
 *
 * At most size bytes are written to out, with a NUL if size is not 0.  Gives
 * the length of the whole text, which was cut if that is not below size.
 */
size_t format_text(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t format_args(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
