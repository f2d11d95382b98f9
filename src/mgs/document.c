/* SPDX-License-Identifier: MIT */
#include "mgs/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum { MEMBERS_MAX = 16, PROPERTIES_MAX = 768, SHOWN = 80 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char *const kinds[] = {
	[DOCUMENT_SHELL] = "Standard_Stream",
	[DOCUMENT_INTERACTIVE] = "InteractiveCommands",
	[DOCUMENT_COMMAND] = "NonInteractiveCommands",
	[DOCUMENT_PORT] = "Port",
};

/* What is read: the document, and the values of its parameters. */
struct source {
	const struct json *task, *document, *inputs, *properties;
	const struct json *declared, *given;
};

static int
refuse(struct err *err, const char *what)
{
	err_set(err, ERR_KIND_CONFIG,
	    "The agent of ssm-activate does not support %s.", what);
	err_fix(err, "install amazon-ssm-agent in the image and set "
	             "SSM_ACTIVATE_AGENT to its path");
	return -1;
}

/* name: of a parameter or a property. */
static int
wrong(struct err *err, const char *name, const char *why)
{
	char shown[SHOWN];

	err_clean(shown, sizeof shown, name, strlen(name));
	return err_set(err, ERR_KIND_INVALID_VALUE,
	    "The session's parameter \"%s\" %s.", shown, why);
}

/* A value as the API takes it, a list of one, or as an agent gets it. */
static const char *
plain_value(const struct json *value)
{
	return json_string(json_is_array(value) ? json_first(value) : value);
}

static bool
is_allowed(const struct json *shape, const char *value)
{
	const struct json *one = json_first(json_find(shape, "allowedValues"));

	if (one == NULL)
		return true;
	for (; one != NULL; one = json_next(one)) {
		if (slice_eq(slice_of(value), json_string(one)))
			return true;
	}
	return false;
}

/* Append the value of a parameter; one that is not declared stays as it is
 * written, which is text. */
static int
add_value(const struct source *from, struct slice name, struct slice text,
    struct buf *out, struct err *err)
{
	char key[SHOWN];
	const struct json *shape;
	const char *value;

	shape = slice_copy(name, key, sizeof key)
	            ? json_get(from->declared, key)
	            : NULL;
	if (shape == NULL) {
		buf_add(out, text.ptr, text.len);
		return 0;
	}
	value = plain_value(json_get(from->given, key));
	if (value == NULL)
		value = plain_value(json_find(shape, "default"));
	if (value == NULL)
		return wrong(err, key, "has no value");
	if (!is_allowed(shape, value))
		return wrong(err, key, "has a value that is not allowed");
	buf_puts(out, value);
	return 0;
}

/* The name in "{{ name }}", with which text begins, and how long that is; 0:
 * it is something else. */
static size_t
placeholder(struct slice text, struct slice *name)
{
	struct slice rest = slice_skip(text, 2);
	ptrdiff_t end = slice_find(rest, "}}");

	if (!slice_starts(text, "{{") || end < 0)
		return 0;
	*name = slice_trim(slice_head(rest, (size_t)end));
	return slice_all_in(*name, LETTERS) ? (size_t)end + 4 : 0;
}

/* Append the text with its placeholders filled in. */
static int
fill_in(const struct source *from, const char *text, struct buf *out,
    struct err *err)
{
	struct slice rest = slice_of(text), name;

	while (rest.len > 0) {
		struct slice plain = slice_until(&rest, "{");
		size_t len;

		buf_add(out, plain.ptr, plain.len);
		len = placeholder(rest, &name);
		if (len > 0 &&
		    add_value(from, name, slice_head(rest, len), out, err) != 0)
			return -1;
		if (len == 0 && rest.len > 0)
			buf_putc(out, rest.ptr[0]);
		rest = slice_skip(rest, len > 0 ? len : 1);
	}
	if (!buf_ok(out))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "The session's document is too long.");
	if (slice_find(slice_make(out->data, out->len), "{{ssm:") >= 0 ||
	    slice_find(slice_make(out->data, out->len), "{{ ssm:") >= 0)
		return refuse(err,
		    "references to the Parameter Store ({{ssm:...}})");
	return 0;
}

/* A member as text, filled in; a switch may be text or a switch, a number may
 * be a number.  What is absent or of another type is "". */
static int
read_text(const struct source *from, const struct json *object,
    const char *name, struct buf *out, struct err *err)
{
	const struct json *value = json_find(object, name);
	const char *text = json_string(value);
	double number = 0;
	bool on = false;

	buf_cut(out, 0);
	if (text != NULL)
		return fill_in(from, text, out, err);
	if (json_as_bool(value, &on))
		buf_puts(out, on ? "true" : "false");
	else if (json_as_number(value, &number) && number >= 0 && number < 1e9)
		buf_printf(out, "%.0f", number);
	return buf_ok(out) ? 0 : err_memory(err);
}

