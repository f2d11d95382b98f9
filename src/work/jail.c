#include "work/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/used.h"
#include "aws/client.h"
#include "aws/conf.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "settings/config.h"
#include "settings/options.h"
#include "work/jail_filter.h"

/* The first numbers are the distribution's own users. */
enum { CAPABILITIES_MAX = 64, ID_MIN = 200, ID_SPREAD = 64 };

/* Nothing is read or written there any more, and no file that is opened later
 * gets the number. */
static void
no_file(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0) {
		close(fd);
		file_close_cover();
		return;
	}
	dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

/* Standard input and output belong to the application. */
static void
no_stdio(int log)
{
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	no_file(STDIN_FILENO);
	no_file(STDOUT_FILENO);
}

void
jail_private(int death_signal)
{
	struct rlimit none = { 0, 0 };
	const char *denied = NULL;

	if (syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL) != 0)
		denied = "dumping core";
	if (prctl(PR_SET_PDEATHSIG, death_signal) != 0)
		denied = "outliving its keeper";
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		denied = "being read by processes of its user";
	if (denied != NULL && log_once("worker_private")) {
		log_event(LOG_WARN, "worker_private",
		    "a worker is not kept from %s: %s", denied,
		    strerror(errno));
	}
}

void
jail_worker(const int *keep, size_t count, int log)
{
	/* Its group is new as well: what is typed at the terminal is for the
	 * application, and what the worker starts ends with it. */
	if (setsid() < 0)
		setpgid(0, 0);
	no_stdio(log);
	jail_private(SIGKILL);
	file_close_others(keep, count);
}

/* The user of sessions may be one that nobody is yet. */
static void
heed_sessions(struct used *used, const char *ids)
{
	struct slice uid, gid;
	uint64_t number = 0;

	if (!slice_split(slice_of(ids), ':', &uid, &gid))
		return;
	if (slice_u64(uid, UINT32_MAX, &number))
		used_uid(used, (uint32_t)number);
	if (slice_u64(gid, UINT32_MAX, &number))
		used_gid(used, (uint32_t)number);
}

/* Workers that look at the same time begin at different numbers. */
static bool
become_nobody_else(const struct config *cfg)
{
	uint32_t start = JAIL_ID_MAX - (uint32_t)getpid() % ID_SPREAD;
	struct used used;
	uint32_t id = 0;

	used_begin(&used, ID_MIN, start);
	used_machine(&used, cfg->user);
	used_files(&used);
	used_unmapped(&used);
	heed_sessions(&used, cfg->session_user);
	id = used_free(&used);
	if (id != 0 && exec_become_user(id, id, NULL, 0) == 0)
		return true;
	return exec_become_user(JAIL_ID_OLD, JAIL_ID_OLD, NULL, 0) == 0;
}

/* Values of settings are borrowed from the environment. */
static bool
is_setting(struct slice name)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *opt = &options_table[i];

		if ((opt->variable != NULL && slice_eq(name, opt->variable)) ||
		    (opt->alias != NULL && slice_eq(name, opt->alias)))
			return true;
	}
	return false;
}

static bool
is_needed(struct slice name)
{
	static const char *const names[] = { "HOME", "PATH", "SSL_CERT_FILE",
		"REQUEST_METHOD" };
	static const char *const prefixes[] = { "AWS_", "ECS_",
		"SSM_ACTIVATE" };
	static const char suffix[] = "_proxy";
	struct slice end = slice_skip(name,
	    name.len > sizeof(suffix) - 1 ? name.len - (sizeof(suffix) - 1)
	                                  : name.len);

	if (slice_eq_nocase(end, suffix) || is_setting(name))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, names[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (slice_starts(name, prefixes[i]))
			return true;
	}
	return false;
}

/* Of `api` and `gc`, which are started from a shell. */
static void
leave_terminal(void)
{
	if (getsid(0) == getpid())
		return;
	setsid();
	no_file(STDIN_FILENO);
}

int
jail_net(const struct config *cfg, struct err *err)
{
	bool root = geteuid() == 0;
	int with_parent = 0;

	prctl(PR_GET_PDEATHSIG, &with_parent);
	leave_terminal();
	/* The bounding set needs CAP_SETPCAP and no_new_privs makes it moot;
	 * so a container that withholds the capability is fine. */
	for (int cap = 0; root && cap < CAPABILITIES_MAX; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			break;
	}
	if (root && !become_nobody_else(cfg) && log_once("worker_privileges")) {
		log_event(LOG_WARN, "worker_privileges",
		    "the worker that talks to AWS keeps uid 0, without "
		    "capabilities: CAP_SETUID and CAP_SETGID are missing");
	}
	if (exec_no_capabilities() != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(err, ERR_KIND_SYSTEM,
		    "cannot give up privileges");
	/* Changing the uid made the process dumpable as the kernel's
	 * suid_dumpable says, and let it outlive its parent. */
	jail_private(with_parent);
	env_keep(environ, is_needed);
	if (jail_filter_begin() != 0 && log_once("worker_filter")) {
		log_event(LOG_WARN, "worker_filter",
		    "the worker that talks to AWS is not limited in its system "
		    "calls: seccomp: %s",
		    strerror(errno));
	}
	return 0;
}

int
jail_client(struct client **out, const struct config *cfg, const char *region,
    struct err *err)
{
	struct conf_options options = {
		.env = cfg->env,
		.profile = cfg->profile,
		.region =
		    region != NULL && *region != '\0' ? region : cfg->region,
		.endpoint_url = cfg->endpoint_url,
		.read_timeout_ms = (int)cfg->read_timeout_ms,
	};

	return client_open(out, &options, err) == 0 ? jail_net(cfg, err) : -1;
}
