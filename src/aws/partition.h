#ifndef AWS_PARTITION_H
#define AWS_PARTITION_H

#include <stdbool.h>

/*
 * The partitions of AWS: which one a region belongs to, and the domains of
 * its services (the "partitions" data that every AWS SDK carries); pure.
 */
struct partition {
	const char *name;     /* "aws-cn" */
	const char *prefixes; /* of its regions, with blanks between them */
	const char *global;   /* pseudo region of its global services */
	const char *dns;      /* domain: SERVICE.REGION.dns */
	const char *dual;     /* the same for dual-stack names; NULL = none */
	bool own_roots;       /* its certificates lead to private roots */
};

/* Never NULL: a region that matches nothing belongs to "aws". */
const struct partition *partition_find(const char *region);

#endif
