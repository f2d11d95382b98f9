/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over every file of its corpus folder, without libFuzzer:
 * whole, again whole (to catch state that an input leaves behind), and cut
 * short at a few places.  An empty corpus is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20, CUTS = 8 };

/* Give the target a copy that ends where the input ends, so that the address
 * sanitizer sees one byte too many. */
static int
feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	if (copy == NULL)
		return -1;
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(size == 0 ? copy + 1 : copy, size);
	free(copy);
	return 0;
}

static int
replay_input(const uint8_t *data, size_t size)
{
	int rc = 0;

	rc |= feed(data, size);
	rc |= feed(data, size);
	for (size_t i = 0; i < CUTS; i++)
		rc |= feed(data, size * i / CUTS);
	if (size > 0)
		rc |= feed(data, size - 1);
	return rc;
}

static int
replay_file(const char *folder, const char *name, uint8_t *data)
{
	char path[1024];
	size_t size;
	FILE *file;
	int len;

	len = snprintf(path, sizeof path, "%s/%s", folder, name);
	if (len < 0 || (size_t)len >= sizeof path) {
		fprintf(stderr, "%s: the name is too long\n", name);
		return -1;
	}
	file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, INPUT_MAX, file);
	if (ferror(file) || fgetc(file) != EOF) {
		fprintf(stderr, "%s: cannot be read, or is too big\n", path);
		fclose(file);
		return -1;
	}
	fclose(file);
	/* If the target crashes, the log ends with the input's name. */
	fprintf(stderr, "%s\n", path);
	return replay_input(data, size);
}

/* The number of inputs, or -1. */
static long
replay_folder(const char *folder, uint8_t *data)
{
	const struct dirent *entry;
	long count = 0;
	DIR *dir = opendir(folder);

	if (dir == NULL) {
		perror(folder);
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (replay_file(folder, entry->d_name, data) != 0)
			count = -1;
	}
	closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	uint8_t *data = malloc(INPUT_MAX);
	long count;

	if (argc != 2 || data == NULL) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		free(data);
		return 2;
	}
	count = replay_folder(argv[1], data);
	free(data);
	if (count == 0)
		fprintf(stderr, "%s: no inputs\n", argv[1]);
	if (count <= 0)
		return 1;
	printf("%ld inputs\n", count);
	return 0;
}
