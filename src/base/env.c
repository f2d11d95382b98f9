/* SPDX-License-Identifier: MIT */
#include "base/env.h"

#include <string.h>

/* The value behind "NAME=" if this is that variable, or NULL. */
static char *
value_of(char *var, const char *name, size_t name_len)
{
	if (strncmp(var, name, name_len) != 0 || var[name_len] != '=')
		return NULL;
	return &var[name_len + 1];
}

const char *
env_raw(struct env env, const char *name)
{
	size_t name_len = strlen(name);

	for (size_t i = 0; env.vars != NULL && env.vars[i] != NULL; i++) {
		const char *value = value_of(env.vars[i], name, name_len);

		if (value != NULL)
			return value;
	}
	return NULL;
}

const char *
env_get(struct env env, const char *name)
{
	const char *value = env_raw(env, name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

void
env_erase(char **vars, const char *name)
{
	size_t name_len = strlen(name);
	size_t kept = 0;

	if (vars == NULL)
		return;
	/* A variable can be there more than once; each copy is a leak. */
	for (size_t i = 0; vars[i] != NULL; i++) {
		char *value = value_of(vars[i], name, name_len);

		if (value != NULL)
			explicit_bzero(value, strlen(value));
		else
			vars[kept++] = vars[i];
	}
	vars[kept] = NULL;
}

void
env_keep(char **vars, bool (*keep)(struct slice name))
{
	size_t kept = 0;

	for (size_t i = 0; vars != NULL && vars[i] != NULL; i++) {
		struct slice name = slice_of(vars[i]), value;

		slice_split(name, '=', &name, &value);
		if (keep(name))
			vars[kept++] = vars[i];
		else
			explicit_bzero(vars[i], strlen(vars[i]));
	}
	if (vars != NULL)
		vars[kept] = NULL;
}
