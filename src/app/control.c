#include "app/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void
control_init(struct control *control)
{
	control->fd = -1;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		control->clients[i] = -1;
		control->waiting[i] = false;
	}
}

static void
drop(struct control *control, size_t i)
{
	if (control->clients[i] >= 0)
		close(control->clients[i]);
	control->clients[i] = -1;
	control->waiting[i] = false;
}

void
control_close(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		drop(control, i);
	if (control->fd >= 0)
		close(control->fd);
	control->fd = -1;
}

size_t
control_poll(const struct control *control, struct pollfd *fds)
{
	size_t count = 0;

	if (control->fd >= 0)
		fds[count++] =
		    (struct pollfd){ .fd = control->fd, .events = POLLIN };
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i] >= 0) {
			fds[count++] = (struct pollfd){
				.fd = control->clients[i],
				.events = POLLIN,
			};
		}
	}
	return count;
}

bool
control_known(int fd)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void
admit(struct control *control)
{
	size_t i = 0;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	while (i < CONTROL_CLIENTS && control->clients[i] >= 0)
		i++;
	/* Nobody keeps others out by saying nothing. */
	for (size_t k = 0; i == CONTROL_CLIENTS && k < CONTROL_CLIENTS; k++) {
		if (!control->waiting[k])
			drop(control, i = k);
	}
	if (i == CONTROL_CLIENTS || !control_known(fd)) {
		close(fd);
		return;
	}
	control->clients[i] = fd;
}

static void
answer(struct control *control, size_t i, const struct control_status *status)
{
	struct control_status reply = *status;

	reply.magic = CONTROL_MAGIC;
	/* A full buffer cannot be: it is the only answer. */
	send(control->clients[i], &reply, sizeof(reply),
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	drop(control, i);
}

/* True: the client asks for the take-down. */
static bool
serve_one(struct control *control, size_t i,
    const struct control_status *status)
{
	char request = 0;
	ssize_t n = recv(control->clients[i], &request, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n == 1 && request == CONTROL_DOWN) {
		control->waiting[i] = true;
		return true;
	}
	if (n == 1 && request == CONTROL_STATUS)
		answer(control, i, status);
	else
		drop(control, i);
	return false;
}

bool
control_serve(struct control *control, const struct control_status *status)
{
	bool down = false;

	if (control->fd < 0)
		return false;
	admit(control);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i] >= 0)
			down |= serve_one(control, i, status);
	}
	return down;
}

void
control_finish(struct control *control, const struct control_status *status)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i] >= 0 && control->waiting[i])
			answer(control, i, status);
	}
}
