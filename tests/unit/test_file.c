/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

enum { LARGE = 1 << 20, SKIPPED = 77 };

static void
assert_content(const char *path, const char *wanted)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	if (file_read(path, &out, &err) != FILE_FOUND)
		fail_msg("%s: not there %s", path, err.msg);
	assert_string_equal(buf_str(&out), wanted);
	buf_free(&out);
}

static void
put(const char *path, const char *content)
{
	assert_int_equal(file_write(path, 0600, content, strlen(content), NULL),
	    0);
}

static size_t
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count - 2;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

static void
test_reads_what_was_written(void **state)
{
	static char large[60000];
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (char)(i * 31);
	assert_int_equal(file_write("f", 0600, large, sizeof large, NULL), 0);
	buf_puts(&out, ">");
	assert_int_equal(file_read("f", &out, NULL), FILE_FOUND);
	assert_int_equal(out.len, sizeof large + 1);
	assert_memory_equal(&out.data[1], large, sizeof large);
	buf_free(&out);
	assert_int_equal(file_write("f", 0600, NULL, 0, NULL), 0);
	assert_content("f", "");
	assert_int_equal(file_remove("f", NULL), 0);
}

static void
test_absent_is_no_error(void **state)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	(void)state;
	put("f", "x");
	assert_int_equal(file_read("none", &out, &err), FILE_ABSENT);
	assert_int_equal(file_read("none/none", &out, &err), FILE_ABSENT);
	assert_int_equal(file_read("f/none", &out, &err), FILE_ABSENT);
	assert_int_equal(err.code, ERR_OK);
	assert_int_equal(out.len, 0);
	assert_int_equal(file_remove("f", NULL), 0);
}

static void
test_reading_never_waits_for_what_is_no_file(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "s" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct buf out = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address),
	    0);
	(void)alarm(30);
	assert_int_equal(file_read("fifo", &out, &err), FILE_ABSENT);
	assert_int_equal(file_read("s", &out, &err), FILE_ABSENT);
	assert_int_equal(file_read(".", &out, &err), FILE_ABSENT);
	assert_int_equal(file_read("/dev/zero", &out, &err), FILE_ABSENT);
	(void)alarm(0);
	assert_int_equal(err.code, ERR_OK);
	assert_int_equal(out.len, 0);
	(void)close(fd);
	assert_int_equal(file_remove("fifo", NULL), 0);
	assert_int_equal(file_remove("s", NULL), 0);
}

static void
test_reads_files_that_tell_no_size(void **state)
{
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(file_read("/proc/self/status", &out, NULL),
	    FILE_FOUND);
	assert_true(out.len > 100);
	buf_free(&out);
}

static void
test_refuses_file_over_the_ceiling(void **state)
{
	struct buf out = { .max = 10 };
	struct err err = { 0 };

	(void)state;
	put("f", "12345");
	assert_int_equal(file_read("f", &out, &err), FILE_FOUND);
	assert_int_equal(file_read("f", &out, &err), FILE_FOUND);
	assert_int_equal(file_read("f", &out, &err), FILE_FAILED);
	assert_string_equal(err.msg, "f is larger than 0 bytes");
	assert_string_equal(buf_str(&out), "1234512345");
	assert_true(buf_ok(&out));
	buf_cut(&out, 6);
	err_clear(&err);
	assert_int_equal(file_read("f", &out, &err), FILE_FAILED);
	assert_string_equal(err.msg, "f is larger than 4 bytes");
	assert_string_equal(buf_str(&out), "123451");
	buf_free(&out);
	assert_int_equal(file_remove("f", NULL), 0);
}

static void
test_large_file_leaves_no_part_behind(void **state)
{
	static char large[BUF_MAX_DEFAULT + 1];
	struct buf out = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(file_write("f", 0600, large, BUF_MAX_DEFAULT, NULL),
	    0);
	assert_int_equal(file_read("f", &out, &err), FILE_FOUND);
	buf_free(&out);
	assert_int_equal(file_write("f", 0600, large, sizeof large, NULL), 0);
	assert_int_equal(file_read("f", &out, &err), FILE_FAILED);
	assert_string_equal(err.msg, "f is larger than 65536 bytes");
	assert_int_equal(out.len, 0);
	assert_true(buf_ok(&out));
	buf_free(&out);
	assert_int_equal(file_remove("f", NULL), 0);
}

