/* SPDX-License-Identifier: MIT */
/* The input as SSM_ACTIVATE_ID_FILE, as sudoers and as nsswitch.conf. */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"

#include "agent/sudo.h"
#include "agent/user.h"
#include "base/err.h"
#include "work/given.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct given given = { 0 };
	struct err err = { 0 };

	if (given_parse(&given, text, &err) == 0) {
		require(id_is_uuid(given.activation.id));
		require(memchr(given.activation.code, '\0',
		            sizeof given.activation.code) != NULL);
		require(memchr(given.region, '\0', sizeof given.region) !=
		        NULL);
	} else {
		require(err.code != ERR_OK);
	}
	given_wipe(&given);
	if (slice_find(text, "include") < 0 &&
	    slice_find(text, "NOPASSWD") < 0 && slice_find(text, USER_NAME) < 0)
		require(!sudo_includes(text));
	if (slice_find(text, "passwd") < 0)
		require(!user_elsewhere_sources(text));
	return 0;
}
