#include "net/proxy.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/cidr.h"

/* The variable that counts for this kind of URL, NULL when none is set. */
static const char *
pick_variable(bool tls, struct env env)
{
	if (tls)
		return env_raw(env, "https_proxy") != NULL ? "https_proxy"
		                                           : "HTTPS_PROXY";
	if (env_raw(env, "http_proxy") != NULL)
		return "http_proxy";
	/* Under CGI a client sets HTTP_PROXY, by a header "Proxy:". */
	return env_raw(env, "REQUEST_METHOD") == NULL ? "HTTP_PROXY" : NULL;
}

/* One entry of no_proxy without brackets and port: "host:80" is "host". */
static struct slice
entry_host(struct slice entry)
{
	struct slice host = { 0 }, port = { 0 }, tail = { 0 };

	if (slice_starts(entry, "[") &&
	    slice_split(slice_skip(entry, 1), ']', &host, &tail))
		return host;
	if (slice_split(entry, ':', &host, &port) && !slice_has(port, ':'))
		return host;
	return entry;
}

/* host is the name itself, or a name below it. */
static bool
is_under(struct slice host, struct slice name)
{
	char text[URL_HOST_MAX + 1];
	size_t above;

	if (name.len == 0 || name.len > host.len ||
	    !slice_copy(name, text, sizeof text))
		return false;
	above = host.len - name.len;
	return slice_eq_nocase(slice_skip(host, above), text) &&
	       (above == 0 || host.ptr[above - 1] == '.');
}

static bool
entry_matches(struct slice entry, const struct url *url)
{
	while (slice_starts(entry, "."))
		entry = slice_skip(entry, 1);
	entry = entry_host(entry);
	return url->literal ? cidr_has(entry, url->host)
	                    : is_under(slice_of(url->host), entry);
}

static bool
is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t';
}

/* Cut the next entry off; false once there is none. */
static bool
next_entry(struct slice *rest, struct slice *entry)
{
	size_t len = 0;

	while (rest->len > 0 && is_separator(rest->ptr[0]))
		*rest = slice_skip(*rest, 1);
	while (len < rest->len && !is_separator(rest->ptr[len]))
		len++;
	*entry = slice_head(*rest, len);
	*rest = slice_skip(*rest, len);
	return len > 0;
}

static bool
is_exempt(const struct url *url, struct env env)
{
	const char *list = env_raw(env, "no_proxy");
	struct slice rest, entry = { 0 };

	if (list == NULL)
		list = env_raw(env, "NO_PROXY");
	rest = slice_trim(slice_of(list));
	if (slice_eq(rest, "*"))
		return true;
	while (next_entry(&rest, &entry)) {
		if (entry_matches(entry, url))
			return true;
	}
	return false;
}

static bool
hex_value(char c, unsigned *value)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *found = c == '\0' ? NULL : strchr(digits, c);

	if (found == NULL)
		return false;
	*value = (unsigned)(found - digits) % 16;
	return true;
}

/* A "%" without two hexadecimal digits stands for itself. */
static void
percent_decode(struct slice text, struct buf *out)
{
	unsigned high = 0, low = 0;

	while (text.len > 0) {
		if (text.ptr[0] == '%' && text.len >= 3 &&
		    hex_value(text.ptr[1], &high) &&
		    hex_value(text.ptr[2], &low)) {
			buf_putc(out, (char)(high << 4 | low));
			text = slice_skip(text, 3);
		} else {
			buf_putc(out, text.ptr[0]);
			text = slice_skip(text, 1);
		}
	}
}

/* "user:password" becomes a Basic credential; one without the other is
 * ignored, as AWS SDKs do. */
static int
set_auth(struct proxy *proxy, struct slice userinfo, const char *variable,
    struct err *err)
{
	struct slice user = { 0 }, password = { 0 };
	struct buf plain = { 0 }, header = { .max = PROXY_AUTH_MAX - 1 };
	int rc = 0;

