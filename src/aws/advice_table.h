#ifndef AWS_ADVICE_TABLE_H
#define AWS_ADVICE_TABLE_H

#include <stddef.h>

/*
 * A part of advice.c: the table itself, and nothing but data.
 *
 * A row is "CODES|WHEN|OPERATION|TEXT|ADVICE".  The first row that fits
 * counts; an empty field fits everything, but empty CODES are those of the
 * row before.
 *
 * CODES      of AWS, with blanks between them; without an answer of AWS, the
 *            err_kind_name() of the error
 * WHEN       each letter must hold: c the user gave the endpoint, f trying
 *            again is no use (a name not found), r a partition of private
 *            roots and no CA bundle, t a temporary key (ASIA…) without a
 *            token, v a FIPS or dual-stack name
 * OPERATION  whose failure it is
 * TEXT       stands in AWS's message, else in ours; fewer than
 *            ADVICE_TEXT_SIZE characters
 * ADVICE     the cause and the fix.  Filled in are %w who calls, %a the
 *            action that was refused, %r the role, %g the region, %n its
 *            partition, %h the host, %k the source of the credentials,
 *            %e their end, %o the operation, %s the service; %A "add to the
 *            caller's policy" with a statement for what was refused, %P the
 *            same for iam:PassRole, %T the statement of a node role's trust
 *            policy
 */
enum { ADVICE_TEXT_SIZE = 48 };

extern const char *const advice_table[];
extern const size_t advice_table_rows;

#endif
