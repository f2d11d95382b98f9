/* SPDX-License-Identifier: MIT */
/* Making a node and removing it: order, journal, and what is left of lost
 * answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/conf.h"
#include "aws/cred/cred.h"
#include "base/clock.h"
#include "ssm/register.h"
#include "unit/account.h"

#define CODE "abcdefghijklmnopqrst"
#define MARK "[ssm-activate:" ACCOUNT_ID_C "]"

enum { SHORT_MS = 1000, LOG_MAX = 256, OUT = 7 };

static struct account a;
static struct state state;
static char told[LOG_MAX];      /* the journal, a word a step */
static size_t asked_at_settled; /* requests before the first "settled" */
static const char *refuse_step; /* the journal fails here */
static char handed[SSM_CODE_SIZE];
static bool hand_over_fails, no_key;
static int own_asked;
static const struct cred *own_cred;

static int
make(void **unused)
{
	(void)unused;
	account_make(&a);
	state = (struct state){ .nonce = ACCOUNT_ID_C, .role = "Role" };
	told[0] = '\0';
	asked_at_settled = 0;
	refuse_step = NULL;
	handed[0] = '\0';
	hand_over_fails = no_key = false;
	own_asked = 0;
	own_cred = NULL;
	return 0;
}

static int
clean(void **unused)
{
	(void)unused;
	return account_free(&a) ? 0 : -1;
}

static int
step(int out, enum journal entry, const char *text, struct err *err)
{
	static const char *const words[] = {
		[JOURNAL_ACTIVATION] = "made",
		[JOURNAL_NODE] = "node",
		[JOURNAL_NO_ACTIVATION] = "deleted",
		[JOURNAL_NO_NODE] = "deregistered",
		[JOURNAL_SETTLED] = "settled",
		[JOURNAL_HANDED_OVER] = "handed-over",
	};
	size_t len = strlen(told);

	assert_int_equal(out, OUT);
	if (entry == JOURNAL_ACTIVATION || entry == JOURNAL_NO_ACTIVATION)
		assert_string_equal(text, ACCOUNT_ID_A);
	if (entry == JOURNAL_NODE || entry == JOURNAL_NO_NODE)
		assert_string_equal(text, ACCOUNT_NODE);
	if (entry == JOURNAL_SETTLED && asked_at_settled == 0)
		asked_at_settled = a.world.step;
	snprintf(told + len, sizeof told - len, "%s%s", len > 0 ? " " : "",
	    words[entry]);
	if (refuse_step != NULL && strcmp(refuse_step, words[entry]) == 0)
		return err_set(err, ERR_KIND_SYSTEM, "the keeper is gone");
	return 0;
}

static const struct register_journal journal = { OUT, step };

static int
hand_over(void *context, const struct ssm_activation *activation,
    struct err *err)
{
	assert_ptr_equal(context, &a);
	assert_string_equal(activation->id, ACCOUNT_ID_A);
	if (hand_over_fails)
		return err_set(err, ERR_KIND_SYSTEM, "no pipe");
	snprintf(handed, sizeof handed, "%s", activation->code);
	return 0;
}

static const char *
public_key(void *context, struct err *err)
{
	assert_ptr_equal(context, &a);
	if (!no_key)
		return "PUBLIC";
	err_set(err, ERR_KIND_SYSTEM, "no key");
	return NULL;
}

static const struct ssm_tag tags[] = { { "own", "1" }, { "mine", "2" } };

static struct register_in
input(void)
{
	return (struct register_in){
		.activation = {
			.role = "Role",
			.description = "web " MARK,
			.expires = 1700000000,
			.tags = tags,
			.tag_count = 2,
		},
		.nonce = ACCOUNT_ID_C,
		.fingerprint = ACCOUNT_ID_B,
		.own_tags = 1,
		.context = &a,
		.hand_over = hand_over,
		.public_key = public_key,
	};
}

