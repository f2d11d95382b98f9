#include <stdio.h>
#include <string.h>

#include "app/cmd.h"
#include "app/config.h"
#include "app/control.h"
#include "app/failure.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

enum { ASK_MS = 3000 };

static bool
add_failure(struct json *doc, const struct err *last)
{
	struct json *failure = json_object_in(doc, "error");

	return json_add_number(failure, "code", (double)last->code) == 0 &&
	       json_add_text(failure, "kind", err_kind_name(last->kind)) == 0 &&
	       json_add_text(failure, "message", last->msg) == 0 &&
	       json_add_text(failure, "fix", last->fix) == 0;
}

static bool
fill(struct json *doc, const struct control_status *status)
{
	char since[CLOCK_ISO_SIZE];
	bool ok = json_add_bool(doc, "up", status->up) == 0;

	ok = ok && json_add_text(doc, "phase", status->phase) == 0;
	if (status->node[0] != '\0') {
		clock_iso(status->since, since);
		ok = ok && json_add_text(doc, "node", status->node) == 0 &&
		     json_add_text(doc, "region", status->region) == 0 &&
		     json_add_text(doc, "since", since) == 0;
	}
	ok = ok && json_add_bool(doc, "online", status->online) == 0;
	if (status->keeper > 0)
		ok = ok && json_add_number(doc, "keeper", status->keeper) == 0;
	if (status->agent > 0)
		ok = ok && json_add_number(doc, "agent", status->agent) == 0;
	ok =
	    ok && json_add_number(doc, "agent_restarts", status->restarts) == 0;
	if (status->last.code != ERR_OK)
		ok = ok && add_failure(doc, &status->last);
	return ok;
}

static int
print_json(const struct control_status *status, struct err *err)
{
	struct json *doc = json_new_object();
	struct buf text = { 0 };
	int rc = -1;

	if (fill(doc, status) && json_print(&text, doc) == 0 && buf_ok(&text))
		rc = printf("%s\n", buf_str(&text)) < 0 ? -1 : 0;
	if (rc != 0)
		err_set(err, ERR_KIND_SYSTEM, "cannot write the status");
	json_free(doc);
	buf_free(&text);
	return rc;
}

static void
print_text(const struct control_status *status)
{
	char since[CLOCK_ISO_SIZE];

	printf("%s\n", status->up ? "up" : status->phase);
	if (status->node[0] != '\0') {
		clock_iso(status->since, since);
		printf("node     %s (%s), since %s\n", status->node,
		    status->region, since);
	}
	if (status->agent > 0)
		printf("agent    pid %d, %s, restarted %d times\n",
		    (int)status->agent,
		    status->online ? "online" : "not known to be online",
		    status->restarts);
	if (status->last.code != ERR_OK)
		printf("error    %s\n", status->last.msg);
	if (status->last.fix[0] != '\0')
		printf("fix      %s\n", status->last.fix);
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
	int rc =
	    control_ask(cfg, CONTROL_STATUS, clock_in(ASK_MS), &status, err);

	if (rc == 1)
		rc = no_keeper(&status, cfg, err);
	if (rc != 0)
		return (int)err->code;
	if (!cfg->json)
		print_text(&status);
	else if (print_json(&status, err) != 0)
		return (int)err->code;
	if (status.up)
		return 0;
	if (cfg->strict || (cfg->required && cfg->gate == CONFIG_GATE_ON))
		return status.last.code != ERR_OK ? (int)status.last.code
		                                  : ERR_NETWORK;
	return 0;
}
