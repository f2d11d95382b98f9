/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/swap.h"
#include "base/buf.h"
#include "base/err.h"
#include "unit/sandbox.h"

enum { A, B, COUNT };

static struct swap_file files[COUNT];
static struct err err;

/* Load both; a text of NULL leaves the file as it is. */
static void
begin(const char *a, const char *b)
{
	static const char *const names[COUNT][2] = { { "/d/a", "/d/.a" },
		{ "/d/b", "/d/.b" } };
	const char *texts[COUNT] = { a, b };

	err = (struct err){ 0 };
	for (int i = 0; i < COUNT; i++) {
		files[i] = (struct swap_file){ .path = names[i][0],
			.temp = names[i][1] };
		SANDBOX_CHECK(swap_load(&files[i], &err) == 0);
		if (texts[i] != NULL)
			buf_puts(&files[i].new, texts[i]);
	}
}

static void
add_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	SANDBOX_CHECK(fd >= 0);
	SANDBOX_CHECK(write(fd, line, strlen(line)) == (ssize_t)strlen(line));
	SANDBOX_CHECK(close(fd) == 0);
}

static void
end(void)
{
	swap_drop(files, COUNT);
	SANDBOX_CHECK(!sandbox_exists("/d/.a") && !sandbox_exists("/d/.b"));
}

static void
replace(void)
{
	struct stat st;

	sandbox_file("/d/a", 0640, "a\n");
	SANDBOX_CHECK(chown("/d/a", 7, 8) == 0);
	/* What a crash left behind does no harm. */
	sandbox_file("/d/.a", 0600, "old");
	begin("a\nmore\n", "new\n");
	SANDBOX_CHECK(files[A].found && !files[B].found);
	SANDBOX_CHECK(swap_stage(files, COUNT, true, &err) == 0);
	SANDBOX_CHECK(sandbox_holds("/d/a", "a\n"));
	SANDBOX_CHECK(swap_commit(files, COUNT, &err) == 0);
	end();
	SANDBOX_CHECK(sandbox_holds("/d/a", "a\nmore\n"));
	SANDBOX_CHECK(sandbox_holds("/d/b", "new\n"));
	SANDBOX_CHECK(stat("/d/a", &st) == 0 && st.st_uid == 7 &&
	              st.st_gid == 8 && sandbox_mode("/d/a") == 0640);
	SANDBOX_CHECK(sandbox_mode("/d/b") == 0644);
	begin(NULL, "newer\n");
	SANDBOX_CHECK(swap_stage(files, COUNT, false, &err) == 0);
	SANDBOX_CHECK(swap_commit(files, COUNT, &err) == 0);
	end();
	SANDBOX_CHECK(sandbox_holds("/d/a", "a\nmore\n"));
	SANDBOX_CHECK(sandbox_holds("/d/b", "newer\n"));
}

static void
test_replaces_files_with_their_owners_and_modes(void **state)
{
	(void)state;
	assert_true(sandbox_run(replace));
}

/* The second file changes after it was read, in four ways. */
static void
notice_changes(void)
{
	for (int way = 0; way < 4; way++) {
		sandbox_file("/d/a", 0644, "a\n");
		sandbox_file("/d/b", 0644, "b\n");
		begin("A\n", "B\n");
		SANDBOX_CHECK(swap_stage(files, COUNT, true, &err) == 0);
		if (way == 0)
			add_line("/d/b", "x\n");
		else if (way == 1)
			sandbox_file("/d/b", 0644, "c\n");
		else if (way == 2)
			SANDBOX_CHECK(chmod("/d/b", 0600) == 0);
		else
			SANDBOX_CHECK(unlink("/d/b") == 0);
		SANDBOX_CHECK(swap_commit(files, COUNT, &err) == 1);
		end();
		SANDBOX_CHECK(sandbox_holds("/d/a", "a\n"));
		if (way == 0)
			SANDBOX_CHECK(sandbox_holds("/d/b", "b\nx\n"));
		if (way == 1)
			SANDBOX_CHECK(sandbox_holds("/d/b", "c\n"));
	}
	/* One that was not there is. */
	begin("A\n", "B\n");
	SANDBOX_CHECK(swap_stage(files, COUNT, true, &err) == 0);
	sandbox_file("/d/b", 0644, "");
	SANDBOX_CHECK(swap_commit(files, COUNT, &err) == 1);
	end();
	SANDBOX_CHECK(sandbox_holds("/d/b", ""));
}

