/* SPDX-License-Identifier: MIT */
#include "unit/net_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 128, LINE_MAX_LEN = 128, START_MS = 60000, STOP_MS = 5000 };

struct line {
	char name[LINE_MAX_LEN];
	char value[LINE_MAX_LEN];
};

static struct line lines[LINES_MAX];
static size_t line_count;
static pid_t peer = -1;
static int peer_stdin = -1;

static void
run_peer(int input, int output)
{
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0)
		_exit(126);
	execl("/usr/bin/python3", "python3", "-W", "ignore", "-B",
	    "tests/lib/fake/net_peer.py", (char *)NULL);
	_exit(127);
}

/* Read a line without its end, bounded in time; false at the end. */
static int
read_line(int fd, char *text, size_t size)
{
	struct pollfd set = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len + 1 < size) {
		if (poll(&set, 1, START_MS) <= 0 ||
		    read(fd, &text[len], 1) != 1)
			return 0;
		if (text[len] == '\n')
			break;
		len++;
	}
	text[len] = '\0';
	return 1;
}

static int
read_lines(int fd)
{
	char text[2 * LINE_MAX_LEN];

	line_count = 0;
	while (line_count < LINES_MAX && read_line(fd, text, sizeof text)) {
		struct line *line = &lines[line_count++];
		const char *blank = strchr(text, ' ');

		if (blank == NULL)
			return -1;
		(void)snprintf(line->name, sizeof line->name, "%.*s",
		    (int)(blank - text), text);
		(void)snprintf(line->value, sizeof line->value, "%s",
		    blank + 1);
		if (strcmp(line->name, "ready") == 0)
			return 0;
	}
	return -1;
}

int
net_peer_start(void **state)
{
	int input[2], output[2];
	int rc;

	(void)state;
	if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
		return -1;
	peer = fork();
	if (peer < 0)
		return -1;
	if (peer == 0)
		run_peer(input[0], output[1]);
	close(input[0]);
	close(output[1]);
	peer_stdin = input[1];
	rc = read_lines(output[0]);
	close(output[0]);
	if (rc != 0) {
		print_error("net_peer.py did not start\n");
		(void)net_peer_stop(NULL);
	}
	return rc;
}

int
net_peer_stop(void **state)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	int status = 0;

	(void)state;
	close(peer_stdin);
	for (int waited = 0; waited < STOP_MS; waited += 10) {
		if (waitpid(peer, &status, WNOHANG) == peer)
			return status == 0 ? 0 : -1;
		(void)nanosleep(&pause, NULL);
	}
	(void)kill(peer, SIGKILL);
	(void)waitpid(peer, &status, 0);
	return -1;
}

static const char *
value_of(const char *name)
{
	for (size_t i = 0; i < line_count; i++) {
		if (strcmp(lines[i].name, name) == 0)
			return lines[i].value;
	}
	fail_msg("net_peer.py has no %s", name);
	return "";
}

uint16_t
net_peer_port(const char *name)
{
	return (uint16_t)strtoul(value_of(name), NULL, 10);
}

const char *
net_peer_path(const char *file)
{
	static char path[2 * LINE_MAX_LEN];

	(void)snprintf(path, sizeof path, "%s/%s", value_of("folder"), file);
	return path;
}
