/* SPDX-License-Identifier: MIT */
#ifndef SERVE_ASK_H
#define SERVE_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pass.h"
#include "mgs/document.h"

/*
 * What a session worker asks its helper for, and what it is told: records over
 * a socket of sequenced packets (unix(7)), each one packet, a head of fixed
 * size and a text behind it.  Each side checks what it gets as if a stranger
 * had sent it.  Nothing waits.
 */
enum ask_kind {
	ASK_NOTHING,
	/* of the worker */
	ASK_TASK,   /* what the session is for; once, and first */
	ASK_START,  /* run its program, columns and rows; once */
	ASK_RESIZE, /* the terminal's size */
	ASK_SIGNAL, /* number: SIGINT or SIGQUIT to the command */
	ASK_DIAL,   /* id: connect */
	ASK_CLOSE,  /* id: the connection is not wanted any more */
	/* of the helper */
	ASK_STARTED,   /* descriptors: the terminal; or output, errors */
	ASK_EXITED,    /* number: status, as a shell tells it */
	ASK_CONNECTED, /* id; a descriptor */
	ASK_FAILED,    /* id, 0 = the program; text: why */
	ASK_PART,      /* the container stops */
	ASK_KINDS,
};

enum { ASK_TEXT = DOCUMENT_TEXT_MAX, ASK_SIDE_MAX = 32767 };

struct ask {
	uint32_t magic;
	uint32_t kind; /* enum ask_kind */
	uint32_t id;   /* DIAL: not 0 */
	int32_t number;
	/* TASK: the document's kind, and whose the program is; elevated and
	 * separate as in struct document.  The text is COMMAND's words, each
	 * with a NUL, or what the shell of INTERACTIVE is to run.  PORT: which
	 * one, and whether it is of another host. */
	uint32_t program;                    /* enum document_kind */
	uint32_t elevated, separate, remote; /* 0 or 1 */
	char user[DOCUMENT_USER_SIZE];
	uint16_t columns, rows; /* 1 to ASK_SIDE_MAX; 0 = not known */
	uint16_t port;
	/* DIAL: 4 or 16 bytes of an address; 0 = this host. */
	uint32_t address_size, scope;
	unsigned char address[16];
	uint32_t len;        /* of the text */
	char text[ASK_TEXT]; /* as many bytes are sent; no NUL behind them */
};

enum { ASK_HEAD = offsetof(struct ask, text) };

/* An empty one; the text is not touched. */
void ask_make(struct ask *out, enum ask_kind kind);

/* Put a text in; what is too long is cut. */
void ask_say(struct ask *ask, struct slice text);

/* 0; 1: the other side takes nothing now; -1 with errno. */
int ask_send(int socket, const struct ask *ask, const int *fds, size_t count);

/*
 * The next record: 1; 0: none now; -1: the other side is gone, or sent what is
 * not valid, which only one that was taken over does.  from_worker: whose it
 * has to be; then no descriptors are taken.
 */
int ask_take(int socket, bool from_worker, struct ask *out,
    int fds[static PASS_MAX], size_t *count);

/* Whether a record of len bytes is one.  Pure. */
bool ask_valid(const struct ask *ask, size_t len, bool from_worker);

/* Whether a worker's valid request is one of its task (NULL = none came yet).
 * The worker tells the task before it hears anything of its client, so who
 * takes it over from there cannot choose program, user or port.  Pure. */
bool ask_within(const struct ask *task, const struct ask *ask);

#endif
