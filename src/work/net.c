/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "agent/vault.h"
#include "aws/client.h"
#include "aws/cred/cred.h"
#include "aws/task.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "base/version.h"
#include "settings/config.h"
#include "ssm/register.h"
#include "ssm/ssm.h"
#include "work/given.h"
#include "work/jail.h"
#include "work/job.h"
#include "work/naming.h"
#include "work/node_key.h"
#include "work/wish.h"
#include "work/work.h"

/* Codes by which AWS says that it does not know this node any more. */
#define REFUSALS                                             \
	"InvalidInstanceId MachineFingerprintDoesNotMatch "  \
	"AccessDeniedException UnrecognizedClientException " \
	"InvalidSignatureException"

/* What one net worker has in hand. */
struct net {
	const struct work *work;
	int out;
	struct client *client;
	struct ssm ssm;
	struct given given;
	struct buf public_key;
	struct vault vault; /* as it was before privileges were dropped */
	struct cred own;
	bool begun; /* something may have been sent */
};

static void
net_free(struct net *net)
{
	cred_value_free(&net->own);
	vault_free(&net->vault);
	buf_free(&net->public_key);
	given_wipe(&net->given);
	client_free(net->client);
}

/* Everything that needs privileges, then the end of them. */
static int
net_open(struct net *net, const char *region, struct err *err)
{
	work_wipe_code(net->work);
	if (jail_client(&net->client, net->work->cfg, region, err) != 0)
		return -1;
	net->ssm.client = net->client;
	net->ssm.role = net->work->role;
	net->ssm.deadline = net->work->deadline;
	return 0;
}

static const char *
public_key(void *context, struct err *err)
{
	struct net *net = context;

	if (work_read_line(net->work->public_fd, &net->public_key,
	        net->work->deadline, err) != 0)
		return NULL;
	return buf_str(&net->public_key);
}

static int
hand_over(void *context, const struct ssm_activation *activation,
    struct err *err)
{
	const struct net *net = context;

	return file_write_fd(net->work->code_fd, activation, sizeof *activation,
	    err);
}

/* The automatic tags come first: they are given up where AWS refuses tags. */
static int
gather_tags(struct naming_tags *tags, size_t *automatic,
    const struct config *cfg, const struct task *task, struct err *err)
{
	const struct {
		const char *key, *value;
	} own[] = {
		{ "ssm-activate", version_program },
		{ "ECS_TASK_ARN", task->arn },
		{ "ECS_TASK_AVAILABILITY_ZONE", task->zone },
		{ "FAULT_INJECTION_SIDECAR", cfg->fis ? "true" : "" },
	};

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (*own[i].value != '\0' &&
		    naming_add_tag(tags, slice_of(own[i].key),
		        slice_of(own[i].value), 1, err) != 0)
			return -1;
	}
	*automatic = tags->count;
	return cfg->tags == NULL || naming_parse_tags(tags, cfg->tags, err) == 0
	           ? 0
	           : config_blame(cfg, "SSM_ACTIVATE_TAGS", err);
}

/* From the template that the variable has. */
static int
gather_name(char out[static NAMING_NAME_SIZE], const struct net *net,
    const char *template, const char *variable, const struct task *task,
    struct err *err)
{
	char host[256] = "";
	struct naming_words words = {
		.task = task->id,
		.cluster = task->cluster,
		.family = task->family,
		.container = task->container,
		.hostname = host,
	};

	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	return naming_name(out, template, &words, err) == 0
	           ? 0
	           : config_blame(net->work->cfg, variable, err);
}

static void
tell_name(const struct net *net, const char *name)
{
	char text[JOB_TEXT_SIZE];

	if (net->work->cfg->on_up == NULL)
		return;
	err_clean(text, sizeof text, name, strlen(name));
	job_tell(net->out, JOURNAL_NAME, text, NULL);
}

