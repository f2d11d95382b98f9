/* SPDX-License-Identifier: MIT */
#ifndef BASE_TRUST_H
#define BASE_TRUST_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/env.h"
#include "base/file.h"
#include "base/owner.h"

struct buf;
struct err;

/*
 * Whose word a file is, for files whose path comes from the environment or
 * from a file of the user's.  The program runs as root beside an application
 * that does not; what the application can write must not be obeyed as root,
 * and must not make root read what the application may not.
 *
 * A file is ours if it and every folder above it belong to root and are
 * writable by root alone.  In a folder with the sticky bit (/tmp, and the
 * volumes in which Kubernetes puts tokens) only the entry counts.  Symbolic
 * links are followed one by one, so all folders on the way count; in a sticky
 * folder, a link that is not root's may lead to files of its owner only.
 *
 * At the first thing on the way that is not root's alone the file becomes
 * that of the owner of this thing; it is opened with his rights, and with no
 * others.  What belongs to root but can be written by a group or by all is
 * taken as OWNER_NOBODY's, in that group.  The rights of root have brought us
 * to this thing and not further, so a folder that only root may enter does
 * not hide what was mounted in it.
 *
 * Where the path itself is the word of another user, all of it is read with
 * his rights.  For a process that is not root every file is its own.
 */
struct trust_file {
	const char *path;       /* relative ones begin at the current folder */
	const struct owner *by; /* whose word the path is; NULL = ours */
	/*
	 * It is a value and nothing that is obeyed: that the file alone,
	 * in folders of root's, is another's is no cause for a warning, and no
	 * right to act for him is needed.
	 */
	bool value;
	/* Results of trust_read(). */
	struct owner owner; /* whose word the contents are; zero = ours */
	mode_t mode;        /* of a file that was read */
	bool hidden;        /* FILE_FAILED: we may not look into a folder */
	bool refused;       /* FILE_FAILED, as the owner it cannot be read */
	bool untold;        /* ... and nobody has been told so yet */
};

/*
 * file_read() with these rules.  A file that is not ours is told of in one
 * warning.  FILE_FAILED where the capabilities to act for its
 * owner are missing.
 */
enum file_found trust_read(struct trust_file *file, struct buf *out,
    struct err *err);

/*
 * The program that name stands for: its path, and as whom it is run, that is
 * `by`, or whoever can change it if that is zero.  The name is sought in PATH
 * of env as execvp(3) does it, and is the path itself for a user that is not
 * root.  ERR_KIND_SYSTEM.
 */
struct trust_program {
	char path[PATH_MAX];
	struct owner owner;
};
int trust_program(struct trust_program *out, const char *name, struct env env,
    const struct owner *by, struct err *err);

#endif
