#include "net/resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/slice.h"
#include "net/cidr.h"
#include "net/dns_msg.h"
#include "net/resolve_conf.h"
#include "net/sock.h"

enum {
	PORT = 53,
	TYPES = 2, /* A and AAAA */
	SOCKETS = TYPES * RESOLVE_CONF_SERVERS,
	FILE_MAX = 16 << 20,
	UDP_MAX = 1500,
	TCP_MAX = 4096,  /* more than DNS_MSG_ADDRESSES_MAX need */
	SEARCH_MAX = 32, /* domains */
	LATE_MS = 1000,  /* how long the rest may take once IPv4 is there */
};

/* Both bits of ask.done; the one that is enough once it has addresses; those
 * of ask.waiting that belong to the first type. */
enum { ALL_TYPES = 3, IPV4 = 1, SOCKETS_OF_TYPE = 0x15 };

/* The first byte of private (fc00::/7) and link-local (fe80::/10) addresses is
 * not below. */
enum { PRIVATE = 0xfc };

struct ask {
	struct resolve_conf conf;
	struct cidr_list *out;
	int64_t deadline;
	int64_t end; /* of this round, never after the deadline */
	struct dns_msg_question question[TYPES];
	/* Server i / TYPES and type i % TYPES, connected, so that nobody else
	 * is heard; one port each, as some routers lose the second of two
	 * questions from one port. */
	struct pollfd sockets[SOCKETS];
	unsigned waiting; /* bit i: an answer is to come */
	unsigned done;    /* bit type: answered */
	unsigned failed;  /* how often a server could not tell */
	bool exists;      /* there is a name, at least without addresses */
};

static struct slice
read_file(const char *path, struct buf *text)
{
	struct err err = { 0 };

	/* That of another user is as good as none. */
	text->max = FILE_MAX;
	if (file_read(path, text, &err) == FILE_FAILED)
		log_debug("%s", err.msg);
	return slice_make(text->data, text->len);
}

static int
read_whole(int fd, char *data, size_t len, int64_t deadline)
{
	size_t got = 1;

	for (size_t at = 0; at < len; at += got) {
		if (sock_read(fd, &data[at], len - at, &got, deadline, NULL) !=
		        0 ||
		    got == 0)
			return -1;
	}
	return 0;
}

static enum dns_msg_what
ask_tcp(struct ask *ask, size_t i)
{
	const struct dns_msg_question *question = &ask->question[i % TYPES];
	enum dns_msg_what what = DNS_MSG_FAILED;
	char data[TCP_MAX];
	size_t len;
	int fd = sock_open(&ask->conf.servers[i / TYPES], PORT, SOCK_STREAM);

	if (fd < 0)
		return what;
	if (sock_write(fd, question->bytes, question->len, ask->end, NULL) ==
	        0 &&
	    read_whole(fd, data, DNS_MSG_LENGTH, ask->end) == 0) {
		len = (size_t)((unsigned char)data[0] << 8 |
		               (unsigned char)data[1]);
		/* Of a longer one the beginning is enough. */
		if (len > sizeof data)
			len = sizeof data;
		if (read_whole(fd, data, len, ask->end) == 0)
			what = dns_msg_read(slice_make(data, len), question,
			    ask->out);
	}
	(void)close(fd);
	return what;
}

/* Read an answer; what was truncated is better than nothing. */
static enum dns_msg_what
read_answer(struct ask *ask, size_t i, struct slice answer)
{
	struct cidr_list *out = ask->out;
	size_t before = out->count, cut;
	enum dns_msg_what what =
	    dns_msg_read(answer, &ask->question[i % TYPES], out);

	if (what != DNS_MSG_CUT)
		return what;
	cut = out->count;
	out->count = before;
	what = ask_tcp(ask, i);
	if (what >= DNS_MSG_GOOD)
		return what;
	out->count = cut;
	return cut > before ? DNS_MSG_GOOD : DNS_MSG_FAILED;
}

