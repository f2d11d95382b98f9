/* SPDX-License-Identifier: MIT */
#ifndef AWS_CONF_H
#define AWS_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"
#include "base/err.h"

struct owner;

/*
 * What the user configured: flags, environment, and the two shared files
 * (~/.aws/config, ~/.aws/credentials).  Everything is read by conf_open();
 * later look-ups touch no file.
 */
struct conf_options {
	struct env env;
	const char *profile;      /* flag, or NULL */
	const char *region;       /* flag, or NULL */
	const char *endpoint_url; /* flag, or NULL */
	int read_timeout_ms;      /* flag, or 0 */
};

struct conf;

/* Strings of the options are borrowed for the life of the configuration.
 * ERR_KIND_PROFILE_NOT_FOUND, ERR_KIND_CONFIG (file and line); a wrong line in
 * a section that is not used is one warning. */
int conf_open(struct conf **out, const struct conf_options *options,
    struct err *err);
void conf_free(struct conf *conf);

const struct conf_options *conf_options(const struct conf *conf);
struct env conf_env(const struct conf *conf);

/* The profile in force, and whether a flag chose it. */
const char *conf_profile(const struct conf *conf);
bool conf_profile_flag(const struct conf *conf);
bool conf_has_profile(const struct conf *conf, const char *profile);

/* A setting: the variable, else the key of the profile in force, else NULL.
 * Either name may be NULL.  Empty counts as unset. */
const char *conf_get(const struct conf *conf, const char *variable,
    const char *key);
bool conf_true(const struct conf *conf, const char *variable, const char *key);

/*
 * A setting is not what it must be: the message shows where it comes from
 * (variable, or file and line) and its value.  Gives -1.  Not for secrets.
 */
struct conf_wrong {
	enum err_kind kind;
	const char *profile;  /* NULL = the one in force */
	const char *variable; /* NULL = a key only */
	const char *key;
	const char *must; /* follows "it must be" */
};
int conf_refuse(const struct conf *conf, const struct conf_wrong *what,
    struct err *err);

/* Where a key of a profile comes from: "FILE:LINE: KEY", cut to size. */
void conf_origin(const struct conf *conf, const char *profile, const char *key,
    char *out, size_t size);

/* The same for a variable whose key has the same name without "AWS_". */
const char *conf_setting(const struct conf *conf, const char *variable);

/* A key, in any letter case, of any profile; the credentials file wins over the
 * config file. */
const char *conf_value(const struct conf *conf, const char *profile,
    const char *key);

/* The owner of the file that the value is from: base/trust.h says what another
 * user's file may make us do. */
const struct owner *conf_owner(const struct conf *conf, const char *profile,
    const char *key);

/* The same as conf_value() from one of the files only. */
enum conf_file { CONF_CREDENTIALS, CONF_CONFIG };
const char *conf_file_value(const struct conf *conf, enum conf_file file,
    const char *profile, const char *key);

/* Where a file was looked for, and whether it was there. */
const char *conf_path(const struct conf *conf, enum conf_file file,
    bool *found);

/*
 * key in the block of the service ("ssm") in the [services NAME] section that
 * the profile in force names.  NULL when not configured; -1 through err when
 * the section is missing.
 */
int conf_service(const struct conf *conf, const char *service, const char *key,
    const char **value, struct err *err);

#endif
