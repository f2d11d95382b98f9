/* SPDX-License-Identifier: MIT */
#ifndef UNIT_SANDBOX_H
#define UNIT_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Running a part of a test in a process of its own, with an empty root file
 * system where files have the paths of a real machine.
 */

/* Fail the part, from within it. */
#define SANDBOX_CHECK(condition)                                      \
	do {                                                          \
		if (!(condition))                                     \
			sandbox_fail(__FILE__, __LINE__, #condition); \
	} while (0)
__attribute__((noreturn)) void sandbox_fail(const char *file, int line,
    const char *what);

/* Make and enter the root, run the part, give whether it came to its end and
 * lost no memory.  The test is skipped where that takes rights we lack. */
bool sandbox_run(void (*part)(void));

/* The same without a root of its own. */
bool sandbox_fork(void (*part)(void));

/* The test that is a part and nothing else: test_NAME of NAME. */
#define SANDBOX_TEST(name)                      \
	static void test_##name(void **state)   \
	{                                       \
		(void)state;                    \
		assert_true(sandbox_run(name)); \
	}

/* Make a file, with the folders above it. */
void sandbox_file(const char *path, mode_t mode, const char *text);
bool sandbox_holds(const char *path, const char *text);
bool sandbox_exists(const char *path);
mode_t sandbox_mode(const char *path);

#endif
