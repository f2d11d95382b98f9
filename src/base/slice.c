/* SPDX-License-Identifier: MIT */
#include "base/slice.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct slice
slice_of(const char *text)
{
	return slice_make(text, text != NULL ? strlen(text) : 0);
}

struct slice
slice_make(const char *ptr, size_t len)
{
	return (struct slice){ .ptr = ptr, .len = len };
}

/* Where c is, or s.len. */
static size_t
first_of(struct slice s, char c)
{
	size_t i = 0;

	while (i < s.len && s.ptr[i] != c)
		i++;
	return i;
}

bool
slice_cut(struct slice *rest, char separator, struct slice *piece)
{
	size_t at = first_of(*rest, separator);
	bool more = rest->len > 0;

	*piece = slice_head(*rest, at);
	*rest = slice_skip(*rest, at + 1);
	return more;
}

struct slice
slice_until(struct slice *rest, const char *set)
{
	struct slice all = *rest, stops = slice_of(set);
	size_t at = 0;

	while (at < all.len && !slice_has(stops, all.ptr[at]))
		at++;
	*rest = slice_skip(all, at);
	return slice_head(all, at);
}

bool
slice_split(struct slice s, char separator, struct slice *head,
    struct slice *tail)
{
	size_t at = first_of(s, separator);

	if (at == s.len)
		return false;
	*head = slice_head(s, at);
	*tail = slice_skip(s, at + 1);
	return true;
}

bool
slice_rsplit(struct slice s, char separator, struct slice *head,
    struct slice *tail)
{
	size_t at = s.len;

	while (at > 0 && s.ptr[at - 1] != separator)
		at--;
	if (at == 0)
		return false;
	*head = slice_head(s, at - 1);
	*tail = slice_skip(s, at);
	return true;
}

bool
slice_line(struct slice *rest, struct slice *line)
{
	bool more = rest->len > 0;

	*line = slice_until(rest, "\r\n");
	*rest = slice_skip(*rest, slice_starts(*rest, "\r\n") ? 2 : 1);
	return more;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct slice
slice_skip(struct slice s, size_t n)
{
	/* Even adding 0 to a null pointer is undefined. */
	if (s.len == 0)
		return s;
	if (n > s.len)
		n = s.len;
	return slice_make(s.ptr + n, s.len - n);
}

struct slice
slice_head(struct slice s, size_t n)
{
	return slice_make(s.ptr, n < s.len ? n : s.len);
}

struct slice
slice_head_utf8(struct slice s, size_t n)
{
	/* A character is its first byte and what continues that one. */
	for (size_t i = 0; i < s.len; i++) {
		if (((unsigned char)s.ptr[i] & 0xC0) != 0x80 && n-- == 0)
			return slice_head(s, i);
	}
	return s;
}

bool
slice_eq(struct slice s, const char *text)
{
	return slice_same(s, slice_of(text));
}

bool
slice_eq_nocase(struct slice s, const char *text)
{
	struct slice other = slice_of(text);

	/* Without setlocale(3) letter case is that of ASCII. */
	return s.len == other.len &&
	       (s.len == 0 || strncasecmp(s.ptr, other.ptr, s.len) == 0);
}

bool
slice_same(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
slice_starts(struct slice s, const char *prefix)
{
	struct slice start = slice_of(prefix);

	return s.len >= start.len &&
	       slice_same(slice_head(s, start.len), start);
}

bool
slice_ends(struct slice s, const char *suffix)
{
	struct slice end = slice_of(suffix);

	return s.len >= end.len &&
	       slice_same(slice_skip(s, s.len - end.len), end);
}

bool
slice_has(struct slice s, char c)
{
	return first_of(s, c) < s.len;
}

bool
slice_all_in(struct slice s, const char *set)
{
	struct slice allowed = slice_of(set);

	for (size_t i = 0; i < s.len; i++) {
		if (!slice_has(allowed, s.ptr[i]))
			return false;
	}
	return s.len > 0;
}

ptrdiff_t
slice_find(struct slice s, const char *needle)
{
	struct slice wanted = slice_of(needle);

	for (size_t i = 0; wanted.len <= s.len - i; i++) {
		if (slice_same(slice_head(slice_skip(s, i), wanted.len),
		        wanted))
			return (ptrdiff_t)i;
		if (i == s.len)
			break;
	}
	return -1;
}

bool
slice_u64(struct slice s, uint64_t max, uint64_t *value)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.ptr[i] - '0';

		if (digit > 9 || sum > max / 10 || digit > max - sum * 10)
			return false;
		sum = sum * 10 + digit;
	}
	if (s.len == 0)
		return false;
	*value = sum;
	return true;
}

