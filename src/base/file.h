/* SPDX-License-Identifier: MIT */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/slice.h"
#include "base/walk.h"

struct buf;
struct err;

/* Whole files, read with a ceiling and written atomically. */

/*
 * Append the file to out, whose ceiling bounds it.  FILE_ABSENT (without an
 * error) when there is none or it is not a regular file.
 */
enum file_found file_read(const char *path, struct buf *out, struct err *err);

/*
 * The same for what open(2) gave: a descriptor, which is closed, or -1 with
 * errno.  It was opened with these flags: a FIFO without a writer or a terminal
 * must not hold us up.
 */
#define FILE_READ_FLAGS (O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
enum file_found file_read_fd(int fd, const char *path, struct buf *out,
    struct err *err);

/*
 * Put data in place of the file: a temporary file beside it, fsync, rename,
 * fsync of the folder.  Never follows a symbolic link at path.  Only a crash
 * leaves the temporary file, and the next file_write() or file_remove() of
 * path takes it away; so there may be one writer of a path at a time.  mode is
 * exact (no umask); owner stays the caller.
 */
int file_write(const char *path, mode_t mode, const void *data, size_t len,
    struct err *err);

/* Make the folder, with the mode if it is new, and what is missing above it,
 * which is everybody's: 0755. */
int file_mkdirs(const char *path, mode_t mode, struct err *err);

/* Remove the file, and what a crash left of its next version; it is fine when
 * there is none. */
int file_remove(const char *path, struct err *err);

/*
 * Folders in which we are at work as root although others may have been there:
 * a volume whose mode is 0777, a tmpfs of 1777.  Where it is and what is above
 * it is checked as base/walk.h says.  The folder itself must be root's; if
 * group or others may write there, it is given the mode, with the sticky bit,
 * which tells that nobody has looked yet at what is in it (agent/volume.h), or
 * refused.  So is one that everybody shares, such as /tmp.  From then on work
 * goes by its descriptor.  Where we are not root, a path is just a path.
 *
 * file_folder_open: made when missing; -1 is an error.  file_folder_find: it is
 * not made.  file_folder_below: the folder of that name in dir, as the first.
 */
int file_folder_open(const char *path, mode_t mode, struct err *err);
enum file_found file_folder_find(int *fd, const char *path, mode_t mode,
    struct err *err);
int file_folder_below(int dir, const char *name, mode_t mode, struct err *err);

/*
 * As file_read(), file_write(), file_remove(), of a name without '/' in such a
 * folder.  What is read must be root's; a symbolic link is followed only if
 * root made it.  An error of writing does not say where.
 */
enum file_found file_read_at(int dir, const char *name, struct buf *out,
    struct err *err);
int file_write_at(int dir, const char *name, mode_t mode, struct slice data,
    struct err *err);
int file_remove_at(int dir, const char *name, struct err *err);

/* Remove the folder of that name with all that is in it, 32 levels at most.
 * Links are removed, not followed, and another file system that is mounted in
 * it is left alone; it is fine when there is none. */
int file_tree_remove(int dir, const char *name, struct err *err);

/* The same by a path, whose folders are checked as base/walk.h says, but not
 * mended: for what has been opened as above before. */
enum file_found file_read_own(const char *path, struct buf *out,
    struct err *err);
int file_write_own(const char *path, mode_t mode, struct slice data,
    struct err *err);
int file_remove_own(const char *path, struct err *err);

/* A file of any kind in such a folder, opened for reading without waiting. */
enum file_found file_open_at(int *fd, int dir, const char *name,
    struct err *err);

/* Make sure that files could be written in the folder, by making one of
 * FILE_PROBE_BYTES: a read-only root and a full volume fail before anything
 * else is done. */
enum { FILE_PROBE_BYTES = 16 * 1024 };
int file_probe_at(int dir, struct err *err);

/* Write all of data to a descriptor, through EINTR and short writes. */
int file_write_fd(int fd, const void *data, size_t len, struct err *err);

/* As fsync(2) and fchmod(2), -1 with errno.  Where these are denied that is
 * said once and is no failure; of the mode only if the file has no right that
 * it should not have. */
int file_sync(int fd);
int file_chmod(int fd, mode_t mode);

/* Close the descriptor if it is one, and make it -1. */
void file_close(int *fd);

/* Close every descriptor except 0, 1, 2 and those listed (at most 8). */
void file_close_others(const int *keep, size_t count);

/* Take the numbers of those of 0, 1, 2 that are closed, so that no file or
 * connection gets them and what is logged.  They stay closed for programs
 * that are started. */
void file_close_cover(void);

#endif
