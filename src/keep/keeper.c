/* SPDX-License-Identifier: MIT */
#include "keep/keeper.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/spec.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/slice.h"
#include "keep/command.h"
#include "keep/demand.h"
#include "keep/follow.h"
#include "keep/guard.h"
#include "keep/life.h"
#include "keep/listener.h"
#include "keep/supervisor.h"
#include "settings/config.h"
#include "work/certs.h"
#include "work/control.h"
#include "work/job.h"

enum {
	FDS_MAX = LIFE_FDS + 3 * JOB_FDS + SUPERVISOR_FDS + LISTENER_CLIENTS + 2
};
enum { DOUBT_MS = 600000 }; /* between two questions whether AWS knows us */

struct keeper {
	const struct keeper_options *options;
	const struct config *cfg;
	int signal_fd, report_fd;
	struct exec_signals signals;
	struct command command;
	bool announced, online, over_told;
	unsigned news;       /* of the log, not acted on yet */
	int required_status; /* REQUIRED and no access: the exit status */
	int64_t leave_by, doubt_after;
	/* When the lock is tried again, 0 = it was not, INT64_MAX = it is; and
	 * up to when. */
	int64_t guard_next, guard_until;
	struct life life;
	struct supervisor supervisor;
	struct spec spec;
	struct listener listener;
	struct guard guard;
	struct follow follow;
	struct demand demand;
};

/* Tell `up`; false if nobody waits for it, or does not any more. */
static bool
report(struct keeper *k, enum journal type)
{
	bool told = job_send(k->report_fd, type, k->life.state.node, NULL,
	                &k->life.last) == 0;

	file_close(&k->report_fd);
	return told;
}

static int
open_keeper(struct keeper *k, struct err *err)
{
	struct life_options options = {
		.cfg = k->cfg,
		.role = k->options->role,
		.code = k->options->code,
	};
	listener_init(&k->listener);
	guard_init(&k->guard);
	k->report_fd = k->options->report_fd;
	k->leave_by = INT64_MAX;
	life_init(&k->life, &options);
	return signals_open(&k->signal_fd, &k->signals, err);
}

/* What another keeper holds, or what does not answer, is not written to. */
static void
leave_disk(struct keeper *k)
{
	if (!guard_holds(&k->guard))
		k->life.close = LIFE_NOTHING;
}

/* Once more is a reminder, which gives no time back. */
static void
stop(struct keeper *k)
{
	int64_t by = clock_in(k->cfg->down_timeout_ms);

	leave_disk(k);
	demand_end(&k->demand);
	life_stop(&k->life);
	follow_end(&k->follow);
	if (!k->options->command || k->command.ended)
		k->leave_by = clock_min(k->leave_by, by);
}

/* There will be no node. */
static void
refuse(struct keeper *k, const struct err *err)
{
	leave_disk(k);
	life_bar(&k->life, err);
}

/* Somebody else keeps the node; `up` asks him. */
static void
give_way(struct keeper *k, const struct err *err)
{
	k->over_told = report(k, JOURNAL_REFUSED);
	refuse(k, err);
}

static void
wait_for_demand(struct keeper *k)
{
	demand_begin(&k->demand, &k->life);
	report(k, JOURNAL_DONE);
}

static void
begin(struct keeper *k, enum guard_news news)
{
	const struct state *leftover = k->options->leftover;

	if (leftover != NULL)
		life_clear(&k->life, leftover, news == GUARD_SHARED);
	else if (k->cfg->gate == CONFIG_GATE_DEMAND)
		wait_for_demand(k);
	else
		life_start(&k->life);
}

/* A container that this one replaces may still hold it; what it holds is never
 * taken away. */
static bool
waits_for_guard(struct keeper *k, const struct err *err)
{
	if (!k->cfg->keep_identity || !k->guard.elsewhere || k->life.stopping ||
	    clock_ms() >= k->guard_until)
		return false;
	if (k->guard_next == 0)
		log_event(LOG_INFO, "lock_wait", "%s; waiting for its end",
		    err->msg);
	k->guard_next = clock_in(GUARD_AGAIN_MS);
	return true;
}

static void
begin_guard(struct keeper *k)
{
	struct work work = k->life.work;
	struct err err = { 0 };

	work.refused = k->options->refused != NULL;
	if (guard_begin(&k->guard, &work, &err) != 0)
		refuse(k, work.refused ? k->options->refused : &err);
}

