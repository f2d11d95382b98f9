/* SPDX-License-Identifier: MIT */
/*
 * One session without core and channel worker: NODE REGION SESSION.  The first
 * line of standard input is a JSON object {"content","id","secret","token"};
 * later ones are "stop" (the service ends the session) and "part" (the
 * container stops).  The outcome is a line of output, STATUS TEXT, where the
 * status is a number of enum order_status; nothing where none was told.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"
#include "serve/records.h"
#include "serve/session.h"
#include "settings/config.h"
#include "settings/options.h"
#include "work/job.h"
#include "work/work.h"

enum { LINE = 1 << 20, SHORT = 64 };

static void
copy(char *out, size_t size, const char *text)
{
	if (text == NULL || !slice_copy(slice_of(text), out, size))
		exit(2);
}

static void
send_task(int line, const char *content)
{
	struct slice rest = slice_of(content);
	static struct records_session record;

	do {
		struct slice piece = slice_head(rest, RECORDS_PIECE);

		memset(&record, 0, sizeof(record));
		record.part = RECORDS_TASK;
		record.task.len = (uint32_t)piece.len;
		memcpy(record.task.data, piece.ptr, piece.len);
		rest = slice_skip(rest, piece.len);
		record.task.last = rest.len == 0;
		if (records_tell_session(line, &record) != 0)
			exit(3);
	} while (rest.len > 0);
}

static void
send_all(int line, const char *text)
{
	static struct records_session record;
	struct json *doc = NULL;

	if (json_parse(&doc, text, strlen(text), NULL) != 0)
		exit(4);
	send_task(line, json_string(json_find(doc, "content")));
	record.part = RECORDS_CRED;
	copy(record.cred.id, sizeof(record.cred.id),
	    json_string(json_find(doc, "id")));
	copy(record.cred.secret, sizeof(record.cred.secret),
	    json_string(json_find(doc, "secret")));
	copy(record.cred.token, sizeof(record.cred.token),
	    json_string(json_find(doc, "token")));
	record.cred.expires = INT64_C(1) << 40;
	if (records_tell_session(line, &record) != 0)
		exit(5);
	json_free(doc);
}

static void
obey(int line, const struct job *job)
{
	static struct records_session record;
	char word[SHORT] = "";

	if (read(STDIN_FILENO, word, sizeof(word) - 1) <= 0)
		exit(0);
	if (strcmp(word, "part\n") == 0)
		kill(job->pid, SIGHUP);
	memset(&record, 0, sizeof(record));
	record.part = RECORDS_STOP;
	if (strcmp(word, "stop\n") == 0)
		records_tell_session(line, &record);
}

/* Until the outcome came, or will not come. */
static void
serve(int line, struct job *job)
{
	static struct records_session record;
	struct job_record told;
	struct pollfd fds[2 + JOB_FDS];
	enum records_got got;

	for (;;) {
		fds[0] = (struct pollfd){ line, POLLIN, 0 };
		fds[1] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
		poll(fds, 2 + job_poll(job, &fds[2]), -1);
		if (fds[1].revents != 0)
			obey(line, job);
		job_next(job, &told);
		got = records_hear_session(line, false, false, &record);
		if (got == RECORDS_NONE)
			continue;
		if (got == RECORDS_ONE)
			(void)printf("%u %s\n", record.outcome.status,
			    record.outcome.text);
		return;
	}
}

int
main(int argc, char **argv)
{
	static struct state state;
	struct config cfg = {
		.env = { environ },
		.session_user = getenv("SSM_ACTIVATE_SESSION_USER"),
		.shell = getenv("SSM_ACTIVATE_SHELL"),
	};
	struct work work = { .cfg = &cfg, .state = &state };
	struct session_in in = { .work = &work };
	static char text[LINE];
	struct job job = { .pid = 0 };
	struct err err = { 0 };
	int ends[2];

	if (argc < 4 || fgets(text, sizeof(text), stdin) == NULL ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
	        0, ends) != 0)
		return 1;
	log_open(LOG_DEBUG, LOG_TEXT);
	if (cfg.shell == NULL)
		cfg.shell = "/bin/sh";
	copy(state.node, sizeof(state.node), argv[1]);
	copy(state.region, sizeof(state.region), argv[2]);
	in.id = argv[3];
	in.line = ends[1];
	if (session_start(&job, &in, &err) != 0)
		return 1;
	close(ends[1]);
	send_all(ends[0], text);
	serve(ends[0], &job);
	(void)fflush(stdout);
	/* The helper ends the program. */
	while (job.active) {
		struct job_record told;

		job_next(&job, &told);
		usleep(10000);
	}
	return 0;
}
