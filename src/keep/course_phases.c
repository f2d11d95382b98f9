#include "keep/course_phases.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "keep/course_key.h"
#include "keep/course_move.h"
#include "settings/config.h"
#include "work/journal.h"

/* Times that the workers get, in milliseconds.  The requests of a network
 * worker end a little earlier, so that it can say itself what happened. */
enum {
	PREPARE_MS = 20000,
	CHECK_MS = 15000,
	REGISTER_MS = 60000,
	DELEGATE_MS = 60000,
	INSTALL_MS = 20000,
	LEFTOVER_MS = 20000,
	FORGET_MS = 10000,
	NOTE_MS = 2000,
	FORGET_SHARE_MS = 300, /* of the time of a take-down */
	MARGIN_MS = 200,
	WAIT_MIN_MS = 1500,
	WAIT_MAX_MS = 50000,
};

/* What a net worker tells of the account. */
#define JOURNAL                                                        \
	(JOURNAL_BIT(JOURNAL_ACTIVATION) | JOURNAL_BIT(JOURNAL_NODE) | \
	    JOURNAL_BIT(JOURNAL_NO_ACTIVATION) |                       \
	    JOURNAL_BIT(JOURNAL_NO_NODE) | JOURNAL_BIT(JOURNAL_SETTLED))

/* Start the worker of the phase, with the descriptors that it needs (-1 =
 * none). */
static int
begin_job(struct course *course, const struct job_spec *what, struct err *err)
{
	struct job_spec spec = *what;

	spec.input = &course->work;
	for (size_t i = 0; i < JOB_KEEP_MAX; i++) {
		if (what->keep[i] > 0)
			spec.keep[spec.keep_count++] = what->keep[i];
	}
	course->work.state = &course->state;
	course->work.failure = &course->last;
	course->work.deadline = spec.deadline - MARGIN_MS;
	return job_start(&course->job, &spec, err);
}

static int
begin_prepare(struct course *course, struct err *err)
{
	struct job_spec spec = {
		.name = "prepare",
		.work = work_files_prepare,
		.tells =
		    JOURNAL_BIT(JOURNAL_STATE) | JOURNAL_BIT(JOURNAL_CERTS),
		.deadline = clock_in(PREPARE_MS),
	};

	course->certs = false;
	return begin_job(course, &spec, err);
}

static int
begin_check(struct course *course, struct err *err)
{
	struct job_spec spec = {
		.name = "check",
		.work = work_net_check,
		.tells = JOURNAL_BIT(JOURNAL_ACCEPTED) |
		         JOURNAL_BIT(JOURNAL_REFUSED),
		.deadline = clock_in(CHECK_MS),
	};

	return begin_job(course, &spec, err);
}

