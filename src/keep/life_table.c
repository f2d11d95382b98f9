/* SPDX-License-Identifier: MIT */
#include "keep/life_table.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/slice.h"
#include "settings/config.h"

/* Times that the workers get, in milliseconds.  The requests of a network
 * worker end a little earlier, so that it can say itself what happened. */
enum {
	FIND_MS = 10000, /* of PREPARE, until the agent's place is known */
	CHECK_MS = 15000,
	REGISTER_MS = 60000,
	DELEGATE_MS = 60000,
	PREDECESSOR_MS = 20000,
	CLOSE_MS = 10000,
	NOTE_MS = 2000,
	CLOSE_SHARE_MS = 300, /* of the time of a take-down */
	FAIL_MS = 20000,      /* for removing what a failed start has made */
	TIDY_MS = 30000,
	MARGIN_MS = 200,
	WAIT_MIN_MS = 1500,
	WAIT_MAX_MS = 50000,
};

/* What a net worker tells of the account. */
#define ACCOUNT                                                        \
	(JOURNAL_BIT(JOURNAL_ACTIVATION) | JOURNAL_BIT(JOURNAL_NODE) | \
	    JOURNAL_BIT(JOURNAL_NO_ACTIVATION) |                       \
	    JOURNAL_BIT(JOURNAL_NO_NODE) | JOURNAL_BIT(JOURNAL_SETTLED))

/* The workers.  A begin gives 0, 1 where there is nothing to do, or -1. */

/* Start the worker of the state, with the descriptors that it needs (0 =
 * none). */
static int
begin_job(struct life *life, const struct job_spec *what, struct err *err)
{
	struct job_spec spec = *what;

	spec.input = &life->work;
	for (size_t i = 0; i < JOB_KEEP_MAX; i++) {
		if (what->keep[i] > 0)
			spec.keep[spec.keep_count++] = what->keep[i];
	}
	life->work.state = &life->state;
	life->work.failure = life->stopping ? &life->last : NULL;
	life->work.deadline = spec.deadline - MARGIN_MS;
	life->slow_at = clock_in(LIFE_SLOW_MS);
	return job_start(&life->job, &spec, err);
}

static int
begin_prepare(struct life *life, struct err *err)
{
	struct job_spec spec = {
		.name = "prepare",
		.work = work_files_prepare,
		.tells =
		    JOURNAL_BIT(JOURNAL_STATE) | JOURNAL_BIT(JOURNAL_LEFTOVER) |
		    JOURNAL_BIT(JOURNAL_AGENT) | JOURNAL_BIT(JOURNAL_CERTS) |
		    JOURNAL_BIT(JOURNAL_MEMORY),
		.deadline = clock_in(FIND_MS),
	};

	life->agent[0] = '\0';
	life->certs = life->work.memory = false;
	if (life->work.idle)
		life->outcome = LIFE_NOT_ASKED;
	return begin_job(life, &spec, err);
}

static int
begin_check(struct life *life, struct err *err)
{
	struct job_spec spec = {
		.name = "check",
		.work = work_net_register,
		.tells = JOURNAL_BIT(JOURNAL_ACCEPTED) |
		         JOURNAL_BIT(JOURNAL_REFUSED) |
		         JOURNAL_BIT(JOURNAL_NAME),
		.keep = { life->work.key_fd },
		.deadline = clock_in(CHECK_MS),
	};

	return begin_job(life, &spec, err);
}

