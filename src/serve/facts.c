/* SPDX-License-Identifier: MIT */
#include "serve/facts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/slice.h"

enum { OS_RELEASE_MAX = 16 * 1024, ANY_PORT = 9 };

/* A value as a shell reads it: without quotes around it; escapes, which no
 * name or version has, stay. */
static struct slice
unquote(struct slice value)
{
	bool quoted = value.len >= 2 &&
	              slice_has(slice_of("\"'"), *value.ptr) &&
	              value.ptr[value.len - 1] == *value.ptr;

	return quoted ? slice_make(value.ptr + 1, value.len - 2) : value;
}

static void
take(char out[static FACTS_WORD_SIZE], struct slice value)
{
	char text[FACTS_WORD_SIZE];

	value = slice_head(unquote(slice_trim(value)), FACTS_WORD_SIZE - 1);
	if (value.len > 0 && slice_utf8(value) &&
	    slice_copy(value, text, sizeof text))
		slice_copy(value, out, FACTS_WORD_SIZE);
}

void
facts_platform(struct facts *out, struct slice text)
{
	struct slice rest = text, line, key, value;

	slice_copy(slice_of("Linux"), out->platform, sizeof out->platform);
	slice_copy(slice_of("NotAvailable"), out->version, sizeof out->version);
	while (slice_line(&rest, &line)) {
		if (!slice_split(line, '=', &key, &value))
			continue;
		if (slice_eq(key, "NAME"))
			take(out->platform, value);
		else if (slice_eq(key, "VERSION_ID"))
			take(out->version, value);
	}
}

/* connect(2) of a datagram's socket looks up the way, and sends nothing. */
static bool
find_address(char out[static FACTS_ADDRESS_SIZE], const struct sockaddr *to,
    socklen_t size)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof from;
	const void *bytes = NULL;
	bool found = false;
	int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	if (connect(fd, to, size) == 0 &&
	    getsockname(fd, (struct sockaddr *)&from, &len) == 0) {
		bytes =
		    to->sa_family == AF_INET
		        ? (const void *)&((struct sockaddr_in *)&from)->sin_addr
		        : (const void *)&((struct sockaddr_in6 *)&from)
		              ->sin6_addr;
		found = inet_ntop(to->sa_family, bytes, out,
		            FACTS_ADDRESS_SIZE) != NULL;
	}
	close(fd);
	return found;
}

static void
gather_address(struct facts *out)
{
	/* Any address of the world leads to the default route. */
	struct sockaddr_in four = {
		.sin_family = AF_INET,
		.sin_port = htons(ANY_PORT),
	};
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(ANY_PORT),
	};

	inet_pton(AF_INET, "192.0.2.1", &four.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &six.sin6_addr);
	if (!find_address(out->address, (struct sockaddr *)&four,
	        sizeof four) &&
	    !find_address(out->address, (struct sockaddr *)&six, sizeof six))
		slice_copy(slice_of("127.0.0.1"), out->address,
		    sizeof out->address);
}

void
facts_gather(struct facts *out)
{
	struct buf text = { .max = OS_RELEASE_MAX };

	*out = (struct facts){ .computer = "" };
	if (gethostname(out->computer, sizeof out->computer - 1) != 0)
		out->computer[0] = '\0';
	if (file_read("/etc/os-release", &text, NULL) != FILE_FOUND)
		buf_cut(&text, 0);
	facts_platform(out, slice_make(text.data, text.len));
	buf_free(&text);
	gather_address(out);
}
