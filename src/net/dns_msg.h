/* SPDX-License-Identifier: MIT */
#ifndef NET_DNS_MSG_H
#define NET_DNS_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct cidr_list;

/* Messages of DNS (RFC 1035, 4; AAAA: RFC 3596); pure. */

enum { DNS_MSG_A = 1, DNS_MSG_AAAA = 28 };

/* At most so many addresses are taken from one answer. */
enum { DNS_MSG_ADDRESSES_MAX = 16 };

/* A question as it is sent over UDP. */
enum { DNS_MSG_SIZE = 12 + 256 + 4 };

struct dns_msg_question {
	size_t len;
	char bytes[DNS_MSG_SIZE];
};

/*
 * Ask for the addresses of a name in a domain, or of the name alone if the
 * domain is empty; a dot may be at the end of both.  False when this is no
 * name: a label has 1 to 63 bytes, all of it at most 253.
 */
bool dns_msg_ask(struct dns_msg_question *out, uint16_t id, unsigned char type,
    struct slice name, struct slice domain);

enum dns_msg_what {
	DNS_MSG_FOREIGN, /* no answer to this question */
	DNS_MSG_FAILED,  /* the server cannot tell, or the answer is broken */
	DNS_MSG_CUT,     /* it has to be asked again over TCP */
	DNS_MSG_GOOD,    /* there is such a name */
	DNS_MSG_NO_NAME, /* there is no such name */
};

/*
 * Read what may be the answer to a question.  The addresses in its answer
 * section are added to out (DNS_MSG_CUT and DNS_MSG_GOOD); as those of an
 * alias stand behind it, names in there do not matter and no compressed name
 * is followed.
 */
enum dns_msg_what dns_msg_read(struct slice answer,
    const struct dns_msg_question *question, struct cidr_list *out);

#endif
