/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/child.h"
#include "agent/spec.h"
#include "agent/vault.h"
#include "base/buf.h"
#include "base/capture.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/log.h"
#include "base/slice.h"
#include "settings/config.h"
#include "ssm/ssm.h"
#include "work/certs.h"
#include "work/job.h"
#include "work/work.h"

enum { OUTPUT_MAX = 256 * 1024 };

/* What the agent says before the reason. */
static const char mark[] = "Registration failed due to ";

struct start {
	const char *const *argv;
	char *const *envp;
};

static int
read_activation(int fd, struct ssm_activation *out, struct err *err)
{
	ssize_t n = 0;

	do {
		n = read(fd, out, sizeof *out);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof *out && memchr(out->id, 0, sizeof out->id) &&
	    memchr(out->code, 0, sizeof out->code))
		return 0;
	return err_set(err, ERR_KIND_SYSTEM, "no activation was handed over");
}

/* "… ERROR Registration failed due to error registering the instance with
 * AWS SSM. CODE: MESSAGE" */
static int
explain(const struct buf *output, int status, struct err *err)
{
	struct slice rest = slice_of(buf_str(output)), line;
	char text[512] = "it does not say why";

	while (slice_line(&rest, &line)) {
		ptrdiff_t at = slice_find(line, mark);

		if (at < 0)
			continue;
		line = slice_skip(line, (size_t)at + sizeof mark - 1);
		err_clean(text, sizeof text, line.ptr, line.len);
	}
	return err_set(err, ERR_KIND_API,
	    "amazon-ssm-agent -register: status %d: %s", status, text);
}

static bool
drop(void *into, const char *text, size_t len)
{
	(void)into;
	(void)text;
	(void)len;
	return true;
}

static int
become_agent(void *argument)
{
	const struct start *start = argument;
	int status = 0;

	exec_reset_signals();
	if (chdir("/") == 0)
		exec_program(start->argv, start->envp, false);
	status = child_exec_status(errno);
	dprintf(STDOUT_FILENO, "%scannot run %s: %s\n", mark, start->argv[0],
	    strerror(errno));
	return status;
}

static int
run_agent(const struct work *work, const struct ssm_activation *activation,
    struct err *err)
{
	const char *const argv[] = { work->agent, "-register", "-code",
		activation->code, "-id", activation->id, "-region",
		work->state->region, "-y", NULL };
	struct spec_options env = {
		.env = work->cfg->env,
		.path = work->agent,
		.minimal = true,
		.region = work->state->region,
	};
	struct buf output = { .max = OUTPUT_MAX };
	struct spec spec = { 0 };
	struct start start = { .argv = argv };
	struct capture capture = {
		.work = become_agent,
		.argument = &start,
		.deadline = work->deadline,
		.streams = { { capture_head, &output },
		    { log_enabled(LOG_DEBUG) ? NULL : drop, NULL } },
	};
	char cert[WORK_PATH_MAX];
	int rc = -1;

	certs_path(cert, work->cfg);
	if (certs_exist(work->cfg))
		env.cert_file = cert;
	if (spec_build(&spec, &env, err) != 0)
		return -1;
	start.envp = spec.envp;
	switch (capture_run(&capture, err)) {
	case CAPTURE_ENDED:
		rc = child_status(capture.status);
		if (rc != 0)
			rc = explain(&output, rc, err);
		break;
	case CAPTURE_LATE:
		err_set(err, ERR_KIND_CONNECTION,
		    "amazon-ssm-agent -register: no end within the time");
		break;
	default:
		break;
	}
	spec_free(&spec);
	buf_free(&output);
	return rc;
}

int
work_delegate_run(const struct work *work, int out, struct err *err)
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
	rc = job_tell(out, JOURNAL_NODE, vault.node, err);
out:
	/* It writes its files before it asks AWS. */
	if (rc != 0)
		vault_remove(NULL);
	vault_free(&vault);
	ssm_activation_wipe(&activation);
	return rc;
}
