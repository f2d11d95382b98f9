/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/walk.h"
#include "unit/sandbox.h"

/* Each part runs as root in a root of its own, so that owners are real. */

enum { USER = 1000 };

#define CHECK SANDBOX_CHECK

static int
mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static void
make(const char *path, mode_t mode, uid_t owner)
{
	CHECK(mkdir(path, 0700) == 0);
	CHECK(chmod(path, mode) == 0);
	CHECK(chown(path, owner, owner) == 0);
}

static void
make_link(const char *target, const char *path, uid_t owner)
{
	CHECK(symlink(target, path) == 0);
	CHECK(lchown(path, owner, owner) == 0);
}

static void
opens(const char *path, mode_t mode)
{
	struct err err = { 0 };
	int fd = file_folder_open(path, mode, &err);

	CHECK(fd >= 0);
	CHECK(err.code == ERR_OK);
	(void)close(fd);
}

static void
refuses(const char *path, const char *message)
{
	struct err err = { 0 };

	CHECK(file_folder_open(path, 0700, &err) == -1);
	CHECK(strcmp(err.msg, message) == 0);
}

static void
missing(void)
{
	(void)umask(077);
	opens("/a//b/c/", 0700);
	CHECK(mode_of("/a") == 0755 && mode_of("/a/b") == 0755);
	CHECK(mode_of("/a/b/c") == 0700);
	opens("/a/b/c/../d", 0750);
	CHECK(mode_of("/a/b/d") == 0750);
	opens("/", 0700);
	CHECK(mode_of("/") == 0755);
	CHECK(chdir("/a") == 0);
	opens("x/y", 0700);
	CHECK(mode_of("/a/x/y") == 0700);
}

static void
shared(void)
{
	make("/kubelet", 0777, 0);
	make("/docker", 01777, 0);
	make("/group", 02775, 0);
	make("/fine", 0755, 0);
	make("/tmp", 01777, 0);
	opens("/kubelet", 0700);
	opens("/docker", 0755);
	opens("/group", 0755);
	opens("/fine", 0700);
	CHECK(mode_of("/kubelet") == 01700 && mode_of("/docker") == 01755);
	CHECK(mode_of("/group") == 01755 && mode_of("/fine") == 0755);
	refuses("/tmp", "/tmp is a folder that everybody shares");
	CHECK(mode_of("/tmp") == 01777);
	opens("/tmp/below", 0700);
}

static void
strangers(void)
{
	make("/app", 0755, USER);
	refuses("/app", "/app belongs to uid 1000 and not to root");
	refuses("/app/ours", "/app belongs to uid 1000 and not to root");
	make("/open", 0777, 0);
	refuses("/open/ours", "others than root may write to /open");
	CHECK(access("/open/ours", F_OK) != 0 &&
	      access("/app/ours", F_OK) != 0);
	make("/sticky", 01777, 0);
	make("/sticky/theirs", 0755, USER);
	refuses("/sticky/theirs",
	    "/sticky/theirs belongs to uid 1000 and not to root");
	sandbox_file("/file", 0644, "");
	refuses("/file", "cannot make the folder /file: Not a directory");
}

static void
links(void)
{
	struct err err = { 0 };

	make("/target", 0700, 0);
	make("/var", 0755, 0);
	make_link("../target", "/var/lib", 0);
	make_link("/var/lib/./", "/again", 0);
	opens("/var/lib/ours", 0700);
	opens("/again/ours/too", 0700);
	opens("/again", 0700);
	CHECK(mode_of("/target/ours/too") == 0700);
	make_link("/target", "/theirs", USER);
	refuses("/theirs", "/theirs belongs to uid 1000 and not to root");
	refuses("/theirs/x", "/theirs belongs to uid 1000 and not to root");
	CHECK(access("/target/x", F_OK) != 0);
	make_link("/loop", "/loop", 0);
	CHECK(file_folder_open("/loop", 0700, &err) == -1);
	CHECK(strncmp(err.msg, "cannot follow /loop: ", 21) == 0);
}

static void
finding(void)
{
	struct err err = { 0 };
	int fd = -1;

	CHECK(file_folder_find(&fd, "/none", 0700, &err) == FILE_ABSENT);
	CHECK(file_folder_find(&fd, "/none/x", 0700, &err) == FILE_ABSENT);
	CHECK(access("/none", F_OK) != 0 && err.code == ERR_OK);
	make("/open", 0777, 0);
	CHECK(file_folder_find(&fd, "/open", 0700, &err) == FILE_FOUND);
	CHECK(mode_of("/open") == 01700);
	(void)close(fd);
}

