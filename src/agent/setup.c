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

#define BESIDE "/configuration/amazon-ssm-agent.json"

enum { CONFIG_MAX = 256 * 1024, SEELOG_MAX = 256 * 1024 };

static const char sudoers[] =
    "# Sessions of AWS Systems Manager run as ssm-user (ssm-activate).\n"
    "ssm-user ALL=(ALL) NOPASSWD:ALL\n";

/* The agent reads its configuration without regard to the case of names, and
 * the last of several counts; so there may be only one. */
static int
check_single(const struct json *obj, const char *name, struct err *err)
{
	const struct json *member;
	int count = 0;

	for (member = json_first(obj); member != NULL;
	     member = json_next(member))
		if (slice_eq_nocase(slice_of(json_name(member)), name))
			count++;
	if (count <= 1)
		return 0;
	return err_set(err, ERR_KIND_CONFIG,
	    "the agent's configuration has more than one %s", name);
}

/* The object that the agent takes for that name, made when there is none. */
static struct json *
section(struct json *doc, const char *name, struct err *err)
{
	struct json *obj = json_object_in(doc, name);

	if (obj == NULL) {
		err_set(err, ERR_KIND_CONFIG,
		    "%s in the agent's configuration is not an object", name);
		return NULL;
	}
	return check_single(doc, name, err) == 0 ? obj : NULL;
}

static bool
is_only_onprem(const struct json *list)
{
	const struct json *first = json_first(list);

	return json_is_array(list) && json_next(first) == NULL &&
	       slice_eq(slice_of(json_string(first)), "OnPrem");
}

static int
merge_share(struct json *doc, bool *changed, struct err *err)
{
	struct json *profile = section(doc, "Profile", err);
	bool share = true;

	if (profile == NULL)
		return -1;
	if (json_bool(profile, "ShareCreds", &share) && !share)
		return check_single(profile, "ShareCreds", err);
	*changed = true;
	if (json_add_bool(profile, "ShareCreds", false) != 0)
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	return check_single(profile, "ShareCreds", err);
}

static int
merge_order(struct json *doc, bool *changed, struct err *err)
{
	struct json *identity = section(doc, "Identity", err);
	struct json *list;

	if (identity == NULL)
		return -1;
	if (is_only_onprem(json_get(identity, "ConsumptionOrder")))
		return check_single(identity, "ConsumptionOrder", err);
	*changed = true;
	list = json_new_array();
	if (list == NULL || json_add_text(list, NULL, "OnPrem") != 0) {
		json_free(list);
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	}
	if (json_add(identity, "ConsumptionOrder", list) != 0)
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	return check_single(identity, "ConsumptionOrder", err);
}

static int
merge(struct buf *out, const char *text, bool *changed, struct err *err)
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
	if (merge_share(doc, changed, err) != 0 ||
	    merge_order(doc, changed, err) != 0)
		goto out;
	if (json_print_pretty(out, doc) != 0) {
		err_set(err, ERR_KIND_SYSTEM, "out of memory");
		goto out;
	}
	buf_putc(out, '\n');
	if (!buf_ok(out)) {
		err_set(err, ERR_KIND_SYSTEM, "out of memory");
		goto out;
	}
	rc = 0;
out:
	json_free(doc);
	return rc;
}

int
setup_merge_config(struct buf *out, const char *text, struct err *err)
{
	bool changed = false;

	return merge(out, text, &changed, err);
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
	rc = merge(&new, buf_str(&old), &changed, err);
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
	int rc = 0;

	if (!slice_rsplit(slice_of(agent), '/', &folder, &name) ||
	    slice_eq(folder, PATHS_BIN))
		return 0;
	buf_add(&path, folder.ptr, folder.len);
	buf_puts(&path, BESIDE);
	if (buf_ok(&path))
		rc = merge_file(buf_str(&path), false, err);
	else
		rc = err_set(err, ERR_KIND_SYSTEM, "out of memory");
	buf_free(&path);
	return rc;
}

static int
copy_seelog(struct err *err)
{
	struct buf text = { .max = SEELOG_MAX };
	struct stat st;
	int rc = 0;

	if (lstat(PATHS_SEELOG, &st) == 0)
		return 0;
	switch (file_read(PATHS_SEELOG_TEMPLATE, &text, err)) {
	case FILE_FOUND:
		rc = file_write(PATHS_SEELOG, 0644, buf_str(&text), text.len,
		    err);
		break;
	case FILE_ABSENT:
		break;
	case FILE_FAILED:
		rc = -1;
		break;
	}
	buf_free(&text);
	return rc;
}

static int
make_log_folder(struct err *err)
{
	if (file_mkdirs("/var/log", 0755, err) != 0)
		return -1;
	return file_mkdirs(PATHS_LOG, 0700, err);
}

int
setup_config(const char *agent, struct err *err)
{
	struct err minor = { 0 };

	if (file_mkdirs(PATHS_ETC, 0755, err) != 0 ||
	    merge_file(PATHS_CONFIG, true, err) != 0 ||
	    merge_beside(agent, err) != 0)
		return err_wrap(err, "configuration");
	if (copy_seelog(&minor) != 0 || make_log_folder(&minor) != 0)
		log_debug("the agent will do without: %s", minor.msg);
	return 0;
}

int
setup_sudoers(struct err *err)
{
	struct stat st;

	if (lstat(PATHS_SUDOERS, &st) == 0)
		return 1;
	if (file_mkdirs("/etc", 0755, err) != 0 ||
	    file_mkdirs(PATHS_SUDOERS_DIR, 0750, err) != 0)
		return err_wrap(err, "sudo");
	if (file_write(PATHS_SUDOERS, 0440, sudoers, strlen(sudoers), err) != 0)
		return err_wrap(err, "sudo");
	return 0;
}

int
setup_remove_sudoers(struct err *err)
{
	struct buf text = { 0 };
	int rc = 0;

	switch (file_read(PATHS_SUDOERS, &text, err)) {
	case FILE_FOUND:
		if (slice_same(slice_make(text.data, text.len),
		        slice_of(sudoers)))
			rc = file_remove(PATHS_SUDOERS, err);
		break;
	case FILE_ABSENT:
		break;
	case FILE_FAILED:
		rc = -1;
		break;
	}
	buf_free(&text);
	return rc == 0 ? 0 : err_wrap(err, "sudo");
}
