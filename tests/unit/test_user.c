/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/used.h"
#include "agent/user.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "unit/sandbox.h"

#define ROOT "root:x:0:0:root:/root:/bin/bash\n"
#define APP  "app:x:500:600::/srv/app:/bin/sh\n"

static const struct user_want plain;

struct result {
	struct buf passwd, group, shadow;
	struct err err;
	int rc;
};

static struct result
add(const char *passwd, const char *group, const char *shadow,
    const struct user_want *want)
{
	static struct result r;
	struct user_texts out = { &r.passwd, &r.group, &r.shadow };

	r = (struct result){ 0 };
	r.rc = user_add(&out, passwd, group, shadow, want, &r.err);
	return r;
}

static void
drop(struct result *r)
{
	buf_free(&r->passwd);
	buf_free(&r->group);
	buf_free(&r->shadow);
}

static void
expect(const char *passwd, const char *group, const char *shadow,
    const struct user_want *want, const char *const *texts)
{
	struct result r = add(passwd, group, shadow, want);

	assert_int_equal(r.rc, 0);
	assert_string_equal(buf_str(&r.passwd), texts[0]);
	assert_string_equal(buf_str(&r.group), texts[1]);
	assert_string_equal(buf_str(&r.shadow), texts[2]);
	drop(&r);
}

static void
test_adds_the_user_to_all_three_files(void **state)
{
	static const char *const texts[] = { ROOT
		"ssm-user:x:60000:60000::/home/ssm-user:/bin/sh\n",
		"root:x:0:\nssm-user:x:60000:\n",
		"root:*:19000:0:99999:7:::\nssm-user:!::0:99999:7:::\n" };

	(void)state;
	expect(ROOT, "root:x:0:\n", "root:*:19000:0:99999:7:::\n", &plain,
	    texts);
}

static void
test_without_shadow_the_password_is_locked_in_passwd(void **state)
{
	static const char *const texts[] = { ROOT
		"ssm-user:*:60000:60000::/home/ssm-user:/bin/sh\n",
		"root:x:0:\nssm-user:x:60000:\n", "" };

	(void)state;
	expect(ROOT, "root:x:0:\n", NULL, &plain, texts);
}

static void
test_an_empty_machine_gets_root_as_well(void **state)
{
	static const char *const texts[] = {
		"root:*:0:0:root:/root:/bin/sh\n"
		"ssm-user:*:60000:60000::/home/ssm-user:/bin/sh\n",
		"root:x:0:\nssm-user:x:60000:\n", ""
	};

	(void)state;
	expect(NULL, NULL, NULL, &plain, texts);
}

static void
test_keeps_odd_lines_byte_for_byte(void **state)
{
	static const char *const texts[] = {
		"\n# ssm-user:x:1:1\n+@net::::::\nbad\r\n::\n\n+\n"
		"ssm-user:x:60000:60000::/home/ssm-user:/bin/sh\n",
		"+:::\n:x\nssm-user:x:60000:\n", "x\nssm-user:!::0:99999:7:::\n"
	};

	(void)state;
	expect("\n# ssm-user:x:1:1\n+@net::::::\nbad\r\n::\n\n+", "+:::\n:x",
	    "x", &plain, texts);
}

static void
test_takes_an_id_that_nobody_has(void **state)
{
	static const char *const texts[] = {
		"a:x:60000:7::/:/bin/sh\nb:x:8:59999::/:/bin/sh\n"
		"ssm-user:*:59997:59997::/home/ssm-user:/bin/sh\n",
		"g:x:59998:\nssm-user:x:59997:\n", ""
	};

	(void)state;
	expect("a:x:60000:7::/:/bin/sh\nb:x:8:59999::/:/bin/sh\n",
	    "g:x:59998:\n", NULL, &plain, texts);
}

static void
test_uses_a_group_of_that_name(void **state)
{
	static const char *const texts[] = {
		"ssm-user:*:60000:77::/home/ssm-user:/bin/sh\n",
		"ssm-user:x:77:\n", ""
	};
	/* Of gid 0 the agent wants nothing. */
	static const char *const other[] = {
		"ssm-user:*:60000:60000::/home/ssm-user:/bin/sh\n",
		"ssm-user:x:0:\nssm-user-60000:x:60000:\n", ""
	};

	(void)state;
	expect("", "ssm-user:x:77:\n", NULL, &plain, texts);
	expect("", "ssm-user:x:0:\n", NULL, &plain, other);
}

