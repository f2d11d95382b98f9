/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/logtail.h"
#include "base/log.h"
#include "unit/sandbox.h"

#define AT "2026-11-22 10:45:32.1234 "
#define ONLINE                                                             \
	AT "INFO [ssm-agent-worker] [MessageService] [MGSInteractor] Set " \
	   "up control channel successfully\n"
#define NAME "amazon-ssm-agent.log"

static unsigned
judge(const char *line, bool *forward, int *level)
{
	*forward = false;
	*level = -1;
	return logtail_judge(line, forward, level);
}

static void
test_knows_the_levels(void **state)
{
	static const struct {
		const char *line;
		bool forward;
		int level;
	} cases[] = {
		{ AT "CRITICAL x", true, LOG_ERROR },
		{ AT "ERROR x", true, LOG_ERROR },
		{ AT "WARN [a] x", true, LOG_WARN },
		{ AT "INFO x", false, LOG_INFO },
		{ AT "DEBUG x", false, LOG_DEBUG },
		{ AT "TRACE ", false, LOG_DEBUG },
	};
	bool forward;
	int level;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(judge(cases[i].line, &forward, &level), 0);
		assert_int_equal(forward, cases[i].forward);
		assert_int_equal(level, cases[i].level);
	}
}

/* Each seen with a session, a port or a command that went well. */
static void
test_knows_what_is_harmless(void **state)
{
	static const char session[] = AT "ERROR [ssm-session-worker] [a-1] ";
	static const struct {
		const char *text;
		bool harmless;
	} cases[] = {
		{ "getInteger failed: Offset is invalid.", true },
		{ "[DataBackend] error occurred while closing ipcFile, "
		  "invalid argument",
		    true },
		{ "unable to wait pty: signal: killed", true },
		{ "pty process: 71 exited unsuccessfully, error message: exit "
		  "status 130",
		    true },
		{ "Unable to accept: use of closed network connection", true },
		{ "read failed: io: read/write on closed pipe", true },
		{ "acknowledgement 1 received but could not find any reply "
		  "threads running",
		    true },
		{ "[EC2Identity] Failed to get instance info from IMDS. Err: "
		  "x",
		    true },
		{ "error occurred while closing ipcFile, no space left",
		    false },
		{ "unable to wait pty: no child processes", false },
		{ "Unable to start command: exit status 1", false },
		{ "x getInteger failed: Offset is invalid.", false },
	};
	char line[256];
	bool forward;
	int level;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(line, sizeof(line), "%s%s", session,
		    cases[i].text);
		(void)judge(line, &forward, &level);
		assert_true(forward);
		assert_int_equal(level,
		    cases[i].harmless ? LOG_DEBUG : LOG_ERROR);
	}
	/* Of others it would be news. */
	(void)judge(AT "ERROR [ssm-agent-worker] use of closed network "
	               "connection",
	    &forward, &level);
	assert_int_equal(level, LOG_ERROR);
}

static void
test_a_line_without_date_continues(void **state)
{
	static const char *const lines[] = { "", "ERROR x", "caused by: x",
		"\tstatus code: 400, request id: x", "2026-11-22 10:45:32.1234",
		"2026-11-22 10:45:32.1234 ", "2026-11-22 10:45:32.1234 LOUD x",
		"2026-11-22 ERROR ERROR x", "x026-11-22 10:45:32.1234 ERROR x",
		"Entering SSM Agent hibernate - x" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		bool forward = true;
		int level = 77;

		assert_int_equal(logtail_judge(lines[i], &forward, &level), 0);
		assert_true(forward);
		assert_int_equal(level, 77);
	}
}

