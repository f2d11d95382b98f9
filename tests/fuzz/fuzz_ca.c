/* SPDX-License-Identifier: MIT */
/* A bundle is loaded, or there is an error that names setting and file. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "fuzz/fuzz.h"
#include "net/ca.h"
#include "net/cert.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("bundle", MFD_CLOEXEC);
	struct ca *ca = NULL;
	struct err err = { 0 };
	char path[64];

	require(fd >= 0);
	require(write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (ca_load(&ca, path, NULL, "SETTING", &err) == 0) {
		require(ca_count(ca) > 0 && ca_at(ca, 0)->subject.len > 0);
	} else {
		require(ca == NULL);
		require(strstr(err.msg, "SETTING") != NULL);
		require(strstr(err.msg, path) != NULL);
	}
	ca_free(ca);
	close(fd);
	return 0;
}
