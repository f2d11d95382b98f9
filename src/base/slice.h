/* SPDX-License-Identifier: MIT */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A borrowed view of bytes, for taking text apart; the one place, beside
 * struct buf, where pointers into text are moved.  Zero is an empty slice.
 */
struct slice {
	const char *ptr;
	size_t len;
};

struct slice slice_of(const char *text); /* NULL gives the empty slice */
struct slice slice_make(const char *ptr, size_t len);

/*
 * Cut the next piece off rest, up to the first separator, which goes too.
 * False, with an empty piece, once rest is used up.  A separator at the very
 * end does not give a last empty piece.
 */
bool slice_cut(struct slice *rest, char separator, struct slice *piece);

/* Cut off what is before the first byte of the set; that one stays. */
struct slice slice_until(struct slice *rest, const char *set);

/* Split at the first separator; false (and nothing changed) without one. */
bool slice_split(struct slice s, char separator, struct slice *head,
    struct slice *tail);

/* The same at the last one. */
bool slice_rsplit(struct slice s, char separator, struct slice *head,
    struct slice *tail);

/* Cut the next line off: LF, CRLF or a lone CR end it. */
bool slice_line(struct slice *rest, struct slice *line);

/* Without blanks and tabs (slice_trim) at both ends. */
struct slice slice_trim(struct slice s);

/* Without the first n bytes; the first n bytes. Both stop at the end. */
struct slice slice_skip(struct slice s, size_t n);
struct slice slice_head(struct slice s, size_t n);

/* The first n characters of UTF-8. */
struct slice slice_head_utf8(struct slice s, size_t n);

bool slice_eq(struct slice s, const char *text);
bool slice_eq_nocase(struct slice s, const char *text); /* ASCII */
bool slice_same(struct slice a, struct slice b);
bool slice_starts(struct slice s, const char *prefix);
bool slice_ends(struct slice s, const char *suffix);
bool slice_has(struct slice s, char c);

/* Every byte is one of the characters of set, and there is at least one. */
bool slice_all_in(struct slice s, const char *set);

/* Where needle begins in s, or -1. */
ptrdiff_t slice_find(struct slice s, const char *needle);

/* Decimal digits only, at most max; value is set on success only. */
bool slice_u64(struct slice s, uint64_t max, uint64_t *value);

/* A copy with a NUL at the end, owned by the caller; NULL without memory. */
char *slice_dup(struct slice s);

/* Wipe and free such a copy (NULL too), and forget it. */
void slice_drop(char **copy);

/* Copy into out with a NUL; false (out is "") if it does not fit in size or
 * holds a NUL. */
bool slice_copy(struct slice s, char *out, size_t size);

/* Bytes of the character that s begins with, and its number; 0 if it is none
 * of well-formed UTF-8 (RFC 3629). */
size_t slice_character(struct slice s, uint32_t *code);
bool slice_utf8(struct slice s); /* all of it */

/*
 * Bytes of the printable character that s begins with, 0 if it is none: a
 * control character (U+0080 to U+009F too), one that turns the direction of
 * text (U+202A to U+202E, U+2066 to U+2069), or broken UTF-8.
 */
size_t slice_printable(struct slice s);

/* The whole text fits the pattern, in which '*' stands for any bytes and '?'
 * for any one. */
bool slice_glob(struct slice s, struct slice pattern);

/* The word, letter case counting, is one of a list of words with blanks
 * between them. */
bool slice_has_word(struct slice list, struct slice word);
bool slice_names(const char *list, const char *word);

#endif