	if (!slice_split(userinfo, ':', &user, &password) || user.len == 0 ||
	    password.len == 0)
		return 0;
	percent_decode(user, &plain);
	buf_putc(&plain, ':');
	percent_decode(password, &plain);
	buf_puts(&header, "Basic ");
	buf_base64(&header, plain.data, plain.len);
	if (!buf_ok(&plain) || !buf_ok(&header) ||
	    !slice_copy(slice_of(buf_str(&header)), proxy->auth,
	        sizeof proxy->auth))
		rc = err_set(err, ERR_KIND_PROXY,
		    "%s: user and password are too long", variable);
	buf_free(&plain);
	buf_free(&header);
	return rc;
}

/* Cut "http://" or "//" off, if it is there; another scheme is refused. */
static int
take_scheme(struct slice *rest, const char *variable, struct err *err)
{
	ptrdiff_t mark = slice_find(*rest, "://");

	if (slice_starts(*rest, "//")) {
		*rest = slice_skip(*rest, 2);
		return 0;
	}
	if (mark < 0)
		return 0;
	if (!slice_eq_nocase(slice_head(*rest, (size_t)mark), "http"))
		return err_set(err, ERR_KIND_PROXY,
		    "%s: only proxies with http:// are supported", variable);
	*rest = slice_skip(*rest, (size_t)mark + 3);
	return 0;
}

/* host[:port] follows the rules of URLs. */
static int
set_host(struct proxy *proxy, struct slice authority, const char *variable,
    struct err *err)
{
	struct buf text = { 0 };
	struct url url;
	int rc = -1;

	buf_puts(&text, "http://");
	buf_add(&text, authority.ptr, authority.len);
	if (buf_ok(&text) && memchr(text.data, '\0', text.len) == NULL &&
	    url_parse(&url, text.data, NULL) == 0)
		rc = 0;
	buf_free(&text);
	if (rc != 0) {
		(void)err_set(err, ERR_KIND_PROXY,
		    "%s is not a valid proxy address", variable);
		err_fix(err, "set %s=http://[USER:PASSWORD@]HOST[:PORT]",
		    variable);
		return -1;
	}
	memcpy(proxy->host, url.host, sizeof proxy->host);
	proxy->port = url.port;
	return 0;
}

static int
parse_value(struct proxy *proxy, const char *value, const char *variable,
    struct err *err)
{
	struct slice rest = slice_trim(slice_of(value)), tail = { 0 };
	struct slice authority = { 0 }, userinfo = { 0 };

	if (take_scheme(&rest, variable, err) != 0)
		return -1;
	/* A path after the address has no meaning and is not looked at. */
	if (!slice_split(rest, '/', &authority, &tail))
		authority = rest;
	if (slice_rsplit(authority, '@', &userinfo, &authority) &&
	    set_auth(proxy, userinfo, variable, err) != 0)
		return -1;
	if (set_host(proxy, authority, variable, err) != 0)
		return -1;
	proxy->used = true;
	return 0;
}

int
proxy_choose(struct proxy *out, const struct url *url, struct env env,
    struct err *err)
{
	const char *variable = pick_variable(url->tls, env);
	const char *value = variable == NULL ? NULL : env_get(env, variable);
	struct proxy proxy = { 0 };
	int rc = 0;

	if (value != NULL && !url_is_local(url->host) && !is_exempt(url, env))
		rc = parse_value(&proxy, value, variable, err);
	if (rc == 0)
		*out = proxy;
	proxy_wipe(&proxy);
	return rc;
}

int
proxy_refused(const struct proxy *proxy, bool tls, struct err *err)
{
	(void)err_set(err, ERR_KIND_PROXY,
	    "proxy %s: it wants a user and a password, or others (407)",
	    proxy->host);
	err_fix(err, "set %s=http://USER:PASSWORD@%s:%u",
	    tls ? "https_proxy" : "http_proxy", proxy->host,
	    (unsigned)proxy->port);
	return -1;
}

void
proxy_wipe(struct proxy *proxy)
{
	explicit_bzero(proxy, sizeof *proxy);
}
