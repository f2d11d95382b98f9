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

static void
put_json(struct buf *out, const struct control_status *status)
{
	const struct err *last = &status->last;
	char since[CLOCK_ISO_SIZE];

	json_write(out, "{\"up\":?,\"phase\":%,\"online\":?", status->up,
	    status->phase, status->online);
	if (status->node[0] != '\0') {
		clock_iso(status->since, since);
		json_write(out, ",\"node\":%,\"region\":%,\"since\":%",
		    status->node, status->region, since);
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
	char since[CLOCK_ISO_SIZE];

	buf_printf(out, "%s\n", status->up ? "up" : status->phase);
	if (status->node[0] != '\0') {
		clock_iso(status->since, since);
		buf_printf(out, "node     %s (%s), since %s\n", status->node,
		    status->region, since);
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

/* What is known when nobody answers. */
static int
no_keeper(struct control_status *status, const struct config *cfg,
    struct err *err)
{
	const char *phase = cfg->gate == CONFIG_GATE_ON ? "down" : "off";

	*status = (struct control_status){ 0 };
	memcpy(status->phase, phase, strlen(phase) + 1);
	return failure_load(cfg, &status->last, err) < 0 ? -1 : 0;
}

int
cmd_status(struct config *cfg, struct err *err)
{
	struct control_status status = { 0 };
	struct buf text = { 0 };
	int rc =
	    control_ask(cfg, CONTROL_STATUS, clock_in(ASK_MS), &status, err);

	if (rc == 1)
		rc = no_keeper(&status, cfg, err);
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
