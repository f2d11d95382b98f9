/* SPDX-License-Identifier: MIT */
#include "aws/user_agent.h"

#include <sys/utsname.h>

#include "aws/conf.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/version.h"

enum { APP_ID_ADVISED = 50 }; /* characters */

/* A part's value, with '-' for every character that may not stand there. */
static void
add_value(struct buf *out, const char *value)
{
	struct slice s = slice_of(value),
	             special = slice_of("\"()/:;<=>?@[\\]{}");

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c <= ' ' || c > '~' || slice_has(special, c))
			c = '-';
		buf_putc(out, c);
	}
}

/* NAME and value, or nothing without a value. */
static void
add_part(struct buf *out, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	buf_puts(out, name);
	add_value(out, value);
}

void
user_agent_format(char *out, size_t size, const struct conf *conf)
{
	const char *app = conf_get(conf, "AWS_SDK_UA_APP_ID", "sdk_ua_app_id");
	struct utsname kernel = { .release = "" };
	struct buf text = { 0 };

	uname(&kernel);
	add_part(&text, "ssm-activate/", version_program);
	add_part(&text, " md/BearSSL#", version_bearssl);
	buf_puts(&text, " ua/2.1");
	add_part(&text, " os/linux#", kernel.release);
	add_part(&text, " md/arch#", kernel.machine);
	buf_puts(&text, " lang/c");
	add_part(&text, " exec-env/",
	    env_get(conf_env(conf), "AWS_EXECUTION_ENV"));
	buf_puts(&text, " cfg/retry-mode#standard");
	add_part(&text, " app/", app);
	slice_copy(slice_head(slice_make(text.data, text.len), size - 1), out,
	    size);
	buf_free(&text);
	if (slice_of(app).len > APP_ID_ADVISED) {
		log_event(LOG_WARN, "app_id_long",
		    "AWS_SDK_UA_APP_ID (profile: sdk_ua_app_id) is longer "
		    "than %d characters",
		    APP_ID_ADVISED);
	}
}
