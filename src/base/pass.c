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
pass_send(int socket, const int *fds, size_t count)
{
	union room room = { .bytes = { 0 } };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = room.bytes,
	};
	struct cmsghdr *head = NULL;

	if (count == 0 || count > PASS_MAX) {
		errno = EINVAL;
		return -1;
	}
	message.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * count);
	head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(head), fds, sizeof(int) * count);
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

size_t
pass_receive(int socket, int fds[static PASS_MAX])
{
	union room room = { .bytes = { 0 } };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = room.bytes,
		.msg_controllen = sizeof room.bytes,
	};
	struct cmsghdr *head = NULL;
	size_t size = 0;

	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return 0;
	head = CMSG_FIRSTHDR(&message);
	if (head == NULL || head->cmsg_level != SOL_SOCKET ||
	    head->cmsg_type != SCM_RIGHTS)
		return 0;
	size = head->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(head), size);
	return size / sizeof(int);
}
