/* SPDX-License-Identifier: MIT */
/* The task of a session, as the gateway sends it, and as it should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "mgs/document.h"
#include "unit/vectors.h"

static struct err err;

/* A recorded start, as a document. */
static void
read_vector(struct document *out, const char *name)
{
	struct json *doc = vectors_load();
	struct order order = { .kind = ORDER_NONE };
	struct buf bytes = { 0 };
	struct frame frame;

	*out = (struct document){ .kind = DOCUMENT_SHELL };
	vectors_frame(doc, name, &bytes);
	assert_int_equal(frame_read(&frame, slice_make(bytes.data, bytes.len),
	                     NULL),
	    0);
	assert_int_equal(order_read(&order, &frame, NULL), 0);
	err_clear(&err);
	if (document_read(out,
	        slice_make(order.content.data, order.content.len), &err) != 0)
		fail_msg("%s: %s", name, err.msg);
	assert_string_equal(out->session, order.session);
	order_free(&order);
	buf_free(&bytes);
	json_free(doc);
}

static void
test_recorded_tasks(void **state)
{
	struct document got;

	(void)state;
	read_vector(&got, "interactive_shell-SSM-SessionManagerRunShell");
	assert_int_equal(got.kind, DOCUMENT_SHELL);
	assert_null(got.profile);
	assert_string_equal(got.user, "");
	document_free(&got);
	read_vector(&got, "interactive_shell-AWS-StartInteractiveCommand");
	assert_int_equal(got.kind, DOCUMENT_INTERACTIVE);
	assert_non_null(got.commands);
	assert_true(slice_find(slice_of(got.commands), "{{") < 0);
	document_free(&got);
	read_vector(&got, "interactive_shell-AWS-StartNonInteractiveCommand");
	assert_int_equal(got.kind, DOCUMENT_COMMAND);
	assert_string_equal(got.commands,
	    "sh -c \"echo out; echo err >&2; id -un; exit 7\"");
	assert_true(got.elevated);
	assert_false(got.separate);
	assert_string_equal(got.err_prefix, "");
	document_free(&got);
	read_vector(&got, "interactive_shell-AWS-StartPortForwardingSession");
	assert_int_equal(got.kind, DOCUMENT_PORT);
	assert_int_equal(got.port, 19090);
	assert_true(got.local);
	assert_string_equal(got.host, "");
	assert_string_equal(got.properties,
	    "{\"portNumber\":\"19090\",\"type\":\"LocalPortForwarding\","
	    "\"localPortNumber\":\"19191\"}");
	document_free(&got);
	read_vector(&got,
	    "interactive_shell-AWS-StartPortForwardingSessionToRemoteHost");
	assert_string_not_equal(got.host, "");
	document_free(&got);
	read_vector(&got, "interactive_shell-AWS-StartSSHSession");
	assert_int_equal(got.port, 19090);
	assert_false(got.local);
	document_free(&got);
}

/* A task with these members, in JSON without the braces. */
static int
read_task(struct document *out, const char *members)
{
	struct buf text = { .max = 1 << 20 };
	int rc;

	buf_printf(&text, "{\"sessionId\":\"u-1\",%s}", members);
	*out = (struct document){ .kind = DOCUMENT_SHELL };
	err_clear(&err);
	rc = document_read(out, slice_make(text.data, text.len), &err);
	if (rc != 0) {
		assert_string_equal(out->session, "u-1");
		assert_null(out->commands);
	}
	buf_free(&text);
	return rc;
}

static void
good(struct document *out, const char *members)
{
	if (read_task(out, members) != 0)
		fail_msg("%s: %s", members, err.msg);
}

static void
refused(const char *members, enum err_kind kind, const char *text)
{
	struct document got;

	if (read_task(&got, members) == 0)
		fail_msg("%s", members);
	if (err.kind != kind || slice_find(slice_of(err.msg), text) < 0)
		fail_msg("%s: %s", members, err.msg);
	assert_true((kind == ERR_KIND_CONFIG) == (err.fix[0] != '\0'));
}

static void
expect_filled(const char *commands, const char *want)
{
	struct document got;
	struct buf text = { 0 };

	json_write(&text,
	    "\"documentContent\":{\"sessionType\":\"InteractiveCommands\","
	    "\"parameters\":{\"a\":{\"type\":\"String\",\"default\":\"A\"},"
	    "\"b\":{},\"listed\":{\"allowedValues\":[\"x\",\"y\"]},"
	    "\"B\":{\"default\":\"other\"}},\"properties\":{\"linux\":{"
	    "\"commands\":%}}},\"parameters\":{\"b\":\"{{ a }}$$\","
	    "\"listed\":[\"y\"],\"stranger\":\"s\"}",
	    commands);
	good(&got, buf_str(&text));
	assert_string_equal(got.commands, want);
	document_free(&got);
	buf_free(&text);
}

