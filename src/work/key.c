#include <sys/resource.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rsa.h"
#include "work/journal.h"
#include "work/work.h"

enum { NICE = 10 };

/* base64 of the bytes and a line end, into the pipe. */
static int
send_key(int fd, struct buf *der, struct err *err)
{
	struct buf line = { 0 };
	int rc = -1;

	buf_base64(&line, der->data, der->len);
	buf_putc(&line, '\n');
	if (buf_ok(&line))
		rc = file_write_fd(fd, line.data, line.len, err);
	else
		err_memory(err);
	buf_free(&line);
	buf_cut(der, 0);
	return rc;
}

void
work_key_make(const void *input, int out)
{
	const struct work *work = input;
	struct rsa_key *key = NULL;
	struct buf der = { 0 };
	struct err err = { 0 };
	int rc = -1;

	/* The application is starting at this moment. */
	setpriority(PRIO_PROCESS, 0, NICE);
	if (rsa_make(&key, &err) == 0 && rsa_public_der(key, &der, &err) == 0 &&
	    send_key(work->public_fd, &der, &err) == 0 &&
	    rsa_private_der(key, &der, &err) == 0)
		rc = send_key(work->private_fd, &der, &err);
	journal_finish(out, rc, &err);
	buf_free(&der);
	rsa_free(key);
}
