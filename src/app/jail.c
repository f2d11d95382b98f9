#include "app/jail.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/config.h"
#include "aws/client.h"
#include "aws/conf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/ids.h"
#include "base/log.h"

enum { CAPABILITIES_MAX = 64 };

/* Standard input and output belong to the application. */
static void
no_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0) {
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		return;
	}
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

void
jail_worker(const int *keep, size_t count)
{
	struct rlimit none = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL);
	no_stdio();
	file_close_others(keep, count);
}

static int
clear_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (int)syscall(SYS_capset, &header, none);
}

int
jail_net(struct err *err)
{
	bool root = geteuid() == 0;
	int with_parent = 0;

	prctl(PR_GET_PDEATHSIG, &with_parent);
	/* The bounding set needs CAP_SETPCAP and no_new_privs makes it moot;
	 * so a container that withholds the capability is fine. */
	for (int cap = 0; root && cap < CAPABILITIES_MAX; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			break;
	}
	if (root && ids_become(JAIL_ID, JAIL_ID, NULL, 0) != 0) {
		log_event(LOG_WARN, "worker_privileges",
		    "the worker that talks to AWS keeps uid 0, without "
		    "capabilities: CAP_SETUID and CAP_SETGID are missing");
	}
	if (clear_capabilities() != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(err, ERR_KIND_SYSTEM,
		    "cannot give up privileges");
	/* Changing the uid made the process dumpable as the kernel's
	 * suid_dumpable says, and let it outlive its parent. */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, with_parent);
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

	return client_open(out, &options, err) == 0 ? jail_net(err) : -1;
}
