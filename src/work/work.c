/* SPDX-License-Identifier: MIT */
#include "work/work.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/logtail.h"
#include "agent/paths.h"
#include "agent/setup.h"
#include "agent/volume.h"
#include "aws/client.h"
#include "aws/conf.h"
#include "aws/task.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pass.h"
#include "base/rsa.h"
#include "settings/config.h"
#include "work/control.h"
#include "work/jail.h"
#include "work/job.h"
#include "work/lock.h"
#include "work/which.h"

enum {
	LINE_BYTES_MAX = 4096,
	LOG_BYTES_MAX = 256 * 1024,
	NICE = 10,
	ASK_MS = 5000,
	PID_SIZE = 12
};

void
work_path(char out[static WORK_PATH_MAX], const struct config *cfg,
    const char *name)
{
	snprintf(out, WORK_PATH_MAX, "%s/%s", cfg->state_dir, name);
}

void
work_wipe_code(const struct work *work)
{
	if (work->code != NULL)
		explicit_bzero(work->code, strlen(work->code));
}

void
work_advise_volumes(const struct config *cfg, struct err *err)
{
	err_fix(err,
	    "with a read-only root filesystem mount writable volumes (tmpfs "
	    "is enough) on %s, " PATHS_LIB " and " PATHS_ETC
	    ", or set SSM_ACTIVATE_AGENT=" WORK_BUILTIN,
	    cfg->state_dir);
}

int
work_read_line(int fd, struct buf *out, int64_t deadline, struct err *err)
{
	while (out->len == 0 || out->data[out->len - 1] != '\n') {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		char *room = buf_room(out, LINE_BYTES_MAX);
		ssize_t n = -1;

		errno = 0;
		if (room != NULL && poll(&wait, 1, clock_left(deadline)) == 1)
			n = read(fd, room, LINE_BYTES_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, ERR_KIND_SYSTEM,
			    "the key maker gave no key");
		buf_grew(out, (size_t)n);
	}
	buf_cut(out, out->len - 1);
	return 0;
}

/* base64 of the bytes and a line end, into the pipe. */
static int
send_key(int fd, struct buf *der, struct err *err)
{
	struct buf line = { 0 };
	int rc = -1;

	buf_base64(&line, der->data, der->len);
	buf_putc(&line, '\n');
	if (buf_ok(&line))
		rc = file_write_fd(fd, line.data, line.len, err);
	else
		err_memory(err);
	buf_free(&line);
	buf_cut(der, 0);
	return rc;
}

int
work_key_make(const struct work *work, int out, struct err *err)
{
	struct rsa_key *key = NULL;
	struct buf der = { 0 };
	int rc = -1;

	(void)out;
	/* Low priority: the application is starting at this moment. */
	setpriority(PRIO_PROCESS, 0, NICE);
	if (rsa_make(&key, err) == 0 && rsa_public_der(key, &der, err) == 0 &&
	    send_key(work->public_fd, &der, err) == 0 &&
	    rsa_private_der(key, &der, err) == 0)
		rc = send_key(work->private_fd, &der, err);
	buf_free(&der);
	rsa_free(key);
	return rc;
}

/* False: nobody listens. */
static bool
tell(unsigned news, int out)
{
	static const struct {
		unsigned news;
		enum journal type;
	} table[] = {
		{ LOGTAIL_ONLINE, JOURNAL_ONLINE },
		{ LOGTAIL_OFFLINE, JOURNAL_OFFLINE },
		{ LOGTAIL_HIBERNATE, JOURNAL_HIBERNATE },
		{ LOGTAIL_REFUSED, JOURNAL_DOUBT },
	};
	bool told = true;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if ((news & table[i].news) != 0)
			told &= job_tell(out, table[i].type, NULL, NULL) == 0;
	}
	return told;
}

/* Where seelog.xml says; only our own choice is bounded by us. */
static void
open_log(struct logtail *tail, const struct work *work)
{
	char ours[WORK_PATH_MAX], path[LOGTAIL_PATH_MAX];
	struct slice folder, name;
	struct err err = { 0 };
	off_t max = 0;

	if (setup_find_log(work->agent, path, sizeof path, &err) != 0) {
		err_fix(&err,
		    "the agent's log is not read: whether the node is online, "
		    "or the agent sleeps, is not seen");
		log_err(LOG_WARN, "agent_log", &err);
		slice_copy(slice_of("/"), path, sizeof path);
	}
	work_path(ours, work->cfg, WORK_LOG);
	if (strcmp(path, ours) == 0)
		max = LOG_BYTES_MAX;
	slice_rsplit(slice_of(path), '/', &folder, &name);
	path[folder.len] = '\0';
	logtail_open(tail, path, name.ptr, max);
}

