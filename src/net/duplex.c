/* SPDX-License-Identifier: MIT */
#include "net/duplex.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/slice.h"
#include "net/ca.h"
#include "net/sock.h"
#include "net/tls.h"

struct duplex {
	struct duplex_parts parts;
	size_t early_used;
};

static void
close_parts(struct duplex_parts *parts)
{
	tls_free(parts->tls);
	ca_free(parts->roots);
	if (parts->fd >= 0)
		close(parts->fd);
	buf_free(&parts->early);
}

int
duplex_make(struct duplex **out, const struct duplex_parts *parts,
    struct err *err)
{
	struct duplex *duplex = calloc(1, sizeof *duplex);
	struct duplex_parts lost = *parts;

	if (duplex == NULL || parts->early.failed) {
		free(duplex);
		close_parts(&lost);
		return err_memory(err);
	}
	duplex->parts = *parts;
	*out = duplex;
	return 0;
}

int
duplex_fd(const struct duplex *duplex)
{
	return duplex->parts.fd;
}

static bool
has_early(const struct duplex *duplex)
{
	return duplex->early_used < duplex->parts.early.len;
}

bool
duplex_busy(const struct duplex *duplex)
{
	return duplex->parts.tls != NULL && tls_busy(duplex->parts.tls);
}

bool
duplex_ready(const struct duplex *duplex)
{
	return has_early(duplex) ||
	       (duplex->parts.tls != NULL && tls_ready(duplex->parts.tls));
}

short
duplex_events(const struct duplex *duplex, bool reading)
{
	const struct tls *tls = duplex->parts.tls;
	bool in = reading && (tls == NULL || tls_hungry(tls));

	return (short)((in ? POLLIN : 0) | (duplex_busy(duplex) ? POLLOUT : 0));
}

static int
take(struct duplex *duplex, void *data, size_t len, size_t *got,
    struct err *err)
{
	struct duplex_parts *parts = &duplex->parts;
	struct slice early = slice_make(parts->early.data, parts->early.len);

	if (!has_early(duplex)) {
		return parts->tls != NULL
		           ? tls_take(parts->tls, data, len, got, err)
		           : sock_take(parts->fd, data, len, got, err);
	}
	early = slice_head(slice_skip(early, duplex->early_used), len);
	memcpy(data, early.ptr, early.len);
	duplex->early_used += early.len;
	*got = early.len;
	return 0;
}

/* Records are small: what several of them hold is read at once.  The end, or
 * a failure, is told when what came before it was read; a plain socket tells a
 * failure once only, so it is not asked again after bytes. */
int
duplex_read(struct duplex *duplex, void *data, size_t len, size_t *got,
    struct err *err)
{
	char *to = data;
	size_t n = 0;
	int rc = 0;

	*got = 0;
	while (*got < len) {
		rc = take(duplex, &to[*got], len - *got, &n,
		    *got == 0 ? err : NULL);
		if (rc != 0 || n == 0)
			break;
		*got += n;
		if (duplex->parts.tls == NULL)
			break;
	}
	return *got > 0 ? 0 : rc;
}

int
duplex_write(struct duplex *duplex, const void *data, size_t len, size_t *taken,
    struct err *err)
{
	struct duplex_parts *parts = &duplex->parts;

	*taken = 0;
	if (parts->tls != NULL)
		return tls_give(parts->tls, data, len, taken, err);
	return len == 0 ? 0 : sock_give(parts->fd, data, len, taken, err);
}

void
duplex_free(struct duplex *duplex)
{
	if (duplex == NULL)
		return;
	close_parts(&duplex->parts);
	free(duplex);
}
