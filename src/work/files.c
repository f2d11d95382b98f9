/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "agent/paths.h"
#include "agent/procs.h"
#include "agent/setup.h"
#include "agent/sudo.h"
#include "agent/user.h"
#include "agent/vault.h"
#include "agent/volume.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/slice.h"
#include "settings/config.h"
#include "ssm/id.h"
#include "work/certs.h"
#include "work/container.h"
#include "work/failure.h"
#include "work/job.h"
#include "work/node_key.h"
#include "work/which.h"
#include "work/work.h"

#define STATE "state.json"

enum { AGENT_ENDS_MS = 12000, LOOK_AGAIN_MS = 200 };

/* Nothing of others is in the folder, which is closed then, and there is room.
 */
static int
probe(int dir, const char *path, int cleaned, struct err *err)
{
	int rc = cleaned;

	if (rc == 0 && file_probe_at(dir, err) != 0)
		rc = err_wrap(err, path);
	close(dir);
	return rc;
}

static int
check_state_dir(const struct config *cfg, struct err *err)
{
	int dir = file_folder_open(cfg->state_dir, 0700, err);

	if (dir < 0)
		return -1;
	return probe(dir, cfg->state_dir,
	    volume_clean_folder(dir, cfg->state_dir, WORK_NAMES, err), err);
}

static int
check_lib(struct err *err)
{
	int dir = volume_open(VOLUME_LIB, err);

	if (dir < 0)
		return -1;
	return probe(dir, PATHS_LIB, volume_clean(dir, VOLUME_LIB, err), err);
}

/* What PREPARE has in hand. */
struct prepare {
	const struct config *cfg;
	const struct work *work;
	int out;
	char agent[WORK_AGENT_SIZE];
	char path[WORK_PATH_MAX]; /* of the state */
	bool builtin;
	bool memory; /* nothing can be written */
};

/* Our own agent needs no file. */
static int
use_memory(struct prepare *p, const struct err *why, struct err *err)
{
	p->memory = true;
	log_event(LOG_WARN, "state_in_memory",
	    "%s: the node is remembered in memory only; what is ended by "
	    "SIGKILL leaves it on the account, for ssm-activate gc",
	    why->msg);
	return job_tell(p->out, JOURNAL_MEMORY, NULL, err);
}

static int
check_agent_files(const struct prepare *p, struct err *err)
{
	char log[WORK_PATH_MAX];

	if (p->builtin)
		return 0;
	work_path(log, p->cfg, WORK_LOG);
	return check_lib(err) == 0 ? setup_config(p->agent, log, err) : -1;
}

/* Before any call of AWS: a node whose files cannot be written would only
 * have to be removed again. */
static int
check_writable(struct prepare *p, struct err *err)
{
	struct err why = { 0 };
	int rc = check_state_dir(p->cfg, &why);

	if (rc != 0 && p->builtin)
		return use_memory(p, &why, err);
	if (rc != 0)
		*err = why;
	else if (check_agent_files(p, err) == 0)
		return 0;
	work_advise_volumes(p->cfg, err);
	return -1;
}

/* After a hard kill of the keeper its agent may be just ending. */
static int
check_alone(bool predecessor, struct err *err)
{
	int64_t until = clock_in(predecessor ? AGENT_ENDS_MS : 0);
	pid_t pid = procs_foreign();

	while (pid != 0 && clock_left(until) > 0) {
		clock_sleep(clock_in(LOOK_AGAIN_MS));
		pid = procs_foreign();
	}
	if (pid == 0)
		return 0;
	err_set(err, ERR_KIND_CONFIG,
	    "another amazon-ssm-agent runs in this container (pid %d)",
	    (int)pid);
	err_fix(err,
	    "it is left alone; two cannot share a container: turn off ECS "
	    "Exec (enableExecuteCommand), or the other start of the agent");
	return -1;
}