/* A root that is read-only is as it is, and says so. */
static void
read_only(void)
{
	struct err err = { 0 };
	struct buf text = { 0 };
	int fd;

	make("/open", 0777, 0);
	sandbox_file("/open/..1/f", 0644, "text");
	make_link("..1", "/open/..data", 0);
	make_link("..data/f", "/open/f", 0);
	CHECK(mount("/open", "/open", NULL, MS_BIND, NULL) == 0);
	CHECK(mount(NULL, "/open", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
	          NULL) == 0);
	fd = file_folder_open("/open", 0700, &err);
	CHECK(fd >= 0 && mode_of("/open") == 0777);
	CHECK(file_read_at(fd, "f", &text, &err) == FILE_FOUND);
	CHECK(strcmp(buf_str(&text), "text") == 0);
	buf_free(&text);
	(void)close(fd);
	refuses("/open/new", "cannot make the folder /open/new: Read-only file "
	                     "system");
}

static void
reads(int dir, const char *name, const char *message)
{
	struct err err = { 0 };
	struct buf text = { 0 };

	CHECK(file_read_at(dir, name, &text, &err) == FILE_FAILED);
	CHECK(strcmp(err.msg, message) == 0);
	CHECK(text.len == 0);
}

static void
files(void)
{
	struct err err = { 0 };
	struct buf text = { 0 };
	int fd = file_folder_open("/ours", 0700, &err);

	CHECK(fd >= 0);
	sandbox_file("/secret", 0600, "secret");
	make_link("/secret", "/ours/link", USER);
	reads(fd, "link", "link belongs to uid 1000 and not to root");
	sandbox_file("/ours/theirs", 0644, "x");
	CHECK(chown("/ours/theirs", USER, USER) == 0);
	reads(fd, "theirs", "theirs belongs to uid 1000 and not to root");
	CHECK(file_read_at(fd, "none", &text, &err) == FILE_ABSENT);
	CHECK(file_write_at(fd, "link", 0600, slice_of("new"), &err) == 0);
	CHECK(file_read_at(fd, "link", &text, &err) == FILE_FOUND);
	CHECK(strcmp(buf_str(&text), "new") == 0);
	CHECK(sandbox_holds("/secret", "secret"));
	CHECK(file_remove_at(fd, "theirs", &err) == 0);
	CHECK(file_remove_at(fd, "theirs", &err) == 0);
	CHECK(err.code == ERR_OK);
	buf_free(&text);
	(void)close(fd);
}

static void
paths(void)
{
	struct err err = { 0 };
	struct buf text = { 0 };

	make("/app", 0755, USER);
	make("/ours", 0700, 0);
	make_link("/app", "/link", USER);
	CHECK(file_write_own("/ours/f", 0640, slice_of("x"), &err) == 0);
	CHECK(mode_of("/ours/f") == 0640);
	CHECK(file_read_own("/ours/f", &text, &err) == FILE_FOUND);
	CHECK(file_read_own("/ours/none", &text, &err) == FILE_ABSENT);
	CHECK(file_read_own("/none/none", &text, &err) == FILE_ABSENT);
	CHECK(file_remove_own("/none/none", &err) == 0);
	CHECK(file_remove_own("/ours/f", &err) == 0);
	CHECK(!sandbox_exists("/ours/f") && err.code == ERR_OK);
	CHECK(file_write_own("/none/f", 0600, slice_of("x"), &err) == -1);
	err_clear(&err);
	CHECK(file_write_own("/app/f", 0600, slice_of("x"), &err) == -1);
	CHECK(strcmp(err.msg, "/app/f: /app belongs to uid 1000 and not to "
	                      "root") == 0);
	CHECK(file_write_own("/link/f", 0600, slice_of("x"), NULL) == -1);
	sandbox_file("/app/f", 0644, "x");
	CHECK(file_read_own("/app/f", &text, NULL) == FILE_FAILED);
	CHECK(file_remove_own("/app/f", NULL) == -1);
	CHECK(sandbox_exists("/app/f"));
	buf_free(&text);
}

static void
below(void)
{
	struct err err = { 0 };
	int fd = file_folder_open("/ours", 0700, &err);
	int sub = file_folder_below(fd, "sub", 0600, &err);

	CHECK(sub >= 0 && mode_of("/ours/sub") == 0600);
	(void)close(sub);
	make("/srv", 0755, 0);
	make_link("/srv", "/ours/link", 0);
	CHECK(file_folder_below(fd, "link", 0600, &err) == -1);
	err_clear(&err);
	CHECK(file_folder_below(fd, "../srv", 0600, &err) == -1);
	err_clear(&err);
	make("/ours/theirs", 0700, USER);
	CHECK(file_folder_below(fd, "theirs", 0600, &err) == -1);
	CHECK(mode_of("/srv") == 0755 && mode_of("/ours/theirs") == 0700);
	(void)close(fd);
}

