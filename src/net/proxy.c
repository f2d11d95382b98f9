/* SPDX-License-Identifier: MIT */
#include "net/proxy.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/cidr.h"

/* The lower-case variable counts if it is set, even if it is empty. */
static const char *
either(struct env env, const char *lower, const char *upper)
{
	return env_raw(env, lower) != NULL ? lower : upper;
}

/* The variable that counts for this kind of URL. */
static const char *
pick_variable(bool tls, struct env env)
{
	if (tls)
		return either(env, "https_proxy", "HTTPS_PROXY");
	/* Under CGI a client sets HTTP_PROXY, by a header "Proxy:". */
	if (env_raw(env, "REQUEST_METHOD") != NULL)
		return "http_proxy";
	return either(env, "http_proxy", "HTTP_PROXY");
}

/* One entry of no_proxy without brackets and port; empty if it does not count.
 * An entry with a port matches only a URL that names the same port. */
static struct slice
entry_host(struct slice entry, const struct url *url)
{
	struct slice host = { 0 }, tail = { 0 };
	uint64_t port = 0;

	if (slice_starts(entry, "[")) {
		slice_split(slice_skip(entry, 1), ']', &host, &tail);
		tail = slice_skip(tail, 1);
	} else if (!slice_split(entry, ':', &host, &tail) ||
	           slice_has(tail, ':')) {
		return entry;
	}
	if (tail.len > 0 &&
	    (!slice_u64(tail, UINT16_MAX, &port) || port != url->port ||
	        port == (url->tls ? 443 : 80)))
		host.len = 0;
	return host;
}

/* host is the name itself, or a name below it. */
static bool
is_under(struct slice host, struct slice name)
{
	size_t above;

	name = slice_head(name, name.len - slice_ends(name, "."));
	above = host.len - name.len;
	return name.len > 0 && name.len <= host.len &&
	       strncasecmp(&host.ptr[above], name.ptr, name.len) == 0 &&
	       (above == 0 || host.ptr[above - 1] == '.');
}

static bool
is_exempt(const struct url *url, struct env env)
{
	const char *list = env_raw(env, either(env, "no_proxy", "NO_PROXY"));
	struct slice rest = slice_trim(slice_of(list)), entry = { 0 };
	bool found = slice_eq(rest, "*");

	while (!found && rest.len > 0) {
		entry = slice_until(&rest, ", \t");
		rest = slice_skip(rest, 1);
		while (slice_starts(entry, "."))
			entry = slice_skip(entry, 1);
		entry = entry_host(entry, url);
		found = url->literal ? cidr_has(entry, url->host)
		                     : is_under(url_bare(url->host), entry);
	}
	return found;
}

/* A "%" without two hexadecimal digits stands for itself. */
static void
percent_decode(struct slice text, struct buf *out)
{
	while (text.len > 0) {
		unsigned high = 0, low = 0;
		char c = text.ptr[0];
		size_t used = 1;

		if (c == '%' && text.len >= 3 && url_hex(text.ptr[1], &high) &&
		    url_hex(text.ptr[2], &low)) {
			c = (char)(high << 4 | low);
			used = 3;
		}
		buf_putc(out, c);
		text = slice_skip(text, used);
	}
}

/* "user:password" becomes a Basic credential; one without the other is
 * ignored, as AWS SDKs do. */
static int
set_auth(struct proxy *proxy, struct slice userinfo)
{
	struct slice user = { 0 }, password = { 0 };
	struct buf plain = { 0 }, header = { .max = PROXY_AUTH_MAX - 1 };
	int rc = -1;

	if (!slice_split(userinfo, ':', &user, &password) || user.len == 0 ||
	    password.len == 0)
		return 0;
	percent_decode(userinfo, &plain);
	buf_puts(&header, "Basic ");
	buf_base64(&header, plain.data, plain.len);
	if (buf_ok(&plain) && buf_ok(&header) &&
	    slice_copy(slice_of(buf_str(&header)), proxy->auth,
	        sizeof proxy->auth))
		rc = 0;
	buf_free(&plain);
	buf_free(&header);
	return rc;
}

/* host[:port] follows the rules of URLs, but for underscores. */
static int
set_host(struct proxy *proxy, struct slice authority)
{
	struct buf text = { 0 };
	struct url url = { 0 };
	int rc;

	buf_printf(&text, "http://%.*s", (int)authority.len, authority.ptr);
	rc = buf_ok(&text) ? url_parse_proxy(&url, buf_str(&text), NULL) : -1;
	buf_free(&text);
	memcpy(proxy->host, url.host, sizeof proxy->host);
	proxy->port = url.port;
	proxy->used = true;
	return rc;
}

/* [http:][//][user:password@]host[:port][/...]; NULL, or what is wrong. */
static const char *
parse_value(struct proxy *proxy, struct slice value)
{
	struct slice tail = { 0 }, userinfo = { 0 };

	if (slice_eq_nocase(slice_head(value, 7), "http://"))
		value = slice_skip(value, 7);
	else if (slice_starts(value, "//"))
		value = slice_skip(value, 2);
	else if (slice_find(value, "://") >= 0)
		return "only proxies with http:// are supported";
	/* A path after the address has no meaning and is not looked at. */
	slice_split(value, '/', &value, &tail);
	if (slice_rsplit(value, '@', &userinfo, &value) &&
	    set_auth(proxy, userinfo) != 0)
		return "user and password are too long";
	return set_host(proxy, value) != 0 ? "not a valid address" : NULL;
}

static void
advise_setting(const char *variable, struct err *err)
{
	err_fix(err, "set %s=http://USER:PASSWORD@HOST:PORT", variable);
}

int
proxy_choose(struct proxy *out, const struct url *url, struct env env,
    struct err *err)
{
	const char *variable = pick_variable(url->tls, env);
	const char *value = env_get(env, variable);
	const char *why = NULL;
	struct proxy proxy = { 0 };

	if (value != NULL && !url_is_local(url->host) && !is_exempt(url, env))
		why = parse_value(&proxy, slice_trim(slice_of(value)));
	if (why == NULL) {
		*out = proxy;
	} else {
		err_set(err, ERR_KIND_PROXY, "%s: %s", variable, why);
		advise_setting(variable, err);
	}
	proxy_wipe(&proxy);
	return why == NULL ? 0 : -1;
}

int
proxy_refused(const struct proxy *proxy, bool tls, struct err *err)
{
	err_set(err, ERR_KIND_PROXY,
	    "the proxy %s wants a user and a password, or others (407)",
	    proxy->host);
	advise_setting(tls ? "https_proxy" : "http_proxy", err);
	return -1;
}

void
proxy_wipe(struct proxy *proxy)
{
	explicit_bzero(proxy, sizeof *proxy);
}
