/* SPDX-License-Identifier: MIT */
#include "work/job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "aws/endpoint.h"
#include "base/capture.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "work/jail.h"
#include "work/wish.h"
#include "work/work.h"

enum { MAGIC = 0x53534d32 };

/* A write of at most PIPE_BUF bytes is atomic (pipe(7)). */
_Static_assert(sizeof(struct job_record) <= PIPE_BUF, "one write each");
_Static_assert(JOURNAL_TYPES <= 32, "a set of types is a word");

void
job_make(struct job_record *out, enum journal type)
{
	*out = (struct job_record){ .magic = MAGIC, .type = type };
}

int
job_send(int fd, enum journal type, const char *text, const struct state *state,
    const struct err *err)
{
	struct job_record record;

	job_make(&record, type);
	if (text != NULL &&
	    !slice_copy(slice_of(text), record.text, sizeof record.text))
		return -1;
	if (state != NULL)
		record.state = *state;
	if (err != NULL)
		record.err = *err;
	return file_write_fd(fd, &record, sizeof record, NULL);
}

int
job_tell(int out, enum journal type, const char *text, struct err *err)
{
	if (job_send(out, type, text, NULL, NULL) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "the keeper is gone");
	return 0;
}

bool
job_err_valid(const struct err *err)
{
	return state_flag(&err->timed_out) && state_flag(&err->ambiguous) &&
	       state_text(err->msg, sizeof err->msg) &&
	       state_text(err->fix, sizeof err->fix) &&
	       state_text(err->peer_code, sizeof err->peer_code) &&
	       state_text(err->peer_text, sizeof err->peer_text) &&
	       state_text(err->request_id, sizeof err->request_id) &&
	       (unsigned)err->kind < ERR_KIND_COUNT &&
	       (unsigned)err->code <= ERR_CONFIG &&
	       (unsigned)err->retry <= ERR_THROTTLED;
}

static bool
text_valid(const struct job_record *record)
{
	uint64_t pid;

	switch ((enum journal)record->type) {
	case JOURNAL_ACTIVATION:
		return id_is_uuid(record->text);
	case JOURNAL_NODE:
		return id_is_node(record->text);
	case JOURNAL_REGION:
		return endpoint_check_region(record->text, "", NULL) == 0;
	case JOURNAL_NONE:
		return false;
	case JOURNAL_FAILED:
		return record->err.code != ERR_OK;
	case JOURNAL_HELD:
		return slice_u64(slice_of(record->text), INT32_MAX, &pid);
	case JOURNAL_WISH:
		return wish_parse(record->text, &(struct wish){ 0 });
	case JOURNAL_AGENT:
		return record->text[0] == '/' ||
		       slice_eq(slice_of(record->text), WORK_BUILTIN);
	default:
		return record->type < JOURNAL_TYPES;
	}
}

bool
job_valid(const struct job_record *record)
{
	return record->magic == MAGIC && record->type < JOURNAL_TYPES &&
	       state_text(record->text, sizeof record->text) &&
	       state_valid(&record->state) && job_err_valid(&record->err) &&
	       text_valid(record);
}

