/* SPDX-License-Identifier: MIT */
/* The operations: what is sent, what is taken from the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/cred/cred.h"
#include "base/clock.h"
#include "base/rsa.h"
#include "ssm/ssm.h"
#include "unit/account.h"

#define CODE "abcdefghijklmnopqrst"
#define MADE                                                         \
	"{\"ActivationId\":\"" ACCOUNT_ID_A "\",\"ActivationCode\":" \
	"\"" CODE "\"}"

static struct account a;
static struct ssm_activation made;
static bool ambiguous;

static int
make(void **state)
{
	(void)state;
	account_make(&a);
	made = (struct ssm_activation){ .id = "before" };
	ambiguous = false;
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	return account_free(&a) ? 0 : -1;
}

static int
create(const struct ssm_activation_in *in, const struct world_step *step)
{
	int rc;

	account_expect(&a, step, 1);
	rc = ssm_create_activation(&a.ssm, in, &made, &ambiguous, &a.err);
	account_done(&a);
	return rc;
}

static const struct ssm_activation_in bare = { .role = "path/Role",
	.expires = 1700000000 };

static void
test_create_with_the_least(void **state)
{
	static const struct world_step step = {
		ACCOUNT_ASKS("CreateActivation", "{\"IamRole\":\"path/Role\","
		                                 "\"RegistrationLimit\":1,"
		                                 "\"ExpirationDate\":"
		                                 "1700000000}"),
		ACCOUNT_SAYS(MADE)
	};

	(void)state;
	assert_int_equal(create(&bare, &step), 0);
	assert_string_equal(made.id, ACCOUNT_ID_A);
	assert_string_equal(made.code, CODE);
	assert_false(ambiguous);
}

static void
test_create_with_everything(void **state)
{
	static const struct ssm_tag tags[] = { { "a", "1" }, { "b\"", "\n" } };
	static const struct ssm_activation_in in = {
		.role = "Role",
		.name = "web/app \xc3\xa9",
		.description = "say \"hi\"",
		.expires = 1,
		.tags = tags,
		.tag_count = 2,
	};
	static const struct world_step step = {
		ACCOUNT_ASKS("CreateActivation",
		    "{\"IamRole\":\"Role\",\"DefaultInstanceName\":\"web/app "
		    "\xc3\xa9\",\"Description\":\"say \\\"hi\\\"\","
		    "\"RegistrationLimit\":1,\"ExpirationDate\":1,\"Tags\":["
		    "{\"Key\":\"a\",\"Value\":\"1\"},"
		    "{\"Key\":\"b\\\"\",\"Value\":\"\\n\"}]}"),
		ACCOUNT_SAYS(MADE)
	};

	(void)state;
	assert_int_equal(create(&in, &step), 0);
}

/* It was carried out, but what was made is not known. */
static void
odd_answer(const char *body)
{
	struct world_step step = {
		.start = ACCOUNT_URL, .status = 200, .body = body
	};

	ambiguous = false;
	assert_int_equal(create(&bare, &step), -1);
	assert_int_equal(a.err.kind, ERR_KIND_PARSE);
	assert_true(ambiguous);
	assert_string_equal(made.id, "before");
	assert_null(strstr(a.err.msg, CODE));
}

static void
test_create_with_odd_answers(void **state)
{
	char body[512], code[SSM_CODE_SIZE + 1];

	(void)state;
	odd_answer("{}");
	odd_answer("[]");
	odd_answer("{\"ActivationId\":\"" ACCOUNT_ID_A "\"}");
	odd_answer("{\"ActivationCode\":\"" CODE "\"}");
	odd_answer("{\"ActivationId\":\"\",\"ActivationCode\":\"" CODE "\"}");
	odd_answer("{\"ActivationId\":\"no-uuid\",\"ActivationCode\":\"" CODE
	           "\"}");
	odd_answer("{\"ActivationId\":\"" ACCOUNT_ID_A
	           "\",\"ActivationCode\":20}");
	memset(code, 'c', sizeof code);
	code[SSM_CODE_SIZE] = '\0';
	snprintf(body, sizeof body,
	    "{\"ActivationId\":\"%s\",\"ActivationCode\":\"%s\"}", ACCOUNT_ID_A,
	    code);
	odd_answer(body);
}

