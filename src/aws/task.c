/* SPDX-License-Identifier: MIT */
#include "aws/task.h"

#include <string.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/metadata.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

enum {
	ATTEMPTS = 2,
	WAIT_MS = 2000,
	BODY_MAX = 256 * 1024, /* a task can have many containers */
	ARN_FIELDS = 6,
};

/* A conversation with the endpoint; its answers are in ask. */
struct talk {
	struct metadata ask;
	struct url base;
};

/*
 * Ask for the task's document; the container's own is at the URL itself.
 * 1: the environment names no endpoint, or not at the only address that is
 * documented.
 */
static int
ask_task(struct talk *talk, struct api *api, int64_t deadline, struct err *err)
{
	const char *text = env_get(conf_env(api->conf), TASK_METADATA_VARIABLE);
	struct url *base = &talk->base;

	*talk = (struct talk){
		.ask = {
			.what = "task metadata",
			.api = api,
			.deadline = deadline,
			.base = base,
			.below = "/task",
			.json = true,
			.connect_ms = WAIT_MS,
			.read_ms = WAIT_MS,
			.attempts = ATTEMPTS,
			.body_max = BODY_MAX,
		},
	};
	if (text == NULL || url_parse(base, text, NULL) != 0 || base->tls ||
	    strcmp(base->host, "169.254.170.2") != 0)
		return 1;
	return metadata_ask(&talk->ask, err);
}

static struct slice
member(const struct json *doc, const char *key)
{
	return slice_of(json_text(doc, key));
}

/* What follows the last '/'. */
static struct slice
short_name(struct slice name)
{
	struct slice head, tail;

	return slice_rsplit(name, '/', &head, &tail) ? tail : name;
}

/* arn:PARTITION:ecs:REGION:ACCOUNT:task/…: the region; empty if it is not
 * such a name. */
static struct slice
arn_region(struct slice arn)
{
	struct slice fields[ARN_FIELDS] = { { 0 } };
	struct slice none = { 0 };
	int n = 0;

	while (n < ARN_FIELDS && slice_cut(&arn, ':', &fields[n]))
		n++;
	if (n < ARN_FIELDS || !slice_eq(fields[0], "arn") ||
	    !slice_eq(fields[2], "ecs"))
		return none;
	return fields[3];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
task_zone_region(const char *zone, char out[static TASK_REGION_SIZE])
{
	struct slice s = slice_of(zone);
	struct slice rest, part;
	size_t used = 0;

	/* us-east-1a: the letter is the zone's. */
	if (s.len > 1 && !is_digit(s.ptr[s.len - 1]) &&
	    is_digit(s.ptr[s.len - 2]))
		s.len--;
	/* A region ends with the first part that is a number. */
	for (rest = s; slice_cut(&rest, '-', &part); used += 1) {
		used += part.len;
		if (used > part.len && slice_all_in(part, "0123456789"))
			return slice_copy(slice_head(s, used), out,
			    TASK_REGION_SIZE);
	}
	return false;
}

/* TaskARN tells the region, else the zone does. */
static bool
find_region(const struct json *doc, char out[static TASK_REGION_SIZE])
{
	struct slice region = arn_region(member(doc, "TaskARN"));

	if (region.len > 0)
		return slice_copy(region, out, TASK_REGION_SIZE);
	return task_zone_region(json_text(doc, "AvailabilityZone"), out);
}

/* A member that is absent or too long for its place stays empty. */
static void
copy_member(const struct json *doc, const char *key, char *out, size_t size)
{
	slice_copy(member(doc, key), out, size);
}

static int
read_task(struct task *task, const struct json *doc, struct err *err)
{
	copy_member(doc, "TaskARN", task->arn, sizeof task->arn);
	if (task->arn[0] == '\0' || !find_region(doc, task->region))
		return err_set(err, ERR_KIND_PARSE,
		    "task metadata: no usable TaskARN");
	copy_member(doc, "AvailabilityZone", task->zone, sizeof task->zone);
	copy_member(doc, "Family", task->family, sizeof task->family);
	slice_copy(short_name(member(doc, "Cluster")), task->cluster,
	    sizeof task->cluster);
	slice_copy(short_name(slice_of(task->arn)), task->id, sizeof task->id);
	return 0;
}

int
task_load(struct task *out, struct api *api, int64_t deadline, struct err *err)
{
	struct task task = { .arn = "" };
	struct talk talk;
	int rc = ask_task(&talk, api, deadline, err);

	if (rc == 0)
		rc = read_task(&task, talk.ask.doc, err);
	if (rc != 0)
		goto out;
	talk.ask.below = "";
	rc = metadata_ask(&talk.ask, err);
	if (rc != 0)
		goto out;
	copy_member(talk.ask.doc, "Name", task.container,
	    sizeof task.container);
	*out = task;
out:
	metadata_free(&talk.ask);
	return rc;
}

int
task_region(struct api *api, char out[static TASK_REGION_SIZE],
    int64_t deadline, struct err *err)
{
	struct talk talk;
	int rc = ask_task(&talk, api, deadline, err);

	if (rc == 0)
		rc = find_region(talk.ask.doc, out) ? 0 : 1;
	metadata_free(&talk.ask);
	return rc;
}

int
task_stops(struct api *api, bool *out, int64_t deadline, struct err *err)
{
	struct talk talk;
	int rc = ask_task(&talk, api, deadline, err);

	if (rc == 0)
		*out =
		    slice_eq(member(talk.ask.doc, "DesiredStatus"), "STOPPED");
	metadata_free(&talk.ask);
	return rc;
}
