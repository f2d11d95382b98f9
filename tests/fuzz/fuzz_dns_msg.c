/* SPDX-License-Identifier: MIT */
/*
 * The input is an answer, but for the question and its id, which are put in
 * where the input is long enough.  Whatever comes out is within the limits,
 * and only what was asked for.
 */
#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "net/cidr.h"
#include "net/dns_msg.h"

enum { ID = 0x0102 };

static void
check(const char *answer, size_t size, unsigned char type)
{
	struct dns_msg_question question;
	struct cidr_list list = { .count = 0 };
	char *copy = slice_dup(slice_make(answer, size));
	enum dns_msg_what what;
	size_t asked;

	require(copy != NULL);
	require(dns_msg_ask(&question, ID, type, slice_of("a.example"),
	    slice_of("")));
	asked = question.len;
	if (size >= asked) {
		memcpy(copy, question.bytes, 2);
		memcpy(&copy[4], &question.bytes[4], 2);
		memcpy(&copy[12], &question.bytes[12], asked - 12);
	}
	what = dns_msg_read(slice_make(copy, size), &question, &list);
	require(list.count <= DNS_MSG_ADDRESSES_MAX);
	require(list.count == 0 || what == DNS_MSG_GOOD || what == DNS_MSG_CUT);
	for (size_t i = 0; i < list.count; i++)
		require(list.at[i].size == (type == DNS_MSG_A ? 4 : 16));
	slice_drop(&copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check((const char *)data, size, DNS_MSG_A);
	check((const char *)data, size, DNS_MSG_AAAA);
	return 0;
}
