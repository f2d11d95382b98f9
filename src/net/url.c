#include "net/url.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/cidr.h"

enum { LABEL_MAX = 63, PORT_HTTP = 80, PORT_HTTPS = 443 };

#define DIGITS "0123456789"
#define NAME_CHARS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-"

static int
refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_KIND_INVALID_VALUE, "%s", why);
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

static int
take_scheme(struct slice *rest, struct url *url, struct err *err)
{
	if (slice_eq_nocase(slice_head(*rest, 8), "https://")) {
		url->tls = true;
		url->port = PORT_HTTPS;
		*rest = slice_skip(*rest, 8);
		return 0;
	}
	if (slice_eq_nocase(slice_head(*rest, 7), "http://")) {
		url->tls = false;
		url->port = PORT_HTTP;
		*rest = slice_skip(*rest, 7);
		return 0;
	}
	return refuse(err, "the URL does not begin with http:// or https://");
}

/* Cut the authority off; what is left is path and query. */
static struct slice
take_authority(struct slice *rest)
{
	size_t len = 0;
	struct slice authority;

	while (len < rest->len && rest->ptr[len] != '/' &&
	       rest->ptr[len] != '?')
		len++;
	authority = slice_head(*rest, len);
	*rest = slice_skip(*rest, len);
	return authority;
}

static int
take_port(struct slice digits, struct url *url, struct err *err)
{
	uint64_t port = 0;

	if (!slice_u64(digits, UINT16_MAX, &port) || port == 0)
		return refuse(err, "the URL's port is not within 1 to 65535");
	url->port = (uint16_t)port;
	return 0;
}

static void
lower(char *text)
{
	for (size_t i = 0; text[i] != '\0'; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] + ('a' - 'A'));
	}
}

/* "[address]" or "[address]:port" */
static int
take_bracketed(struct slice authority, struct url *url, struct err *err)
{
	struct slice address = { 0 }, tail = { 0 };

	if (!slice_split(slice_skip(authority, 1), ']', &address, &tail) ||
	    !slice_copy(address, url->host, sizeof url->host) ||
	    !slice_has(address, ':') || !cidr_is_address(url->host))
		return refuse(err, "the URL's IPv6 address is malformed");
	lower(url->host);
	url->literal = true;
	if (tail.len == 0)
		return 0;
	if (!slice_starts(tail, ":"))
		return refuse(err, "the URL has text after its IPv6 address");
	return take_port(slice_skip(tail, 1), url, err);
}

/*
 * Resolvers read a name that ends in a number as an IPv4 address in odd
 * notation (127.1, 0x7f000001): past every check that knows the usual one.
 */
static bool
is_number(struct slice label)
{
	return slice_all_in(label, DIGITS) ||
	       slice_eq_nocase(slice_head(label, 2), "0x");
}

static int
check_name(struct slice name, struct err *err)
{
	struct slice rest = name, label = { 0 }, last = name;

	(void)slice_rsplit(name, '.', &label, &last);
	while (slice_cut(&rest, '.', &label)) {
		if (label.len > LABEL_MAX || !slice_all_in(label, NAME_CHARS))
			return refuse(err, "the URL's host name is malformed");
	}
	if (name.len == 0 || slice_ends(name, "."))
		return refuse(err, "the URL's host name is malformed");
	if (is_number(last))
		return refuse(err, "the URL's IPv4 address is malformed");
	return 0;
}

/* "name", "name:port" or the same with an IPv4 address */
static int
take_host(struct slice authority, struct url *url, struct err *err)
{
	struct slice name = authority, port = { 0 };
	bool has_port = slice_split(authority, ':', &name, &port);

	if (!slice_copy(name, url->host, sizeof url->host))
		return refuse(err, "the URL's host name is too long");
	url->literal = cidr_is_address(url->host);
	if (!url->literal && check_name(name, err) != 0)
		return -1;
	lower(url->host);
	return has_port ? take_port(port, url, err) : 0;
}

int
url_parse(struct url *out, const char *text, struct err *err)
{
	struct slice rest = slice_of(text), authority = { 0 };
	struct url url = { 0 };
	int rc = -1;

	if (!is_visible(rest))
		return refuse(err, "the URL holds other than visible ASCII");
	if (take_scheme(&rest, &url, err) != 0)
		return -1;
	if (slice_has(rest, '#'))
		return refuse(err, "the URL has a fragment (#)");
	authority = take_authority(&rest);
	if (slice_has(authority, '@'))
		return refuse(err, "the URL has a user name in it");
	rc = slice_starts(authority, "[") ? take_bracketed(authority, &url, err)
	                                  : take_host(authority, &url, err);
	if (rc != 0)
		return -1;
	if (!slice_copy(rest, url.path, sizeof url.path))
		return refuse(err, "the URL's path is too long");
	*out = url;
	return 0;
}

void
url_authority(const struct url *url, struct buf *out)
{
	bool six = slice_has(slice_of(url->host), ':');

	buf_printf(out, six ? "[%s]" : "%s", url->host);
	if (url->port != (url->tls ? PORT_HTTPS : PORT_HTTP))
		buf_printf(out, ":%u", (unsigned)url->port);
}

bool
url_is_loopback(const char *host)
{
	return slice_eq_nocase(slice_of(host), "localhost") ||
	       cidr_has(slice_of("127.0.0.0/8"), host) ||
	       cidr_has(slice_of("::1"), host);
}

bool
url_is_local(const char *host)
{
	return url_is_loopback(host) ||
	       cidr_has(slice_of("169.254.0.0/16"), host) ||
	       cidr_has(slice_of("fe80::/10"), host) ||
	       cidr_has(slice_of("fd00:ec2::/32"), host);
}
