#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
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
#include "net/sock.h"

enum { ADDRESSES_MAX = 16, PORT_TLS = 443 };

/* One address of the name and the attempt to reach it. */
struct attempt {
	struct sockaddr_storage addr;
	socklen_t len;
	int fd; /* -1 while it has not begun, and when it ended */
	int64_t deadline;
	int error; /* why it ended */
};

struct race {
	const char *host;
	struct attempt list[ADDRESSES_MAX];
	size_t count;
	size_t begun; /* how many of the list */
	size_t running;
	int64_t next_start; /* of the attempt after those begun */
	int64_t deadline;
	int address_ms;
	int winner; /* descriptor, -1 until there is one */
};

static void
add_address(struct race *race, const struct sockaddr *addr, socklen_t len)
{
	struct attempt *attempt;

	if (race->count == ADDRESSES_MAX || len > sizeof race->list[0].addr)
		return;
	attempt = &race->list[race->count++];
	memcpy(&attempt->addr, addr, len);
	attempt->len = len;
	attempt->fd = -1;
}

/* An address in text form; false for anything else. */
static bool
add_literal(struct race *race, const char *text, uint16_t port)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	four.sin_port = htons(port);
	six.sin6_port = htons(port);
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		add_address(race, (struct sockaddr *)&four, sizeof four);
	else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
		add_address(race, (struct sockaddr *)&six, sizeof six);
	else
		return false;
	return true;
}

static int
lookup_failed(int code, struct err *err)
{
	const char *why =
	    code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code);

	(void)sock_fail(err, "cannot resolve the name: %s", why);
	if (err == NULL)
		return -1;
	if (code == EAI_NONAME)
		err->retry = ERR_FINAL;
#ifdef EAI_NODATA
	if (code == EAI_NODATA)
		err->retry = ERR_FINAL;
#endif
	return -1;
}

static void
set_port(struct sockaddr *addr, uint16_t port)
{
	if (addr->sa_family == AF_INET)
		((struct sockaddr_in *)(void *)addr)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)(void *)addr)->sin6_port = htons(port);
}

/*
 * AI_ADDRCONFIG stays off: it hides every address where loopback is the only
 * interface, and an address that cannot be reached fails fast by itself.
 */
static int
lookup(struct race *race, const char *host, uint16_t port, struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int code = getaddrinfo(host, NULL, &hints, &found);

	if (code != 0)
		return lookup_failed(code, err);
	for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
		if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
			continue;
		set_port(at->ai_addr, port);
		add_address(race, at->ai_addr, at->ai_addrlen);
	}
	freeaddrinfo(found);
	if (race->count == 0)
		return lookup_failed(EAI_NONAME, err);
	return 0;
}

static int
resolve(struct race *race, const char *host, uint16_t port, struct err *err)
{
	if (slice_eq_nocase(slice_of(host), "localhost")) {
		(void)add_literal(race, "127.0.0.1", port);
		(void)add_literal(race, "::1", port);
		return 0;
	}
	if (add_literal(race, host, port))
		return 0;
	return lookup(race, host, port, err);
}

static void
log_attempt(const struct race *race, const struct attempt *attempt,
    const char *what)
{
	char text[INET6_ADDRSTRLEN] = "?";
	const void *addr = &attempt->addr;
	const struct sockaddr_in *four = addr;
	const struct sockaddr_in6 *six = addr;

	if (!log_enabled(LOG_DEBUG))
		return;
	addr = attempt->addr.ss_family == AF_INET
	           ? (const void *)&four->sin_addr
	           : (const void *)&six->sin6_addr;
	(void)inet_ntop(attempt->addr.ss_family, addr, text, sizeof text);
	log_debug("connect %s (%s): %s", race->host, text, what);
}

/* The attempt ended without a connection: the next one begins at once. */
static void
lose(struct race *race, struct attempt *attempt, int error)
{
	if (attempt->fd >= 0) {
		(void)close(attempt->fd);
		attempt->fd = -1;
		race->running--;
	}
	attempt->error = error;
	race->next_start = clock_ms();
	log_attempt(race, attempt, strerror(error));
}

static void
win(struct race *race, struct attempt *attempt)
{
	int on = 1;

	race->winner = attempt->fd;
	race->running--;
	attempt->fd = -1;
	(void)setsockopt(race->winner, IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof on);
	log_attempt(race, attempt, "connected");
}

