/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/slice.h"
#include "net/cidr.h"
#include "net/dns_msg.h"

enum { HEADER = 12, ANSWER_MAX = 1024 };

static const uint16_t id = 0x1234;

/* A question and bytes that may be its answer. */
struct talk {
	struct dns_msg_question question;
	char answer[ANSWER_MAX];
	size_t len;
	struct cidr_list list;
};

static bool
ask(struct dns_msg_question *out, const char *name, const char *domain)
{
	return dns_msg_ask(out, id, DNS_MSG_A, slice_of(name),
	    slice_of(domain));
}

/* Begin an answer without records. */
static void
begin(struct talk *talk, unsigned char type)
{
	*talk = (struct talk){ .len = 0 };
	assert_true(dns_msg_ask(&talk->question, id, type, slice_of("a.bc"),
	    slice_of("")));
	talk->len = talk->question.len;
	memcpy(talk->answer, talk->question.bytes, talk->len);
	talk->answer[2] = (char)0x81;
	talk->answer[3] = (char)0x80;
}

static void
add(struct talk *talk, const char *bytes, size_t len)
{
	assert_true(len <= ANSWER_MAX - talk->len);
	memcpy(&talk->answer[talk->len], bytes, len);
	talk->len += len;
}

/* Add a record of the name that was asked for. */
static void
add_record(struct talk *talk, char type, char class, const char *data, char len)
{
	const char head[] = { (char)0xc0, HEADER, 0, type, 0, class, 0, 0, 0, 9,
		0, len };

	add(talk, head, sizeof head);
	add(talk, data, (size_t)len);
	talk->answer[7]++;
}

static enum dns_msg_what
hear(struct talk *talk)
{
	return dns_msg_read(slice_make(talk->answer, talk->len),
	    &talk->question, &talk->list);
}

static void
test_question(void **state)
{
	static const char expected[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0"
	                               "\1a\2bc\3org\0\0\1\0\1";
	static const struct {
		const char *name;
		const char *domain;
	} same[] = {
		{ "a.bc.org", "" },
		{ "a.bc.org.", "" },
		{ "a", "bc.org" },
		{ "a.bc", "org." },
	};
	struct dns_msg_question question;

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		assert_true(ask(&question, same[i].name, same[i].domain));
		assert_int_equal(question.len, sizeof expected - 1);
		assert_memory_equal(question.bytes, expected, question.len);
	}
	assert_true(dns_msg_ask(&question, id, DNS_MSG_AAAA, slice_of("a"),
	    slice_of("")));
	assert_int_equal(question.bytes[question.len - 3], 28);
}

static void
test_no_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".a", "a..b", "a.." };
	struct dns_msg_question question;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (ask(&question, bad[i], ""))
			fail_msg("\"%s\" is no name", bad[i]);
		/* An empty domain is none. */
		if (bad[i][0] != '\0' && ask(&question, "a", bad[i]))
			fail_msg("\"%s\" is no domain", bad[i]);
	}
}

static void
test_lengths(void **state)
{
	struct dns_msg_question question;
	char name[300];

	(void)state;
	memset(name, 'a', sizeof name);
	for (size_t i = 63; i < sizeof name; i += 64)
		name[i] = '.';
	for (size_t len = 1; len < sizeof name; len++) {
		struct slice text = slice_make(name, len);
		bool good =
		    dns_msg_ask(&question, id, DNS_MSG_A, text, slice_of(""));

		assert_int_equal(good, len <= 253);
		assert_true(!good || question.len <= sizeof question.bytes);
		good =
		    dns_msg_ask(&question, id, DNS_MSG_A, slice_of("b"), text);
		assert_int_equal(good, len <= 251);
	}
	memset(name, 'a', 64);
	assert_false(dns_msg_ask(&question, id, DNS_MSG_A, slice_make(name, 64),
	    slice_of("")));
}

static void
test_addresses(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, DNS_MSG_A);
	add_record(&talk, 5, 1, "\1c\0", 3);
	add_record(&talk, DNS_MSG_A, 1, "\12\0\0\3", 4);
	add_record(&talk, DNS_MSG_AAAA, 1, "0123456789abcdef", 16);
	add_record(&talk, DNS_MSG_A, 3, "\12\0\0\4", 4);
	add_record(&talk, DNS_MSG_A, 1, "\12\0\0\5\6", 5);
	add_record(&talk, DNS_MSG_A, 1, "\12\0\0\6", 4);
	assert_int_equal(hear(&talk), DNS_MSG_GOOD);
	assert_int_equal(talk.list.count, 2);
	assert_int_equal(talk.list.at[0].size, 4);
	assert_memory_equal(talk.list.at[0].bytes, "\12\0\0\3", 4);
	assert_memory_equal(talk.list.at[1].bytes, "\12\0\0\6", 4);
	begin(&talk, DNS_MSG_AAAA);
	add_record(&talk, DNS_MSG_AAAA, 1, "0123456789abcdef", 16);
	assert_int_equal(hear(&talk), DNS_MSG_GOOD);
	assert_int_equal(talk.list.count, 1);
	assert_int_equal(talk.list.at[0].size, 16);
	assert_memory_equal(talk.list.at[0].bytes, "0123456789abcdef", 16);
}

