/* SPDX-License-Identifier: MIT */
#include "net/resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
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
#include "net/url.h"

enum {
	PORT = 53,
	TYPES = 2, /* A and AAAA */
	SOCKETS = TYPES * RESOLVE_CONF_SERVERS,
	FILE_MAX = 16 << 20,
	LENGTH = 2, /* bytes that say over TCP how long the message is */
	UDP_MAX = 1500,
	TCP_MAX = 4096,  /* more than DNS_MSG_ADDRESSES_MAX need */
	SEARCH_MAX = 32, /* domains */
	LATE_MS = 1000,  /* how long the rest may take once IPv4 is there */
};

/* Private (fc00::/7) and link-local (fe80::/10) addresses begin with a byte
 * from this one up. */
enum { PRIVATE = 0xfc };

struct ask {
	struct resolve_conf conf;
	struct cidr_list *out;
	int64_t deadline;
	int64_t end; /* of this round, never after the deadline */
	struct dns_msg_question question[TYPES];
	/* Server i / TYPES and type i % TYPES, connected, so that nobody else
	 * is heard; one port each, as some routers lose the second of two
	 * questions from one port; open while an answer is to come. */
	struct pollfd sockets[SOCKETS];
	bool done[TYPES]; /* answered */
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

/* Link-local servers are reached by an interface. */
static void
find_zones(struct resolve_conf *conf)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < conf->count; i++) {
		if (conf->zones[i].len > 0 && text.len == 0)
			read_file("/proc/net/if_inet6", &text);
		conf->servers[i].scope =
		    resolve_conf_zone(slice_make(text.data, text.len),
		        conf->zones[i]);
	}
	buf_free(&text);
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
ask_tcp(const struct ask *ask, size_t i)
{
	const struct dns_msg_question *question = &ask->question[i % TYPES];
	enum dns_msg_what what = DNS_MSG_FAILED;
	char data[TCP_MAX] = { (char)(question->len >> 8),
		(char)question->len };
	size_t len = LENGTH + question->len;
	int fd = sock_open(&ask->conf.servers[i / TYPES], PORT, SOCK_STREAM);

	memcpy(&data[LENGTH], question->bytes, question->len);
	if (fd >= 0 && sock_write(fd, data, len, ask->end, NULL) == 0 &&
	    read_whole(fd, data, LENGTH, ask->end) == 0) {
		len = (size_t)((unsigned char)data[0] << 8 |
		               (unsigned char)data[1]);
		/* Of a longer one the beginning is enough. */
		if (len > sizeof data)
			len = sizeof data;
		if (read_whole(fd, data, len, ask->end) == 0)
			what = dns_msg_read(slice_make(data, len), question,
			    ask->out);
	}
	file_close(&fd);
	return what;
}

/* Read an answer; what was truncated is better than nothing. */
static enum dns_msg_what
read_answer(const struct ask *ask, size_t i, struct slice answer)
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
	size_t type = i % TYPES;
	char data[UDP_MAX];
	ssize_t len = recv(ask->sockets[i].fd, data, sizeof data, 0);
	enum dns_msg_what what = DNS_MSG_FAILED;

	if (len >= 0) {
		what = read_answer(ask, i, slice_make(data, (size_t)len));
		if (what == DNS_MSG_FOREIGN)
			return;
		ask->failed += what < DNS_MSG_GOOD;
	}
	file_close(&ask->sockets[i].fd);
	if (what < DNS_MSG_GOOD)
		return;
	if (what == DNS_MSG_GOOD)
		ask->exists = true;
	ask->done[type] = true;
	for (i = type; i < SOCKETS; i += TYPES)
		file_close(&ask->sockets[i].fd);
	if (type == 0 && ask->out->count > 0)
		ask->end = clock_min(ask->end, clock_in(LATE_MS));
}

/* Send the question; a refusal of the datagram before may be told now. */
static void
send_question(struct ask *ask, size_t i)
{
	const struct dns_msg_question *question = &ask->question[i % TYPES];
	int *fd = &ask->sockets[i].fd;

	if (i / TYPES >= ask->conf.count || ask->done[i % TYPES])
		return;
	if (*fd < 0)
		*fd =
		    sock_open(&ask->conf.servers[i / TYPES], PORT, SOCK_DGRAM);
	if (*fd >= 0 &&
	    send(*fd, question->bytes, question->len, MSG_NOSIGNAL) < 0)
		file_close(fd);
}

static bool
is_waiting(const struct ask *ask)
{
	for (size_t i = 0; i < SOCKETS; i++) {
		if (ask->sockets[i].fd >= 0)
			return true;
	}
	return false;
}