static int
read_switch(const struct source *from, const struct json *object,
    const char *name, bool *out, struct err *err)
{
	struct buf text = { 0 };
	int rc = read_text(from, object, name, &text, err);

	*out = slice_eq_nocase(slice_of(buf_str(&text)), "true");
	buf_free(&text);
	return rc;
}

/* Where a short text goes, and the characters that it may have. */
struct word {
	char *out;
	size_t size;
	const char *set;
};

static int
read_word(const struct source *from, const struct json *object,
    const char *name, const struct word *word, struct err *err)
{
	struct buf text = { 0 };
	int rc = read_text(from, object, name, &text, err);
	struct slice s = slice_make(text.data, text.len);

	if (rc == 0 && s.len > 0 && !slice_all_in(s, word->set))
		rc = wrong(err, name, "has a character that it may not have");
	if (rc == 0 && !slice_copy(s, word->out, word->size))
		rc = wrong(err, name, "is too long");
	buf_free(&text);
	return rc;
}

/* A longer one, owned by the caller. */
static int
read_long(const struct source *from, const struct json *object,
    const char *name, char **out, struct err *err)
{
	struct buf text = { .max = DOCUMENT_TEXT_MAX };
	int rc = read_text(from, object, name, &text, err);

	if (rc == 0) {
		*out = slice_dup(slice_make(text.data, text.len));
		if (*out == NULL)
			rc = err_memory(err);
	}
	buf_free(&text);
	return rc;
}

/* What an administrator asks for, and would not be done. */
static int
check_inputs(const struct source *from, struct err *err)
{
	static const struct {
		const char *name, *what;
	} wishes[] = {
		{ "kmsKeyId", "sessions that are encrypted with a key of KMS" },
		{ "s3BucketName", "logs of sessions in S3" },
		{ "cloudWatchLogGroupName", "logs of sessions in CloudWatch" },
	};
	struct buf text = { 0 };
	int rc = 0;

	for (size_t i = 0; i < sizeof wishes / sizeof wishes[0] && rc == 0;
	     i++) {
		rc = read_text(from, from->inputs, wishes[i].name, &text, err);
		if (rc == 0 && text.len > 0)
			rc = refuse(err, wishes[i].what);
	}
	buf_free(&text);
	return rc;
}

/* The caller's tag wins over the document. */
static int
read_user(struct document *out, const struct source *from, struct err *err)
{
	const struct word user = { out->user, sizeof out->user,
		LETTERS "_.-@+$" };
	bool on = false;

	if (read_switch(from, from->inputs, "runAsEnabled", &on, err) != 0)
		return -1;
	if (!on)
		return 0;
	if (read_word(from, from->task, "RunAsUser", &user, err) != 0)
		return -1;
	if (out->user[0] == '\0' &&
	    read_word(from, from->inputs, "runAsDefaultUser", &user, err) != 0)
		return -1;
	if (out->user[0] != '\0' && out->user[0] != '-')
		return 0;
	return err_set(err, ERR_KIND_INVALID_VALUE,
	    "Run As is enabled for this session, but no user is named: set "
	    "the Run As default user, or the caller's tag SSMSessionRunAs.");
}

static int
read_shell(struct document *out, const struct source *from, struct err *err)
{
	const struct json *profile = json_find(from->inputs, "shellProfile");
	int rc = read_long(from, profile, "linux", &out->profile, err);

	if (rc == 0 && slice_trim(slice_of(out->profile)).len == 0)
		slice_drop(&out->profile);
	return rc;
}

static int
read_command(struct document *out, const struct source *from, struct err *err)
{
	static const char set[] = LETTERS "\r\n_:-";
	const struct json *own = json_find(from->properties, "linux");
	const struct word before = { out->out_prefix, sizeof out->out_prefix,
		set };
	const struct word error = { out->err_prefix, sizeof out->err_prefix,
		set };

	if (read_long(from, own, "commands", &out->commands, err) != 0 ||
	    read_switch(from, own, "runAsElevated", &out->elevated, err) != 0)
		return -1;
	if (out->kind == DOCUMENT_INTERACTIVE)
		return 0;
	if (slice_trim(slice_of(out->commands)).len == 0)
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "The session's document has no command for Linux.");
	return read_switch(from, own, "separateOutputStream", &out->separate,
	           err) != 0 ||
	               read_word(from, own, "stdOutSeparatorPrefix", &before,
	                   err) != 0 ||
	               read_word(from, own, "stdErrSeparatorPrefix", &error,
	                   err) != 0
	           ? -1
	           : 0;
}

