#include "agent/setup.h"

#include <string.h>
#include <sys/stat.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"

enum { CONFIG_MAX = 256 * 1024, SEELOG_MAX = 256 * 1024 };

/* The file that we write, but for whom its one rule is. */
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
	(void)json_print_pretty(out, doc);
	buf_putc(out, '\n');
	rc = buf_ok(out) ? 0 : err_memory(err);
out:
	json_free(doc);
	return rc;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0644;
}

/* create: write the file also when there is none. */
static int
merge_file(const char *path, bool create, struct err *err)
{
	struct buf old = { .max = CONFIG_MAX }, new = { .max = CONFIG_MAX };
	enum file_found found;
	bool changed = false;
	int rc = -1;

	found = file_read(path, &old, err);
	if (found == FILE_FAILED)
		goto out;
	rc = 0;
	if (found == FILE_ABSENT && !create)
		goto out;
	rc = setup_merge_config(&new, buf_str(&old), &changed, err);
	if (rc == 0 && (changed || found == FILE_ABSENT))
		rc = file_write(path, mode_of(path), buf_str(&new), new.len,
		    err);
out:
	buf_free(&old);
	buf_free(&new);
	return rc == 0 ? 0 : err_wrap(err, path);
}

static int
merge_beside(const char *agent, struct err *err)
{
	struct slice folder, name;
	struct buf path = { 0 };
	int rc;

	if (!slice_rsplit(slice_of(agent), '/', &folder, &name) ||
	    slice_eq(folder, PATHS_BIN))
		return 0;
	buf_add(&path, folder.ptr, folder.len);
	buf_puts(&path, "/configuration/" PATHS_AGENT ".json");
	rc = buf_ok(&path) ? merge_file(buf_str(&path), false, err)
	                   : err_memory(err);
	buf_free(&path);
	return rc;
}

static int
copy_seelog(struct err *err)
{
	struct buf text = { .max = SEELOG_MAX };
	enum file_found found = FILE_ABSENT;
	struct stat st;
	int rc = 0;

	if (lstat(PATHS_SEELOG, &st) != 0)
		found = file_read(PATHS_SEELOG_TEMPLATE, &text, err);
	if (found == FILE_FOUND)
		rc = file_write(PATHS_SEELOG, 0644, text.data, text.len, err);
	buf_free(&text);
	return found == FILE_FAILED ? -1 : rc;
}

int
setup_config(const char *agent, struct err *err)
{
	struct err minor = { 0 };

	if (file_mkdirs(PATHS_ETC, 0755, err) != 0 ||
	    merge_file(PATHS_CONFIG, true, err) != 0 ||
	    merge_beside(agent, err) != 0)
		return err_wrap(err, "configuration");
	if (copy_seelog(&minor) != 0 ||
	    file_mkdirs(PATHS_LOG, 0700, &minor) != 0)
		log_debug("the agent will do without: %s", minor.msg);
	return 0;
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

	(void)read_sudoers(&old, &ours, &ignored);
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
