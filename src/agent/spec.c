/* SPDX-License-Identifier: MIT */
#include "agent/spec.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/walk.h"

#define PATH_DEFAULT \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * With static keys or a profile name the agent's worker would sign with the
 * application's identity and hibernate for ever; a bundle file that is
 * missing makes it crash.
 */
static const char never[] =
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN "
    "AWS_SECURITY_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE AWS_CA_BUNDLE "
    "SSM_ACTIVATE";

static const char minimal[] =
    "PATH HOME LANG TZ http_proxy HTTP_PROXY https_proxy HTTPS_PROXY no_proxy "
    "NO_PROXY AWS_REGION AWS_DEFAULT_REGION SSL_CERT_FILE SSL_CERT_DIR";

static bool
stays(struct slice name, const struct spec_options *options)
{
	if (options->home != NULL &&
	    (slice_eq(name, "HOME") || slice_eq(name, "TERM")))
		return false;
	if (options->minimal)
		return slice_has_word(slice_of(minimal), name);
	return !slice_has_word(slice_of(never), name) &&
	       !slice_starts(name, "SSM_ACTIVATE_");
}

/* A list of owned texts that grows; room for all is made beforehand. */
struct vars {
	char **item;
	size_t count;
	bool failed;
};

/* One of them begins so. */
static bool
vars_has(const struct vars *vars, struct slice start)
{
	for (size_t i = 0; i < vars->count; i++) {
		if (slice_same(slice_head(slice_of(vars->item[i]), start.len),
		        start))
			return true;
	}
	return false;
}

/* The end of the list is NULL at any time. */
static bool
vars_sets(const struct vars *vars, const char *name)
{
	return env_raw((struct env){ vars->item }, name) != NULL;
}

/* Add a text, which the list owns from now on; NULL = there was no memory for
 * it. */
static void
vars_add(struct vars *vars, char *text)
{
	if (text == NULL)
		vars->failed = true;
	else
		vars->item[vars->count++] = text;
}