/* A state for a new registration, on disk before anything is created. */
static int
begin(struct state *out, const struct prepare *p, struct err *err)
{
	struct state new = {
		.unsettled = !config_given(p->cfg),
		.builtin = p->builtin,
	};

	container_identity(new.container, p->cfg->env);
	slice_copy(slice_of(p->work->role), new.role, sizeof new.role);
	if (rng_uuid(new.nonce, err) != 0 ||
	    rng_uuid(new.fingerprint, err) != 0 ||
	    (!p->memory && state_save(&new, p->path, err) != 0))
		return -1;
	*out = new;
	return 0;
}

/* Its key is still there, and that of the state's node: nobody registered
 * again. */
static bool
key_matches(const struct prepare *p, const struct state *state)
{
	struct work work = *p->work;
	struct vault vault = { 0 };
	struct err err = { 0 };
	bool same = false;

	work.state = state;
	same = state->builtin == p->builtin &&
	       node_key_identity(&vault, &work, &err) == 0 &&
	       strcmp(vault.node, state->node) == 0;
	vault_free(&vault);
	return same;
}

static bool
is_ours(const struct state *state, struct env env)
{
	char here[STATE_CONTAINER_SIZE];

	container_identity(here, env);
	return state->container[0] != '\0' &&
	       strcmp(state->container, here) == 0;
}

/* Which agent it is, told to the keeper, who starts it. */
static int
find_agent(struct prepare *p, struct err *err)
{
	struct err skipped = { 0 };

	if (which_agent(p->agent, p->cfg, &skipped, err) != 0)
		return -1;
	if (skipped.code != ERR_OK) {
		err_wrap(&skipped, "an amazon-ssm-agent is not used");
		log_err(LOG_WARN, "agent_skipped", &skipped);
	}
	p->builtin = strcmp(p->agent, WORK_BUILTIN) == 0;
	return job_tell(p->out, JOURNAL_AGENT, p->agent, err);
}

static bool
is_leftover(const struct state *state)
{
	return state->begun || !state_settled(state);
}

/* What is known of an earlier start. */
static int
find_state(const struct prepare *p, struct state *state, enum journal *found,
    struct err *err)
{
	struct err damaged = { 0 };
	int loaded = p->memory ? 1 : state_load(state, p->path, &damaged);

	/* Others' agents are no concern of ours without theirs. */
	if (!p->builtin && check_alone(state->installed, err) != 0)
		return -1;
	if (loaded < 0)
		log_event(LOG_WARN, "state_damaged", "%s; starting anew",
		    damaged.msg);
	if (loaded == 0 && work_registered(state) &&
	    (p->cfg->keep_identity || is_ours(state, p->cfg->env)) &&
	    key_matches(p, state))
		return 0;
	if (loaded != 0 || !is_leftover(state))
		return begin(state, p, err);
	*found = JOURNAL_LEFTOVER;
	return 0;
}

int
work_files_prepare(const struct work *work, int out, struct err *err)
{
	struct prepare p = { .cfg = work->cfg, .work = work, .out = out };
	struct state state = { 0 };
	enum journal found = JOURNAL_STATE;

	work_path(p.path, p.cfg, STATE);
	if (work->idle) {
		if (state_load(&state, p.path, NULL) != 0 ||
		    !is_leftover(&state))
			return 0;
		return job_send(out, JOURNAL_LEFTOVER, NULL, &state, NULL);
	}
	if (find_agent(&p, err) != 0 || check_writable(&p, err) != 0 ||
	    find_state(&p, &state, &found, err) != 0)
		return -1;
	if (!p.builtin && certs_exist(p.cfg))
		job_tell(out, JOURNAL_CERTS, NULL, NULL);
	return job_send(out, found, NULL, &state, NULL);
}

int
work_files_save(const struct work *work, int out, struct err *err)
{
	char path[WORK_PATH_MAX];

	(void)out;
	work_path(path, work->cfg, STATE);
	return state_save(work->state, path, err);
}

