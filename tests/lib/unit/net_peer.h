/* SPDX-License-Identifier: MIT */
#ifndef UNIT_NET_PEER_H
#define UNIT_NET_PEER_H

#include <stdint.h>

/*
 * The servers of net_peer.py, for a group of tests: start and stop are its
 * setup and teardown.  What goes wrong here fails the test.
 */
int net_peer_start(void **state);
int net_peer_stop(void **state);

/* The port, on 127.0.0.1, of the server with the name. */
uint16_t net_peer_port(const char *name);

/* The path of a file in the folder of certificates; the text is good until
 * the next call. */
const char *net_peer_path(const char *file);

#endif
