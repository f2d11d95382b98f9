#ifndef BASE_PAGES_H
#define BASE_PAGES_H

/*
 * Give the pages of the program's code back: they are the file's, shared by
 * all who run it, and come back when they are touched.  For a process that is
 * about to wait for long.
 */
void pages_drop(void);

#endif
