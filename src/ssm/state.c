/* SPDX-License-Identifier: MIT */
#include "ssm/state.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/slice.h"

enum { STATE_VERSION = 1 };

/* The texts of a state and the names that they have on disk. */
enum form { FORM_HEX, FORM_ROLE, FORM_REGION, FORM_UUID, FORM_NODE };
static const struct text_member {
	const char *name;
	size_t offset, size;
	enum form form;
} texts[] = {
#define MEMBER(name, form)                                  \
	{                                                   \
#name, offsetof(struct state, name),        \
		    sizeof(((struct state *)0)->name), form \
	}
	MEMBER(container, FORM_HEX),
	MEMBER(nonce, FORM_UUID),
	MEMBER(role, FORM_ROLE),
	MEMBER(region, FORM_REGION),
	MEMBER(activation, FORM_UUID),
	MEMBER(node, FORM_NODE),
	MEMBER(fingerprint, FORM_UUID),
#undef MEMBER
};

static const struct flag_member {
	const char *name;
	size_t offset;
} flags[] = {
	{ "unsettled", offsetof(struct state, unsettled) },
	{ "begun", offsetof(struct state, begun) },
	{ "installed", offsetof(struct state, installed) },
	{ "builtin", offsetof(struct state, builtin) },
};

enum {
	TEXTS = sizeof texts / sizeof texts[0],
	FLAGS = sizeof flags / sizeof flags[0],
};

bool
state_settled(const struct state *state)
{
	return state->activation[0] == '\0' && state->node[0] == '\0' &&
	       !state->unsettled;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool
has_form(const char *text, enum form form)
{
	switch (form) {
	case FORM_HEX:
		return slice_all_in(slice_of(text), DIGITS "abcdef");
	case FORM_ROLE:
		return slice_all_in(slice_of(text),
		    LOWER DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ+=,.@_/-");
	case FORM_REGION:
		return slice_all_in(slice_of(text), LOWER DIGITS "-");
	case FORM_UUID:
		return id_is_uuid(text);
	case FORM_NODE:
		return id_is_node(text);
	}
	return false;
}

bool
state_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

bool
state_flag(const bool *flag)
{
	return *(const unsigned char *)flag <= 1;
}

bool
state_valid(const struct state *state)
{
	const char *at = (const char *)state;

	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = at + texts[i].offset;

		if (!state_text(text, texts[i].size) ||
		    (*text != '\0' && !has_form(text, texts[i].form)))
			return false;
	}
	for (size_t i = 0; i < FLAGS; i++) {
		if (!state_flag((const bool *)(at + flags[i].offset)))
			return false;
	}
	return true;
}

static void
set(char *to, size_t size, const char *text)
{
	slice_copy(slice_of(text), to, size);
}

bool
state_apply(struct state *state, enum journal what, const char *text,
    const struct state *told)
{
	switch (what) {
	case JOURNAL_REGION:
		set(state->region, sizeof state->region, text);
		return true;
	case JOURNAL_ACTIVATION:
		set(state->activation, sizeof state->activation, text);
		return true;
	case JOURNAL_NODE:
		set(state->node, sizeof state->node, text);
		state->since = clock_now();
		return true;
	case JOURNAL_NO_ACTIVATION:
		state->activation[0] = '\0';
		return true;
	case JOURNAL_NO_NODE:
		state->node[0] = '\0';
		return true;
	case JOURNAL_SETTLED:
		state->unsettled = false;
		return true;
	case JOURNAL_STATE:
	case JOURNAL_LEFTOVER:
		*state = *told;
		return true;
	default:
		return false;
	}
}

int
state_encode(struct buf *out, const struct state *state, struct err *err)
{
	json_write(out, "{\n\t\"version\": #", (long long)STATE_VERSION);
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = (const char *)state + texts[i].offset;

		if (*text != '\0')
			json_write(out, ",\n\t%: %", texts[i].name, text);
	}
	for (size_t i = 0; i < FLAGS; i++) {
		const char *flag = (const char *)state + flags[i].offset;

		json_write(out, ",\n\t%: ?", flags[i].name,
		    *(const bool *)flag);
	}
	json_write(out, ",\n\t\"since\": #\n}\n", (long long)state->since);
	return buf_ok(out) ? 0 : err_memory(err);
}

static bool
decode_members(struct state *out, const struct json *doc)
{
	double since = 0;

	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = json_text(doc, texts[i].name);

		if (text != NULL &&
		    !slice_copy(slice_of(text), (char *)out + texts[i].offset,
		        texts[i].size))
			return false;
	}
	for (size_t i = 0; i < FLAGS; i++)
		json_bool(doc, flags[i].name,
		    (bool *)((char *)out + flags[i].offset));
	if (json_number(doc, "since", &since) && since > 0 && since < 1e11)
		out->since = (int64_t)since;
	return state_valid(out);
}

int
state_decode(struct state *out, const char *text, struct err *err)
{
	struct state new = { 0 };
	struct json *doc = NULL;
	double version = 0;
	int rc = -1;

	if (json_parse(&doc, text, strlen(text), err) != 0)
		return -1;
	if (!json_number(doc, "version", &version) || version < STATE_VERSION ||
	    !decode_members(&new, doc)) {
		err_set(err, ERR_KIND_PARSE, "not a state that we wrote");
	} else {
		*out = new;
		rc = 0;
	}
	json_free(doc);
	return rc;
}

int
state_load(struct state *out, const char *path, struct err *err)
{
	struct buf text = { .max = STATE_FILE_MAX };
	int rc = -1;

	switch (file_read_own(path, &text, err)) {
	case FILE_ABSENT:
		rc = 1;
		break;
	case FILE_FOUND:
		rc = state_decode(out, buf_str(&text), err);
		if (rc != 0)
			err_wrap(err, path);
		break;
	case FILE_FAILED:
		break;
	}
	buf_free(&text);
	return rc;
}

int
state_save(const struct state *state, const char *path, struct err *err)
{
	struct buf text = { .max = STATE_FILE_MAX };
	int rc = state_encode(&text, state, err);

	if (rc == 0)
		rc = file_write_own(path, 0600, slice_make(text.data, text.len),
		    err);
	buf_free(&text);
	return rc;
}
