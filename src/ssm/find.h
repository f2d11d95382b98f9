#ifndef SSM_FIND_H
#define SSM_FIND_H

struct err;
struct ssm;

/*
 * Call found for every activation of the role whose description holds the
 * text; all pages.  found gives 0 to go on, -1 (with err set) to stop.
 */
struct find_sink {
	void *context;
	int (*found)(void *context, const char *id, struct err *err);
};
int find_activations(const struct ssm *ssm, const char *role, const char *text,
    const struct find_sink *finder, struct err *err);

#endif
