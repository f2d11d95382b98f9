#ifndef AWS_ADVICE_TABLE_H
#define AWS_ADVICE_TABLE_H

#include "base/pack.h"

/* A part of advice.c: the rows of advice.txt, one a line. */
enum { ADVICE_TEXT_SIZE = 48 };

extern const struct pack advice_table;

#endif