static int
register_all(struct net *net, const struct task *task, struct err *err)
{
	const struct work *work = net->work;
	struct naming_tags tags = { 0 };
	char name[NAMING_NAME_SIZE], description[SSM_TEXT_SIZE];
	struct register_journal journal = { net->out, job_tell };
	struct register_in in = {
		.nonce = work->state->nonce,
		.fingerprint = work->state->fingerprint,
		.tags_required = work->cfg->fis,
		.delegate = work->delegate,
		.context = net,
		.hand_over = work->state->builtin ? NULL : hand_over,
		.public_key = public_key,
	};

	if (gather_tags(&tags, &in.own_tags, work->cfg, task, err) != 0 ||
	    gather_name(name, net, work->cfg->name, "SSM_INSTANCE_NAME", task,
	        err) != 0)
		return -1;
	tell_name(net, name);
	register_describe(description, name, work->state->nonce);
	in.given = config_given(work->cfg) ? &net->given.activation : NULL;
	in.activation = (struct ssm_activation_in){
		.role = work->role,
		.name = *name != '\0' ? name : NULL,
		.description = description,
		.expires = clock_now() + work->cfg->expires_ms / 1000,
		.tags = tags.list,
		.tag_count = tags.count,
	};
	net->begun = true;
	return register_node(&net->ssm, &in, &journal, err);
}

static int
do_register(struct net *net, struct err *err)
{
	const struct config *cfg = net->work->cfg;
	/* That of the activation's file goes before the variables. */
	const char *region = cfg->region == NULL ? net->given.region : NULL;
	struct task task = { 0 };
	int rc = 0;

	if (config_given(cfg) && given_load(&net->given, net->work, err) != 0)
		return -1;
	if (net_open(net, region, err) != 0 ||
	    job_tell(net->out, JOURNAL_REGION, client_region(net->client),
	        err) != 0)
		return -1;
	/* Tags and name are better with the task's data; without them the
	 * node is as good, except to Fault Injection Service. */
	rc =
	    task_load(&task, client_api(net->client), net->work->deadline, err);
	if (rc > 0 && cfg->fis)
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "SSM_ACTIVATE_FIS needs the ECS task metadata");
	if (rc < 0 && cfg->fis)
		return -1;
	if (rc < 0) {
		log_event(LOG_WARN, "task_metadata", "%s", err->msg);
		err_clear(err);
	}
	return register_all(net, &task, err);
}

/* The node's own credentials, signed for with the key in its vault. */
static int
own_credentials(struct net *net, struct err *err)
{
	struct ssm_node node = {
		.id = net->vault.node,
		.fingerprint = net->vault.fingerprint,
	};
	struct buf der = { 0 };
	struct rsa_key *key = NULL;
	int rc = -1;

	if (net->vault.private_key == NULL) {
		err_set(err, ERR_KIND_SYSTEM, "there is no key in the vault");
		goto out;
	}
	if (digest_base64_decode(&der, slice_of(net->vault.private_key)) != 0 ||
	    rsa_parse(&key, der.data, der.len, err) != 0) {
		err_set(err, ERR_KIND_PARSE, "the vault's key is damaged");
		goto out;
	}
	node.key = key;
	rc = ssm_role_token(&net->ssm, &node, &net->own, NULL, err);
out:
	rsa_free(key);
	buf_free(&der);
	return rc;
}

/* That of a node that is there, as far as it can be told. */
static void
name_again(const struct net *net)
{
	char name[NAMING_NAME_SIZE];
	struct task task = { 0 };
	struct err ignored = { 0 };

	if (net->work->cfg->on_up == NULL)
		return;
	task_load(&task, client_api(net->client), net->work->deadline,
	    &ignored);
	if (gather_name(name, net, net->work->cfg->name, "SSM_INSTANCE_NAME",
	        &task, &ignored) == 0)
		tell_name(net, name);
}

/* Is the registration still good? */
static int
do_check(struct net *net, struct err *err)
{
	int rc = -1;

	if (node_key_identity(&net->vault, net->work, err) == 0 &&
	    net_open(net, net->work->state->region, err) == 0)
		rc = own_credentials(net, err);
	if (rc == 0) {
		job_tell(net->out, JOURNAL_ACCEPTED, NULL, NULL);
		name_again(net);
	} else if (slice_names(REFUSALS, err->peer_code)) {
		rc = job_tell(net->out, JOURNAL_REFUSED, NULL, err);
	}
	return rc;
}

