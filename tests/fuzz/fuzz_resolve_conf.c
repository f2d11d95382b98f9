/* SPDX-License-Identifier: MIT */
/*
 * The input as resolv.conf and as hosts, and each of its words as the name
 * that is looked for, and as one that is asked for.
 */
#include <stdint.h>

#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "net/cidr.h"
#include "net/dns_msg.h"
#include "net/resolve_conf.h"

/* Each word is looked for in the whole text. */
enum { INPUT_MAX = 2048, WORDS_MAX = 16, ID = 0x0102 };

static void
check_hosts(struct slice text, struct slice name)
{
	struct cidr_list list = { .count = 0 };

	resolve_conf_hosts(text, name, &list);
	require(list.count <= CIDR_LIST_MAX);
	for (size_t i = 0; i < list.count; i++)
		require(list.at[i].size == 4 || list.at[i].size == 16);
}

static void
check_question(struct slice name, struct slice domain)
{
	struct dns_msg_question question;

	if (!dns_msg_ask(&question, ID, DNS_MSG_A, name, domain))
		return;
	require(question.len <= sizeof question.bytes);
	require(name.len <= 254 && name.len + domain.len <= 255);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct slice rest = text, word;
	struct resolve_conf conf;

	if (size > INPUT_MAX)
		return 0;
	resolve_conf_read(&conf, text);
	require(conf.count >= 1 && conf.count <= RESOLVE_CONF_SERVERS);
	require(conf.ndots <= 15 && conf.timeout >= 1 && conf.timeout <= 30);
	require(conf.attempts >= 1 && conf.attempts <= 5);
	for (size_t i = 0; i < WORDS_MAX && resolve_conf_word(&rest, &word);
	     i++) {
		check_hosts(text, word);
		resolve_conf_zone(text, word);
		check_question(word, conf.search);
		check_question(word, slice_of(""));
	}
	return 0;
}