static void
test_knows_the_news(void **state)
{
	static const struct {
		const char *line;
		unsigned news;
	} cases[] = {
		{ AT "INFO [ssm-agent-worker] [MessageService] "
		     "[MGSInteractor] Set up control channel successfully",
		    LOGTAIL_ONLINE },
		{ AT "INFO [ssm-agent-worker] Entering SSM Agent hibernate - "
		     "RequestError: send request failed",
		    LOGTAIL_HIBERNATE },
		{ AT "INFO Entering SSM Agent Worker hibernate - x",
		    LOGTAIL_HIBERNATE },
		{ AT "INFO [ssm-agent-worker] Entering SSM Agent hibernate - "
		     "MachineFingerprintDoesNotMatch: Fingerprint does not "
		     "match",
		    LOGTAIL_HIBERNATE | LOGTAIL_REFUSED },
		{ AT "INFO [ssm-agent-worker] Entering SSM Agent hibernate - "
		     "InvalidInstanceId: x",
		    LOGTAIL_HIBERNATE | LOGTAIL_REFUSED },
		/* A right may be missing for a while after registration. */
		{ AT "INFO [ssm-agent-worker] Entering SSM Agent hibernate - "
		     "AccessDeniedException: User is not authorized",
		    LOGTAIL_HIBERNATE },
		{ AT "ERROR [ssm-agent-worker] [HealthCheck] error when "
		     "calling AWS APIs. error details - InvalidInstanceId: x",
		    LOGTAIL_REFUSED },
		{ AT "ERROR [amazon-ssm-agent] [CredentialRefresher] Retrieve "
		     "credentials produced error: AccessDeniedException: x",
		    LOGTAIL_REFUSED },
		{ AT "ERROR [amazon-ssm-agent] x AccessDeniedException: y", 0 },
		/* What a session is given is logged, too. */
		{ AT "INFO [ssm-session-worker] echo Entering SSM Agent "
		     "hibernate - InvalidInstanceId: x",
		    0 },
		{ AT "INFO [ssm-agent-worker] [MessageService] "
		     "[MGSInteractor] Successfully opened websocket "
		     "connection to: 1.2.3.4:443",
		    LOGTAIL_ONLINE },
		{ AT "INFO [ssm-session-worker] [a-1] [DataBackend] "
		     "Successfully opened websocket connection to: 1.2.3.4",
		    0 },
		{ AT "INFO [ssm-agent-worker] [MessageService] "
		     "[MGSInteractor] Closing websocket channel connection "
		     "to: wss://x/v1/control-channel/mi-0",
		    LOGTAIL_OFFLINE },
		{ AT "INFO [ssm-session-worker] [a-1] Closing websocket "
		     "channel connection to: wss://x/v1/data-channel/a-1",
		    0 },
		{ AT "WARN [ssm-agent-worker] [MessageService] "
		     "[MGSInteractor] Reach the retry limit 5 for receive "
		     "messages. Error: websocket: close 1000 (normal): Bye",
		    LOGTAIL_OFFLINE },
		{ AT "WARN [ssm-agent-worker] I/O timeout. Error: x",
		    LOGTAIL_OFFLINE },
		{ AT "ERROR [ssm-agent-worker] [MessageService] "
		     "[MGSInteractor] Error setting up control channel: x",
		    LOGTAIL_OFFLINE },
		{ AT "ERROR [ssm-agent-worker] failed to reconnect to the "
		     "control channel with error: x",
		    LOGTAIL_OFFLINE },
		{ AT "INFO [ssm-agent-worker] echo I/O timeout. Error: x", 0 },
		{ AT "INFO [a] received: Set up control channel successfully",
		    0 },
		{ AT "INFO [a] Set up control channel successfully not", 0 },
	};
	bool forward;
	int level;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(judge(cases[i].line, &forward, &level),
		    cases[i].news);
}

/*
 * Following a file.  The parts run in a folder of their own, with standard
 * error in a file.
 */
static char folder[64];
static int own_stderr = -1;

static void
append(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);

	SANDBOX_CHECK(fd >= 0);
	SANDBOX_CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	SANDBOX_CHECK(close(fd) == 0);
}

static void
begin(void)
{
	int fd;

	(void)snprintf(folder, sizeof(folder), "/tmp/test_logtail.XXXXXX");
	SANDBOX_CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
	own_stderr = dup(2);
	fd = open("stderr", O_RDWR | O_CREAT | O_APPEND, 0600);
	SANDBOX_CHECK(own_stderr >= 0 && fd >= 0);
	SANDBOX_CHECK(dup2(fd, 2) == 2 && close(fd) == 0);
	log_open(LOG_INFO, LOG_TEXT);
}

static void
end(struct logtail *tail)
{
	SANDBOX_CHECK(dup2(own_stderr, 2) == 2 && close(own_stderr) == 0);
	logtail_close(tail);
	logtail_close(tail);
	SANDBOX_CHECK(tail->fd == -1 && tail->file == -1);
	(void)unlink(NAME);
	(void)unlink(NAME ".1");
	(void)unlink("stderr");
	SANDBOX_CHECK(rmdir(folder) == 0);
}