/* What the client is told of its port: all members that are texts. */
static int
add_properties(struct document *out, const struct source *from, struct err *err)
{
	const struct json *one = json_first(from->properties);
	struct buf text = { 0 }, all = { .max = PROPERTIES_MAX };
	const char *before = "{";
	int rc = 0;

	for (int n = 0; one != NULL && n < MEMBERS_MAX && rc == 0; n++) {
		const char *name = json_name(one);

		rc = read_text(from, from->properties, name, &text, err);
		json_write(&all, "@%:%", before, name, buf_str(&text));
		before = ",";
		one = json_next(one);
	}
	buf_puts(&all, before[0] == '{' ? "{}" : "}");
	if (rc == 0 && (one != NULL || !buf_ok(&all)))
		rc = err_set(err, ERR_KIND_INVALID_VALUE,
		    "The properties of the session's document are too long.");
	if (rc == 0)
		out->properties = buf_take(&all);
	buf_free(&all);
	buf_free(&text);
	return rc;
}

static int
read_port(struct document *out, const struct source *from, struct err *err)
{
	char number[8] = "", type[32] = "";
	const struct word port = { number, sizeof number, "0123456789" };
	const struct word kind = { type, sizeof type, LETTERS };
	const struct word host = { out->host, sizeof out->host,
		LETTERS "_.:-%[]" };
	const struct json *all = from->properties;
	uint64_t value = 0;

	if (read_word(from, all, "portNumber", &port, err) != 0 ||
	    read_word(from, all, "type", &kind, err) != 0 ||
	    read_word(from, all, "host", &host, err) != 0)
		return -1;
	if (!slice_u64(slice_of(number), UINT16_MAX, &value) || value == 0)
		return wrong(err, "portNumber", "is not a port");
	out->port = (uint16_t)value;
	out->local = slice_eq(slice_of(type), "LocalPortForwarding");
	if (!out->local && type[0] != '\0')
		return refuse(err, "this type of port forwarding");
	return add_properties(out, from, err);
}

static int
find_kind(struct document *out, const struct source *from, struct err *err)
{
	struct slice type =
	    slice_of(json_string(json_find(from->document, "sessionType")));

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (slice_eq(type, kinds[i])) {
			out->kind = (enum document_kind)i;
			return 0;
		}
	}
	return refuse(err, "sessions of this type");
}

static int
read_session(struct document *out, const struct json *task, struct err *err)
{
	struct slice id = slice_of(json_string(json_find(task, "SessionId")));

	if (order_is_session(id) &&
	    slice_copy(id, out->session, sizeof out->session))
		return 0;
	return err_set(err, ERR_KIND_PARSE, "the task names no usable session");
}

static int
read_all(struct document *out, const struct json *task, struct err *err)
{
	const struct json *document = json_find(task, "DocumentContent");
	const struct source from = {
		.task = task,
		.document = document,
		.inputs = json_find(document, "inputs"),
		.properties = json_find(document, "properties"),
		.declared = json_find(document, "parameters"),
		.given = json_find(task, "Parameters"),
	};

	if (read_session(out, task, err) != 0 ||
	    find_kind(out, &from, err) != 0)
		return -1;
	if (out->kind == DOCUMENT_PORT)
		return read_port(out, &from, err);
	if (check_inputs(&from, err) != 0 || read_user(out, &from, err) != 0)
		return -1;
	return out->kind == DOCUMENT_SHELL ? read_shell(out, &from, err)
	                                   : read_command(out, &from, err);
}

int
document_read(struct document *out, struct slice content, struct err *err)
{
	struct document new = { .kind = DOCUMENT_SHELL };
	struct json *task = NULL;
	int rc;

	if (json_parse(&task, content.ptr, content.len, NULL) == 0 &&
	    json_is_object(task))
		rc = read_all(&new, task, err);
	else
		rc = err_set(err, ERR_KIND_PARSE, "the task is not JSON");
	json_free(task);
	if (rc == 0) {
		*out = new;
		return 0;
	}
	memcpy(out->session, new.session, sizeof out->session);
	document_free(&new);
	return -1;
}

const char *
document_kind_name(enum document_kind kind)
{
	return kinds[kind];
}

void
document_free(struct document *document)
{
	slice_drop(&document->profile);
	slice_drop(&document->commands);
	slice_drop(&document->properties);
	explicit_bzero(document, sizeof *document);
}