/* Those of whom the files know nothing: processes, --user. */
static void
test_passes_over_ids_in_use(void **state)
{
	static const char *const texts[] = {
		"ssm-user:*:59997:59997::/home/ssm-user:/bin/sh\n",
		"ssm-user:x:59999:\nssm-user-59997:x:59997:\n", ""
	};
	/* A group of that name whose number nobody has gives the uid, too. */
	static const char *const left[] = {
		"ssm-user:*:5000:5000::/home/ssm-user:/bin/sh\n",
		"ssm-user:x:5000:\n", ""
	};
	static struct used used;
	const struct user_want want = { .used = &used };

	(void)state;
	used_begin(&used, 1, USER_ID_LAST);
	used_uid(&used, 60000);
	used_gid(&used, 59999);
	used_gid(&used, 59998);
	expect("", "ssm-user:x:59999:\n", NULL, &want, texts);
	expect("", "ssm-user:x:5000:\n", NULL, &want, left);
}

static void
test_an_existing_user_is_never_changed(void **state)
{
	struct user_want alias = { .alias = true, .uid = 70, .gid = 80 };
	struct result r;

	(void)state;
	r = add(ROOT "ssm-user:x:70:80::/h:/bin/sh", "", "", &plain);
	assert_int_equal(r.rc, 1);
	assert_int_equal(r.passwd.len + r.group.len + r.shadow.len, 0);
	drop(&r);
	r = add("ssm-user:x:70:80::/h:/bin/sh\n", NULL, NULL, &alias);
	assert_int_equal(r.rc, 1);
	drop(&r);
	alias.gid = 81;
	r = add("ssm-user:x:70:80::/h:/bin/sh\n", NULL, NULL, &alias);
	assert_int_equal(r.rc, -1);
	assert_non_null(strstr(r.err.msg, "exists already"));
	drop(&r);
}

static void
test_an_alias_shares_ids_home_and_groups(void **state)
{
	static const char *const texts[] = { ROOT APP
		"ssm-user:x:500:600::/srv/app:/bin/sh\n",
		"app:x:600:\nlogs:x:4:app,ssm-user\nadm:x:5:x,app,ssm-user\n"
		"apps:x:6:appx\nnone:x:7:\nhave:x:8:ssm-user,app\n",
		"ssm-user:!::0:99999:7:::\n" };
	struct user_want alias = { .alias = true, .uid = 500, .gid = 600 };

	(void)state;
	expect(ROOT APP,
	    "app:x:600:\nlogs:x:4:app\nadm:x:5:x,app\n"
	    "apps:x:6:appx\nnone:x:7:\nhave:x:8:ssm-user,app\n",
	    "", &alias, texts);
}

static void
test_an_alias_of_a_bare_number_gets_home_and_group(void **state)
{
	static const char *const texts[] = { ROOT
		"ssm-user:*:1234:5678::/home/ssm-user:/bin/sh\n",
		"ssm-user:x:9:\nssm-user-5678:x:5678:\n", "" };
	struct user_want alias = { .alias = true, .uid = 1234, .gid = 5678 };
	struct result r;

	(void)state;
	expect(ROOT, "ssm-user:x:9:\n", NULL, &alias, texts);
	r = add(ROOT, "ssm-user:x:9:\nssm-user-5678:x:1:\n", NULL, &alias);
	assert_int_equal(r.rc, -1);
	drop(&r);
}

