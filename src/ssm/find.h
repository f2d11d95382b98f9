#ifndef SSM_FIND_H
#define SSM_FIND_H

struct err;
struct json;
struct ssm;

/*
 * Looking for what is left on the account; all pages of the listing.  found
 * is called for each id, with its entry, and gives 0 to go on, -1 (with err
 * set) to stop.
 */
struct find_sink {
	void *context;
	int (*found)(void *context, const char *id, const struct json *item,
	    struct err *err);
};

/* Activations, of the role (NULL: any), whose description holds the text. */
int find_activations(const struct ssm *ssm, const char *role, const char *text,
    const struct find_sink *sink, struct err *err);

/* Managed nodes that pass the filter: ActivationIds, tag-key, ... (API
 * reference of DescribeInstanceInformation; filters by tag cannot be combined).
 */
int find_nodes(const struct ssm *ssm, const char *key, const char *value,
    const struct find_sink *sink, struct err *err);

#endif
