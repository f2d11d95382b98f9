/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/used.h"
#include "agent/user.h"
#include "base/buf.h"
#include "base/slice.h"
#include "unit/sandbox.h"

#define STATUS "Name:\tnginx\nUmask:\t0022\nState:\tS (sleeping)\n"

static struct used used;

/* A /proc of our own, and the kernel's again, which a sanitizer needs. */
static void
hide_proc(void)
{
	SANDBOX_CHECK(mount("proc", "/proc", "tmpfs", 0, NULL) == 0);
}

static void
show_proc(void)
{
	SANDBOX_CHECK(umount("/proc") == 0);
}

static void
test_begins_with_nothing_in_use(void **state)
{
	(void)state;
	used_begin(&used, 500, 60000);
	assert_false(used_has_uid(&used, 500));
	assert_false(used_has_gid(&used, 60000));
	assert_int_equal(used_free(&used), 60000);
}

static void
test_finds_the_highest_free_number(void **state)
{
	(void)state;
	used_begin(&used, 1000, 1003);
	used_uid(&used, 1003);
	used_gid(&used, 1002);
	used_uid(&used, 999);
	used_uid(&used, 1004);
	assert_int_equal(used_free(&used), 1001);
	used_gid(&used, 1001);
	assert_int_equal(used_free(&used), 1000);
	used_uid(&used, 1000);
	assert_int_equal(used_free(&used), 0);
	assert_true(used_has_uid(&used, 1003));
	assert_false(used_has_gid(&used, 1003));
	assert_false(used_has_uid(&used, 999));
	assert_false(used_has_uid(&used, 1004));
}

static void
test_keeps_within_its_bounds(void **state)
{
	(void)state;
	used_begin(&used, 10, UINT32_MAX);
	used_uid(&used, UINT32_MAX);
	used_uid(&used, 10 + USED_MAX);
	assert_false(used_has_uid(&used, UINT32_MAX));
	assert_int_equal(used_free(&used), 10 + USED_MAX - 1);
	used_begin(&used, UINT32_MAX - 1, UINT32_MAX - 1);
	assert_int_equal(used_free(&used), UINT32_MAX - 1);
	used_gid(&used, UINT32_MAX - 1);
	assert_int_equal(used_free(&used), 0);
	/* 0 is root's, and the answer "none". */
	used_begin(&used, 0, 1);
	used_uid(&used, 1);
	assert_int_equal(used_free(&used), 0);
}

static void
test_reads_passwd_and_group(void **state)
{
	const struct slice passwd = slice_of("a:x:1:2::/:\n#b:x:3:3::/:\nbad\n"
	                                     "me:x:4:5::/:\nx:x:4294967295:-1");
	const struct slice group = slice_of("g:x:6:a\nme:x:7:\n+\n");

	(void)state;
	used_begin(&used, 1, 9);
	used_entries(&used, passwd, group, NULL);
	assert_true(used_has_uid(&used, 1) && used_has_gid(&used, 2));
	assert_true(used_has_uid(&used, 4) && used_has_gid(&used, 5));
	assert_true(used_has_gid(&used, 6) && used_has_gid(&used, 7));
	assert_false(used_has_uid(&used, 2) || used_has_gid(&used, 1));
	assert_false(used_has_uid(&used, 3) || used_has_gid(&used, 3));
	used_begin(&used, 1, 9);
	used_entries(&used, passwd, group, "me");
	assert_true(used_has_uid(&used, 1) && used_has_gid(&used, 6));
	assert_false(used_has_uid(&used, 4) || used_has_gid(&used, 5));
	assert_false(used_has_gid(&used, 7));
}

/* What is no process is not looked into. */
static void
read_processes(void)
{
	hide_proc();
	sandbox_file("/proc/1/status", 0444,
	    STATUS
	    "Uid:\t0\t11\t12\t13\nGid:\t21\t22\t23\t24\n"
	    "FDSize:\t50\nGroups:\t31 32 \nNStgid:\t51\nVmPeak:\t52 kB\n");
	sandbox_file("/proc/77/status", 0444, "Uid:\t14\t15");
	sandbox_file("/proc/78/status", 0444,
	    "Uidx:\t53\nXUid:\t54\nUid\t55\nUid: 4294967295 99999999999999999999"
	    "\nGroupsGroups:\t56\nGroupsG:\t57\n");
	sandbox_file("/proc/self/status", 0444, "Uid:\t58\n");
	sandbox_file("/proc/12345678901/status", 0444, "Uid:\t59\n");
	sandbox_file("/proc/79/x", 0444, "");
	used_begin(&used, 1, 100);
	used_machine(&used);
	for (uint32_t id = 1; id <= 100; id++) {
		SANDBOX_CHECK(used_has_uid(&used, id) ==
		              (id >= 11 && id <= 15));
		SANDBOX_CHECK(used_has_gid(&used, id) ==
		              ((id >= 21 && id <= 24) || id == 31 || id == 32));
	}
	show_proc();
}

static void
test_reads_the_ids_of_processes(void **state)
{
	(void)state;
	assert_true(sandbox_run(read_processes));
}