/* A datagram of the server, or news of it. */
static void
hear(struct ask *ask, size_t i)
{
	unsigned type = i % TYPES;
	char data[UDP_MAX];
	ssize_t len = recv(ask->sockets[i].fd, data, sizeof data, 0);
	enum dns_msg_what what = DNS_MSG_FAILED;

	if (len >= 0 && (ask->waiting >> i & 1) != 0) {
		what = read_answer(ask, i, slice_make(data, (size_t)len));
		if (what == DNS_MSG_FOREIGN)
			return;
		ask->failed += what < DNS_MSG_GOOD;
	}
	ask->waiting &= ~(1U << i);
	if (what < DNS_MSG_GOOD)
		return;
	if (what == DNS_MSG_GOOD)
		ask->exists = true;
	ask->done |= 1U << type;
	ask->waiting &= ~((unsigned)SOCKETS_OF_TYPE << type);
	if (type == 0 && ask->out->count > 0)
		ask->end = clock_min(ask->end, clock_in(LATE_MS));
}

static void
ask_once(struct ask *ask)
{
	ask->waiting = 0;
	ask->end = clock_min(ask->deadline,
	    clock_in((int64_t)ask->conf.timeout * 1000 / 2));
	for (size_t i = 0; i < SOCKETS; i++) {
		const struct dns_msg_question *question =
		    &ask->question[i % TYPES];

		/* A refusal of the datagram before may be told now. */
		if ((ask->done >> i % TYPES & 1) == 0 &&
		    send(ask->sockets[i].fd, &question->bytes[DNS_MSG_LENGTH],
		        question->len - DNS_MSG_LENGTH, MSG_NOSIGNAL) >= 0)
			ask->waiting |= 1U << i;
	}
	while (ask->waiting != 0 && clock_left(ask->end) > 0) {
		if (poll(ask->sockets, SOCKETS, clock_left(ask->end)) < 0 &&
		    errno != EINTR)
			return;
		for (size_t i = 0; i < SOCKETS; i++) {
			if (ask->sockets[i].revents != 0)
				hear(ask, i);
		}
	}
}

static int
open_socket(const struct ask *ask, size_t i)
{
	size_t server = i / TYPES;

	return server < ask->conf.count
	           ? sock_open(&ask->conf.servers[server], PORT, SOCK_DGRAM)
	           : -1;
}

static bool
is_over(const struct ask *ask)
{
	return ask->done == ALL_TYPES ||
	       ((ask->done & IPV4) != 0 && ask->out->count > 0);
}

/* Ask for one name; true if there is no use in asking for others, since it
 * has addresses or nobody answers. */
static bool
ask_name(struct ask *ask, struct slice name, struct slice domain,
    struct err *err)
{
	static const unsigned char types[TYPES] = { DNS_MSG_A, DNS_MSG_AAAA };
	unsigned char id[TYPES][DNS_MSG_ID];
	unsigned failed = ask->failed;

	if (rng_fill(id, sizeof id, err) != 0)
		return true;
	for (size_t i = 0; i < TYPES; i++) {
		if (!dns_msg_ask(&ask->question[i], id[i], types[i], name,
		        domain))
			return false;
	}
	for (size_t i = 0; i < SOCKETS; i++)
		ask->sockets[i] = (struct pollfd){ .fd = open_socket(ask, i),
			.events = POLLIN };
	ask->done = 0;
	for (uint64_t i = 0; i < 2 * ask->conf.attempts && !is_over(ask); i++)
		ask_once(ask);
	for (size_t i = 0; i < SOCKETS; i++) {
		if (ask->sockets[i].fd >= 0)
			(void)close(ask->sockets[i].fd);
	}
	return ask->out->count > 0 ||
	       (ask->done != ALL_TYPES && ask->failed == failed);
}