/* Once more, as long as somebody else has it. */
static void
try_guard(struct keeper *k)
{
	if (k->guard_next == 0 || k->guard_next == INT64_MAX ||
	    k->life.stopping || clock_ms() < k->guard_next)
		return;
	k->guard_next = INT64_MAX;
	guard_init(&k->guard);
	begin_guard(k);
}

/* Lock and socket are there, or not: then the life can begin, and ends at
 * once in all cases but one.  Where the application has ended already there is
 * nothing to begin, but why there would have been no node is still said. */
static void
take_guard(struct keeper *k)
{
	const struct keeper_options *options = k->options;
	struct err err = { 0 };
	enum guard_news news =
	    guard_step(&k->guard, k->cfg, &k->listener.fd, &err);
	bool begins = news == GUARD_HELD || news == GUARD_NOWHERE ||
	              (news == GUARD_SHARED && options->leftover != NULL);

	if (news == GUARD_NOTHING)
		return;
	if (news == GUARD_OTHER && waits_for_guard(k, &err))
		return;
	if (news == GUARD_OTHER)
		give_way(k, &err);
	else if (options->refused != NULL)
		refuse(k, options->refused);
	else if (!begins)
		refuse(k, &err);
	else if (!k->life.stopping)
		begin(k, news);
}

static void
reap(struct keeper *k)
{
	int status = 0;
	pid_t pid = 0;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (command_reaped(&k->command, pid, status)) {
			k->leave_by = clock_in(k->cfg->no_linger
			                           ? 0
			                           : k->cfg->down_timeout_ms);
			life_keep(&k->life);
			stop(k);
		} else if (!life_reaped(&k->life, pid) &&
		           !job_reaped(&k->guard.job, pid) &&
		           !job_reaped(&k->follow.job, pid) &&
		           !job_reaped(&k->demand.job, pid)) {
			supervisor_reaped(&k->supervisor, pid, status);
		}
	}
}

/* Every signal is the application's; some also begin the take-down. */
static void
take_signal(struct keeper *k, int sig)
{
	bool ends = (k->cfg->stop_signals & signals_bit(sig)) != 0 ||
	            (sig == SIGHUP && k->command.pid == 0);

	if (k->command.pid > 0)
		kill(k->command.pid, sig);
	if (!ends)
		return;
	if (!k->life.stopping)
		log_event(LOG_INFO, "stopping", "SIG%s: taking the node down",
		    signals_name(sig));
	life_keep(&k->life);
	stop(k);
}

static void
take_signals(struct keeper *k)
{
	int sig;

	while ((sig = signals_next(k->signal_fd)) != 0) {
		if (sig == SIGCHLD)
			reap(k);
		else
			take_signal(k, sig);
	}
}

static void
start_agent(struct keeper *k)
{
	struct spec_options options = {
		.env = k->cfg->env,
		.path = k->life.agent,
		.minimal = k->cfg->agent_env == CONFIG_MINIMAL,
		.region = k->life.state.region,
	};
	struct err err = { 0 };
	char cert[WORK_PATH_MAX];

	if (life_builtin(&k->life)) {
		if (supervisor_start_builtin(&k->supervisor, &k->life.work,
		        &err) != 0)
			life_agent_lost(&k->life, &err);
		return;
	}
	certs_path(cert, k->cfg);
	if (k->life.certs)
		options.cert_file = cert;
	spec_free(&k->spec);
	if (spec_build(&k->spec, &options, &err) != 0 ||
	    supervisor_start(&k->supervisor, &k->spec, &err) != 0)
		life_agent_lost(&k->life, &err);
}

static void
announce(struct keeper *k)
{
	const struct state *state = &k->life.state;

	k->announced = true;
	log_node(state->node);
	log_event(LOG_INFO, "node_up",
	    "%s is up%s%s; aws ssm start-session --region %s --target %s",
	    state->node, life_reuses(&k->life) ? " again" : "",
	    life_builtin(&k->life) ? " with the builtin agent" : "",
	    state->region, state->node);
	report(k, JOURNAL_NODE);
	command_on_up(&k->command, k->cfg, k->options->user, &k->signals,
	    &(struct command_news){ state->node, state->region, k->life.name });
	ttl_begin(&k->life.ttl, k->cfg, state->node);
}

/* What a keeper knew of a node that AWS does not accept any more. */
static void
forget_node(struct keeper *k)
{
	k->announced = false;
	k->news = 0;
	k->doubt_after = 0;
	log_node("");
}