static int
run(const struct register_in *in, const struct world_step *steps, size_t count)
{
	int rc;

	account_expect(&a, steps, count);
	rc = register_node(&a.ssm, in, &journal, &a.err);
	account_done(&a);
	return rc;
}

#define CREATE_BODY(tags)                                          \
	"{\"IamRole\":\"Role\",\"Description\":\"web " MARK        \
	"\",\"RegistrationLimit\":1,\"ExpirationDate\":1700000000" \
	",\"Tags\":[" tags "]}"
#define TAG_OWN  "{\"Key\":\"own\",\"Value\":\"1\"}"
#define TAG_MINE "{\"Key\":\"mine\",\"Value\":\"2\"}"
#define CREATES \
	ACCOUNT_ASKS("CreateActivation", CREATE_BODY(TAG_OWN "," TAG_MINE))
#define MADE                                             \
	ACCOUNT_SAYS("{\"ActivationId\":\"" ACCOUNT_ID_A \
	             "\",\"ActivationCode\":\"" CODE "\"}")
#define REGISTERS                                 \
	ACCOUNT_ASKS("RegisterManagedInstance",   \
	    "{\"ActivationCode\":\"" CODE         \
	    "\",\"ActivationId\":\"" ACCOUNT_ID_A \
	    "\",\"Fingerprint\":\"" ACCOUNT_ID_B  \
	    "\",\"PublicKey\":\"PUBLIC\",\"PublicKeyType\":\"Rsa\"}")
#define REGISTERED ACCOUNT_SAYS("{\"InstanceId\":\"" ACCOUNT_NODE "\"}")
#define DELETES(id) \
	ACCOUNT_ASKS("DeleteActivation", "{\"ActivationId\":\"" id "\"}")
#define DEREGISTERS                               \
	ACCOUNT_ASKS("DeregisterManagedInstance", \
	    "{\"InstanceId\":\"" ACCOUNT_NODE "\"}")
#define LISTS                                                 \
	ACCOUNT_ASKS("DescribeActivations",                   \
	    "{\"MaxResults\":50,\"Filters\":[{\"FilterKey\":" \
	    "\"IamRole\",\"FilterValues\":[\"Role\"]}]}")
#define LISTS_NODES                                     \
	ACCOUNT_ASKS("DescribeInstanceInformation",     \
	    "{\"MaxResults\":50,\"Filters\":[{\"Key\":" \
	    "\"ActivationIds\",\"Values\":[\"" ACCOUNT_ID_A "\"]}]}")
#define ITEM(id, text) \
	"{\"ActivationId\":\"" id "\",\"Description\":\"" text "\"}"
#define LIST(items) ACCOUNT_SAYS("{\"ActivationList\":[" items "]}")
#define OK          ACCOUNT_SAYS("{}")
#define DENIED      ACCOUNT_REFUSES("AccessDeniedException", "not authorized")

static void
test_the_whole_way(void **unused)
{
	static const struct world_step steps[] = { { CREATES, MADE },
		{ REGISTERS, REGISTERED }, { DELETES(ACCOUNT_ID_A), OK } };
	struct register_in in = input();

	(void)unused;
	assert_int_equal(run(&in, WORLD_STEPS(steps)), 0);
	assert_string_equal(told, "made settled node deleted");
}

static void
test_given_activation_stays(void **unused)
{
	static const struct ssm_activation given = { ACCOUNT_ID_A, CODE };
	static const struct world_step good[] = { { REGISTERS, REGISTERED } };
	static const struct world_step bad[] = { { REGISTERS,
	    ACCOUNT_REFUSES("ActivationExpired", "over") } };
	struct register_in in = input();

	(void)unused;
	in.given = &given;
	assert_int_equal(run(&in, WORLD_STEPS(good)), 0);
	assert_string_equal(told, "node");
	assert_int_equal(run(&in, WORLD_STEPS(bad)), -1);
	assert_string_equal(a.err.peer_code, "ActivationExpired");
	assert_string_equal(told, "node");
}

