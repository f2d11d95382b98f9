#include "base/denied.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/once.h"

bool
denied_call(const char *call, const char *loss)
{
	int error = errno;

	if (error != ENOSYS && error != EPERM)
		return false;
	if (once_new(call))
		log_event(LOG_WARN, "denied", "%s: %s; %s", call,
		    strerror(error), loss);
	errno = error;
	return true;
}
