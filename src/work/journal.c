#include "work/journal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "aws/endpoint.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"

enum { MAGIC = 0x53534d32 };

/* A write of at most PIPE_BUF bytes is atomic (pipe(7)). */
_Static_assert(sizeof(struct journal_entry) <= PIPE_BUF, "one write each");
_Static_assert(JOURNAL_TYPES <= 32, "a set of types is a word");

void
journal_make(struct journal_entry *out, enum journal type)
{
	*out = (struct journal_entry){ .magic = MAGIC, .type = type };
}

int
journal_send(int fd, enum journal type, const char *text,
    const struct state *state, const struct err *err)
{
	struct journal_entry record;

	journal_make(&record, type);
	if (text != NULL &&
	    !slice_copy(slice_of(text), record.text, sizeof record.text))
		return -1;
	if (state != NULL)
		record.state = *state;
	if (err != NULL)
		record.err = *err;
	return file_write_fd(fd, &record, sizeof record, NULL);
}

void
journal_finish(int fd, int rc, const struct err *err)
{
	if (rc == 0)
		journal_send(fd, JOURNAL_DONE, NULL, NULL, NULL);
	else
		journal_send(fd, JOURNAL_FAILED, NULL, NULL, err);
}

static bool
terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

bool
journal_err_valid(const struct err *err)
{
	unsigned char flags[2];

	/* From a pipe a bool may be any byte. */
	memcpy(&flags[0], &err->timed_out, 1);
	memcpy(&flags[1], &err->ambiguous, 1);
	return flags[0] <= 1 && flags[1] <= 1 &&
	       terminated(err->msg, sizeof err->msg) &&
	       terminated(err->fix, sizeof err->fix) &&
	       terminated(err->peer_code, sizeof err->peer_code) &&
	       terminated(err->peer_text, sizeof err->peer_text) &&
	       terminated(err->request_id, sizeof err->request_id) &&
	       (unsigned)err->kind < ERR_KIND_COUNT &&
	       (unsigned)err->code <= ERR_CONFIG &&
	       (unsigned)err->retry <= ERR_THROTTLED;
}

static bool
text_valid(const struct journal_entry *record)
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
	case JOURNAL_AGENT:
		return record->text[0] == '/';
	default:
		return record->type < JOURNAL_TYPES;
	}
}

bool
journal_valid(const struct journal_entry *record)
{
	return record->magic == MAGIC && record->type < JOURNAL_TYPES &&
	       terminated(record->text, sizeof record->text) &&
	       state_valid(&record->state) && journal_err_valid(&record->err) &&
	       text_valid(record);
}

int
journal_receive(int fd, struct journal_entry *out)
{
	ssize_t n = 0;

	do {
		n = read(fd, out, sizeof *out);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	if ((size_t)n == sizeof *out && journal_valid(out))
		return 1;
	log_event(LOG_WARN, "worker", "a worker sent a damaged record");
	return 0;
}

static void
set(char *to, size_t size, const char *text)
{
	slice_copy(slice_of(text), to, size);
}

bool
journal_apply(struct state *state, const struct journal_entry *record)
{
	switch ((enum journal)record->type) {
	case JOURNAL_REGION:
		set(state->region, sizeof state->region, record->text);
		return true;
	case JOURNAL_ACTIVATION:
		set(state->activation, sizeof state->activation, record->text);
		return true;
	case JOURNAL_NODE:
		set(state->node, sizeof state->node, record->text);
		state->since = clock_now();
		return true;
	case JOURNAL_NO_ACTIVATION:
		state->activation[0] = '\0';
		return true;
	case JOURNAL_NO_NODE:
		state->node[0] = '\0';
		return true;
	case JOURNAL_SETTLED:
		state->unsettled = false;
		return true;
	case JOURNAL_STATE:
	case JOURNAL_LEFTOVER:
		*state = record->state;
		return true;
	default:
		return false;
	}
}
