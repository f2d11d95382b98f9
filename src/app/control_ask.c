#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/config.h"
#include "app/control.h"
#include "app/lock.h"
#include "base/clock.h"
#include "base/format.h"

enum { GRACE_MS = 3000, LOOK_MS = 20 };

static struct sockaddr_un
address(const struct config *cfg)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	_Static_assert(CONFIG_DIR_MAX + sizeof("/" CONTROL_NAME) <=
	                   sizeof(addr.sun_path),
	    "the path of the socket fits");
	format_text(addr.sun_path, sizeof(addr.sun_path), "%s/" CONTROL_NAME,
	    cfg->state_dir);
	return addr;
}

static int
receive(int fd, int64_t deadline, struct control_status *out, struct err *err)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct control_status reply;
	ssize_t n = 0;

	if (!control_known(fd))
		return err_set(err, ERR_KIND_SYSTEM,
		    "what listens in the keeper's place is not root's");
	if (poll(&wait, 1, clock_left(deadline)) <= 0)
		return err_set(err, ERR_KIND_SYSTEM,
		    "the keeper did not answer in time");
	n = recv(fd, &reply, sizeof(reply), 0);
	if (n <= 0)
		return err_set(err, ERR_KIND_SYSTEM,
		    "the keeper is too busy to answer");
	if (n != (ssize_t)sizeof(reply) || reply.magic != CONTROL_MAGIC ||
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
	pid_t who = getpid();
	int fd = -1;

	/* The lock is free once its holder has ended. */
	while (rc == 0 && !out->stays && clock_left(deadline) > 0 &&
	       lock_take(&fd, &who, cfg, NULL) == 1)
		clock_sleep(clock_in(LOOK_MS));
	if (fd >= 0)
		close(fd);
	return rc;
}
