/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "agent/paths.h"
#include "agent/procs.h"
#include "agent/setup.h"
#include "agent/spec.h"
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

/* Before any call of AWS: a node whose files cannot be written would only
 * have to be removed again. */
static int
check_writable(const struct config *cfg, const char *agent, struct err *err)
{
	char log[WORK_PATH_MAX];

	work_path(log, cfg, WORK_LOG);
	if (check_state_dir(cfg, err) == 0 && check_lib(err) == 0 &&
	    setup_config(agent, log, err) == 0)
		return 0;
	work_advise_volumes(cfg, err);
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
begin(struct state *out, const struct work *work, const char *path,
    struct err *err)
{
	struct state new = { .unsettled = work->cfg->id == NULL };

	container_identity(new.container, work->cfg->env);
	slice_copy(slice_of(work->role), new.role, sizeof new.role);
	if (rng_uuid(new.nonce, err) != 0 ||
	    rng_uuid(new.fingerprint, err) != 0 ||
	    state_save(&new, path, err) != 0)
		return -1;
	*out = new;
	return 0;
}

/* The vault still holds the node of the state: nobody registered again. */
static bool
vault_matches(const struct state *state)
{
	struct vault vault = { 0 };
	struct err err = { 0 };
	bool same = vault_load(&vault, &err) == 0 &&
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

/* The agent's path, told to the keeper, who starts it. */
static int
find_agent(char agent[static WORK_AGENT_SIZE], const struct config *cfg,
    int out, struct err *err)
{
	if (spec_find(agent, WORK_AGENT_SIZE, cfg->agent, cfg->env, err) != 0)
		return -1;
	return job_tell(out, JOURNAL_AGENT, agent, err);
}

int
work_files_prepare(const struct work *work, int out, struct err *err)
{
	struct state state = { 0 };
	struct err damaged = { 0 };
	enum journal found = JOURNAL_STATE;
	char agent[WORK_AGENT_SIZE];
	char path[WORK_PATH_MAX];
	int loaded = 0;

	work_path(path, work->cfg, STATE);
	if (find_agent(agent, work->cfg, out, err) != 0 ||
	    check_writable(work->cfg, agent, err) != 0)
		return -1;
	loaded = state_load(&state, path, &damaged);
	if (check_alone(state.installed, err) != 0)
		return -1;
	if (loaded < 0)
		log_event(LOG_WARN, "state_damaged", "%s; starting anew",
		    damaged.msg);
	if (loaded == 0 && work_registered(&state) &&
	    is_ours(&state, work->cfg->env) && vault_matches(&state))
		found = JOURNAL_STATE;
	else if (loaded == 0 && (state.begun || !state_settled(&state)))
		found = JOURNAL_LEFTOVER;
	else if (begin(&state, work, path, err) != 0)
		return -1;
	if (certs_exist(work->cfg))
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
install_vault(const struct work *work, struct err *err)
{
	const struct state *state = work->state;
	struct buf key = { 0 };
	struct vault vault = { 0 };
	int rc = -1;

	/* The private key goes from the pipe to the vault alone. */
	if (work_read_line(work->private_fd, &key, work->deadline, err) != 0)
		goto out;
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
	    "sessions fail until there is a user ssm-user: add it to the "
	    "image (adduser -D ssm-user, useradd -m ssm-user)");
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

	if (!work->delegate && install_vault(work, err) != 0)
		return -1;
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
	install_user(work);
	install_sudo(work);
	state.installed = true;
	if (state_save(&state, path, err) != 0)
		return -1;
	if (certs_exist(work->cfg))
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

/* Whose identity is in the vault, "" = nobody's. */
static void
vault_node(char out[static SSM_NODE_SIZE])
{
	struct vault vault = { 0 };
	struct err ignored = { 0 };

	out[0] = '\0';
	if (vault_load(&vault, &ignored) == 0 && id_is_node(vault.node))
		slice_copy(slice_of(vault.node), out, SSM_NODE_SIZE);
	vault_free(&vault);
}

/* Last, since it may take long: the outputs of many commands. */
static void
forget_data(const char *node)
{
	struct err err = { 0 };

	if (node[0] != '\0' && vault_remove_data(node, &err) != 0)
		log_err(LOG_WARN, "forget_failed", &err);
}

int
work_files_forget(const struct work *work, int out, struct err *err)
{
	char node[SSM_NODE_SIZE] = "";
	struct err ignored = { 0 };
	char path[WORK_PATH_MAX];
	int rc = 0;

	/* Otherwise they are somebody else's. */
	if (work->state->begun) {
		vault_node(node);
		rc = vault_remove(err) | setup_remove_sudoers(err) |
		     forget_log(work, err);
	}
	certs_path(path, work->cfg);
	rc |= file_remove_own(path, err);
	work_path(path, work->cfg, STATE);
	rc |= file_remove_own(path, err);
	work_files_note(work, out, &ignored);
	forget_data(node);
	return rc;
}
