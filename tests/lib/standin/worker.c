/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "standin.h"

enum { LOOK_MS = 100 };

struct worker {
	struct settings settings;
	struct identity id;
	struct remote remote;
	struct cred cred;
	int64_t renew; /* seconds since 1970 */
};

/* A bundle that is named and not there makes the agent crash, with 0. */
static void
crash_without_bundle(void)
{
	const char *bundle = getenv("AWS_CA_BUNDLE");

	if (bundle == NULL || bundle[0] == '\0' || access(bundle, R_OK) == 0)
		return;
	agentlog_line("CRITICAL",
	    "crashed with message runtime error: invalid memory address or "
	    "nil pointer dereference!");
	_exit(0);
}

/* The node's key may change at any time, so the vault is read anew. */
static int
renew(struct worker *w, struct err *err)
{
	int64_t now = clock_now();

	if (w->cred.access_key != NULL && now < w->renew)
		return 0;
	if (getenv("AWS_PROFILE") != NULL ||
	    getenv("AWS_DEFAULT_PROFILE") != NULL ||
	    getenv("AWS_ACCESS_KEY_ID") != NULL)
		return err_set(err, ERR_KIND_CONFIG,
		    "SharedCredsLoad: failed to get profile");
	crash_without_bundle();
	identity_free(&w->id);
	remote_close(&w->remote);
	if (identity_load(&w->id, err) != 0 ||
	    remote_open(&w->remote, w->id.region, &w->settings, err) != 0 ||
	    remote_token(&w->remote, &w->id, &w->cred, err) != 0)
		return -1;
	w->renew = now + (w->cred.expires - now) / 2;
	return 0;
}

static int
beat(struct worker *w, bool full, struct err *err)
{
	if (renew(w, err) != 0)
		return -1;
	return remote_heartbeat(&w->remote, &w->cred, w->id.node, full, err);
}

static void
report(const char *level, const char *what, const struct err *err)
{
	struct buf text = { 0 };

	agentlog_error(&text, err);
	agentlog_line(level, "%s%s", what, buf_str(&text));
	buf_free(&text);
}

static void
hibernate(struct worker *w)
{
	struct err err;
	int rc = -1;

	do {
		clock_sleep(clock_in(knob_ms("STANDIN_HIBERNATE_MS", 300000)));
		err = (struct err){ 0 };
		rc = beat(w, false, &err);
	} while (rc != 0);
}

/* One that outlives us, as sessions outlive the agent. */
static void
start_session(const char *folder)
{
	char path[STANDIN_PATH_MAX + 64];
	pid_t pid;

	if (!knob_on("STANDIN_SESSION"))
		return;
	(void)snprintf(path, sizeof(path), "%s/" PATHS_SESSION, folder);
	pid = fork();
	if (pid == 0) {
		(void)setpgid(0, 0);
		(void)execl(path, path, "session-1", (char *)NULL);
		_exit(1);
	}
	agentlog_line("INFO", "[MessageService] session worker pid %d",
	    (int)pid);
}

/* What the one socket of a worker says of itself. */
static void
tell_channel(bool opened)
{
	if (opened) {
		agentlog_line("INFO", "[MessageService] [MGSInteractor] "
		                      "Successfully opened websocket "
		                      "connection to: 127.0.0.1:443");
		return;
	}
	agentlog_line("WARN",
	    "[MessageService] [MGSInteractor] Reach the retry limit 5 for "
	    "receive messages. Error: websocket: close 1006 (abnormal "
	    "closure): unexpected EOF");
	agentlog_line("INFO",
	    "[MessageService] [MGSInteractor] Closing websocket channel "
	    "connection to: wss://ssmmessages/v1/control-channel/mi-0");
}

/* Until then; what is done to the channel meanwhile is seen soon. */
static void
wait_and_look(int64_t until)
{
	static bool closed;
	const char *file = knob_get("STANDIN_CUT");

	while (clock_left(until) > 0) {
		bool cut = file != NULL && access(file, F_OK) == 0;

		if (cut != closed)
			tell_channel(!cut);
		closed = cut;
		clock_sleep(clock_min(until, clock_in(LOOK_MS)));
	}
}

/* What a command leaves, as the real one does for each. */
static void
keep_data(const struct worker *w)
{
	struct buf path = { 0 };
	struct err err = { 0 };

	buf_printf(&path,
	    PATHS_LIB "/%s/document/orchestration/0/awsrunShellScript",
	    w->id.node);
	if (file_mkdirs(buf_str(&path), 0700, &err) == 0) {
		buf_puts(&path, "/stdout");
		(void)file_write(buf_str(&path), 0600, "secret\n", 7, &err);
	}
	if (err.code != ERR_OK)
		agentlog_line("ERROR", "%s", err.msg);
	buf_free(&path);
}

_Noreturn static void
beat_for_ever(struct worker *w)
{
	for (;;) {
		struct err err = { 0 };

		if (beat(w, true, &err) != 0) {
			report("ERROR",
			    "[HealthCheck] error when calling AWS APIs. error "
			    "details - ",
			    &err);
		}
		wait_and_look(clock_in(knob_ms("STANDIN_HEARTBEAT_MS",
		    300000)));
	}
}

int
worker_run(const char *folder)
{
	struct worker w = { 0 };
	struct err err = { 0 };

	agentlog_open("[ssm-agent-worker] ");
	/* Children of sessions are nobody's to wait for. */
	(void)signal(SIGCHLD, SIG_IGN);
	if (settings_load(&w.settings, folder, &err) != 0) {
		agentlog_line("ERROR", "%s", err.msg);
		return 0;
	}
	agentlog_line("INFO", "ssm-agent-worker - v" STANDIN_VERSION);
	if (beat(&w, false, &err) != 0) {
		report("INFO", "Entering SSM Agent hibernate - ", &err);
		hibernate(&w);
	}
	agentlog_catch_up();
	agentlog_line("INFO", "[MessageService] [MGSInteractor] Set up control "
	                      "channel successfully");
	start_session(folder);
	keep_data(&w);
	beat_for_ever(&w);
}