static void
test_mode_is_exact_whatever_the_umask(void **state)
{
	static const mode_t modes[] = { 0600, 0644, 0440, 0666, 0777 };
	mode_t before = umask(077);

	(void)state;
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(file_write("f", modes[i], "x", 1, NULL), 0);
		assert_int_equal(mode_of("f") & 07777, modes[i]);
	}
	(void)umask(before);
	assert_int_equal(file_remove("f", NULL), 0);
}

static void
test_symbolic_link_is_replaced_and_not_followed(void **state)
{
	(void)state;
	put("target", "old");
	assert_int_equal(symlink("target", "link"), 0);
	put("link", "new");
	assert_true(S_ISREG(mode_of("link")));
	assert_content("target", "old");
	assert_content("link", "new");
	assert_int_equal(file_remove("link", NULL), 0);
	assert_int_equal(file_remove("target", NULL), 0);
	assert_int_equal(count_entries("."), 0);
}

static void
test_readers_see_the_old_file_or_the_new_one(void **state)
{
	char seen[8] = "";
	int fd;

	(void)state;
	put("f", "old");
	fd = open("f", O_RDONLY | O_CLOEXEC);
	put("f", "newer");
	assert_int_equal(read(fd, seen, sizeof seen), 3);
	assert_memory_equal(seen, "old", 3);
	(void)close(fd);
	assert_content("f", "newer");
	assert_int_equal(count_entries("."), 1);
	assert_int_equal(file_remove("f", NULL), 0);
}

