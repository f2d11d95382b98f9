/* SPDX-License-Identifier: MIT */
#include "aws/conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/ini.h"
#include "base/buf.h"
#include "base/entry.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"

enum {
	PASSWD_MAX = 1024 * 1024,
	SOURCES_MAX = 11, /* profiles of a chain of roles */
	ORIGIN_SIZE = 512,
};

struct conf {
	struct conf_options options;
	struct ini files[2]; /* by enum conf_file */
	char *paths[2];      /* where they were looked for, owned */
	bool found[2];
	const char *profile;
	bool profile_flag;
};

/* Where a file is, unless its variable says otherwise. */
struct place {
	const char *variable;
	const char *path;
	enum ini_kind kind;
};

static const struct place places[] = {
	[CONF_CREDENTIALS] = { "AWS_SHARED_CREDENTIALS_FILE",
	    "~/.aws/credentials", INI_CREDENTIALS },
	[CONF_CONFIG] = { "AWS_CONFIG_FILE", "~/.aws/config", INI_CONFIG },
};

/* Append HOME, else what the passwd file says.  getpwuid(3) would also ask a
 * daemon over a socket; this runs with all privileges. */
static bool
add_home(struct buf *out, struct env env)
{
	struct slice home = slice_of(env_get(env, "HOME"));
	struct buf text = { .max = PASSWD_MAX };
	struct slice rest;
	struct entry e;
	uid_t uid;

	if (home.len == 0)
		file_read("/etc/passwd", &text, NULL);
	rest = slice_make(buf_str(&text), text.len);
	while (home.len == 0 && entry_next(&rest, &e)) {
		if (entry_id(e.field[ENTRY_ID], &uid) && uid == geteuid())
			home = e.field[ENTRY_HOME];
	}
	buf_add(out, home.ptr, home.len);
	buf_free(&text);
	return home.len > 0;
}

/* Append the path with a leading "~/" put in full, where that is known. */
static void
expand_home(struct buf *out, const char *path, struct env env)
{
	struct slice rest = slice_of(path);

	if (slice_starts(rest, "~/") && add_home(out, env))
		rest = slice_skip(rest, 1);
	buf_add(out, rest.ptr, rest.len);
}

/* Said once in the life of a process, whatever opens the files. */
static void
warn_mode(const char *path, mode_t mode)
{
	static bool warned;

	if (warned || (mode & (S_IRGRP | S_IROTH)) == 0)
		return;
	warned = true;
	log_event(LOG_WARN, "credentials_file_mode",
	    "%s can be read by other users; run chmod 600 on it", path);
}

static int
load_file(struct conf *conf, enum conf_file file, struct err *err)
{
	const struct place *place = &places[file];
	struct env env = conf->options.env;
	const char *set = env_get(env, place->variable);
	struct buf path = { 0 };
	mode_t mode = 0;
	int rc;

	expand_home(&path, set != NULL ? set : place->path, env);
	if (!buf_ok(&path)) {
		rc = err_set(err, ERR_KIND_CONFIG, "%s: path is too long",
		    place->variable);
	} else {
		rc = ini_load(&conf->files[file], place->kind, buf_str(&path),
		    &mode, err);
	}
	if (file == CONF_CREDENTIALS)
		warn_mode(buf_str(&path), mode);
	conf->found[file] = mode != 0;
	conf->paths[file] = rc == 0 ? buf_take(&path) : NULL;
	buf_free(&path);
	return rc;
}

static bool
is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* A profile that somebody named must exist; only the implicit default may be
 * absent. */
