/* SPDX-License-Identifier: MIT */
#include "keep/life.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "keep/life_table.h"
#include "keep/supervisor.h"
#include "settings/config.h"
#include "work/job.h"
#include "work/node_key.h"

/* Once the life is to end, a save may take so long. */
enum { LAST_SAVE_MS = 10000 };

/* A state that is due to begin; some wait until what is known is on disk. */
static bool
may_begin(const struct life *life)
{
	if (life->begun || life_table[life->at].begin == NULL)
		return false;
	return !life_table[life->at].on_disk ||
	       (!life->saver.due && !life->saver.job.active);
}

/* Sessions end before their node does; true while they are given time. */
static bool
part(struct life *life)
{
	if (life->at != LIFE_REMOVE)
		return false;
	if (!life->hung_up && supervisor_hang_up())
		life->parts_at = clock_in(SUPERVISOR_PARTS_MS);
	life->hung_up = true;
	return life_parts(life);
}

/* Begin what is due to begin; true if that led to another state. */
static bool
begin(struct life *life)
{
	struct err err = { 0 };
	int rc = 0;

	if (!may_begin(life) || part(life))
		return false;
	/* After a stop only what is on the disk has to be known. */
	if (life->stopping && life->at > LIFE_PREPARE &&
	    life->at < LIFE_REMOVE) {
		life_table_happen(life, LIFE_ENDED, NULL);
		return true;
	}
	life->begun = true;
	life->outcome = LIFE_DONE;
	rc = life_table[life->at].begin(life, &err);
	if (rc > 0)
		life_table_happen(life, life_table_end(life, NULL), NULL);
	else if (rc < 0)
		life_table_happen(life, life_table_end(life, &err), &err);
	return rc != 0;
}

/* What workers tell. */

/* One save at a time; a change meanwhile makes another one. */
static void
save(struct life *life)
{
	struct work work = life->work;
	struct job_spec spec = {
		.name = "save",
		.work = work_files_save,
		.input = &work,
		.deadline =
		    clock_in(life->stopping ? LAST_SAVE_MS : LIFE_DISK_MS),
	};
	struct err err = { 0 };

	work.state = &life->state;
	life->saver.due = false;
	if (work.memory)
		return;
	if (job_start(&life->saver.job, &spec, &err) != 0)
		log_err(LOG_WARN, "save_failed", &err);
}

static bool
apply(struct life *life, const struct job_record *entry)
{
	return state_apply(&life->state, (enum journal)entry->type, entry->text,
	    &entry->state);
}

static void
take_state(struct life *life, const struct job_record *entry)
{
	apply(life, entry);
	if (entry->type == JOURNAL_LEFTOVER)
		life->outcome = LIFE_LEFTOVER;
	else if (life->state.node[0] == '\0')
		life->state.unsettled = false; /* nothing was sent yet */
}

static void
take_agent(struct life *life, const char *agent)
{
	/* Once: a worker does not give itself more time. */
	if (!life->stopping && life->agent[0] == '\0')
		life->job.deadline = clock_in(LIFE_DISK_MS);
	slice_copy(slice_of(agent), life->agent, sizeof life->agent);
	if (life_builtin(life) && life->work.key_fd < 0)
		life->work.key_fd = node_key_open();
}

static void
take(struct life *life, const struct job_record *entry)
{
	switch ((enum journal)entry->type) {
	case JOURNAL_STATE:
	case JOURNAL_LEFTOVER:
		take_state(life, entry);
		return; /* it comes from the disk */
	case JOURNAL_AGENT:
		take_agent(life, entry->text);
		return;
	case JOURNAL_MEMORY:
		life->work.memory = true;
		return;
	case JOURNAL_CERTS:
		life->certs = true;
		return;
	case JOURNAL_NAME:
		slice_copy(slice_of(entry->text), life->name,
		    sizeof life->name);
		return;
	case JOURNAL_HANDED_OVER:
		life->outcome = LIFE_HANDED_OVER;
		return;
	case JOURNAL_ACCEPTED:
		life->outcome = LIFE_ACCEPTED;
		return;
	case JOURNAL_REFUSED:
		life->outcome = LIFE_REFUSED;
		return;
	case JOURNAL_ACTIVATION:
		life->key.used = true;
		break;
	case JOURNAL_NO_NODE:
		log_event(LOG_INFO, "node_removed", "%s is removed",
		    life->state.node);
		break;
	case JOURNAL_REGION:
		/* On disk it says so all the time. */
		life->state.unsettled = !config_given(life->work.cfg);
		key_pair_make(&life->key, &life->work);
		break;
	default:
		break;
	}
	if (apply(life, entry))
		life->saver.due = true;
}

