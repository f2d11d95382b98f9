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
	const char *at = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;

	return at != NULL ? (size_t)(at - s.ptr) : s.len;
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
	size_t len = strlen(needle);
	const char *at = s.len > 0 ? memmem(s.ptr, s.len, needle, len) : NULL;

	if (at == NULL)
		return len == 0 ? 0 : -1;
	return at - s.ptr;
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

size_t
slice_character(struct slice s, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t first = s.len > 0 ? (unsigned char)s.ptr[0] : 0xff;
	size_t more = first < 0xc0   ? 0
	              : first < 0xe0 ? 1
	              : first < 0xf0 ? 2
	                             : 3;
	uint32_t sum = more > 0 ? first & (0x3fU >> more) : first;

	if ((first & 0xc0) == 0x80 || first >= 0xf8 || more >= s.len)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if (((unsigned char)s.ptr[i] & 0xc0) != 0x80)
			return 0;
		sum = sum << 6 | ((unsigned char)s.ptr[i] & 0x3f);
	}
	/* Overlong forms, surrogates and what is past the end (RFC 3629, 3). */
	if (sum < least[more] || (sum & 0xfffff800) == 0xd800 || sum > 0x10ffff)
		return 0;
	*code = sum;
	return more + 1;
}

bool
slice_utf8(struct slice s)
{
	uint32_t code;
	size_t len = 1;

	for (; s.len > 0 && len > 0; s = slice_skip(s, len))
		len = slice_character(s, &code);
	return len > 0;
}

size_t
slice_printable(struct slice s)
{
	uint32_t code = 0;
	size_t len = slice_character(s, &code);
	bool hidden = code < ' ' || (code >= 0x7f && code < 0xa0) ||
	              (code >= 0x202a && code <= 0x202e) ||
	              (code >= 0x2066 && code <= 0x2069);

	return hidden ? 0 : len;
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