static void
test_parameters(void **state)
{
	(void)state;
	expect_filled("echo {{ a }}", "echo A");
	expect_filled("{{a}}{{  a	}}{{a }}", "AAA");
	/* What is put in is not looked at again. */
	expect_filled("<{{ b }}>", "<{{ a }}$$>");
	expect_filled("{{ B }} {{ listed }}", "other y");
	expect_filled("{{ stranger }} {{ A }}", "{{ stranger }} {{ A }}");
	expect_filled("{ {a} {{a} {{}} {{ a b }} {{a-b}} {{", "{ {a} {{a} {{}} "
	                                                      "{{ a b }} "
	                                                      "{{a-b}} {{");
	expect_filled("{{{ a }}}", "{A}");
	expect_filled("", "");
}

#define COMMAND(parameters, given)                                      \
	"\"DocumentContent\":{\"sessionType\":\"InteractiveCommands\"," \
	"\"parameters\":" parameters                                    \
	",\"properties\":{\"linux\":{\"commands\":\"{{ a }}\"}}},"      \
	"\"Parameters\":" given

static void
test_wrong_parameters(void **state)
{
	(void)state;
	refused(COMMAND("{\"a\":{}}", "{}"), ERR_KIND_INVALID_VALUE,
	    "\"a\" has no value");
	refused(COMMAND("{\"a\":{}}", "{\"a\":7}"), ERR_KIND_INVALID_VALUE,
	    "\"a\" has no value");
	refused(COMMAND("{\"a\":{\"allowedValues\":[\"x\"]}}", "{\"a\":\"y\"}"),
	    ERR_KIND_INVALID_VALUE, "not allowed");
	refused(COMMAND("{\"a\":{}}", "{\"a\":\"x {{ssm:secret}}\"}"),
	    ERR_KIND_CONFIG, "Parameter Store");
	refused(COMMAND("{\"a\":{}}", "{\"a\":\"{{ ssm:secret }}\"}"),
	    ERR_KIND_CONFIG, "Parameter Store");
}

static void
test_shell(void **state)
{
	struct document got;

	(void)state;
	good(&got, "\"DocumentContent\":{\"sessionType\":\"Standard_Stream\","
	           "\"inputs\":{\"shellProfile\":{\"linux\":\"cd {{ d }}\"},"
	           "\"runAsEnabled\":\"true\",\"runAsDefaultUser\":\"joe\"},"
	           "\"parameters\":{\"d\":{\"default\":\"/tmp\"}}}");
	assert_string_equal(got.profile, "cd /tmp");
	assert_string_equal(got.user, "joe");
	document_free(&got);
	good(&got,
	    "\"RunAsUser\":\"ann\",\"DocumentContent\":{\"sessionType\":"
	    "\"Standard_Stream\",\"inputs\":{\"shellProfile\":{\"linux\":"
	    "\" \"},\"RUNASENABLED\":true,\"runAsDefaultUser\":"
	    "\"joe\"}}");
	assert_null(got.profile);
	assert_string_equal(got.user, "ann");
	document_free(&got);
	good(&got, "\"RunAsUser\":\"ann\",\"DocumentContent\":{\"sessionType\":"
	           "\"Standard_Stream\",\"inputs\":{\"runAsEnabled\":false}}");
	assert_string_equal(got.user, "");
	document_free(&got);
	good(&got, "\"DocumentContent\":{\"sessionType\":\"Standard_Stream\"}");
	document_free(&got);
}

#define SHELL(inputs)                                               \
	"\"DocumentContent\":{\"sessionType\":\"Standard_Stream\"," \
	"\"inputs\":{" inputs "}}"

