#include "net/ec.h"

#include <bearssl.h>

/* BearSSL's own choice has a third implementation, for P-256; it takes more
 * room than these two together. */
static const br_ec_impl *
choose(int curve)
{
	return curve == BR_EC_curve25519 ? &br_ec_c25519_m31 : &br_ec_prime_i31;
}

static const unsigned char *
generator(int curve, size_t *len)
{
	return choose(curve)->generator(curve, len);
}

static const unsigned char *
order(int curve, size_t *len)
{
	return choose(curve)->order(curve, len);
}

static size_t
xoff(int curve, size_t *len)
{
	return choose(curve)->xoff(curve, len);
}

static uint32_t
mul(unsigned char *point, size_t point_len, const unsigned char *x, size_t len,
    int curve)
{
	return choose(curve)->mul(point, point_len, x, len, curve);
}

static size_t
mulgen(unsigned char *out, const unsigned char *x, size_t len, int curve)
{
	return choose(curve)->mulgen(out, x, len, curve);
}

/* The form is BearSSL's. NOLINTBEGIN(readability-function-size) */
static uint32_t
muladd(unsigned char *a, const unsigned char *b, size_t point_len,
    const unsigned char *x, size_t x_len, const unsigned char *y, size_t y_len,
    int curve)
{
	return choose(curve)->muladd(a, b, point_len, x, x_len, y, y_len,
	    curve);
}
/* NOLINTEND(readability-function-size) */

const void *
ec_curves(void)
{
	static const br_ec_impl curves = {
		.supported_curves = (uint32_t)1 << BR_EC_curve25519 |
		                    (uint32_t)1 << BR_EC_secp256r1 |
		                    (uint32_t)1 << BR_EC_secp384r1 |
		                    (uint32_t)1 << BR_EC_secp521r1,
		.generator = generator,
		.order = order,
		.xoff = xoff,
		.mul = mul,
		.mulgen = mulgen,
		.muladd = muladd,
	};

	return &curves;
}
