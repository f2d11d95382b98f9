/* SPDX-License-Identifier: MIT */
#include "agent/used.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/entry.h"
#include "base/err.h"
#include "base/file.h"

enum {
	FILE_MAX = 4 * 1024 * 1024,
	PATH_SIZE = 40,
	CHUNK = 4096,
	STATUS_CHUNKS = 256, /* 65536 groups of eleven bytes fit */
	KEY_SIZE = 8
};

/* Where a reading of /proc/PID/status is: in the name of a line, or in the
 * numbers behind it; add is what they count as. */
struct status {
	char key[KEY_SIZE];
	size_t key_len;
	void (*add)(struct used *, uint32_t);
	uint64_t number;
	bool in_key, in_number;
};

void
used_begin(struct used *used, uint32_t first, uint32_t last)
{
	*used = (struct used){ .first = first, .last = last };
	if (last - first >= USED_MAX)
		used->last = first + USED_MAX - 1;
}

static bool
in_range(const struct used *used, uint32_t id)
{
	return id >= used->first && id <= used->last;
}

static bool
has(const struct used *used, const uint8_t *bits, uint32_t id)
{
	uint32_t at = id - used->first;

	return in_range(used, id) && (bits[at / 8] >> (at % 8) & 1U) != 0;
}

static void
set(const struct used *used, uint8_t *bits, uint32_t id)
{
	uint32_t at = id - used->first;

	if (in_range(used, id))
		bits[at / 8] |= (uint8_t)(1U << (at % 8));
}

void
used_uid(struct used *used, uint32_t uid)
{
	set(used, used->uids, uid);
}

void
used_gid(struct used *used, uint32_t gid)
{
	set(used, used->gids, gid);
}

bool
used_has_uid(const struct used *used, uint32_t uid)
{
	return has(used, used->uids, uid);
}

bool
used_has_gid(const struct used *used, uint32_t gid)
{
	return has(used, used->gids, gid);
}

uint32_t
used_free(const struct used *used)
{
	for (uint32_t id = used->last; id >= used->first && id > 0; id--) {
		if (!used_has_uid(used, id) && !used_has_gid(used, id))
			return id;
	}
	return 0;
}

/* The name of a line is complete. */
static void
choose_add(struct status *status)
{
	struct slice key = slice_make(status->key, status->key_len);

	status->in_key = false;
	if (slice_eq(key, "Uid"))
		status->add = used_uid;
	else if (slice_eq(key, "Gid") || slice_eq(key, "Groups"))
		status->add = used_gid;
	else
		status->add = NULL;
}

static void
end_number(struct used *used, struct status *status)
{
	if (status->in_number && status->add != NULL &&
	    status->number < UINT32_MAX)
		status->add(used, (uint32_t)status->number);
	status->in_number = false;
	status->number = 0;
}

/* "Uid:\t0\t0\t0\t0\n", "Groups:\t4 27 \n" among many lines (proc(5)). */
static void
scan_byte(struct used *used, struct status *status, char c)
{
	if (c == '\n') {
		end_number(used, status);
		status->in_key = true;
		status->key_len = 0;
	} else if (status->in_key && c == ':') {
		choose_add(status);
	} else if (status->in_key) {
		/* One that is longer is none of ours. */
		if (status->key_len < KEY_SIZE)
			status->key[status->key_len++] = c;
	} else if (c >= '0' && c <= '9') {
		status->in_number = true;
		if (status->number < UINT32_MAX)
			status->number =
			    status->number * 10 + (uint64_t)(c - '0');
	} else {
		end_number(used, status);
	}
}

static void
scan_status(struct used *used, const char *path)
{
	struct status status = { .in_key = true };
	char text[CHUNK];
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < STATUS_CHUNKS && n > 0; i++) {
		n = read(fd, text, sizeof text);
		for (ssize_t at = 0; at < n; at++)
			scan_byte(used, &status, text[at]);
	}
	end_number(used, &status);
	close(fd);
}