static void
test_longest_code(void **state)
{
	char body[512], code[SSM_CODE_SIZE];
	struct world_step step = {
		.start = ACCOUNT_URL, .status = 200, .body = body
	};

	(void)state;
	memset(code, 'c', sizeof code);
	code[SSM_CODE_SIZE - 1] = '\0';
	snprintf(body, sizeof body,
	    "{\"ActivationId\":\"%s\",\"ActivationCode\":\"%s\"}", ACCOUNT_ID_A,
	    code);
	assert_int_equal(create(&bare, &step), 0);
	assert_string_equal(made.code, code);
}

static void
test_create_refused(void **state)
{
	static const struct world_step refused = { .start = ACCOUNT_URL,
		ACCOUNT_REFUSES("AccessDeniedException", "no") };
	static const struct world_step lost = { .start = ACCOUNT_URL,
		.fault = WORLD_CLOSED };
	static const struct world_step unsent = { .start = ACCOUNT_URL,
		.fault = WORLD_REFUSED };

	(void)state;
	assert_int_equal(create(&bare, &refused), -1);
	assert_int_equal(a.err.kind, ERR_KIND_API);
	assert_string_equal(a.err.peer_code, "AccessDeniedException");
	assert_false(ambiguous);
	assert_int_equal(create(&bare, &unsent), -1);
	assert_false(ambiguous);
	assert_int_equal(create(&bare, &lost), -1);
	assert_int_equal(a.err.kind, ERR_KIND_CONNECTION);
	assert_true(ambiguous);
	assert_string_equal(made.id, "before");
}

#define DELETES                          \
	ACCOUNT_ASKS("DeleteActivation", \
	    "{\"ActivationId\":\"" ACCOUNT_ID_A "\"}")
#define DEREGISTERS                               \
	ACCOUNT_ASKS("DeregisterManagedInstance", \
	    "{\"InstanceId\":\"" ACCOUNT_NODE "\"}")

static void
test_delete(void **state)
{
	static const struct world_step steps[] = {
		{ DELETES, ACCOUNT_SAYS("{}") },
		{ DELETES, ACCOUNT_REFUSES("InvalidActivation", "gone") },
		{ DELETES, ACCOUNT_REFUSES("InvalidActivationId", "gone") },
		{ DELETES, ACCOUNT_REFUSES("AccessDeniedException", "no") },
	};

	(void)state;
	account_expect(&a, WORLD_STEPS(steps));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ssm_delete_activation(&a.ssm, ACCOUNT_ID_A,
		                     &a.err),
		    0);
		assert_int_equal(a.err.kind, ERR_KIND_NONE);
	}
	assert_int_equal(ssm_delete_activation(&a.ssm, ACCOUNT_ID_A, &a.err),
	    -1);
	assert_string_equal(a.err.peer_code, "AccessDeniedException");
}

static void
test_deregister(void **state)
{
	static const struct world_step steps[] = {
		{ DEREGISTERS, ACCOUNT_SAYS("{}") },
		{ DEREGISTERS, ACCOUNT_REFUSES("InvalidInstanceId", "gone") },
		{ DEREGISTERS, ACCOUNT_REFUSES("InvalidActivation", "odd") },
		{ DEREGISTERS, .fault = WORLD_CLOSED },
	};

	(void)state;
	account_expect(&a, WORLD_STEPS(steps));
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), 0);
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), 0);
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), -1);
	assert_string_equal(a.err.peer_code, "InvalidActivation");
	err_clear(&a.err);
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), -1);
	assert_int_equal(a.err.kind, ERR_KIND_CONNECTION);
}

#define THROTTLED ACCOUNT_REFUSES("ThrottlingException", "Rate exceeded")

/* With patience it goes on, up to the deadline or the end of patience, which
 * begins anew with each answer. */