/* Add NAME=value unless the name is there already. */
static void
vars_default(struct vars *vars, const char *name, const char *value)
{
	struct buf text = { 0 };

	if (value == NULL || vars_sets(vars, name))
		return;
	buf_printf(&text, "%s=%s", name, value);
	vars_add(vars, buf_take(&text));
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
fill(struct vars *vars, const struct spec_options *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct slice text = slice_of(options->env.vars[i]);
		struct slice name, value;

		if (slice_split(text, '=', &name, &value) &&
		    stays(name, options) &&
		    !vars_has(vars, slice_head(text, name.len + 1)))
			vars_add(vars, slice_dup(text));
	}
	vars_default(vars, "PATH", PATH_DEFAULT);
	vars_default(vars, "HOME",
	    options->home != NULL ? options->home : "/root");
	if (options->home != NULL) {
		vars_default(vars, "TERM", "xterm-256color");
		vars_default(vars, "LANG", "C.UTF-8");
	}
	vars_default(vars, "SSL_CERT_FILE", options->cert_file);
	if (options->minimal && !vars_sets(vars, "AWS_DEFAULT_REGION"))
		vars_default(vars, "AWS_REGION", options->region);
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
	struct vars vars = { 0 };

	/* Seven more: six defaults and the end. */
	new.envp = calloc(count + 7, sizeof *new.envp);
	new.argv = calloc(2, sizeof *new.argv);
	if (new.envp == NULL || new.argv == NULL)
		goto fail;
	new.argv[0] = slice_dup(slice_of(options->path));
	vars.item = new.envp;
	fill(&vars, options, count);
	if (vars.failed || new.argv[0] == NULL)
		goto fail;
	spec_free(out);
	*out = new;
	return 0;
fail:
	spec_free(&new);
	return err_memory(err);
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

/* A program that root can run without obeying somebody else. */
static bool
is_safe(const char *path)
{
	return is_program(path) && walk_trusted(path, NULL) == 0;
}

/* folder/name in out; false if it does not fit. */
static bool
join(char out[static PATH_MAX], struct slice folder, const char *name)
{
	if (slice_ends(folder, "/"))
		folder.len--;
	return snprintf(out, PATH_MAX, "%.*s/%s", (int)folder.len, folder.ptr,
	           name) < PATH_MAX;
}

/* What the agent demands of a program beside it
 * (agent/appconfig/constants_unix.go:validateAgentBinary). */
enum trust { ABSENT, REFUSED, TRUSTED };

static enum trust
look_at(struct slice folder, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	if (!join(path, folder, name) || stat(path, &st) != 0)
		return ABSENT;
	return (st.st_mode & 0533) == 0511 && st.st_uid == 0 &&
	               st.st_gid == 0 && walk_trusted(path, NULL) == 0
	           ? TRUSTED
	           : REFUSED;
}

/* Say what to do about an agent that is missing or not whole. */
static int
advise(struct err *err)
{
	err_fix(err,
	    "add to the Dockerfile: COPY --from=<AWS's image of the agent> " PATHS_BIN
	    "/" PATHS_AGENT " " PATHS_BIN "/ssm-*-worker " PATHS_BIN "/");
	return -1;
}

static int
check_worker(const char *agent, struct err *err)
{
	struct slice folder = { 0 }, name;
	enum trust session, worker;

	slice_rsplit(slice_of(agent), '/', &folder, &name);
	session = look_at(folder, PATHS_SESSION);
	worker = look_at(folder, PATHS_WORKER);
	if ((session == TRUSTED && worker == TRUSTED) ||
	    is_safe(PATHS_BIN "/" PATHS_WORKER))
		return 0;
	if (session != ABSENT && worker != ABSENT) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the workers beside %s must be root:root with mode 0755, in "
		    "folders that root alone can write to",
		    agent);
	}
	err_set(err, ERR_KIND_INVALID_VALUE,
	    "%s has no " PATHS_WORKER " that it would start", agent);
	return advise(err);
}

/* A folder that others can write to is no place for what root runs. */
static bool
find_in_path(char out[static PATH_MAX], struct env env, struct err *skipped)
{
	struct slice rest = slice_of(env_get(env, "PATH")), folder;
	bool found = false;

	while (!found && slice_cut(&rest, ':', &folder)) {
		if (slice_starts(folder, "/") &&
		    join(out, folder, PATHS_AGENT) && is_program(out))
			found = walk_trusted(out, skipped) == 0;
	}
	return found;
}

/* The agent's path, absolute; 1 = none is installed. */
static int
find_agent(char out[static PATH_MAX], const char *path, struct env env,
    struct err *skipped, struct err *err)
{
	if (path == NULL) {
		slice_copy(slice_of(PATHS_BIN "/" PATHS_AGENT), out, PATH_MAX);
		if (is_program(out))
			return walk_trusted(out, err);
		if (find_in_path(out, env, skipped))
			return 0;
		err_set(err, ERR_KIND_INVALID_VALUE,
		    PATHS_AGENT " is not installed");
		advise(err);
		return 1;
	}
	if (slice_copy(slice_of(path), out, PATH_MAX) && path[0] == '/' &&
	    is_program(path))
		return walk_trusted(path, err);
	err_set(err, ERR_KIND_INVALID_VALUE,
	    "SSM_ACTIVATE_AGENT: %s is not an executable file with an absolute "
	    "path",
	    path);
	return advise(err);
}

int
spec_find(char *out, size_t size, const char *path, struct env env,
    struct err *skipped, struct err *err)
{
	char found[PATH_MAX];
	int rc = find_agent(found, path, env, skipped, err);

	if (rc != 0)
		return rc;
	if (check_worker(found, err) != 0)
		return -1;
	if (!slice_copy(slice_of(found), out, size))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the agent's path is too long: %s", found);
	return 0;
}
