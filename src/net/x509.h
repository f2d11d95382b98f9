#ifndef NET_X509_H
#define NET_X509_H

#include <stdbool.h>
#include <stdint.h>

struct ca;
struct err;

/*
 * The check of a server's certificates, by BearSSL's minimal engine: an RSA
 * (2048 to 4096 bits) or ECDSA chain in order, leaf first, with SHA-256, 384
 * or 512, valid now, that leads to an anchor.  Beside the verdict it remembers
 * what an explanation needs.
 */
struct x509;

/* now: seconds since 1970, see clock_now(); ca must outlive the result. */
int x509_new(struct x509 **out, const struct ca *ca, int64_t now,
    struct err *err);
void x509_free(struct x509 *x509);

/* The const br_x509_class ** of the engine, for net/tls.c alone. */
void *x509_engine(struct x509 *x509);

/*
 * Explain a BR_ERR_X509_* code of the handshake with host: ERR_KIND_TLS,
 * ERR_FINAL, a text and an advice for each kind.  False, with err as it was,
 * for any other code.
 */
bool x509_explain(const struct x509 *x509, int code, const char *host,
    struct err *err);

#endif
