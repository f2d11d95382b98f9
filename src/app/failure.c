#include "app/failure.h"

#include <string.h>

#include "app/config.h"
#include "app/work.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"

#define NOTE "failure.json"

int
failure_save(const struct config *cfg, const struct err *failure,
    struct err *err)
{
	struct buf text = { 0 };
	char path[WORK_PATH_MAX];
	int rc = -1;

	work_path(path, cfg, NOTE);
	if (failure->code == ERR_OK)
		return file_remove(path, err);
	json_write(&text, "{\"code\":#,\"kind\":%,\"message\":%,\"fix\":%}\n",
	    (long long)failure->code, err_kind_name(failure->kind),
	    failure->msg, failure->fix);
	if (buf_ok(&text) && file_mkdirs(cfg->state_dir, 0700, err) == 0)
		rc = file_write(path, 0600, text.data, text.len, err);
	buf_free(&text);
	return rc;
}

static enum err_kind
kind_of(const char *name)
{
	for (int kind = 0; name != NULL && kind < ERR_KIND_COUNT; kind++) {
		if (strcmp(err_kind_name((enum err_kind)kind), name) == 0)
			return (enum err_kind)kind;
	}
	return ERR_KIND_SYSTEM;
}

static int
decode(struct err *out, const struct json *doc, struct err *err)
{
	const char *message = json_text(doc, "message");
	const char *fix = json_text(doc, "fix");
	double code = 0;

	if (message == NULL || !json_number(doc, "code", &code) ||
	    code < ERR_USAGE || code > ERR_CONFIG)
		return err_set(err, ERR_KIND_PARSE, "not a note of ours");
	err_clear(out);
	err_set(out, kind_of(json_text(doc, "kind")), "%s", message);
	out->code = (enum err_code)(int)code;
	if (fix != NULL && *fix != '\0')
		err_fix(out, "%s", fix);
	return 0;
}

int
failure_load(const struct config *cfg, struct err *out, struct err *err)
{
	struct buf text = { 0 };
	struct json *doc = NULL;
	char path[WORK_PATH_MAX];
	int rc = -1;

	work_path(path, cfg, NOTE);
	switch (file_read(path, &text, err)) {
	case FILE_ABSENT:
		rc = 1;
		break;
	case FILE_FOUND:
		if (json_parse(&doc, text.data, text.len, err) == 0)
			rc = decode(out, doc, err);
		break;
	case FILE_FAILED:
		break;
	}
	json_free(doc);
	buf_free(&text);
	return rc;
}
