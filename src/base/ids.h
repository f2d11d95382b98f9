#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Become this user for good: groups first, the user last, so that nothing is
 * left that could set the others; then a look whether it is so.  What the
 * process is already needs no right.  Gives -1 with errno.  By the kernel's own
 * calls, which are for one thread: this program has no more, and the C
 * library's code for many is large.
 */
int ids_become(uid_t uid, gid_t gid, const gid_t *groups, size_t count);

/* Give up every capability, but for those of the bounding set; -1 with errno.
 */
int ids_no_capabilities(void);

#endif
