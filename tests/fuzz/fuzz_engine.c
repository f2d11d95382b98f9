/* SPDX-License-Identifier: MIT */
/*
 * Two requests over TCP.  A server in a thread answers each connection with
 * the input, in pieces whose size the first byte decides, and closes.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "fuzz/fuzz.h"
#include "net/http.h"

enum { INPUT_MAX = 20000, LIMIT_MS = 5000, BODY_MAX = 4096, BACKLOG = 64 };

/* Set before a connection is made, and read by the thread after that. */
static const uint8_t *_Atomic input;
static atomic_size_t input_len, step;
static atomic_uint accepted, served;
static int listener = -1;

static void
serve(int fd)
{
	char request[4096];
	const uint8_t *at = input;
	size_t left = input_len, part = 0;

	if (recv(fd, request, sizeof request, 0) <= 0)
		return;
	for (; left > 0; at += part, left -= part) {
		part = left < step ? left : step;
		if (send(fd, at, part, MSG_NOSIGNAL) != (ssize_t)part)
			return;
	}
	(void)shutdown(fd, SHUT_WR);
}

static void *
run(void *none)
{
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		accepted++;
		serve(fd);
		(void)close(fd);
		served++;
	}
	return none;
}

static uint16_t
begin(void)
{
	static struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof address;
	pthread_t thread;

	if (listener >= 0)
		return ntohs(address.sin_port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(bind(listener, (const struct sockaddr *)&address, len) == 0);
	require(listen(listener, BACKLOG) == 0);
	require(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
	require(pthread_create(&thread, NULL, run, NULL) == 0);
	return ntohs(address.sin_port);
}

static void
ask(struct http *http, const struct url *url)
{
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.body = "{}",
		.body_len = 2,
		.deadline = clock_in(LIMIT_MS),
		.body_max = BODY_MAX,
	};
	struct http_msg answer;
	struct err err = { 0 };

	if (http_roundtrip(http, &request, &answer, &err) == 0) {
		require(answer.complete && answer.body.len <= BODY_MAX);
		require(answer.status >= 200 && answer.status <= 999);
	} else {
		require(err.kind == ERR_KIND_PARSE ||
		        err.kind == ERR_KIND_CONNECTION);
	}
	http_msg_free(&answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *vars[] = { NULL };
	const struct http_options options = { .env = { vars } };
	struct http *http = NULL;
	struct url url;
	char text[64];

	if (size < 2 || size > INPUT_MAX)
		return 0;
	step = data[0] > 0 ? (size_t)data[0] * 8 : size;
	input = data + 1;
	input_len = size - 1;
	(void)snprintf(text, sizeof text, "http://127.0.0.1:%u/x", begin());
	require(url_parse(&url, text, NULL) == 0);
	require(http_open(&http, &options, NULL) == 0);
	ask(http, &url);
	ask(http, &url);
	http_close(http);
	/* The input goes away; a connection may still be served. */
	for (int64_t end = clock_in(LIMIT_MS);
	     accepted != served && clock_left(end) > 0;)
		(void)usleep(20);
	return 0;
}
