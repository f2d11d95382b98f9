/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cmd.h"
#include "app/preflight.h"
#include "aws/task.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "keep/keeper.h"
#include "settings/config.h"
#include "work/control.h"
#include "work/failure.h"
#include "work/job.h"

enum { ASK_MS = 2000, ASK_AGAIN_MS = 200, FDINFO_MAX = 4096 };

/* The container's own log, when its stderr is something that can be opened. */
#define CONTAINER      "/proc/1"
#define CONTAINER_LOG  CONTAINER "/fd/2"
#define CONTAINER_FLAG CONTAINER "/fdinfo/2"

/* Access must never take the service down. */
static int
fail_open(const struct config *cfg, struct err *err)
{
	struct err shown = *err;

	if (cfg->required)
		return (int)err->code;
	err_clear(err);
	log_err(LOG_WARN, "no_access", &shown);
	return 0;
}

/* PID 1 is our own user's, and opened it to write there (proc(5), fdinfo: flags
 * in octal digits; the last one holds the access mode). */
static bool
log_is_ours(void)
{
	struct buf text = { .max = FDINFO_MAX };
	struct slice rest = { 0 }, line = { 0 };
	struct stat st;
	bool writes = false;

	if (stat(CONTAINER, &st) == 0 && st.st_uid == geteuid() &&
	    file_read(CONTAINER_FLAG, &text, NULL) == FILE_FOUND)
		rest = slice_of(buf_str(&text));
	while (slice_line(&rest, &line)) {
		if (slice_starts(line, "flags:"))
			writes = slice_ends(line, "1") || slice_ends(line, "2");
	}
	buf_free(&text);
	return writes;
}

/* -1 if there is none.  Where PID 1 is somebody else's, its descriptor may be
 * any file that he can read: only what is no file is a log then. */
static int
open_log(void)
{
	int fd = open(CONTAINER_LOG,
	    O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ||
	        S_ISCHR(st.st_mode) || log_is_ours()))
		return fd;
	close(fd);
	return -1;
}

/*
 * `x=$(ssm-activate up)` and `ssm-activate up 2>&1 | cat` end when nobody
 * holds the pipe any more, so the keeper keeps none of ours.
 */
static void
detach(int report)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out = open_log();
	struct stat st;

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	if (out >= 0)
		dup2(out, STDERR_FILENO);
	else if (null >= 0 && fstat(STDERR_FILENO, &st) == 0 &&
	         (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		dup2(null, STDERR_FILENO);
	file_close_others(&report, 1);
}

static void __attribute__((noreturn))
be_keeper(const struct config *cfg, struct preflight *pre, int report)
{
	struct keeper_options options = {
		.cfg = cfg,
		.role = pre->role,
		.code = pre->code[0] != '\0' ? pre->code : NULL,
		.report_fd = report,
	};
	struct err err = { 0 };

	setsid();
	if (chdir("/") != 0)
		log_debug("chdir: %s", strerror(errno));
	detach(report);
	_exit(keeper_run(&options, &err));
}

static int
print_node(const char *node, struct err *err)
{
	struct buf line = { 0 };
	int rc = 0;

	buf_printf(&line, "%s\n", node);
	rc = file_write_fd(STDOUT_FILENO, buf_str(&line), line.len, err);
	buf_free(&line);
	return rc;
}

static const char *
after_timeout(const struct config *cfg)
{
	return cfg->required ? "it was given up" : "the keeper goes on";
}

/* Wait for the keeper's word; 1 = there is another one. */
static int
wait_up(const struct config *cfg, int fd, struct err *err)
{
	int64_t deadline = clock_in(cfg->timeout_ms);
	struct job_record record;
	int got = 0;

	while (got == 0) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		if (poll(&wait, 1, clock_left(deadline)) == 0) {
			return err_set(err, ERR_KIND_CONNECTION,
			    "no node within %d ms; %s", (int)cfg->timeout_ms,
			    after_timeout(cfg));
		}
		got = job_receive(fd, &record);
	}
	if (got < 0)
		return err_set(err, ERR_KIND_SYSTEM, "the keeper died");
	if (record.type == JOURNAL_FAILED) {
		*err = record.err;
		return -1;
	}
	if (record.type == JOURNAL_REFUSED)
		return 1;
	return record.type == JOURNAL_NODE ? print_node(record.text, err) : 0;
}

