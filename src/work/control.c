/* SPDX-License-Identifier: MIT */
#include "work/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "aws/endpoint.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/slice.h"
#include "settings/config.h"
#include "work/job.h"
#include "work/lock.h"

enum { BACKLOG = 4, GRACE_MS = 3000, LOOK_MS = 20 };

bool
control_known(int fd)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/*
 * bind(2) takes no folder's descriptor, and a path can be led elsewhere while
 * it is walked: so the process goes into the folder, and the socket's mode is
 * there with the socket.
 */
static int
bind_here(int fd, struct err *err)
{
	struct sockaddr_un addr = {
		.sun_family = AF_UNIX,
		.sun_path = CONTROL_NAME,
	};
	mode_t before = umask(0177);
	int rc = -1;

	/* The caller holds the lock, so a socket that is there belongs to a
	 * keeper that is gone. */
	unlink(CONTROL_NAME);
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0 &&
	    listen(fd, BACKLOG) == 0)
		rc = 0;
	else
		err_sys(err, ERR_KIND_SYSTEM, "the socket " CONTROL_NAME);
	umask(before);
	return rc;
}

int
control_bind(int *out, const struct config *cfg, struct err *err)
{
	int folder = -1, fd = -1;
	int rc = -1;

	if (lock_folder(&folder, cfg, err) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		err_sys(err, ERR_KIND_SYSTEM, "socket");
	else if (fchdir(folder) != 0)
		err_sys(err, ERR_KIND_SYSTEM, "fchdir %s", cfg->state_dir);
	else
		rc = bind_here(fd, err);
	close(folder);
	if (rc == 0)
		*out = fd;
	else if (fd >= 0)
		close(fd);
	return rc;
}

void
control_unbind(const struct config *cfg)
{
	int folder = -1;

	if (lock_folder(&folder, cfg, NULL) != 0)
		return;
	unlinkat(folder, CONTROL_NAME, 0);
	close(folder);
}

static struct sockaddr_un
address(const struct config *cfg)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	_Static_assert(CONFIG_DIR_MAX + sizeof("/" CONTROL_NAME) <=
	                   sizeof addr.sun_path,
	    "the path of the socket fits");
	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/" CONTROL_NAME,
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
	n = recv(fd, &reply, sizeof reply, 0);
	if (n <= 0)
		return err_set(err, ERR_KIND_SYSTEM,
		    "the keeper is too busy to answer");
	if (n != (ssize_t)sizeof reply || reply.magic != CONTROL_MAGIC ||
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
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0)
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
	/* The keeper may have ended at this moment: then nobody listens any
	 * more. */
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

bool
control_valid(const struct control_status *status)
{
	return state_flag(&status->up) && state_flag(&status->online) &&
	       state_flag(&status->over) && state_flag(&status->stays) &&
	       state_flag(&status->builtin) && state_flag(&status->waits) &&
	       job_err_valid(&status->last) &&
	       state_text(status->phase, sizeof status->phase) &&
	       state_text(status->node, sizeof status->node) &&
	       state_text(status->region, sizeof status->region) &&
	       slice_all_in(slice_of(status->phase),
	           "abcdefghijklmnopqrstuvwxyz") &&
	       (status->node[0] == '\0' || id_is_node(status->node)) &&
	       (status->region[0] == '\0' ||
	           endpoint_check_region(status->region, "", NULL) == 0) &&
	       status->keeper >= 0 && status->agent >= 0 &&
	       status->restarts >= 0 && status->since >= 0 &&
	       status->until >= 0;
}

/* Its texts as a terminal can be shown them. */
static struct err
printable(const struct err *err)
{
	struct err clean = *err;

	err_clean(clean.msg, sizeof clean.msg, err->msg, strlen(err->msg));
	err_clean(clean.fix, sizeof clean.fix, err->fix, strlen(err->fix));
	return clean;
}

static const char *
kind(const struct control_status *status)
{
	return status->builtin ? "builtin" : "amazon-ssm-agent";
}

void
control_json(struct buf *out, const struct control_status *status)
{
	const struct err last = printable(&status->last);
	const char *up = "false";
	char when[CLOCK_ISO_SIZE];

	if (status->up)
		up = "true";
	else if (strcmp(status->phase, CONTROL_UNKNOWN) == 0)
		up = "null";
	json_write(out, "{\"up\":@,\"phase\":%,\"online\":?,\"waits\":?", up,
	    status->phase, status->online, status->waits);
	if (status->node[0] != '\0') {
		clock_iso(status->since, when);
		json_write(out, ",\"node\":%,\"region\":%,\"since\":%",
		    status->node, status->region, when);
	}
	if (status->until != 0) {
		clock_iso(status->until, when);
		json_write(out, ",\"until\":%", when);
	}
	if (status->keeper > 0) {
		json_write(out,
		    ",\"keeper\":#,\"agent\":#,"
		    "\"agent_restarts\":#,\"agent_kind\":%",
		    (long long)status->keeper, (long long)status->agent,
		    (long long)status->restarts, kind(status));
	}
	if (last.code != ERR_OK) {
		json_write(out,
		    ",\"error\":{\"code\":#,\"kind\":%,\"message\":%,"
		    "\"fix\":%}",
		    (long long)last.code, err_kind_name(last.kind), last.msg,
		    last.fix);
	}
	buf_puts(out, "}\n");
}

void
control_text(struct buf *out, const struct control_status *status)
{
	const struct err last = printable(&status->last);
	char when[CLOCK_ISO_SIZE];

	buf_printf(out, "%s\n", status->up ? "up" : status->phase);
	if (status->waits)
		buf_puts(out,
		    "demand   a node comes up when it is asked for\n");
	if (status->node[0] != '\0') {
		clock_iso(status->since, when);
		buf_printf(out, "node     %s (%s), since %s\n", status->node,
		    status->region, when);
	}
	if (status->until != 0) {
		clock_iso(status->until, when);
		buf_printf(out, "ends     %s, or when open sessions close\n",
		    when);
	}
	if (status->agent > 0) {
		buf_printf(out, "agent    %s, pid %d, %s, restarted %d times\n",
		    kind(status), (int)status->agent,
		    status->online    ? "online"
		    : status->builtin ? "offline"
		                      : "not known to be online",
		    status->restarts);
	}
	if (last.code != ERR_OK)
		buf_printf(out, "error    %s\n", last.msg);
	if (last.fix[0] != '\0')
		buf_printf(out, "fix      %s\n", last.fix);
}
