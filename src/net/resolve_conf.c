/* SPDX-License-Identifier: MIT */
#include "net/resolve_conf.h"

#include <strings.h>

#include "net/url.h"

bool
resolve_conf_word(struct slice *rest, struct slice *word)
{
	*rest = slice_trim(*rest);
	*word = slice_until(rest, " \t");
	return word->len > 0;
}

/* "NAME:NUMBER"; what is out of bounds becomes the nearest number in them. */
static void
set_number(uint64_t *out, struct slice word, const char *name, uint64_t min,
    uint64_t max)
{
	uint64_t number;

	if (!slice_starts(word, name) ||
	    !slice_u64(slice_skip(word, slice_of(name).len), UINT32_MAX,
	        &number))
		return;
	if (number < min)
		number = min;
	*out = number < max ? number : max;
}

static void
add_server(struct resolve_conf *out, struct slice text)
{
	struct slice address = text, zone = { 0 };

	slice_split(text, '%', &address, &zone);
	if (out->count == RESOLVE_CONF_SERVERS ||
	    !cidr_read(&out->servers[out->count], address))
		return;
	out->zones[out->count++] = zone;
}

static void
read_line(struct resolve_conf *out, struct slice line)
{
	struct slice key, word;

	if (!resolve_conf_word(&line, &key))
		return;
	if (slice_eq(key, "search") || slice_eq(key, "domain"))
		out->search = line;
	if (slice_eq(key, "nameserver") && resolve_conf_word(&line, &word))
		add_server(out, word);
	while (slice_eq(key, "options") && resolve_conf_word(&line, &word)) {
		set_number(&out->ndots, word, "ndots:", 0, 15);
		set_number(&out->timeout, word, "timeout:", 1, 30);
		set_number(&out->attempts, word, "attempts:", 1, 5);
	}
}

void
resolve_conf_read(struct resolve_conf *out, struct slice text)
{
	struct slice line;

	*out = (struct resolve_conf){ .ndots = 1, .timeout = 5, .attempts = 2 };
	while (slice_line(&text, &line))
		read_line(out, line);
	if (out->count == 0)
		read_line(out, slice_of("nameserver 127.0.0.1"));
}

/* Address, number in hexadecimal digits, length of the prefix, scope, flags,
 * name. */
static bool
take_interface(struct slice line, struct slice *name, uint32_t *number)
{
	struct slice word, digits;
	unsigned digit = 0;

	if (!resolve_conf_word(&line, &word) ||
	    !resolve_conf_word(&line, &digits))
		return false;
	*number = 0;
	for (size_t i = 0; i < digits.len; i++) {
		if (!url_hex(digits.ptr[i], &digit))
			return false;
		*number = *number << 4 | digit;
	}
	for (size_t i = 0; i < 4; i++)
		resolve_conf_word(&line, name);
	return name->len > 0;
}

uint32_t
resolve_conf_zone(struct slice text, struct slice zone)
{
	struct slice line, name;
	uint32_t number = 0;
	uint64_t given = 0;

	if (slice_u64(zone, UINT32_MAX, &given))
		return (uint32_t)given;
	while (zone.len > 0 && slice_line(&text, &line)) {
		if (take_interface(line, &name, &number) &&
		    slice_same(name, zone))
			return number;
	}
	return 0;
}

void
resolve_conf_hosts(struct slice text, struct slice name, struct cidr_list *out)
{
	struct cidr_address address;
	struct slice line, word;

	while (slice_line(&text, &line)) {
		line = slice_until(&line, "#");
		if (!resolve_conf_word(&line, &word) ||
		    !cidr_read(&address, word))
			continue;
		while (resolve_conf_word(&line, &word)) {
			/* Two slices, neither with a NUL at its end. */
			if (word.len != name.len ||
			    strncasecmp(word.ptr, name.ptr, name.len) != 0)
				continue;
			cidr_add(out, address.bytes, address.size);
			break;
		}
	}
}