/* A keeper that is there already: 1 = there is none, else as wait_up().  One
 * that waits to be asked is. */
static int
ask_up(const struct config *cfg, struct err *err)
{
	int64_t deadline = clock_in(cfg->timeout_ms);
	enum control_request what = CONTROL_UP;
	struct control_status status = { 0 };

	for (;;) {
		int rc = control_ask(cfg, what, clock_in(ASK_MS), &status, err);

		if (rc != 0)
			return rc;
		if (status.up)
			return print_node(status.node, err);
		if (status.over || clock_ms() >= deadline ||
		    (status.waits && what == CONTROL_STATUS))
			break;
		what = CONTROL_STATUS;
		clock_sleep(clock_in(ASK_AGAIN_MS));
	}
	if (status.last.code != ERR_OK)
		*err = status.last;
	else {
		err_set(err, ERR_KIND_CONNECTION, "no node within %d ms; %s",
		    (int)cfg->timeout_ms, after_timeout(cfg));
	}
	return -1;
}

/* The runtime tells PID 1 alone that the container stops. */
static void
warn_init(const struct config *cfg)
{
	char init[256] = "", self[256] = "";
	bool ecs = false;

	if (readlink("/proc/1/exe", init, sizeof init - 1) > 0 &&
	    readlink("/proc/self/exe", self, sizeof self - 1) > 0 &&
	    strcmp(init, self) == 0)
		return;
	ecs = cfg->watch_ms > 0 &&
	      env_get(cfg->env, TASK_METADATA_VARIABLE) != NULL;
	log_event(LOG_INFO, "not_init",
	    "PID 1 is not ssm-activate: unless `ssm-activate down` runs before "
	    "the container stops, the node stays on the account%s",
	    ecs ? "; ECS is asked every SSM_ACTIVATE_WATCH whether it does"
	        : "");
}

static int
start_keeper(const struct config *cfg, struct preflight *pre, struct err *err)
{
	int fds[2];
	int rc = 0;
	pid_t pid = 0;

	warn_init(cfg);
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	/* Closed before the fork, so that the keeper cannot report to nobody.
	 */
	if (cfg->background)
		close(fds[0]);
	pid = fork();
	if (pid == 0)
		be_keeper(cfg, pre, fds[1]);
	close(fds[1]);
	if (pid < 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "fork");
	else if (!cfg->background)
		rc = wait_up(cfg, fds[0], err);
	if (!cfg->background)
		close(fds[0]);
	return rc;
}

int
cmd_up(struct config *cfg, struct err *err)
{
	struct preflight pre = { 0 };
	int64_t until = 0;
	int rc = 0;

	config_warn_gate(cfg);
	if (cfg->gate < CONFIG_GATE_ON)
		return 0;
	file_close_cover();
	config_warn_unknown(cfg);
	if (preflight_check(&pre, cfg, err) != 0) {
		failure_save(cfg, err, NULL);
		return fail_open(cfg, err);
	}
	until = clock_in(cfg->timeout_ms);
	do {
		rc = ask_up(cfg, err);
		if (rc == 1)
			rc = start_keeper(cfg, &pre, err);
	} while (rc == 1 && clock_left(until) > 0);
	preflight_wipe(&pre);
	if (rc == 0)
		return 0;
	/* The entrypoint ends with us, so nobody would clean up after a keeper
	 * that goes on. */
	if (cfg->required)
		control_down(cfg, &(struct control_status){ 0 }, NULL);
	return fail_open(cfg, err);
}