/* How many lines were forwarded so far. */
static int
forwarded(const char *part)
{
	char text[65536];
	const char *at = text;
	int fd = open("stderr", O_RDONLY), count = 0;
	ssize_t n;

	SANDBOX_CHECK(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	SANDBOX_CHECK(n >= 0 && close(fd) == 0);
	text[n] = '\0';
	while ((at = strstr(at, part)) != NULL) {
		count++;
		at++;
	}
	return count;
}

static bool
has_events(const struct logtail *tail)
{
	struct pollfd p = { .fd = tail->fd, .events = POLLIN };

	return poll(&p, 1, 2000) == 1;
}

static void
follow(void)
{
	struct logtail tail;

	begin();
	append(NAME, ONLINE AT "ERROR old\n");
	logtail_open(&tail, folder, NAME, 0);
	SANDBOX_CHECK(tail.fd >= 0);
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	append(NAME, ONLINE);
	SANDBOX_CHECK(has_events(&tail));
	SANDBOX_CHECK(logtail_read(&tail) == LOGTAIL_ONLINE);
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	/* A line comes in pieces. */
	append(NAME, AT "ERROR fir");
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	SANDBOX_CHECK(forwarded("fir") == 0);
	append(NAME, "st\n\tcause\n" AT "INFO quiet\n\tcalm\n" AT "WARN se");
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	append(NAME,
	    "cond\n" ONLINE AT "INFO Entering SSM Agent hibernate - x\n");
	SANDBOX_CHECK(logtail_read(&tail) ==
	              (LOGTAIL_ONLINE | LOGTAIL_HIBERNATE));
	SANDBOX_CHECK(forwarded("ERROR first; cause\n") == 1);
	SANDBOX_CHECK(forwarded("WARN second\n") == 1);
	SANDBOX_CHECK(forwarded("\n") == 2);
	/* Without a text of its own, and one that says nothing. */
	append(NAME,
	    AT "ERROR [ssm-agent-worker] [EC2Identity] Failed to get "
	       "instance info from IMDS. Err: a\n\nb\n" AT "WARN third\n\n \n");
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	SANDBOX_CHECK(forwarded("IMDS") == 0);
	SANDBOX_CHECK(forwarded("WARN third\n") == 1);
	SANDBOX_CHECK(forwarded("\n") == 3);
	end(&tail);
}

static void
test_follows_what_is_new(void **state)
{
	(void)state;
	assert_true(sandbox_fork(follow));
}

static void
come_later(void)
{
	struct logtail tail;

	begin();
	logtail_open(&tail, folder, NAME, 0);
	SANDBOX_CHECK(tail.fd >= 0 && tail.file == -1);
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	append(NAME, ONLINE);
	SANDBOX_CHECK(has_events(&tail));
	SANDBOX_CHECK(logtail_read(&tail) == LOGTAIL_ONLINE);
	end(&tail);
}

static void
test_the_file_may_come_later(void **state)
{
	(void)state;
	assert_true(sandbox_fork(come_later));
}

static void
rotate(void)
{
	struct logtail tail;

	begin();
	append(NAME, AT "ERROR a\n");
	logtail_open(&tail, folder, NAME, 0);
	append(NAME, AT "ERROR b\n" AT "ERROR c");
	SANDBOX_CHECK(rename(NAME, NAME ".1") == 0);
	append(NAME, AT "ERROR d\n" ONLINE);
	SANDBOX_CHECK(has_events(&tail));
	SANDBOX_CHECK(logtail_read(&tail) == LOGTAIL_ONLINE);
	SANDBOX_CHECK(forwarded("ERROR b\n") == 1);
	SANDBOX_CHECK(forwarded("ERROR c\n") == 1);
	SANDBOX_CHECK(forwarded("ERROR d\n") == 1);
	SANDBOX_CHECK(forwarded("\n") == 3);
	/* Truncation: what is there now is new. */
	SANDBOX_CHECK(truncate(NAME, 0) == 0);
	append(NAME, AT "ERROR e\n");
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	SANDBOX_CHECK(forwarded("ERROR e\n") == 1);
	end(&tail);
}

static void
test_follows_through_rotation_and_truncation(void **state)
{
	(void)state;
	assert_true(sandbox_fork(rotate));
}

static void
long_lines(void)
{
	struct logtail tail;
	char text[4096];

	begin();
	logtail_open(&tail, folder, NAME, 0);
	(void)memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	append(NAME, AT "ERROR start");
	append(NAME, text);
	append(NAME, text);
	append(NAME, "end\n" ONLINE);
	SANDBOX_CHECK(logtail_read(&tail) == LOGTAIL_ONLINE);
	SANDBOX_CHECK(forwarded("ERROR start") == 1);
	SANDBOX_CHECK(forwarded("end") == 0);
	SANDBOX_CHECK(forwarded("\n") == 1);
	end(&tail);
}

static void
test_cuts_a_line_that_is_too_long(void **state)
{
	(void)state;
	assert_true(sandbox_fork(long_lines));
}

static void
many_lines(void)
{
	struct logtail tail;
	char text[3000];

	begin();
	logtail_open(&tail, folder, NAME, 0);
	append(NAME, AT "ERROR panic\n");
	for (int i = 0; i < 500; i++)
		append(NAME, "goroutine\n");
	append(NAME, AT "ERROR next\n\tgoroutine\n");
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	SANDBOX_CHECK(forwarded("ERROR panic; goroutine; goroutine; ") == 1);
	SANDBOX_CHECK(forwarded("ERROR next; goroutine\n") == 1);
	SANDBOX_CHECK(forwarded("\n") == 2);
	/* Far behind: only the end counts. */
	(void)memset(text, 'y', sizeof(text));
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	append(NAME, AT "INFO Entering SSM Agent hibernate - lost\n");
	for (int i = 0; i < 500; i++)
		append(NAME, text);
	append(NAME, ONLINE);
	SANDBOX_CHECK(logtail_read(&tail) == LOGTAIL_ONLINE);
	SANDBOX_CHECK(forwarded("yyyy") == 0);
	end(&tail);
}

static void
test_much_text_is_cut_short(void **state)
{
	(void)state;
	assert_true(sandbox_fork(many_lines));
}

static off_t
size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 ? st.st_size : -1;
}