static void
test_changes_nothing_when_somebody_wrote_meanwhile(void **state)
{
	(void)state;
	assert_true(sandbox_run(notice_changes));
}

/* b is on a file system of its own, which has one page. */
static void
mount_small(const char *text)
{
	sandbox_file("/d/b", 0644, "");
	SANDBOX_CHECK(mkdir("/v", 0755) == 0);
	SANDBOX_CHECK(mount("v", "/v", "tmpfs", 0, "size=4k") == 0);
	sandbox_file("/v/b", 0644, text);
	SANDBOX_CHECK(mount("/v/b", "/d/b", NULL, MS_BIND, NULL) == 0);
}

static void
write_mounted(void)
{
	sandbox_file("/d/a", 0644, "a\n");
	mount_small("one\ntwo\n");
	begin("A\n", "one\ntwo\nthree\n");
	SANDBOX_CHECK(swap_stage(files, COUNT, true, &err) == 0);
	SANDBOX_CHECK(swap_commit(files, COUNT, &err) == 0);
	end();
	SANDBOX_CHECK(sandbox_holds("/v/b", "one\ntwo\nthree\n"));
	begin(NULL, "one,x\n");
	SANDBOX_CHECK(swap_stage(files, COUNT, true, &err) == 0);
	SANDBOX_CHECK(swap_commit(files, COUNT, &err) == 0);
	end();
	SANDBOX_CHECK(sandbox_holds("/v/b", "one,x\n"));
	SANDBOX_CHECK(sandbox_holds("/d/a", "A\n"));
}

static void
test_writes_a_mounted_file_in_place(void **state)
{
	(void)state;
	assert_true(sandbox_run(write_mounted));
}

/* A page that is full up to a few bytes; the new text differs early. */
static void
write_full(void)
{
	static char old[4092], new[8192];

	memset(old, 'x', sizeof(old) - 1);
	memset(new, 'y', sizeof(new) - 1);
	sandbox_file("/d/a", 0644, "a\n");
	mount_small(old);
	for (int way = 0; way < 2; way++) {
		/* Changed from its beginning; made longer at its end. */
		if (way == 1)
			memset(new, 'x', sizeof(old) - 1);
		begin("A\n", new);
		SANDBOX_CHECK(swap_stage(files, COUNT, true, &err) == 0);
		SANDBOX_CHECK(swap_commit(files, COUNT, &err) == -1);
		SANDBOX_CHECK(strstr(err.msg, "No space left") != NULL);
		end();
		SANDBOX_CHECK(sandbox_holds("/v/b", old));
		SANDBOX_CHECK(sandbox_holds("/d/a", "a\n"));
	}
	/* The first one was not there. */
	SANDBOX_CHECK(unlink("/d/a") == 0);
	begin("A\n", new);
	SANDBOX_CHECK(swap_stage(files, COUNT, true, &err) == 0);
	SANDBOX_CHECK(swap_commit(files, COUNT, &err) == -1);
	end();
	SANDBOX_CHECK(!sandbox_exists("/d/a"));
}

static void
test_puts_all_back_when_there_is_no_room(void **state)
{
	(void)state;
	assert_true(sandbox_run(write_full));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_replaces_files_with_their_owners_and_modes),
		cmocka_unit_test(
		    test_changes_nothing_when_somebody_wrote_meanwhile),
		cmocka_unit_test(test_writes_a_mounted_file_in_place),
		cmocka_unit_test(test_puts_all_back_when_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