static bool
search(struct ask *ask, struct slice name, struct err *err)
{
	struct slice domains = ask->conf.search, none = { 0 }, domain;
	bool first = slice_ends(name, ".");
	uint64_t dots = 0;

	if (first)
		domains = none;
	for (size_t i = 0; i < name.len; i++)
		dots += name.ptr[i] == '.';
	first = first || dots >= ask->conf.ndots;
	if (first && ask_name(ask, name, none, err))
		return true;
	for (size_t i = 0;
	     i < SEARCH_MAX && resolve_conf_word(&domains, &domain); i++) {
		if (ask_name(ask, name, domain, err))
			return true;
	}
	return !first && ask_name(ask, name, none, err);
}

/* Why there are no addresses. */
static const char *
verdict(const struct ask *ask, bool over)
{
	if (over)
		return "the name servers do not answer";
	if (ask->failed > 0)
		return "the name servers cannot tell";
	return ask->exists ? "it has no address" : "it does not exist";
}

static int
ask_servers(struct slice name, int64_t deadline, struct cidr_list *out,
    struct err *err)
{
	struct buf text = { 0 };
	struct ask ask = { .out = out, .deadline = deadline };
	bool over;

	resolve_conf_read(&ask.conf, read_file("/etc/resolv.conf", &text));
	over = search(&ask, name, err);
	buf_free(&text);
	if (out->count > 0)
		return 0;
	(void)sock_fail(err, verdict(&ask, over));
	if (!over && ask.failed == 0 && err != NULL)
		err->retry = ERR_FINAL;
	return err_wrap(err, "cannot resolve the name");
}

/* What makes an address worse than any that has less of it. */
static unsigned
badness(const struct cidr_address *address)
{
	struct sockaddr_in6 from = { 0 };
	socklen_t len = sizeof from;
	/* Connecting a datagram socket asks for the route, and sends nothing.
	 */
	int fd = sock_open(address, PORT, SOCK_DGRAM);
	bool bad;

	if (fd < 0)
		return 4 * CIDR_LIST_MAX;
	bad = getsockname(fd, (struct sockaddr *)&from, &len) == 0 &&
	      from.sin6_family == AF_INET6 &&
	      (from.sin6_addr.s6_addr[0] < PRIVATE) !=
	          (address->bytes[0] < PRIVATE);
	(void)close(fd);
	return bad ? 2 * CIDR_LIST_MAX : 0;
}

static void
sort(struct cidr_list *list)
{
	unsigned key[CIDR_LIST_MAX], seen[2] = { 0, 0 };

	for (size_t i = 0; i < list->count; i++) {
		struct cidr_address one = list->at[i];
		unsigned four = one.size == 4;
		unsigned mine = badness(&one) + 2 * seen[four]++ + four;
		size_t at = i;

		for (; at > 0 && key[at - 1] > mine; at--) {
			key[at] = key[at - 1];
			list->at[at] = list->at[at - 1];
		}
		key[at] = mine;
		list->at[at] = one;
	}
}

static bool
is_below_localhost(struct slice name)
{
	static const char domain[] = ".localhost";
	size_t len = sizeof domain - 1;

	return name.len > len &&
	       slice_eq_nocase(slice_skip(name, name.len - len), domain);
}

int
resolve_host(const char *host, int64_t deadline, struct cidr_list *out,
    struct err *err)
{
	static const unsigned char loopback[16] = { [15] = 1 };
	struct slice name = slice_of(host);
	struct slice bare = slice_head(name, name.len - slice_ends(name, "."));
	bool local = slice_eq_nocase(bare, "localhost");
	struct cidr_address address;
	struct buf text = { 0 };

	if (cidr_read(&address, name)) {
		cidr_add(out, address.bytes, address.size);
		return 0;
	}
	if (!local)
		resolve_conf_hosts(read_file("/etc/hosts", &text), bare, out);
	buf_free(&text);
	if (out->count == 0 && (local || is_below_localhost(bare))) {
		cidr_add(out, "\x7f\0\0\1", 4);
		cidr_add(out, loopback, sizeof loopback);
		return 0;
	}
	if (out->count == 0 && ask_servers(name, deadline, out, err) != 0)
		return -1;
	sort(out);
	return 0;
}