/* What the agent is to do, by the state of the node's life. */
static void
mind(struct keeper *k)
{
	supervisor_tick(&k->supervisor);
	switch (k->life.at) {
	case LIFE_WAIT:
	case LIFE_PREPARE:
		if (k->announced)
			forget_node(k);
		break;
	case LIFE_START:
		if (!life_builtin(&k->life))
			follow_begin(&k->follow, &k->life.work);
		if (k->supervisor.phase == SUPERVISOR_OFF &&
		    (life_builtin(&k->life) || follow_ready(&k->follow)))
			start_agent(k);
		else if (k->supervisor.phase == SUPERVISOR_RUNNING)
			life_agent_runs(&k->life);
		break;
	case LIFE_REMOVE:
		follow_end(&k->follow);
		if (!life_parts(&k->life))
			supervisor_stop(&k->supervisor,
			    k->cfg->down_timeout_ms);
		break;
	case LIFE_CLOSE:
	case LIFE_OVER:
		follow_end(&k->follow);
		supervisor_kill(&k->supervisor);
		break;
	default:
		break;
	}
	if (k->life.at == LIFE_UP && !k->announced)
		announce(k);
	if (k->supervisor.phase == SUPERVISOR_LOST)
		life_agent_lost(&k->life, &k->supervisor.why);
}

/* The agent opens its control channel again by itself. */
static void
note_channel(struct keeper *k, unsigned news)
{
	const char *node = k->life.state.node;
	bool online = k->online;

	if ((news & FOLLOW_ONLINE) != 0) {
		supervisor_works(&k->supervisor);
		online = true;
	}
	/* One that ended does not say so. */
	if ((news & FOLLOW_OFFLINE) != 0 || !supervisor_runs(&k->supervisor))
		online = false;
	if (online && !k->online) {
		log_event(LOG_INFO, "node_online", "%s is online", node);
	} else if (!online && k->online && !k->life.stopping) {
		log_event(LOG_INFO, "node_offline",
		    "%s is not online: the agent's control channel is closed",
		    node);
	}
	k->online = online;
}

static void
act_on_log(struct keeper *k)
{
	unsigned news = k->news;

	/* What it says before the node is announced can wait. */
	if (!k->announced)
		return;
	k->news = 0;
	note_channel(k, news);
	if ((news & FOLLOW_HIBERNATE) != 0)
		supervisor_hibernates(&k->supervisor);
	if ((news & FOLLOW_DOUBT) != 0 && clock_ms() >= k->doubt_after) {
		k->doubt_after = clock_in(DOUBT_MS);
		life_doubt(&k->life);
	}
}

static void
fill_status(const struct keeper *k, struct control_status *out)
{
	const struct state *state = &k->life.state;

	*out = (struct control_status){
		.keeper = getpid(),
		.agent = k->supervisor.pid,
		.builtin = life_builtin(&k->life),
		.since = state->node[0] != '\0' ? state->since : 0,
		.until = k->life.stopping ? 0 : k->life.ttl.until,
		.stays =
		    k->demand.on || (k->options->command && !k->command.ended),
		.waits = demand_waits(&k->demand, &k->life),
		.restarts = k->supervisor.restarts,
		.up = k->life.at == LIFE_UP,
		.online = k->online,
		.over = life_over(&k->life) && !k->demand.on,
		.last = k->life.last,
	};
	memcpy(out->node, state->node, sizeof out->node);
	memcpy(out->region, state->region, sizeof out->region);
	slice_copy(slice_of(life_table_name(k->life.at)), out->phase,
	    sizeof out->phase);
}

/* On demand it may be asked for again. */
static void
take_down(struct keeper *k)
{
	k->demand.wanted = false;
	if (k->life.stopping || demand_waits(&k->demand, &k->life))
		return;
	log_event(LOG_INFO, "stopping", "down: taking the node down");
	if (k->demand.on)
		life_stop(&k->life);
	else
		stop(k);
}

static void
serve(struct keeper *k)
{
	struct control_status status;
	unsigned asked;

	fill_status(k, &status);
	asked = listener_serve(&k->listener, &status);
	if ((asked & LISTENER_UP) != 0)
		demand_ask(&k->demand, &k->life);
	if ((asked & LISTENER_DOWN) != 0)
		take_down(k);
	if (life_over(&k->life) || demand_waits(&k->demand, &k->life))
		listener_finish(&k->listener, &status);
}

