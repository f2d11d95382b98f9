#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/child.h"
#include "agent/spec.h"
#include "agent/vault.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "settings/config.h"
#include "ssm/ssm.h"
#include "work/certs.h"
#include "work/journal.h"
#include "work/work.h"

enum { OUTPUT_MAX = 256 * 1024, CHUNK = 4096 };

static int
read_activation(int fd, struct ssm_activation *out, struct err *err)
{
	ssize_t n = 0;

	do {
		n = read(fd, out, sizeof(*out));
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(*out) && memchr(out->id, 0, sizeof(out->id)) &&
	    memchr(out->code, 0, sizeof(out->code)))
		return 0;
	return err_set(err, ERR_KIND_SYSTEM, "no activation was handed over");
}

/* Its output until it ends or the time is over; all its errors go there. */
static int
collect(int fd, struct buf *out, int64_t deadline, struct err *err)
{
	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		char chunk[CHUNK];
		ssize_t n = 0;

		if (poll(&wait, 1, clock_left(deadline)) <= 0) {
			return err_set(err, ERR_KIND_CONNECTION,
			    "amazon-ssm-agent -register: no end within the "
			    "time");
		}
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		buf_add(out, chunk, (size_t)n);
	}
}

/* "… ERROR Registration failed due to error registering the instance with
 * AWS SSM. CODE: MESSAGE" */
static int
explain(const struct buf *output, int status, struct err *err)
{
	static const char mark[] = "Registration failed due to ";
	struct slice rest = slice_of(buf_str(output)), line;
	char text[512] = "it does not say why";

	while (slice_line(&rest, &line)) {
		ptrdiff_t at = slice_find(line, mark);

		if (at < 0)
			continue;
		line = slice_skip(line, (size_t)at + sizeof(mark) - 1);
		err_clean(text, sizeof(text), line.ptr, line.len);
	}
	return err_set(err, ERR_KIND_API,
	    "amazon-ssm-agent -register: status %d: %s", status, text);
}

static int
start(pid_t *pid, int out, const struct work *work,
    const struct ssm_activation *activation, struct err *err)
{
	const char *const argv[] = { work->agent, "-register", "-code",
		activation->code, "-id", activation->id, "-region",
		work->state->region, "-y", NULL };
	struct child_options options = {
		.argv = argv,
		.dir = "/",
		.null_stderr = !log_enabled(LOG_DEBUG),
	};
	struct spec_options env = {
		.env = work->cfg->env,
		.path = work->agent,
		.minimal = true,
		.region = work->state->region,
	};
	struct spec spec = { 0 };
	char cert[WORK_PATH_MAX];
	int exec_errno = 0;
	int rc = -1;

	certs_path(cert, work->cfg);
	if (certs_exist(work->cfg))
		env.cert_file = cert;
	if (spec_build(&spec, &env, err) != 0)
		return -1;
	options.envp = spec.envp;
	/* The child inherits our standard output. */
	if (dup2(out, STDOUT_FILENO) < 0)
		err_sys(err, ERR_KIND_SYSTEM, "dup2");
	else
		rc = child_start(pid, &options, &exec_errno, err);
	close(STDOUT_FILENO);
	spec_free(&spec);
	return rc;
}

static int
run_agent(const struct work *work, const struct ssm_activation *activation,
    struct err *err)
{
	struct buf output = { .max = OUTPUT_MAX };
	int fds[2] = { -1, -1 };
	int status = 0;
	pid_t pid = 0;
	int rc = -1;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	rc = start(&pid, fds[1], work, activation, err);
	close(fds[1]);
	if (rc == 0)
		rc = collect(fds[0], &output, work->deadline, err);
	/* Nobody waits for what it may still do. */
	if (rc != 0 && pid > 0)
		kill(pid, SIGKILL);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && rc == 0 &&
	    child_status(status) != 0)
		rc = explain(&output, child_status(status), err);
	close(fds[0]);
	buf_free(&output);
	return rc;
}

static int
delegate(const struct work *work, int out, struct err *err)
{
	struct ssm_activation activation = { 0 };
	struct vault vault = { 0 };
	int rc = -1;

	if (certs_install(work->cfg, err) != 0 ||
	    read_activation(work->code_fd, &activation, err) != 0 ||
	    run_agent(work, &activation, err) != 0)
		goto out;
	/* The text that it prints changes between versions, its vault does
	 * not. */
	if (vault_load(&vault, err) != 0) {
		err_set(err, ERR_KIND_PARSE,
		    "amazon-ssm-agent -register left no registration");
		goto out;
	}
	rc = journal_send(out, JOURNAL_NODE, vault.node, NULL, NULL);
out:
	vault_free(&vault);
	ssm_activation_wipe(&activation);
	return rc;
}

void
work_delegate_run(const void *work, int out)
{
	struct err err = { 0 };
	int rc = delegate(work, out, &err);

	/* It writes its files before it asks AWS. */
	if (rc != 0)
		vault_remove(NULL);

	journal_finish(out, rc, &err);
}