static void
test_patience(void **state)
{
	static const struct world_step through[] = {
		{ DEREGISTERS, THROTTLED },
		{ DEREGISTERS, THROTTLED },
		{ DEREGISTERS, ACCOUNT_SAYS("{}") },
	};
	static const struct world_step once[] = { { DEREGISTERS, THROTTLED } };
	static const struct world_step refused[] = { { DEREGISTERS,
	    ACCOUNT_REFUSES("AccessDeniedException", "no") } };
	struct ssm_pace pace = { .until = clock_in(SSM_PATIENCE_MS) };

	(void)state;
	pace.pause_ms = 5;
	a.ssm.pace = &pace;
	account_expect(&a, WORLD_STEPS(through));
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), 0);
	assert_int_equal(a.err.kind, ERR_KIND_NONE);
	account_done(&a);
	assert_true(pace.pause_ms > 20);

	pace = (struct ssm_pace){ .until = clock_ms(), .pause_ms = 5 };
	account_expect(&a, WORLD_STEPS(once));
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), -1);
	assert_string_equal(a.err.peer_code, "ThrottlingException");
	assert_true(pace.until <= clock_ms());

	account_expect(&a, WORLD_STEPS(refused));
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), -1);
	assert_string_equal(a.err.peer_code, "AccessDeniedException");
	assert_true(pace.until > clock_ms() + SSM_PATIENCE_MS / 2);

	a.ssm.deadline = clock_in(pace.pause_ms - 1);
	account_expect(&a, WORLD_STEPS(once));
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), -1);
	assert_string_equal(a.err.peer_code, "ThrottlingException");

	a.ssm.pace = NULL;
	account_expect(&a, WORLD_STEPS(once));
	assert_int_equal(ssm_deregister(&a.ssm, ACCOUNT_NODE, &a.err), -1);
}

static int
do_register(const struct world_step *step, char node[static SSM_NODE_SIZE])
{
	static const struct ssm_activation activation = { ACCOUNT_ID_A, CODE };
	static const struct ssm_register_in in = { &activation, ACCOUNT_ID_B,
		"PUB+/=" };
	int rc;

	account_expect(&a, step, 1);
	rc = ssm_register(&a.ssm, &in, node, &ambiguous, &a.err);
	account_done(&a);
	return rc;
}

static void
test_register(void **state)
{
	static const struct world_step step = {
		ACCOUNT_ASKS("RegisterManagedInstance",
		    "{\"ActivationCode\":\"" CODE
		    "\",\"ActivationId\":\"" ACCOUNT_ID_A
		    "\",\"Fingerprint\":\"" ACCOUNT_ID_B
		    "\",\"PublicKey\":\"PUB+/=\",\"PublicKeyType\":\"Rsa\"}"),
		.lacks = { "Authorization", ACCOUNT_KEY },
		ACCOUNT_SAYS("{\"InstanceId\":\"" ACCOUNT_NODE "\"}"),
	};
	char node[SSM_NODE_SIZE] = "before";

	(void)state;
	assert_int_equal(do_register(&step, node), 0);
	assert_string_equal(node, ACCOUNT_NODE);
	assert_false(ambiguous);
}

static void
test_register_refused(void **state)
{
	static const struct world_step refused = { .start = ACCOUNT_URL,
		ACCOUNT_REFUSES("InvalidActivation", "bad code " CODE " !") };
	static const struct world_step lost = { .start = ACCOUNT_URL,
		.fault = WORLD_CLOSED };
	char node[SSM_NODE_SIZE] = "before";

	(void)state;
	assert_int_equal(do_register(&refused, node), -1);
	assert_string_equal(a.err.peer_code, "InvalidActivation");
	assert_null(strstr(a.err.msg, CODE));
	assert_null(strstr(a.err.peer_text, CODE));
	assert_false(ambiguous);
	assert_int_equal(do_register(&lost, node), -1);
	assert_true(ambiguous);
	assert_string_equal(node, "before");
}

