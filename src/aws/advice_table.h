/* SPDX-License-Identifier: MIT */
#ifndef AWS_ADVICE_TABLE_H
#define AWS_ADVICE_TABLE_H

#include <stddef.h>

/*
 * What to do about a failed call.  The first row that fits counts.  NULL in
 * when, operation or text fits everything; NULL in codes stands for the codes
 * of the row before.
 */
struct advice_row {
	/* Codes of AWS, with blanks between them; without an answer of AWS,
	 * the err_kind_name() of the error. */
	const char *codes;
	/* All letters must be true: c the user gave the endpoint, f trying
	 * again is no use (a name not found), r a partition of private roots
	 * and no CA bundle, t a temporary key (ASIA...) without a token, v a
	 * FIPS or dual-stack name. */
	const char *when;
	const char *operation; /* whose failure it is */
	const char *text;      /* stands in AWS's message, else in ours */
	/*
	 * The cause and the fix.  Filled in are %w who calls, %a the action
	 * that was refused, %r the role, %g the region, %n its partition, %h
	 * the host, %k the source of the credentials, %e their end, %o the
	 * operation, %s the service; %A "add to the caller's policy" with a
	 * statement for what was refused, %P the same for iam:PassRole (the
	 * second of them without these words), %T the statement of a node
	 * role's trust policy.
	 */
	const char *advice;
};

extern const struct advice_row advice_table_rows[];
extern const size_t advice_table_count;

#endif
