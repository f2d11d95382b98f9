/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pass.h"
#include "base/signals.h"
#include "base/slice.h"
#include "serve/channel.h"
#include "serve/records.h"
#include "serve/serve.h"
#include "serve/session.h"
#include "serve/signer.h"
#include "work/job.h"
#include "work/work.h"

enum {
	AGAIN_FIRST_MS = 100, /* before a channel worker is started again */
	AGAIN_MOST_MS = 60000,
	STEADY_MS = 60000, /* a life so long forgets earlier deaths */
	FDS_MAX = 2 + JOB_FDS * (1 + SERVE_SESSIONS),
};

/* A session, from when it is wanted until its outcome has been told. */
struct seat {
	char id[ORDER_SESSION_SIZE]; /* "" = free */
	int fd;                      /* the channel worker's end */
	struct job job;
	bool over; /* the channel worker has done with it */
};

struct core {
	const struct work *work;
	int out, signal_fd;
	struct signer signer;
	struct job channel;
	int line, pass; /* to the channel worker, -1 = closed */
	int64_t since, again_at;
	int deaths;
	bool online, busy, parting, ended;
	struct seat seats[SERVE_SESSIONS];
};

static void
tell(struct core *core, enum journal what)
{
	/* A keeper that is gone takes us along. */
	if (job_tell(core->out, what, NULL, NULL) != 0)
		core->ended = true;
}

static void
set_online(struct core *core, bool online)
{
	if (core->online != online)
		tell(core, online ? JOURNAL_ONLINE : JOURNAL_OFFLINE);
	core->online = online;
}

/* Sessions. */

static struct seat *
find_seat(struct core *core, const char *id)
{
	for (size_t i = 0; i < SERVE_SESSIONS; i++) {
		if (strcmp(core->seats[i].id, id) == 0)
			return &core->seats[i];
	}
	return NULL;
}

/* The channel worker gets its end of the session's socket, and a word. */
static void
hand_over(const struct core *core, const struct seat *seat)
{
	struct records_core record = { .kind = RECORDS_SESSION };

	memcpy(record.session, seat->id, sizeof record.session);
	if (pass_send(core->pass, &seat->fd, 1) != 0 ||
	    records_tell_core(core->line, &record) != 0)
		log_event(LOG_WARN, "agent_session",
		    "a session could not be handed to the channel worker");
}

static int
fill_seat(const struct core *core, struct seat *seat, const char *id,
    struct err *err)
{
	struct session_in in = { .work = core->work, .id = id };
	int ends[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "socketpair");
	in.line = ends[1];
	rc = session_start(&seat->job, &in, err);
	close(ends[1]);
	if (rc != 0) {
		close(ends[0]);
		return -1;
	}
	seat->fd = ends[0];
	seat->over = false;
	slice_copy(slice_of(id), seat->id, sizeof seat->id);
	return 0;
}

static void
start_session(struct core *core, const char *id)
{
	struct records_core refusal = { .kind = RECORDS_REFUSED };
	struct seat *seat = find_seat(core, "");
	struct err err = { 0 };

	if (find_seat(core, id) != NULL)
		return;
	if (core->parting) {
		err_set(&err, ERR_KIND_SYSTEM, "The container stops.");
	} else if (seat == NULL) {
		err_set(&err, ERR_KIND_SYSTEM, "There are %d sessions already.",
		    SERVE_SESSIONS);
	} else if (fill_seat(core, seat, id, &err) == 0) {
		hand_over(core, seat);
		return;
	} else {
		log_err(LOG_WARN, "agent_session", &err);
	}
	slice_copy(slice_of(id), refusal.session, sizeof refusal.session);
	refusal.len = (uint32_t)strnlen(err.msg, sizeof refusal.bytes - 1);
	memcpy(refusal.bytes, err.msg, refusal.len);
	records_tell_core(core->line, &refusal);
}

static void
free_seat(struct seat *seat)
{
	file_close(&seat->fd);
	seat->id[0] = '\0';
}

static void
step_seat(struct seat *seat)
{
	struct job_record record;

	while (job_next(&seat->job, &record) == 1) {
		if (record.type == JOURNAL_FAILED)
			log_err(LOG_WARN, "agent_session", &record.err);
	}
	if (seat->over && !seat->job.active)
		free_seat(seat);
}

static void
step_sessions(struct core *core)
{
	bool busy = false;

	for (size_t i = 0; i < SERVE_SESSIONS; i++) {
		struct seat *seat = &core->seats[i];

		if (seat->id[0] == '\0')
			continue;
		step_seat(seat);
		busy |= seat->job.active;
	}
	if (busy != core->busy)
		tell(core, busy ? JOURNAL_BUSY : JOURNAL_IDLE);
	core->busy = busy;
}

/* The container stops. */
static void
part(struct core *core)
{
	const struct records_core record = { .kind = RECORDS_PART };

	core->parting = true;
	records_tell_core(core->line, &record);
	for (size_t i = 0; i < SERVE_SESSIONS; i++) {
		const struct job *job = &core->seats[i].job;

		if (job->active && job->pid > 0)
			kill(job->pid, SIGHUP);
	}
}

/* The channel worker. */

static void
end_channel(struct core *core)
{
	set_online(core, false);
	file_close(&core->line);
	file_close(&core->pass);
	if (clock_ms() - core->since >= STEADY_MS)
		core->deaths = 0;
	core->again_at = clock_in(clock_backoff(AGAIN_FIRST_MS, AGAIN_MOST_MS,
	    ++core->deaths, 1));
}

