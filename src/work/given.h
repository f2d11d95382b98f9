/* SPDX-License-Identifier: MIT */
#ifndef WORK_GIVEN_H
#define WORK_GIVEN_H

#include "base/slice.h"
#include "ssm/ssm.h"

struct err;
struct work;

/*
 * The activation that the user brought (SSM_ACTIVATE_ID, SSM_ACTIVATE_ID_FILE),
 * from variables and files.
 */
enum { GIVEN_FILE_MAX = 16 * 1024, GIVEN_REGION_SIZE = 64 };

struct given {
	struct ssm_activation activation; /* its code is secret */
	char region[GIVEN_REGION_SIZE];   /* that of its file, "" = none */
};

/* Read it; on failure out may hold a part, to be wiped all the same. */
int given_load(struct given *out, const struct work *work, struct err *err);

void given_wipe(struct given *given);

/*
 * The text of SSM_ACTIVATE_ID_FILE: the id alone; or a JSON object with id,
 * code and region, as Bottlerocket's control container has it in its user data
 * (start_control_ssm.sh): {"ssm": {"activation-id": ID, "activation-code":
 * CODE, "region": REGION}}, where the last two may be missing.  Pure.
 */
int given_parse(struct given *out, struct slice text, struct err *err);

#endif
