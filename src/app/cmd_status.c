#include <string.h>
#include <unistd.h>

#include "app/cmd.h"
#include "app/config.h"
#include "app/control.h"
#include "app/failure.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"

enum { ASK_MS = 3000 };

#define UNKNOWN "unknown"

static void
put_json(struct buf *out, const struct control_status *status)
{
	const struct err *last = &status->last;
	const char *up = "false";
	char when[CLOCK_ISO_SIZE];

	if (status->up)
		up = "true";
	else if (strcmp(status->phase, UNKNOWN) == 0)
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
	if (last->code != ERR_OK) {
		json_write(out,
		    ",\"error\":{\"code\":#,\"kind\":%,\"message\":%,"
		    "\"fix\":%}",
		    (long long)last->code, err_kind_name(last->kind), last->msg,
		    last->fix);
	}
	buf_puts(out, "}\n");
}

static void
put_text(struct buf *out, const struct control_status *status)
{
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
	if (status->last.code != ERR_OK)
		buf_printf(out, "error    %s\n", status->last.msg);
	if (status->last.fix[0] != '\0')
		buf_printf(out, "fix      %s\n", status->last.fix);
}

/* What is known when nobody answers; failure: why there was no asking. */
static int
no_keeper(struct control_status *status, const struct config *cfg,
    const struct err *failure, struct err *err)
{
	const char *phase = cfg->gate == CONFIG_GATE_ON ? "down" : "off";

	*status = (struct control_status){ .last = *failure };
	if (failure->code != ERR_OK)
		phase = UNKNOWN;
	memcpy(status->phase, phase, strlen(phase) + 1);
	if (failure->code != ERR_OK)
		return 0;
	return failure_load(cfg, &status->last, err) < 0 ? -1 : 0;
}

int
cmd_status(struct config *cfg, struct err *err)
{
	struct control_status status = { 0 };
	struct err failure = { 0 };
	struct buf text = { 0 };
	int rc = control_ask(cfg, CONTROL_STATUS, clock_in(ASK_MS), &status,
	    &failure);

	if (rc != 0)
		rc = no_keeper(&status, cfg, &failure, err);
	if (rc == 0) {
		if (cfg->json)
			put_json(&text, &status);
		else
			put_text(&text, &status);
		rc = file_write_fd(STDOUT_FILENO, text.data, text.len, err);
		buf_free(&text);
	}
	if (rc != 0)
		return (int)err->code;
	if (status.up)
		return 0;
	if (cfg->strict || (cfg->required && cfg->gate == CONFIG_GATE_ON))
		return status.last.code != ERR_OK ? (int)status.last.code
		                                  : ERR_NETWORK;
	return 0;
}
