#include "agent/spec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define PATH_DEFAULT \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { FOLDER_MAX = 4096 };

/*
 * With static keys or a profile name the agent's worker would sign with the
 * application's identity and hibernate for ever; a bundle file that is
 * missing makes it crash.
 */
static const char *const never[] = { "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CA_BUNDLE", "SSM_ACTIVATE",
	NULL };

static const char *const minimal[] = { "PATH", "HOME", "LANG", "TZ",
	"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy",
	"NO_PROXY", "AWS_REGION", "AWS_DEFAULT_REGION", "SSL_CERT_FILE",
	"SSL_CERT_DIR", NULL };

static bool
is_one_of(struct slice name, const char *const *list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		if (slice_eq(name, list[i]))
			return true;
	return false;
}

static bool
stays(struct slice name, const struct spec_options *options)
{
	if (options->minimal)
		return is_one_of(name, minimal);
	return !is_one_of(name, never) && !slice_starts(name, "SSM_ACTIVATE_");
}

/* A list of owned texts that grows; room for all is made beforehand. */
struct list {
	char **item;
	size_t count;
	bool failed;
};

static bool
list_has(const struct list *list, struct slice name)
{
	for (size_t i = 0; i < list->count; i++) {
		struct slice have, value;

		if (slice_split(slice_of(list->item[i]), '=', &have, &value) &&
		    slice_same(have, name))
			return true;
	}
	return false;
}

static void
list_add(struct list *list, struct slice text)
{
	char *copy = slice_dup(text);

	if (copy == NULL)
		list->failed = true;
	else
		list->item[list->count++] = copy;
}

/* Add NAME=value unless the name is there already. */
static void
list_default(struct list *list, const char *name, const char *value)
{
	struct buf text = { 0 };

	if (value == NULL || list_has(list, slice_of(name)))
		return;
	buf_printf(&text, "%s=%s", name, value);
	if (buf_ok(&text))
		list_add(list, slice_make(text.data, text.len));
	else
		list->failed = true;
	buf_free(&text);
}

static size_t
env_count(struct env env)
{
	size_t n = 0;

	while (env.vars != NULL && env.vars[n] != NULL)
		n++;
	return n;
}

static void
fill(struct list *list, const struct spec_options *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct slice text = slice_of(options->env.vars[i]);
		struct slice name, value;

		if (slice_split(text, '=', &name, &value) &&
		    stays(name, options) && !list_has(list, name))
			list_add(list, text);
	}
	list_default(list, "PATH", PATH_DEFAULT);
	list_default(list, "HOME", "/root");
	list_default(list, "SSL_CERT_FILE", options->cert_file);
	if (options->minimal && !list_has(list, slice_of("AWS_DEFAULT_REGION")))
		list_default(list, "AWS_REGION", options->region);
}

static void
free_texts(char **texts)
{
	for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
		free(texts[i]);
	free(texts);
}

int
spec_build(struct spec *out, const struct spec_options *options,
    struct err *err)
{
	size_t count = env_count(options->env);
	struct spec new = { 0 };
	struct list list = { 0 };

	/* Five more: four defaults and the end. */
	new.envp = calloc(count + 5, sizeof(*new.envp));
	new.argv = calloc(2, sizeof(*new.argv));
	if (new.envp == NULL || new.argv == NULL)
		goto fail;
	new.argv[0] = slice_dup(slice_of(options->path));
	list.item = new.envp;
	fill(&list, options, count);
	if (list.failed || new.argv[0] == NULL)
		goto fail;
	spec_free(out);
	*out = new;
	return 0;
fail:
	spec_free(&new);
	return err_set(err, ERR_KIND_SYSTEM, "out of memory");
}

void
spec_free(struct spec *spec)
{
	free_texts(spec->argv);
	free_texts(spec->envp);
	*spec = (struct spec){ 0 };
}

static bool
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

/* folder/name in out; false if it does not fit. */
static bool
join(char *out, size_t size, struct slice folder, const char *name)
{
	struct buf path = { 0 };
	bool fits;

	buf_add(&path, folder.ptr, folder.len);
	if (!slice_ends(folder, "/"))
		buf_putc(&path, '/');
	buf_puts(&path, name);
	fits = buf_ok(&path) &&
	       slice_copy(slice_make(path.data, path.len), out, size);
	buf_free(&path);
	return fits;
}

/* What the agent demands of a program beside it
 * (agent/appconfig/constants_unix.go:validateAgentBinary). */
static bool
is_trusted(struct slice folder, const char *name)
{
	char path[FOLDER_MAX];
	struct stat st;

	return join(path, sizeof(path), folder, name) && stat(path, &st) == 0 &&
	       (st.st_mode & 0511) == 0511 && (st.st_mode & 0022) == 0 &&
	       st.st_uid == 0 && st.st_gid == 0;
}

static bool
has_worker(const char *agent)
{
	struct slice folder, name;

	if (slice_rsplit(slice_of(agent), '/', &folder, &name) &&
	    is_trusted(folder, PATHS_SESSION) &&
	    is_trusted(folder, PATHS_WORKER))
		return true;
	return is_program(PATHS_BIN "/" PATHS_WORKER);
}

static bool
find_in_path(char *out, size_t size, struct env env)
{
	struct slice rest = slice_of(env_get(env, "PATH"));
	struct slice folder;

	while (slice_cut(&rest, ':', &folder)) {
		if (slice_starts(folder, "/") &&
		    join(out, size, folder, PATHS_AGENT) && is_program(out))
			return true;
	}
	return false;
}

/* Say what to do about an agent that is missing or not whole. */
static int
advise(struct err *err)
{
	err_fix(err,
	    "add to the Dockerfile: COPY --from=<AWS's image of the agent> "
	    "/usr/bin/" PATHS_AGENT " /usr/bin/" PATHS_WORKER
	    " /usr/bin/" PATHS_SESSION " /usr/bin/" PATHS_DOCUMENT
	    " /usr/bin/");
	return -1;
}

int
spec_find(char *out, size_t size, const char *path, struct env env,
    struct err *err)
{
	char found[FOLDER_MAX] = PATHS_BIN "/" PATHS_AGENT;

	if (path != NULL && !slice_starts(slice_of(path), "/"))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the agent's path must be absolute: %s", path);
	if (path != NULL) {
		if (!slice_copy(slice_of(path), found, sizeof(found)) ||
		    !is_program(found)) {
			err_set(err, ERR_KIND_INVALID_VALUE,
			    "SSM_ACTIVATE_AGENT: %s is not an executable file",
			    path);
			return advise(err);
		}
	} else if (!is_program(found) &&
	           !find_in_path(found, sizeof(found), env)) {
		err_set(err, ERR_KIND_INVALID_VALUE,
		    PATHS_AGENT " is not installed");
		return advise(err);
	}
	if (!has_worker(found)) {
		err_set(err, ERR_KIND_INVALID_VALUE,
		    "%s has no " PATHS_WORKER " that it would start", found);
		return advise(err);
	}
	if (!slice_copy(slice_of(found), out, size))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the agent's path is too long: %s", found);
	return 0;
}
