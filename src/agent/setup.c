/* SPDX-License-Identifier: MIT */
#include "agent/setup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "agent/seelog.h"
#include "agent/volume.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/walk.h"

enum { CONFIG_MAX = 256 * 1024, SEELOG_MAX = 256 * 1024 };

/* The sudoers file that we write, without the user of its one rule. */
static const char sudo_head[] =
    "# Sessions of AWS Systems Manager run as ssm-user (ssm-activate).\n";
static const char sudo_tail[] = " ALL=(ALL) NOPASSWD:ALL\n";

/* The agent reads its configuration without regard to the case of names, and
 * the last of several counts; so there may be only one. */
static bool
is_single(const struct json *obj, const char *name)
{
	const struct json *member;
	int count = 0;

	for (member = json_first(obj); member != NULL;
	     member = json_next(member))
		count += slice_eq_nocase(slice_of(json_name(member)), name);
	return count == 1;
}

static bool
has_value(const struct json *member, const char *value)
{
	struct buf text = { 0 };
	bool same = member != NULL && json_print(&text, member) == 0 &&
	            slice_eq(slice_of(buf_str(&text)), value);

	buf_free(&text);
	return same;
}

/* Give the member of that section a value, which is JSON. */
static int
force(struct json *doc, const char *section, const char *name,
    const char *value, bool *changed, struct err *err)
{
	struct json *obj = json_object_in(doc, section), *new = NULL;

	if (obj == NULL)
		return err_set(err, ERR_KIND_CONFIG, "%s is not an object",
		    section);
	if (!has_value(json_get(obj, name), value)) {
		*changed = true;
		if (json_parse(&new, value, strlen(value), err) != 0 ||
		    json_add(obj, name, new) != 0)
			return err_memory(err);
	}
	if (is_single(doc, section) && is_single(obj, name))
		return 0;
	return err_set(err, ERR_KIND_CONFIG, "more than one %s or %s", section,
	    name);
}

int
setup_merge_config(struct buf *out, const char *text, bool *changed,
    struct err *err)
{
	struct json *doc = NULL;
	int rc = -1;

	if (text == NULL || slice_trim(slice_of(text)).len == 0)
		text = "{}";
	if (json_parse(&doc, text, strlen(text), err) != 0)
		goto out;
	if (!json_is_object(doc)) {
		err_set(err, ERR_KIND_CONFIG, "not a JSON object");
		goto out;
	}
	if (force(doc, "Profile", "ShareCreds", "false", changed, err) != 0 ||
	    force(doc, "Identity", "ConsumptionOrder", "[\"OnPrem\"]", changed,
	        err) != 0)
		goto out;
	json_print_pretty(out, doc);
	buf_putc(out, '\n');
	rc = buf_ok(out) ? 0 : err_memory(err);
out:
	json_free(doc);
	return rc;
}

/* The mode that the file is to have: its own, but for others' rights to write
 * to it.  *changed becomes true when it had them: another file takes its place
 * then, since somebody may have this one open. */
static mode_t
mode_of(int dir, const char *name, bool *changed)
{
	struct stat st;

	if (fstatat(dir, name, &st, 0) != 0)
		return 0644;
	if (geteuid() == 0 && (st.st_mode & WALK_OTHERS) != 0)
		*changed = true;
	return st.st_mode & 07777 & ~(mode_t)WALK_OTHERS;
}

static const char *
name_of(const char *path)
{
	struct slice folder, name = slice_of(path);

	slice_rsplit(slice_of(path), '/', &folder, &name);
	return name.ptr;
}

