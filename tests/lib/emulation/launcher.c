/* SPDX-License-Identifier: MIT */
/*
 * Stands in the place of a program for another processor and runs it under
 * the emulator, with the name and the arguments that it was called with.
 *
 * The program itself is below /.foreign, at the same path.  The emulator is
 * in /.emulator under the name of the program: what /proc shows as a
 * process's file ends as it would on a machine of that kind.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADDED = 4, PREFIX_MAX = 16 };

int
main(int argc, char **argv)
{
	char self[PATH_MAX], program[PATH_MAX + PREFIX_MAX];
	char emulator[PATH_MAX + PREFIX_MAX];
	char zero[] = "-0";
	char **words = calloc((size_t)argc + ADDED, sizeof(*words));
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (words == NULL || n <= 0 || argc < 1) {
		(void)fprintf(stderr, "launcher: no memory or no /proc\n");
		return 126;
	}
	self[n] = '\0';
	(void)snprintf(program, sizeof(program), "/.foreign%s", self);
	(void)snprintf(emulator, sizeof(emulator), "/.emulator%s",
	    strrchr(self, '/'));
	words[0] = emulator;
	words[1] = zero;
	words[2] = argv[0];
	words[3] = program;
	for (int i = 1; i < argc; i++)
		words[ADDED - 1 + i] = argv[i];
	(void)execv(emulator, words);
	perror(emulator);
	return 126;
}
