/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_CONFIG_H
#define SETTINGS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "settings/options.h"

/*
 * Reading the settings (settings/options.h) from flags and variables: flag over
 * variable over default.  Pure and without allocation, since with the gate off
 * `run` may do nothing before it becomes the command.
 */

/*
 * argv: what follows the command's name.  Fails on a wrong flag or operand
 * only (ERR_KIND_USAGE).
 */
int config_load(struct config *out, enum config_command command,
    char *const *argv, struct env env, struct err *err);

/*
 * 0, or -1 where a variable is malformed (ERR_KIND_INVALID_VALUE).  Apart from
 * config_load, since access must fail open where a flag is a usage error.
 */
int config_check(const struct config *cfg, struct err *err);

/*
 * Put the name of what set the variable's value before the message: the flag,
 * the variable or its alias.  variable: of a row of OPTIONS_TEXT.  Gives -1.
 */
int config_blame(const struct config *cfg, const char *variable,
    struct err *err);

/* The user brings an activation; pure. */
bool config_given(const struct config *cfg);

/* Say so where SSM_ACTIVATE is neither on nor off. */
void config_warn_gate(const struct config *cfg);

/* Name each variable that is no setting, but nearly one (base/near.h). */
void config_warn_unknown(const struct config *cfg);

#endif