static int
install_key(const struct work *work, struct err *err)
{
	const struct state *state = work->state;
	struct buf key = { 0 };
	struct vault vault = { 0 };
	int rc = -1;

	/* The private key goes from the pipe to the vault alone. */
	if (work_read_line(work->private_fd, &key, work->deadline, err) != 0)
		goto out;
	if (state->builtin) {
		buf_putc(&key, '\n');
		rc = buf_ok(&key) ? node_key_save(work,
		                        slice_make(key.data, key.len), err)
		                  : err_memory(err);
		goto out;
	}
	slice_copy(slice_of(state->node), vault.node, sizeof vault.node);
	slice_copy(slice_of(state->region), vault.region, sizeof vault.region);
	slice_copy(slice_of(state->fingerprint), vault.fingerprint,
	    sizeof vault.fingerprint);
	vault.private_key = buf_take(&key);
	if (vault.private_key == NULL)
		err_memory(err);
	else
		rc = vault_save(&vault, clock_now(), err);
out:
	vault_free(&vault);
	buf_free(&key);
	return rc;
}

/* Sessions need ssm-user, the node does not: a failure is a warning. */
static void
install_user(const struct work *work)
{
	const struct config *cfg = work->cfg;
	struct user_want want = { .app = cfg->user };
	struct err err = { 0 };

	if (!cfg->create_user)
		return;
	if (cfg->session_user != NULL) {
		struct user_ids ids = { 0 };

		if (user_find(&ids, cfg->session_user, &err) != 0) {
			log_err(LOG_WARN, "session_user", &err);
			return;
		}
		want.alias = true;
		want.uid = ids.uid;
		want.gid = ids.gid;
	}
	if (user_ensure(&want, &err) >= 0)
		return;
	err_fix(&err,
	    "%s until there is a user ssm-user: add it to the image (adduser "
	    "-D ssm-user, useradd -m ssm-user)",
	    work->state->builtin ? "sessions have a uid without a name, and no "
	                           "sudo,"
	                         : "sessions fail");
	log_err(LOG_WARN, "session_user", &err);
}

/*
 * The uid that may use sudo: 0 = ssm-user by its name; or why nobody may.  Who
 * shares a uid with ssm-user could become root by its rule, and does not get
 * it unless both, the sharing and sudo, were asked for.
 */
static bool
may_sudo(const struct config *cfg, uid_t *uid, struct buf *why)
{
	struct user_ids ids = { 0 };
	struct err ignored = { 0 };
	struct buf who = { 0 };
	uid_t shared;

	if (cfg->session_user != NULL) {
		if (user_find(&ids, cfg->session_user, &ignored) == 0)
			*uid = ids.uid;
		if (cfg->sudo == CONFIG_WISH_ON)
			return true;
		buf_printf(why,
		    "SSM_ACTIVATE_SESSION_USER gives it the uid %u of the "
		    "application, which could use sudo as well; "
		    "SSM_ACTIVATE_SUDO=on allows it to both, =off is silent",
		    *uid);
		return false;
	}
	shared = user_shared(&who, cfg->user);
	if (shared != 0) {
		buf_printf(why,
		    "its uid %u is also that %s; give ssm-user a uid of its "
		    "own in the image, or none",
		    shared, buf_str(&who));
	} else if (user_shared_home(&who)) {
		buf_printf(why,
		    "others can write in its home: %s; make the folders above "
		    "it root's alone, and it its own",
		    buf_str(&who));
	}
	buf_free(&who);
	return why->len == 0;
}

static void
install_sudo(const struct work *work)
{
	const struct config *cfg = work->cfg;
	struct buf why = { 0 };
	struct err err = { 0 };
	uid_t uid = 0;
	int rc;

	if (cfg->sudo == CONFIG_WISH_OFF) {
		rc = setup_remove_sudoers(&err);
	} else if (may_sudo(cfg, &uid, &why)) {
		rc = setup_sudoers(uid, &err);
		if (rc >= 0 && sudo_barred(&why)) {
			log_event(LOG_WARN, "sudo",
			    "ssm-user cannot use sudo in sessions: %s; "
			    "SSM_ACTIVATE_SUDO=off is silent",
			    buf_str(&why));
		}
	} else {
		log_event(LOG_WARN, "sudo", "no sudo for ssm-user: %s",
		    buf_str(&why));
		rc = setup_remove_sudoers(&err);
	}
	buf_free(&why);
	if (rc >= 0)
		return;
	err_fix(&err, "ssm-user cannot use sudo in sessions");
	log_err(LOG_WARN, "sudo", &err);
}