static void
begin(struct race *race)
{
	struct attempt *attempt = &race->list[race->begun++];
	int64_t now = clock_ms();
	int rc;

	race->next_start = now + DIAL_STAGGER_MS;
	attempt->deadline = clock_min(race->deadline, now + race->address_ms);
	attempt->fd = socket(attempt->addr.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0) {
		lose(race, attempt, errno);
		return;
	}
	race->running++;
	rc = connect(attempt->fd, (const struct sockaddr *)&attempt->addr,
	    attempt->len);
	/* After a signal, too, connecting goes on in the background. */
	if (rc == 0)
		win(race, attempt);
	else if (errno != EINPROGRESS && errno != EINTR)
		lose(race, attempt, errno);
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

static int64_t
next_event(const struct race *race)
{
	int64_t when = race->deadline;

	if (race->begun < race->count)
		when = clock_min(when, race->next_start);
	for (size_t i = 0; i < race->begun; i++) {
		if (race->list[i].fd >= 0)
			when = clock_min(when, race->list[i].deadline);
	}
	return when;
}

/* Wait for the next thing to happen, and take note of all that did. */
static int
watch(struct race *race, struct err *err)
{
	struct pollfd set[ADDRESSES_MAX];
	int64_t now;

	/* Descriptors of -1 are ignored by poll(2). */
	for (size_t i = 0; i < race->begun; i++)
		set[i] = (struct pollfd){ .fd = race->list[i].fd,
			.events = POLLOUT };
	if (poll(set, race->begun, clock_left(next_event(race))) < 0 &&
	    errno != EINTR)
		return sock_fail(err, "poll: %s", strerror(errno));
	now = clock_ms();
	for (size_t i = 0; i < race->begun; i++) {
		struct attempt *attempt = &race->list[i];

		if (attempt->fd < 0)
			continue;
		if (set[i].revents != 0)
			settle(race, attempt);
		else if (now >= attempt->deadline)
			lose(race, attempt, ETIMEDOUT);
	}
	return 0;
}

static int
run(struct race *race, struct err *err)
{
	while (race->winner < 0) {
		bool over = clock_left(race->deadline) == 0;
		bool more = race->begun < race->count && !over;

		if (race->running == 0 && !more)
			return 0;
		if (more &&
		    (race->running == 0 || clock_left(race->next_start) == 0))
			begin(race);
		else if (watch(race, err) != 0)
			return -1;
	}
	return 0;
}

static bool
seen_before(const struct race *race, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (race->list[i].error == race->list[index].error)
			return true;
	}
	return false;
}

/* Nobody won: name each reason once. */
static int
all_failed(const struct race *race, struct err *err)
{
	struct buf reasons = { .max = ERR_MSG_MAX };
	bool refused = false;

	for (size_t i = 0; i < race->begun; i++) {
		int error = race->list[i].error;

		refused = refused || error != ETIMEDOUT;
		if (seen_before(race, i))
			continue;
		buf_puts(&reasons, reasons.len > 0 ? ", " : "");
		buf_puts(&reasons,
		    error == ETIMEDOUT ? "timed out" : strerror(error));
	}
	(void)(refused ? sock_fail(err, "%s", buf_str(&reasons))
	               : sock_timed_out(err));
	buf_free(&reasons);
	return -1;
}

static void
finish(struct race *race)
{
	for (size_t i = 0; i < race->begun; i++) {
		if (race->list[i].fd >= 0)
			(void)close(race->list[i].fd);
	}
}

/* Put "connect HOST: " before the message; the port only if it is not the
 * usual one. */
static int
name_peer(struct err *err, const char *host, uint16_t port)
{
	struct buf text = { 0 };

	buf_printf(&text,
	    slice_has(slice_of(host), ':') ? "connect [%s]" : "connect %s",
	    host);
	if (port != PORT_TLS)
		buf_printf(&text, ":%u", (unsigned)port);
	(void)err_wrap(err, buf_str(&text));
	buf_free(&text);
	return -1;
}

int
dial_tcp(const struct dial_target *target, int64_t deadline, int *fd,
    struct err *err)
{
	struct race race = {
		.host = target->host, .deadline = deadline, .winner = -1
	};
	int rc;

	race.address_ms =
	    target->address_ms > 0 ? target->address_ms : DIAL_ADDRESS_MS;
	if (resolve(&race, target->host, target->port, err) != 0)
		return name_peer(err, target->host, target->port);
	rc = run(&race, err);
	finish(&race);
	if (rc == 0 && race.winner < 0)
		rc = all_failed(&race, err);
	if (rc != 0)
		return name_peer(err, target->host, target->port);
	*fd = race.winner;
	return 0;
}