static void
test_refusals(void **state)
{
	(void)state;
	refused(SHELL("\"kmsKeyId\":\"arn:aws:kms:x\""), ERR_KIND_CONFIG,
	    "a key of KMS");
	refused(SHELL("\"s3BucketName\":\"b\""), ERR_KIND_CONFIG, "in S3");
	refused(SHELL("\"cloudWatchLogGroupName\":\"g\""), ERR_KIND_CONFIG,
	    "in CloudWatch");
	refused("\"DocumentContent\":{\"sessionType\":\"New_Type\"}",
	    ERR_KIND_CONFIG, "sessions of this type");
	refused("\"DocumentContent\":{}", ERR_KIND_CONFIG, "of this type");
	refused("\"DocumentContent\":[]", ERR_KIND_CONFIG, "of this type");
	refused(SHELL("\"runAsEnabled\":true"), ERR_KIND_INVALID_VALUE,
	    "no user is named");
	refused(SHELL("\"runAsEnabled\":true,\"runAsDefaultUser\":\"-x\""),
	    ERR_KIND_INVALID_VALUE, "no user is named");
	refused(SHELL("\"runAsEnabled\":true,\"runAsDefaultUser\":\"a:b\""),
	    ERR_KIND_INVALID_VALUE, "may not have");
	refused(SHELL("\"runAsEnabled\":true,\"runAsDefaultUser\":"
	              "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
	    ERR_KIND_INVALID_VALUE, "too long");
}

#define PORT(properties)                                             \
	"\"DocumentContent\":{\"sessionType\":\"Port\",\"inputs\":{" \
	"\"kmsKeyId\":\"k\"},\"properties\":{" properties "}}"

static void
test_ports(void **state)
{
	struct document got;

	(void)state;
	/* Ports are not encrypted, whatever is configured. */
	good(&got, PORT("\"portNumber\":8080,\"host\":\"db.internal\","
	                "\"type\":\"LocalPortForwarding\","
	                "\"localConnectionType\":\"socket\""));
	assert_int_equal(got.port, 8080);
	assert_string_equal(got.host, "db.internal");
	assert_string_equal(got.properties,
	    "{\"portNumber\":\"8080\",\"host\":\"db.internal\",\"type\":"
	    "\"LocalPortForwarding\",\"localConnectionType\":\"socket\"}");
	document_free(&got);
	good(&got, PORT("\"portNumber\":\"65535\",\"host\":\"[fe80::1%25e]\""));
	assert_false(got.local);
	document_free(&got);
	refused(PORT("\"portNumber\":\"\""), ERR_KIND_INVALID_VALUE,
	    "is not a port");
	refused(PORT("\"portNumber\":\"0\""), ERR_KIND_INVALID_VALUE,
	    "is not a port");
	refused(PORT("\"portNumber\":\"65536\""), ERR_KIND_INVALID_VALUE,
	    "is not a port");
	refused(PORT("\"portNumber\":\"22x\""), ERR_KIND_INVALID_VALUE,
	    "may not have");
	refused(PORT("\"portNumber\":\"22\",\"host\":\"a b\""),
	    ERR_KIND_INVALID_VALUE, "\"host\" has a character");
	refused(PORT("\"portNumber\":\"22\",\"host\":\"a/b\""),
	    ERR_KIND_INVALID_VALUE, "\"host\" has a character");
	refused(PORT("\"portNumber\":\"22\",\"type\":\"Remote\""),
	    ERR_KIND_CONFIG, "type of port forwarding");
	refused("\"DocumentContent\":{\"sessionType\":\"Port\"}",
	    ERR_KIND_INVALID_VALUE, "is not a port");
}

#define RUN(linux)                                                         \
	"\"DocumentContent\":{\"sessionType\":\"NonInteractiveCommands\"," \
	"\"properties\":{\"linux\":{" linux "}}}"

static void
test_commands(void **state)
{
	struct document got;

	(void)state;
	good(&got, RUN("\"commands\":\"id -u\",\"runAsElevated\":true,"
	               "\"separateOutputStream\":\"True\","
	               "\"stdOutSeparatorPrefix\":\"OUT_1:\\n-\""));
	assert_string_equal(got.commands, "id -u");
	assert_true(got.elevated && got.separate);
	assert_string_equal(got.out_prefix, "OUT_1:\n-");
	document_free(&got);
	good(&got, RUN("\"commands\":\"x\",\"separateOutputStream\":\"no\""));
	assert_false(got.elevated || got.separate);
	document_free(&got);
	refused(RUN("\"commands\":\" \""), ERR_KIND_INVALID_VALUE,
	    "no command for Linux");
	refused(RUN("\"command\":\"x\""), ERR_KIND_INVALID_VALUE,
	    "no command for Linux");
	refused(RUN("\"commands\":\"x\",\"stdErrSeparatorPrefix\":\"a b\""),
	    ERR_KIND_INVALID_VALUE, "may not have");
	refused(RUN("\"commands\":\"x\",\"stdErrSeparatorPrefix\":"
	            "\"0123456789012345678901234567890\""),
	    ERR_KIND_INVALID_VALUE, "too long");
}

/* Sizes that nobody needs. */
static void
test_limits(void **state)
{
	struct buf text = { .max = 1 << 20 };

	(void)state;
	buf_puts(&text, "\"DocumentContent\":{\"sessionType\":"
	                "\"InteractiveCommands\",\"properties\":{\"linux\":{"
	                "\"commands\":\"");
	for (int i = 0; i < 70000; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"}}}");
	refused(buf_str(&text), ERR_KIND_INVALID_VALUE, "too long");
	buf_cut(&text, 0);
	buf_puts(&text, "\"DocumentContent\":{\"sessionType\":\"Port\","
	                "\"properties\":{\"portNumber\":\"1\"");
	for (int i = 0; i < 20; i++)
		buf_printf(&text, ",\"m%d\":\"\"", i);
	buf_puts(&text, "}}");
	refused(buf_str(&text), ERR_KIND_INVALID_VALUE, "too long");
	buf_free(&text);
}

static void
test_no_task(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "null", "7", "{}",
		"{\"SessionId\":7}", "{\"SessionId\":\"../x\"}",
		"{\"SessionId\":\"\"}" };
	struct document got;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		got = (struct document){ .kind = DOCUMENT_SHELL };
		err_clear(&err);
		assert_int_equal(document_read(&got, slice_of(texts[i]), &err),
		    -1);
		assert_int_equal(err.kind, ERR_KIND_PARSE);
		assert_string_equal(got.session, "");
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(document_kind_name(DOCUMENT_SHELL),
	    "Standard_Stream");
	assert_string_equal(document_kind_name(DOCUMENT_PORT), "Port");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_tasks),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_wrong_parameters),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_task),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