static void
test_no_addresses(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, DNS_MSG_A);
	assert_int_equal(hear(&talk), DNS_MSG_GOOD);
	for (unsigned char code = 1; code < 16; code++) {
		begin(&talk, DNS_MSG_A);
		add_record(&talk, DNS_MSG_A, 1, "\12\0\0\3", 4);
		talk.answer[3] = (char)(0x80 | code);
		assert_int_equal(hear(&talk),
		    code == 3 ? DNS_MSG_NO_NAME : DNS_MSG_FAILED);
		assert_int_equal(talk.list.count, 0);
	}
}

/* One answer cannot fill the list. */
static void
test_too_many(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, DNS_MSG_A);
	for (char i = 0; i < 40; i++)
		add_record(&talk, DNS_MSG_A, 1, "\12\0\0\3", 4);
	assert_int_equal(hear(&talk), DNS_MSG_GOOD);
	assert_int_equal(talk.list.count, DNS_MSG_ADDRESSES_MAX);
	assert_int_equal(hear(&talk), DNS_MSG_GOOD);
	assert_int_equal(hear(&talk), DNS_MSG_GOOD);
	assert_int_equal(talk.list.count, CIDR_LIST_MAX);
}

/* Any other byte in what is compared makes it another's answer. */
static void
test_foreign(void **state)
{
	static const size_t compared[] = { 0, 1, 4, 5, 12, 13, 14, 15, 16, 17,
		18, 19, 20, 21 };
	struct talk talk;

	(void)state;
	for (size_t i = 0; i < sizeof compared / sizeof compared[0]; i++) {
		begin(&talk, DNS_MSG_A);
		talk.answer[compared[i]] ^= 2;
		assert_int_equal(hear(&talk), DNS_MSG_FOREIGN);
	}
	begin(&talk, DNS_MSG_A);
	assert_int_equal(talk.len, 22);
	/* A query, and an answer to something else than a query. */
	talk.answer[2] = 1;
	assert_int_equal(hear(&talk), DNS_MSG_FOREIGN);
	talk.answer[2] = (char)0x89;
	assert_int_equal(hear(&talk), DNS_MSG_FOREIGN);
	begin(&talk, DNS_MSG_A);
	talk.answer[HEADER + 1] = 'A';
	assert_int_equal(hear(&talk), DNS_MSG_GOOD);
	while (talk.len-- > 0)
		assert_int_equal(hear(&talk), DNS_MSG_FOREIGN);
}

/* Every cut through a good answer, as a copy of exactly that size. */
static void
test_answer_cut_anywhere_is_no_answer(void **state)
{
	struct talk talk;
	size_t question, whole;

	(void)state;
	begin(&talk, DNS_MSG_A);
	question = talk.len;
	add_record(&talk, DNS_MSG_A, 1, "\12\0\0\3", 4);
	whole = talk.len;
	add_record(&talk, DNS_MSG_A, 1, "\12\0\0\4", 4);
	for (size_t len = question; len < talk.len; len++) {
		struct cidr_list list = { .count = 0 };
		char *copy = slice_dup(slice_make(talk.answer, len));

		assert_non_null(copy);
		assert_int_equal(dns_msg_read(slice_make(copy, len),
		                     &talk.question, &list),
		    DNS_MSG_FAILED);
		assert_int_equal(list.count, 0);
		/* With the mark of truncation what is there counts. */
		copy[2] |= 2;
		assert_int_equal(dns_msg_read(slice_make(copy, len),
		                     &talk.question, &list),
		    DNS_MSG_CUT);
		assert_int_equal(list.count, len >= whole);
		slice_drop(&copy);
	}
}

static void
test_names_of_records(void **state)
{
	static const char record[] = "\0\1\0\1\0\0\0\0\0\4\12\0\0\3";
	static const struct {
		const char *name;
		size_t len;
		enum dns_msg_what what;
	} names[] = {
		{ "", 1, DNS_MSG_GOOD }, { "\1x\2yz", 6, DNS_MSG_GOOD },
		{ "\1x\xc0\x0c", 4, DNS_MSG_GOOD },
		{ "\xff\xff", 2, DNS_MSG_GOOD }, /* nobody follows it */
		{ "\xc0\x16", 2, DNS_MSG_GOOD }, /* to itself */
		{ "\x40", 1, DNS_MSG_FAILED },   /* reserved */
		{ "\xbfxyz", 4, DNS_MSG_FAILED },
		{ "\x3f", 1, DNS_MSG_FAILED }, /* longer than the rest */
	};
	struct talk talk;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		begin(&talk, DNS_MSG_A);
		add(&talk, names[i].name, names[i].len);
		add(&talk, record, sizeof record - 1);
		talk.answer[7] = 1;
		if (hear(&talk) != names[i].what)
			fail_msg("name %zu", i);
		assert_int_equal(talk.list.count,
		    names[i].what == DNS_MSG_GOOD);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_answer_cut_anywhere_is_no_answer),
		cmocka_unit_test(test_names_of_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
