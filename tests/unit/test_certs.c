/* SPDX-License-Identifier: MIT */
/* The certificates that the agent trusts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "settings/config.h"
#include "unit/sandbox.h"
#include "work/certs.h"

#define STORE   "/etc/ssl/certs/ca-certificates.crt"
#define STATE   "/state"
#define OURS    STATE "/ca.pem"
#define SYSTEM  "system\n"
#define PRIVATE "private"

static char *const no_vars[] = { NULL };
static char bundle_var[] = "AWS_CA_BUNDLE=/bundle.pem",
            file_var[] = "SSL_CERT_FILE=/mine.pem";
static char *const with_bundle[] = { bundle_var, NULL };
static char *const with_both[] = { bundle_var, file_var, NULL };

static int
install(char *const *vars, struct err *err)
{
	struct config cfg = { .env = { vars }, .state_dir = STATE };
	int rc = certs_install(&cfg, err);

	SANDBOX_CHECK(certs_exist(&cfg) == sandbox_exists(OURS));
	return rc;
}

static void
store_is_enough(void)
{
	struct err err = { 0 };

	sandbox_file(STORE, 0644, SYSTEM);
	sandbox_file(OURS, 0644, "of an earlier start");
	SANDBOX_CHECK(install(no_vars, &err) == 0);
	SANDBOX_CHECK(!sandbox_exists(OURS));
	SANDBOX_CHECK(install(no_vars, &err) == 0);
}

static void
bundle_is_added(void)
{
	struct err err = { 0 };

	sandbox_file(STORE, 0644, SYSTEM);
	sandbox_file("/bundle.pem", 0644, PRIVATE);
	sandbox_file(STATE "/x", 0644, "");
	SANDBOX_CHECK(install(with_bundle, &err) == 0);
	SANDBOX_CHECK(sandbox_holds(OURS, SYSTEM "\n" PRIVATE "\n"));
	SANDBOX_CHECK(sandbox_mode(OURS) == 0644);
	sandbox_file("/bundle.pem", 0644, "\xEF\xBB\xBF" PRIVATE);
	SANDBOX_CHECK(install(with_bundle, &err) == 0);
	SANDBOX_CHECK(sandbox_holds(OURS, SYSTEM "\n\n\n\n" PRIVATE "\n"));
	/* The user has settled it himself. */
	SANDBOX_CHECK(install(with_both, &err) == 0);
	SANDBOX_CHECK(!sandbox_exists(OURS));
}

static void
other_store(void)
{
	struct err err = { 0 };

	sandbox_file("/etc/ssl/cert.pem", 0644, "last\n");
	sandbox_file("/bundle.pem", 0644, PRIVATE);
	sandbox_file(STATE "/x", 0644, "");
	SANDBOX_CHECK(install(with_bundle, &err) == 0);
	SANDBOX_CHECK(sandbox_holds(OURS, "last\n\n" PRIVATE "\n"));
	sandbox_file("/etc/pki/tls/certs/ca-bundle.crt", 0644, "first\n");
	SANDBOX_CHECK(install(with_bundle, &err) == 0);
	SANDBOX_CHECK(sandbox_holds(OURS, "first\n\n" PRIVATE "\n"));
}

static void
no_store(void)
{
	struct buf text = { 0 };
	struct err err = { 0 };

	sandbox_file("/bundle.pem", 0644, PRIVATE);
	sandbox_file(STATE "/x", 0644, "");
	SANDBOX_CHECK(install(no_vars, &err) == 0);
	SANDBOX_CHECK(file_read(OURS, &text, &err) == FILE_FOUND);
	SANDBOX_CHECK(strstr(buf_str(&text),
	                  "-----BEGIN CERTIFICATE-----\nMI") != NULL);
	buf_free(&text);
	/* The bundle takes the place of the built-in roots. */
	SANDBOX_CHECK(install(with_bundle, &err) == 0);
	SANDBOX_CHECK(sandbox_holds(OURS, PRIVATE "\n"));
}

static void
no_bundle(void)
{
	struct err err = { 0 };

	sandbox_file(STORE, 0644, SYSTEM);
	sandbox_file(OURS, 0644, "of an earlier start");
	SANDBOX_CHECK(install(with_bundle, &err) == -1);
	SANDBOX_CHECK(err.kind == ERR_KIND_CONFIG);
	SANDBOX_CHECK(strstr(err.msg, "AWS_CA_BUNDLE") != NULL);
	SANDBOX_CHECK(strstr(err.msg, "/bundle.pem") != NULL);
}

static void
test_store_is_enough(void **state)
{
	(void)state;
	assert_true(sandbox_run(store_is_enough));
}

static void
test_bundle_is_added(void **state)
{
	(void)state;
	assert_true(sandbox_run(bundle_is_added));
}

static void
test_other_store(void **state)
{
	(void)state;
	assert_true(sandbox_run(other_store));
}

static void
test_no_store(void **state)
{
	(void)state;
	assert_true(sandbox_run(no_store));
}

static void
test_no_bundle(void **state)
{
	(void)state;
	assert_true(sandbox_run(no_bundle));
}

static void
test_path(void **state)
{
	char dir[CONFIG_DIR_MAX + 1], path[WORK_PATH_MAX];
	struct config cfg = { .state_dir = dir };

	(void)state;
	memset(dir, 'd', sizeof dir);
	dir[0] = '/';
	dir[CONFIG_DIR_MAX] = '\0';
	certs_path(path, &cfg);
	assert_int_equal(strlen(path), CONFIG_DIR_MAX + strlen("/ca.pem"));
	assert_false(certs_exist(&cfg));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_is_enough),
		cmocka_unit_test(test_bundle_is_added),
		cmocka_unit_test(test_other_store),
		cmocka_unit_test(test_no_store),
		cmocka_unit_test(test_no_bundle),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
