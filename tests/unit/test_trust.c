/* SPDX-License-Identifier: MIT */
/* Whose word a file is. */
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/trust.h"

enum { APP = 1000, OTHER = 1001 };

static const char passwd[] = "root:x:0:0::/:/bin/sh\n"
                             "broken\n"
                             "app:x:1000:100:An App:/home/app:/bin/sh\n"
                             "bad:x:1002:many::/:\n";
static const char group[] = "root:x:0:app2\nusers:x:100:app\n"
                            "dev:x:200:bin,app\nnone:x:300:\n"
                            "odd:x:no:app\nvideo:x:44:app,app,x";

static char base[] = "/tmp/ssm-activate-trust-XXXXXX";

static int
make(void **state)
{
	(void)state;
	memset(&base[sizeof base - sizeof "XXXXXX"], 'X', 6);
	return mkdtemp(base) != NULL ? chmod(base, 0755) : -1;
}

static int
take_away(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
clean(void **state)
{
	(void)state;
	return nftw(base, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a name below the folder of the test. */
static const char *
at(const char *name)
{
	static char paths[4][256];
	static size_t next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof paths[0], "%s/%s", base, name);
	return path;
}

static void
folder(const char *name, mode_t mode, uid_t uid)
{
	assert_int_equal(mkdir(at(name), 0755), 0);
	assert_int_equal(chmod(at(name), mode), 0);
	assert_int_equal(chown(at(name), uid, uid), 0);
	assert_int_equal(chmod(at(name), mode), 0);
}

static void
file(const char *name, mode_t mode, uid_t uid)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_int_equal(fchown(fd, uid, uid), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void
link_to(const char *to, const char *name, uid_t uid)
{
	assert_int_equal(symlink(to, at(name)), 0);
	assert_int_equal(lchown(at(name), uid, uid), 0);
}

/* What acting for another user changes. */
struct rights {
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	gid_t groups[64];
	int count;
	int uid, gid;
};

static void
look(struct rights *out)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	memset(out, 0, sizeof *out);
	assert_int_equal(syscall(SYS_capget, &header, out->caps), 0);
	out->count = getgroups(64, out->groups);
	out->uid = setfsuid((uid_t)-1);
	out->gid = setfsgid((gid_t)-1);
}

/* Read it; it is what was expected, and the process is as it was. */
static void
check(struct trust_file *f, enum file_found found, uid_t owner)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	struct rights before, after;
	int with_parent;

	look(&before);
	assert_int_equal(prctl(PR_SET_PDEATHSIG, 15), 0);
	assert_int_equal(trust_read(f, &text, &err), found);
	if (found == FILE_FOUND)
		assert_string_equal(buf_str(&text), "text");
	assert_int_equal(err.kind != ERR_KIND_NONE, found == FILE_FAILED);
	assert_int_equal(f->owner.uid, owner);
	buf_free(&text);
	assert_int_equal(prctl(PR_GET_PDEATHSIG, &with_parent), 0);
	assert_int_equal(with_parent, 15);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	look(&after);
	assert_memory_equal(&after, &before, sizeof before);
}

static void
reads(const char *name, enum file_found found, uid_t owner)
{
	struct trust_file f = { .path = at(name) };

	check(&f, found, owner);
}

static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	skip();
	return false;
}

static void
test_user_and_groups(void **state)
{
	struct owner owner;

	(void)state;
	owner_parse(&owner, APP, slice_of(passwd), slice_of(group));
	assert_int_equal(owner.uid, APP);
	assert_int_equal(owner.gid, 100);
	assert_int_equal(owner.count, 2);
	assert_int_equal(owner.groups[0], 200);
	assert_int_equal(owner.groups[1], 44);
	owner_parse(&owner, OTHER, slice_of(passwd), slice_of(group));
	assert_int_equal(owner.uid, OTHER);
	assert_int_equal(owner.gid, OWNER_NOBODY);
	assert_int_equal(owner.count, 0);
	owner_parse(&owner, 1002, slice_of(passwd), slice_of(group));
	assert_int_equal(owner.gid, OWNER_NOBODY);
	owner_parse(&owner, APP, slice_of(""), slice_of(""));
	assert_int_equal(owner.gid, OWNER_NOBODY);
}

