/* SPDX-License-Identifier: MIT */
/* Which container this is. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/sandbox.h"
#include "work/container.h"

enum { UPPER_SIZE = 128 };

static const struct env none;

static void
upper_is(const char *mountinfo, const char *expected)
{
	char upper[UPPER_SIZE] = "before";

	container_upperdir(upper, sizeof upper, mountinfo);
	assert_string_equal(upper, expected);
}

#define DOCKER                                                           \
	"1024 977 0:81 / / rw,relatime master:328 - overlay overlay rw," \
	"lowerdir=/var/lib/docker/overlay2/l/ABC:/var/lib/docker/"       \
	"overlay2/l/DEF,upperdir=/var/lib/docker/overlay2/0d1e/diff,"    \
	"workdir=/var/lib/docker/overlay2/0d1e/work\n"
#define PROC                                                                  \
	"1025 1024 0:84 / /proc rw,nosuid,nodev,noexec,relatime - proc proc " \
	"rw\n"

static void
test_root_of_a_container(void **state)
{
	(void)state;
	upper_is(DOCKER PROC, "/var/lib/docker/overlay2/0d1e/diff");
	upper_is(PROC DOCKER, "/var/lib/docker/overlay2/0d1e/diff");
	/* Without shared propagation, and the last option. */
	upper_is("611 520 0:52 / / rw - overlay none rw,lowerdir=/l,workdir=/w,"
	         "upperdir=/u",
	    "/u");
	/* Several optional fields. */
	upper_is("1 2 0:9 / / rw shared:1 master:2 - overlay overlay "
	         "rw,upperdir=/run/containerd/a\n",
	    "/run/containerd/a");
}

static void
test_root_that_is_no_overlay(void **state)
{
	(void)state;
	upper_is("", "");
	upper_is("\n\n", "");
	upper_is(PROC, "");
	upper_is("26 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root "
	         "rw,discard,upperdir=/not/this\n" PROC,
	    "");
	/* An overlay elsewhere says nothing about the root. */
	upper_is("26 1 259:1 / / rw - ext4 /dev/root rw\n"
	         "700 26 0:60 / /mnt rw - overlay overlay rw,upperdir=/u\n",
	    "");
	/* A read-only one has no upper folder. */
	upper_is("1 2 0:9 / / ro - overlay overlay ro,lowerdir=/a:/b\n", "");
	/* Another file system whose name begins so. */
	upper_is("1 2 0:9 / / rw - overlayx overlay rw,upperdir=/u\n", "");
}

static void
test_last_mount_on_the_root_counts(void **state)
{
	(void)state;
	upper_is("1 2 0:9 / / rw - overlay overlay rw,upperdir=/first\n"
	         "3 1 0:10 / / rw - overlay overlay rw,upperdir=/second\n",
	    "/second");
	upper_is("1 2 0:9 / / rw - overlay overlay rw,upperdir=/first\n"
	         "3 1 0:10 / / rw - tmpfs tmpfs rw\n",
	    "");
	upper_is("1 2 0:9 / / rw - rootfs rootfs rw\n"
	         "3 1 0:10 / / rw - overlay overlay rw,upperdir=/second\n",
	    "/second");
}

static void
test_broken_lines(void **state)
{
	(void)state;
	upper_is("1 2 0:9 / /", "");
	upper_is("1 2 0:9 / / rw - overlay", "");
	upper_is("1 2 0:9 / / rw - overlay overlay", "");
	upper_is("1 2 0:9 / / rw - overlay overlay rw,upperdir=", "");
}

/* A path that does not fit is none, instead of one that others share. */
static void
test_length_of_the_path(void **state)
{
	char path[UPPER_SIZE + 1], line[512];

	(void)state;
	memset(path, 'p', sizeof path - 1);
	path[0] = '/';
	path[UPPER_SIZE - 1] = '\0';
	snprintf(line, sizeof line, "1 2 0:9 / / rw - overlay o rw,upperdir=%s",
	    path);
	upper_is(line, path);
	path[UPPER_SIZE - 1] = 'p';
	path[UPPER_SIZE] = '\0';
	snprintf(line, sizeof line, "1 2 0:9 / / rw - overlay o rw,upperdir=%s",
	    path);
	upper_is(line, "");
}