static int
begin_register(struct life *life, struct err *err)
{
	struct job_spec spec = {
		.name = "register",
		.work = work_net_register,
		.tells = ACCOUNT | JOURNAL_BIT(JOURNAL_REGION) |
		         JOURNAL_BIT(JOURNAL_NAME) |
		         JOURNAL_BIT(JOURNAL_HANDED_OVER),
		.deadline = clock_in(REGISTER_MS),
	};
	int code[2];
	int rc = -1;

	if (work_registered(&life->state))
		return begin_check(life, err);
	life->work.delegate = life->work.cfg->registrar == CONFIG_AGENT;
	if (!life->work.delegate &&
	    key_pair_open(&life->key, &life->work, err) != 0)
		return -1;
	file_close(&life->code_fd);
	if (pipe2(code, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	life->work.code_fd = code[1];
	spec.keep[0] = code[1];
	spec.keep[1] = life->work.public_fd;
	rc = begin_job(life, &spec, err);
	file_close(&life->work.code_fd);
	life->code_fd = code[0];
	return rc;
}

static int
begin_delegate(struct life *life, struct err *err)
{
	struct job_spec spec = {
		.name = "register",
		.work = work_delegate_run,
		.tells = JOURNAL_BIT(JOURNAL_NODE),
		.keep = { life->code_fd },
		.deadline = clock_in(DELEGATE_MS),
	};
	int rc = -1;

	life->work.delegate = true;
	life->work.code_fd = life->code_fd;
	rc = begin_job(life, &spec, err);
	file_close(&life->work.code_fd);
	life->code_fd = -1;
	return rc;
}

static int
begin_install(struct life *life, struct err *err)
{
	struct job_spec spec = {
		.name = "install",
		.work = work_files_install,
		.tells =
		    JOURNAL_BIT(JOURNAL_STATE) | JOURNAL_BIT(JOURNAL_CERTS),
		.keep = { life->work.private_fd, life->work.key_fd },
		.deadline = clock_in(LIFE_DISK_MS),
	};

	life->certs = false;
	return begin_job(life, &spec, err);
}

static int
begin_remove(struct life *life, struct err *err)
{
	struct job_spec spec = {
		.name = "remove",
		.work = work_net_remove,
		.tells = ACCOUNT,
		.keep = { life->work.key_fd },
		.deadline = life->stopping ? life->stop_by - CLOSE_SHARE_MS
		                           : clock_in(PREDECESSOR_MS),
	};

	if (life->keeps || state_settled(&life->state))
		return 1;
	return begin_job(life, &spec, err);
}

static int
begin_close(struct life *life, struct err *err)
{
	bool note = life->close == LIFE_NOTE;
	struct job_spec spec = {
		.name = note ? "note" : "forget",
		.work = note ? work_files_note : work_files_forget,
		.keep = { life->work.key_fd },
		.deadline = clock_in(note ? NOTE_MS : CLOSE_MS),
	};

	key_pair_drop(&life->key, &life->work);
	if (life->stopping)
		work_wipe_code(&life->work);
	/* Where one worker hangs, the next one would, too. */
	if (life->close == LIFE_NOTHING || job_stuck(&life->job) ||
	    job_stuck(&life->saver.job))
		return 1;
	return begin_job(life, &spec, err);
}

/* What the table names. */

static void
fail(struct life *life, const struct err *why)
{
	life->last = *why;
	/* Who stops it already has less time to give. */
	if (!life->stopping)
		life->stop_by = clock_in(FAIL_MS);
	life->stopping = true;
}

/* What is on disk stays. */
static void
keep_disk(struct life *life)
{
	if (life->close == LIFE_FORGET)
		life->close = LIFE_NOTE;
}

static void
fail_and_keep(struct life *life, const struct err *why)
{
	fail(life, why);
	keep_disk(life);
}

/* It ends already: the reason is told, but not written down any more. */
static void
fail_late(struct life *life, const struct err *why)
{
	life->last = *why;
}

int64_t
life_table_pause(int64_t waited, double unit)
{
	int64_t most = 2 * waited > WAIT_MIN_MS ? 2 * waited : WAIT_MIN_MS;

	return clock_backoff(most, WAIT_MAX_MS, 1, 0.4 + 0.6 * unit);
}

/* Nothing was done, and what is on disk is somebody else's. */
static void
not_prepared(struct life *life, const struct err *why)
{
	struct err err = *why;

	if (why->timed_out && life->agent[0] == '\0') {
		err_clear(&err);
		err_set(&err, ERR_KIND_SYSTEM,
		    "no answer from where amazon-ssm-agent is looked for");
	}
	fail_and_keep(life, &err);
}

/* Wait, and begin again; base/clock.h tells who else tries again. */
static void
put_off(struct life *life, const struct err *why)
{
	int64_t now = clock_ms();

	/* Stop the key maker: others on this machine may be starting. */
	if (life->key.job.active)
		key_pair_drop(&life->key, &life->work);
	life->last = *why;
	log_err(LOG_WARN,
	    why->retry == ERR_THROTTLED ? "throttled" : "try_failed", why);
	life->retry_at =
	    now + life_table_pause(now - life->started_at, rng_unit());
}

/* What is on disk from now on is for whoever is asked. */
static void
rest(struct life *life, const struct err *why)
{
	(void)why;
	life->retry_at = INT64_MAX;
	life->close = LIFE_NOTHING;
}

static void
tell_leftover(struct life *life, const struct err *why)
{
	(void)life;
	(void)why;
	log_event(LOG_INFO, "leftover",
	    "removing what an earlier start left behind");
}

/* The node is that of an earlier start, also where AWS could not be asked. */
static void
reuse(struct life *life, const struct err *why)
{
	(void)why;
	life->outcome = LIFE_ACCEPTED;
}

static void
tell_refused(struct life *life, const struct err *why)
{
	(void)why;
	log_event(LOG_WARN, "registration_refused",
	    "AWS no longer accepts %s; registering anew", life->state.node);
}

/* The state is on disk before the first of the agent's files is. */
static void
take_over_files(struct life *life, const struct err *why)
{
	(void)why;
	life->state.begun = life->saver.due = true;
	work_wipe_code(&life->work);
}

/* The agent has written the vault. */
static void
take_vault(struct life *life, const struct err *why)
{
	(void)why;
	life->state.installed = life->saver.due = true;
}

static void
drop_key(struct life *life, const struct err *why)
{
	(void)why;
	key_pair_drop(&life->key, &life->work);
}

/* Where the registration could not delete its activation, the node's own
 * credentials may be allowed to. */
static void
tidy(struct life *life, const struct err *why)
{
	struct work work = life->work;
	struct job_spec spec = {
		.name = "delete the activation",
		.work = work_net_remove,
		.input = &work,
		.tells = JOURNAL_BIT(JOURNAL_NO_ACTIVATION) |
		         JOURNAL_BIT(JOURNAL_NO_NODE) |
		         JOURNAL_BIT(JOURNAL_SETTLED),
		.keep = { life->work.key_fd },
		.keep_count = life->work.key_fd > 0,
		.deadline = clock_in(TIDY_MS),
	};
	struct err err = { 0 };

	(void)why;
	err_clear(&life->last);
	if (life->state.activation[0] == '\0')
		return;
	work.state = &life->state;
	work.tidy = true;
	work.deadline = spec.deadline - MARGIN_MS;
	if (job_start(&life->tidy, &spec, &err) != 0)
		log_err(LOG_WARN, "tidy_failed", &err);
}

/* A worker that is cut off in the middle of a call leaves something unknown
 * behind: it gets half of the time. */
static void
hurry(struct life *life, const struct err *why)
{
	int64_t soon = clock_in(life->work.cfg->down_timeout_ms / 2);

	(void)why;
	life->job.deadline = clock_min(life->job.deadline, soon);
}

void
life_table_tell_left(const struct state *state)
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
not_removed(struct life *life, const struct err *why)
{
	log_err(LOG_WARN, "remove_failed", why);
	life_table_tell_left(&life->state);
}

/* On disk it stays, for the next start to try again. */
static void
not_removed_keep(struct life *life, const struct err *why)
{
	not_removed(life, why);
	keep_disk(life);
}

static void
begin_anew(struct life *life, const struct err *why)
{
	(void)why;
	life->state = (struct state){ 0 };
	life->hung_up = false;
}

static void
not_forgotten(struct life *life, const struct err *why)
{
	/* A disk that cannot be written was the reason for the note, as likely
	 * as not. */
	if (life->close == LIFE_FORGET)
		log_err(LOG_WARN, "forget_failed", why);
	else
		log_debug("%s", why->msg);
}

static void
not_forgotten_fail(struct life *life, const struct err *why)
{
	not_forgotten(life, why);
	fail_and_keep(life, why);
}

const struct life_row life_table[LIFE_STATES] = {
	[LIFE_STAY] = { .name = "unknown" },
	[LIFE_WAIT] = {
		"waiting", NULL, false, {
			[LIFE_TIME] = { LIFE_PREPARE, NULL },
			[LIFE_BARRED] = { LIFE_CLOSE, fail_and_keep },
			[LIFE_STOP] = { LIFE_REMOVE, NULL },
		},
	},
	[LIFE_PREPARE] = {
		"preparing", begin_prepare, true, {
			[LIFE_DONE] = { LIFE_REGISTER, NULL },
			[LIFE_LEFTOVER] = { LIFE_REMOVE, tell_leftover },
			[LIFE_NOT_ASKED] = { LIFE_WAIT, rest },
			[LIFE_AGAIN] = { LIFE_CLOSE, not_prepared },
			[LIFE_FAILED] = { LIFE_CLOSE, not_prepared },
			[LIFE_ENDED] = { LIFE_REMOVE, NULL },
			[LIFE_CUT] = { LIFE_CLOSE, not_prepared },
			[LIFE_STOP] = { LIFE_STAY, hurry },
		},
	},
	[LIFE_REGISTER] = {
		"registering", begin_register, false, {
			[LIFE_DONE] = { LIFE_INSTALL, take_over_files },
			[LIFE_HANDED_OVER] = { LIFE_DELEGATE, take_over_files },
			[LIFE_ACCEPTED] = { LIFE_START, reuse },
			[LIFE_REFUSED] = { LIFE_REMOVE, tell_refused },
			[LIFE_AGAIN] = { LIFE_WAIT, put_off },
			[LIFE_FAILED] = { LIFE_REMOVE, fail },
			[LIFE_ENDED] = { LIFE_REMOVE, NULL },
			[LIFE_CUT] = { LIFE_REMOVE, fail },
			[LIFE_STOP] = { LIFE_STAY, hurry },
		},
	},
	[LIFE_DELEGATE] = {
		"registering", begin_delegate, true, {
			[LIFE_DONE] = { LIFE_INSTALL, take_vault },
			[LIFE_AGAIN] = { LIFE_REMOVE, fail },
			[LIFE_FAILED] = { LIFE_REMOVE, fail },
			[LIFE_ENDED] = { LIFE_REMOVE, NULL },
			[LIFE_CUT] = { LIFE_REMOVE, fail },
			[LIFE_STOP] = { LIFE_STAY, hurry },
		},
	},
	[LIFE_INSTALL] = {
		"installing", begin_install, true, {
			[LIFE_DONE] = { LIFE_START, drop_key },
			[LIFE_AGAIN] = { LIFE_REMOVE, fail },
			[LIFE_FAILED] = { LIFE_REMOVE, fail },
			[LIFE_ENDED] = { LIFE_REMOVE, NULL },
			[LIFE_CUT] = { LIFE_REMOVE, fail },
			[LIFE_STOP] = { LIFE_STAY, hurry },
		},
	},
	[LIFE_START] = {
		"starting", NULL, false, {
			[LIFE_AGENT_RUNS] = { LIFE_UP, tidy },
			[LIFE_FAILED] = { LIFE_REMOVE, fail },
			[LIFE_STOP] = { LIFE_REMOVE, NULL },
		},
	},
	[LIFE_UP] = {
		"up", NULL, false, {
			[LIFE_DOUBT] = { LIFE_REGISTER, NULL },
			[LIFE_FAILED] = { LIFE_REMOVE, fail },
			[LIFE_STOP] = { LIFE_REMOVE, NULL },
		},
	},
	[LIFE_REMOVE] = {
		"removing", begin_remove, false, {
			[LIFE_DONE] = { LIFE_CLOSE, NULL },
			[LIFE_AGAIN] = { LIFE_WAIT, put_off },
			[LIFE_FAILED] = { LIFE_CLOSE, not_removed },
			[LIFE_ENDED] = { LIFE_CLOSE, NULL },
			[LIFE_CUT] = { LIFE_CLOSE, not_removed_keep },
			[LIFE_BARRED] = { LIFE_STAY, fail_late },
			[LIFE_STOP] = { LIFE_STAY, hurry },
		},
	},
	[LIFE_CLOSE] = {
		"removing", begin_close, true, {
			[LIFE_DONE] = { LIFE_PREPARE, begin_anew },
			[LIFE_AGAIN] = { LIFE_CLOSE, not_forgotten_fail },
			[LIFE_FAILED] = { LIFE_CLOSE, not_forgotten_fail },
			[LIFE_ENDED] = { LIFE_OVER, NULL },
			[LIFE_CUT] = { LIFE_OVER, not_forgotten },
			[LIFE_BARRED] = { LIFE_STAY, fail_late },
			[LIFE_STOP] = { LIFE_STAY, hurry },
		},
	},
	[LIFE_OVER] = {
		"down", NULL, false, {
			[LIFE_BARRED] = { LIFE_STAY, fail_late },
		},
	},
};

enum life_event
life_table_end(const struct life *life, const struct err *why)
{
	bool asks = life->at == LIFE_REGISTER && work_registered(&life->state);
	bool again = false;

	if (asks && why != NULL)
		log_err(LOG_WARN, "check_failed", why);
	/* Without an answer the agent will find out by itself. */
	if (asks && (why != NULL || life->outcome != LIFE_REFUSED))
		return life->stopping ? LIFE_ENDED : LIFE_ACCEPTED;
	if (why == NULL)
		return life->stopping ? LIFE_ENDED : life->outcome;
	if (life->stopping)
		return LIFE_CUT;
	/* A node that exists is not made once more. */
	again = why->retry != ERR_FINAL && clock_ms() < life->give_up_at &&
	        (life->at != LIFE_REGISTER || life->state.node[0] == '\0');
	return again ? LIFE_AGAIN : LIFE_FAILED;
}

const char *
life_table_name(enum life_state state)
{
	return life_table[state].name;
}

void
life_table_happen(struct life *life, enum life_event event,
    const struct err *why)
{
	const struct life_move *move = &life_table[life->at].on[event];

	if (move->act != NULL)
		move->act(life, why);
	if (move->to == LIFE_STAY)
		return;
	log_debug("%s -> %s", life_table_name(life->at),
	    life_table_name(move->to));
	life->at = move->to;
	life->begun = false;
}