static void
test_too_many_groups(void **state)
{
	struct buf text = { 0 };
	struct owner owner;

	(void)state;
	for (int i = 0; i < 2 * OWNER_GROUPS_MAX; i++)
		buf_printf(&text, "g%d:x:%d:app\n", i, 5000 + i);
	owner_parse(&owner, APP, slice_of(passwd), slice_of(buf_str(&text)));
	assert_int_equal(owner.count, OWNER_GROUPS_MAX);
	buf_free(&text);
}

static void
test_files_of_root(void **state)
{
	(void)state;
	if (!is_root())
		return;
	file("plain", 0600, 0);
	reads("plain", FILE_FOUND, 0);
	reads("absent", FILE_ABSENT, 0);
	reads("plain/below", FILE_ABSENT, 0);
	reads("", FILE_ABSENT, 0);
	reads("./plain", FILE_FOUND, 0);
	folder("sub", 0700, 0);
	file("sub/file", 0640, 0);
	reads("sub/../sub//file", FILE_FOUND, 0);
	link_to("sub/file", "link", 0);
	reads("link", FILE_FOUND, 0);
	link_to(at("link"), "absolute", APP);
	reads("absolute", FILE_FOUND, 0);
	link_to("loop", "loop", 0);
	reads("loop", FILE_FAILED, 0);
}

static void
test_relative_path(void **state)
{
	struct trust_file f = { .path = "sub/file" };

	(void)state;
	if (!is_root())
		return;
	folder("sub", 0700, APP);
	file("sub/file", 0600, APP);
	assert_int_equal(chdir(base), 0);
	check(&f, FILE_FOUND, APP);
	assert_int_equal(chdir("/"), 0);
}

static void
test_file_of_another(void **state)
{
	(void)state;
	if (!is_root())
		return;
	folder("closed", 0700, 0);
	file("closed/app", 0600, APP);
	reads("closed/app", FILE_FOUND, APP);
	file("closed/all", 0606, 0);
	reads("closed/all", FILE_FOUND, OWNER_NOBODY);
	file("closed/group", 0660, 0);
	reads("closed/group", FILE_FOUND, OWNER_NOBODY);
}

/* The rights of root end at the folder. */
static void
test_folder_of_another(void **state)
{
	(void)state;
	if (!is_root())
		return;
	folder("closed", 0700, 0);
	folder("closed/app", 0700, APP);
	file("closed/app/own", 0600, APP);
	reads("closed/app/own", FILE_FOUND, APP);
	reads("closed/app/absent", FILE_ABSENT, APP);
	reads("closed/app", FILE_ABSENT, APP);
	file("closed/app/roots", 0600, 0);
	reads("closed/app/roots", FILE_FAILED, APP);
	file("secret", 0600, 0);
	link_to(at("secret"), "closed/app/link", APP);
	reads("closed/app/link", FILE_FAILED, APP);
	folder("hidden", 0700, 0);
	file("hidden/file", 0644, 0);
	link_to(at("hidden/file"), "closed/app/hidden", APP);
	reads("closed/app/hidden", FILE_FAILED, APP);
}

static void
test_folder_for_everybody(void **state)
{
	(void)state;
	if (!is_root())
		return;
	folder("all", 0777, 0);
	file("all/read", 0644, 0);
	file("all/secret", 0600, 0);
	reads("all/read", FILE_FOUND, OWNER_NOBODY);
	reads("all/secret", FILE_FAILED, OWNER_NOBODY);
	folder("group", 0775, 0);
	file("group/read", 0640, 0);
	reads("group/read", FILE_FOUND, OWNER_NOBODY);
}

static void
test_sticky_folder(void **state)
{
	(void)state;
	if (!is_root())
		return;
	folder("tmp", 01777, 0);
	file("tmp/roots", 0600, 0);
	reads("tmp/roots", FILE_FOUND, 0);
	file("tmp/app", 0600, APP);
	reads("tmp/app", FILE_FOUND, APP);
	file("secret", 0644, 0);
	link_to(at("secret"), "tmp/link", APP);
	reads("tmp/link", FILE_FAILED, APP);
	link_to("app", "tmp/own", APP);
	reads("tmp/own", FILE_FOUND, APP);
	link_to("app", "tmp/other", OTHER);
	reads("tmp/other", FILE_FAILED, OTHER);
	folder("mine", 01777, APP);
	file("mine/roots", 0600, 0);
	reads("mine/roots", FILE_FAILED, APP);
}

