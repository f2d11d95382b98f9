/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "standin.h"

enum { SECOND_WAIT_MS = 15000, STEP_MS = 20 };

static volatile sig_atomic_t asked;

static void
note_stop(int number)
{
	asked = number;
}

/* Wait until then, or until the end is asked for. */
static void
wait_until(int64_t deadline)
{
	while (asked == 0 && clock_left(deadline) > 0)
		clock_sleep(clock_min(deadline, clock_in(STEP_MS)));
}

static void
set_signals(void)
{
	struct sigaction action = { .sa_handler = note_stop };

	if (knob_on("STANDIN_IGNORE_TERM"))
		action.sa_handler = SIG_IGN;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGUSR1, &action, NULL);
}

static bool
is_trusted(const char *folder, const char *name)
{
	char path[STANDIN_PATH_MAX + 64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return stat(path, &st) == 0 && (st.st_mode & 0511) == 0511 &&
	       (st.st_mode & 0022) == 0 && st.st_uid == 0 && st.st_gid == 0;
}

/* In a group of its own, with nothing to read or write to. */
_Noreturn static void
become_worker(const char *path)
{
	char *argv[] = { NULL, NULL };
	int null = open("/dev/null", O_RDWR);

	argv[0] = slice_dup(slice_of(path));
	if (setpgid(0, 0) != 0 || null < 0 || argv[0] == NULL)
		_exit(1);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) != fd)
			_exit(1);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)execve(path, argv, environ);
	_exit(1);
}

static pid_t
start_worker(const char *argv0, const char *folder)
{
	char path[STANDIN_PATH_MAX + 64], cwd[STANDIN_PATH_MAX] = "";
	bool beside = is_trusted(folder, PATHS_SESSION) &&
	              is_trusted(folder, PATHS_WORKER);
	pid_t pid = -1;

	(void)snprintf(path, sizeof(path), "%s/" PATHS_WORKER,
	    beside ? folder : PATHS_BIN);
	if (getcwd(cwd, sizeof(cwd)) == NULL || argv0[0] != '/' ||
	    !slice_eq(slice_of(cwd), "/")) {
		agentlog_line("ERROR",
		    "not started by an absolute path in /: %s in %s", argv0,
		    cwd);
	} else if (access(path, X_OK) != 0) {
		agentlog_line("ERROR",
		    "failed to start worker ssm-agent-worker: %s", path);
	} else {
		pid = fork();
	}
	if (pid == 0)
		become_worker(path);
	if (pid > 0) {
		agentlog_line("INFO",
		    "[LongRunningWorkerContainer] [WorkerProvider] Worker "
		    "ssm-agent-worker (pid:%d) started",
		    (int)pid);
	}
	return pid;
}

/* With Profile.ShareCreds the core writes over the [default] profile. */
static int
share_credentials(const struct identity *id, const struct settings *settings,
    struct err *err)
{
	const char *home = getenv("HOME");
	struct remote remote = { 0 };
	struct buf path = { 0 }, text = { 0 };
	struct cred cred = { 0 };
	int rc = -1;

	buf_printf(&path, "%s/.aws", home != NULL ? home : "/root");
	if (remote_open(&remote, id->region, settings, err) != 0 ||
	    remote_token(&remote, id, &cred, err) != 0 ||
	    file_mkdirs(buf_str(&path), 0700, err) != 0)
		goto out;
	buf_puts(&path, "/credentials");
	buf_printf(&text,
	    "[default]\naws_access_key_id     = %s\n"
	    "aws_secret_access_key = %s\naws_session_token     = %s\n",
	    cred.access_key, cred.secret_key, cred.token);
	rc = file_write(buf_str(&path), 0600, buf_str(&text), text.len, err);
out:
	cred_value_free(&cred);
	remote_close(&remote);
	buf_free(&path);
	buf_free(&text);
	return rc;
}