static int
start_job(struct core *core, int line, int pass, struct err *err)
{
	struct work input = *core->work;
	struct job_spec spec = {
		.name = "channel",
		.work = channel_run,
		.input = &input,
		.keep = { line, pass },
		.keep_count = 2,
		.deadline = INT64_MAX,
	};

	input.line_fd = line;
	input.pass_fd = pass;
	return job_start(&core->channel, &spec, err);
}

static int
open_channel(struct core *core, struct err *err)
{
	int lines[2], passes[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, lines) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "socketpair");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, passes) !=
	    0) {
		close(lines[0]);
		close(lines[1]);
		return err_sys(err, ERR_KIND_SYSTEM, "socketpair");
	}
	core->line = lines[0];
	core->pass = passes[0];
	rc = start_job(core, lines[1], passes[1], err);
	close(lines[1]);
	close(passes[1]);
	return rc;
}

static void
start_channel(struct core *core)
{
	const struct records_core parts = { .kind = RECORDS_PART };
	struct err err = { 0 };

	core->since = clock_ms();
	if (open_channel(core, &err) != 0) {
		log_err(LOG_WARN, "agent_channel", &err);
		end_channel(core);
		return;
	}
	for (size_t i = 0; i < SERVE_SESSIONS; i++) {
		if (core->seats[i].id[0] != '\0')
			hand_over(core, &core->seats[i]);
	}
	if (core->parting)
		records_tell_core(core->line, &parts);
}

static void
take(struct core *core, const struct records_core *record)
{
	struct records_core answer = { .kind = RECORDS_NOTHING };
	struct seat *seat = NULL;

	switch ((enum records_kind)record->kind) {
	case RECORDS_SIGN:
		signer_sign(&core->signer, record, &answer);
		break;
	case RECORDS_ROTATE:
		signer_rotate(&core->signer, &answer);
		break;
	case RECORDS_ADOPT:
		signer_adopt(&core->signer);
		break;
	case RECORDS_ONLINE:
	case RECORDS_OFFLINE:
		set_online(core, record->kind == RECORDS_ONLINE);
		break;
	case RECORDS_DOUBT:
		tell(core, JOURNAL_DOUBT);
		break;
	case RECORDS_WANTED:
		start_session(core, record->session);
		break;
	case RECORDS_OVER:
		seat = find_seat(core, record->session);
		if (seat != NULL)
			seat->over = true;
		break;
	default:
		break;
	}
	if (answer.kind != RECORDS_NOTHING)
		records_tell_core(core->line, &answer);
}

static void
step_channel(struct core *core)
{
	struct records_core record;
	struct job_record last;

	while (core->line >= 0 &&
	       records_hear_core(core->line, true, &record) == RECORDS_ONE)
		take(core, &record);
	while (job_next(&core->channel, &last) == 1) {
		if (last.type != JOURNAL_DONE && last.type != JOURNAL_FAILED)
			continue;
		log_event(LOG_WARN, "agent_channel",
		    "the process of the control channel ended%s%s; starting it "
		    "again",
		    last.type == JOURNAL_FAILED ? ": " : "", last.err.msg);
		end_channel(core);
	}
	if (!core->channel.active && clock_ms() >= core->again_at)
		start_channel(core);
}

/* All of it. */

static void
reap(struct core *core)
{
	int status = 0;
	pid_t pid = 0;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		bool known = job_reaped(&core->channel, pid);

		for (size_t i = 0; i < SERVE_SESSIONS && !known; i++)
			known = job_reaped(&core->seats[i].job, pid);
	}
}

static void
take_signals(struct core *core)
{
	int sig;

	while ((sig = signals_next(core->signal_fd)) != 0) {
		if (sig == SIGCHLD)
			reap(core);
		else if (sig == SIGHUP)
			part(core);
		else if (sig == SIGTERM)
			core->ended = true;
	}
}

static void
wait_for_events(const struct core *core)
{
	struct pollfd fds[FDS_MAX] = {
		{ .fd = core->signal_fd, .events = POLLIN },
		{ .fd = core->line, .events = POLLIN },
	};
	int64_t due = job_due(&core->channel);
	size_t count = 2 + job_poll(&core->channel, fds + 2);

	if (!core->channel.active)
		due = core->again_at;
	for (size_t i = 0; i < SERVE_SESSIONS; i++) {
		const struct job *job = &core->seats[i].job;

		count += job_poll(job, fds + count);
		due = clock_min(due, job_due(job));
	}
	signals_wait(fds, count, due == INT64_MAX ? -1 : clock_left(due));
}

static void
end_all(struct core *core)
{
	for (size_t i = 0; i < SERVE_SESSIONS; i++) {
		job_kill(&core->seats[i].job);
		file_close(&core->seats[i].fd);
	}
	job_kill(&core->channel);
	file_close(&core->line);
	file_close(&core->pass);
	signer_close(&core->signer);
}

int
serve_run(const struct work *work, int out, struct err *err)
{
	struct core *core = calloc(1, sizeof *core);
	struct exec_signals before;
	int rc = -1;

	if (core == NULL)
		return err_memory(err);
	*core = (struct core){
		.work = work,
		.out = out,
		.line = -1,
		.pass = -1,
	};
	for (size_t i = 0; i < SERVE_SESSIONS; i++)
		core->seats[i].fd = -1;
	log_node(work->state->node);
	if (signals_open(&core->signal_fd, &before, err) != 0 ||
	    signer_open(&core->signer, work, err) != 0)
		goto out;
	while (!core->ended) {
		take_signals(core);
		step_channel(core);
		step_sessions(core);
		wait_for_events(core);
	}
	rc = 0;
out:
	end_all(core);
	free(core);
	return rc;
}