static void
test_agent_registers(void **unused)
{
	static const struct world_step steps[] = { { CREATES, MADE } };
	static const struct world_step failed[] = { { CREATES, MADE },
		{ DELETES(ACCOUNT_ID_A), OK } };
	struct register_in in = input();

	(void)unused;
	in.delegate = true;
	no_key = true;
	assert_int_equal(run(&in, WORLD_STEPS(steps)), 0);
	assert_string_equal(told, "made settled handed-over");
	assert_string_equal(handed, CODE);
	told[0] = '\0';
	hand_over_fails = true;
	assert_int_equal(run(&in, WORLD_STEPS(failed)), -1);
	assert_string_equal(a.err.msg, "no pipe");
	assert_string_equal(told, "made settled deleted");
}

/* The operation may have changed: the agent, which is made for it, tries. */
static void
test_unexplained_answer(void **unused)
{
	static const struct world_step steps[] = { { CREATES, MADE },
		{ REGISTERS, ACCOUNT_REFUSES("ValidationException", "what") } };
	struct register_in in = input();

	(void)unused;
	assert_int_equal(run(&in, WORLD_STEPS(steps)), 0);
	assert_string_equal(told, "made settled handed-over");
	assert_string_equal(handed, CODE);
}

/* Our own agent does not register: then the answer is what has failed. */
static void
test_unexplained_answer_without_an_agent(void **unused)
{
	static const struct world_step steps[] = { { CREATES, MADE },
		{ REGISTERS, ACCOUNT_REFUSES("ValidationException", "what") },
		{ DELETES(ACCOUNT_ID_A), OK } };
	struct register_in in = input();

	(void)unused;
	in.hand_over = NULL;
	assert_int_equal(run(&in, WORLD_STEPS(steps)), -1);
	assert_string_equal(a.err.peer_code, "ValidationException");
	assert_string_equal(told, "made settled deleted");
}

static void
explained(struct world_step answer)
{
	struct world_step steps[] = { { CREATES, MADE }, answer,
		{ DELETES(ACCOUNT_ID_A), OK } };
	struct register_in in = input();

	told[0] = '\0';
	assert_int_equal(run(&in, WORLD_STEPS(steps)), -1);
	assert_string_equal(told, "made settled deleted");
	assert_string_equal(handed, "");
}

static void
test_explained_answers(void **unused)
{
	static const struct world_step invalid = { REGISTERS,
		ACCOUNT_REFUSES("InvalidActivation", "no") };
	static const struct world_step limit = { REGISTERS,
		ACCOUNT_REFUSES("RegistrationLimitExceeded", "no") };
	static const struct world_step denied = { REGISTERS, DENIED };
	static const struct world_step throttled = { REGISTERS,
		ACCOUNT_REFUSES("ThrottlingException", "slow") };
	static const struct world_step unsent = { REGISTERS,
		.fault = WORLD_REFUSED };

	(void)unused;
	explained(invalid);
	assert_string_equal(a.err.peer_code, "InvalidActivation");
	explained(limit);
	explained(denied);
	explained(throttled);
	assert_int_equal(a.err.retry, ERR_THROTTLED);
	explained(unsent);
	assert_int_equal(a.err.kind, ERR_KIND_CONNECTION);
}

static void
test_no_key(void **unused)
{
	static const struct world_step steps[] = { { CREATES, MADE },
		{ DELETES(ACCOUNT_ID_A), OK } };
	struct register_in in = input();

	(void)unused;
	no_key = true;
	assert_int_equal(run(&in, WORLD_STEPS(steps)), -1);
	assert_string_equal(a.err.msg, "no key");
	assert_string_equal(told, "made settled deleted");
}

static void
test_activation_that_cannot_be_deleted(void **unused)
{
	static const struct world_step steps[] = { { CREATES, MADE },
		{ REGISTERS, REGISTERED }, { DELETES(ACCOUNT_ID_A), DENIED } };
	struct register_in in = input();

	(void)unused;
	assert_int_equal(run(&in, WORLD_STEPS(steps)), 0);
	assert_string_equal(told, "made settled node");
	assert_int_equal(a.err.kind, ERR_KIND_NONE);
}

