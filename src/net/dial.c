/* SPDX-License-Identifier: MIT */
#include "net/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "net/cidr.h"
#include "net/resolve.h"
#include "net/sock.h"
#include "net/url.h"

enum { PORT_TLS = 443 };

/* The attempt to reach one address. */
struct attempt {
	int fd; /* -1 while it has not begun, and when it ended */
	int64_t deadline;
};

struct race {
	const struct dial_target *target;
	struct cidr_list addresses;
	struct attempt list[CIDR_LIST_MAX]; /* one for each address */
	size_t begun;                       /* how many of the list */
	size_t running;
	int64_t next_start; /* of the attempt after those begun */
	int64_t deadline;
	int winner;         /* descriptor, -1 until there is one */
	bool refused;       /* one ended for another reason than time */
	struct buf reasons; /* why attempts ended, each once */
};

static void
note(const struct race *race, const struct attempt *attempt, const char *what)
{
	const struct cidr_address *address =
	    &race->addresses.at[attempt - race->list];

	log_debug("connect %s (%s): %s", race->target->host,
	    address->size == 4 ? "IPv4" : "IPv6", what);
}

/* The attempt ended without a connection: the next one begins at once. */
static void
lose(struct race *race, struct attempt *attempt, int error)
{
	const char *why = error == ETIMEDOUT ? "timed out" : strerror(error);
	struct buf *all = &race->reasons;

	note(race, attempt, why);
	if (slice_find(slice_of(buf_str(all)), why) < 0)
		buf_printf(all, all->len > 0 ? ", %s" : "%s", why);
	race->refused = race->refused || error != ETIMEDOUT;
	race->next_start = 0;
	if (attempt->fd < 0)
		return;
	close(attempt->fd);
	attempt->fd = -1;
	race->running--;
}

static void
win(struct race *race, struct attempt *attempt)
{
	int on = 1;

	note(race, attempt, "connected");
	race->winner = attempt->fd;
	attempt->fd = -1;
	setsockopt(race->winner, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void
begin(struct race *race)
{
	struct attempt *attempt = &race->list[race->begun];
	int limit = race->target->address_ms;
	int64_t now = clock_ms();

	race->next_start = now + DIAL_STAGGER_MS;
	attempt->deadline = clock_min(race->deadline,
	    now + (limit > 0 ? limit : DIAL_ADDRESS_MS));
	attempt->fd = sock_open(&race->addresses.at[race->begun++],
	    race->target->port, SOCK_STREAM);
	if (attempt->fd < 0)
		lose(race, attempt, errno);
	else
		race->running++;
}

/* Look at an attempt that poll(2) has news of. */
static void
settle(struct race *race, struct attempt *attempt)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0)
		lose(race, attempt, error);
	else if (race->winner < 0)
		win(race, attempt);
}

/* Wait for the next thing to happen, and take note of all that did. */
static int
watch(struct race *race, struct err *err)
{
	struct pollfd set[CIDR_LIST_MAX];
	int64_t next = race->deadline;

	if (race->begun < race->addresses.count)
		next = clock_min(next, race->next_start);
	/* Descriptors of -1 are ignored by poll(2). */
	for (size_t i = 0; i < race->begun; i++) {
		set[i] = (struct pollfd){ .fd = race->list[i].fd,
			.events = POLLOUT };
		if (set[i].fd >= 0)
			next = clock_min(next, race->list[i].deadline);
	}
	if (poll(set, race->begun, clock_left(next)) < 0 && errno != EINTR)
		return sock_failed(err);
	for (size_t i = 0; i < race->begun; i++) {
		struct attempt *attempt = &race->list[i];

		if (attempt->fd < 0)
			continue;
		if (set[i].revents != 0)
			settle(race, attempt);
		else if (clock_left(attempt->deadline) == 0)
			lose(race, attempt, ETIMEDOUT);
	}
	return 0;
}

static int
run(struct race *race, struct err *err)
{
	while (race->winner < 0) {
		bool over = clock_left(race->deadline) == 0;
		bool more = race->begun < race->addresses.count && !over;

		if (race->running == 0 && !more) {
			return race->refused
			           ? sock_fail(err, buf_str(&race->reasons))
			           : sock_timed_out(err);
		}
		if (more &&
		    (race->running == 0 || clock_left(race->next_start) == 0))
			begin(race);
		else if (watch(race, err) != 0)
			return -1;
	}
	return 0;
}

static void
finish(struct race *race)
{
	for (size_t i = 0; i < race->begun; i++) {
		if (race->list[i].fd >= 0)
			close(race->list[i].fd);
	}
	buf_free(&race->reasons);
}

/* Put "connect HOST: " before the message; the port only if it is not the
 * usual one. */
static void
name_peer(struct err *err, const struct dial_target *target)
{
	struct buf text = { 0 };

	buf_puts(&text, "connect ");
	url_add_host(&text, target->host, target->port, PORT_TLS);
	err_wrap(err, buf_str(&text));
	buf_free(&text);
}

int
dial_tcp(const struct dial_target *target, int64_t deadline, int *fd,
    struct err *err)
{
	struct race race = {
		.target = target, .deadline = deadline, .winner = -1
	};
	int rc = resolve_host(target->host, target->whole, deadline,
	    &race.addresses, err);

	if (rc == 0)
		rc = run(&race, err);
	finish(&race);
	if (rc == 0)
		*fd = race.winner;
	else
		name_peer(err, target);
	return rc;
}
