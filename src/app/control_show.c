#include <string.h>

#include "app/control.h"
#include "app/record.h"
#include "aws/endpoint.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/slice.h"

static bool
is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
are_flags(const struct control_status *status)
{
	unsigned char flags[4];

	/* From a socket a bool may be any byte. */
	memcpy(&flags[0], &status->up, 1);
	memcpy(&flags[1], &status->online, 1);
	memcpy(&flags[2], &status->over, 1);
	memcpy(&flags[3], &status->stays, 1);
	return flags[0] <= 1 && flags[1] <= 1 && flags[2] <= 1 && flags[3] <= 1;
}

bool
control_valid(const struct control_status *status)
{
	return are_flags(status) && record_err_valid(&status->last) &&
	       is_text(status->phase, sizeof(status->phase)) &&
	       is_text(status->node, sizeof(status->node)) &&
	       is_text(status->region, sizeof(status->region)) &&
	       slice_all_in(slice_of(status->phase),
	           "abcdefghijklmnopqrstuvwxyz") &&
	       (status->node[0] == '\0' || ssm_is_node(status->node)) &&
	       (status->region[0] == '\0' ||
	           endpoint_check_region(status->region, "", NULL) == 0) &&
	       status->keeper >= 0 && status->agent >= 0 &&
	       status->restarts >= 0 && status->since >= 0 &&
	       status->until >= 0;
}

/* Its texts as a terminal can be shown them. */
static struct err
printable(const struct err *err)
{
	struct err clean = *err;

	err_clean(clean.msg, sizeof(clean.msg), err->msg, strlen(err->msg));
	err_clean(clean.fix, sizeof(clean.fix), err->fix, strlen(err->fix));
	return clean;
}

void
control_json(struct buf *out, const struct control_status *status)
{
	const struct err last = printable(&status->last);
	const char *up = "false";
	char when[CLOCK_ISO_SIZE];

	if (status->up)
		up = "true";
	else if (strcmp(status->phase, CONTROL_UNKNOWN) == 0)
		up = "null";
	json_write(out, "{\"up\":@,\"phase\":%,\"online\":?", up, status->phase,
	    status->online);
	if (status->node[0] != '\0') {
		clock_iso(status->since, when);
		json_write(out, ",\"node\":%,\"region\":%,\"since\":%",
		    status->node, status->region, when);
	}
	if (status->until != 0) {
		clock_iso(status->until, when);
		json_write(out, ",\"until\":%", when);
	}
	if (status->keeper > 0) {
		json_write(out,
		    ",\"keeper\":#,\"agent\":#,"
		    "\"agent_restarts\":#",
		    (long long)status->keeper, (long long)status->agent,
		    (long long)status->restarts);
	}
	if (last.code != ERR_OK) {
		json_write(out,
		    ",\"error\":{\"code\":#,\"kind\":%,\"message\":%,"
		    "\"fix\":%}",
		    (long long)last.code, err_kind_name(last.kind), last.msg,
		    last.fix);
	}
	buf_puts(out, "}\n");
}

void
control_text(struct buf *out, const struct control_status *status)
{
	const struct err last = printable(&status->last);
	char when[CLOCK_ISO_SIZE];

	buf_printf(out, "%s\n", status->up ? "up" : status->phase);
	if (status->node[0] != '\0') {
		clock_iso(status->since, when);
		buf_printf(out, "node     %s (%s), since %s\n", status->node,
		    status->region, when);
	}
	if (status->until != 0) {
		clock_iso(status->until, when);
		buf_printf(out, "goes     %s, later with open sessions\n",
		    when);
	}
	if (status->agent > 0) {
		buf_printf(out, "agent    pid %d, %s, restarted %d times\n",
		    (int)status->agent,
		    status->online ? "online" : "not known to be online",
		    status->restarts);
	}
	if (last.code != ERR_OK)
		buf_printf(out, "error    %s\n", last.msg);
	if (last.fix[0] != '\0')
		buf_printf(out, "fix      %s\n", last.fix);
}
