#include "net/resolve_conf.h"

#include <strings.h>

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
read_line(struct resolve_conf *out, struct slice line)
{
	struct slice key, word;

	if (!resolve_conf_word(&line, &key))
		return;
	if (slice_eq(key, "search") || slice_eq(key, "domain"))
		out->search = line;
	if (slice_eq(key, "nameserver") && out->count < RESOLVE_CONF_SERVERS &&
	    resolve_conf_word(&line, &word) &&
	    cidr_read(&out->servers[out->count], word))
		out->count++;
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