/* create: write the file also when there is none. */
static int
merge_file(int dir, const char *path, bool create, struct err *err)
{
	const char *name = name_of(path);
	struct buf old = { .max = CONFIG_MAX }, new = { .max = CONFIG_MAX };
	enum file_found found;
	bool changed = false;
	mode_t mode = mode_of(dir, name, &changed);
	int rc = -1;

	found = file_read_at(dir, name, &old, err);
	if (found == FILE_FAILED)
		goto out;
	rc = 0;
	if (found == FILE_ABSENT && !create)
		goto out;
	rc = setup_merge_config(&new, buf_str(&old), &changed, err);
	if (rc == 0 && (changed || found == FILE_ABSENT))
		rc = file_write_at(dir, name, mode,
		    slice_make(buf_str(&new), new.len), err);
out:
	buf_free(&old);
	buf_free(&new);
	return rc == 0 ? 0 : err_wrap(err, path);
}

/* The folder beside an agent outside /usr/bin that it looks into first. */
static bool
path_beside(const char *agent, const char *name, char out[static PATH_MAX])
{
	struct slice folder, last;

	return slice_rsplit(slice_of(agent), '/', &folder, &last) &&
	       !slice_eq(folder, PATHS_BIN) &&
	       snprintf(out, PATH_MAX, "%.*s" PATHS_BESIDE "%s",
	           (int)folder.len, folder.ptr, name) < PATH_MAX;
}

static int
merge_beside(const char *agent, struct err *err)
{
	char above[PATH_MAX], path[PATH_MAX];
	enum file_found found;
	int dir = -1;
	int rc;

	if (!path_beside(agent, "", above) ||
	    !path_beside(agent, "/" PATHS_CONFIG_NAME, path))
		return 0;
	found = file_folder_find(&dir, above, 0755, err);
	if (found != FILE_FOUND)
		return found == FILE_ABSENT ? 0 : -1;
	rc = merge_file(dir, path, false, err);
	close(dir);
	return rc;
}

