/* SPDX-License-Identifier: MIT */
#include "keep/demand.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "keep/life.h"
#include "settings/config.h"
#include "work/work.h"

enum { READ_MS = 30000, MARGIN_MS = 200 };

static const char *
parameter(const struct life *life)
{
	return life->work.cfg->demand;
}

/* At most the interval, so that the delay is; containers that start together
 * drift apart. */
static void
put_off(struct demand *demand, const struct life *life, double share)
{
	int64_t every = life->work.cfg->demand_every_ms;
	int64_t most = DEMAND_MAX_MS;

	if (every < DEMAND_MIN_MS)
		every = DEMAND_MIN_MS;
	if (every > most)
		most = every;
	demand->next =
	    clock_in(clock_backoff(every, most, 1 + demand->failures, share));
}

void
demand_begin(struct demand *demand, struct life *life)
{
	demand->on = true;
	demand->since = (uint64_t)clock_now() * 1000;
	demand->next = INT64_MAX;
	/* The reads of containers that start at once are spread. */
	if (parameter(life) != NULL)
		put_off(demand, life, rng_unit());
	log_event(LOG_INFO, "demand_waits",
	    "no node until it is asked for: by ssm-activate up%s%s",
	    parameter(life) != NULL ? ", or by " : "",
	    parameter(life) != NULL ? parameter(life) : "");
	life_rest(life);
}

void
demand_ask(struct demand *demand, const struct life *life)
{
	if (!demand->on || demand->wanted ||
	    !(life->stopping || life->work.idle || life_rests(life)))
		return;
	log_event(LOG_INFO, "demand_asked", "ssm-activate up asks for a node");
	demand->wanted = true;
	demand->until = 0;
}

/* What the version that is there now changes. */
static void
judge(struct demand *demand, struct life *life, const struct wish *wish)
{
	bool other = wish->version != demand->seen.version ||
	             wish->written != demand->seen.written;
	bool fresh = other && (demand->read || wish->written >= demand->since);
	bool timed = wish->until > WISH_ON;
	const char *says = NULL;

	if (other && wish->until == WISH_ODD) {
		log_event(LOG_WARN, "demand_odd",
		    "%s, version %llu, is neither on, on until TIME, off nor "
		    "the id of a task: taken as off",
		    parameter(life), (unsigned long long)wish->version);
	} else if (fresh && wish->until == WISH_OFF) {
		says = "off";
		demand->wanted = false;
		life_cut(life);
	} else if ((fresh && wish->until == WISH_ON) || (other && timed)) {
		says = "on";
		demand->wanted = true;
		demand->until = timed ? (int64_t)wish->until : 0;
	}
	if (says != NULL)
		log_event(LOG_INFO, "demand_asked", "%s, version %llu, is %s",
		    parameter(life), (unsigned long long)wish->version, says);
	demand->seen = *wish;
	demand->read = true;
}

/* One that is not there may be made at any moment: it is looked for as
 * often. */
static void
fail(struct demand *demand, const struct err *why)
{
	bool absent = slice_eq(slice_of(why->peer_code), WISH_ABSENT);

	demand->failures = absent ? 0 : demand->failures + 1;
	if (!demand->warned)
		log_err(LOG_WARN, "demand_failed", why);
	demand->warned = true;
}

static void
take(struct demand *demand, struct life *life, const struct job_record *record)
{
	struct wish wish;

	if (record->type == JOURNAL_WISH) {
		if (wish_parse(record->text, &wish))
			judge(demand, life, &wish);
		return;
	}
	if (record->type == JOURNAL_FAILED) {
		fail(demand, &record->err);
	} else {
		demand->failures = 0;
		demand->warned = false;
	}
	put_off(demand, life, 0.75 + 0.25 * rng_unit());
}

static void
start(struct demand *demand, const struct life *life)
{
	struct work work = life->work;
	struct job_spec spec = {
		.name = "read the parameter",
		.work = work_net_wish,
		.input = &work,
		.tells = JOURNAL_BIT(JOURNAL_WISH),
		.deadline = clock_in(READ_MS),
	};
	struct err err = { 0 };

	work.deadline = spec.deadline - MARGIN_MS;
	if (job_start(&demand->job, &spec, &err) == 0)
		return;
	fail(demand, &err);
	put_off(demand, life, 1);
}

/* What is wanted, as soon as the life allows it: one that ends comes to its
 * end first. */
static void
obey(struct demand *demand, struct life *life)
{
	if (!demand->wanted || life->stopping)
		return;
	if (life_rests(life)) {
		life_prolong(life, demand->until);
		life_start(life);
	} else if (!life->work.idle) {
		life_prolong(life, demand->until);
	} else {
		return;
	}
	demand->wanted = false;
}

void
demand_step(struct demand *demand, struct life *life)
{
	struct job_record record;

	if (!demand->on)
		return;
	while (job_next(&demand->job, &record) == 1)
		take(demand, life, &record);
	if (!demand->job.active && clock_ms() >= demand->next)
		start(demand, life);
	obey(demand, life);
}

void
demand_end(struct demand *demand)
{
	demand->on = false;
	job_kill(&demand->job);
}

bool
demand_waits(const struct demand *demand, const struct life *life)
{
	return demand->on && !demand->wanted && life_rests(life);
}

int64_t
demand_due(const struct demand *demand, const struct life *life)
{
	if (!demand->on)
		return INT64_MAX;
	if (demand->wanted && life_rests(life))
		return 0;
	return demand->job.active ? job_due(&demand->job) : demand->next;
}
