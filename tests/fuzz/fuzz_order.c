/* SPDX-License-Identifier: MIT */
/*
 * The first byte is the type, the rest the payload.  An order that is taken
 * has what its kind says, within the limits.
 */
#include <string.h>

#include "base/err.h"
#include "fuzz/fuzz.h"
#include "mgs/order.h"

static void
check(const struct order *order, size_t size)
{
	bool named = order->kind == ORDER_START || order->kind == ORDER_END ||
	             order->kind == ORDER_ACKNOWLEDGED;

	require(named == order_is_session(slice_of(order->session)));
	require((order->kind == ORDER_JOB) == (order->job[0] != '\0'));
	require((order->kind == ORDER_START) == (order->content.len > 0));
	require(order->content.len <= size);
	require(strchr(order->session, '/') == NULL);
	require(strlen(order->message) == FRAME_ID_TEXT - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct order order = { .kind = ORDER_NONE };
	struct frame frame;
	struct err err = { 0 };

	if (size < 1)
		return 0;
	frame = (struct frame){
		.type = (enum frame_type)(data[0] % FRAME_TYPES),
		.payload = slice_make((const char *)&data[1], size - 1),
	};
	if (order_read(&order, &frame, &err) != 0) {
		require(err.kind == ERR_KIND_PARSE);
		require(order.kind == ORDER_NONE && order.content.len == 0);
		return 0;
	}
	check(&order, size);
	order_free(&order);
	return 0;
}
