#include "keep/course.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "keep/course_key.h"
#include "keep/course_phases.h"
#include "settings/config.h"
#include "work/journal.h"

/* Milliseconds for the workers beside the phase's own, whose requests end a
 * little earlier. */
enum { SAVE_MS = 10000, TIDY_MS = 30000, MARGIN_MS = 200 };

void
course_init(struct course *course, const struct course_options *options)
{
	*course = (struct course){
		.code_fd = -1,
		.key_out = { -1, -1 },
		.work = {
			.cfg = options->cfg,
			.agent = options->agent,
			.role = options->role,
			.code = options->code,
			.public_fd = -1,
			.private_fd = -1,
			.code_fd = -1,
		},
	};
}

void
course_start(struct course *course)
{
	course->started_at = clock_ms();
	course->give_up_at = course->started_at + course->work.cfg->give_up_ms;
	watch_begin(&course->watch, &course->work);
	course_move_to(course, COURSE_PREPARE);
}

void
course_refuse(struct course *course, const struct err *err)
{
	course->last = *err;
	course->stopping = true;
	course_move_to(course, COURSE_DOWN);
}

void
course_clear(struct course *course, const struct state *state, bool shared)
{
	course->state = *state;
	course->state.begun &= !shared;
	course->stopping = true;
	course->stop_by = clock_in(course->work.cfg->down_timeout_ms);
	course_move_to(course, COURSE_REMOVE);
}

void
course_doubt(struct course *course)
{
	if (course->phase == COURSE_UP)
		course_move_to(course, COURSE_CHECK);
}

void
course_abandon(const struct course *course)
{
	/* On the way to DOWN it was said already. */
	if (course->phase != COURSE_DOWN && !state_settled(&course->state))
		course_phases_left(&course->state);
}

/* One save at a time; a change meanwhile makes another one. */
static void
save(struct course *course)
{
	struct work work = course->work;
	struct job_spec spec = {
		.name = "save",
		.work = work_files_save,
		.input = &work,
		.deadline = clock_in(SAVE_MS),
	};
	struct err err = { 0 };

	work.state = &course->state;
	course->unsaved = false;
	if (job_start(&course->saver, &spec, &err) != 0)
		log_err(LOG_WARN, "save_failed", &err);
}

/* Where the registration could not delete its activation, the node's own
 * credentials may be allowed to. */
static void
tidy(struct course *course)
{
	struct work work = course->work;
	struct job_spec spec = {
		.name = "delete the activation",
		.work = work_net_remove,
		.input = &work,
		.tells = JOURNAL_BIT(JOURNAL_NO_ACTIVATION) |
		         JOURNAL_BIT(JOURNAL_NO_NODE) |
		         JOURNAL_BIT(JOURNAL_SETTLED),
		.deadline = clock_in(TIDY_MS),
	};
	struct err err = { 0 };

	course->tidied = course->state;
	course->tidied.node[0] = '\0';
	work.state = &course->tidied;
	work.tidy = true;
	work.deadline = spec.deadline - MARGIN_MS;
	if (job_start(&course->tidy, &spec, &err) != 0)
		log_err(LOG_WARN, "tidy_failed", &err);
}

static void
take(struct course *course, const struct journal_entry *record)
{
	switch ((enum journal)record->type) {
	case JOURNAL_STATE:
		slice_copy(slice_of(record->text), course->verdict,
		    sizeof(course->verdict));
		course->state = record->state;
		return; /* It comes from the disk. */
	case JOURNAL_CERTS:
		course->certs = true;
		return;
	case JOURNAL_HANDED_OVER:
		course->delegated = true;
		return;
	case JOURNAL_ACCEPTED:
	case JOURNAL_REFUSED:
		course->refused = record->type == JOURNAL_REFUSED;
		return;
	case JOURNAL_ACTIVATION:
		course->key_used = true;
		break;
	case JOURNAL_NO_NODE:
		log_event(LOG_INFO, "node_removed", "%s is removed",
		    course->state.node);
		break;
	case JOURNAL_REGION:
		/* Comes before the first request.  On disk it says so all the
		 * time. */
		course->state.unsettled = course->work.cfg->id == NULL;
		course_key_make(course);
		break;
	case JOURNAL_NONE:
	case JOURNAL_HELD:
	case JOURNAL_READY:
	case JOURNAL_ONLINE:
	case JOURNAL_HIBERNATE:
	case JOURNAL_DOUBT:
	case JOURNAL_NODE:
	case JOURNAL_NO_ACTIVATION:
	case JOURNAL_SETTLED:
	case JOURNAL_DONE:
	case JOURNAL_FAILED:
	case JOURNAL_TYPES:
		break;
	}
	if (journal_apply(&course->state, record))
		course->unsaved = true;
}

static void
step_job(struct course *course)
{
	struct journal_entry record;

	while (job_next(&course->job, &record) == 1) {
		if (record.type == JOURNAL_FAILED) {
			course_phases[course->phase].failed(course,
			    &record.err);
			return;
		}
		if (record.type == JOURNAL_DONE) {
			course_phases[course->phase].done(course);
			return;
		}
		take(course, &record);
	}
}