/* The list of groups is longer than what is read at once. */
static void
read_many_groups(void)
{
	struct buf text = { .max = 1 << 20 };

	buf_puts(&text, STATUS "Gid:\t1\t1\t1\t1\nGroups:\t");
	for (unsigned id = 10000; id < 20000; id++)
		buf_printf(&text, "%u ", id);
	buf_puts(&text, "\nUid:\t9\n");
	SANDBOX_CHECK(buf_ok(&text));
	hide_proc();
	sandbox_file("/proc/1/status", 0444, buf_str(&text));
	buf_free(&text);
	used_begin(&used, 1, 30000);
	used_machine(&used);
	for (uint32_t id = 2; id <= 30000; id++)
		SANDBOX_CHECK(used_has_gid(&used, id) ==
		              (id >= 10000 && id < 20000));
	SANDBOX_CHECK(used_has_uid(&used, 9));
	show_proc();
}

static void
test_reads_a_status_of_any_length(void **state)
{
	(void)state;
	assert_true(sandbox_run(read_many_groups));
}

/* The kernel's own text, of a process whose ids all differ. */
static void
see_a_process(void)
{
	const gid_t groups[] = { 61031, 61032 };
	int ends[2];
	char byte;
	pid_t pid;

	SANDBOX_CHECK(pipe(ends) == 0);
	pid = fork();
	SANDBOX_CHECK(pid >= 0);
	if (pid == 0) {
		if (setgroups(2, groups) != 0 ||
		    setresgid(61021, 61022, 61023) != 0 ||
		    setresuid(61011, 61012, 61013) != 0 ||
		    write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	SANDBOX_CHECK(read(ends[0], &byte, 1) == 1);
	used_begin(&used, 61000, 61100);
	used_machine(&used);
	(void)kill(pid, SIGKILL);
	SANDBOX_CHECK(waitpid(pid, NULL, 0) == pid);
	for (uint32_t id = 61011; id <= 61013; id++)
		SANDBOX_CHECK(used_has_uid(&used, id) &&
		              used_has_gid(&used, id + 10));
	SANDBOX_CHECK(used_has_gid(&used, 61031) && used_has_gid(&used, 61032));
}

static void
test_sees_a_process_that_runs(void **state)
{
	(void)state;
	assert_true(sandbox_run(see_a_process));
}

static void
heed_files_folder_and_user(void)
{
	hide_proc();
	sandbox_file("/etc/passwd", 0644, "app:x:500:600::/srv/app:/bin/sh\n");
	sandbox_file("/etc/group", 0644, "logs:x:700:app\n");
	sandbox_file("/srv/app/x", 0644, "");
	SANDBOX_CHECK(chown("/srv/app", 1234, 1235) == 0);
	SANDBOX_CHECK(chdir("/srv/app") == 0);
	used_begin(&used, 1, 9999);
	used_machine(&used);
	SANDBOX_CHECK(used_has_uid(&used, 1234) && used_has_gid(&used, 1235));
	SANDBOX_CHECK(!used_has_uid(&used, 500) && !used_has_gid(&used, 700));
	user_heed(&used, "app");
	SANDBOX_CHECK(used_has_uid(&used, 500) && used_has_gid(&used, 600) &&
	              used_has_gid(&used, 700));
	user_heed(&used, "4242:4243");
	SANDBOX_CHECK(used_has_uid(&used, 4242) && used_has_gid(&used, 4243));
	user_heed(&used, "no such user");
	used_begin(&used, 1, 9999);
	used_files(&used);
	SANDBOX_CHECK(used_has_uid(&used, 500) && used_has_gid(&used, 700));
	SANDBOX_CHECK(!used_has_uid(&used, 1234));
	SANDBOX_CHECK(unlink("/etc/passwd") == 0 && unlink("/etc/group") == 0);
	used_begin(&used, 1, 9999);
	used_files(&used);
	used_unmapped(&used);
	SANDBOX_CHECK(used_free(&used) == 9999);
	show_proc();
}

static void
test_heeds_files_working_folder_and_user(void **state)
{
	(void)state;
	assert_true(sandbox_run(heed_files_folder_and_user));
}

static void
leave_out_the_unmapped(void)
{
	hide_proc();
	sandbox_file("/proc/self/uid_map", 0444,
	    "         0     100000       1001\n      2000     200000        100"
	    "\nbad\n 3000 x 1\n");
	sandbox_file("/proc/self/gid_map", 0444, "0 0 4294967295\n");
	used_begin(&used, 500, 60000);
	used_unmapped(&used);
	SANDBOX_CHECK(used_free(&used) == 2099);
	SANDBOX_CHECK(!used_has_uid(&used, 2000) && used_has_uid(&used, 1999));
	SANDBOX_CHECK(!used_has_uid(&used, 1000) && used_has_uid(&used, 1001));
	SANDBOX_CHECK(!used_has_gid(&used, 1999));
	show_proc();
}

static void
test_leaves_out_what_the_namespace_does_not_map(void **state)
{
	(void)state;
	assert_true(sandbox_run(leave_out_the_unmapped));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins_with_nothing_in_use),
		cmocka_unit_test(test_finds_the_highest_free_number),
		cmocka_unit_test(test_keeps_within_its_bounds),
		cmocka_unit_test(test_reads_passwd_and_group),
		cmocka_unit_test(test_reads_the_ids_of_processes),
		cmocka_unit_test(test_reads_a_status_of_any_length),
		cmocka_unit_test(test_sees_a_process_that_runs),
		cmocka_unit_test(test_heeds_files_working_folder_and_user),
		cmocka_unit_test(
		    test_leaves_out_what_the_namespace_does_not_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
