#include "agent/paths.h"
#include "agent/vault.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

static void
encode_key(struct buf *out, const struct vault *vault, int64_t when)
{
	char date[CLOCK_ISO_SIZE];

	/* Go's "2006-01-02 15:04:05.999999999 -0700 MST" of a full second. */
	clock_iso(when, date);
	date[10] = ' ';
	date[19] = '\0';
	json_write(out,
	    "{\"instanceID\":%,\"region\":%,\"instanceType\":\"\","
	    "\"availabilityZone\":\"\",\"privateKey\":%,\"publicKey\":\"\","
	    "\"privateKeyType\":\"Rsa\","
	    "\"privateKeyCreatedDate\":\"@ +0000 UTC\"}",
	    vault->node, vault->region, vault->private_key, date);
}

void
vault_encode(struct buf *out, enum vault_file file, const struct vault *vault,
    int64_t when)
{
	switch (file) {
	case VAULT_KEY:
		encode_key(out, vault, when);
		break;
	case VAULT_FINGERPRINT:
		/* With the threshold -1 the agent compares no hardware: a
		 * container's host name or address may change, and no empty
		 * map invalidates the fingerprint. */
		json_write(out,
		    "{\"fingerprint\":%,\"hardwareHash\":{},"
		    "\"similarityThreshold\":-1}",
		    vault->fingerprint);
		break;
	case VAULT_REGISTRATION:
		json_write(out, "{\"ManagedInstanceID\":%,\"Region\":%}",
		    vault->node, vault->region);
		break;
	case VAULT_MANIFEST:
		buf_puts(out,
		    "{\"InstanceFingerprint\":\"" PATHS_FINGERPRINT "\","
		    "\"RegistrationKey\":\"" PATHS_KEY "\"}");
		break;
	}
}