/* AWS said yes: there is a node, whatever the answer looks like. */
static void
test_register_with_odd_answers(void **state)
{
	static const char *const bodies[] = { "{}", "[]",
		"{\"InstanceId\":\"\"}", "{\"InstanceId\":\"i-0123456789\"}",
		"{\"InstanceId\":\"mi-0123456789ABCDEF0\"}",
		"{\"InstanceId\":\"mi-0123456789abcdef0/../x\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct world_step step = {
			.start = ACCOUNT_URL, .status = 200, .body = bodies[i]
		};
		char node[SSM_NODE_SIZE] = "before";

		ambiguous = false;
		assert_int_equal(do_register(&step, node), -1);
		assert_int_equal(a.err.kind, ERR_KIND_PARSE);
		assert_string_equal(node, "before");
		assert_true(ambiguous);
	}
}

/* One key for all tests: making it takes its time. */
static struct rsa_key *key;

static int
role_token(const char *body, struct cred *out)
{
	const struct ssm_node node = {
		.id = ACCOUNT_NODE, .fingerprint = ACCOUNT_ID_B, .key = key
	};
	struct world_step step = {
		ACCOUNT_ASKS("RequestManagedInstanceRoleToken",
		    "{\"Fingerprint\":\"" ACCOUNT_ID_B "\"}"),
		.lacks = { ACCOUNT_KEY, "X-Amz-Security-Token" },
		.status = 200,
		.body = body,
	};
	int rc;

	step.has[2] = "Authorization: ";
	step.has[3] = "Credential=" ACCOUNT_NODE "/";
	account_expect(&a, &step, 1);
	rc = ssm_role_token(&a.ssm, &node, out, NULL, &a.err);
	account_done(&a);
	return rc;
}

static void
test_role_token(void **state)
{
	struct cred cred = { .access_key = strdup("old") };

	(void)state;
	assert_int_equal(
	    role_token("{\"AccessKeyId\":\"ASIAX\",\"SecretAccessKey\":\"s\","
	               "\"SessionToken\":\"t\",\"TokenExpirationDate\":"
	               "1.7000000005E9}",
	        &cred),
	    0);
	assert_string_equal(cred.access_key, "ASIAX");
	assert_string_equal(cred.secret_key, "s");
	assert_string_equal(cred.token, "t");
	assert_int_equal(cred.expires, 1700000000);
	assert_non_null(cred.method);
	assert_int_equal(
	    role_token("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}",
	        &cred),
	    -1);
	assert_int_equal(a.err.kind, ERR_KIND_PARSE);
	assert_string_equal(cred.access_key, "ASIAX");
	assert_int_equal(
	    role_token("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
	               "\"SessionToken\":\"t\",\"TokenExpirationDate\":\"x\"}",
	        &cred),
	    -1);
	assert_int_equal(role_token("nonsense", &cred), -1);
	assert_string_equal(cred.access_key, "ASIAX");
	cred_value_free(&cred);
}

static int
get_parameter(const char *body, struct ssm_parameter *out)
{
	struct world_step step = {
		ACCOUNT_ASKS("GetParameter", "{\"Name\":\"/x\"}"),
		.status = 200,
		.body = body,
	};
	int rc;

	account_expect(&a, &step, 1);
	rc = ssm_get_parameter(&a.ssm, "/x", out, &a.err);
	account_done(&a);
	return rc;
}

static void
test_parameter(void **state)
{
	static const char *const bodies[] = { "{}", "{\"Parameter\":{}}",
		"{\"Parameter\":{\"Value\":\"on\",\"Version\":0,"
		"\"LastModifiedDate\":1}}",
		"{\"Parameter\":{\"Value\":\"on\",\"Version\":1e300,"
		"\"LastModifiedDate\":1}}",
		"{\"Parameter\":{\"Value\":\"on\",\"Version\":1,"
		"\"LastModifiedDate\":-1}}",
		"{\"Parameter\":{\"Value\":1,\"Version\":1,"
		"\"LastModifiedDate\":1}}" };
	struct ssm_parameter got = { .version = 0 };
	char body[5000];

	(void)state;
	assert_int_equal(
	    get_parameter("{\"Parameter\":{\"Name\":\"/x\",\"Value\":\"on\","
	                  "\"Version\":7,\"LastModifiedDate\":"
	                  "1796061600.123}}",
	        &got),
	    0);
	assert_string_equal(got.value, "on");
	assert_int_equal(got.version, 7);
	assert_in_range(got.written, 1796061600122, 1796061600123);
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		assert_int_equal(get_parameter(bodies[i], &got), -1);
		assert_int_equal(a.err.kind, ERR_KIND_PARSE);
		assert_int_equal(got.version, 7);
	}
	/* A long value is none that has a meaning. */
	snprintf(body, sizeof body,
	    "{\"Parameter\":{\"Value\":\"on%04096d\",\"Version\":8,"
	    "\"LastModifiedDate\":1}}",
	    1);
	assert_int_equal(get_parameter(body, &got), 0);
	assert_string_equal(got.value, "");
}

