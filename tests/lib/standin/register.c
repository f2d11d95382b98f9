/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "standin.h"

struct flags {
	bool registers, clears, yes, version, dissimilar, fingerprints;
	const char *code, *id, *region, *role, *tags, *threshold;
};

struct flag {
	const char *name;
	bool *on; /* one of the two */
	const char **text;
};

/* Go's package flag: one or two dashes, "-f value" or "-f=value"; the first
 * other word ends it.  -1 = a flag that is not known. */
static int
parse(struct flags *f, int argc, char **argv)
{
	const struct flag all[] = { { "register", &f->registers, NULL },
		{ "clear", &f->clears, NULL }, { "y", &f->yes, NULL },
		{ "version", &f->version, NULL },
		{ "disableSimilarityCheck", &f->dissimilar, NULL },
		{ "fingerprint", &f->fingerprints, NULL },
		{ "code", NULL, &f->code }, { "id", NULL, &f->id },
		{ "region", NULL, &f->region }, { "role", NULL, &f->role },
		{ "tags", NULL, &f->tags },
		{ "similarityThreshold", NULL, &f->threshold } };
	const size_t count = sizeof(all) / sizeof(all[0]);

	for (int i = 1; i < argc; i++) {
		struct slice name = slice_of(argv[i]), value = { 0 };
		size_t j = 0;

		if (!slice_starts(name, "-"))
			return 0;
		name = slice_skip(name, slice_starts(name, "--") ? 2 : 1);
		(void)slice_split(name, '=', &name, &value);
		while (j < count && !slice_eq(name, all[j].name))
			j++;
		if (j == count)
			return -1;
		if (all[j].on != NULL)
			*all[j].on = true;
		else if (value.ptr != NULL)
			*all[j].text = value.ptr;
		else if (++i < argc)
			*all[j].text = argv[i];
		else
			return -1;
	}
	return 0;
}

static int
usage(int status)
{
	(void)fputs("\n\nCommand-line Usage:\n"
	            "\t-register\tregister managed instance\n"
	            "\t\t-id\tSSM activation ID\n"
	            "\t\t-code\tSSM activation code\n"
	            "\t\t-region\tSSM region\n"
	            "\t\t-disableSimilarityCheck\n"
	            "\n\t\t-clear\tClears the registration\n"
	            "\t-y\tAnswer yes for all questions\n",
	    stderr);
	return status;
}

/* 1 = yes, 0 = no, -1 = neither. */
static int
ask(void)
{
	char line[64] = "";
	size_t len = 0;

	(void)fputs("\nInstance already registered. Would you like to override "
	            "existing with new registration information? [Yes/No]: ",
	    stdout);
	(void)fflush(stdout);
	while (len < sizeof(line) - 1 && read(0, &line[len], 1) == 1 &&
	       line[len] != '\n')
		len++;
	if (line[0] == 'y' || line[0] == 'Y')
		return 1;
	return line[0] == 'n' || line[0] == 'N' ? 0 : -1;
}

static int
fail(const char *what, const struct err *err)
{
	struct buf text = { 0 };

	if (err->http_status != 0 || err->kind == ERR_KIND_CONNECTION ||
	    err->kind == ERR_KIND_TLS)
		agentlog_error(&text, err);
	else
		buf_puts(&text, err->msg);
	agentlog_line("ERROR", "Registration failed due to %s%s", what,
	    buf_str(&text));
	buf_free(&text);
	return 1;
}

static int
format_body(struct buf *body, const struct flags *f, const struct rsa_key *key,
    const char *fingerprint, struct err *err)
{
	struct buf der = { 0 };
	int rc = rsa_public_der(key, &der, err);

	buf_puts(body, "{\"ActivationCode\":");
	json_quote(body, f->code);
	buf_puts(body, ",\"ActivationId\":");
	json_quote(body, f->id);
	buf_printf(body, ",\"Fingerprint\":\"%s\",\"PublicKey\":\"",
	    fingerprint);
	buf_base64(body, der.data, der.len);
	buf_puts(body, "\",\"PublicKeyType\":\"Rsa\"}");
	buf_free(&der);
	return rc;
}

