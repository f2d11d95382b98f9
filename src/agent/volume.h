/* SPDX-License-Identifier: MIT */
#ifndef AGENT_VOLUME_H
#define AGENT_VOLUME_H

#include <sys/types.h>

struct err;

/*
 * Folders that may be volumes, so that others may have written in them before
 * root alone could: this program and amazon-ssm-agent work there as root, the
 * agent by paths.  Opening one (base/file.h, file_folder_open) takes it away
 * from others; cleaning it sees to what they left.  Where we are not root,
 * neither does anything.
 */
enum volume { VOLUME_LIB, VOLUME_ETC, VOLUME_LOG };

/* The folder, made if it is missing; the one above, which is the agent's alone,
 * too, is taken away from others likewise.  -1 on failure. */
int volume_open(enum volume volume, struct err *err);

/*
 * Remove what does not belong to root in the folder, if it is a symbolic link
 * or has a name of the agent's or ours, each with a warning.  Anything else of
 * somebody else's is an error.  So are its subfolders looked at, if others
 * could write there.  What root made stays.
 */
int volume_clean(int dir, enum volume volume, struct err *err);

/* The same of another folder, in which the names, separated by blanks, are
 * ours. */
int volume_clean_folder(int dir, const char *path, const char *names,
    struct err *err);

#endif
