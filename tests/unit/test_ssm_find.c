/* SPDX-License-Identifier: MIT */
/* Listings of activations and nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "net/http.h"
#include "ssm/ssm.h"
#include "unit/account.h"

enum { FOUND_MAX = 8 };

static struct account a;
static struct {
	char id[FOUND_MAX][SSM_NODE_SIZE];
	size_t count;
	size_t stop_at; /* fail at this one, from 1; 0 = never */
} got;

static int
found(void *context, const char *id, const struct json *item, struct err *err)
{
	assert_ptr_equal(context, &got);
	assert_non_null(json_first(item));
	assert_true(got.count < FOUND_MAX);
	snprintf(got.id[got.count++], SSM_NODE_SIZE, "%s", id);
	if (got.count == got.stop_at)
		return err_set(err, ERR_KIND_SYSTEM, "enough");
	return 0;
}

static const struct ssm_sink sink = { &got, found };

static int
make(void **state)
{
	(void)state;
	account_make(&a);
	memset(&got, 0, sizeof got);
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	return account_free(&a) ? 0 : -1;
}

#define FILTER                                            \
	"{\"MaxResults\":50,\"Filters\":[{\"FilterKey\":" \
	"\"IamRole\",\"FilterValues\":[\"r\"]}]"
#define ASKS(more) ACCOUNT_ASKS("DescribeActivations", FILTER more "}")
#define ITEM(id, text) \
	"{\"ActivationId\":\"" id "\",\"Description\":\"" text "\"}"

static int
find(const struct world_step *steps, size_t count)
{
	int rc;

	account_expect(&a, steps, count);
	rc = ssm_find_activations(&a.ssm, "r", "[mark]", &sink, &a.err);
	account_done(&a);
	return rc;
}

static void
test_only_those_with_the_text(void **state)
{
	static const struct world_step steps[] = { { ASKS(""),
	    ACCOUNT_SAYS("{\"ActivationList\":[" ITEM(ACCOUNT_ID_A,
		"web [mark]") "," ITEM(ACCOUNT_ID_B,
		"web [other]") "," ITEM("odd id",
		"[mark]") ","
		          "{\"ActivationId\":\"" ACCOUNT_ID_C "\"},"
		          "{\"Description\":\"[mark]\"},7,null," ITEM(
		              ACCOUNT_ID_C, "[mark] more") "]}") } };

	(void)state;
	assert_int_equal(find(WORLD_STEPS(steps)), 0);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.id[0], ACCOUNT_ID_A);
	assert_string_equal(got.id[1], ACCOUNT_ID_C);
}

static void
test_all_pages(void **state)
{
	static const struct world_step steps[] = {
		{ ASKS(""),
		    ACCOUNT_SAYS("{\"ActivationList\":[" ITEM(ACCOUNT_ID_A,
		        "[mark]") "],\"NextToken\":\"to\\\"ken\"}") },
		/* A page may be empty and still not the last one. */
		{ ASKS(",\"NextToken\":\"to\\\"ken\""),
		    ACCOUNT_SAYS("{\"NextToken\":\"2\"}") },
		{ ASKS(",\"NextToken\":\"2\""),
		    ACCOUNT_SAYS("{\"ActivationList\":[" ITEM(ACCOUNT_ID_B,
		        "[mark]") "],\"NextToken\":\"\"}") },
	};

	(void)state;
	assert_int_equal(find(WORLD_STEPS(steps)), 0);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.id[1], ACCOUNT_ID_B);
}