static void
step_job(struct life *life)
{
	struct job_record entry;

	while (job_next(&life->job, &entry) == 1) {
		bool failed = entry.type == JOURNAL_FAILED;
		const struct err *why = failed ? &entry.err : NULL;

		if (failed || entry.type == JOURNAL_DONE)
			life_table_happen(life, life_table_end(life, why), why);
		else
			take(life, &entry);
	}
}

/* Workers beside the state's own. */
static void
step_others(struct life *life)
{
	struct job_record entry;

	while (job_next(&life->tidy, &entry) == 1) {
		if (entry.type == JOURNAL_FAILED)
			log_err(LOG_WARN, "activation_kept", &entry.err);
		else
			take(life, &entry);
	}
	while (job_next(&life->saver.job, &entry) == 1) {
		if (entry.type == JOURNAL_FAILED)
			log_err(LOG_WARN, "save_failed", &entry.err);
	}
	/* Its failure is seen by whoever waits for the key. */
	while (job_next(&life->key.job, &entry) == 1) {
	}
}

/* Reasons to end that nobody has to tell us. */
static void
look_for_end(struct life *life)
{
	const char *why = NULL;

	if (life->stopping) {
		watch_end(&life->watch);
		job_kill(&life->tidy);
		return;
	}
	if (ttl_over(&life->ttl)) {
		why = life->ttl.cut ? "no longer asked for"
		                    : "SSM_ACTIVATE_TTL is over";
	} else if (watch_step(&life->watch, &life->work)) {
		why = "ECS stops the task";
		life_keep(life);
	}
	if (why == NULL)
		return;
	log_event(LOG_INFO, "stopping", "%s: taking the node down", why);
	life_stop(life);
}

static int64_t
slow_due(const struct life *life)
{
	return life->job.active && !life->stopping &&
	               (life->at == LIFE_PREPARE || life->at == LIFE_INSTALL)
	           ? life->slow_at
	           : INT64_MAX;
}

static void
tell_slow(struct life *life)
{
	if (clock_ms() < slow_due(life))
		return;
	life->slow_at = INT64_MAX;
	log_event(LOG_WARN, "slow_disk",
	    "%s: nothing for %d s; waiting for the disk", life->job.name,
	    LIFE_SLOW_MS / 1000);
}

void
life_step(struct life *life)
{
	look_for_end(life);
	tell_slow(life);
	step_others(life);
	step_job(life);
	if (life->at == LIFE_WAIT && clock_ms() >= life->retry_at)
		life_table_happen(life, LIFE_TIME, NULL);
	if (life->saver.due && !life->saver.job.active)
		save(life);
	while (begin(life)) {
	}
}

void
life_init(struct life *life, const struct life_options *options)
{
	*life = (struct life){
		.at = LIFE_WAIT,
		.retry_at = INT64_MAX,
		.code_fd = -1,
		.key.out = { -1, -1 },
		.work = {
			.cfg = options->cfg,
			.agent = life->agent,
			.role = options->role,
			.code = options->code,
			.public_fd = -1,
			.private_fd = -1,
			.code_fd = -1,
			.key_fd = -1,
		},
	};
}

static void
begin_life(struct life *life, bool idle)
{
	life->work.idle = idle;
	life->started_at = clock_ms();
	life->give_up_at = life->started_at + life->work.cfg->give_up_ms;
	life_table_happen(life, LIFE_TIME, NULL);
}

void
life_start(struct life *life)
{
	watch_begin(&life->watch, &life->work);
	err_clear(&life->last);
	life->close = LIFE_FORGET;
	begin_life(life, false);
}

void
life_rest(struct life *life)
{
	begin_life(life, true);
}

void
life_renew(struct life *life)
{
	struct life_options options = {
		.cfg = life->work.cfg,
		.role = life->work.role,
		.code = life->work.code,
	};
	int key = life->work.key_fd;
	struct err last = life->last;

	file_close(&life->code_fd);
	life_init(life, &options);
	life->work.key_fd = key;
	life->last = last;
	life->close = LIFE_NOTHING;
}

bool
life_rests(const struct life *life)
{
	return life->at == LIFE_WAIT && life->retry_at == INT64_MAX;
}

