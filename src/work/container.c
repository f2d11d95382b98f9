/* SPDX-License-Identifier: MIT */
#include "work/container.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "aws/task.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/slice.h"

enum { MOUNTINFO_MAX = 1024 * 1024, PATH_SIZE = 4096 };

/* Field number n (from 0) of a line. */
static struct slice
field(struct slice line, int n)
{
	struct slice piece = { 0 };

	for (int i = 0; i <= n; i++) {
		if (!slice_cut(&line, ' ', &piece))
			return (struct slice){ 0 };
	}
	return piece;
}

void
container_upperdir(char *out, size_t size, const char *mountinfo)
{
	struct slice rest = slice_of(mountinfo), line, option;

	out[0] = '\0';
	while (slice_line(&rest, &line)) {
		ptrdiff_t tail = slice_find(line, " - overlay ");

		/* The last mount on "/" is the one that is seen. */
		if (!slice_eq(field(line, 4), "/"))
			continue;
		out[0] = '\0';
		if (tail < 0)
			continue;
		line = slice_skip(line, (size_t)tail);
		/* " - overlay SOURCE OPTIONS" */
		line = field(line, 4);
		while (slice_cut(&line, ',', &option)) {
			if (slice_starts(option, "upperdir="))
				slice_copy(slice_skip(option, 9), out, size);
		}
	}
}

static void
read_small(const char *path, struct buf *out)
{
	if (file_read(path, out, NULL) != FILE_FOUND)
		buf_cut(out, 0);
}

static bool
add_root(struct buf *out)
{
	struct statx st = { 0 };

	if (statx(AT_FDCWD, "/", 0, STATX_INO | STATX_BTIME, &st) != 0)
		return false;
	buf_printf(out, "root %u:%u %llu %lld.%u", st.stx_dev_major,
	    st.stx_dev_minor, (unsigned long long)st.stx_ino,
	    (long long)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	return true;
}

void
container_identity(char out[static STATE_CONTAINER_SIZE], struct env env)
{
	struct buf mounts = { .max = MOUNTINFO_MAX }, boot = { 0 };
	struct buf text = { 0 };
	char upper[PATH_SIZE];
	const char *task = NULL;
	bool known = true;

	out[0] = '\0';
	read_small("/proc/sys/kernel/random/boot_id", &boot);
	read_small("/proc/self/mountinfo", &mounts);
	container_upperdir(upper, sizeof upper, buf_str(&mounts));
	task = env_get(env, TASK_METADATA_VARIABLE);
	buf_printf(&text, "boot %s task %s ", buf_str(&boot),
	    task != NULL ? task : "");
	if (upper[0] != '\0')
		buf_printf(&text, "overlay %s", upper);
	else
		known = add_root(&text);
	/* Without a boot id a copy on another host would look the same. */
	if (known && boot.len > 0 && buf_ok(&text))
		digest_sha256_hex(text.data, text.len, out);
	buf_free(&text);
	buf_free(&boot);
	buf_free(&mounts);
}