static void
trusts(void)
{
	make("/bin", 0755, 0);
	make("/open", 0777, 0);
	sandbox_file("/bin/good", 0755, "");
	sandbox_file("/bin/open", 0775, "");
	sandbox_file("/open/moved", 0755, "");
	sandbox_file("/bin/theirs", 0755, "");
	CHECK(chown("/bin/theirs", USER, USER) == 0);
	make_link("good", "/bin/link", 0);
	make_link("good", "/bin/badlink", USER);
	make_link("/open/moved", "/bin/away", 0);
	CHECK(walk_trusted("/bin/good", NULL) == 0);
	CHECK(walk_trusted("/bin/link", NULL) == 0);
	CHECK(walk_trusted("/bin/none", NULL) == -1);
	CHECK(walk_trusted("/none/none", NULL) == -1);
	CHECK(walk_trusted("/bin/open", NULL) == -1);
	CHECK(walk_trusted("/bin/theirs", NULL) == -1);
	CHECK(walk_trusted("/bin/badlink", NULL) == -1);
	CHECK(walk_trusted("/bin/away", NULL) == -1);
	CHECK(walk_trusted("/open/moved", NULL) == -1);
}

/* Whoever is not root is led nowhere that is closed to him. */
static void
not_root(void)
{
	make("/open", 0777, 0);
	make_link("/open", "/link", USER);
	sandbox_file("/open/f", 0666, "text");
	CHECK(setgid(USER) == 0 && setuid(USER) == 0);
	opens("/link/mine", 0750);
	opens("/open", 0700);
	CHECK(mode_of("/open") == 0777 && mode_of("/open/mine") == 0750);
}

/* A link leads out, a mount is somebody's, and one tree is too deep. */
static void
trees(void)
{
	enum { LEVELS = 40 };
	struct err err = { 0 };
	int root = open("/", O_RDONLY | O_DIRECTORY);

	CHECK(root >= 0);
	CHECK(file_tree_remove(root, "nothing", &err) == 0);
	sandbox_file("/keep/file", 0600, "x");
	sandbox_file("/tree/a/b/c/file", 0400, "x");
	sandbox_file("/tree/file", 0600, "x");
	make_link("/keep", "/tree/a/link", 0);
	make("/tree/empty", 0, 0);
	CHECK(file_tree_remove(root, "tree", &err) == 0);
	CHECK(!sandbox_exists("/tree") && sandbox_exists("/keep/file"));
	make_link("/keep", "/tree", 0);
	CHECK(file_tree_remove(root, "tree", &err) == -1);
	CHECK(sandbox_exists("/keep/file") && unlink("/tree") == 0);
	sandbox_file("/tree/file", 0600, "x");
	make("/tree/mount", 0700, 0);
	CHECK(mount("tmpfs", "/tree/mount", "tmpfs", 0, NULL) == 0);
	sandbox_file("/tree/mount/file", 0600, "x");
	CHECK(file_tree_remove(root, "tree", &err) == -1);
	CHECK(strstr(err.msg, "tree") != NULL);
	CHECK(!sandbox_exists("/tree/file"));
	CHECK(sandbox_exists("/tree/mount/file"));
	CHECK(umount("/tree/mount") == 0);
	make("/deep", 0700, 0);
	CHECK(chdir("/deep") == 0);
	for (int i = 0; i < LEVELS; i++)
		CHECK(mkdir("d", 0700) == 0 && chdir("d") == 0);
	err_clear(&err);
	CHECK(file_tree_remove(root, "deep", &err) == -1);
	CHECK(chdir("/") == 0 && close(root) == 0);
}

SANDBOX_TEST(missing)
SANDBOX_TEST(shared)
SANDBOX_TEST(strangers)
SANDBOX_TEST(links)
SANDBOX_TEST(finding)
SANDBOX_TEST(read_only)
SANDBOX_TEST(files)
SANDBOX_TEST(paths)
SANDBOX_TEST(below)
SANDBOX_TEST(trusts)
SANDBOX_TEST(not_root)
SANDBOX_TEST(trees)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_finding),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_trusts),
		cmocka_unit_test(test_not_root),
		cmocka_unit_test(test_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
