/* SPDX-License-Identifier: MIT */
#ifndef AWS_USER_AGENT_H
#define AWS_USER_AGENT_H

struct buf;
struct conf;

/*
 * Append the value of the User-Agent header in the form that the AWS SDKs
 * share: product, libraries, system, and what the user put into
 * AWS_EXECUTION_ENV and AWS_SDK_UA_APP_ID (profile: sdk_ua_app_id), of which a
 * long one is warned of.
 */
void user_agent_format(struct buf *out, const struct conf *conf);

#endif
