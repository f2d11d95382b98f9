/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/stat.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/slice.h"
#include "standin.h"

static int
parse(struct settings *out, const struct buf *text, struct err *err)
{
	struct settings new = { .share_creds = true };
	struct json *doc = NULL;
	const char *endpoint;
	int n = 0;

	if (json_parse(&doc, text->data, text->len, err) != 0)
		return -1;
	(void)json_bool(json_get(doc, "Profile"), "ShareCreds",
	    &new.share_creds);
	endpoint = json_text(json_get(doc, "Ssm"), "Endpoint");
	if (endpoint != NULL && endpoint[0] != '\0') {
		n = snprintf(new.endpoint, sizeof(new.endpoint), "%s%s",
		    slice_find(slice_of(endpoint), "://") < 0 ? "https://" : "",
		    endpoint);
	}
	json_free(doc);
	if (n < 0 || (size_t)n >= sizeof(new.endpoint))
		return err_set(err, ERR_KIND_CONFIG, "Ssm.Endpoint");
	*out = new;
	return 0;
}

/* Beside the program, else in its place; none at all means the defaults. */
int
settings_load(struct settings *out, const char *folder, struct err *err)
{
	struct buf beside = { 0 }, text = { 0 };
	enum file_found found = FILE_ABSENT;
	int rc = -1;

	buf_printf(&beside, "%s/configuration/amazon-ssm-agent.json", folder);
	if (buf_ok(&beside) && !slice_eq(slice_of(folder), PATHS_BIN))
		found = file_read(buf_str(&beside), &text, err);
	if (found == FILE_ABSENT)
		found = file_read(PATHS_CONFIG, &text, err);
	if (found == FILE_FOUND) {
		rc = parse(out, &text, err);
	} else if (found == FILE_ABSENT) {
		*out = (struct settings){ .share_creds = true };
		rc = 0;
	}
	buf_free(&beside);
	buf_free(&text);
	return rc;
}