int
job_receive(int fd, struct job_record *out)
{
	ssize_t n = 0;

	do {
		n = read(fd, out, sizeof *out);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	if ((size_t)n == sizeof *out && job_valid(out))
		return 1;
	log_event(LOG_WARN, "worker", "a worker sent a damaged record");
	return 0;
}

/* A pipe holds 64 KiB (pipe(7)). */
enum { PIPE_RECORDS = 64, SECOND_MS = 1000 };

/* Credit is needed for as much as one read takes. */
enum { PIECE = PIPE_BUF };

/* With O_DIRECT what is written at once is read at once, so that no line is
 * cut; not every kernel that calls itself Linux knows that. */
static int
open_pipe(int fds[static 2])
{
	if (pipe2(fds, O_CLOEXEC | O_DIRECT) == 0)
		return 0;
	return errno == EINVAL ? pipe2(fds, O_CLOEXEC) : -1;
}

/* theirs: the worker's end.  -1 with errno. */
static int
open_log(struct job_log *log, int *theirs)
{
	int fds[2];

	if (open_pipe(fds) != 0)
		return -1;
	*theirs = fds[1];
	*log = (struct job_log){
		.fd = fds[0],
		.credit = JOB_LOG_BURST,
		.counted_at = clock_ms(),
	};
	return fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

static void
count_up(struct job_log *log)
{
	int64_t now = clock_ms();

	log->credit += (now - log->counted_at) * JOB_LOG_RATE / SECOND_MS;
	if (log->credit > JOB_LOG_BURST)
		log->credit = JOB_LOG_BURST;
	log->counted_at = now;
}

/* False when there is nothing more now. */
static bool
pass_one(struct job_log *log)
{
	char text[PIECE];
	ssize_t n = read(log->fd, text, sizeof text);

	if (n > 0) {
		log->credit -= n;
		log_raw(text, (size_t)n);
		return true;
	}
	/* A pipe without a writer, or a broken one, gives nothing more. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		file_close(&log->fd);
	return false;
}

static void
pass_log(struct job_log *log)
{
	if (log->fd < 0)
		return;
	if (log->credit < PIECE)
		count_up(log);
	while (log->fd >= 0 && log->credit >= PIECE && pass_one(log)) {
	}
}

static void
close_log(struct job_log *log, const char *name)
{
	char more;

	pass_log(log);
	if (log->fd < 0)
		return;
	if (read(log->fd, &more, sizeof more) > 0) {
		log_event(LOG_WARN, "worker_log",
		    "%s: the worker's log was too long, its end is dropped",
		    name);
	}
	file_close(&log->fd);
}

static int
log_fd(const struct job_log *log)
{
	return log->credit >= PIECE ? log->fd : -1;
}

static int64_t
due_log(const struct job_log *log)
{
	int64_t missing = PIECE - log->credit;

	if (log->fd < 0 || missing <= 0)
		return INT64_MAX;
	return log->counted_at + missing * SECOND_MS / JOB_LOG_RATE + 1;
}

/* What a worker gets from its keeper. */
struct ends {
	int out, log;
	pid_t keeper;
};

static void __attribute__((noreturn))
be_worker(const struct job_spec *spec, const struct ends *ends)
{
	int keep[JOB_KEEP_MAX + 1];
	struct err err = { 0 };
	size_t count = 0;
	int rc = 0;

	for (; count < spec->keep_count; count++)
		keep[count] = spec->keep[count];
	keep[count++] = ends->out;
	/* The mask is the keeper's; a worker dies of signals. */
	exec_reset_signals();
	signal(SIGPIPE, SIG_IGN);
	/* The log of a worker is read by the keeper alone, so it may wait. */
	log_wait();
	jail_worker(keep, count, ends->log);
	if (getppid() != ends->keeper)
		_exit(0);
	rc = spec->work(spec->input, ends->out, &err);
	job_send(ends->out, rc == 0 ? JOURNAL_DONE : JOURNAL_FAILED, NULL, NULL,
	    &err);
	_exit(0);
}

int
job_start(struct job *job, const struct job_spec *spec, struct err *err)
{
	struct ends ends = { .out = -1, .log = -1, .keeper = getpid() };
	struct job_log log = { .fd = -1 };
	int fds[2] = { -1, -1 };
	pid_t pid = -1;

	log_once_share();
	if (pipe2(fds, O_CLOEXEC) == 0 && open_log(&log, &ends.log) == 0) {
		ends.out = fds[1];
		pid = fork();
	}
	if (pid == 0)
		be_worker(spec, &ends);
	if (pid < 0)
		err_sys(err, ERR_KIND_SYSTEM, ends.out < 0 ? "pipe" : "fork");
	file_close(&fds[1]);
	file_close(&ends.log);
	if (pid < 0) {
		file_close(&fds[0]);
		file_close(&log.fd);
		return -1;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*job = (struct job){
		.name = spec->name,
		.pid = pid,
		.fd = fds[0],
		.log = log,
		.tells = spec->tells,
		.deadline = spec->deadline,
		.active = true,
	};
	return 0;
}

/* A worker that nobody listens to any more is gone before we go on, with what
 * it has started, so that none is left when its keeper is.  over: it has said
 * its last word, and ends by itself. */
static void
bury(struct job *job, bool over)
{
	int status;

	if (job->pid <= 0)
		return;
	kill(-job->pid, SIGKILL);
	/* Without CAP_KILL a worker that has changed its user cannot be killed.
	 */
	if (kill(job->pid, SIGKILL) != 0 && !over)
		return;
	if (capture_ended(job->pid, &status, clock_in(JOB_BURY_MS)))
		job->pid = 0;
}

static void
end(struct job *job, bool over)
{
	bury(job, over);
	close_log(&job->log, job->name);
	file_close(&job->fd);
	job->active = false;
}

static int
fail(struct job *job, struct job_record *out, const char *why, bool timed_out)
{
	*out = (struct job_record){ .type = JOURNAL_FAILED };
	err_set(&out->err, timed_out ? ERR_KIND_CONNECTION : ERR_KIND_SYSTEM,
	    "%s: %s", job->name, why);
	out->err.timed_out = timed_out;
	out->err.retry = ERR_TRANSIENT;
	end(job, false);
	return 1;
}

/* As job_receive(), but drops records that another kind of worker sends. */
static int
receive(const struct job *job, struct job_record *out)
{
	int got = job_receive(job->fd, out);

	if (got != 1 || out->type == JOURNAL_DONE ||
	    out->type == JOURNAL_FAILED ||
	    (job->tells & JOURNAL_BIT(out->type)) != 0)
		return got;
	/* Who sends such records may send many. */
	if (log_once("worker_records")) {
		log_event(LOG_WARN, "worker",
		    "%s: the worker sent a record of another kind of worker",
		    job->name);
	}
	return 0;
}

int
job_next(struct job *job, struct job_record *out)
{
	bool late = job->active && clock_ms() >= job->deadline;
	int got = 0;

	if (!job->active)
		return 0;
	pass_log(&job->log);
	/* What it wrote in its last moment still counts: then the pipe is read
	 * to its end before the job is over. */
	if (late)
		bury(job, false);
	for (int i = 0; got == 0 && i < (late ? PIPE_RECORDS : 1); i++)
		got = receive(job, out);
	if (got == 0 && !late)
		return 0;
	if (got <= 0)
		return fail(job, out,
		    late ? "no end within its time" : "the worker died", late);
	if (out->type == JOURNAL_DONE || out->type == JOURNAL_FAILED)
		end(job, true);
	return 1;
}

void
job_kill(struct job *job)
{
	if (job->active)
		end(job, false);
}

bool
job_stuck(const struct job *job)
{
	return !job->active && job->pid > 0;
}

bool
job_reaped(struct job *job, pid_t pid)
{
	if (job->pid != pid)
		return false;
	job->pid = 0;
	return true;
}

size_t
job_poll(const struct job *job, struct pollfd fds[static JOB_FDS])
{
	if (!job->active)
		return 0;
	fds[0] = (struct pollfd){ .fd = job->fd, .events = POLLIN };
	fds[1] = (struct pollfd){
		.fd = log_fd(&job->log),
		.events = POLLIN,
	};
	return JOB_FDS;
}

int64_t
job_due(const struct job *job)
{
	return job->active ? clock_min(job->deadline, due_log(&job->log))
	                   : INT64_MAX;
}
