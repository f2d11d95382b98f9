/* SPDX-License-Identifier: MIT */
#ifndef WORK_FAILURE_H
#define WORK_FAILURE_H

struct config;
struct err;

/* Why there is no node, kept in the state directory for `status`, since
 * access fails open and nobody saw an exit status.  The note is a record
 * (work/job.h). */

/* Note it; without an error (code 0) the note is removed. */
int failure_save(const struct config *cfg, const struct err *failure,
    struct err *err);

/* 1 = there is no note.  One of another version counts as no failure. */
int failure_load(const struct config *cfg, struct err *out, struct err *err);

#endif
