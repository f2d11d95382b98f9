/* SPDX-License-Identifier: MIT */
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
 * the agent would not start with it either.  *changed becomes true when the
 * text did not have the two as they should be.
 */
int setup_merge_config(struct buf *out, const char *text, bool *changed,
    struct err *err);

/*
 * Write the merged configuration, 0644 unless the file has another mode, and
 * only if something changes, so that a read-only folder with a fitting file
 * is fine.  agent: its path (NULL = unknown); an agent outside /usr/bin reads
 * configuration/amazon-ssm-agent.json beside it when there is one, so that
 * file is merged, too.  Then, unless there is one of somebody else's, a
 * seelog.xml that has the agent log to that file (agent/seelog.h); where that
 * cannot be, the folder of the agent's own choice, so that it can be watched.
 * These two are no failure, since the agent does without.
 */
int setup_config(const char *agent, const char *log, struct err *err);

/* Where the agent logs to, by the seelog.xml that is there: an absolute path.
 * -1 where it cannot be followed, with the reason. */
int setup_find_log(const char *agent, char *out, size_t size, struct err *err);

/* Remove seelog.xml, if it is what setup_config() writes. */
int setup_remove_log_config(struct err *err);

/* /etc/sudoers.d/ssm-agent-users, 0440, for ssm-user; or, when it is not 0, for
 * a uid, whatever its name, since sudo knows one that has several names by the
 * first of them.  Gives 1 when there is one that is not ours (it is left as it
 * is), 0 when it was made by us. */
int setup_sudoers(uid_t uid, struct err *err);

/* Remove it, if it is what setup_sudoers() writes. */
int setup_remove_sudoers(struct err *err);

#endif
