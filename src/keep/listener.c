/* SPDX-License-Identifier: MIT */
#include "keep/listener.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "work/control.h"

void
listener_init(struct listener *listener)
{
	listener->fd = -1;
	for (size_t i = 0; i < LISTENER_CLIENTS; i++) {
		listener->clients[i] = -1;
		listener->waiting[i] = false;
	}
}

static void
drop(struct listener *listener, size_t i)
{
	if (listener->clients[i] >= 0)
		close(listener->clients[i]);
	listener->clients[i] = -1;
	listener->waiting[i] = false;
}

void
listener_close(struct listener *listener)
{
	for (size_t i = 0; i < LISTENER_CLIENTS; i++)
		drop(listener, i);
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
}

size_t
listener_poll(const struct listener *listener, struct pollfd *fds)
{
	size_t count = 0;

	if (listener->fd >= 0)
		fds[count++] =
		    (struct pollfd){ .fd = listener->fd, .events = POLLIN };
	for (size_t i = 0; i < LISTENER_CLIENTS; i++) {
		if (listener->clients[i] >= 0) {
			fds[count++] = (struct pollfd){
				.fd = listener->clients[i],
				.events = POLLIN,
			};
		}
	}
	return count;
}

static void
admit(struct listener *listener)
{
	size_t i = 0;
	int fd =
	    accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	while (i < LISTENER_CLIENTS && listener->clients[i] >= 0)
		i++;
	/* Nobody keeps others out by saying nothing. */
	for (size_t k = 0; i == LISTENER_CLIENTS && k < LISTENER_CLIENTS; k++) {
		if (!listener->waiting[k])
			drop(listener, i = k);
	}
	if (i == LISTENER_CLIENTS || !control_known(fd)) {
		close(fd);
		return;
	}
	listener->clients[i] = fd;
}

static void
answer(struct listener *listener, size_t i, const struct control_status *status)
{
	struct control_status reply = *status;

	reply.magic = CONTROL_MAGIC;
	/* A full buffer cannot be: it is the only answer. */
	send(listener->clients[i], &reply, sizeof reply,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	drop(listener, i);
}

/* What the client asks for. */
static unsigned
serve_one(struct listener *listener, size_t i,
    const struct control_status *status)
{
	char request = 0;
	ssize_t n = recv(listener->clients[i], &request, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == 1 && request == CONTROL_DOWN) {
		listener->waiting[i] = true;
		return LISTENER_DOWN;
	}
	if (n == 1 && (request == CONTROL_STATUS || request == CONTROL_UP))
		answer(listener, i, status);
	else
		drop(listener, i);
	return n == 1 && request == CONTROL_UP ? LISTENER_UP : 0;
}

unsigned
listener_serve(struct listener *listener, const struct control_status *status)
{
	unsigned asked = 0;

	if (listener->fd < 0)
		return 0;
	admit(listener);
	for (size_t i = 0; i < LISTENER_CLIENTS; i++) {
		if (listener->clients[i] >= 0)
			asked |= serve_one(listener, i, status);
	}
	return asked;
}

void
listener_finish(struct listener *listener, const struct control_status *status)
{
	for (size_t i = 0; i < LISTENER_CLIENTS; i++) {
		if (listener->clients[i] >= 0 && listener->waiting[i])
			answer(listener, i, status);
	}
}