/* Workers beside the phase's own. */
static void
step_others(struct course *course)
{
	struct journal_entry record;

	while (job_next(&course->tidy, &record) == 1) {
		if (record.type == JOURNAL_FAILED)
			log_err(LOG_WARN, "activation_kept", &record.err);
		else
			take(course, &record);
	}
	while (job_next(&course->saver, &record) == 1) {
		if (record.type == JOURNAL_FAILED)
			log_err(LOG_WARN, "save_failed", &record.err);
	}
	/* Its failure is seen by whoever waits for the key. */
	while (job_next(&course->key, &record) == 1) {
	}
}

/* A phase that is due to begin; some wait until the state is on disk. */
static bool
may_begin(const struct course *course)
{
	const struct course_table *phase = &course_phases[course->phase];

	if (course->begun || phase->begin == NULL)
		return false;
	return !phase->on_disk || (!course->unsaved && !course->saver.active);
}

static bool
begin(struct course *course)
{
	struct err err = { 0 };

	if (!may_begin(course))
		return false;
	course->begun = true;
	if (course_phases[course->phase].begin(course, &err) == 0)
		return false;
	course_phases[course->phase].failed(course, &err);
	return true;
}

/* Reasons to end that nobody has to tell us. */
static void
look_for_end(struct course *course)
{
	const char *why = NULL;

	if (course->stopping) {
		watch_end(&course->watch);
		job_kill(&course->tidy);
		return;
	}
	if (ttl_over(&course->ttl))
		why = "SSM_ACTIVATE_TTL is over";
	else if (watch_step(&course->watch, &course->work))
		why = "ECS stops the task";
	if (why == NULL)
		return;
	log_event(LOG_INFO, "stopping", "%s: taking the node down", why);
	course_stop(course);
}

void
course_step(struct course *course)
{
	look_for_end(course);
	step_others(course);
	step_job(course);
	if (course->phase == COURSE_WAIT && clock_ms() >= course->retry_at)
		course_move_to(course, COURSE_PREPARE);
	if (course->unsaved && !course->saver.active)
		save(course);
	while (begin(course)) {
	}
}

bool
course_reaped(struct course *course, pid_t pid)
{
	return job_reaped(&course->job, pid) ||
	       job_reaped(&course->saver, pid) ||
	       job_reaped(&course->key, pid) ||
	       job_reaped(&course->tidy, pid) ||
	       job_reaped(&course->watch.job, pid);
}

void
course_agent_runs(struct course *course)
{
	if (course->phase != COURSE_START)
		return;
	course_move_to(course, COURSE_UP);
	err_clear(&course->last);
	if (course->state.activation[0] != '\0')
		tidy(course);
}

void
course_agent_lost(struct course *course, const struct err *err)
{
	if (course->phase == COURSE_START || course->phase == COURSE_UP)
		course_move_fail(course, err);
}

void
course_stop(struct course *course)
{
	int64_t soon = clock_in(course->work.cfg->down_timeout_ms / 2);
	int64_t by = clock_in(course->work.cfg->down_timeout_ms);

	if (course->stopping) {
		/* What a failed start has made is being removed. */
		course->stop_by = clock_min(course->stop_by, by);
		course->job.deadline = clock_min(course->job.deadline, by);
		return;
	}
	course->stopping = true;
	course->stop_by = by;
	switch (course->phase) {
	case COURSE_OFF:
	case COURSE_DOWN:
		course_move_to(course, COURSE_DOWN);
		break;
	case COURSE_PREPARE:
	case COURSE_CHECK:
	case COURSE_REGISTER:
	case COURSE_DELEGATE:
	case COURSE_INSTALL:
	case COURSE_REMOVE:
	case COURSE_FORGET:
		/* A worker that is cut off in the middle of a call leaves
		 * something unknown behind: it gets half of the time. */
		course->job.deadline = clock_min(course->job.deadline, soon);
		break;
	case COURSE_START:
	case COURSE_UP:
	case COURSE_WAIT:
		course_move_to(course, COURSE_OFF);
		break;
	case COURSE_PHASES:
		break;
	}
}

bool
course_over(const struct course *course)
{
	return course->phase == COURSE_DOWN && course->begun &&
	       !course->job.active && !course->unsaved && !course->saver.active;
}

/* All workers that there may be at a time. */
static void
list_jobs(const struct job *out[static COURSE_JOBS],
    const struct course *course)
{
	out[0] = &course->job;
	out[1] = &course->saver;
	out[2] = &course->key;
	out[3] = &course->tidy;
	out[4] = &course->watch.job;
}

size_t
course_poll(const struct course *course, struct pollfd *fds)
{
	const struct job *jobs[COURSE_JOBS];
	size_t count = 0;

	list_jobs(jobs, course);
	for (size_t i = 0; i < COURSE_JOBS; i++)
		count += job_poll(jobs[i], &fds[count]);
	return count;
}

int64_t
course_due(const struct course *course)
{
	const struct job *jobs[COURSE_JOBS];
	int64_t due = watch_due(&course->watch);

	if (may_begin(course))
		return 0;
	if (course->phase == COURSE_WAIT)
		due = clock_min(due, course->retry_at);
	if (course->ttl.next != 0 && !course->stopping)
		due = clock_min(due, course->ttl.next);
	list_jobs(jobs, course);
	for (size_t i = 0; i < COURSE_JOBS; i++)
		due = clock_min(due, job_due(jobs[i]));
	return due;
}
