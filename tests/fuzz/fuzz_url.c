/* SPDX-License-Identifier: MIT */
/*
 * An URL that is taken holds nothing that could break a request, and its
 * authority, put together again, is the same URL.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "net/url.h"

static void
require_visible(const char *text)
{
	for (size_t i = 0; text[i] != '\0'; i++)
		require(text[i] > ' ' && text[i] < 0x7f);
}

static void
check_again(const struct url *url)
{
	struct buf text = { 0 };
	struct url again;

	buf_puts(&text, url->tls ? "https://" : "http://");
	url_authority(url, &text);
	buf_puts(&text, url->path);
	require(buf_ok(&text));
	require(url_parse(&again, buf_str(&text), NULL) == 0);
	require(strcmp(again.host, url->host) == 0);
	require(strcmp(again.path, url->path) == 0);
	require(again.port == url->port && again.tls == url->tls);
	require(again.literal == url->literal);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = slice_dup(slice_make((const char *)data, size));
	struct url url;

	require(text != NULL);
	if (url_parse(&url, text, NULL) == 0) {
		require(url.port > 0 && url.host[0] != '\0');
		require(strpbrk(url.host, "/?#@[]%") == NULL);
		require(strchr(url.path, '#') == NULL);
		require_visible(url.host);
		require_visible(url.path);
		require(!url_is_loopback(url.host) || url_is_local(url.host));
		check_again(&url);
	}
	free(text);
	return 0;
}
