/* SPDX-License-Identifier: MIT */
#include "serve/dialer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "mgs/deny.h"
#include "net/cidr.h"
#include "net/sock.h"

static const struct cidr_address here[] = {
	{ .bytes = { 127, 0, 0, 1 }, .size = 4 },
	{ .bytes = { [15] = 1 }, .size = 16 },
};

static int
failed(struct err *err)
{
	return err_sys(err, ERR_KIND_CONNECTION,
	    "Unable to connect to specified port");
}

/* Every byte goes at once: what comes in frames is a whole already. */
static int
open_socket(const struct cidr_address *to, uint16_t port)
{
	int fd = sock_open(to, port, SOCK_STREAM), on = 1;

	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static int
refuse(const struct ask *ask, struct err *err)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(ask->address_size == 4 ? AF_INET : AF_INET6, ask->address,
	    text, sizeof text);
	return deny_say(text, err);
}

int
dialer_begin(struct dialer *dialer, const struct ask *ask, struct err *err)
{
	struct cidr_address to = here[0];
	struct dialer_one one = {
		.id = ask->id,
		.port = ask->port,
		.more = ask->address_size == 0,
		.until = clock_in(DIALER_MS),
	};

	if (dialer->count == DIALER_MAX)
		return err_set(err, ERR_KIND_CONNECTION,
		    "too many connections at once");
	if (ask->address_size > 0) {
		if (deny_address(ask->address, ask->address_size))
			return refuse(ask, err);
		to.size = (unsigned char)ask->address_size;
		memcpy(to.bytes, ask->address, sizeof to.bytes);
		to.scope = ask->scope;
	}
	one.fd = open_socket(&to, one.port);
	if (one.fd < 0 && one.more) {
		one.more = false;
		one.fd = open_socket(&here[1], one.port);
	}
	if (one.fd < 0)
		return failed(err);
	dialer->at[dialer->count++] = one;
	return 0;
}

static void
remove_at(struct dialer *dialer, size_t i)
{
	dialer->at[i] = dialer->at[--dialer->count];
}

void
dialer_drop(struct dialer *dialer, uint32_t id)
{
	for (size_t i = dialer->count; i-- > 0;) {
		if (dialer->at[i].id == id) {
			close(dialer->at[i].fd);
			remove_at(dialer, i);
		}
	}
}

size_t
dialer_poll(const struct dialer *dialer, struct pollfd fds[static DIALER_MAX])
{
	for (size_t i = 0; i < dialer->count; i++) {
		fds[i] = (struct pollfd){
			.fd = dialer->at[i].fd,
			.events = POLLOUT,
		};
	}
	return dialer->count;
}

int64_t
dialer_due(const struct dialer *dialer)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < dialer->count; i++)
		due = clock_min(due, dialer->at[i].until);
	return due;
}

/* Whether it is over: 0 it is connected, else errno; -1 not yet. */
static int
outcome(const struct dialer_one *one)
{
	struct pollfd poll_one = { .fd = one->fd, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof error;

	if (poll(&poll_one, 1, 0) <= 0)
		return clock_left(one->until) == 0 ? ETIMEDOUT : -1;
	if (getsockopt(one->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		return errno;
	return error;
}

/* Of this host both addresses are tried. */
static bool
try_other(struct dialer_one *one)
{
	int fd;

	if (!one->more)
		return false;
	one->more = false;
	fd = open_socket(&here[1], one->port);
	if (fd < 0)
		return false;
	close(one->fd);
	one->fd = fd;
	return true;
}

bool
dialer_next(struct dialer *dialer, uint32_t *id, int *fd, struct err *err)
{
	for (size_t i = 0; i < dialer->count; i++) {
		struct dialer_one *one = &dialer->at[i];
		int error = outcome(one);

		if (error < 0 || (error > 0 && try_other(one)))
			continue;
		*id = one->id;
		*fd = error == 0 ? one->fd : -1;
		if (error > 0) {
			close(one->fd);
			errno = error;
			failed(err);
		}
		remove_at(dialer, i);
		return true;
	}
	return false;
}
