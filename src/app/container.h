#ifndef APP_CONTAINER_H
#define APP_CONTAINER_H

#include "ssm/state.h"

struct err;

/*
 * Which container this is, so that a registration made elsewhere (in the
 * image, a snapshot, on a shared volume) is never taken for ours: a hash of
 * the boot id and the upper folder of the root overlay, else of device, inode
 * and birth time of "/".  Two containers never have the same; a restart in
 * place keeps it.  "" when it cannot be told.
 */
void container_identity(char out[static STATE_CONTAINER_SIZE]);

/* The upper folder in the text of /proc/PID/mountinfo (proc(5)); "" = the
 * root is no overlay.  Pure. */
void container_upperdir(char *out, size_t size, const char *mountinfo);

#endif
