#include "app/control.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/config.h"
#include "app/lock.h"
#include "base/clock.h"
#include "base/format.h"

enum { MAGIC = 0x53534d44, BACKLOG = 4, GRACE_MS = 3000, LOOK_MS = 20 };

static struct sockaddr_un
address(const struct config *cfg)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	_Static_assert(CONFIG_DIR_MAX + sizeof("/control") <=
	                   sizeof(addr.sun_path),
	    "the path of the socket fits");
	format_text(addr.sun_path, sizeof(addr.sun_path), "%s/control",
	    cfg->state_dir);
	return addr;
}

void
control_init(struct control *control)
{
	control->fd = -1;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		control->clients[i] = -1;
		control->waiting[i] = false;
	}
}

int
control_open(struct control *control, const struct config *cfg, struct err *err)
{
	struct sockaddr_un addr = address(cfg);
	int fd = -1;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "socket");
	/* We hold the lock, so what is there is of somebody who has gone. */
	unlink(addr.sun_path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    chmod(addr.sun_path, 0600) != 0 || listen(fd, BACKLOG) != 0) {
		err_sys(err, ERR_KIND_SYSTEM, "%s", addr.sun_path);
		close(fd);
		return -1;
	}
	control->fd = fd;
	return 0;
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
control_close(struct control *control, const struct config *cfg)
{
	struct sockaddr_un addr = address(cfg);

	if (control->fd < 0)
		return;
	/* First of all, so that a client that is dropped sees who did it. */
	unlink(addr.sun_path);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		drop(control, i);
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

/* Who is at the other end is root or our own user. */
static bool
is_known(int fd)
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
	if (i == CONTROL_CLIENTS || !is_known(fd)) {
		close(fd);
		return;
	}
	control->clients[i] = fd;
}

static void
answer(struct control *control, size_t i, const struct control_status *status)
{
	struct control_status reply = *status;

	reply.magic = MAGIC;
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

static int
receive(int fd, int64_t deadline, struct control_status *out, struct err *err)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct control_status reply;
	ssize_t n = 0;

	if (!is_known(fd))
		return err_set(err, ERR_KIND_SYSTEM,
		    "what listens in the keeper's place is not root's");
	if (poll(&wait, 1, clock_left(deadline)) <= 0)
		return err_set(err, ERR_KIND_SYSTEM,
		    "the keeper did not answer in time");
	n = recv(fd, &reply, sizeof(reply), 0);
	if (n <= 0)
		return err_set(err, ERR_KIND_SYSTEM,
		    "the keeper is too busy to answer");
	if (n != (ssize_t)sizeof(reply) || reply.magic != MAGIC ||
	    !control_valid(&reply))
		return err_set(err, ERR_KIND_SYSTEM,
		    "the keeper is of another version");
	*out = reply;
	return 0;
}

/* Connected, or -1 with *gone: nobody listens. */
static int
dial(const struct sockaddr_un *addr, int ms, bool *gone)
{
	struct timeval wait = { ms / 1000, ms % 1000 * 1000L };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	/* Where many wait already, connecting blocks. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		return fd;
	*gone = errno == ENOENT || errno == ECONNREFUSED;
	close(fd);
	return -1;
}

/* The folder is root's alone, and so is the socket. */
static void
failed(const struct sockaddr_un *addr, struct err *err)
{
	bool refused = errno == EACCES;

	err_sys(err, ERR_KIND_SYSTEM, "the keeper cannot be asked: %s",
	    addr->sun_path);
	if (refused) {
		err_fix(err,
		    "only root may ask it, not uid %u: docker exec --user 0, "
		    "kubectl debug, or from the entrypoint",
		    (unsigned)geteuid());
	}
}

int
control_ask(const struct config *cfg, enum control_request request,
    int64_t deadline, struct control_status *out, struct err *err)
{
	struct sockaddr_un addr = address(cfg);
	char byte = (char)request;
	int left = clock_left(deadline) + 1;
	bool gone = false;
	int fd = dial(&addr, left, &gone);
	int rc = -1;

	if (fd >= 0 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1)
		rc = receive(fd, deadline, out, err);
	else if (!gone)
		failed(&addr, err);
	if (fd >= 0)
		close(fd);
	/* It may have ended at this moment: then nobody listens any more. */
	if (rc < 0 && fd >= 0) {
		fd = dial(&addr, left, &gone);
		if (fd >= 0)
			close(fd);
	}
	if (!gone)
		return rc;
	err_clear(err);
	return 1;
}

int
control_down(const struct config *cfg, struct control_status *out,
    struct err *err)
{
	int64_t deadline = clock_in(cfg->down_timeout_ms + GRACE_MS);
	int rc = control_ask(cfg, CONTROL_DOWN, deadline, out, err);
	pid_t holder = 0;
	int fd = -1;

	/* The lock is free once its holder has ended. */
	while (rc == 0 && !out->stays && clock_left(deadline) > 0 &&
	       lock_take(&fd, &holder, cfg, NULL) == 1)
		clock_sleep(clock_in(LOOK_MS));
	if (fd >= 0)
		close(fd);
	return rc;
}