static void
refuse_write(const char *path, const char *wanted)
{
	struct err err = { 0 };

	assert_int_equal(file_write(path, 0600, "x", 1, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_SYSTEM);
	assert_string_equal(err.msg, wanted);
}

static void
test_failed_write_leaves_nothing(void **state)
{
	char longer[5000];

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	refuse_write("d", "d: cannot rename .ssm-activate.d to it: "
	                  "Is a directory");
	refuse_write("d/", "d/: cannot write: Is a directory");
	refuse_write("d/.", "d/.: cannot write: Is a directory");
	refuse_write("d/..", "d/..: cannot write: Is a directory");
	refuse_write("", ": cannot write: Is a directory");
	refuse_write("none/f",
	    "none/f: cannot open the folder: No such file or directory");
	refuse_write("/proc/f",
	    "/proc/f: cannot make a file: No such file or directory");
	memset(longer, 'x', sizeof longer);
	longer[4500] = '/';
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(file_write(longer, 0600, "x", 1, NULL), -1);
	assert_int_equal(file_write(&longer[4501], 0600, "x", 1, NULL), -1);
	assert_int_equal(count_entries("d"), 0);
	assert_int_equal(count_entries("."), 1);
	assert_int_equal(rmdir("d"), 0);
}

static void
test_write_that_runs_out_of_room_keeps_the_old_file(void **state)
{
	struct rlimit before;
	struct rlimit small;
	static char large[8192];
	struct err err = { 0 };

	(void)state;
	put("f", "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 4096;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_write("f", 0600, large, sizeof large, &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_string_equal(err.msg, "f: cannot write: File too large");
	assert_content("f", "old");
	assert_int_equal(count_entries("."), 1);
	assert_int_equal(file_remove("f", NULL), 0);
}

static void
test_full_disk_is_named(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(file_write_fd(fd, "x", 1, &err), -1);
	assert_string_equal(err.msg, "cannot write: No space left on device");
	(void)close(fd);
}

static void
test_writes_by_absolute_path(void **state)
{
	char path[sizeof folder.base + 8];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/f", folder.base);
	put(path, "here");
	assert_content("f", "here");
	put("./f", "there");
	assert_content(path, "there");
	assert_int_equal(file_remove(path, NULL), 0);
}

static void
test_makes_the_folders_that_are_missing(void **state)
{
	mode_t before = umask(077);

	(void)state;
	assert_int_equal(mkdir("a", 0700), 0);
	assert_int_equal(file_mkdirs("a/b//c//", 0700, NULL), 0);
	assert_int_equal(file_mkdirs("a/b/c", 0750, NULL), 0);
	(void)umask(before);
	assert_int_equal(mode_of("a") & 07777, 0700);
	assert_int_equal(mode_of("a/b") & 07777, 0755);
	assert_int_equal(mode_of("a/b/c") & 07777, 0700);
	assert_int_equal(file_mkdirs("/", 0700, NULL), 0);
	assert_int_equal(file_mkdirs(folder.base, 0700, NULL), 0);
	assert_int_equal(rmdir("a/b/c"), 0);
	assert_int_equal(rmdir("a/b"), 0);
	assert_int_equal(rmdir("a"), 0);
}

static void
test_folder_may_be_a_link_to_one(void **state)
{
	(void)state;
	assert_int_equal(mkdir("real", 0700), 0);
	assert_int_equal(symlink("real", "link"), 0);
	assert_int_equal(file_mkdirs("link/sub", 0700, NULL), 0);
	assert_int_equal(rmdir("real/sub"), 0);
	assert_int_equal(rmdir("real"), 0);
	assert_int_equal(file_remove("link", NULL), 0);
}

static void
refuse_folder(const char *path, const char *wanted)
{
	struct err err = { 0 };

	assert_int_equal(file_mkdirs(path, 0700, &err), -1);
	assert_string_equal(err.msg, wanted);
}

static void
test_refuses_a_folder_where_a_file_is(void **state)
{
	char longer[5000];

	(void)state;
	put("f", "x");
	assert_int_equal(symlink("nowhere", "link"), 0);
	refuse_folder("f", "cannot make the folder f: Not a directory");
	refuse_folder("f/g", "cannot make the folder f: Not a directory");
	refuse_folder("link", "cannot make the folder link: Not a directory");
	refuse_folder("", "cannot make the folder : No such file or directory");
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(file_mkdirs(longer, 0700, NULL), -1);
	assert_int_equal(file_remove("f", NULL), 0);
	assert_int_equal(file_remove("link", NULL), 0);
}

static void
test_remove_is_content_with_none(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(file_remove("none", &err), 0);
	assert_int_equal(file_remove("none/none", &err), 0);
	assert_int_equal(err.code, ERR_OK);
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(file_remove("d", &err), -1);
	assert_string_equal(err.msg, "cannot remove d: Is a directory");
	assert_int_equal(rmdir("d"), 0);
}

/* What a crash in the middle of a writing leaves has the file's own name. */
static void
test_what_a_crash_left_goes(void **state)
{
	struct err err = { 0 };

	(void)state;
	put(".ssm-activate.crashed", "half");
	assert_int_equal(file_write("crashed", 0600, "x", 1, &err), 0);
	assert_int_equal(access(".ssm-activate.crashed", F_OK), -1);
	put(".ssm-activate.crashed", "half");
	assert_int_equal(file_remove("./crashed", &err), 0);
	assert_int_equal(access(".ssm-activate.crashed", F_OK), -1);
	assert_int_equal(access("crashed", F_OK), -1);
}

static int
open_folder(const char *path)
{
	struct err err = { 0 };
	int fd = file_folder_open(path, 0700, &err);

	if (fd < 0)
		fail_msg("%s: %s", path, err.msg);
	return fd;
}

static void
test_probe_leaves_the_folder_empty(void **state)
{
	struct err err = { 0 };
	int fd = open_folder("d/e");

	(void)state;
	assert_int_equal(file_probe_at(fd, &err), 0);
	assert_int_equal(count_entries("d/e"), 0);
	(void)close(fd);
	assert_int_equal(mode_of("d") & 07777, 0755);
	assert_int_equal(mode_of("d/e") & 07777, 0700);
	assert_int_equal(rmdir("d/e"), 0);
	assert_int_equal(rmdir("d"), 0);
	fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_probe_at(fd, &err), -1);
	assert_memory_equal(err.msg, "cannot make a file: ", 20);
	(void)close(fd);
}

/* What does not take a file of that size is full. */
static void
full_folder(void)
{
	struct rlimit small = { FILE_PROBE_BYTES - 1, FILE_PROBE_BYTES - 1 };
	struct err err = { 0 };
	int fd = file_folder_open("d", 0700, &err);

	SANDBOX_CHECK(fd >= 0);
	SANDBOX_CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	SANDBOX_CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	SANDBOX_CHECK(file_probe_at(fd, &err) == -1);
	SANDBOX_CHECK(strncmp(err.msg, "cannot write: ", 14) == 0);
	SANDBOX_CHECK(count_entries("d") == 0);
}

static void
test_probe_needs_room(void **state)
{
	(void)state;
	assert_true(sandbox_fork(full_folder));
	assert_int_equal(rmdir("d"), 0);
}

static void
ignore_signal(int number)
{
	(void)number;
}

/* The reader sleeps between reads and signals arrive all the time: both
 * cut write(2) short. */
static void
test_write_fd_goes_on_after_signals(void **state)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct itimerval never = { 0 };
	static char large[LARGE];
	int ends[2];
	int status = -1;
	pid_t pid;

	(void)state;
	memset(large, 'x', sizeof large);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		size_t total = 0;
		ssize_t n;

		(void)alarm(60);
		(void)close(ends[1]);
		while ((n = read(ends[0], large, 5000)) > 0) {
			total += (size_t)n;
			(void)usleep(200);
		}
		_exit(n == 0 && total == sizeof large ? 0 : 1);
	}
	(void)close(ends[0]);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(file_write_fd(ends[1], large, sizeof large, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	(void)close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)signal(SIGALRM, SIG_DFL);
}