int
work_net_register(const struct work *work, int out, struct err *err)
{
	struct net net = { .work = work, .out = out };
	bool check = work_registered(work->state);
	int rc = check ? do_check(&net, err) : do_register(&net, err);

	if (!check && !net.begun)
		job_tell(out, JOURNAL_SETTLED, NULL, NULL);
	net_free(&net);
	return rc;
}

static const struct cred *
get_own(void *context)
{
	struct net *net = context;
	struct err err = { 0 };

	if (own_credentials(net, &err) == 0)
		return &net->own;
	log_debug("the node's own credentials: %s", err.msg);
	return NULL;
}

/* An activation whose registration was cut off may have its node. */
static void
find_node(const struct net *net, struct state *state,
    const struct register_journal *journal)
{
	struct err err = { 0 };

	if (state->node[0] == '\0' && state->activation[0] != '\0' &&
	    register_lost_node(&net->ssm, state->activation, state->node,
	        &err) == 0)
		register_tell(journal, JOURNAL_NODE, state->node, &err);
}

int
work_net_remove(const struct work *work, int out, struct err *err)
{
	struct net net = { .work = work, .out = out };
	struct register_journal journal = { out, job_tell };
	struct register_own own = { &net, get_own };
	struct state state = *work->state;
	struct ssm_pace pace = { 0 };
	int rc = -1;

	/* Many clean up at once: keep trying while anybody's calls get through.
	 */
	ssm_pace_begin(&pace);
	net.ssm.pace = &pace;
	node_key_identity(&net.vault, work, NULL);
	/* A key of another node is of no use. */
	if (work->tidy)
		state.node[0] = '\0';
	else if (state.node[0] != '\0' &&
	         strcmp(net.vault.node, state.node) != 0)
		vault_free(&net.vault);
	if (net_open(&net, state.region, err) == 0) {
		if (!work->tidy)
			find_node(&net, &state, &journal);
		rc = register_remove(&net.ssm, &state, &own, &journal, err);
	}
	net_free(&net);
	return rc;
}

static int
read_wish(struct net *net, struct wish *out, struct err *err)
{
	const char *template = net->work->cfg->demand + sizeof WISH_STORE - 1;
	struct ssm_parameter found = { 0 };
	char name[NAMING_NAME_SIZE];
	struct task task = { 0 };
	struct err why = { 0 };

	/* Without ECS there are no words, and no task is meant. */
	if (task_load(&task, client_api(net->client), net->work->deadline,
	        &why) < 0 &&
	    slice_has(slice_of(template), '{')) {
		*err = why;
		return -1;
	}
	if (gather_name(name, net, template, "SSM_ACTIVATE_DEMAND", &task,
	        err) != 0)
		return -1;
	if (ssm_get_parameter(&net->ssm, name, &found, err) != 0) {
		if (slice_eq(slice_of(err->peer_code), WISH_ABSENT)) {
			err_fix(err,
			    "aws ssm put-parameter --region %s --name %s "
			    "--type String --value off",
			    client_region(net->client), name);
		}
		return -1;
	}
	out->version = (uint64_t)found.version;
	out->written = (uint64_t)found.written;
	out->until = wish_meaning(slice_of(found.value), task.id, clock_now());
	return 0;
}

int
work_net_wish(const struct work *work, int out, struct err *err)
{
	struct net net = { .work = work, .out = out };
	struct wish wish = { 0 };
	char text[WISH_TEXT_SIZE];
	int rc = -1;

	if (net_open(&net, NULL, err) == 0)
		rc = read_wish(&net, &wish, err);
	wish_text(text, &wish);
	if (rc == 0)
		rc = job_tell(out, JOURNAL_WISH, text, err);
	else if (slice_eq(slice_of(err->peer_code), WISH_ABSENT))
		job_tell(out, JOURNAL_WISH, text, NULL);
	net_free(&net);
	return rc;
}
