#ifndef NET_EC_H
#define NET_EC_H

/*
 * The elliptic curves of the TLS client: X25519 for the exchange of keys,
 * which almost every server takes, and P-256, P-384 and P-521 for the others
 * and for signatures of certificates.
 *
 * The const br_ec_impl * of BearSSL, for net/tls.c and net/x509.c alone.
 * Constant time, no state.
 */
const void *ec_curves(void);

#endif