/* Gives 1 when there is one of somebody else's, which may be a link. */
static int
write_seelog(int dir, const char *log, struct err *err)
{
	struct buf old = { .max = SEELOG_MAX }, new = { 0 };
	struct err ignored = { 0 };
	struct stat st;
	int rc = 1;

	file_read_at(dir, PATHS_SEELOG_NAME, &old, &ignored);
	if (!seelog_is_made(slice_make(old.data, old.len)) &&
	    fstatat(dir, PATHS_SEELOG_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0)
		goto out;
	rc = seelog_make(&new, log, err);
	if (rc == 0 && !slice_eq(slice_make(old.data, old.len), buf_str(&new)))
		rc = file_write_at(dir, PATHS_SEELOG_NAME, 0644,
		    slice_make(new.data, new.len), err);
out:
	buf_free(&old);
	buf_free(&new);
	return rc;
}

/* A log that the agent writes where others may put links would be a way for
 * them to have root write elsewhere. */
static void
make_log_folder(bool needed)
{
	struct err err = { 0 };
	int dir = -1;

	if (!needed && access(PATHS_LOG, F_OK) != 0)
		return;
	dir = volume_open(VOLUME_LOG, &err);

	if (dir < 0 && access(PATHS_LOG, F_OK) != 0)
		log_debug("the agent will do without: %s", err.msg);
	else if (dir < 0 || volume_clean(dir, VOLUME_LOG, &err) != 0)
		log_err(LOG_WARN, "agent_log", &err);
	if (dir >= 0)
		close(dir);
}

int
setup_config(const char *agent, const char *log, struct err *err)
{
	struct err minor = { 0 };
	int dir = volume_open(VOLUME_ETC, err);
	int rc = -1, logs = -1;

	if (dir < 0)
		return err_wrap(err, "configuration");
	rc = volume_clean(dir, VOLUME_ETC, err);
	if (rc == 0)
		rc = merge_file(dir, PATHS_CONFIG, true, err);
	if (rc == 0)
		rc = merge_beside(agent, err);
	if (rc == 0)
		logs = write_seelog(dir, log, &minor);
	if (rc == 0 && logs < 0)
		log_debug("the agent will do without: %s", minor.msg);
	close(dir);
	make_log_folder(logs != 0);
	return rc == 0 ? 0 : err_wrap(err, "configuration");
}

/* The seelog.xml that the agent reads, and its path. */
static enum file_found
read_seelog(const char *agent, struct buf *text, char path[static PATH_MAX],
    struct err *err)
{
	enum file_found found = FILE_ABSENT;

	if (path_beside(agent, "/" PATHS_SEELOG_NAME, path))
		found = file_read_own(path, text, err);
	if (found != FILE_ABSENT)
		return found;
	snprintf(path, PATH_MAX, "%s", PATHS_SEELOG);
	return file_read_own(path, text, err);
}

int
setup_find_log(const char *agent, char *out, size_t size, struct err *err)
{
	struct buf text = { .max = SEELOG_MAX };
	char path[PATH_MAX];
	int rc = -1;

	switch (read_seelog(agent, &text, path, err)) {
	case FILE_ABSENT:
		rc = slice_copy(slice_of(PATHS_LOG_FILE), out, size) ? 0 : -1;
		break;
	case FILE_FOUND:
		rc = seelog_find(slice_make(text.data, text.len), out, size,
		    err);
		break;
	case FILE_FAILED:
		break;
	}
	buf_free(&text);
	return rc == 0 ? 0 : err_wrap(err, path);
}

int
setup_remove_log_config(struct err *err)
{
	struct buf text = { .max = SEELOG_MAX };
	enum file_found found = file_read_own(PATHS_SEELOG, &text, err);
	int rc = found == FILE_FAILED ? -1 : 0;

	if (found == FILE_FOUND &&
	    seelog_is_made(slice_make(text.data, text.len)))
		rc = file_remove_own(PATHS_SEELOG, err);
	buf_free(&text);
	return rc == 0 ? 0 : err_wrap(err, "configuration");
}

/* A line of ours before, and one rule. */
static bool
is_our_sudoers(struct slice text)
{
	struct slice rule = slice_skip(text, strlen(sudo_head)), first;

	return slice_starts(text, sudo_head) && slice_ends(rule, sudo_tail) &&
	       slice_cut(&rule, '\n', &first) && rule.len == 0;
}

/* As file_read(); *ours: what is there is what setup_sudoers() writes. */
static enum file_found
read_sudoers(struct buf *text, bool *ours, struct err *err)
{
	enum file_found found = file_read(PATHS_SUDOERS, text, err);

	*ours = is_our_sudoers(slice_make(text->data, text->len));
	return found;
}

static int
write_sudoers(uid_t uid, const struct buf *old, struct err *err)
{
	struct buf new = { 0 };
	int rc = 0;

	buf_puts(&new, sudo_head);
	if (uid != 0)
		buf_printf(&new, "#%u", uid);
	else
		buf_puts(&new, "ssm-user");
	buf_puts(&new, sudo_tail);
	if (!buf_ok(&new))
		rc = err_memory(err);
	else if (!slice_eq(slice_make(old->data, old->len), buf_str(&new)))
		rc = file_write(PATHS_SUDOERS, 0440, new.data, new.len, err);
	buf_free(&new);
	return rc;
}

int
setup_sudoers(uid_t uid, struct err *err)
{
	struct buf old = { 0 };
	struct err ignored = { 0 };
	struct stat st;
	bool ours = false;
	int rc = 1;

	read_sudoers(&old, &ours, &ignored);
	if (ours || lstat(PATHS_SUDOERS, &st) != 0) {
		rc = file_mkdirs(PATHS_SUDOERS_DIR, 0750, err);
		if (rc == 0)
			rc = write_sudoers(uid, &old, err);
	}
	buf_free(&old);
	return rc >= 0 ? rc : err_wrap(err, "sudo");
}

int
setup_remove_sudoers(struct err *err)
{
	struct buf text = { 0 };
	bool ours = false;
	enum file_found found = read_sudoers(&text, &ours, err);
	int rc = found == FILE_FAILED ? -1 : 0;

	if (found == FILE_ABSENT || ours)
		rc = file_remove(PATHS_SUDOERS, err);
	buf_free(&text);
	return rc == 0 ? 0 : err_wrap(err, "sudo");
}