static int
begin_register(struct course *course, struct err *err)
{
	struct job_spec spec = {
		.name = "register",
		.work = work_net_register,
		.tells = JOURNAL | JOURNAL_BIT(JOURNAL_REGION) |
		         JOURNAL_BIT(JOURNAL_HANDED_OVER),
		.deadline = clock_in(REGISTER_MS),
	};
	int code[2];
	int rc = -1;

	course->delegated = false;
	course->work.delegate = course->work.cfg->registrar == CONFIG_AGENT;
	if (!course->work.delegate && course_key_open(course, err) != 0)
		return -1;
	file_close(&course->code_fd);
	if (pipe2(code, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	course->work.code_fd = code[1];
	spec.keep[0] = code[1];
	spec.keep[1] = course->work.public_fd;
	rc = begin_job(course, &spec, err);
	file_close(&course->work.code_fd);
	course->code_fd = code[0];
	return rc;
}

static int
begin_delegate(struct course *course, struct err *err)
{
	struct job_spec spec = {
		.name = "register",
		.work = work_delegate_run,
		.tells = JOURNAL_BIT(JOURNAL_NODE),
		.keep = { course->code_fd },
		.deadline = clock_in(DELEGATE_MS),
	};
	int rc = -1;

	course->work.delegate = true;
	course->work.code_fd = course->code_fd;
	rc = begin_job(course, &spec, err);
	file_close(&course->work.code_fd);
	course->code_fd = -1;
	return rc;
}

static int
begin_install(struct course *course, struct err *err)
{
	struct job_spec spec = {
		.name = "install",
		.work = work_files_install,
		.tells =
		    JOURNAL_BIT(JOURNAL_STATE) | JOURNAL_BIT(JOURNAL_CERTS),
		.keep = { course->work.private_fd },
		.deadline = clock_in(INSTALL_MS),
	};

	course->certs = false;
	return begin_job(course, &spec, err);
}

static int
begin_remove(struct course *course, struct err *err)
{
	struct job_spec spec = {
		.name = "remove",
		.work = work_net_remove,
		.tells = JOURNAL,
		.deadline = course->stopping ? course->stop_by - FORGET_SHARE_MS
		                             : clock_in(LEFTOVER_MS),
	};

	return begin_job(course, &spec, err);
}

static int
begin_forget(struct course *course, struct err *err)
{
	struct job_spec spec = {
		.name = "forget",
		.work = work_files_forget,
		.deadline = clock_in(FORGET_MS),
	};

	course_key_drop(course);
	return begin_job(course, &spec, err);
}

static void
prepare_failed(struct course *course, const struct err *err)
{
	/* Nothing was done, and what is on disk is somebody else's. */
	course->last = *err;
	course->stopping = true;
	course_move_to(course, COURSE_DOWN);
}

static void
prepare_done(struct course *course)
{
	course->leftover = strcmp(course->verdict, "leftover") == 0;
	course->reused = strcmp(course->verdict, "reuse") == 0;
	if (course->leftover) {
		log_event(LOG_INFO, "leftover",
		    "removing what an earlier start left behind");
		course_move_to(course, state_settled(&course->state)
		                           ? COURSE_FORGET
		                           : COURSE_REMOVE);
		return;
	}
	/* Nothing was sent yet. */
	if (!course->reused)
		course->state.unsettled = false;
	course_move_to(course, course->reused ? COURSE_CHECK : COURSE_REGISTER);
}

static void
check_done(struct course *course)
{
	if (!course->refused) {
		course_move_to(course, COURSE_START);
		return;
	}
	log_event(LOG_WARN, "registration_refused",
	    "AWS no longer accepts %s; registering anew", course->state.node);
	course->leftover = true;
	course_move_to(course, COURSE_REMOVE);
}

/* AWS cannot be asked: the agent will find out by itself. */
static void
check_failed(struct course *course, const struct err *err)
{
	log_err(LOG_WARN, "check_failed", err);
	course_move_to(course, COURSE_START);
}

static void
register_done(struct course *course)
{
	/* On disk before the first of the agent's files is. */
	course->state.begun = course->unsaved = true;
	work_wipe_code(&course->work);
	course_move_to(course,
	    course->delegated ? COURSE_DELEGATE : COURSE_INSTALL);
}

int64_t
course_phases_pause(int64_t waited, double unit)
{
	int64_t most = 2 * waited > WAIT_MIN_MS ? 2 * waited : WAIT_MIN_MS;

	return clock_backoff(most, WAIT_MAX_MS, 1, 0.4 + 0.6 * unit);
}

/* Wait, and begin again (base/clock.h tells who else tries again); false if
 * that is of no use. */
static bool
try_again(struct course *course, const struct err *err)
{
	int64_t now = clock_ms();

	if (err->retry == ERR_FINAL || now >= course->give_up_at)
		return false;
	/* Many wait for AWS at this moment, perhaps many on this machine:
	 * none of them takes the processor from those who are served. */
	if (course->key.active)
		course_key_drop(course);
	course->last = *err;
	log_err(LOG_WARN,
	    err->retry == ERR_THROTTLED ? "throttled" : "try_failed", err);
	course->retry_at =
	    now + course_phases_pause(now - course->started_at, rng_unit());
	course_move_to(course, COURSE_WAIT);
	return true;
}

static void
try_failed(struct course *course, const struct err *err)
{
	if (course->state.node[0] != '\0' || !try_again(course, err))
		course_move_fail(course, err);
}

static void
delegate_done(struct course *course)
{
	/* The agent has written the vault. */
	course->state.installed = true;
	course->unsaved = true;
	course_move_to(course, COURSE_INSTALL);
}

static void
install_done(struct course *course)
{
	course_key_drop(course);
	course_move_to(course, COURSE_START);
}

static void
remove_done(struct course *course)
{
	course_move_to(course, COURSE_FORGET);
}

void
course_phases_left(const struct state *state)
{
	if (state->node[0] != '\0') {
		log_event(LOG_WARN, "left_behind",
		    "the node %s stays on the account; remove it by: aws ssm "
		    "deregister-managed-instance --region %s --instance-id %s",
		    state->node, state->region, state->node);
	}
	if (state->activation[0] != '\0') {
		log_event(LOG_WARN, "left_behind",
		    "the activation %s stays on the account; remove it by: "
		    "aws ssm delete-activation --region %s --activation-id %s",
		    state->activation, state->region, state->activation);
	}
	if (state->unsettled && state->nonce[0] != '\0') {
		log_event(LOG_WARN, "left_behind",
		    "an activation may stay on the account, whose description "
		    "holds [ssm-activate:%s]",
		    state->nonce);
	}
}

static void
remove_failed(struct course *course, const struct err *err)
{
	/* The state of the leftover is on disk still. */
	if (!course->stopping && try_again(course, err))
		return;
	log_err(LOG_WARN, "remove_failed", err);
	course_phases_left(&course->state);
	/* On disk it stays, for the next start to try again. */
	if (course->stopping) {
		course_move_to(course, COURSE_DOWN);
		return;
	}
	course_move_to(course, COURSE_FORGET);
}

static void
forget_done(struct course *course)
{
	if (course->leftover && !course->stopping) {
		course->leftover = false;
		course->state = (struct state){ 0 };
		course_move_to(course, COURSE_PREPARE);
		return;
	}
	course_move_to(course, COURSE_DOWN);
}

static void
forget_failed(struct course *course, const struct err *err)
{
	log_err(LOG_WARN, "forget_failed", err);
	if (course->leftover && !course->stopping) {
		course_move_fail(course, err);
		return;
	}
	course_move_to(course, COURSE_DOWN);
}

static int
begin_down(struct course *course, struct err *err)
{
	struct job_spec spec = {
		.name = "note",
		.work = work_files_note,
		.deadline = clock_in(NOTE_MS),
	};

	course_key_drop(course);
	work_wipe_code(&course->work);
	/* Where one worker hangs, the next one would, too. */
	if (job_stuck(&course->job) || job_stuck(&course->saver))
		course->quiet = true;
	if (course->quiet)
		return 0;
	return begin_job(course, &spec, err);
}

static void
down_done(struct course *course)
{
	course->quiet = true;
}

/* A disk that cannot be written was the reason, as likely as not. */
static void
down_failed(struct course *course, const struct err *err)
{
	course->quiet = true;
	log_debug("%s", err->msg);
}

const struct course_table course_phases[COURSE_PHASES] = {
	[COURSE_PREPARE] = { begin_prepare, prepare_done, prepare_failed,
	    true },
	[COURSE_CHECK] = { begin_check, check_done, check_failed, false },
	[COURSE_REGISTER] = { begin_register, register_done, try_failed,
	    false },
	[COURSE_DELEGATE] = { begin_delegate, delegate_done, course_move_fail,
	    true },
	[COURSE_INSTALL] = { begin_install, install_done, course_move_fail,
	    true },
	[COURSE_REMOVE] = { begin_remove, remove_done, remove_failed, false },
	[COURSE_FORGET] = { begin_forget, forget_done, forget_failed, true },
	[COURSE_DOWN] = { begin_down, down_done, down_failed, false },
};