int
work_log_follow(const struct work *work, int out, struct err *err)
{
	struct logtail tail;
	bool told = false;

	log_node(work->state->node);
	open_log(&tail, work);
	told = job_tell(out, JOURNAL_READY, NULL, err) == 0;
	while (told) {
		/* The pipe's reader is gone when poll(2) reports an error of
		 * out. */
		struct pollfd wait[] = {
			{ .fd = out },
			{ .fd = tail.fd, .events = POLLIN },
		};
		int64_t due = logtail_due(&tail);

		poll(wait, 2, due == INT64_MAX ? -1 : clock_left(due));
		told = wait[0].revents == 0 && tell(logtail_read(&tail), out);
	}
	logtail_close(&tail);
	return err_set(err, ERR_KIND_SYSTEM, "nobody reads what it tells");
}

/* Until the task is to stop, or nobody reads from out any more.  An answer
 * that does not come is no reason to give up: the next one may. */
static int
watch(struct client *client, int64_t every, int out, struct err *err)
{
	struct pollfd reader = { .fd = out };
	bool stops = false;

	while (!stops) {
		err_clear(err);
		switch (task_stops(client_api(client), &stops, clock_in(ASK_MS),
		    err)) {
		case 0:
			break;
		case 1:
			return err_set(err, ERR_KIND_CONFIG,
			    "no task metadata to watch");
		default:
			log_debug("%s", err->msg);
		}
		/* Without CAP_KILL nobody can end us. */
		if (!stops && poll(&reader, 1, clock_left(clock_in(every))) > 0)
			return err_set(err, ERR_KIND_SYSTEM, "no keeper");
	}
	return 0;
}

int
work_watch_run(const struct work *work, int out, struct err *err)
{
	struct conf_options options = { .env = work->cfg->env };
	struct client *client = NULL;
	int rc = -1;

	work_wipe_code(work);
	rc = client_open(&client, &options, err);
	if (rc == 0)
		rc = jail_net(work->cfg, err);
	if (rc == 0)
		rc = watch(client, work->cfg->watch_ms, out, err);
	client_free(client);
	return rc;
}

bool
work_watch_wanted(const struct work *work)
{
	return work->cfg->watch_ms > 0 &&
	       env_get(work->cfg->env, TASK_METADATA_VARIABLE) != NULL;
}

/* Hand a descriptor over at once; our own copy is closed when we end. */
static int
hand_over(const struct work *work, int fd, struct err *err)
{
	if (pass_send(work->guard_fd, &fd, 1) == 0)
		return 0;
	return err_sys(err, ERR_KIND_SYSTEM, "the keeper is gone");
}

/* Clean the folder before the lock is taken, whose file others may have put
 * there.  Those who write in the folder report what cannot be removed. */
static void
clean(const struct config *cfg)
{
	int folder = -1;

	if (lock_folder(&folder, cfg, NULL) != 0)
		return;
	volume_clean_folder(folder, cfg->state_dir, WORK_NAMES, NULL);
	close(folder);
}

int
work_guard_take(const struct work *work, int out, struct err *err)
{
	const struct config *cfg = work->cfg;
	pid_t who = getppid();
	char text[PID_SIZE];
	int fd = -1;
	int rc;

	clean(cfg);
	rc = lock_take(&fd, &who, cfg, err);
	if (rc == 1) {
		snprintf(text, sizeof text, "%d", (int)who);
		return job_tell(out, JOURNAL_HELD, text, err);
	}
	if (rc != 0 && !work->refused && which_builtin(cfg)) {
		err_clear(err);
		return job_tell(out, JOURNAL_MEMORY, NULL, err);
	}
	if (rc != 0)
		work_advise_volumes(cfg, err);
	if (rc != 0 || hand_over(work, fd, err) != 0)
		return -1;
	if (work->refused)
		return 0;
	if (control_bind(&fd, cfg, err) != 0 || hand_over(work, fd, err) != 0)
		return -1;
	/* The agent's folder matters to amazon-ssm-agent alone. */
	if (which_builtin(cfg))
		return 0;
	if (lock_agent(&fd, err) != 0)
		return -1;
	return fd < 0 ? 0 : hand_over(work, fd, err);
}

int
work_guard_drop(const struct work *work, int out, struct err *err)
{
	(void)out;
	(void)err;
	control_unbind(work->cfg);
	return 0;
}

bool
work_registered(const struct state *state)
{
	return state->installed && state->node[0] != '\0';
}