#define NO_TAGS                                      \
	ACCOUNT_REFUSES("AccessDeniedException",     \
	    "User: x is not authorized to perform: " \
	    "ssm:AddTagsToResource on resource: y")

static const struct world_step without_own_tags[] = { { CREATES, NO_TAGS },
	{ ACCOUNT_ASKS("CreateActivation", CREATE_BODY(TAG_MINE)), MADE },
	{ REGISTERS, REGISTERED }, { DELETES(ACCOUNT_ID_A), OK } };

static void
test_tags_are_refused(void **unused)
{
	struct register_in in = input();

	(void)unused;
	assert_int_equal(run(&in, WORLD_STEPS(without_own_tags)), 0);
	assert_non_null(strstr(told, "made settled node deleted"));
	assert_int_equal(a.err.kind, ERR_KIND_NONE);
}

/* Whoever is killed in the middle of the second request must leave the note
 * that its outcome is not known. */
static void
test_nothing_is_settled_between_two_tries(void **unused)
{
	struct register_in in = input();

	(void)unused;
	assert_int_equal(run(&in, WORLD_STEPS(without_own_tags)), 0);
	assert_int_equal(asked_at_settled, 2);
}

static void
test_tags_that_are_required(void **unused)
{
	static const struct world_step refused[] = { { CREATES, NO_TAGS } };
	static const struct world_step other[] = { { CREATES, DENIED } };
	struct register_in in = input();

	(void)unused;
	in.tags_required = true;
	assert_int_equal(run(&in, WORLD_STEPS(refused)), -1);
	assert_string_equal(a.err.peer_code, "AccessDeniedException");
	in = input();
	in.own_tags = 0;
	assert_int_equal(run(&in, WORLD_STEPS(refused)), -1);
	in = input();
	assert_int_equal(run(&in, WORLD_STEPS(other)), -1);
	assert_string_equal(told, "settled settled settled");
}

/* Without the time for looking, the loss stays noted. */
static void
test_lost_answer_without_time(void **unused)
{
	static const struct world_step steps[] = {
		{ CREATES, .fault = WORLD_CLOSED },
		{ LISTS, LIST(ITEM(ACCOUNT_ID_B, "web " MARK)) },
		{ DELETES(ACCOUNT_ID_B), OK },
	};
	struct register_in in = input();

	(void)unused;
	a.ssm.deadline = clock_in(SHORT_MS);
	assert_int_equal(run(&in, WORLD_STEPS(steps)), -1);
	assert_int_equal(a.err.kind, ERR_KIND_CONNECTION);
	assert_string_equal(told, "");
}

/* Looked for three times, since the listing lags behind; deleted is what
 * carries the mark, and nothing else. */
static void
test_lost_answer(void **unused)
{
	static const struct world_step steps[] = {
		{ CREATES, .fault = WORLD_READ_TIME },
		{ LISTS, LIST(ITEM(ACCOUNT_ID_A, "web") "," ITEM(ACCOUNT_ID_C,
		             "web [ssm-activate:other]")) },
		{ LISTS, LIST(ITEM(ACCOUNT_ID_B, "web " MARK)) },
		{ DELETES(ACCOUNT_ID_B), OK },
		{ LISTS, LIST("") },
	};
	struct register_in in = input();

	(void)unused;
	assert_int_equal(run(&in, WORLD_STEPS(steps)), -1);
	assert_true(a.err.timed_out);
	assert_string_equal(told, "settled");
}

