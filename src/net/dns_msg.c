/* SPDX-License-Identifier: MIT */
#include "net/dns_msg.h"

#include <ctype.h>
#include <string.h>

#include "net/cidr.h"

enum {
	HEADER = 12,
	NAME_MAX = 254, /* as it is in a message, without the empty label */
	LABEL_MAX = 63,
	TAIL = 5,    /* the end of the name, type, class */
	RECORD = 10, /* type, class, time to live, length */
	POINTER = 0xc0,
	CLASS_IN = 1,
	NO_SUCH_NAME = 3,
};

static bool
add_labels(struct dns_msg_question *out, struct slice name)
{
	struct slice label;

	do {
		slice_cut(&name, '.', &label);
		if (label.len == 0 || label.len > LABEL_MAX ||
		    out->len + label.len >= HEADER + NAME_MAX)
			return false;
		out->bytes[out->len++] = (char)label.len;
		memcpy(&out->bytes[out->len], label.ptr, label.len);
		out->len += label.len;
	} while (name.len > 0);
	return true;
}

bool
dns_msg_ask(struct dns_msg_question *out, uint16_t id, unsigned char type,
    struct slice name, struct slice domain)
{
	/* Please recurse; there is one question. */
	const unsigned char head[HEADER] = { (unsigned char)(id >> 8),
		(unsigned char)id, 1, 0, 0, 1 };
	const unsigned char tail[TAIL] = { 0, 0, type, 0, CLASS_IN };

	memcpy(out->bytes, head, HEADER);
	out->len = HEADER;
	if (!add_labels(out, name) ||
	    (domain.len > 0 && !add_labels(out, domain)))
		return false;
	memcpy(&out->bytes[out->len], tail, TAIL);
	out->len += TAIL;
	return true;
}

static unsigned
byte_at(struct slice s, size_t at)
{
	return (unsigned char)s.ptr[at];
}

static unsigned
number_at(struct slice s, size_t at)
{
	return byte_at(s, at) << 8 | byte_at(s, at + 1);
}

/* The id, one question, and that in whatever case; lengths, types and
 * classes are no letters. */
static bool
belongs(struct slice answer, struct slice question)
{
	if (answer.len < question.len ||
	    number_at(answer, 0) != number_at(question, 0) ||
	    (byte_at(answer, 2) & 0xf8) != 0x80 || number_at(answer, 4) != 1)
		return false;
	for (size_t i = HEADER; i < question.len; i++) {
		if (tolower((int)byte_at(answer, i)) !=
		    tolower((int)byte_at(question, i)))
			return false;
	}
	return true;
}

/* Cut the next record off, and add its address if it has one. */
static bool
take_record(struct slice *rest, unsigned type, struct cidr_list *out)
{
	size_t size = type == DNS_MSG_A ? 4 : 16;
	struct slice data;
	unsigned first = 1;

	/* Labels, then an empty one or a pointer to more of them. */
	while (rest->len > 0 && first != 0 && first < POINTER) {
		first = byte_at(*rest, 0);
		if (first > LABEL_MAX && first < POINTER)
			return false;
		*rest = slice_skip(*rest, first < POINTER ? first + 1 : 2);
	}
	if (rest->len < RECORD)
		return false;
	data = slice_head(slice_skip(*rest, RECORD), number_at(*rest, 8));
	if (data.len < number_at(*rest, 8))
		return false;
	if (number_at(*rest, 0) == type && number_at(*rest, 2) == CLASS_IN &&
	    data.len == size)
		cidr_add(out, data.ptr, size);
	*rest = slice_skip(*rest, RECORD + data.len);
	return true;
}

enum dns_msg_what
dns_msg_read(struct slice answer, const struct dns_msg_question *question,
    struct cidr_list *out)
{
	struct slice asked = slice_make(question->bytes, question->len);
	struct slice rest = slice_skip(answer, asked.len);
	unsigned type = byte_at(asked, asked.len - 3);
	size_t before = out->count;
	unsigned code;
	bool whole = true;

	if (!belongs(answer, asked))
		return DNS_MSG_FOREIGN;
	code = byte_at(answer, 3) & 15;
	if (code != 0)
		return code == NO_SUCH_NAME ? DNS_MSG_NO_NAME : DNS_MSG_FAILED;
	for (unsigned left = number_at(answer, 6);
	     left > 0 && whole && out->count < before + DNS_MSG_ADDRESSES_MAX;
	     left--)
		whole = take_record(&rest, type, out);
	if ((byte_at(answer, 2) & 2) != 0)
		return DNS_MSG_CUT;
	if (whole)
		return DNS_MSG_GOOD;
	out->count = before;
	return DNS_MSG_FAILED;
}
