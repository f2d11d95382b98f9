#ifndef AWS_ADVICE_TABLE_H
#define AWS_ADVICE_TABLE_H

#include <stddef.h>

#include "base/err.h"

/* A part of advice.c: the table itself, and nothing but data. */

enum advice_when {
	ADVICE_ALWAYS,
	ADVICE_CONFIGURED, /* the user gave the endpoint */
	ADVICE_NO_ROOTS,   /* a partition of private roots, no CA bundle */
	ADVICE_NO_TOKEN,   /* a temporary key (ASIA…) without a token */
	ADVICE_FINAL,      /* trying again is no use: a name not found */
	ADVICE_FINAL_CONFIGURED, /* both */
	ADVICE_FINAL_VARIANT,    /* the same for a FIPS or dual-stack name */
};

/*
 * The first row that fits counts; NULL fits everything.  Texts hold {words}
 * that advice.c fills in: {caller} {principal} {action} {resource} {role}
 * {region} {partition} {account} {host} {method} {operation} {expires}
 * {service}
 * {policy} {passrole} {trust}.
 */
struct advice_row {
	enum err_kind kind;
	enum advice_when when;
	const char *codes; /* with blanks between them */
	const char *operation;
	const char *text; /* in AWS's message, else in ours */
	const char *means;
	const char *remedy;
};

extern const struct advice_row advice_table[];
extern const size_t advice_table_rows;

#endif