/* Reading /proc goes from one pid to the next higher, so it ends. */
static void
scan_processes(struct used *used)
{
	char path[PATH_SIZE];
	DIR *proc = opendir("/proc");
	const struct dirent *e;

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		if (slice_all_in(slice_of(e->d_name), "0123456789") &&
		    strlen(e->d_name) <= 10) {
			snprintf(path, sizeof path, "/proc/%s/status",
			    e->d_name);
			scan_status(used, path);
		}
	}
	if (proc != NULL)
		closedir(proc);
}

void
used_machine(struct used *used)
{
	struct stat st;

	scan_processes(used);
	if (stat(".", &st) != 0)
		return;
	used_uid(used, st.st_uid);
	used_gid(used, st.st_gid);
}

void
used_entries(struct used *used, struct slice passwd, struct slice group,
    const char *but)
{
	struct slice name = slice_of(but);
	struct entry e;
	uint32_t id;

	while (entry_next(&passwd, &e)) {
		if (but != NULL && slice_same(e.field[ENTRY_NAME], name))
			continue;
		if (entry_id(e.field[ENTRY_ID], &id))
			used_uid(used, id);
		if (entry_id(e.field[ENTRY_GID], &id))
			used_gid(used, id);
	}
	while (entry_next(&group, &e)) {
		if (but != NULL && slice_same(e.field[ENTRY_NAME], name))
			continue;
		if (entry_id(e.field[ENTRY_ID], &id))
			used_gid(used, id);
	}
}

void
used_files(struct used *used)
{
	struct buf passwd = { .max = FILE_MAX }, group = { .max = FILE_MAX };
	struct err ignored = { 0 };

	file_read("/etc/passwd", &passwd, &ignored);
	file_read("/etc/group", &group, &ignored);
	used_entries(used, slice_make(passwd.data, passwd.len),
	    slice_make(group.data, group.len), NULL);
	buf_free(&passwd);
	buf_free(&group);
}

/* The next word of a line of numbers with blanks between. */
static bool
next_number(struct slice *line, uint64_t *out)
{
	struct slice word;

	*line = slice_trim(*line);
	return slice_cut(line, ' ', &word) && slice_u64(word, UINT32_MAX, out);
}

/* Clear the bits of from to to - 1; whole bytes at once, as most maps name
 * every id. */
static void
clear(const struct used *used, uint8_t *bits, uint64_t from, uint64_t to)
{
	uint64_t first = used->first, end = (uint64_t)used->last + 1;
	uint64_t at = (from > first ? from : first) - first;

	end = (to < end ? to : end) - first;
	if (to <= first)
		return;
	while (at < end) {
		if (at % 8 == 0 && end - at >= 8) {
			bits[at / 8] = 0;
			at += 8;
		} else {
			bits[at / 8] &= (uint8_t) ~(1U << (at % 8));
			at++;
		}
	}
}

/* "inside outside count" in each line (user_namespaces(7)); what no line
 * names becomes used. */
static void
take_map(struct used *used, uint8_t *bits, struct slice map)
{
	static uint8_t unmapped[USED_MAX / 8];
	uint64_t inside, outside, count;
	struct slice line;

	memset(unmapped, 0xff, sizeof unmapped);
	while (slice_cut(&map, '\n', &line)) {
		if (next_number(&line, &inside) &&
		    next_number(&line, &outside) && next_number(&line, &count))
			clear(used, unmapped, inside, inside + count);
	}
	for (size_t i = 0; i < sizeof unmapped; i++)
		bits[i] |= unmapped[i];
}

static void
add_unmapped(struct used *used, uint8_t *bits, const char *path)
{
	struct buf map = { 0 };
	struct err ignored = { 0 };

	if (file_read(path, &map, &ignored) == FILE_FOUND)
		take_map(used, bits, slice_make(map.data, map.len));
	buf_free(&map);
}

void
used_unmapped(struct used *used)
{
	add_unmapped(used, used->uids, "/proc/self/uid_map");
	add_unmapped(used, used->gids, "/proc/self/gid_map");
}
