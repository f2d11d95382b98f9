/* SPDX-License-Identifier: MIT */
/*
 * The input is what a server sends, up to the end of the connection.  Nobody
 * without the key of a trusted certificate gets a handshake done.
 */
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "fuzz/fuzz.h"
#include "net/ca.h"
#include "net/tls.h"

/* A socket takes that much without a reader. */
enum { INPUT_MAX = 100000, LIMIT_MS = 5000 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls *tls = NULL;
	struct ca *ca = NULL;
	struct err err = { 0 };
	int fds[2];

	if (size > INPUT_MAX)
		return 0;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	require(size == 0 || write(fds[1], data, size) == (ssize_t)size);
	require(shutdown(fds[1], SHUT_WR) == 0);
	require(ca_builtin(&ca, "tls.test", NULL) == 0);
	require(tls_open(&tls, fds[0], "tls.test", ca, clock_in(LIMIT_MS),
	            &err) == -1);
	require(tls == NULL && !err.timed_out);
	require(err.kind == ERR_KIND_TLS || err.kind == ERR_KIND_CONNECTION);
	ca_free(ca);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