/* Once, when the life has come to its end. */
static void
tell_over(struct keeper *k)
{
	const struct err *last = &k->life.last;
	bool failed = last->code != ERR_OK;

	if (k->over_told || !life_over(&k->life) || guard_pending(&k->guard))
		return;
	k->over_told = true;
	/* Where `up` still waits, it says why itself. */
	if (!report(k, failed ? JOURNAL_FAILED : JOURNAL_DONE) && failed)
		log_err(k->cfg->required ? LOG_ERROR : LOG_WARN, "no_access",
		    last);
	if (!failed || !k->cfg->required || k->demand.on)
		return;
	k->required_status = (int)last->code;
	if (k->command.pid > 0)
		kill(k->command.pid, SIGTERM);
}

/* Access on demand is over, until somebody asks again. */
static void
renew(struct keeper *k)
{
	if (!k->demand.on || !life_over(&k->life))
		return;
	forget_node(k);
	k->online = k->over_told = false;
	life_renew(&k->life);
}

static bool
may_leave(struct keeper *k)
{
	if (k->options->command && !k->command.ended)
		return false;
	if (clock_ms() >= k->leave_by)
		return true;
	return life_over(&k->life) && !guard_pending(&k->guard) &&
	       guard_drop(&k->guard, &k->life.work);
}

static int64_t
due_next(const struct keeper *k)
{
	int64_t due =
	    clock_min(life_due(&k->life), supervisor_due(&k->supervisor));

	due = clock_min(due, job_due(&k->guard.job));
	if (k->guard_next != 0 && !k->life.stopping)
		due = clock_min(due, k->guard_next);
	due = clock_min(due, demand_due(&k->demand, &k->life));
	due = clock_min(due, job_due(&k->follow.job));
	due = clock_min(due, job_due(&k->supervisor.builtin.job));
	return clock_min(due, follow_due(&k->follow));
}

static void
wait_for_events(const struct keeper *k)
{
	struct pollfd fds[FDS_MAX] = {
		{ .fd = k->signal_fd, .events = POLLIN },
	};
	int64_t due = clock_min(clock_min(due_next(k), log_due()), k->leave_by);
	size_t count = 1 + life_poll(&k->life, fds + 1);

	count += job_poll(&k->guard.job, fds + count);
	count += job_poll(&k->follow.job, fds + count);
	count += job_poll(&k->demand.job, fds + count);
	count += supervisor_poll(&k->supervisor, fds + count);
	count += listener_poll(&k->listener, fds + count);
	signals_wait(fds, count, due == INT64_MAX ? -1 : clock_left(due));
}

/* A function of its own: its space is not on the stack before CMD starts. */
static void __attribute__((noinline)) loop(struct keeper *k)
{
	for (;;) {
		take_signals(k);
		try_guard(k);
		take_guard(k);
		demand_step(&k->demand, &k->life);
		life_step(&k->life);
		k->news = follow_step(&k->follow, &k->life.work, k->news);
		k->news = builtin_step(&k->supervisor.builtin, k->news);
		mind(k);
		act_on_log(k);
		tell_over(k);
		serve(k);
		renew(k);
		log_catch_up();
		if (may_leave(k))
			return;
		/* A step that led to another is taken at once. */
		if (due_next(k) > clock_ms())
			wait_for_events(k);
	}
}

static void
close_others(const struct keeper *k)
{
	const int keep[] = { k->signal_fd, k->command.child.fd };

	file_close_others(keep, sizeof keep / sizeof keep[0]);
}

int
keeper_run(const struct keeper_options *options, struct err *err)
{
	struct keeper k = { .options = options, .cfg = options->cfg };

	if (open_keeper(&k, err) != 0)
		return command_replace(k.cfg, options->user, NULL, err);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (options->command && command_start(&k.command, k.cfg, options->user,
	                            &k.signals, err) != 0)
		return k.command.status;
	/* What the application inherits is not for us to hold open. */
	if (options->report_fd < 0)
		close_others(&k);
	/* Not before CMD: the first look at the clock reads the kernel's
	 * vdso(7). */
	k.guard_until = clock_in(k.cfg->give_up_ms);
	begin_guard(&k);
	loop(&k);
	if (!life_over(&k.life))
		life_abandon(&k.life);
	supervisor_kill(&k.supervisor);
	listener_close(&k.listener);
	guard_end(&k.guard);
	spec_free(&k.spec);
	return k.required_status != 0 ? k.required_status : k.command.status;
}
