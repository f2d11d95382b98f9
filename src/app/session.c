/* SPDX-License-Identifier: MIT */
#include "app/session.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "settings/config.h"

enum { PORT_MAX = 65535, HOST_SIZE = 254, PORT_SIZE = 6 };

static const char plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=@%+,-";

/* One word for a POSIX shell (XCU 2.2.2). */
static void
quote(struct buf *out, const char *word)
{
	if (slice_all_in(slice_of(word), plain)) {
		buf_puts(out, word);
		return;
	}
	buf_putc(out, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *word);
	}
	buf_putc(out, '\'');
}

static void
add(struct session *session, const char *flag, const char *value)
{
	if (value == NULL || session->count + 2 > SESSION_ARGS_MAX)
		return;
	session->argv[session->count++] = flag;
	session->argv[session->count++] = value;
}

static bool
is_port(struct slice text)
{
	uint64_t number = 0;

	return slice_u64(text, PORT_MAX, &number) && number > 0;
}

/* A name, or an address of IPv4; a number is a port that is wrong. */
static bool
is_host(struct slice text)
{
	return slice_all_in(text, plain) && !slice_has(text, ':') &&
	       !slice_all_in(text, "0123456789");
}

/* [LOCAL:][HOST:]PORT; of two parts a number is LOCAL. */
static bool
split_port(struct slice text, struct slice *local, struct slice *host,
    struct slice *remote)
{
	struct slice rest;

	*remote = text;
	if (!slice_rsplit(text, ':', &rest, remote))
		return is_port(text);
	if (slice_split(rest, ':', local, host))
		return is_port(*local) && is_host(*host) && is_port(*remote);
	if (is_port(rest))
		*local = rest;
	else
		*host = rest;
	return (local->len > 0 || is_host(*host)) && is_port(*remote);
}

static int
parse_port(struct buf *out, const char *text, const char **document,
    struct err *err)
{
	struct slice local = { 0 }, host = { 0 }, remote = { 0 };
	char texts[2][PORT_SIZE] = { "", "" }, name[HOST_SIZE] = "";

	if (!split_port(slice_of(text), &local, &host, &remote) ||
	    !slice_copy(host, name, sizeof name)) {
		return err_set(err, ERR_KIND_USAGE,
		    "--port %.*s: it must be [LOCAL:][HOST:]PORT",
		    err_shown(slice_of(text)), text);
	}
	slice_copy(remote, texts[0], PORT_SIZE);
	slice_copy(local.len > 0 ? local : remote, texts[1], PORT_SIZE);
	*document = host.len > 0 ? "AWS-StartPortForwardingSessionToRemoteHost"
	                         : "AWS-StartPortForwardingSession";
	json_write(out, "{\"portNumber\":[%],\"localPortNumber\":[%]", texts[0],
	    texts[1]);
	if (host.len > 0)
		json_write(out, ",\"host\":[%]", name);
	buf_putc(out, '}');
	return 0;
}

/* One word is a line for the node's shell; of several each is one of it. */
static void
put_command(struct buf *out, char *const *argv)
{
	struct buf line = { 0 };

	if (argv[1] == NULL)
		buf_puts(&line, argv[0]);
	for (size_t i = 0; argv[1] != NULL && argv[i] != NULL; i++) {
		if (i > 0)
			buf_putc(&line, ' ');
		quote(&line, argv[i]);
	}
	json_write(out, "{\"command\":[%]}", buf_str(&line));
	buf_free(&line);
}

int
session_build(struct session *out, struct buf *parameters,
    const struct config *cfg, const char *node, const char *region,
    struct err *err)
{
	struct session session = { .argv = { "aws", "ssm", "start-session" },
		.count = 3 };
	const char *document = NULL;

	if (cfg->port != NULL && cfg->argv != NULL)
		return err_set(err, ERR_KIND_USAGE,
		    "--port %.64s and a command exclude each other", cfg->port);
	if (cfg->port != NULL &&
	    parse_port(parameters, cfg->port, &document, err) != 0)
		return -1;
	if (cfg->argv != NULL) {
		document = "AWS-StartInteractiveCommand";
		put_command(parameters, cfg->argv);
	}
	if (!buf_ok(parameters))
		return err_memory(err);
	add(&session, "--profile", cfg->profile);
	add(&session, "--endpoint-url", cfg->endpoint_url);
	add(&session, "--region", region);
	add(&session, "--target", node);
	add(&session, "--document-name", document);
	add(&session, "--parameters",
	    document != NULL ? buf_str(parameters) : NULL);
	*out = session;
	return 0;
}

void
session_print(struct buf *out, const struct session *session)
{
	for (size_t i = 0; i < session->count; i++) {
		if (i > 0)
			buf_putc(out, ' ');
		quote(out, session->argv[i]);
	}
}
