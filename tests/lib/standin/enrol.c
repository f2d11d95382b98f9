/* SPDX-License-Identifier: MIT */
#include "agent/paths.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "standin.h"

/* What the agent finds out about a container. */
#define HARDWARE                                                         \
	"{\"bios-hash\":\"\",\"disk-info\":\"\","                        \
	"\"hostname-info\":\"standin\",\"ipaddress-info\":\"10.0.0.2\"," \
	"\"macaddr-info\":\"02:00:00:00:00:01\",\"machine-id\":\"\","    \
	"\"memory-hash\":\"\",\"processor-hash\":\"\",\"system-hash\":\"\"}"

static int
put(const char *path, const struct buf *text, struct err *err)
{
	if (!buf_ok(text))
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	return file_write(path, 0600, buf_str(text), text->len, err);
}

static int
put_key(const struct enrolment *e, struct err *err)
{
	struct buf text = { 0 }, der = { 0 };
	char now[CLOCK_ISO_SIZE];
	struct slice date;
	int rc = -1;

	clock_iso(clock_now(), now);
	if (e->key != NULL && rsa_private_der(e->key, &der, err) != 0)
		goto out;
	date = slice_of(now);
	buf_printf(&text,
	    "{\"instanceID\":\"%s\",\"region\":\"%s\",\"instanceType\":\"\","
	    "\"availabilityZone\":\"\",\"privateKey\":\"",
	    e->node, e->region);
	buf_base64(&text, der.data, der.len);
	buf_printf(&text,
	    "\",\"publicKey\":\"\",\"privateKeyType\":\"%s\","
	    "\"privateKeyCreatedDate\":\"",
	    e->key != NULL ? "Rsa" : "");
	buf_add(&text, date.ptr, 10);
	buf_putc(&text, ' ');
	buf_add(&text, slice_skip(date, 11).ptr, 8);
	buf_puts(&text, ".123456789 +0000 UTC\"}");
	rc = put(PATHS_KEY, &text, err);
out:
	buf_free(&der);
	buf_free(&text);
	return rc;
}

static int
put_rest(const struct enrolment *e, struct err *err)
{
	struct buf text = { 0 };
	int rc;

	buf_printf(&text,
	    "{\"fingerprint\":\"%s\",\"hardwareHash\":%s,"
	    "\"similarityThreshold\":%d}",
	    e->fingerprint, e->key != NULL ? HARDWARE : "null",
	    e->key == NULL ? 0 : (e->similarity ? 40 : -1));
	rc = put(PATHS_FINGERPRINT, &text, err);
	buf_cut(&text, 0);
	buf_puts(&text, "{\"InstanceFingerprint\":\"" PATHS_FINGERPRINT "\","
	                "\"RegistrationKey\":\"" PATHS_KEY "\"}");
	if (rc == 0)
		rc = put(PATHS_MANIFEST, &text, err);
	buf_free(&text);
	return rc;
}

int
enrol_write(const struct enrolment *e, struct err *err)
{
	if (file_mkdirs(PATHS_LIB, 0700, err) != 0 ||
	    file_mkdirs(PATHS_STORE, 0600, err) != 0)
		return -1;
	return put_key(e, err) == 0 ? put_rest(e, err) : -1;
}

int
enrol_note(const struct enrolment *e, struct err *err)
{
	struct buf text = { 0 };
	int rc;

	buf_printf(&text, "{\"ManagedInstanceID\":\"%s\",\"Region\":\"%s\"}",
	    e->node, e->region);
	rc = put(PATHS_REGISTRATION, &text, err);
	buf_free(&text);
	return rc;
}