static void
test_identity_is_a_hash_and_stays(void **state)
{
	char first[STATE_CONTAINER_SIZE], second[STATE_CONTAINER_SIZE];

	(void)state;
	container_identity(first, none);
	container_identity(second, none);
	assert_string_equal(first, second);
	assert_int_equal(strlen(first), STATE_CONTAINER_SIZE - 1);
	assert_int_equal(strspn(first, "0123456789abcdef"), strlen(first));
}

/* Two containers of one task on one root: ECS tells them apart. */
static void
test_containers_of_a_task_differ(void **state)
{
	char one[] = "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/"
	             "0f8e-1";
	char two[] = "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/"
	             "0f8e-2";
	char *vars[] = { one, NULL };
	char first[STATE_CONTAINER_SIZE], second[STATE_CONTAINER_SIZE];
	char third[STATE_CONTAINER_SIZE];

	(void)state;
	container_identity(first, (struct env){ vars });
	vars[0] = two;
	container_identity(second, (struct env){ vars });
	container_identity(third, none);
	assert_string_not_equal(first, second);
	assert_string_not_equal(first, third);
	vars[0] = one;
	container_identity(third, (struct env){ vars });
	assert_string_equal(first, third);
}

/* The same machine, another root. */
static void
in_two_roots(void)
{
	char first[STATE_CONTAINER_SIZE], second[STATE_CONTAINER_SIZE];

	container_identity(first, none);
	SANDBOX_CHECK(strlen(first) == STATE_CONTAINER_SIZE - 1);
	SANDBOX_CHECK(mkdir("/other", 0755) == 0);
	SANDBOX_CHECK(mount("t", "/other", "tmpfs", 0, "mode=755") == 0);
	SANDBOX_CHECK(mkdir("/other/proc", 0755) == 0);
	SANDBOX_CHECK(mount("/proc", "/other/proc", NULL, MS_BIND | MS_REC,
	                  NULL) == 0);
	SANDBOX_CHECK(chroot("/other") == 0 && chdir("/") == 0);
	container_identity(second, none);
	SANDBOX_CHECK(strlen(second) == STATE_CONTAINER_SIZE - 1);
	SANDBOX_CHECK(strcmp(first, second) != 0);
}

static void
test_identities_differ(void **state)
{
	(void)state;
	assert_true(sandbox_run(in_two_roots));
}

static void
without_proc(void)
{
	char identity[STATE_CONTAINER_SIZE] = "before";

	SANDBOX_CHECK(mount("none", "/proc", "tmpfs", 0, "") == 0);
	container_identity(identity, none);
	SANDBOX_CHECK(umount("/proc") == 0);
	SANDBOX_CHECK(identity[0] == '\0');
}

static void
test_no_identity_without_a_boot_id(void **state)
{
	(void)state;
	assert_true(sandbox_run(without_proc));
}

/* As older seccomp profiles of container runtimes do it. */
static void
refuse_statx(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_statx, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof code[0], code };

	SANDBOX_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	SANDBOX_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ==
	              0);
}

static void
without_statx(void)
{
	char identity[STATE_CONTAINER_SIZE] = "before";

	refuse_statx();
	container_identity(identity, none);
	SANDBOX_CHECK(identity[0] == '\0');
}

/* The boot id alone is the same in all containers of a host. */
static void
test_no_identity_without_a_root(void **state)
{
	(void)state;
	assert_true(sandbox_run(without_statx));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_of_a_container),
		cmocka_unit_test(test_root_that_is_no_overlay),
		cmocka_unit_test(test_last_mount_on_the_root_counts),
		cmocka_unit_test(test_broken_lines),
		cmocka_unit_test(test_length_of_the_path),
		cmocka_unit_test(test_identity_is_a_hash_and_stays),
		cmocka_unit_test(test_containers_of_a_task_differ),
		cmocka_unit_test(test_identities_differ),
		cmocka_unit_test(test_no_identity_without_a_boot_id),
		cmocka_unit_test(test_no_identity_without_a_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
