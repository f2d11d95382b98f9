/* SPDX-License-Identifier: MIT */
#ifndef AWS_USER_AGENT_H
#define AWS_USER_AGENT_H

#include <stddef.h>

struct conf;

/*
 * The value of the User-Agent header in the form that the AWS SDKs
 * share: product, libraries, system, and what the user put into
 * AWS_EXECUTION_ENV and AWS_SDK_UA_APP_ID (profile: sdk_ua_app_id); a long
 * one is warned of.  What does not fit is cut off.
 */
void user_agent_format(char *out, size_t size, const struct conf *conf);

#endif
