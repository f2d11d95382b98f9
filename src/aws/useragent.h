#ifndef AWS_USERAGENT_H
#define AWS_USERAGENT_H

struct buf;
struct conf;

/*
 * Append the value of the User-Agent header in the form that the AWS SDKs
 * share: product, libraries, system, and what the user put into
 * AWS_EXECUTION_ENV and AWS_SDK_UA_APP_ID (profile: sdk_ua_app_id).  Warns
 * about an application name of more than 50 characters.
 */
void useragent_format(struct buf *out, const struct conf *conf);

#endif
