/* SPDX-License-Identifier: MIT */
#ifndef NET_CA_H
#define NET_CA_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct cert;
struct err;
struct owner;

/*
 * Trust anchors: the built-in roots (net/ca_roots.h) or the certificates of a
 * PEM file, which then replace them.
 */
struct ca;

enum { CA_FILE_MAX = 2 * 1024 * 1024, CA_COUNT_MAX = 1024 };

/* The built-in roots; host decides whether those of China belong to them. */
int ca_builtin(struct ca **out, const char *host, struct err *err);

/*
 * Read a PEM bundle, whose path is the word of by (base/trust.h): CRLF,
 * comments and text between certificates are fine; certificates that cannot be
 * used (Ed25519, odd curves, broken DER, expired) are named, with the reason,
 * by one warning for the file.  A missing or empty file, or one without a
 * usable certificate, is an error of ERR_KIND_TLS with the exit status of a
 * wrong setting.  It names the path and what: the setting that named the file.
 */
int ca_load(struct ca **out, const char *path, const struct owner *by,
    const char *what, struct err *err);
void ca_free(struct ca *ca);

size_t ca_count(const struct ca *ca);

/* Anchor number i, from 0.  Its key is of a supported kind; whether it may be
 * used today, and for what, is to be asked. */
const struct cert *ca_at(const struct ca *ca, size_t i);

/* Append the built-in roots as PEM, for programs that need a file. */
int ca_pem(struct buf *out, struct err *err);

#endif