static void
test_refuses_an_alias_of_root(void **state)
{
	static const struct user_want wants[] = { { .alias = true },
		{ .alias = true, .gid = 5 }, { .alias = true, .uid = 5 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct result r = add(ROOT, "", NULL, &wants[i]);

		assert_int_equal(r.rc, -1);
		assert_int_equal(r.err.kind, ERR_KIND_INVALID_VALUE);
		drop(&r);
	}
}

static void
test_says_when_no_id_is_free(void **state)
{
	struct buf group = { .max = 1 << 20 };
	struct result r;

	(void)state;
	for (int id = 1000; id <= 60000; id++)
		if (id != 43210)
			buf_printf(&group, "g:x:%d:\n", id);
	r = add(ROOT, buf_str(&group), NULL, &plain);
	/* The result is larger than a buffer's usual ceiling. */
	assert_int_equal(r.rc, -1);
	assert_null(strstr(r.err.msg, "free"));
	drop(&r);
	buf_puts(&group, "g:x:43210:\n");
	r = add(ROOT, buf_str(&group), NULL, &plain);
	assert_int_equal(r.rc, -1);
	assert_non_null(strstr(r.err.msg, "no free user id"));
	drop(&r);
	buf_free(&group);
}

static void
ensure(void)
{
	struct err err = { 0 };
	struct stat st;

	sandbox_file("/etc/passwd", 0644, "root:x:0:0:root:/root:/bin/sh");
	sandbox_file("/etc/group", 0604, "root:x:0:\n");
	sandbox_file("/etc/shadow", 0640, "root:*:1::::::\n");
	SANDBOX_CHECK(chown("/etc/shadow", 0, 42) == 0);
	/* What a crash left behind does no harm. */
	sandbox_file("/etc/.passwd.ssm-activate", 0600, "old");
	SANDBOX_CHECK(user_ensure(&plain, &err) == 0);
	SANDBOX_CHECK(sandbox_holds("/etc/passwd",
	    "root:x:0:0:root:/root:/bin/sh\n"
	    "ssm-user:x:60000:60000::/home/ssm-user:/bin/sh\n"));
	SANDBOX_CHECK(sandbox_holds("/etc/group",
	    "root:x:0:\nssm-user:x:60000:\n"));
	SANDBOX_CHECK(sandbox_holds("/etc/shadow",
	    "root:*:1::::::\nssm-user:!::0:99999:7:::\n"));
	SANDBOX_CHECK(sandbox_mode("/etc/passwd") == 0644);
	SANDBOX_CHECK(sandbox_mode("/etc/group") == 0604);
	SANDBOX_CHECK(sandbox_mode("/etc/shadow") == 0640);
	SANDBOX_CHECK(stat("/etc/shadow", &st) == 0 && st.st_gid == 42);
	SANDBOX_CHECK(!sandbox_exists("/etc/.passwd.ssm-activate"));
	SANDBOX_CHECK(!sandbox_exists("/etc/.group.ssm-activate"));
	SANDBOX_CHECK(!sandbox_exists("/etc/.shadow.ssm-activate"));
	SANDBOX_CHECK(stat("/home/ssm-user", &st) == 0);
	SANDBOX_CHECK((st.st_mode & 07777) == 0700 && st.st_uid == 60000 &&
	              st.st_gid == 60000);
	SANDBOX_CHECK(user_ensure(&plain, &err) == 1);
}

static void
test_makes_the_user(void **state)
{
	(void)state;
	assert_true(sandbox_run(ensure));
}

static void
ensure_on_nothing(void)
{
	struct err err = { 0 };

	SANDBOX_CHECK(user_ensure(&plain, &err) == 0);
	SANDBOX_CHECK(sandbox_mode("/etc") == 0755);
	SANDBOX_CHECK(sandbox_mode("/etc/passwd") == 0644);
	SANDBOX_CHECK(sandbox_mode("/etc/group") == 0644);
	SANDBOX_CHECK(!sandbox_exists("/etc/shadow"));
	SANDBOX_CHECK(sandbox_mode("/home/ssm-user") == 0700);
}

static void
test_makes_the_user_in_an_empty_root(void **state)
{
	(void)state;
	assert_true(sandbox_run(ensure_on_nothing));
}

/* Somebody put a link to /etc in the home folder's place. */
static void
ensure_beside_a_link(void)
{
	struct err err = { 0 };

	sandbox_file("/home/x", 0600, "");
	SANDBOX_CHECK(symlink("/etc", "/home/ssm-user") == 0);
	SANDBOX_CHECK(user_ensure(&plain, &err) == 0);
	SANDBOX_CHECK(sandbox_mode("/etc") == 0755);
}

static void
test_follows_no_link_to_the_home_folder(void **state)
{
	(void)state;
	assert_true(sandbox_run(ensure_beside_a_link));
}

static void
ensure_read_only(void)
{
	struct err err = { 0 };

	sandbox_file("/etc/passwd", 0644, ROOT);
	SANDBOX_CHECK(mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) ==
	              0);
	SANDBOX_CHECK(user_ensure(&plain, &err) == -1);
	SANDBOX_CHECK(strstr(err.msg, "Read-only file system") != NULL);
	SANDBOX_CHECK(mount(NULL, "/", NULL, MS_REMOUNT, NULL) == 0);
	sandbox_file("/etc/passwd", 0644, "ssm-user:x:5:5::/:/bin/sh\n");
	SANDBOX_CHECK(mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) ==
	              0);
	SANDBOX_CHECK(user_ensure(&plain, &err) == 1);
}

static void
test_a_read_only_root_needs_the_user_in_the_image(void **state)
{
	(void)state;
	assert_true(sandbox_run(ensure_read_only));
}

