#ifndef AGENT_SETUP_H
#define AGENT_SETUP_H

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct buf;

/*
 * What the machine needs before the agent starts: its configuration merged
 * with what is there, the log configuration, sudo for ssm-user.
 */

/*
 * Merge into the text of amazon-ssm-agent.json (NULL or "" = no file):
 * Profile.ShareCreds = false, because the agent otherwise overwrites the
 * application's [default] profile, and Identity.ConsumptionOrder =
 * ["OnPrem"], because it otherwise may take the host's identity.  Everything
 * else is kept.  Pure.  A text that is not a JSON object is an error, since
 * the agent would not start with it either.
 */
int setup_merge_config(struct buf *out, const char *text, struct err *err);

/* Write the merged configuration; and seelog.xml from its template when
 * there is a template and no seelog.xml. */
int setup_config(struct err *err);

/* /etc/sudoers.d/ssm-agent-users, 0440; gives 1 when it was there before, 0
 * when it was made by us. */
int setup_sudoers(struct err *err);
int setup_remove_sudoers(struct err *err);

#endif
