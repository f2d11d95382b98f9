/* SPDX-License-Identifier: MIT */
#ifndef MGS_FRAME_H
#define MGS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct err;

/*
 * The binary message that agent, message gateway and client exchange
 * (amazon-ssm-agent, agent/session/contracts/agentmessage.go); pure.  A header
 * of 120 bytes, all numbers big-endian:
 *
 *	  0  4  bytes of the header that come before the payload's length: 116
 *	  4 32  type, padded with blanks
 *	 36  4  schema version: 1
 *	 40  8  milliseconds since 1970
 *	 48  8  sequence number, signed
 *	 56  8  flags
 *	 64 16  message id, a UUID with its halves exchanged
 *	 80 32  SHA-256 of the payload
 *	112  4  payload type
 *	116  4  length of the payload, which follows
 */
enum {
	FRAME_HEADER = 120,
	FRAME_ID = 16,
	FRAME_ID_TEXT = 37,
	FRAME_TYPE_MAX = 32,
};

enum frame_flag { FRAME_SYN = 1, FRAME_FIN = 2 };

/* The types that are known; others are FRAME_OTHER. */
enum frame_type {
	FRAME_OTHER,
	FRAME_INTERACTIVE_SHELL,
	FRAME_CHANNEL_CLOSED,
	FRAME_AGENT_JOB,
	FRAME_AGENT_JOB_ACK,
	FRAME_CONTROL_CHANNEL_READY,
	FRAME_AGENT_TASK_COMPLETE,
	FRAME_AGENT_TASK_ACKNOWLEDGE,
	FRAME_AGENT_SESSION_STATE,
	FRAME_INPUT_STREAM_DATA,
	FRAME_OUTPUT_STREAM_DATA,
	FRAME_ACKNOWLEDGE,
	FRAME_PAUSE_PUBLICATION,
	FRAME_START_PUBLICATION,
	FRAME_TYPES,
};

/* Payload types of the two numbered streams. */
enum frame_part {
	FRAME_NO_PART = 0,
	FRAME_OUTPUT = 1, /* of either side */
	FRAME_SIZE = 3,
	FRAME_HANDSHAKE_REQUEST = 5,
	FRAME_HANDSHAKE_RESPONSE = 6,
	FRAME_HANDSHAKE_COMPLETE = 7,
	FRAME_FLAG = 10,
	FRAME_STDERR = 11,
	FRAME_EXIT_CODE = 12,
};

struct frame {
	enum frame_type type;
	int64_t sequence;
	uint64_t flags;
	uint64_t date;              /* milliseconds since 1970 */
	unsigned char id[FRAME_ID]; /* as a UUID is written, halves in order */
	uint32_t part;
	struct slice payload; /* borrowed */
};

/*
 * Take a message apart.  -1 (ERR_KIND_PARSE): it is shorter than its header,
 * the header's length leads out of it, or it has no type.  The payload is all
 * that follows the header; the length that the header tells of it is not
 * looked at, and neither is the digest: the service itself sends messages
 * whose digest is another one.
 */
int frame_read(struct frame *out, struct slice message, struct err *err);

/* The name of a type that came, for a log: printable, "" when there is
 * none. */
void frame_name(struct slice message, char out[static FRAME_TYPE_MAX + 1]);
const char *frame_type_name(enum frame_type type); /* FRAME_OTHER: "" */

/* The header for the frame, with its payload's length and digest; the type
 * must not be FRAME_OTHER. */
void frame_write(const struct frame *frame,
    unsigned char header[static FRAME_HEADER]);

/* The id as text: lower case, 36 characters and a NUL. */
void frame_id_text(const unsigned char id[static FRAME_ID],
    char out[static FRAME_ID_TEXT]);

#endif
