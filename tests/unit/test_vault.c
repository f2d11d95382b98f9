/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/paths.h"
#include "agent/vault.h"
#include "base/buf.h"
#include "base/err.h"
#include "unit/sandbox.h"

#define NODE  "mi-0123456789abcdef0"
#define UUID  "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
#define KEY   "MIIEpAIBAAKCAQEA+/8="
#define START "{\"instanceID\":\"" NODE "\",\"region\":\"eu-west-1\","

static const char key_text[] = START
    "\"instanceType\":\"\",\"availabilityZone\":\"\",\"privateKey\":\"" KEY
    "\",\"publicKey\":\"\",\"privateKeyType\":\"Rsa\","
    "\"privateKeyCreatedDate\":\"2026-11-22 10:45:32 +0000 UTC\"}";
static const char fingerprint_text[] =
    "{\"fingerprint\":\"" UUID
    "\",\"hardwareHash\":{},\"similarityThreshold\":-1}";
static const char manifest_text[] =
    "{\"InstanceFingerprint\":\"/var/lib/amazon/ssm/Vault/Store/"
    "InstanceFingerprint\",\"RegistrationKey\":"
    "\"/var/lib/amazon/ssm/Vault/Store/RegistrationKey\"}";
static const char registration_text[] =
    "{\"ManagedInstanceID\":\"" NODE "\",\"Region\":\"eu-west-1\"}";

enum { WHEN = 1795344332 };

static struct vault
example(void)
{
	static char key[] = KEY;

	return (struct vault){ .node = NODE,
		.region = "eu-west-1",
		.fingerprint = UUID,
		.private_key = key };
}

static void
test_texts_are_those_of_the_agent(void **state)
{
	static const char *const texts[] = { key_text, fingerprint_text,
		registration_text, manifest_text };
	struct vault vault = example();
	struct buf b = { 0 };

	(void)state;
	for (int i = VAULT_KEY; i <= VAULT_MANIFEST; i++) {
		vault_encode(&b, (enum vault_file)i, &vault, WHEN);
		assert_string_equal(buf_str(&b), texts[i]);
		buf_cut(&b, 0);
	}
	buf_free(&b);
}