/* With the node's own credentials instead of the client's. */
static void
test_other_credentials(void **state)
{
	const struct cred own = { .access_key = "ASIANODE",
		.secret_key = "s",
		.token = "own-token" };
	struct world_step step = { DEREGISTERS, .lacks = { ACCOUNT_KEY },
		ACCOUNT_SAYS("{}") };
	struct ssm ssm = a.ssm;

	(void)state;
	step.has[2] = "Credential=ASIANODE/";
	step.has[3] = "X-Amz-Security-Token: own-token\n";
	ssm.as = &own;
	account_expect(&a, &step, 1);
	assert_int_equal(ssm_deregister(&ssm, ACCOUNT_NODE, &a.err), 0);
}

static void
test_shapes(void **state)
{
	char node[SSM_NODE_SIZE + 1];

	(void)state;
	assert_true(id_is_uuid(ACCOUNT_ID_A));
	assert_false(id_is_uuid(""));
	assert_false(id_is_uuid(ACCOUNT_ID_A "0"));
	assert_false(id_is_uuid("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f"));
	assert_false(id_is_uuid("0A1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"));
	assert_false(id_is_uuid("0a1b2c3d04e5f-6071-8293-a4b5c6d7e8f9"));
	assert_false(id_is_uuid("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8-9"));
	assert_true(id_is_node(ACCOUNT_NODE));
	assert_false(id_is_node(""));
	assert_false(id_is_node("mi-"));
	assert_false(id_is_node("i-0123456789abcdef0"));
	assert_false(id_is_node("mi-0123456789abcdeg0"));
	assert_false(id_is_node(ACCOUNT_NODE "\n"));
	memset(node, 'a', sizeof node);
	memcpy(node, "mi-", 3);
	node[SSM_NODE_SIZE - 1] = '\0';
	assert_true(id_is_node(node));
	node[SSM_NODE_SIZE - 1] = 'a';
	node[SSM_NODE_SIZE] = '\0';
	assert_false(id_is_node(node));
}

static void
test_wipe(void **state)
{
	static const struct ssm_activation zero;
	struct ssm_activation some = { ACCOUNT_ID_A, CODE };

	(void)state;
	ssm_activation_wipe(&some);
	assert_memory_equal(&some, &zero, sizeof some);
}

static int
make_key(void **state)
{
	(void)state;
	return rsa_make(&key, NULL);
}

static int
free_key(void **state)
{
	(void)state;
	rsa_free(key);
	return 0;
}

#define ACCOUNT_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNT_TEST(test_create_with_the_least),
		ACCOUNT_TEST(test_create_with_everything),
		ACCOUNT_TEST(test_create_with_odd_answers),
		ACCOUNT_TEST(test_longest_code),
		ACCOUNT_TEST(test_create_refused),
		ACCOUNT_TEST(test_delete),
		ACCOUNT_TEST(test_deregister),
		ACCOUNT_TEST(test_patience),
		ACCOUNT_TEST(test_register),
		ACCOUNT_TEST(test_register_refused),
		ACCOUNT_TEST(test_register_with_odd_answers),
		ACCOUNT_TEST(test_role_token),
		ACCOUNT_TEST(test_parameter),
		ACCOUNT_TEST(test_other_credentials),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, make_key, free_key);
}