/* It is not idempotent, so it is never sent a second time by itself. */
static void
test_create_is_sent_once(void **unused)
{
	static const struct world_step steps[] = {
		{ CREATES, .fault = WORLD_CLOSED },
		{ LISTS, LIST("") },
	};
	const struct conf_options options = { .env = { a.world.vars },
		.region = "eu-west-1" };
	struct register_in in = input();

	(void)unused;
	world_set(&a.world, "AWS_MAX_ATTEMPTS=3");
	client_free(a.client);
	assert_int_equal(client_open(&a.client, &options, &a.err), 0);
	assert_int_equal(client_locate(a.client, &a.err), 0);
	a.ssm.client = a.client;
	a.ssm.deadline = clock_in(SHORT_MS);
	assert_int_equal(run(&in, WORLD_STEPS(steps)), -1);
	assert_int_equal(a.err.kind, ERR_KIND_CONNECTION);
	assert_int_not_equal(a.err.retry, ERR_FINAL);
}

/* The limit of the activation is one: the node it has is ours. */
static void
test_lost_registration(void **unused)
{
	static const struct world_step found[] = { { CREATES, MADE },
		{ REGISTERS, .fault = WORLD_CLOSED },
		{ LISTS_NODES,
		    ACCOUNT_SAYS("{\"InstanceInformationList\":["
		                 "{\"InstanceId\":\"" ACCOUNT_NODE "\"}]}") },
		{ DELETES(ACCOUNT_ID_A), OK } };
	static const struct world_step none[] = { { CREATES, MADE },
		{ REGISTERS, .fault = WORLD_CLOSED },
		{ LISTS_NODES,
		    ACCOUNT_SAYS("{\"InstanceInformationList\":[]}") },
		{ DELETES(ACCOUNT_ID_A), OK } };
	struct register_in in = input();

	(void)unused;
	assert_int_equal(run(&in, WORLD_STEPS(found)), 0);
	assert_string_equal(told, "made settled node deleted");
	told[0] = '\0';
	a.ssm.deadline = clock_in(SHORT_MS);
	assert_int_equal(run(&in, WORLD_STEPS(none)), -1);
	assert_int_equal(a.err.kind, ERR_KIND_CONNECTION);
	assert_string_equal(told, "made settled deleted");
}

static void
test_journal_stops_the_work(void **unused)
{
	static const struct world_step create[] = { { CREATES, MADE } };
	struct register_in in = input();

	(void)unused;
	refuse_step = "made";
	assert_int_equal(run(&in, WORLD_STEPS(create)), -1);
	assert_string_equal(a.err.msg, "the keeper is gone");
}

static const struct cred *
get_own(void *context)
{
	assert_ptr_equal(context, &own_cred);
	own_asked++;
	return own_cred;
}

static int
take_down(const struct world_step *steps, size_t count)
{
	static const struct register_own own = { &own_cred, get_own };
	int rc;

	account_expect(&a, steps, count);
	rc = register_remove(&a.ssm, &state, &own, &journal, &a.err);
	account_done(&a);
	return rc;
}

static void
hold_both(void)
{
	strcpy(state.node, ACCOUNT_NODE);
	strcpy(state.activation, ACCOUNT_ID_A);
	told[0] = '\0';
}

static void
test_remove_both(void **unused)
{
	static const struct world_step steps[] = { { DEREGISTERS, OK },
		{ DELETES(ACCOUNT_ID_A), OK } };

	(void)unused;
	hold_both();
	assert_int_equal(take_down(WORLD_STEPS(steps)), 0);
	assert_string_equal(told, "deregistered deleted");
	assert_true(state_settled(&state));
	assert_int_equal(own_asked, 0);
	assert_int_equal(take_down(NULL, 0), 0);
}

static void
test_remove_what_has_gone(void **unused)
{
	static const struct world_step steps[] = {
		{ DEREGISTERS, ACCOUNT_REFUSES("InvalidInstanceId", "") },
		{ DELETES(ACCOUNT_ID_A),
		    ACCOUNT_REFUSES("InvalidActivation", "") },
	};

	(void)unused;
	hold_both();
	assert_int_equal(take_down(WORLD_STEPS(steps)), 0);
	assert_string_equal(told, "deregistered deleted");
	assert_true(state_settled(&state));
}