/* Two programs append; what was read goes, once it is too much. */
static void
bounded(void)
{
	const off_t max = 300;
	struct logtail tail;
	int other;

	begin();
	other = open(NAME, O_WRONLY | O_CREAT | O_APPEND, 0600);
	SANDBOX_CHECK(other >= 0);
	logtail_open(&tail, folder, NAME, max);
	for (int i = 0; i < 4; i++)
		append(NAME, ONLINE);
	SANDBOX_CHECK(size_of(NAME) > max);
	/* Not in the middle of a line. */
	append(NAME, AT "ERROR be");
	SANDBOX_CHECK(logtail_read(&tail) == LOGTAIL_ONLINE);
	SANDBOX_CHECK(size_of(NAME) > max && size_of(NAME ".1") == -1);
	append(NAME, "gun\n");
	SANDBOX_CHECK(logtail_read(&tail) == 0);
	SANDBOX_CHECK(forwarded("ERROR begun\n") == 1);
	SANDBOX_CHECK(size_of(NAME) == 0 && size_of(NAME ".1") > max);
	SANDBOX_CHECK(write(other, ONLINE, strlen(ONLINE)) > 0);
	append(NAME, AT "WARN then\n");
	SANDBOX_CHECK(logtail_read(&tail) == LOGTAIL_ONLINE);
	SANDBOX_CHECK(forwarded("WARN then\n") == 1);
	SANDBOX_CHECK(forwarded("\n") == 2);
	SANDBOX_CHECK(size_of(NAME) < max && close(other) == 0);
	end(&tail);
}

static void
test_is_bounded(void **state)
{
	(void)state;
	assert_true(sandbox_fork(bounded));
}

static void
test_without_a_folder_nothing_is_followed(void **state)
{
	struct logtail tail;
	char path[400];

	(void)state;
	logtail_open(&tail, "/nothing/here", NAME, 0);
	assert_int_equal(tail.fd, -1);
	assert_int_equal(logtail_read(&tail), 0);
	logtail_close(&tail);
	(void)memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	logtail_open(&tail, path, NAME, 0);
	assert_int_equal(tail.fd, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knows_the_levels),
		cmocka_unit_test(test_knows_what_is_harmless),
		cmocka_unit_test(test_a_line_without_date_continues),
		cmocka_unit_test(test_knows_the_news),
		cmocka_unit_test(test_follows_what_is_new),
		cmocka_unit_test(test_the_file_may_come_later),
		cmocka_unit_test(test_follows_through_rotation_and_truncation),
		cmocka_unit_test(test_cuts_a_line_that_is_too_long),
		cmocka_unit_test(test_much_text_is_cut_short),
		cmocka_unit_test(test_is_bounded),
		cmocka_unit_test(test_without_a_folder_nothing_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
