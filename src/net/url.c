/* SPDX-License-Identifier: MIT */
#include "net/url.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/cidr.h"

enum { LABEL_MAX = 63, PORT_HTTP = 80, PORT_HTTPS = 443 };

#define DIGITS "0123456789"
#define NAME_CHARS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-"

static uint16_t
usual_port(const struct url *url)
{
	return url->tls ? PORT_HTTPS : PORT_HTTP;
}

/* Blanks and control characters would break the lines of a request; other
 * than ASCII has to be percent-encoded in an URL. */
static bool
is_visible(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	}
	return true;
}

struct slice
url_bare(const char *host)
{
	struct slice name = slice_of(host);

	return slice_head(name, name.len - slice_ends(name, "."));
}

/*
 * Resolvers read a name that ends in a number as an IPv4 address in odd
 * notation (127.1, 0x7f000001): past every check that knows the usual one.
 */
static bool
is_name(const char *host, const char *chars)
{
	struct slice name = url_bare(host), label;
	bool more;

	do {
		more = slice_split(name, '.', &label, &name);
		if (!more)
			label = name;
		if (label.len > LABEL_MAX || !slice_all_in(label, chars))
			return false;
	} while (more);
	return !slice_all_in(label, DIGITS) &&
	       !slice_eq_nocase(slice_head(label, 2), "0x");
}

/* This and the next two give NULL, or what is wrong with the URL. */
static const char *
take_port(struct slice digits, struct url *url)
{
	uint64_t port = 0;

	if (!slice_u64(digits, UINT16_MAX, &port) || port == 0)
		return "has a port that is not within 1 to 65535";
	url->port = (uint16_t)port;
	return NULL;
}

/* "name", "address" or "[address]", with ":port" or without */
static const char *
take_authority(struct slice authority, struct url *url, const char *chars)
{
	struct slice host = authority, port = { 0 };
	bool six = slice_starts(authority, "[");
	bool has_port = slice_split(authority, ':', &host, &port);

	if (six) {
		if (!slice_split(slice_skip(authority, 1), ']', &host, &port))
			return "has a malformed IPv6 address";
		has_port = port.len > 0;
		if (has_port && !slice_starts(port, ":"))
			return "has text after its IPv6 address";
		port = slice_skip(port, 1);
	}
	if (!slice_copy(host, url->host, sizeof url->host))
		return "has a host name that is too long";
	url->literal = cidr_is_address(url->host);
	if (six ? !url->literal || !slice_has(host, ':')
	        : !url->literal && !is_name(url->host, chars))
		return "has a malformed host name or address";
	for (char *c = url->host; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return has_port ? take_port(port, url) : NULL;
}

static const char *
take_url(struct slice rest, struct url *url, const char *chars)
{
	struct slice authority;
	const char *why;

	if (!is_visible(rest))
		return "holds other than visible ASCII";
	url->tls = slice_eq_nocase(slice_head(rest, 8), "https://");
	if (!url->tls && !slice_eq_nocase(slice_head(rest, 7), "http://"))
		return "does not begin with http:// or https://";
	url->port = usual_port(url);
	rest = slice_skip(rest, url->tls ? 8 : 7);
	if (slice_has(rest, '#'))
		return "has a fragment (#)";
	authority = slice_until(&rest, "/?");
	if (slice_has(authority, '@'))
		return "has a user name in it";
	why = take_authority(authority, url, chars);
	if (why == NULL && !slice_copy(rest, url->path, sizeof url->path))
		why = "has a path that is too long";
	return why;
}

static int
parse(struct url *out, const char *text, const char *chars, struct err *err)
{
	struct url url = { 0 };
	const char *why = take_url(slice_of(text), &url, chars);

	bool secret = slice_has(slice_of(text), '@');

	if (why != NULL) {
		return err_set(err, ERR_KIND_INVALID_VALUE, "the URL %.*s%s%s",
		    secret ? 0 : err_shown(slice_of(text)), text,
		    secret || *text == '\0' ? "" : " ", why);
	}
	*out = url;
	return 0;
}

int
url_parse(struct url *out, const char *text, struct err *err)
{
	return parse(out, text, NAME_CHARS, err);
}

int
url_parse_proxy(struct url *out, const char *text, struct err *err)
{
	return parse(out, text, NAME_CHARS "_", err);
}

bool
url_hex(char c, unsigned *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *at =
	    c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;

	if (at != NULL)
		*value = (unsigned)(at - digits);
	return at != NULL;
}

void
url_add_host(struct buf *out, const char *host, uint16_t port, uint16_t usual)
{
	buf_printf(out, slice_has(slice_of(host), ':') ? "[%s]" : "%s", host);
	if (port != usual)
		buf_printf(out, ":%u", (unsigned)port);
}

void
url_authority(const struct url *url, struct buf *out)
{
	url_add_host(out, url->host, url->port, usual_port(url));
}

/* host is within one of the blocks, which are in one text with blanks. */
static bool
is_within(const char *blocks, const char *host)
{
	struct slice rest = slice_of(blocks), block;

	while (slice_cut(&rest, ' ', &block)) {
		if (cidr_has(block, host))
			return true;
	}
	return false;
}

bool
url_is_loopback(const char *host)
{
	return slice_eq_nocase(url_bare(host), "localhost") ||
	       is_within("127.0.0.0/8 ::1", host);
}

bool
url_is_local(const char *host)
{
	return url_is_loopback(host) ||
	       is_within("169.254.0.0/16 fe80::/10 fd00:ec2::/32", host);
}

int
url_append(struct url *url, const char *text, struct err *err)
{
	struct slice base = slice_of(url->path);
	struct buf whole = { 0 };
	int rc = 0;

	if (text[0] == '/' && slice_ends(base, "/"))
		base = slice_head(base, base.len - 1);
	buf_add(&whole, base.ptr, base.len);
	buf_puts(&whole, text);
	if (!slice_copy(slice_make(whole.data, whole.len), url->path,
	        sizeof url->path))
		rc = err_set(err, ERR_KIND_INVALID_VALUE,
		    "the path of an URL is too long");
	buf_free(&whole);
	return rc;
}