static const struct cred node_cred = {
	.access_key = "ASIANODE", .secret_key = "s", .token = "t"
};

/* As the node: the activation first, since its credentials end with it. */
static void
test_remove_as_the_node(void **unused)
{
	struct world_step steps[] = { { DEREGISTERS, DENIED },
		{ DELETES(ACCOUNT_ID_A), DENIED },
		{ DELETES(ACCOUNT_ID_A), .lacks = { ACCOUNT_KEY }, OK },
		{ DEREGISTERS, .lacks = { ACCOUNT_KEY }, OK } };

	(void)unused;
	steps[0].has[2] = steps[1].has[2] = "Credential=" ACCOUNT_KEY "/";
	steps[2].has[2] = steps[3].has[2] = "Credential=ASIANODE/";
	own_cred = &node_cred;
	hold_both();
	assert_int_equal(take_down(WORLD_STEPS(steps)), 0);
	assert_int_equal(own_asked, 1);
	assert_int_equal(a.err.kind, ERR_KIND_NONE);
	assert_string_equal(told, "deleted deregistered");
	assert_true(state_settled(&state));
}

static void
test_remove_the_rest_as_the_node(void **unused)
{
	static const struct world_step steps[] = { { DEREGISTERS, DENIED },
		{ DELETES(ACCOUNT_ID_A), OK }, { DEREGISTERS, OK } };

	(void)unused;
	own_cred = &node_cred;
	hold_both();
	assert_int_equal(take_down(WORLD_STEPS(steps)), 0);
	assert_string_equal(told, "deleted deregistered");
}

static void
test_remove_refused_by_all(void **unused)
{
	static const struct world_step steps[] = { { DEREGISTERS, DENIED },
		{ DELETES(ACCOUNT_ID_A), OK },
		{ DEREGISTERS, ACCOUNT_REFUSES("OtherException", "second") } };
	static const struct world_step alone[] = { { DEREGISTERS, DENIED },
		{ DELETES(ACCOUNT_ID_A), OK } };

	(void)unused;
	own_cred = &node_cred;
	hold_both();
	assert_int_equal(take_down(WORLD_STEPS(steps)), -1);
	assert_string_equal(a.err.peer_code, "AccessDeniedException");
	assert_string_equal(state.node, ACCOUNT_NODE);
	assert_string_equal(state.activation, "");
	/* It has no credentials of its own. */
	own_cred = NULL;
	hold_both();
	assert_int_equal(take_down(WORLD_STEPS(alone)), -1);
	assert_int_equal(own_asked, 2);
	assert_string_equal(a.err.peer_code, "AccessDeniedException");
	assert_string_equal(state.node, ACCOUNT_NODE);
}

/* Other failures would meet the node as well. */
static void
test_remove_without_a_network(void **unused)
{
	static const struct world_step steps[] = {
		{ DEREGISTERS, .fault = WORLD_REFUSED },
		{ DELETES(ACCOUNT_ID_A), .fault = WORLD_REFUSED },
	};

	(void)unused;
	hold_both();
	assert_int_equal(take_down(WORLD_STEPS(steps)), -1);
	assert_int_equal(a.err.kind, ERR_KIND_CONNECTION);
	assert_int_equal(own_asked, 0);
	assert_string_equal(state.node, ACCOUNT_NODE);
	assert_string_equal(state.activation, ACCOUNT_ID_A);
}

static void
test_remove_what_was_lost(void **unused)
{
	static const struct world_step steps[] = {
		{ LISTS, LIST(ITEM(ACCOUNT_ID_B, "web " MARK)) },
		{ DELETES(ACCOUNT_ID_B), OK },
		{ LISTS, LIST("") },
		{ LISTS, LIST("") },
	};
	static const struct world_step once[] = { { LISTS, LIST("") } };

	(void)unused;
	state.unsettled = true;
	a.ssm.deadline = clock_in(SHORT_MS);
	assert_int_equal(take_down(WORLD_STEPS(once)), -1);
	assert_true(state.unsettled);
	assert_string_equal(told, "");
	a.ssm.deadline = clock_in((int64_t)20 * SHORT_MS);
	assert_int_equal(take_down(WORLD_STEPS(steps)), 0);
	assert_false(state.unsettled);
	assert_string_equal(told, "settled");
}