static int
choose_profile(struct conf *conf, struct err *err)
{
	static const char *const variables[] = { "AWS_PROFILE",
		"AWS_DEFAULT_PROFILE" };
	const char *from = "--profile";

	if (is_set(conf->options.profile)) {
		conf->profile = conf->options.profile;
		conf->profile_flag = true;
	}
	for (size_t i = 0; i < 2 && conf->profile == NULL; i++) {
		from = variables[i];
		conf->profile = env_get(conf->options.env, from);
	}
	if (conf->profile == NULL) {
		conf->profile = "default";
		return 0;
	}
	if (conf_has_profile(conf, conf->profile))
		return 0;
	err_set(err, ERR_KIND_PROFILE_NOT_FOUND,
	    "profile \"%.200s\" (from %s) does not exist in %.200s or %.200s",
	    conf->profile, from, conf->paths[CONF_CREDENTIALS],
	    conf->paths[CONF_CONFIG]);
	err_fix(err, "In the config file a profile's section is "
	             "[profile NAME], in the credentials file [NAME].");
	return -1;
}

/* A section that is used must be right. */
static int
check_section(const struct conf *conf, enum conf_file file, enum ini_word word,
    const char *name, struct err *err)
{
	const struct ini_section *section =
	    ini_find(&conf->files[file], word, name);

	return ini_check(section, err) == 0 ? 0
	                                    : err_wrap(err, conf->paths[file]);
}

/* The profile in force, those whose credentials its roles begin with, and what
 * it says of services. */
static int
check_sections(const struct conf *conf, struct err *err)
{
	const char *name = conf->profile;
	const char *services;

	for (size_t i = 0; i < SOURCES_MAX && name != NULL; i++) {
		if (check_section(conf, CONF_CREDENTIALS, INI_PROFILE, name,
		        err) != 0 ||
		    check_section(conf, CONF_CONFIG, INI_PROFILE, name, err) !=
		        0)
			return -1;
		name = conf_value(conf, name, "role_arn") != NULL
		           ? conf_value(conf, name, "source_profile")
		           : NULL;
	}
	services = conf_value(conf, conf->profile, "services");
	return services == NULL ? 0
	                        : check_section(conf, CONF_CONFIG, INI_SERVICES,
	                              services, err);
}

/* Of the sections that are not used, one that is wrong is told of. */
static void
warn_wrong(const struct conf *conf)
{
	for (size_t file = 0; file < 2; file++) {
		const struct ini *ini = &conf->files[file];
		struct err err = { 0 };

		for (size_t i = 0; i < ini->count; i++) {
			if (ini_check(&ini->sections[i], &err) == 0)
				continue;
			if (!log_once("config_file"))
				return;
			log_event(LOG_WARN, "config_file",
			    "%s: %s; the rest of that section is "
			    "not read",
			    conf->paths[file], err.msg);
			return;
		}
	}
}

int
conf_open(struct conf **out, const struct conf_options *options,
    struct err *err)
{
	struct conf *conf = calloc(1, sizeof *conf);
	int rc = -1;

	if (conf == NULL)
		return err_memory(err);
	conf->options = *options;
	if (load_file(conf, CONF_CONFIG, err) != 0 ||
	    load_file(conf, CONF_CREDENTIALS, err) != 0 ||
	    choose_profile(conf, err) != 0 || check_sections(conf, err) != 0)
		goto out;
	warn_wrong(conf);
	*out = conf;
	conf = NULL;
	rc = 0;
out:
	conf_free(conf);
	return rc;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	ini_free(&conf->files[CONF_CREDENTIALS]);
	ini_free(&conf->files[CONF_CONFIG]);
	free(conf->paths[CONF_CREDENTIALS]);
	free(conf->paths[CONF_CONFIG]);
	free(conf);
}

const struct conf_options *
conf_options(const struct conf *conf)
{
	return &conf->options;
}

struct env
conf_env(const struct conf *conf)
{
	return conf->options.env;
}

const char *
conf_profile(const struct conf *conf)
{
	return conf->profile;
}

bool
conf_profile_flag(const struct conf *conf)
{
	return conf->profile_flag;
}

