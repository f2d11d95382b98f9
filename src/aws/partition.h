#ifndef AWS_PARTITION_H
#define AWS_PARTITION_H

#include <stdbool.h>

/*
 * The partitions of AWS: which one a region belongs to, and the domains of
 * its services (the "partitions" data that every AWS SDK carries); pure.
 */
struct partition {
	char name[11];  /* "aws-cn" */
	char prefix[8]; /* of its regions: PREFIX-WORD-DIGITS */
	char dns[17];   /* domain: SERVICE.REGION.dns */
	char dual[29];  /* the same for dual-stack names; "" = none */
	bool own_roots; /* its certificates lead to private roots */
};

/* Never NULL: a region that matches nothing belongs to "aws". */
const struct partition *partition_find(const char *region);

#endif
