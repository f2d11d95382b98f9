/* SPDX-License-Identifier: MIT */
/*
 * A name looked up over UDP and TCP, with the sockets, the files and the
 * random numbers of the test: resolv.conf and the name, with NUL bytes behind
 * them, then what the servers send, a byte for each length before it.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "net/sock.h"

enum { INPUT_MAX = 4096, NAME_SIZE = 256, LIMIT_MS = 20000, PEERS_MAX = 900 };
enum { PACKETS = 2, CONF_MAX = 512 };

static struct slice conf_text, packets;
static int peers[PEERS_MAX];
static size_t peer_count;

static void
send_packet(int fd)
{
	size_t len = packets.len > 0 ? (unsigned char)packets.ptr[0] : 0;
	struct slice packet = slice_head(slice_skip(packets, 1), len);

	packets = slice_skip(packets, 1 + len);
	if (packet.len > 0)
		require(write(fd, packet.ptr, packet.len) ==
		        (ssize_t)packet.len);
}

/* A socket whose other end has said all that it will. */
static int
fuzz_open(const struct cidr_address *to, uint16_t port, int type)
{
	int fds[2];
	int kind = type == SOCK_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;

	(void)to;
	(void)port;
	if (peer_count == PEERS_MAX)
		return -1;
	require(socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, fds) == 0);
	peers[peer_count++] = fds[1];
	for (int i = 0; i < PACKETS; i++)
		send_packet(fds[1]);
	require(shutdown(fds[1], SHUT_WR) == 0);
	return fds[0];
}

/* The end is news of the server, not a datagram without bytes. */
static ssize_t
fuzz_receive(int fd, void *data, size_t len, int flags)
{
	ssize_t n = recv(fd, data, len, flags);

	return n == 0 ? -1 : n;
}

static enum file_found
fuzz_file(const char *path, struct buf *out, struct err *err)
{
	(void)err;
	if (strcmp(path, "/etc/resolv.conf") != 0)
		return FILE_ABSENT;
	buf_add(out, conf_text.ptr, conf_text.len);
	return FILE_FOUND;
}

static int
fuzz_random(void *out, size_t len, struct err *err)
{
	(void)err;
	memset(out, 1, len);
	return 0;
}

#define sock_open fuzz_open
#define file_read fuzz_file
#define rng_fill  fuzz_random
#define recv      fuzz_receive
#include "net/resolve.c"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size), name;
	struct cidr_list list = { .count = 0 };
	struct err err = { 0 };
	char text[NAME_SIZE];

	if (size > INPUT_MAX || !slice_split(rest, '\0', &conf_text, &rest) ||
	    !slice_split(rest, '\0', &name, &packets) || name.len == 0 ||
	    conf_text.len > CONF_MAX || !slice_copy(name, text, sizeof text))
		return 0;
	if (resolve_host(text, size % 2 == 1, clock_in(LIMIT_MS), &list,
	        &err) == 0)
		require(list.count > 0 && list.count <= CIDR_LIST_MAX);
	else
		require(list.count == 0 && err.kind == ERR_KIND_CONNECTION);
	while (peer_count > 0)
		(void)close(peers[--peer_count]);
	return 0;
}