static void
refuse(struct vault vault)
{
	struct err err = { 0 };

	assert_int_equal(vault_check(&vault, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_PARSE);
}

static void
test_refuses_what_aws_does_not_give(void **state)
{
	struct vault vault = example();
	static char quote[] = "MII\"", none[] = "";

	(void)state;
	vault.node[4] = '"';
	refuse(vault);
	vault = example();
	vault.region[0] = '\\';
	refuse(vault);
	vault = example();
	vault.fingerprint[0] = '"';
	refuse(vault);
	vault = example();
	vault.private_key = quote;
	refuse(vault);
	vault.private_key = none;
	refuse(vault);
	vault.private_key = NULL;
	refuse(vault);
}

static void
test_refuses_the_id_of_an_ec2_instance(void **state)
{
	struct vault vault = example();

	(void)state;
	memcpy(vault.node, "i-0123456789abcdef0", 20);
	refuse(vault);
	memcpy(vault.node, "mi-", 4);
	refuse(vault);
}

static void
test_decodes_what_was_encoded(void **state)
{
	struct vault vault = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(vault_decode(&vault, key_text, fingerprint_text, &err),
	    0);
	assert_string_equal(vault.node, NODE);
	assert_string_equal(vault.region, "eu-west-1");
	assert_string_equal(vault.fingerprint, UUID);
	assert_string_equal(vault.private_key, KEY);
	vault_free(&vault);
	assert_null(vault.private_key);
}

/* The agent's own registration stores a map, another threshold and more. */
static void
test_skips_members_it_does_not_know(void **state)
{
	struct vault vault = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(vault_decode(&vault,
	                     START "\"privateKey\":\"" KEY
	                           "\",\"later\":[1,{\"a\":null}]}",
	                     "{\"fingerprint\":\"" UUID
	                     "\",\"hardwareHash\":{\"machine-id\":\"x\\n\"},"
	                     "\"similarityThreshold\":40,\"new\":true}",
	                     &err),
	    0);
	assert_string_equal(vault.fingerprint, UUID);
	vault_free(&vault);
}

static void
test_a_cleared_registration_is_none(void **state)
{
	static const char *const texts[] = { NULL, "{}",
		"{\"instanceID\":\"\",\"region\":\"\",\"privateKey\":\"\"}",
		"{\"instanceID\":\"\",\"region\":\"\",\"privateKey\":\"" KEY
		"\"}",
		START "\"privateKey\":null}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vault vault = { .node = "mi-1" };
		struct err err = { 0 };

		assert_int_equal(vault_decode(&vault, texts[i],
		                     "{\"fingerprint\":\"\"}", &err),
		    1);
		assert_string_equal(vault.node, "mi-1");
		assert_null(vault.private_key);
	}
}

static void
test_refuses_damage_and_leaves_out_alone(void **state)
{
	static const char *const texts[][2] = {
		{ "", fingerprint_text },
		{ "[]", fingerprint_text },
		{ "{\"instanceID\":", fingerprint_text },
		{ START "\"privateKey\":\"a b\"}", fingerprint_text },
		{ "{\"instanceID\":\"i-1\",\"region\":\"r\","
		  "\"privateKey\":\"" KEY "\"}",
		    fingerprint_text },
		{ key_text, NULL },
		{ key_text, "" },
		{ key_text, "{}" },
		{ key_text, "{\"fingerprint\":\"\"}" },
		{ key_text, "{\"fingerprint\":\"" UUID "0\"}" },
		{ key_text, "{\"fingerprint\":7}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vault vault = { .node = "mi-1" };
		struct err err = { 0 };

		assert_int_equal(vault_decode(&vault, texts[i][0], texts[i][1],
		                     &err),
		    -1);
		assert_string_equal(vault.node, "mi-1");
		assert_null(vault.private_key);
		assert_string_not_equal(err.msg, "");
		assert_null(strstr(err.msg, KEY));
	}
}

static void
test_refuses_a_key_over_the_limit(void **state)
{
	struct vault vault = { 0 };
	struct err err = { 0 };
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, START "\"privateKey\":\"");
	for (int i = 0; i < 8192; i++)
		buf_putc(&b, 'A');
	buf_puts(&b, "\"}");
	assert_int_equal(vault_decode(&vault, buf_str(&b), fingerprint_text,
	                     &err),
	    0);
	buf_cut(&b, b.len - 2);
	buf_puts(&b, "A\"}");
	assert_int_equal(vault_decode(&vault, buf_str(&b), fingerprint_text,
	                     &err),
	    -1);
	buf_free(&b);
	vault_free(&vault);
}

static void
test_the_manifest_names_the_files(void **state)
{
	struct vault_places places = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(vault_decode_manifest(&places, manifest_text, &err),
	    0);
	assert_string_equal(places.key, PATHS_KEY);
	assert_string_equal(places.fingerprint, PATHS_FINGERPRINT);
	assert_int_equal(vault_decode_manifest(&places,
	                     "{\"EC2RegistrationKey\":\"x\"}", &err),
	    0);
	assert_string_equal(places.key, "");
	assert_int_equal(vault_decode_manifest(&places,
	                     "{\"RegistrationKey\":\"etc/x\"}", &err),
	    -1);
}

static void
save_and_load(void)
{
	struct vault vault = example(), back = { 0 };
	struct err err = { 0 };

	SANDBOX_CHECK(vault_load(&back, &err) == 1);
	SANDBOX_CHECK(vault_save(&vault, WHEN, &err) == 0);
	SANDBOX_CHECK(sandbox_holds(PATHS_KEY, key_text));
	SANDBOX_CHECK(sandbox_holds(PATHS_FINGERPRINT, fingerprint_text));
	SANDBOX_CHECK(sandbox_holds(PATHS_MANIFEST, manifest_text));
	SANDBOX_CHECK(sandbox_holds(PATHS_REGISTRATION, registration_text));
	SANDBOX_CHECK(sandbox_mode("/var/lib") == 0755);
	SANDBOX_CHECK(sandbox_mode("/var/lib/amazon") == 0755);
	SANDBOX_CHECK(sandbox_mode(PATHS_LIB) == 0700);
	SANDBOX_CHECK(sandbox_mode(PATHS_VAULT) == 0600);
	SANDBOX_CHECK(sandbox_mode(PATHS_STORE) == 0600);
	SANDBOX_CHECK(sandbox_mode(PATHS_KEY) == 0600);
	SANDBOX_CHECK(sandbox_mode(PATHS_FINGERPRINT) == 0600);
	SANDBOX_CHECK(sandbox_mode(PATHS_MANIFEST) == 0600);
	SANDBOX_CHECK(sandbox_mode(PATHS_REGISTRATION) == 0600);
	SANDBOX_CHECK(vault_load(&back, &err) == 0);
	SANDBOX_CHECK(strcmp(back.node, NODE) == 0);
	SANDBOX_CHECK(strcmp(back.private_key, KEY) == 0);
	/* Loading again gives up what was there before. */
	SANDBOX_CHECK(vault_load(&back, &err) == 0);
	vault_free(&back);
}

static void
test_saves_and_loads(void **state)
{
	(void)state;
	assert_true(sandbox_run(save_and_load));
}

static void
honour_manifest(void)
{
	struct vault back = { 0 };
	struct err err = { 0 };

	sandbox_file("/run/elsewhere/k", 0600, key_text);
	sandbox_file("/run/elsewhere/f", 0600, fingerprint_text);
	sandbox_file(PATHS_MANIFEST, 0600,
	    "{\"RegistrationKey\":\"/run/elsewhere/k\","
	    "\"InstanceFingerprint\":\"/run/elsewhere/f\",\"Other\":\"/x\"}");
	SANDBOX_CHECK(vault_load(&back, &err) == 0);
	SANDBOX_CHECK(strcmp(back.node, NODE) == 0);
	vault_free(&back);
	SANDBOX_CHECK(unlink("/run/elsewhere/f") == 0);
	SANDBOX_CHECK(vault_load(&back, &err) == -1);
	SANDBOX_CHECK(err.kind == ERR_KIND_PARSE);
	SANDBOX_CHECK(unlink("/run/elsewhere/k") == 0);
	err_clear(&err);
	SANDBOX_CHECK(vault_load(&back, &err) == 1);
	sandbox_file(PATHS_MANIFEST, 0600, "not json");
	SANDBOX_CHECK(vault_load(&back, &err) == -1);
}

static void
test_honours_the_paths_of_the_manifest(void **state)
{
	(void)state;
	assert_true(sandbox_run(honour_manifest));
}

/* The file that is written last but one cannot be: it is a folder. */
static void
fail_half_way(void)
{
	struct vault vault = example(), back = { 0 };
	struct err err = { 0 };

	SANDBOX_CHECK(vault_save(&vault, WHEN, &err) == 0);
	SANDBOX_CHECK(unlink(PATHS_REGISTRATION) == 0);
	sandbox_file(PATHS_REGISTRATION "/file", 0600, "");
	SANDBOX_CHECK(vault_save(&vault, WHEN, &err) == -1);
	SANDBOX_CHECK(strstr(err.msg, "vault: ") == err.msg);
	SANDBOX_CHECK(!sandbox_exists(PATHS_MANIFEST));
	SANDBOX_CHECK(!sandbox_exists(PATHS_KEY));
	SANDBOX_CHECK(!sandbox_exists(PATHS_FINGERPRINT));
	SANDBOX_CHECK(vault_load(&back, &err) == 1);
}

static void
test_leaves_no_half_registration(void **state)
{
	(void)state;
	assert_true(sandbox_run(fail_half_way));
}

static void
save_and_remove(void)
{
	struct vault vault = example();
	struct err err = { 0 };

	SANDBOX_CHECK(vault_remove(&err) == 0);
	SANDBOX_CHECK(vault_save(&vault, WHEN, &err) == 0);
	sandbox_file(PATHS_IDENTITY, 0600, "{}");
	sandbox_file(PATHS_LIB "/runtimeconfig/other.json", 0600, "{}");
	sandbox_file(PATHS_LIB "/" NODE "/session/x", 0600, "");
	SANDBOX_CHECK(vault_remove(&err) == 0);
	SANDBOX_CHECK(!sandbox_exists(PATHS_MANIFEST));
	SANDBOX_CHECK(!sandbox_exists(PATHS_KEY));
	SANDBOX_CHECK(!sandbox_exists(PATHS_FINGERPRINT));
	SANDBOX_CHECK(!sandbox_exists(PATHS_REGISTRATION));
	SANDBOX_CHECK(!sandbox_exists(PATHS_IDENTITY));
	SANDBOX_CHECK(sandbox_exists(PATHS_LIB "/runtimeconfig/other.json"));
	SANDBOX_CHECK(sandbox_exists(PATHS_LIB "/" NODE "/session/x"));
}

static void
test_removes_the_identity_and_nothing_else(void **state)
{
	(void)state;
	assert_true(sandbox_run(save_and_remove));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts_are_those_of_the_agent),
		cmocka_unit_test(test_refuses_what_aws_does_not_give),
		cmocka_unit_test(test_refuses_the_id_of_an_ec2_instance),
		cmocka_unit_test(test_decodes_what_was_encoded),
		cmocka_unit_test(test_skips_members_it_does_not_know),
		cmocka_unit_test(test_a_cleared_registration_is_none),
		cmocka_unit_test(test_refuses_damage_and_leaves_out_alone),
		cmocka_unit_test(test_refuses_a_key_over_the_limit),
		cmocka_unit_test(test_the_manifest_names_the_files),
		cmocka_unit_test(test_saves_and_loads),
		cmocka_unit_test(test_honours_the_paths_of_the_manifest),
		cmocka_unit_test(test_leaves_no_half_registration),
		cmocka_unit_test(test_removes_the_identity_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
