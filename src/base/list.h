#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/slice.h"

/* Words with blanks between them, for tables; pure. */

/* The word, letter case counting, is one of the list. */
bool list_has(const char *list, const char *word);
bool list_holds(struct slice list, struct slice word);

#endif