void
life_prolong(struct life *life, int64_t until)
{
	bool counts = life->ttl.until != 0;

	life->ttl = (struct ttl){ .asked = until };
	if (counts)
		ttl_begin(&life->ttl, life->work.cfg, life->state.node);
}

void
life_cut(struct life *life)
{
	if (!life->stopping && !life_rests(life))
		ttl_cut(&life->ttl, life->work.cfg);
}

void
life_bar(struct life *life, const struct err *err)
{
	life_table_happen(life, LIFE_BARRED, err);
}

void
life_clear(struct life *life, const struct state *state, bool shared)
{
	life->state = *state;
	life->state.begun &= !shared;
	life_stop(life);
}

void
life_doubt(struct life *life)
{
	life_table_happen(life, LIFE_DOUBT, NULL);
}

void
life_abandon(const struct life *life)
{
	/* Who closes has said it already. */
	if (life->at != LIFE_CLOSE && life->at != LIFE_OVER && !life->keeps &&
	    !state_settled(&life->state))
		life_table_tell_left(&life->state);
}

void
life_agent_runs(struct life *life)
{
	life_table_happen(life, LIFE_AGENT_RUNS, NULL);
}

void
life_agent_lost(struct life *life, const struct err *err)
{
	if (life->at != LIFE_START && life->at != LIFE_UP)
		return;
	life_keep(life);
	life_table_happen(life, LIFE_FAILED, err);
}

void
life_keep(struct life *life)
{
	if (life->stopping || life->work.memory ||
	    !life->work.cfg->keep_identity || !work_registered(&life->state))
		return;
	life->keeps = true;
	if (life->close == LIFE_FORGET)
		life->close = LIFE_NOTE;
	log_event(LOG_INFO, "node_kept",
	    "%s stays registered, for the next container with this volume",
	    life->state.node);
}

void
life_stop(struct life *life)
{
	int64_t by = clock_in(life->work.cfg->down_timeout_ms);

	life->saver.job.deadline = clock_min(life->saver.job.deadline,
	    clock_in(life->work.cfg->down_timeout_ms / 2));
	if (life->stopping) {
		/* What a failed start has made is being removed. */
		life->stop_by = clock_min(life->stop_by, by);
		life->job.deadline = clock_min(life->job.deadline, by);
		return;
	}
	life->stopping = true;
	life->stop_by = by;
	life_table_happen(life, LIFE_STOP, NULL);
}

bool
life_reuses(const struct life *life)
{
	return life->outcome == LIFE_ACCEPTED;
}

bool
life_builtin(const struct life *life)
{
	return slice_eq(slice_of(life->agent), WORK_BUILTIN);
}

bool
life_parts(const struct life *life)
{
	return life->at == LIFE_REMOVE && clock_ms() < life->parts_at;
}

bool
life_over(const struct life *life)
{
	return life->at == LIFE_OVER && !life->saver.due &&
	       !life->saver.job.active;
}

/* All workers that there may be at a time. */
static void
list_jobs(const struct job *out[static LIFE_JOBS], const struct life *life)
{
	out[0] = &life->job;
	out[1] = &life->saver.job;
	out[2] = &life->key.job;
	out[3] = &life->tidy;
	out[4] = &life->watch.job;
}

bool
life_reaped(struct life *life, pid_t pid)
{
	return job_reaped(&life->job, pid) ||
	       job_reaped(&life->saver.job, pid) ||
	       job_reaped(&life->key.job, pid) ||
	       job_reaped(&life->tidy, pid) ||
	       job_reaped(&life->watch.job, pid);
}

size_t
life_poll(const struct life *life, struct pollfd *fds)
{
	const struct job *jobs[LIFE_JOBS];
	size_t count = 0;

	list_jobs(jobs, life);
	for (size_t i = 0; i < LIFE_JOBS; i++)
		count += job_poll(jobs[i], &fds[count]);
	return count;
}

int64_t
life_due(const struct life *life)
{
	const struct job *jobs[LIFE_JOBS];
	int64_t due = clock_min(watch_due(&life->watch), slow_due(life));

	if (life_parts(life))
		due = clock_min(due, life->parts_at);
	else if (may_begin(life))
		return 0;
	if (life->at == LIFE_WAIT)
		due = clock_min(due, life->retry_at);
	if (life->ttl.next != 0 && !life->stopping)
		due = clock_min(due, life->ttl.next);
	list_jobs(jobs, life);
	for (size_t i = 0; i < LIFE_JOBS; i++)
		due = clock_min(due, job_due(jobs[i]));
	return due;
}
