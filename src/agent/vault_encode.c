#include "agent/paths.h"
#include "agent/vault.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

static int
finish(const struct buf *out, struct err *err)
{
	if (buf_ok(out))
		return 0;
	return err_set(err, ERR_KIND_SYSTEM, "vault: out of memory");
}

int
vault_encode_key(struct buf *out, const struct vault *vault, int64_t when,
    struct err *err)
{
	char iso[CLOCK_ISO_SIZE];
	struct slice day, time;

	if (vault_check(vault, err) != 0)
		return -1;
	clock_iso(when, iso);
	/* Go's "2006-01-02 15:04:05.999999999 -0700 MST" of a full second. */
	day = slice_head(slice_of(iso), 10);
	time = slice_head(slice_skip(slice_of(iso), 11), 8);
	buf_printf(out,
	    "{\"instanceID\":\"%s\",\"region\":\"%s\",\"instanceType\":\"\","
	    "\"availabilityZone\":\"\",\"privateKey\":\"",
	    vault->node, vault->region);
	buf_puts(out, vault->private_key);
	buf_puts(out, "\",\"publicKey\":\"\",\"privateKeyType\":\"Rsa\","
	              "\"privateKeyCreatedDate\":\"");
	buf_add(out, day.ptr, day.len);
	buf_putc(out, ' ');
	buf_add(out, time.ptr, time.len);
	buf_puts(out, " +0000 UTC\"}");
	return finish(out, err);
}

/*
 * With the threshold -1 the agent compares no hardware: a container's host
 * name or address may change, and no empty map invalidates the fingerprint.
 */
int
vault_encode_fingerprint(struct buf *out, const struct vault *vault,
    struct err *err)
{
	if (vault_check(vault, err) != 0)
		return -1;
	buf_printf(out,
	    "{\"fingerprint\":\"%s\",\"hardwareHash\":{},"
	    "\"similarityThreshold\":-1}",
	    vault->fingerprint);
	return finish(out, err);
}

int
vault_encode_manifest(struct buf *out, struct err *err)
{
	buf_puts(out, "{\"InstanceFingerprint\":\"" PATHS_FINGERPRINT "\","
	              "\"RegistrationKey\":\"" PATHS_KEY "\"}");
	return finish(out, err);
}

int
vault_encode_registration(struct buf *out, const struct vault *vault,
    struct err *err)
{
	if (vault_check(vault, err) != 0)
		return -1;
	buf_printf(out, "{\"ManagedInstanceID\":\"%s\",\"Region\":\"%s\"}",
	    vault->node, vault->region);
	return finish(out, err);
}
