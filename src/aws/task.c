#include "aws/task.h"

#include <string.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "net/http.h"

enum {
	ATTEMPTS = 2,
	WAIT_MS = 2000,
	ATTEMPT_MS = 10000,    /* for an endpoint that sends byte by byte */
	BODY_MAX = 256 * 1024, /* a task can have many containers */
	ARN_FIELDS = 6,
};

/* The only address that is documented; anything else is not ECS. */
static const char endpoint[] = "169.254.170.2";

/* The container's own document is at the URL itself, the task's below. */
static bool
find_endpoint(struct url *out, const struct api *api)
{
	const char *text =
	    env_get(conf_env(api->conf), "ECS_CONTAINER_METADATA_URI_V4");

	return text != NULL && url_parse(out, text, NULL) == 0 && !out->tls &&
	       strcmp(out->host, endpoint) == 0;
}

static int
send_once(struct json **out, const struct url *url, struct api *api,
    int64_t deadline, struct err *err)
{
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.no_proxy = true,
		.connect_ms = WAIT_MS,
		.read_ms = WAIT_MS,
		.deadline = clock_min(deadline, clock_in(ATTEMPT_MS)),
		.body_max = BODY_MAX,
	};
	struct http_msg answer = { 0 };
	int rc = -1;

	if (api_metadata(api, &request, &answer, err) != 0)
		goto out;
	if (answer.status != 200)
		rc = err_set(err, ERR_KIND_PARSE, "status %d", answer.status);
	else
		rc = json_parse(out, buf_str(&answer.body), answer.body.len,
		    err);
out:
	http_msg_free(&answer);
	return rc;
}

/* The base with a path below it. */
static int
join(struct url *out, const struct url *base, const char *below,
    struct err *err)
{
	struct slice path = slice_of(base->path);
	struct buf text = { .max = URL_PATH_MAX };
	int rc = 0;

	if (slice_ends(path, "/") && below[0] != '\0')
		path.len--;
	buf_add(&text, path.ptr, path.len);
	buf_puts(&text, below);
	*out = *base;
	if (!buf_ok(&text) ||
	    !slice_copy(slice_of(buf_str(&text)), out->path, sizeof out->path))
		rc = err_set(err, ERR_KIND_INVALID_VALUE,
		    "ECS_CONTAINER_METADATA_URI_V4 is too long");
	buf_free(&text);
	return rc;
}

static int
ask(struct json **out, const struct url *base, const char *below,
    struct api *api, int64_t deadline, struct err *err)
{
	struct err cause = { 0 };
	struct url url;

	if (join(&url, base, below, err) != 0)
		return -1;
	for (int made = 0; made < ATTEMPTS; made++) {
		err_clear(&cause);
		if (send_once(out, &url, api, deadline, &cause) == 0)
			return 0;
	}
	return err_set(err, cause.kind, "task metadata from %s%.100s: %s",
	    endpoint, url.path, cause.msg);
}

static struct slice
text_of(const struct json *doc, const char *key)
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
	struct slice region = arn_region(text_of(doc, "TaskARN"));

	if (region.len > 0)
		return slice_copy(region, out, TASK_REGION_SIZE);
	return task_zone_region(json_text(doc, "AvailabilityZone"), out);
}

/* A member that is absent or too long for its place stays empty. */
static void
copy(const struct json *doc, const char *key, char *out, size_t size)
{
	(void)slice_copy(text_of(doc, key), out, size);
}

static int
read_task(struct task *task, const struct json *doc, struct err *err)
{
	copy(doc, "TaskARN", task->arn, sizeof task->arn);
	if (task->arn[0] == '\0' || !find_region(doc, task->region))
		return err_set(err, ERR_KIND_PARSE,
		    "task metadata: no usable TaskARN");
	copy(doc, "AvailabilityZone", task->zone, sizeof task->zone);
	copy(doc, "Family", task->family, sizeof task->family);
	copy(doc, "DesiredStatus", task->desired_status,
	    sizeof task->desired_status);
	(void)slice_copy(short_name(text_of(doc, "Cluster")), task->cluster,
	    sizeof task->cluster);
	(void)slice_copy(short_name(slice_of(task->arn)), task->id,
	    sizeof task->id);
	return 0;
}

int
task_load(struct task *out, struct api *api, int64_t deadline, struct err *err)
{
	struct task task = { .arn = "" };
	struct json *doc = NULL, *own = NULL;
	struct url base;
	int rc = -1;

	if (!find_endpoint(&base, api))
		return 1;
	if (ask(&doc, &base, "/task", api, deadline, err) != 0 ||
	    read_task(&task, doc, err) != 0 ||
	    ask(&own, &base, "", api, deadline, err) != 0)
		goto out;
	copy(own, "Name", task.container, sizeof task.container);
	copy(own, "DockerId", task.docker_id, sizeof task.docker_id);
	*out = task;
	rc = 0;
out:
	json_free(doc);
	json_free(own);
	return rc;
}

int
task_region(struct api *api, char out[static TASK_REGION_SIZE],
    int64_t deadline, struct err *err)
{
	struct json *doc = NULL;
	struct url base;
	int rc;

	if (!find_endpoint(&base, api))
		return 1;
	if (ask(&doc, &base, "/task", api, deadline, err) != 0)
		return -1;
	rc = find_region(doc, out) ? 0 : 1;
	json_free(doc);
	return rc;
}
