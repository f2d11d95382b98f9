/* SPDX-License-Identifier: MIT */
#include "unit/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

enum { TEXT_MAX = 16384, SKIPPED = 77 };

void
sandbox_fail(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
	_exit(1);
}

static void
must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	perror(what);
	_exit(1);
}

/* A root with /proc and /dev only; it goes away with the process. */
static void
enter_root(const char *root)
{
	must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	must(mount("root", root, "tmpfs", 0, "mode=755"), "tmpfs");
	must(chdir(root), "chdir");
	must(mkdir("proc", 0755), "proc");
	must(mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL), "proc");
	must(mkdir("dev", 0755), "dev");
	must(mount("/dev", "dev", NULL, MS_BIND | MS_REC, NULL), "dev");
	must(chroot("."), "chroot");
}

static void
child(void (*part)(void), const char *root)
{
	if (root != NULL)
		enter_root(root);
	part();
#ifdef __SANITIZE_ADDRESS__
	if (__lsan_do_recoverable_leak_check() != 0)
		_exit(2);
#endif
	_exit(0);
}

/* root: a folder to put the part's root on, or NULL. */
static int
run(void (*part)(void), const char *root)
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		if (root != NULL &&
		    (geteuid() != 0 || unshare(CLONE_NEWNS) != 0))
			_exit(SKIPPED);
		child(part, root);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

bool
sandbox_run(void (*part)(void))
{
	char root[] = "/tmp/sandbox.XXXXXX";
	int rc;

	if (mkdtemp(root) == NULL)
		return false;
	rc = run(part, root);
	(void)rmdir(root);
	if (rc == SKIPPED) {
		print_message("skipped: needs root and a mount namespace\n");
		skip();
	}
	return rc == 0;
}

bool
sandbox_fork(void (*part)(void))
{
	return run(part, NULL) == 0;
}

static void
make_folders(const char *path)
{
	char folder[512];

	for (size_t i = 1; i < sizeof(folder) && path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		(void)snprintf(folder, i + 1, "%s", path);
		if (mkdir(folder, 0755) != 0 && errno != EEXIST)
			must(-1, folder);
	}
}

void
sandbox_file(const char *path, mode_t mode, const char *text)
{
	int fd;

	make_folders(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(fd, path);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1,
	    path);
	must(fchmod(fd, mode), path);
	must(close(fd), path);
}

bool
sandbox_holds(const char *path, const char *text)
{
	static char have[TEXT_MAX];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, have, sizeof(have));
	(void)close(fd);
	if (n == (ssize_t)strlen(text) && memcmp(have, text, (size_t)n) == 0)
		return true;
	(void)fprintf(stderr, "%s holds:\n%.*s\n", path, n > 0 ? (int)n : 0,
	    have);
	return false;
}

bool
sandbox_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

mode_t
sandbox_mode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}
