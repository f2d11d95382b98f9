/* SPDX-License-Identifier: MIT */
#include "net/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/cidr.h"

int
sock_open(const struct cidr_address *to, uint16_t port, int type)
{
	bool six = to->size > 4;
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} peer = { .six = { 0 } };
	int error;
	int fd;

	/* Both families have family and port in the same places. */
	peer.four.sin_family = six ? AF_INET6 : AF_INET;
	peer.four.sin_port = htons(port);
	memcpy(six ? (void *)&peer.six.sin6_addr : &peer.four.sin_addr,
	    to->bytes, to->size);
	if (six)
		peer.six.sin6_scope_id = to->scope;
	fd = socket(peer.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	/* More room than the family needs is fine.  After a signal, too,
	 * connecting goes on in the background. */
	if (connect(fd, &peer.any, sizeof peer) == 0 || errno == EINPROGRESS ||
	    errno == EINTR)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int
sock_fail(struct err *err, const char *why)
{
	err_set(err, ERR_KIND_CONNECTION, "%s", why);
	if (err != NULL)
		err->retry = ERR_TRANSIENT;
	return -1;
}

int
sock_failed(struct err *err)
{
	return sock_fail(err, strerror(errno));
}

int
sock_timed_out(struct err *err)
{
	sock_fail(err, "timed out");
	if (err != NULL)
		err->timed_out = true;
	return -1;
}

int
sock_wait(int fd, short events, int64_t deadline, struct err *err)
{
	struct pollfd set = { .fd = fd, .events = events };
	int left, n;

	for (;;) {
		left = clock_left(deadline);
		n = poll(&set, 1, left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return sock_failed(err);
		if (n == 0 && left == 0)
			return sock_timed_out(err);
	}
}

int
sock_wrap(struct err *err, const char *what, const char *host)
{
	char text[ERR_MSG_MAX];

	snprintf(text, sizeof text, "%s %s", what, host);
	return err_wrap(err, text);
}

/* Read to in, or write from out, whichever is there; the number of bytes, or
 * -1. */
static ssize_t
transfer(int fd, void *in, const void *out, size_t len, int64_t deadline,
    struct err *err)
{
	short events = out != NULL ? POLLOUT : POLLIN;
	ssize_t n;

	if (clock_left(deadline) == 0)
		return sock_timed_out(err);
	for (;;) {
		/* The peer's end may be closed: EPIPE, not a signal. */
		n = out != NULL ? send(fd, out, len, MSG_NOSIGNAL)
		                : recv(fd, in, len, 0);
		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return sock_failed(err);
		if (sock_wait(fd, events, deadline, err) != 0)
			return -1;
	}
}

int
sock_read(int fd, void *data, size_t len, size_t *got, int64_t deadline,
    struct err *err)
{
	ssize_t n = transfer(fd, data, NULL, len, deadline, err);

	if (n < 0)
		return -1;
	*got = (size_t)n;
	return 0;
}

int
sock_send(int fd, const void *data, size_t len, size_t *sent, int64_t deadline,
    struct err *err)
{
	ssize_t n = transfer(fd, NULL, data, len, deadline, err);

	if (n < 0)
		return -1;
	*sent = (size_t)n;
	return 0;
}

int
sock_write(int fd, const void *data, size_t len, int64_t deadline,
    struct err *err)
{
	struct slice rest = slice_make(data, len);
	size_t sent = 0;

	while (rest.len > 0) {
		if (sock_send(fd, rest.ptr, rest.len, &sent, deadline, err) !=
		    0)
			return -1;
		rest = slice_skip(rest, sent);
	}
	return 0;
}

/* Read to in, or write from out; 0 bytes when that would wait. */
static ssize_t
try_transfer(int fd, void *in, const void *out, size_t len)
{
	ssize_t n;

	do {
		n = out != NULL ? send(fd, out, len, MSG_NOSIGNAL)
		                : recv(fd, in, len, 0);
	} while (n < 0 && errno == EINTR);
	return n;
}

int
sock_take(int fd, void *data, size_t len, size_t *got, struct err *err)
{
	ssize_t n = try_transfer(fd, data, NULL, len);

	*got = n > 0 ? (size_t)n : 0;
	if (n >= 0)
		return n == 0 ? 1 : 0;
	return errno == EAGAIN ? 0 : sock_failed(err);
}

int
sock_give(int fd, const void *data, size_t len, size_t *sent, struct err *err)
{
	ssize_t n = try_transfer(fd, NULL, data, len);

	*sent = n > 0 ? (size_t)n : 0;
	if (n >= 0)
		return 0;
	return errno == EAGAIN ? 0 : sock_failed(err);
}

bool
sock_quiet(int fd)
{
	struct pollfd set = { .fd = fd, .events = POLLIN };

	return poll(&set, 1, 0) == 0;
}
