/* SPDX-License-Identifier: MIT */
#include "work/node_key.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/vault.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "settings/config.h"
#include "work/work.h"

#define NAME "key"

int
node_key_open(void)
{
	return memfd_create(NAME, MFD_CLOEXEC);
}

/* The processes that share the memory share its offset, which is not used. */
static void
read_memory(struct buf *out, int fd)
{
	char *room = fd > 0 ? buf_room(out, NODE_KEY_MAX) : NULL;
	ssize_t n = room != NULL ? pread(fd, room, NODE_KEY_MAX, 0) : 0;

	if (n > 0)
		buf_grew(out, (size_t)n);
}

static int
write_memory(int fd, struct slice lines, struct err *err)
{
	if (fd <= 0)
		return 0;
	if (ftruncate(fd, 0) == 0 &&
	    pwrite(fd, lines.ptr, lines.len, 0) == (ssize_t)lines.len)
		return 0;
	return err_sys(err, ERR_KIND_SYSTEM, "the node's key");
}

int
node_key_load(struct buf *out, const struct work *work, struct err *err)
{
	char path[WORK_PATH_MAX];

	read_memory(out, work->key_fd);
	if (out->len > 0 || work->memory)
		return out->len > 0 ? 0 : 1;
	work_path(path, work->cfg, NAME);
	switch (file_read_own(path, out, err)) {
	case FILE_FOUND:
		return out->len > 0 ? 0 : 1;
	case FILE_ABSENT:
		return 1;
	case FILE_FAILED:
		break;
	}
	return -1;
}

int
node_key_save(const struct work *work, struct slice lines, struct err *err)
{
	char path[WORK_PATH_MAX];

	if (work->memory && work->key_fd <= 0)
		return err_set(err, ERR_KIND_SYSTEM,
		    "there is neither a file nor memory for the node's key");
	work_path(path, work->cfg, NAME);
	if (!work->memory && file_write_own(path, 0600, lines, err) != 0)
		return -1;
	return write_memory(work->key_fd, lines, err);
}

int
node_key_remove(const struct work *work, struct err *err)
{
	char path[WORK_PATH_MAX];
	int rc = write_memory(work->key_fd, slice_of(NULL), err);

	work_path(path, work->cfg, NAME);
	if (work->memory)
		return rc;
	return rc | file_remove_own(path, err);
}

/* The key in force is the first line. */
static int
take_key(struct vault *out, const struct buf *lines, struct err *err)
{
	struct slice rest = slice_make(lines->data, lines->len), key;

	if (!slice_line(&rest, &key))
		return err_set(err, ERR_KIND_PARSE,
		    "the node's key is damaged");
	out->private_key = slice_dup(key);
	return out->private_key != NULL ? 0 : err_memory(err);
}

int
node_key_identity(struct vault *out, const struct work *work, struct err *err)
{
	const struct state *state = work->state;
	struct buf lines = { .max = NODE_KEY_MAX };
	struct vault new = { 0 };
	int rc;

	if (!state->builtin)
		return vault_load(out, err);
	rc = node_key_load(&lines, work, err);
	slice_copy(slice_of(state->node), new.node, sizeof new.node);
	slice_copy(slice_of(state->region), new.region, sizeof new.region);
	slice_copy(slice_of(state->fingerprint), new.fingerprint,
	    sizeof new.fingerprint);
	if (rc == 0)
		rc = take_key(&new, &lines, err);
	buf_free(&lines);
	if (rc == 0)
		*out = new;
	else
		vault_free(&new);
	return rc;
}
