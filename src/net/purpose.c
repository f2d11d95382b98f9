#include "net/purpose.h"

#include <string.h>

enum step { TAG, LENGTH, MORE_LENGTH, VALUE };

/* Where an element is, by the number of elements around it. */
enum level {
	CERTIFICATE,
	TO_BE_SIGNED,
	FIELD,
	EXTENSIONS,
	EXTENSION,
	PART,
	USAGES,
	USAGE,
};

enum {
	OCTETS = 0x04,
	OBJECT_ID = 0x06,
	SEQUENCE = 0x30,
	EXTENSIONS_TAG = 0xA3,
	LONG = 0x80,
};

static const unsigned char extended_key_usage[] = { 0x55, 0x1D, 0x25 };
static const unsigned char any_usage[] = { 0x55, 0x1D, 0x25, 0x00 };
static const unsigned char server_auth[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07,
	0x03, 0x01 };

static bool
is_oid(const struct purpose *p, const unsigned char *oid, size_t len)
{
	return p->oid_len == len && memcmp(p->oid, oid, len) == 0;
}

/* The elements that hold what we look for; others are skipped, above all
 * those behind the part that is signed. */
static bool
is_entered(const struct purpose *p)
{
	switch (p->depth) {
	case TO_BE_SIGNED:
		return p->tag == SEQUENCE && !p->body;
	case FIELD:
		return p->tag == EXTENSIONS_TAG;
	case PART:
		return p->tag == OCTETS && p->usages;
	case USAGE:
		return false;
	default:
		return p->tag == SEQUENCE;
	}
}

static void
take_oid(struct purpose *p)
{
	if (p->depth == PART) {
		p->usages =
		    is_oid(p, extended_key_usage, sizeof extended_key_usage);
		p->limited |= p->usages;
	} else if (p->depth == USAGE) {
		p->servers |= is_oid(p, server_auth, sizeof server_auth) ||
		              is_oid(p, any_usage, sizeof any_usage);
	}
}

static void
leave(struct purpose *p)
{
	p->step = TAG;
	if (p->tag == OBJECT_ID)
		take_oid(p);
	while (p->depth > 0 && p->at >= p->end[p->depth - 1])
		p->depth--;
}

static void
enter(struct purpose *p)
{
	p->oid_len = 0;
	p->value = p->length;
	p->step = VALUE;
	if (p->length > 0 && is_entered(p)) {
		p->body |= p->depth == TO_BE_SIGNED;
		if (p->depth == EXTENSION)
			p->usages = false;
		p->end[p->depth++] = p->at + p->length;
		p->step = TAG;
	} else if (p->length == 0) {
		leave(p);
	}
}

static void
read_length(struct purpose *p, unsigned char byte)
{
	if (p->step == MORE_LENGTH) {
		p->length = p->length << 8 | byte;
		p->length_bytes--;
	} else {
		p->length_bytes = byte >= LONG ? byte - LONG : 0;
		p->length = byte >= LONG ? 0 : byte;
		p->step = MORE_LENGTH;
	}
	if (p->length_bytes == 0)
		enter(p);
}

static void
read_value(struct purpose *p, unsigned char byte)
{
	if (p->oid_len < sizeof p->oid)
		p->oid[p->oid_len] = byte;
	p->oid_len++;
	if (--p->value == 0)
		leave(p);
}

void
purpose_read(struct purpose *p, const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		p->at++;
		if (p->step == VALUE) {
			read_value(p, data[i]);
		} else if (p->step == TAG) {
			p->tag = data[i];
			p->step = LENGTH;
		} else {
			read_length(p, data[i]);
		}
	}
}

bool
purpose_serves(const struct purpose *p)
{
	return !p->limited || p->servers;
}