/* All or nothing, as far as the node depends on it. */
static int
install_node(const struct work *work, struct err *err)
{
	struct err ignored = { 0 };

	if (!work->delegate && install_key(work, err) != 0)
		return -1;
	if (work->state->builtin)
		return 0;
	if (certs_install(work->cfg, err) == 0)
		return 0;
	if (!work->delegate)
		vault_remove(&ignored);
	return -1;
}

int
work_files_install(const struct work *work, int out, struct err *err)
{
	struct state state = *work->state;
	char path[WORK_PATH_MAX];

	if (install_node(work, err) != 0)
		return -1;
	work_path(path, work->cfg, STATE);
	failure_save(work->cfg, &(struct err){ 0 }, NULL);
	/* Only root can make users, and become one. */
	if (geteuid() == 0) {
		install_user(work);
		install_sudo(work);
	}
	state.installed = true;
	if (!work->memory && state_save(&state, path, err) != 0)
		return -1;
	if (!state.builtin && certs_exist(work->cfg))
		job_tell(out, JOURNAL_CERTS, NULL, NULL);
	return job_send(out, JOURNAL_STATE, NULL, &state, NULL);
}

/* Nobody reads why it could not be noted. */
int
work_files_note(const struct work *work, int out, struct err *err)
{
	(void)out;
	if (work->failure != NULL &&
	    failure_save(work->cfg, work->failure, err) != 0)
		log_debug("%s", err->msg);
	err_clear(err);
	return 0;
}

/* The log of an agent that failed is for whoever looks into it. */
static int
forget_log(const struct work *work, struct err *err)
{
	bool failed = work->failure != NULL && work->failure->code != ERR_OK;
	char path[WORK_PATH_MAX];
	int rc = setup_remove_log_config(err);

	if (failed)
		return rc;
	work_path(path, work->cfg, WORK_LOG);
	rc |= file_remove_own(path, err);
	work_path(path, work->cfg, WORK_LOG ".1");
	return rc | file_remove_own(path, err);
}

/* Whose identity is in the vault: the agent may have registered again. */
static void
vault_node(char out[static SSM_NODE_SIZE], const struct state *state)
{
	struct vault vault = { 0 };
	struct err ignored = { 0 };
	bool known =
	    vault_load(&vault, &ignored) == 0 && id_is_node(vault.node);

	slice_copy(slice_of(known ? vault.node : state->node), out,
	    SSM_NODE_SIZE);
	vault_free(&vault);
}

/* Documents with what they wrote, while the vault still says whose: who is
 * killed here finds it and the state again, and goes on. */
static void
forget_data(const struct state *state)
{
	char node[SSM_NODE_SIZE] = "";
	struct err err = { 0 };

	vault_node(node, state);
	if (id_is_node(node) && vault_remove_data(node, &err) != 0)
		log_err(LOG_WARN, "forget_failed", &err);
}

int
work_files_forget(const struct work *work, int out, struct err *err)
{
	struct err ignored = { 0 };
	char path[WORK_PATH_MAX];
	int rc = 0;

	/* Removing many outputs may take longer than there is time. */
	if (!work->memory)
		work_files_note(work, out, &ignored);
	/* Otherwise they are somebody else's. */
	if (work->state->builtin) {
		rc = node_key_remove(work, err);
	} else if (work->state->begun) {
		forget_data(work->state);
		rc = vault_remove(err) | forget_log(work, err);
	}
	if (work->state->begun && geteuid() == 0)
		rc |= setup_remove_sudoers(err);
	if (work->memory)
		return rc;
	certs_path(path, work->cfg);
	rc |= file_remove_own(path, err);
	work_path(path, work->cfg, STATE);
	return rc | file_remove_own(path, err);
}