static int
call(struct enrolment *e, const struct flags *f, const char *folder,
    char node[static 64])
{
	struct settings settings = { 0 };
	struct remote remote = { 0 };
	struct buf body = { 0 };
	struct err err = { 0 };
	int rc = 0;

	/* A configuration that cannot be read is none, here. */
	if (settings_load(&settings, folder, &err) != 0)
		err_clear(&err);
	if (format_body(&body, f, e->key, e->fingerprint, &err) != 0 ||
	    remote_open(&remote, f->region, &settings, &err) != 0 ||
	    remote_register(&remote, buf_str(&body), node, 64, &err) != 0)
		rc =
		    fail("error registering the instance with AWS SSM. ", &err);
	remote_close(&remote);
	buf_free(&body);
	return rc;
}

/* As the agent does: what was there before is lost before the call. */
static int
enrol(const struct flags *f, const char *fingerprint, const char *folder)
{
	struct enrolment e = { .node = "",
		.region = "",
		.fingerprint = fingerprint,
		.similarity = !f->dissimilar };
	struct rsa_key *key = NULL;
	struct err err = { 0 };
	char node[64] = "";
	int status;

	if (rsa_make(&key, &err) != 0)
		return fail("error generating signing keys. ", &err);
	e.key = key;
	status = enrol_write(&e, &err) == 0
	             ? 0
	             : fail("Unable to save registration information. ", &err);
	if (status == 0)
		status = call(&e, f, folder, node);
	if (status == 0) {
		e.node = node;
		e.region = f->region;
		if (enrol_write(&e, &err) != 0 || enrol_note(&e, &err) != 0) {
			status = fail("error persisting the instance "
			              "registration information. ",
			    &err);
		}
	}
	rsa_free(key);
	if (status == 0) {
		agentlog_line("INFO",
		    "Successfully registered the instance with AWS SSM using "
		    "Managed instance-id: %s",
		    node);
	}
	return status;
}

static int
clear(void)
{
	struct enrolment e = { .node = "", .region = "", .fingerprint = "" };
	struct err err = { 0 };

	if (enrol_write(&e, &err) != 0)
		return fail("", &err);
	agentlog_line("INFO",
	    "Registration information has been removed from the instance.");
	return 0;
}

static int
registers(const struct flags *f, const char *folder)
{
	struct identity old = { 0 };
	struct err err = { 0 };
	char fingerprint[RNG_UUID_SIZE];
	int answer = 1;

	if (f->region == NULL || f->code == NULL || f->id == NULL)
		return f->clears ? clear() : usage(1);
	if (rng_uuid(fingerprint, &err) != 0)
		return fail("error generating instance fingerprint. ", &err);
	if (identity_load(&old, &err) == 0) {
		if (!f->yes)
			answer = ask();
		(void)slice_copy(slice_of(old.fingerprint), fingerprint,
		    sizeof(fingerprint));
		identity_free(&old);
	}
	if (answer == 0) {
		agentlog_line("INFO", "Registration canceled by user");
		return 1;
	}
	if (answer < 0) {
		agentlog_line("ERROR",
		    "Registration failed due to Invalid response received.");
		return 1;
	}
	return enrol(f, fingerprint, folder);
}

int
register_run(int argc, char **argv, const char *folder)
{
	struct flags f = { 0 };

	if (parse(&f, argc, argv) != 0)
		return usage(2);
	if (f.version && argc == 2) {
		(void)puts("SSM Agent version: " STANDIN_VERSION);
		return 0;
	}
	(void)puts("Initializing new seelog logger\n"
	           "New Seelog Logger Creation Complete");
	(void)fflush(stdout);
	agentlog_open("");
	return f.registers ? registers(&f, folder) : usage(1);
}