static void
ask_once(struct ask *ask)
{
	ask->end = clock_min(ask->deadline,
	    clock_in((int64_t)ask->conf.timeout * 1000 / 2));
	for (size_t i = 0; i < SOCKETS; i++)
		send_question(ask, i);
	while (is_waiting(ask) && clock_left(ask->end) > 0) {
		if (poll(ask->sockets, SOCKETS, clock_left(ask->end)) < 0 &&
		    errno != EINTR)
			return;
		for (size_t i = 0; i < SOCKETS; i++) {
			if (ask->sockets[i].fd >= 0 &&
			    ask->sockets[i].revents != 0)
				hear(ask, i);
		}
	}
}

static bool
is_over(const struct ask *ask)
{
	return ask->done[0] && (ask->done[1] || ask->out->count > 0);
}

/* Ask for one name; true if there is no use in asking for others, since it
 * has addresses or nobody answers. */
static bool
ask_name(struct ask *ask, struct slice name, struct slice domain,
    uint64_t attempts, struct err *err)
{
	static const unsigned char types[TYPES] = { DNS_MSG_A, DNS_MSG_AAAA };
	uint16_t id[TYPES];
	unsigned failed = ask->failed;

	if (rng_fill(id, sizeof id, err) != 0)
		return true;
	for (size_t i = 0; i < TYPES; i++) {
		if (!dns_msg_ask(&ask->question[i], id[i], types[i], name,
		        domain))
			return false;
	}
	for (size_t i = 0; i < SOCKETS; i++)
		ask->sockets[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	ask->done[0] = ask->done[1] = false;
	for (uint64_t i = 0; i < 2 * attempts && !is_over(ask); i++)
		ask_once(ask);
	for (size_t i = 0; i < SOCKETS; i++)
		file_close(&ask->sockets[i].fd);
	return ask->out->count > 0 ||
	       (!(ask->done[0] && ask->done[1]) && ask->failed == failed);
}

/* Ask in the domains; as ask_name().  A silent one says nothing about the name
 * as it is, which then comes next, as with glibc; one with dots is likely to be
 * whole, and does not wait long for that. */
static bool
search_domains(struct ask *ask, struct slice name, bool last, struct err *err)
{
	struct slice domains = ask->conf.search, domain;
	uint64_t attempts = slice_has(name, '.') ? 1 : ask->conf.attempts;

	if (last)
		attempts = ask->conf.attempts;
	for (size_t i = 0;
	     i < SEARCH_MAX && resolve_conf_word(&domains, &domain); i++) {
		if (!ask_name(ask, name, domain, attempts, err))
			continue;
		if (last || ask->out->count > 0)
			return true;
		ask->failed++;
		return false;
	}
	return false;
}

/* whole: no domain is to be put behind the name. */
static bool
search(struct ask *ask, struct slice name, bool whole, struct err *err)
{
	struct slice none = { 0 };
	uint64_t dots = 0;
	bool first;

	for (size_t i = 0; i < name.len; i++)
		dots += name.ptr[i] == '.';
	first = whole || dots >= ask->conf.ndots;
	if (first && ask_name(ask, name, none, ask->conf.attempts, err))
		return true;
	if (!whole && search_domains(ask, name, first, err))
		return true;
	return !first && ask_name(ask, name, none, ask->conf.attempts, err);
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
ask_servers(struct slice name, bool whole, int64_t deadline,
    struct cidr_list *out, struct err *err)
{
	struct buf text = { 0 };
	struct ask ask = { .out = out, .deadline = deadline };
	bool over;

	resolve_conf_read(&ask.conf, read_file("/etc/resolv.conf", &text));
	find_zones(&ask.conf);
	over = search(&ask, name, whole || slice_ends(name, "."), err);
	buf_free(&text);
	if (out->count > 0)
		return 0;
	sock_fail(err, verdict(&ask, over));
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
	close(fd);
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

int
resolve_host(const char *host, bool whole, int64_t deadline,
    struct cidr_list *out, struct err *err)
{
	static const unsigned char loopback[16] = { [15] = 1 };
	struct slice name = slice_of(host);
	struct slice bare = url_bare(host);
	struct slice last = bare, rest;
	struct cidr_address address;
	struct buf text = { 0 };

	if (cidr_read(&address, name)) {
		cidr_add(out, address.bytes, address.size);
		return 0;
	}
	if (!slice_eq_nocase(bare, "localhost"))
		resolve_conf_hosts(read_file("/etc/hosts", &text), bare, out);
	buf_free(&text);
	slice_rsplit(bare, '.', &rest, &last);
	if (out->count == 0 && slice_eq_nocase(last, "localhost")) {
		cidr_add(out, "\x7f\0\0\1", 4);
		cidr_add(out, loopback, sizeof loopback);
		return 0;
	}
	if (out->count == 0 &&
	    ask_servers(name, whole, deadline, out, err) != 0)
		return -1;
	sort(out);
	return 0;
}
