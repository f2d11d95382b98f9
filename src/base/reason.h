#ifndef BASE_REASON_H
#define BASE_REASON_H

/*
 * What errno says, for the errors that this program meets; "error N" for any
 * other, in a buffer that the next call uses again.  The C library's own list
 * is for every program and four times as long.
 */
const char *reason_text(int number);

#endif
