/* SPDX-License-Identifier: MIT */
#include "serve/records.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/slice.h"
#include "ssm/state.h"

enum { CORE_MAGIC = 0x53534d43, SESSION_MAGIC = 0x53534d53 };

static int
tell(int socket, const void *record, size_t size)
{
	ssize_t n;

	do {
		n = send(socket, record, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : -1;
}

int
records_tell_core(int socket, const struct records_core *record)
{
	struct records_core copy = *record;

	copy.magic = CORE_MAGIC;
	return tell(socket, &copy, sizeof copy);
}

int
records_tell_session(int socket, const struct records_session *record)
{
	struct records_session copy = *record;
	int rc;

	copy.magic = SESSION_MAGIC;
	rc = tell(socket, &copy, sizeof copy);
	explicit_bzero(&copy, sizeof copy);
	return rc;
}

/* One packet of whatever length; more than size bytes are cut off. */
static enum records_got
hear(int socket, void *out, size_t size, int flags, size_t *len)
{
	ssize_t n;

	do {
		n = recv(socket, out, size, MSG_DONTWAIT | MSG_TRUNC | flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return RECORDS_NONE;
	if (n <= 0)
		return RECORDS_END;
	*len = (size_t)n;
	return RECORDS_ONE;
}

static void
tell_damaged(void)
{
	if (log_once("records"))
		log_event(LOG_WARN, "worker",
		    "a process of the agent sent a damaged record");
}

enum records_got
records_hear_core(int socket, bool from_channel, struct records_core *out)
{
	size_t len = 0;
	enum records_got got = RECORDS_ONE;

	while ((got = hear(socket, out, sizeof *out, 0, &len)) == RECORDS_ONE) {
		if (len == sizeof *out && records_core_valid(out, from_channel))
			return RECORDS_ONE;
		tell_damaged();
	}
	return got;
}

enum records_got
records_hear_session(int socket, bool from_channel, bool keep,
    struct records_session *out)
{
	size_t len = 0;
	enum records_got got = RECORDS_ONE;

	while ((got = hear(socket, out, sizeof *out, MSG_PEEK, &len)) ==
	       RECORDS_ONE) {
		bool good = len == sizeof *out &&
		            records_session_valid(out, from_channel);
		char first;

		if (!keep || !good)
			(void)!recv(socket, &first, sizeof first, MSG_DONTWAIT);
		if (good)
			return RECORDS_ONE;
		tell_damaged();
	}
	return got;
}

static bool
is_text(const unsigned char *bytes, uint32_t len)
{
	return len < RECORDS_BYTES && memchr(bytes, '\0', len) == NULL;
}

static bool
fields_fit(const struct records_core *record)
{
	struct slice id = slice_of(record->session);

	switch ((enum records_kind)record->kind) {
	case RECORDS_SIGN:
		return (record->sign == NODE_TOKEN ||
		           record->sign == NODE_NEW_KEY) &&
		       record->with_new <= 1 && record->host[0] != '\0';
	case RECORDS_WANTED:
	case RECORDS_OVER:
	case RECORDS_SESSION:
		return order_is_session(id);
	case RECORDS_REFUSED:
		return order_is_session(id) &&
		       is_text(record->bytes, record->len);
	case RECORDS_NEW_KEY:
		return is_text(record->bytes, record->len);
	default:
		return true;
	}
}

bool
records_core_valid(const struct records_core *record, bool from_channel)
{
	bool of_channel = record->kind <= RECORDS_OVER;

	return record->magic == CORE_MAGIC && record->kind > RECORDS_NOTHING &&
	       record->kind < RECORDS_KINDS && of_channel == from_channel &&
	       state_text(record->session, sizeof record->session) &&
	       state_text(record->host, sizeof record->host) &&
	       record->len <= RECORDS_BYTES && fields_fit(record);
}

static bool
cred_fits(const struct records_cred *cred)
{
	return state_text(cred->id, sizeof cred->id) &&
	       state_text(cred->secret, sizeof cred->secret) &&
	       state_text(cred->token, sizeof cred->token) &&
	       cred->id[0] != '\0' && cred->secret[0] != '\0';
}

bool
records_session_valid(const struct records_session *record, bool from_channel)
{
	if (record->magic != SESSION_MAGIC)
		return false;
	switch ((enum records_part)record->part) {
	case RECORDS_TASK:
		return from_channel && state_flag(&record->task.last) &&
		       record->task.len <= RECORDS_PIECE;
	case RECORDS_CRED:
		return from_channel && cred_fits(&record->cred);
	case RECORDS_STOP:
		return from_channel;
	case RECORDS_OUTCOME:
		return !from_channel &&
		       record->outcome.status <= ORDER_CANCELLED &&
		       state_text(record->outcome.text,
		           sizeof record->outcome.text);
	case RECORDS_NO_PART:
	case RECORDS_PARTS:
		break;
	}
	return false;
}
