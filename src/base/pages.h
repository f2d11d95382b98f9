#ifndef BASE_PAGES_H
#define BASE_PAGES_H

/*
 * The pages of the program itself.
 */

/*
 * Take the right to write away from constants that hold addresses, tables of
 * functions above all.  The C library has written them when `main` begins, and
 * leaves that to the program when it is static.  Where a policy of the
 * container denies it, they stay as they are.
 */
void pages_seal(void);

/*
 * Give the pages of code and of other constants back: they are the file's,
 * shared by all who run it, and come back when they are touched.  For a
 * process that is about to wait for long.
 */
void pages_drop(void);

#endif