char *
slice_dup(struct slice s)
{
	char *copy = s.len < PTRDIFF_MAX ? malloc(s.len + 1) : NULL;

	if (copy == NULL)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

void
slice_drop(char **copy)
{
	if (*copy != NULL)
		explicit_bzero(*copy, strlen(*copy));
	free(*copy);
	*copy = NULL;
}

bool
slice_copy(struct slice s, char *out, size_t size)
{
	if (size == 0)
		return false;
	out[0] = '\0';
	if (s.len >= size || slice_has(s, '\0'))
		return false;
	if (s.len > 0)
		memcpy(out, s.ptr, s.len);
	out[s.len] = '\0';
	return true;
}

/* How many bytes of 10xxxxxx follow a first byte; -1 if it cannot be one. */
static int
utf8_more(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef)
		return 2;
	return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

/* The second byte tells overlong forms, surrogates and what is past
 * U+10FFFF (RFC 3629, 4). */
static bool
utf8_second(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second <= 0x9f;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second <= 0x8f;
	default:
		return true;
	}
}

bool
slice_utf8(struct slice s)
{
	const unsigned char *bytes = (const unsigned char *)s.ptr;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char first = bytes[i];
		int more = utf8_more(first);

		if (more < 0 || (size_t)more > s.len - i - 1)
			return false;
		if (more > 0 && !utf8_second(first, bytes[i + 1]))
			return false;
		for (; more > 0; more--) {
			if ((bytes[++i] & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

/* U+0080 to U+009F; U+202A to U+202E; U+2066 to U+2069.  Of three bytes the
 * first is the same. */
static bool
is_hidden(struct slice one)
{
	unsigned char second = one.len > 1 ? (unsigned char)one.ptr[1] : 0;
	unsigned char third = one.len > 2 ? (unsigned char)one.ptr[2] : 0;

	if ((unsigned char)one.ptr[0] == 0xc2)
		return second < 0xa0;
	if ((unsigned char)one.ptr[0] != 0xe2)
		return false;
	return (second == 0x80 && third >= 0xaa && third <= 0xae) ||
	       (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

size_t
slice_printable(struct slice s)
{
	unsigned char first = s.len > 0 ? (unsigned char)s.ptr[0] : 0;
	size_t len = 1;

	if (first < 0x80)
		return first >= ' ' && first != 0x7f ? 1 : 0;
	if (first >= 0xc2)
		len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (len > s.len || !slice_utf8(slice_head(s, len)))
		return 0;
	return is_hidden(slice_head(s, len)) ? 0 : len;
}

bool
slice_has_word(struct slice list, struct slice word)
{
	struct slice one;

	while (slice_cut(&list, ' ', &one)) {
		if (slice_same(one, word))
			return true;
	}
	return false;
}

bool
slice_names(const char *list, const char *word)
{
	return slice_has_word(slice_of(list), slice_of(word));
}

bool
slice_glob(struct slice s, struct slice pattern)
{
	struct slice again = { 0 }, behind = { 0 };
	bool star = false;

	while (s.len > 0 || pattern.len > 0) {
		if (slice_starts(pattern, "*")) {
			pattern = behind = slice_skip(pattern, 1);
			again = s;
			star = true;
		} else if (s.len > 0 && pattern.len > 0 &&
		           (*pattern.ptr == '?' || *pattern.ptr == *s.ptr)) {
			s = slice_skip(s, 1);
			pattern = slice_skip(pattern, 1);
		} else if (star && again.len > 0) {
			/* The last star takes one more. */
			s = again = slice_skip(again, 1);
			pattern = behind;
		} else {
			return false;
		}
	}
	return true;
}
