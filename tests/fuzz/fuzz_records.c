/* SPDX-License-Identifier: MIT */
/*
 * The input is the beginning of a record that a process of the agent gets from
 * another, all but its magic number, or a packet of its length only: for the
 * core or a channel worker, for a session or its channel worker, as its first
 * byte says.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "fuzz/fuzz.h"
#include "serve/records.h"

enum { FROM_CHANNEL = 1, OF_SESSION = 2, CUT = 4 };

static struct records_core core;
static struct records_session session;

static void
check_core(int socket, bool from_channel)
{
	enum records_got got = records_hear_core(socket, from_channel, &core);

	if (got != RECORDS_ONE)
		return;
	require(core.kind > RECORDS_NOTHING && core.kind < RECORDS_KINDS);
	require(core.len <= sizeof core.bytes);
	require(memchr(core.session, 0, sizeof core.session) != NULL);
	require(memchr(core.host, 0, sizeof core.host) != NULL);
}

static void
check_session(int socket, bool from_channel)
{
	enum records_got got =
	    records_hear_session(socket, from_channel, false, &session);

	if (got == RECORDS_ONE)
		require(session.part > RECORDS_NO_PART &&
		        session.part < RECORDS_PARTS);
}

static void
tell(int socket, bool of_session, const uint8_t *data, size_t size)
{
	if (of_session) {
		memset(&session, 0, sizeof session);
		memcpy(&session, data,
		    size < sizeof session ? size : sizeof session);
		require(records_tell_session(socket, &session) == 0);
	} else {
		memset(&core, 0, sizeof core);
		memcpy(&core, data, size < sizeof core ? size : sizeof core);
		require(records_tell_core(socket, &core) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool from_channel, of_session;
	int pair[2];

	if (size < 2)
		return 0;
	log_open(LOG_ERROR, LOG_TEXT);
	from_channel = (data[0] & FROM_CHANNEL) != 0;
	of_session = (data[0] & OF_SESSION) != 0;
	require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ==
	        0);
	if ((data[0] & CUT) == 0)
		tell(pair[0], of_session, data + 1, size - 1);
	else
		(void)send(pair[0], data + 1, size - 1, MSG_DONTWAIT);
	if (of_session)
		check_session(pair[1], from_channel);
	else
		check_core(pair[1], from_channel);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