bool
conf_has_profile(const struct conf *conf, const char *profile)
{
	return ini_find(&conf->files[CONF_CREDENTIALS], INI_PROFILE, profile) !=
	           NULL ||
	       ini_find(&conf->files[CONF_CONFIG], INI_PROFILE, profile) !=
	           NULL;
}

const char *
conf_get(const struct conf *conf, const char *variable, const char *key)
{
	const char *value = NULL;

	if (variable != NULL)
		value = env_get(conf->options.env, variable);
	if (value == NULL && key != NULL)
		value = conf_value(conf, conf->profile, key);
	return value;
}

const char *
conf_setting(const struct conf *conf, const char *variable)
{
	return conf_get(conf, variable, &variable[sizeof "AWS_" - 1]);
}

bool
conf_true(const struct conf *conf, const char *variable, const char *key)
{
	const char *value = conf_get(conf, variable, key);

	return value != NULL && strcasecmp(value, "true") == 0;
}

const char *
conf_value(const struct conf *conf, const char *profile, const char *key)
{
	const char *value =
	    conf_file_value(conf, CONF_CREDENTIALS, profile, key);

	if (value == NULL)
		value = conf_file_value(conf, CONF_CONFIG, profile, key);
	return value;
}

const struct owner *
conf_owner(const struct conf *conf, const char *profile, const char *key)
{
	bool first =
	    conf_file_value(conf, CONF_CREDENTIALS, profile, key) != NULL;

	return &conf->files[first ? CONF_CREDENTIALS : CONF_CONFIG].owner;
}

void
conf_origin(const struct conf *conf, const char *profile, const char *key,
    char *out, size_t size)
{
	bool first =
	    conf_file_value(conf, CONF_CREDENTIALS, profile, key) != NULL;
	enum conf_file file = first ? CONF_CREDENTIALS : CONF_CONFIG;
	const struct ini_entry *entry =
	    ini_entry(ini_find(&conf->files[file], INI_PROFILE, profile), key,
	        NULL);

	snprintf(out, size, "%s:%zu: %s", conf->paths[file],
	    entry != NULL ? entry->line : 0, key);
}

int
conf_refuse(const struct conf *conf, const struct conf_wrong *what,
    struct err *err)
{
	const char *profile =
	    what->profile != NULL ? what->profile : conf->profile;
	const char *value = what->variable != NULL
	                        ? env_get(conf->options.env, what->variable)
	                        : NULL;
	char from[ORIGIN_SIZE];

	if (value != NULL) {
		return err_set(err, what->kind, "%s=%.*s: it must be %s",
		    what->variable, err_shown(slice_of(value)), value,
		    what->must);
	}
	value = conf_value(conf, profile, what->key);
	conf_origin(conf, profile, what->key, from, sizeof from);
	return err_set(err, what->kind, "%s = %.*s: it must be %s", from,
	    err_shown(slice_of(value)), value, what->must);
}

const char *
conf_path(const struct conf *conf, enum conf_file file, bool *found)
{
	*found = conf->found[file];
	return conf->paths[file];
}

const char *
conf_file_value(const struct conf *conf, enum conf_file file,
    const char *profile, const char *key)
{
	const char *value =
	    ini_value(ini_find(&conf->files[file], INI_PROFILE, profile), key,
	        NULL);

	return is_set(value) ? value : NULL;
}

int
conf_service(const struct conf *conf, const char *service, const char *key,
    const char **value, struct err *err)
{
	const char *name = conf_get(conf, NULL, "services");
	const struct ini_section *section;
	const char *found;

	if (name == NULL) {
		*value = NULL;
		return 0;
	}
	section = ini_find(&conf->files[CONF_CONFIG], INI_SERVICES, name);
	if (section == NULL) {
		return err_set(err, ERR_KIND_CONFIG,
		    "profile \"%.100s\": [services %.100s] does not exist",
		    conf->profile, name);
	}
	found = ini_value(section, service, key);
	*value = is_set(found) ? found : NULL;
	return 0;
}