static int
note_identity(const struct identity *id, struct err *err)
{
	struct buf text = { 0 };
	int rc = file_mkdirs(PATHS_LIB "/runtimeconfig", 0700, err);

	buf_printf(&text,
	    "{\"SchemaVersion\":\"1.1\",\"InstanceId\":\"%s\","
	    "\"IdentityType\":\"OnPrem\",\"CredentialSource\":\"SSM\"}",
	    id->node);
	if (rc == 0)
		rc = file_write(PATHS_IDENTITY, 0600, buf_str(&text), text.len,
		    err);
	buf_free(&text);
	return rc;
}

/* Everything before the worker; 0 = go on. */
static int
prepare(const char *folder, struct err *err)
{
	struct settings settings = { 0 };
	struct identity id = { 0 };
	int rc;

	if (settings_load(&settings, folder, err) != 0)
		return -1;
	agentlog_line("INFO",
	    "Checking if agent identity type OnPrem can be assumed");
	if (identity_load(&id, err) != 0) {
		agentlog_line("ERROR", "%s", err->msg);
		err_clear(err);
		return err_set(err, ERR_KIND_CONFIG,
		    "failed to get identity: failed to find agent identity");
	}
	agentlog_line("INFO", "Agent will take identity from OnPrem");
	rc = sockets_bind(err);
	if (rc == 1) {
		wait_until(clock_in(SECOND_WAIT_MS));
		rc = err_set(err, ERR_KIND_SYSTEM,
		    "failed to start message bus, address in use");
	}
	if (rc == 0)
		rc = note_identity(&id, err);
	if (rc == 0 && settings.share_creds)
		rc = share_credentials(&id, &settings, err);
	identity_free(&id);
	return rc;
}

static void
reap(pid_t *worker)
{
	if (*worker > 0 && waitpid(*worker, NULL, WNOHANG) == *worker)
		*worker = -1;
}

/* Until the end is asked for; what is wrong is seen every minute only. */
static pid_t
keep(const char *argv0, const char *folder)
{
	int64_t crash = knob_ms("STANDIN_CRASH_MS", -1);
	int64_t monitor = knob_ms("STANDIN_MONITOR_MS", 60000);
	int64_t end = crash < 0 ? INT64_MAX : clock_in(crash);
	bool wanted = !knob_on("STANDIN_NO_WORKER");
	pid_t worker = -1;

	wait_until(clock_min(end, clock_in(knob_ms("STANDIN_START_MS", 1000))));
	survey_end_workers();
	while (asked == 0 && clock_left(end) > 0) {
		reap(&worker);
		if (wanted && worker < 0)
			worker = start_worker(argv0, folder);
		wait_until(clock_min(end, clock_in(monitor)));
	}
	if (asked == 0) {
		(void)fputs("panic: STANDIN_CRASH_MS\n", stderr);
		_exit(2);
	}
	return worker;
}

static void
stop(pid_t worker)
{
	int64_t end = clock_in(knob_ms("STANDIN_STOP_MS", 7000));

	agentlog_line("INFO", "amazon-ssm-agent got signal:%s value:0",
	    asked == SIGINT ? "interrupt" : "terminated");
	agentlog_line("INFO", "Stopping Core Agent");
	if (worker > 0) {
		(void)kill(worker, SIGTERM);
		(void)waitpid(worker, NULL, 0);
	}
	clock_sleep(end);
	agentlog_line("INFO", "Bye.");
}

int
core_run(const char *argv0, const char *folder)
{
	struct err err = { 0 };

	(void)puts("Initializing new seelog logger\n"
	           "New Seelog Logger Creation Complete");
	(void)fflush(stdout);
	agentlog_open("");
	set_signals();
	if (prepare(folder, &err) != 0) {
		agentlog_line("ERROR",
		    "Error occurred when starting amazon-ssm-agent: %s",
		    err.msg);
		return 0;
	}
	agentlog_open("[amazon-ssm-agent] ");
	agentlog_line("INFO", "amazon-ssm-agent - v" STANDIN_VERSION);
	agentlog_line("INFO", "Starting Core Agent");
	stop(keep(argv0, folder));
	return 0;
}
