/* SPDX-License-Identifier: MIT */
#include "base/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The room for descriptors, aligned as cmsg(3) wants it. */
union room {
	char bytes[CMSG_SPACE(sizeof(int) * PASS_MAX)];
	struct cmsghdr align;
};

int
pass_put(int socket, struct slice data, const int *fds, size_t count)
{
	union room room = { .bytes = { 0 } };
	struct iovec part = { .iov_len = data.len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *head = NULL;
	ssize_t n;

	if (count > PASS_MAX) {
		errno = EINVAL;
		return -1;
	}
	/* It is only read. */
	memcpy(&part.iov_base, &data.ptr, sizeof part.iov_base);
	/* A jail may refuse sendmsg(2). */
	if (count == 0) {
		n = send(socket, data.ptr, data.len, MSG_NOSIGNAL);
	} else {
		message.msg_control = room.bytes;
		message.msg_controllen =
		    (socklen_t)CMSG_SPACE(sizeof(int) * count);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(head), fds, sizeof(int) * count);
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	}
	if (n == (ssize_t)data.len)
		return 0;
	return errno == EAGAIN ? 1 : -1;
}

/* There may be none. */
static size_t
take_fds(struct msghdr *message, int fds[static PASS_MAX])
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	size_t size = 0;

	if (head == NULL || head->cmsg_level != SOL_SOCKET ||
	    head->cmsg_type != SCM_RIGHTS)
		return 0;
	size = head->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(head), size);
	return size / sizeof(int);
}

ssize_t
pass_take(int socket, void *data, size_t size, int fds[static PASS_MAX],
    size_t *count)
{
	union room room = { .bytes = { 0 } };
	struct iovec part = { data, size };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = room.bytes,
		.msg_controllen = sizeof room.bytes,
	};
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	*count = n < 0 ? 0 : take_fds(&message, fds);
	if (n < 0 || (message.msg_flags & MSG_TRUNC) == 0)
		return n;
	while (*count > 0)
		close(fds[--*count]);
	errno = EMSGSIZE;
	return -1;
}

int
pass_send(int socket, const int *fds, size_t count)
{
	if (count == 0) {
		errno = EINVAL;
		return -1;
	}
	while (pass_put(socket, slice_make("", 1), fds, count) != 0) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

size_t
pass_receive(int socket, int fds[static PASS_MAX])
{
	size_t count = 0;
	char byte = 0;

	return pass_take(socket, &byte, 1, fds, &count) == 1 ? count : 0;
}