static void
test_remove_without_a_keeper(void **unused)
{
	static const struct world_step steps[] = { { DEREGISTERS, OK },
		{ DELETES(ACCOUNT_ID_A), OK } };

	(void)unused;
	refuse_step = "deregistered";
	hold_both();
	assert_int_equal(take_down(WORLD_STEPS(steps)), -1);
	assert_string_equal(a.err.msg, "the keeper is gone");
	assert_string_equal(state.node, ACCOUNT_NODE);
}

static void
test_describe(void **unused)
{
	char text[SSM_TEXT_MAX + 5], out[SSM_TEXT_SIZE];
	size_t room = SSM_TEXT_MAX - strlen(" " MARK);

	(void)unused;
	register_mark(out, ACCOUNT_ID_C);
	assert_string_equal(out, MARK);
	register_describe(out, "web", ACCOUNT_ID_C);
	assert_string_equal(out, "web " MARK);
	register_describe(out, "", ACCOUNT_ID_C);
	assert_string_equal(out, MARK);
	memset(text, 'x', sizeof text);
	text[room] = '\0';
	register_describe(out, text, ACCOUNT_ID_C);
	assert_int_equal(strlen(out), SSM_TEXT_MAX);
	text[room] = 'x';
	text[sizeof text - 1] = '\0';
	register_describe(out, text, ACCOUNT_ID_C);
	assert_int_equal(strlen(out), SSM_TEXT_MAX);
	assert_string_equal(out + room, " " MARK);
	/* Of characters, not bytes. */
	memcpy(text + room - 1, "\xe2\x82\xac", sizeof "\xe2\x82\xac");
	register_describe(out, text, ACCOUNT_ID_C);
	assert_int_equal(strlen(out), SSM_TEXT_MAX + 2);
	assert_string_equal(out + room + 2, " " MARK);
}

#define ACCOUNT_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int
main(void)
{
	const struct CMUnitTest list[] = {
		ACCOUNT_TEST(test_the_whole_way),
		ACCOUNT_TEST(test_given_activation_stays),
		ACCOUNT_TEST(test_agent_registers),
		ACCOUNT_TEST(test_unexplained_answer),
		ACCOUNT_TEST(test_unexplained_answer_without_an_agent),
		ACCOUNT_TEST(test_explained_answers),
		ACCOUNT_TEST(test_no_key),
		ACCOUNT_TEST(test_activation_that_cannot_be_deleted),
		ACCOUNT_TEST(test_tags_are_refused),
		ACCOUNT_TEST(test_nothing_is_settled_between_two_tries),
		ACCOUNT_TEST(test_tags_that_are_required),
		ACCOUNT_TEST(test_lost_answer_without_time),
		ACCOUNT_TEST(test_lost_answer),
		ACCOUNT_TEST(test_create_is_sent_once),
		ACCOUNT_TEST(test_lost_registration),
		ACCOUNT_TEST(test_journal_stops_the_work),
		ACCOUNT_TEST(test_remove_both),
		ACCOUNT_TEST(test_remove_what_has_gone),
		ACCOUNT_TEST(test_remove_as_the_node),
		ACCOUNT_TEST(test_remove_the_rest_as_the_node),
		ACCOUNT_TEST(test_remove_refused_by_all),
		ACCOUNT_TEST(test_remove_without_a_network),
		ACCOUNT_TEST(test_remove_what_was_lost),
		ACCOUNT_TEST(test_remove_without_a_keeper),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(list, NULL, NULL);
}
