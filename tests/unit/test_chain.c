/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/ca.h"
#include "net/dial.h"
#include "net/tls.h"
#include "unit/net_peer.h"

/*
 * Chains as AWS sends them: leaf, intermediate, and the root cross-signed by
 * an older one.  Either root is enough as an anchor.
 */
enum { LIMIT_MS = 10000, NAME_SIZE = 64 };

static const char *const families[] = { "aws-2048", "aws-4096", "aws-p256",
	"aws-p384", "aws-mixed" };

/* What the server sends, whom we trust, and the outcome: NULL = accepted. */
static const struct chain_case {
	const char *sent, *anchors, *text;
} cases[] = {
	{ "", "star.crt", NULL },
	{ "", "-own.crt", NULL },
	{ "", "-both.pem", NULL },
	{ "", "roots.pem", "it is not trusted" },
	{ "-short", "-own.crt", NULL },
	{ "-short", "-both.pem", NULL },
	{ "-short", "star.crt", "it is not trusted" },
	/* What stands behind an anchor does not count. */
	{ "-late", "-own.crt", NULL },
	{ "-late", "star.crt", "one in its chain has expired" },
	{ "-swapped", "star.crt", "wrong order" },
	{ "-swapped", "-own.crt", "wrong order" },
};

static void
try_case(const char *family, const struct chain_case *one)
{
	struct dial_target target = { .host = "127.0.0.1" };
	char server[NAME_SIZE], anchors[NAME_SIZE];
	struct ca *ca = NULL;
	struct tls *tls = NULL;
	struct err err = { 0 };
	int fd = -1, rc;

	(void)snprintf(server, sizeof server, "%s%s", family, one->sent);
	(void)snprintf(anchors, sizeof anchors, "%s%s",
	    one->anchors[0] == '-' ? family : "", one->anchors);
	target.port = net_peer_port(server);
	assert_int_equal(ca_load(&ca, net_peer_path(anchors), NULL,
	                     "AWS_CA_BUNDLE", NULL),
	    0);
	assert_int_equal(dial_tcp(&target, clock_in(LIMIT_MS), &fd, NULL), 0);
	rc = tls_open(&tls, fd, "tls.test", ca, clock_in(LIMIT_MS), &err);
	if ((rc == 0) != (one->text == NULL) ||
	    (rc != 0 && strstr(err.msg, one->text) == NULL))
		fail_msg("%s with %s: %s", server, anchors,
		    rc == 0 ? "accepted" : err.msg);
	tls_free(tls);
	ca_free(ca);
	close(fd);
}

static void
test_chains_of_aws(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++)
			try_case(families[i], &cases[j]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains_of_aws),
	};

	return cmocka_run_group_tests(tests, net_peer_start, net_peer_stop);
}