/* passwd is mounted by itself, as container runtimes do it. */
static void
ensure_on_a_mount(void)
{
	struct err err = { 0 };

	sandbox_file("/etc/passwd", 0644, "");
	sandbox_file("/mnt/passwd", 0644, ROOT);
	SANDBOX_CHECK(mount("/mnt/passwd", "/etc/passwd", NULL, MS_BIND,
	                  NULL) == 0);
	SANDBOX_CHECK(user_ensure(&plain, &err) == 0);
	SANDBOX_CHECK(sandbox_holds("/mnt/passwd",
	    ROOT "ssm-user:*:60000:60000::/home/ssm-user:/bin/sh\n"));
	SANDBOX_CHECK(!sandbox_exists("/etc/.passwd.ssm-activate"));
}

static void
test_writes_through_a_mounted_file(void **state)
{
	(void)state;
	assert_true(sandbox_run(ensure_on_a_mount));
}

/* The last of the files cannot be replaced: then the first ones go back. */
static void
ensure_all_or_nothing(void)
{
	struct err err = { 0 };

	sandbox_file("/etc/group", 0644, "root:x:0:\n");
	sandbox_file("/etc/shadow", 0600, "root:*:1::::::\n");
	sandbox_file("/etc/.passwd.ssm-activate/x", 0600, "");
	SANDBOX_CHECK(user_ensure(&plain, &err) == -1);
	SANDBOX_CHECK(sandbox_holds("/etc/group", "root:x:0:\n"));
	SANDBOX_CHECK(sandbox_holds("/etc/shadow", "root:*:1::::::\n"));
	SANDBOX_CHECK(!sandbox_exists("/etc/passwd"));
	SANDBOX_CHECK(!sandbox_exists("/home/ssm-user"));
}

static void
test_rewrites_all_files_or_none(void **state)
{
	(void)state;
	assert_true(sandbox_run(ensure_all_or_nothing));
}

static void
hold_lock(int ready, int ms)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("/etc/.pwd.lock", O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 ||
	    write(ready, "x", 1) != 1)
		_exit(1);
	clock_sleep(clock_in(ms));
	_exit(0);
}

static void
ensure_after_the_lock(void)
{
	struct err err = { 0 };
	int64_t start;
	int ends[2];
	char byte;
	pid_t pid;

	sandbox_file("/etc/passwd", 0644, ROOT);
	SANDBOX_CHECK(pipe(ends) == 0);
	pid = fork();
	SANDBOX_CHECK(pid >= 0);
	if (pid == 0)
		hold_lock(ends[1], 400);
	SANDBOX_CHECK(read(ends[0], &byte, 1) == 1);
	start = clock_ms();
	SANDBOX_CHECK(user_ensure(&plain, &err) == 0);
	SANDBOX_CHECK(clock_ms() - start >= 300);
	SANDBOX_CHECK(waitpid(pid, NULL, 0) == pid);
}

static void
test_waits_for_the_lock_of_the_shadow_tools(void **state)
{
	(void)state;
	assert_true(sandbox_run(ensure_after_the_lock));
}

static void
refuse_nul(void)
{
	struct err err = { 0 };
	int fd;

	sandbox_file("/etc/passwd", 0644, ROOT);
	fd = open("/etc/passwd", O_WRONLY | O_APPEND);
	SANDBOX_CHECK(fd >= 0 && write(fd, "\0x\n", 3) == 3);
	SANDBOX_CHECK(close(fd) == 0);
	SANDBOX_CHECK(user_ensure(&plain, &err) == -1);
	SANDBOX_CHECK(strstr(err.msg, "NUL") != NULL);
}

static void
test_refuses_a_file_with_a_nul(void **state)
{
	(void)state;
	assert_true(sandbox_run(refuse_nul));
}

static void
shares(const char *passwd, const char *app, uid_t uid, const char *who)
{
	struct buf found = { 0 };

	sandbox_file("/etc/passwd", 0644, passwd);
	SANDBOX_CHECK(user_shared(&found, app) == uid);
	SANDBOX_CHECK(strcmp(buf_str(&found), who) == 0);
	buf_free(&found);
}

