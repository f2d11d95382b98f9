/* SPDX-License-Identifier: MIT */
#ifndef KEEP_LISTENER_H
#define KEEP_LISTENER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

struct control_status;

/*
 * The keeper's side of the socket on which `status` and `down` ask
 * (work/control.h).  Nothing is allocated, nothing waits; a client that does
 * not read or write is dropped.  fd is a socket of control_bind(), set after
 * listener_init() and closed by listener_close().
 */
enum { LISTENER_CLIENTS = 4 };

struct listener {
	int fd;                         /* listens; -1 = closed */
	int clients[LISTENER_CLIENTS];  /* -1 = free */
	bool waiting[LISTENER_CLIENTS]; /* for the end of the take-down */
};

void listener_init(struct listener *listener);
void listener_close(struct listener *listener);

/* Descriptors to wait for, at most LISTENER_CLIENTS + 1. */
size_t listener_poll(const struct listener *listener, struct pollfd *fds);

/* Serve whoever is there; what somebody asked for, or-ed. */
enum listener_word { LISTENER_DOWN = 1 << 0, LISTENER_UP = 1 << 1 };
unsigned listener_serve(struct listener *listener,
    const struct control_status *status);

/* The take-down is over: answer those who wait for it. */
void listener_finish(struct listener *listener,
    const struct control_status *status);

#endif
