/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "agent/volume.h"
#include "base/err.h"
#include "unit/sandbox.h"

/* Each part runs as root in a root of its own, so that owners are real. */

enum { USER = 1000 };

#define CHECK  SANDBOX_CHECK
#define SHADOW "/etc/shadow"

static struct err err;

/* A folder as the kubelet makes it, and what is above. */
static void
make_volume(const char *path, mode_t mode)
{
	char inside[128];

	(void)snprintf(inside, sizeof(inside), "%s/x", path);
	sandbox_file(inside, 0600, "");
	CHECK(unlink(inside) == 0 && chmod(path, mode) == 0);
}

static void
plant(const char *path, const char *text)
{
	sandbox_file(path, 0644, text);
	CHECK(chown(path, USER, USER) == 0);
}

static void
plant_link(const char *target, const char *path)
{
	CHECK(symlink(target, path) == 0 && lchown(path, USER, USER) == 0);
}

static int
clean(enum volume volume)
{
	int dir = volume_open(volume, &err);
	int rc;

	CHECK(dir >= 0);
	rc = volume_clean(dir, volume, &err);
	(void)close(dir);
	return rc;
}

static void
missing(void)
{
	CHECK(clean(VOLUME_LIB) == 0 && clean(VOLUME_ETC) == 0);
	CHECK(sandbox_mode(PATHS_LIB) == 0700);
	CHECK(sandbox_mode(PATHS_LIB_ABOVE) == 0755);
	CHECK(sandbox_mode(PATHS_ETC) == 0755);
}

static void
planted(void)
{
	make_volume(PATHS_ETC, 0777);
	make_volume(PATHS_LIB, 01777);
	sandbox_file(SHADOW, 0600, "secret");
	plant(PATHS_CONFIG, "{\"Mgs\":{}}");
	plant(PATHS_ETC "/.ssm-activate.seelog.xml", "half");
	plant_link(SHADOW, PATHS_SEELOG_TEMPLATE);
	plant_link(SHADOW, PATHS_ETC "/any");
	CHECK(link(SHADOW, PATHS_SEELOG) == 0);
	plant_link("/srv", PATHS_VAULT);
	plant(PATHS_REGISTRATION, "{}");
	CHECK(clean(VOLUME_ETC) == 0 && clean(VOLUME_LIB) == 0);
	CHECK(sandbox_mode(PATHS_ETC) == 0755);
	CHECK(sandbox_mode(PATHS_LIB) == 0700);
	CHECK(!sandbox_exists(PATHS_CONFIG));
	CHECK(!sandbox_exists(PATHS_ETC "/.ssm-activate.seelog.xml"));
	CHECK(!sandbox_exists(PATHS_SEELOG_TEMPLATE));
	CHECK(!sandbox_exists(PATHS_ETC "/any"));
	CHECK(!sandbox_exists(PATHS_SEELOG));
	CHECK(!sandbox_exists(PATHS_VAULT));
	CHECK(!sandbox_exists(PATHS_REGISTRATION));
	CHECK(sandbox_holds(SHADOW, "secret"));
}

static void
refused(const char *message)
{
	CHECK(clean(VOLUME_LIB) == -1);
	CHECK(strcmp(err.msg, message) == 0 && err.fix[0] != '\0');
	err_clear(&err);
}

/* As often as it is asked, so that the next start does not take it. */
static void
unknown(void)
{
	make_volume(PATHS_LIB, 0777);
	plant(PATHS_LIB "/data", "of the application");
	for (int i = 0; i < 2; i++)
		refused(PATHS_LIB ": there is data, which uid 1000 put there");
	CHECK(unlink(PATHS_LIB "/data") == 0);
	CHECK(mkdir(PATHS_VAULT, 0755) == 0);
	CHECK(chown(PATHS_VAULT, USER, USER) == 0);
	refused(PATHS_LIB ": there is Vault, which uid 1000 put there");
	CHECK(rmdir(PATHS_VAULT) == 0 && clean(VOLUME_LIB) == 0);
}

/* Everything of root's in a volume that the kubelet gave to a group. */
static void
below(void)
{
	make_volume(PATHS_LIB "/mi-1/deep", 02775);
	make_volume(PATHS_STORE, 02770);
	sandbox_file(PATHS_KEY, 0600, "key");
	sandbox_file(PATHS_LIB "/mi-1/deep/ours", 0600, "x");
	plant_link(SHADOW, PATHS_LIB "/mi-1/deep/link");
	CHECK(clean(VOLUME_LIB) == 0);
	CHECK(!sandbox_exists(PATHS_LIB "/mi-1/deep/link"));
	CHECK(sandbox_exists(PATHS_LIB "/mi-1/deep/ours"));
	CHECK(sandbox_holds(PATHS_KEY, "key"));
	CHECK(sandbox_mode(PATHS_STORE) == 0700);
	CHECK(sandbox_mode(PATHS_LIB "/mi-1/deep") == 0700);
	plant(PATHS_LIB "/mi-1/deep/file", "x");
	CHECK(clean(VOLUME_LIB) == 0);
	CHECK(chmod(PATHS_LIB "/mi-1/deep", 0777) == 0);
	for (int i = 0; i < 2; i++)
		refused(PATHS_LIB
		    "/mi-1/deep: there is file, which uid 1000 put there");
}

/* What came with the image, or an earlier start. */
static void
of_root(void)
{
	sandbox_file(PATHS_CONFIG, 0644, "{}");
	sandbox_file("/opt/template", 0644, "<seelog/>");
	CHECK(symlink("/opt/template", PATHS_SEELOG_TEMPLATE) == 0);
	CHECK(link("/opt/template", PATHS_SEELOG) == 0);
	sandbox_file(PATHS_KEY, 0600, "key");
	CHECK(clean(VOLUME_ETC) == 0 && clean(VOLUME_LIB) == 0);
	CHECK(sandbox_holds(PATHS_CONFIG, "{}"));
	CHECK(sandbox_holds(PATHS_SEELOG_TEMPLATE, "<seelog/>"));
	CHECK(sandbox_holds(PATHS_SEELOG, "<seelog/>"));
	CHECK(sandbox_holds(PATHS_KEY, "key"));
}

static void
above(void)
{
	make_volume(PATHS_ETC_ABOVE, 0777);
	CHECK(clean(VOLUME_ETC) == 0);
	CHECK((sandbox_mode(PATHS_ETC_ABOVE) & 0777) == 0755);
	CHECK(chmod("/etc", 0777) == 0);
	CHECK(volume_open(VOLUME_ETC, &err) == -1);
	CHECK(strcmp(err.msg, "others than root may write to /etc") == 0);
}

SANDBOX_TEST(missing)
SANDBOX_TEST(planted)
SANDBOX_TEST(unknown)
SANDBOX_TEST(below)
SANDBOX_TEST(of_root)
SANDBOX_TEST(above)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_of_root),
		cmocka_unit_test(test_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