static void
share(void)
{
	static const char mine[] = ROOT "ssm-user:x:61234:5::/:/bin/sh\n";
	int ends[2];
	char byte;
	pid_t pid;

	shares(ROOT, "1000", 0, "");
	shares(mine, "1000:61234", 0, "");
	shares(mine, "61234:7", 61234, "of --user");
	shares(mine, "61234x", 0, "");
	shares("ssm-user:x:0:5::/:/bin/sh\n" ROOT, NULL, 0, "");
	shares(ROOT "app:x:61234:9::/:/bin/sh\n"
	            "ssm-user:x:61234:5::/:/bin/sh\n",
	    "61234", 61234, "of app in /etc/passwd");
	sandbox_file("/srv/x", 0644, "");
	SANDBOX_CHECK(chdir("/srv") == 0 && chown("/srv", 61234, 0) == 0);
	shares(mine, NULL, 61234, "of the owner of the working folder");
	SANDBOX_CHECK(chown("/srv", 0, 61234) == 0);
	shares(mine, NULL, 0, "");
	SANDBOX_CHECK(pipe(ends) == 0);
	pid = fork();
	SANDBOX_CHECK(pid >= 0);
	if (pid == 0) {
		if (setuid(61234) != 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	SANDBOX_CHECK(read(ends[0], &byte, 1) == 1);
	shares(mine, NULL, 61234, "of a process that runs");
	(void)kill(pid, SIGKILL);
	SANDBOX_CHECK(waitpid(pid, NULL, 0) == pid);
}

static void
test_says_who_else_has_its_uid(void **state)
{
	(void)state;
	assert_true(sandbox_run(share));
}

static void
look_up(const char *spec, uid_t uid, gid_t gid, const char *home, int groups)
{
	struct user_ids ids = { 0 };
	struct err err = { 0 };

	SANDBOX_CHECK(user_find(&ids, spec, &err) == 0);
	SANDBOX_CHECK(ids.uid == uid && ids.gid == gid);
	SANDBOX_CHECK(strcmp(ids.home, home) == 0);
	SANDBOX_CHECK(ids.group_count == groups && ids.groups[0] == gid);
}

static void
find(void)
{
	static const char *const bad[] = { "nobody", "app:none", "", ":",
		"app:", ":app", "-1", "4294967295", "app:4294967296",
		"broken" };
	struct user_ids ids = { .uid = 7 };
	struct err err;

	sandbox_file("/etc/passwd", 0644,
	    ROOT APP "1000:x:900:900::/n:\nbroken:x:a:b:::\n");
	sandbox_file("/etc/group", 0644,
	    "app:x:600:app\nlogs:x:4:x,app\nadm:x:5:appx\nten:x:10:root");
	look_up("app", 500, 600, "/srv/app", 2);
	look_up("500", 500, 600, "/srv/app", 2);
	look_up("app:logs", 500, 4, "/srv/app", 1);
	look_up("app:77", 500, 77, "/srv/app", 1);
	look_up("1000", 900, 900, "/n", 1);
	look_up("4242", 4242, 0, "/", 1);
	look_up("4242:ten", 4242, 10, "/", 1);
	look_up("root", 0, 0, "/root", 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct err){ 0 };
		SANDBOX_CHECK(user_find(&ids, bad[i], &err) == -1);
		SANDBOX_CHECK(err.kind == ERR_KIND_INVALID_VALUE);
		SANDBOX_CHECK(ids.uid == 7);
	}
}

static void
test_finds_users_as_container_runtimes_do(void **state)
{
	(void)state;
	assert_true(sandbox_run(find));
}

static void
find_without_files(void)
{
	look_up("4242:5", 4242, 5, "/", 1);
}

static void
test_finds_numbers_without_any_file(void **state)
{
	(void)state;
	assert_true(sandbox_run(find_without_files));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_the_user_to_all_three_files),
		cmocka_unit_test(
		    test_without_shadow_the_password_is_locked_in_passwd),
		cmocka_unit_test(test_an_empty_machine_gets_root_as_well),
		cmocka_unit_test(test_keeps_odd_lines_byte_for_byte),
		cmocka_unit_test(test_takes_an_id_that_nobody_has),
		cmocka_unit_test(test_uses_a_group_of_that_name),
		cmocka_unit_test(test_passes_over_ids_in_use),
		cmocka_unit_test(test_an_existing_user_is_never_changed),
		cmocka_unit_test(test_an_alias_shares_ids_home_and_groups),
		cmocka_unit_test(
		    test_an_alias_of_a_bare_number_gets_home_and_group),
		cmocka_unit_test(test_refuses_an_alias_of_root),
		cmocka_unit_test(test_says_when_no_id_is_free),
		cmocka_unit_test(test_makes_the_user),
		cmocka_unit_test(test_makes_the_user_in_an_empty_root),
		cmocka_unit_test(test_follows_no_link_to_the_home_folder),
		cmocka_unit_test(
		    test_a_read_only_root_needs_the_user_in_the_image),
		cmocka_unit_test(test_writes_through_a_mounted_file),
		cmocka_unit_test(test_rewrites_all_files_or_none),
		cmocka_unit_test(test_waits_for_the_lock_of_the_shadow_tools),
		cmocka_unit_test(test_refuses_a_file_with_a_nul),
		cmocka_unit_test(test_says_who_else_has_its_uid),
		cmocka_unit_test(test_finds_users_as_container_runtimes_do),
		cmocka_unit_test(test_finds_numbers_without_any_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
