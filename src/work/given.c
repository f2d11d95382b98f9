/* SPDX-License-Identifier: MIT */
#include "work/given.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/trust.h"
#include "settings/config.h"
#include "work/work.h"

enum { CODE_MIN = 20 };

void
given_wipe(struct given *given)
{
	ssm_activation_wipe(&given->activation);
}

/* Without white space and line ends around it. */
static struct slice
strip(struct slice s)
{
	static const char blank[] = " \t\r\n";

	while (s.len > 0 && slice_all_in(slice_head(s, 1), blank))
		s = slice_skip(s, 1);
	while (s.len > 0 && slice_all_in(slice_skip(s, s.len - 1), blank))
		s = slice_head(s, s.len - 1);
	return s;
}

static bool
take(const struct json *from, const char *key, char *out, size_t size)
{
	const char *text = json_text(from, key);

	return text == NULL || slice_copy(slice_of(text), out, size);
}

int
given_parse(struct given *out, struct slice text, struct err *err)
{
	struct ssm_activation *to = &out->activation;
	struct json *doc = NULL;
	const struct json *ssm = NULL;
	bool fits;

	text = strip(text);
	if (!slice_starts(text, "{")) {
		fits = slice_copy(text, to->id, sizeof to->id);
	} else {
		if (json_parse(&doc, text.ptr, text.len, err) != 0)
			return -1;
		ssm = json_get(doc, "ssm");
		fits =
		    take(ssm, "activation-id", to->id, sizeof to->id) &&
		    take(ssm, "activation-code", to->code, sizeof to->code) &&
		    take(ssm, "region", out->region, sizeof out->region);
		json_free(doc);
	}
	return fits && id_is_uuid(to->id)
	           ? 0
	           : err_set(err, ERR_KIND_INVALID_VALUE,
	                 "it holds neither a UUID in lower case nor "
	                 "{\"ssm\":{\"activation-id\":UUID,"
	                 "\"activation-code\":CODE,\"region\":REGION}}");
}

static int
read_file(struct buf *text, const char *variable, const char *path,
    struct err *err)
{
	struct trust_file file = { .path = path, .value = true };

	switch (trust_read(&file, text, err)) {
	case FILE_FOUND:
		return 0;
	case FILE_ABSENT:
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "%s: there is no file %s", variable, path);
	default:
		return err_wrap(err, variable);
	}
}

static int
load_id(struct given *out, const struct config *cfg, struct err *err)
{
	struct buf text = { .max = GIVEN_FILE_MAX };
	int rc;

	if (cfg->id_file == NULL) {
		slice_copy(slice_of(cfg->id), out->activation.id,
		    sizeof out->activation.id);
		return 0;
	}
	rc = read_file(&text, "SSM_ACTIVATE_ID_FILE", cfg->id_file, err);
	if (rc == 0 &&
	    given_parse(out, slice_make(text.data, text.len), err) != 0) {
		err_wrap(err, cfg->id_file);
		rc = config_blame(cfg, "SSM_ACTIVATE_ID_FILE", err);
	}
	buf_free(&text);
	return rc;
}

/* What stands in the file beside the id counts where no other code is given. */
static int
load_code(struct given *out, const struct work *work, struct err *err)
{
	const struct config *cfg = work->cfg;
	struct buf text = { .max = SSM_CODE_SIZE };
	struct slice code = slice_of(work->code);
	bool fits = true;

	if (work->code != NULL && code.len == 0) {
		err_set(err, ERR_KIND_INVALID_VALUE,
		    "the code of SSM_ACTIVATE_CODE was used and is not kept");
		err_fix(err, "give it by SSM_ACTIVATE_CODE_FILE, or start the "
		             "container anew");
		return -1;
	}
	if (work->code == NULL && cfg->code_file != NULL) {
		if (read_file(&text, "SSM_ACTIVATE_CODE_FILE", cfg->code_file,
		        err) != 0)
			return -1;
		code = slice_make(text.data, text.len);
	}
	code = strip(code);
	if (work->code != NULL || cfg->code_file != NULL)
		fits = slice_copy(code, out->activation.code,
		    sizeof out->activation.code);
	buf_free(&text);
	if (fits && strlen(out->activation.code) >= CODE_MIN)
		return 0;
	if (out->activation.code[0] == '\0' && fits && code.len == 0) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "there is no code of the activation: give it by "
		    "SSM_ACTIVATE_CODE_FILE, or beside the id in "
		    "SSM_ACTIVATE_ID_FILE");
	}
	return err_set(err, ERR_KIND_INVALID_VALUE,
	    "the code of an activation has %d to %d characters", CODE_MIN,
	    SSM_CODE_SIZE - 1);
}

int
given_load(struct given *out, const struct work *work, struct err *err)
{
	return load_id(out, work->cfg, err) == 0 ? load_code(out, work, err)
	                                         : -1;
}