/* As Kubernetes projects them, for root and for runAsUser. */
static void
test_projected_token(void **state)
{
	struct trust_file f = { .value = true };

	(void)state;
	if (!is_root())
		return;
	folder("vol", 01777, 0);
	folder("vol/..2026", 0755, 0);
	link_to("..2026", "vol/..data", 0);
	link_to("..data/token", "vol/token", 0);
	file("vol/..2026/token", 0640, 0);
	f.path = at("vol/token");
	check(&f, FILE_FOUND, 0);
	assert_int_equal(f.mode & 0777, 0640);
	assert_int_equal(chmod(f.path, 0600), 0);
	assert_int_equal(chown(f.path, APP, APP), 0);
	check(&f, FILE_FOUND, APP);
}

static void
test_path_of_another(void **state)
{
	struct owner app = { .uid = APP, .gid = APP };
	struct trust_file f = { .path = "/etc/shadow", .by = &app };

	(void)state;
	if (!is_root())
		return;
	check(&f, FILE_FAILED, APP);
	file("own", 0600, APP);
	f.path = at("own");
	check(&f, FILE_FOUND, APP);
	file("readable", 0644, 0);
	f.path = at("readable");
	check(&f, FILE_FOUND, APP);
}

static void
test_no_waiting_for_a_fifo(void **state)
{
	(void)state;
	if (!is_root())
		return;
	assert_int_equal(mkfifo(at("fifo"), 0666), 0);
	reads("fifo", FILE_ABSENT, 0);
	folder("app", 0700, APP);
	assert_int_equal(mkfifo(at("app/fifo"), 0600), 0);
	assert_int_equal(chown(at("app/fifo"), APP, APP), 0);
	reads("app/fifo", FILE_ABSENT, APP);
}

/* As the standard input of a process. */
static void
test_open_file(void **state)
{
	char path[64];
	struct trust_file f = { .path = path };
	int fd;

	(void)state;
	if (!is_root())
		return;
	file("plain", 0600, 0);
	fd = open(at("plain"), O_RDONLY);
	assert_true(fd >= 0);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	check(&f, FILE_FOUND, 0);
	assert_int_equal(chown(at("plain"), APP, APP), 0);
	check(&f, FILE_FOUND, APP);
	assert_int_equal(close(fd), 0);
}

static void
runs(const char *name, const char *path, const struct owner *by, uid_t owner)
{
	char variable[512];
	char *vars[] = { variable, NULL };
	struct trust_program program;
	struct err err = { 0 };

	(void)snprintf(variable, sizeof variable, "PATH=/nowhere:%s:%s/late",
	    base, base);
	assert_int_equal(trust_program(&program, name, (struct env){ vars }, by,
	                     &err),
	    path != NULL ? 0 : -1);
	if (path == NULL)
		return;
	assert_string_equal(program.path, path);
	assert_int_equal(program.owner.uid, owner);
}

static void
test_programs(void **state)
{
	struct owner app = { .uid = APP, .gid = APP };

	(void)state;
	if (!is_root())
		return;
	folder("late", 0755, APP);
	file("late/x", 0755, 0);
	file("y", 0644, 0);
	file("late/y", 0755, APP);
	file("root", 0755, 0);
	file("app", 0755, APP);
	runs("root", at("root"), NULL, 0);
	runs("app", at("app"), NULL, APP);
	runs("x", at("late/x"), NULL, APP);
	runs("y", at("late/y"), NULL, APP);
	runs(at("late/x"), at("late/x"), NULL, APP);
	runs("none", NULL, NULL, 0);
	runs(at("none"), NULL, NULL, 0);
	runs(base, NULL, NULL, 0);
	/* Another's word: his search, his rights. */
	runs("root", "root", &app, APP);
	runs(at("root"), at("root"), &app, APP);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_and_groups),
		cmocka_unit_test(test_too_many_groups),
		CASE(test_files_of_root),
		CASE(test_relative_path),
		CASE(test_file_of_another),
		CASE(test_folder_of_another),
		CASE(test_folder_for_everybody),
		CASE(test_sticky_folder),
		CASE(test_projected_token),
		CASE(test_path_of_another),
		CASE(test_no_waiting_for_a_fifo),
		CASE(test_open_file),
		CASE(test_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