static void
test_stops_at_a_failure(void **state)
{
	static const struct world_step one[] = { { ASKS(""),
	    ACCOUNT_SAYS("{\"ActivationList\":[" ITEM(ACCOUNT_ID_A,
		"[mark]") "," ITEM(ACCOUNT_ID_B,
		"[mark]") "],\"NextToken\":\"n\"}") } };
	static const struct world_step refused[] = { { ASKS(""),
	    ACCOUNT_REFUSES("AccessDeniedException", "no") } };
	static const struct world_step odd[] = { { ASKS(""),
	    ACCOUNT_SAYS("[1]") } };
	static const struct world_step again[] = {
		{ ASKS(""), ACCOUNT_SAYS("{\"NextToken\":\"n\"}") },
		{ ASKS(",\"NextToken\":\"n\""),
		    ACCOUNT_SAYS("{\"NextToken\":\"n\"}") },
	};

	(void)state;
	got.stop_at = 1;
	assert_int_equal(find(WORLD_STEPS(one)), -1);
	assert_int_equal(a.err.kind, ERR_KIND_SYSTEM);
	assert_int_equal(got.count, 1);
	assert_int_equal(find(WORLD_STEPS(refused)), -1);
	assert_string_equal(a.err.peer_code, "AccessDeniedException");
	assert_int_equal(find(WORLD_STEPS(odd)), -1);
	assert_int_equal(a.err.kind, ERR_KIND_PARSE);
	assert_int_equal(find(WORLD_STEPS(again)), -1);
	assert_int_equal(a.err.kind, ERR_KIND_PARSE);
}

static int pages;

/* A network in which every page has another one after it. */
static int
endless(void *context, const struct http_request *request,
    struct http_msg *answer, struct err *err)
{
	struct buf text = { 0 };
	char body[64];
	size_t used = 0;
	int rc, len;

	(void)context;
	assert_true(++pages < 100000);
	len = snprintf(body, sizeof body, "{\"NextToken\":\"%d\"}", pages);
	buf_printf(&text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
	    len, body);
	http_msg_init(answer, request->body_max, false);
	rc = http_msg_feed(answer, buf_str(&text), text.len, &used, err);
	buf_free(&text);
	return rc;
}

/* It must end, and what was not seen must not count as not there. */
static void
test_endless_listing(void **state)
{
	(void)state;
	pages = 0;
	client_api(a.client)->transport =
	    (struct transport){ .roundtrip = endless };
	assert_int_equal(ssm_find_activations(&a.ssm, "r", "x", &sink, &a.err),
	    -1);
	assert_int_not_equal(a.err.kind, ERR_KIND_NONE);
}

static void
test_nodes_of_an_activation(void **state)
{
	static const struct world_step steps[] = {
		{ ACCOUNT_ASKS("DescribeInstanceInformation",
		      "{\"MaxResults\":50,\"Filters\":[{\"Key\":"
		      "\"ActivationIds\",\"Values\":["
		      "\"" ACCOUNT_ID_A "\"]}]}"),
		    ACCOUNT_SAYS("{\"InstanceInformationList\":["
		                 "{\"InstanceId\":\"i-0123456789abcdef0\"},"
		                 "{\"InstanceId\":\"mi-x\"},{},"
		                 "{\"InstanceId\":\"" ACCOUNT_NODE "\"}]}") },
	};

	(void)state;
	account_expect(&a, WORLD_STEPS(steps));
	assert_int_equal(ssm_find_nodes(&a.ssm, "ActivationIds", ACCOUNT_ID_A,
	                     &sink, &a.err),
	    0);
	assert_int_equal(got.count, 1);
	assert_string_equal(got.id[0], ACCOUNT_NODE);
}

static void
test_of_any_role(void **state)
{
	static const struct world_step steps[] = {
		{ ACCOUNT_ASKS("DescribeActivations", "{\"MaxResults\":50}"),
		    ACCOUNT_SAYS("{\"ActivationList\":[" ITEM(ACCOUNT_ID_A,
		        "[mark]") "]}") },
	};

	(void)state;
	account_expect(&a, WORLD_STEPS(steps));
	assert_int_equal(ssm_find_activations(&a.ssm, NULL, "[mark]", &sink,
	                     &a.err),
	    0);
	assert_int_equal(got.count, 1);
}

#define ACCOUNT_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNT_TEST(test_only_those_with_the_text),
		ACCOUNT_TEST(test_all_pages),
		ACCOUNT_TEST(test_stops_at_a_failure),
		ACCOUNT_TEST(test_endless_listing),
		ACCOUNT_TEST(test_nodes_of_an_activation),
		ACCOUNT_TEST(test_of_any_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
