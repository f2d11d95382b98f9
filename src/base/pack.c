#include "base/pack.h"

#include "base/buf.h"

enum { FIRST = 128, DEPTH = 256 - FIRST + 1 };

/* A pair leads to smaller codes only, so its last character is reached with
 * no more than one open half for each code. */
static void
add(struct buf *out, const struct pack *pack, unsigned char code)
{
	unsigned char open[DEPTH] = { code };
	size_t n = 1;

	while (n > 0) {
		code = open[--n];
		if (code < FIRST) {
			buf_putc(out, (char)code);
			continue;
		}
		open[n++] = pack->pairs[code - FIRST][1];
		open[n++] = pack->pairs[code - FIRST][0];
	}
}

void
pack_expand(struct buf *out, const struct pack *pack)
{
	for (size_t i = 0; i < pack->len; i++)
		add(out, pack, pack->text[i]);
}
