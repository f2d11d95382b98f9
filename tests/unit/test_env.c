/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"

enum { ENVIRON_MAX = 4096 };

static void
test_empty_and_unset_are_told_apart_by_raw_only(void **state)
{
	char a[] = "AWS_REGION=";
	char b[] = "X=y=z";
	char *vars[] = { a, b, NULL };
	struct env env = { vars };

	(void)state;
	assert_null(env_get(env, "AWS_REGION"));
	assert_string_equal(env_raw(env, "AWS_REGION"), "");
	assert_null(env_raw(env, "AWS"));
	assert_null(env_raw(env, "AWS_REGION_"));
	assert_string_equal(env_get(env, "X"), "y=z");
	assert_null(env_get((struct env){ 0 }, "X"));
	assert_null(env_raw((struct env){ 0 }, "X"));
}

static void
test_first_of_two_counts(void **state)
{
	char a[] = "A=1";
	char b[] = "A=2";
	char *vars[] = { a, b, NULL };

	(void)state;
	assert_string_equal(env_get((struct env){ vars }, "A"), "1");
}

static void
test_erase_overwrites_and_removes_every_copy(void **state)
{
	static const char zeros[6];
	char a[] = "CODE=secret";
	char b[] = "KEEP=CODE=x";
	char c[] = "CODE=other!";
	char d[] = "CODER=me";
	char *vars[] = { a, b, c, d, NULL };

	(void)state;
	env_erase(vars, "CODE");
	assert_memory_equal(&a[5], zeros, sizeof zeros);
	assert_memory_equal(&c[5], zeros, sizeof zeros);
	assert_ptr_equal(vars[0], b);
	assert_ptr_equal(vars[1], d);
	assert_null(vars[2]);
	assert_string_equal(b, "KEEP=CODE=x");
	env_erase(vars, "CODE");
	assert_ptr_equal(vars[1], d);
	env_erase(NULL, "CODE");
}

static bool
begins_with_a(struct slice name)
{
	return name.len == 2 && name.ptr[0] == 'A';
}

static void
test_keep_overwrites_all_others(void **state)
{
	static const char zeros[11];
	char a[] = "AB=1";
	char b[] = "OTHER=AB=1";
	char c[] = "AC";
	char d[] = "AB";
	char *vars[] = { a, b, c, d, NULL };

	(void)state;
	env_keep(vars, begins_with_a);
	assert_ptr_equal(vars[0], a);
	assert_ptr_equal(vars[1], c);
	assert_ptr_equal(vars[2], d);
	assert_null(vars[3]);
	assert_memory_equal(b, zeros, sizeof zeros);
	assert_string_equal(a, "AB=1");
	env_keep(NULL, begins_with_a);
}

/* The child: erase a variable, then look where the kernel shows it. */
static int
look_into_proc(void)
{
	char seen[ENVIRON_MAX];
	ssize_t n;
	int fd;

	if (getenv("TEST_SECRET") == NULL)
		return 2;
	env_erase(environ, "TEST_SECRET");
	if (getenv("TEST_SECRET") != NULL)
		return 3;
	fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
	n = read(fd, seen, sizeof seen);
	(void)close(fd);
	if (n <= 0 || memmem(seen, (size_t)n, "hush-hush", 9) != NULL)
		return 4;
	return memmem(seen, (size_t)n, "TEST_OPEN=yes", 13) != NULL ? 0 : 5;
}

static void
test_erased_value_is_gone_from_proc(void **state)
{
	char name[] = "test_env";
	char word[] = "child";
	char *argv[] = { name, word, NULL };
	char secret[] = "TEST_SECRET=hush-hush";
	char open_one[] = "TEST_OPEN=yes";
	char *vars[] = { secret, open_one, NULL };
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		(void)alarm(30);
		(void)execve("/proc/self/exe", argv, vars);
		_exit(9);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_empty_and_unset_are_told_apart_by_raw_only),
		cmocka_unit_test(test_first_of_two_counts),
		cmocka_unit_test(test_erase_overwrites_and_removes_every_copy),
		cmocka_unit_test(test_keep_overwrites_all_others),
		cmocka_unit_test(test_erased_value_is_gone_from_proc),
	};

	if (argc == 2 && strcmp(argv[1], "child") == 0)
		return look_into_proc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