/* From now on the system call fails with the error; false if the kernel
 * does not let us. */
static bool
deny(long call, unsigned int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool
deny_open(void)
{
#ifdef SYS_open
	if (!deny(SYS_open, EACCES))
		return false;
#endif
	return deny(SYS_openat, EACCES) && opendir("/proc/self/fd") == NULL;
}

/* A number that few programs ever reach. */
enum { FAR = 70000 };

/* What is to be denied before descriptors are closed. */
enum denied { NOTHING, CLOSE_RANGE, CLOSE_RANGE_AND_OPEN };

/* In a child: open many, keep some, and look which are left. */
static int
close_in_child(enum denied denied)
{
	static const int keep[] = { 7, 40, 3, 40, 12, -1, 1, 100 };
	const struct rlimit many = { FAR + 1, FAR + 1 };
	/* Only root may raise the limit, where it is lower. */
	bool far = setrlimit(RLIMIT_NOFILE, &many) == 0;

	(void)alarm(30);
	if (far && dup2(STDOUT_FILENO, FAR) != FAR)
		return 2;
	for (int fd = 3; fd <= 100; fd++) {
		if (dup2(STDOUT_FILENO, fd) != fd)
			return 2;
	}
	if (denied >= CLOSE_RANGE && !deny(SYS_close_range, ENOSYS))
		return SKIPPED;
	if (denied == CLOSE_RANGE_AND_OPEN && !deny_open())
		return SKIPPED;
	file_close_others(keep, sizeof keep / sizeof keep[0]);
	for (int fd = 0; fd <= 200; fd++) {
		bool wanted =
		    fd <= 3 || fd == 7 || fd == 12 || fd == 40 || fd == 100;

		if ((fcntl(fd, F_GETFD) != -1) != wanted)
			return 3;
	}
	return far && fcntl(FAR, F_GETFD) != -1 ? 4 : 0;
}

static void
check_closing(enum denied denied)
{
	int status = -1;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(close_in_child(denied));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_closes_all_but_those_kept(void **state)
{
	(void)state;
	check_closing(NOTHING);
}

static void
test_closes_without_close_range(void **state)
{
	(void)state;
	check_closing(CLOSE_RANGE);
}

static void
test_closes_without_proc(void **state)
{
	(void)state;
	check_closing(CLOSE_RANGE_AND_OPEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_was_written),
		cmocka_unit_test(test_absent_is_no_error),
		cmocka_unit_test(test_reading_never_waits_for_what_is_no_file),
		cmocka_unit_test(test_reads_files_that_tell_no_size),
		cmocka_unit_test(test_refuses_file_over_the_ceiling),
		cmocka_unit_test(test_large_file_leaves_no_part_behind),
		cmocka_unit_test(test_mode_is_exact_whatever_the_umask),
		cmocka_unit_test(
		    test_symbolic_link_is_replaced_and_not_followed),
		cmocka_unit_test(test_readers_see_the_old_file_or_the_new_one),
		cmocka_unit_test(test_failed_write_leaves_nothing),
		cmocka_unit_test(
		    test_write_that_runs_out_of_room_keeps_the_old_file),
		cmocka_unit_test(test_full_disk_is_named),
		cmocka_unit_test(test_writes_by_absolute_path),
		cmocka_unit_test(test_makes_the_folders_that_are_missing),
		cmocka_unit_test(test_folder_may_be_a_link_to_one),
		cmocka_unit_test(test_refuses_a_folder_where_a_file_is),
		cmocka_unit_test(test_remove_is_content_with_none),
		cmocka_unit_test(test_what_a_crash_left_goes),
		cmocka_unit_test(test_probe_leaves_the_folder_empty),
		cmocka_unit_test(test_probe_needs_room),
		cmocka_unit_test(test_write_fd_goes_on_after_signals),
		cmocka_unit_test(test_closes_all_but_those_kept),
		cmocka_unit_test(test_closes_without_close_range),
		cmocka_unit_test(test_closes_without_proc),
	};

	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
