#ifndef SSM_FIND_H
#define SSM_FIND_H

struct err;
struct ssm;

/*
 * Looking for what a lost answer may have left on the account; all pages of
 * the listing.  found is called for each id and gives 0 to go on, -1 (with err
 * set) to stop.
 */
struct find_sink {
	void *context;
	int (*found)(void *context, const char *id, struct err *err);
};

/* Activations of the role whose description holds the text. */
int find_activations(const struct ssm *ssm, const char *role, const char *text,
    const struct find_sink *sink, struct err *err);

/* Nodes that were registered with the activation. */
int find_nodes(const struct ssm *ssm, const char *activation,
    const struct find_sink *sink, struct err *err);

#endif
