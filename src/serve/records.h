/* SPDX-License-Identifier: MIT */
#ifndef SERVE_RECORDS_H
#define SERVE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mgs/order.h"
#include "ssm/node.h"

/*
 * What the processes of our agent tell each other: records of fixed size over
 * sequenced-packet sockets (unix(7)), each one packet.  Whoever gets one checks
 * it as if a stranger had sent it.  Nothing waits.
 */
enum records_got {
	RECORDS_NONE, /* none now */
	RECORDS_ONE,
	RECORDS_END, /* the other side has ended */
};

/*
 * Between core and channel worker.  Of the sessions' sockets the core keeps a
 * copy, so that they outlive a channel worker, and the next one gets them.
 */
enum records_kind {
	RECORDS_NOTHING,
	/* of the channel worker */
	RECORDS_SIGN,    /* request: TOKEN, or NEW_KEY with our new key */
	RECORDS_ROTATE,  /* make a new key pair; it is answered by NEW_KEY */
	RECORDS_ADOPT,   /* the new key is the node's now; the old one is
	                  * forgotten once the new one is where it is kept */
	RECORDS_ONLINE,  /* the service takes the channel as open */
	RECORDS_OFFLINE, /* it is closed */
	RECORDS_DOUBT,   /* AWS seems not to know the node any more */
	RECORDS_WANTED,  /* session: is to be started */
	RECORDS_OVER,    /* session: its outcome has been told; forget it */
	/* of the core */
	RECORDS_SIGNED,  /* bytes; none: it failed */
	RECORDS_NEW_KEY, /* bytes: base64 of the public key; none: it failed */
	RECORDS_SESSION, /* session: its socket comes by pass_receive(), on the
	                  * socket for descriptors; it was sent before */
	RECORDS_REFUSED, /* session: cannot be started; bytes: why, a text */
	RECORDS_PART,    /* the container stops */
	RECORDS_KINDS,
};

enum { RECORDS_HOST = 256, RECORDS_BYTES = 512 };

struct records_core {
	uint32_t magic;
	uint32_t kind; /* enum records_kind */
	/* SIGN: the fields of struct node_request that the core does not know;
	 * with which key (0 the node's, 1 the new one). */
	int64_t when;
	uint32_t sign; /* enum node_kind */
	uint32_t with_new;
	uint32_t len;                     /* of bytes */
	char session[ORDER_SESSION_SIZE]; /* "" where there is none */
	char host[RECORDS_HOST];
	unsigned char bytes[RECORDS_BYTES];
};

/* 0, or -1 with errno; EAGAIN where the other side does not read. */
int records_tell_core(int socket, const struct records_core *record);

/* The next one that is of the right form and may come from that side; others
 * are dropped, the first one with a warning. */
enum records_got records_hear_core(int socket, bool from_channel,
    struct records_core *out);

/*
 * Between channel worker and session worker; the socket outlives the channel
 * worker.  The task comes first, in pieces.  OUTCOME is the session worker's
 * last record; it stays in the socket until the service has acknowledged it, so
 * that a new channel worker finds it there.  A socket that ends without one is
 * a session that died.
 */
enum records_part {
	RECORDS_NO_PART,
	/* of the channel worker */
	RECORDS_TASK, /* a piece of the content of ORDER_START */
	RECORDS_CRED, /* the node's credentials; at first and when renewed */
	RECORDS_STOP, /* the service ends the session (ORDER_END) */
	/* of the session worker */
	RECORDS_OUTCOME,
	RECORDS_PARTS,
};

enum {
	RECORDS_PIECE = 8192,
	RECORDS_TOKEN = 8192, /* of a session token, with its NUL */
	RECORDS_KEY = 256,
	RECORDS_TEXT = 2001, /* bytes of an outcome, with its NUL */
};

struct records_task {
	uint32_t len;
	bool last; /* the task is complete */
	char data[RECORDS_PIECE];
};

struct records_cred { /* secret */
	char id[RECORDS_KEY], secret[RECORDS_KEY], token[RECORDS_TOKEN];
	int64_t expires;      /* seconds since 1970 */
	int64_t clock_offset; /* AWS's clock minus ours, seconds */
};

struct records_outcome {
	uint32_t status; /* enum order_status */
	char text[RECORDS_TEXT];
};

struct records_session {
	uint32_t magic;
	uint32_t part; /* enum records_part */
	union {
		struct records_task task;
		struct records_cred cred;
		struct records_outcome outcome;
	};
};

/* As records_tell_core(). */
int records_tell_session(int socket, const struct records_session *record);

/* As records_hear_core().  keep: it stays the next one (MSG_PEEK).  Whoever
 * gets credentials wipes the record. */
enum records_got records_hear_session(int socket, bool from_channel, bool keep,
    struct records_session *out);

/* Pure. */
bool records_core_valid(const struct records_core *record, bool from_channel);
bool records_session_valid(const struct records_session *record,
    bool from_channel);

#endif
