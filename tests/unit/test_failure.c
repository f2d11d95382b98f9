/* SPDX-License-Identifier: MIT */
/* The note that says why there is no node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "settings/config.h"
#include "unit/folder.h"
#include "unit/sandbox.h"
#include "work/failure.h"
#include "work/job.h"

static int
make(void **state)
{
	(void)state;
	return folder_make("failure");
}

static void
test_there_and_back(void **state)
{
	struct err note = { 0 }, out = { 0 };

	(void)state;
	err_set(&note, ERR_KIND_API, "register: \"no\" \xc3\xa9");
	note.code = ERR_ACCESS;
	err_fix(&note, "do this");
	assert_int_equal(failure_load(&folder.cfg, &out, &folder.err), 1);
	assert_int_equal(out.kind, ERR_KIND_NONE);
	assert_int_equal(failure_save(&folder.cfg, &note, &folder.err), 0);
	assert_int_equal(sandbox_mode(folder.path), 0600);
	assert_int_equal(sandbox_mode(folder.state), 0700);
	assert_int_equal(failure_load(&folder.cfg, &out, &folder.err), 0);
	assert_int_equal(out.kind, ERR_KIND_API);
	assert_int_equal(out.code, ERR_ACCESS);
	assert_string_equal(out.msg, note.msg);
	assert_string_equal(out.fix, "do this");
}

static void
test_every_kind(void **state)
{
	(void)state;
	for (int kind = ERR_KIND_NONE + 1; kind < ERR_KIND_COUNT; kind++) {
		struct err note = { 0 }, out = { .fix = "old" };

		err_set(&note, (enum err_kind)kind, "m");
		assert_int_equal(failure_save(&folder.cfg, &note, &folder.err),
		    0);
		assert_int_equal(failure_load(&folder.cfg, &out, &folder.err),
		    0);
		assert_int_equal(out.kind, kind);
		assert_int_equal(out.code, note.code);
		assert_string_equal(out.fix, "");
	}
}

static void
test_longest_note(void **state)
{
	struct err note = { .code = ERR_SERVICE, .kind = ERR_KIND_API };
	struct err out = { 0 };

	(void)state;
	memset(note.msg, 'm', sizeof note.msg - 1);
	memset(note.fix, '"', sizeof note.fix - 1);
	assert_int_equal(failure_save(&folder.cfg, &note, &folder.err), 0);
	assert_int_equal(failure_load(&folder.cfg, &out, &folder.err), 0);
	assert_string_equal(out.msg, note.msg);
	assert_string_equal(out.fix, note.fix);
}

static void
test_removed_when_all_is_well(void **state)
{
	struct err none = { 0 }, note = { 0 }, out;

	(void)state;
	assert_int_equal(failure_save(&folder.cfg, &none, &folder.err), 0);
	err_set(&note, ERR_KIND_TLS, "m");
	assert_int_equal(failure_save(&folder.cfg, &note, &folder.err), 0);
	assert_int_equal(failure_save(&folder.cfg, &none, &folder.err), 0);
	assert_false(sandbox_exists(folder.path));
	assert_int_equal(failure_load(&folder.cfg, &out, &folder.err), 1);
}

static void
write_note(const void *data, size_t size)
{
	FILE *file = fopen(folder.path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void
not_a_note(const void *data, size_t size)
{
	struct err out = { .msg = "before" };

	write_note(data, size);
	if (failure_load(&folder.cfg, &out, &folder.err) != 0)
		fail_msg("%s", folder.err.msg);
	assert_int_equal(out.code, ERR_OK);
	assert_string_equal(out.msg, "before");
}

/* What another version wrote, whatever its size, is no failure. */
static void
test_another_version(void **state)
{
	struct job_record record[2] = { { .type = JOURNAL_FAILED } };
	struct err note = { .code = ERR_OK };
	FILE *file;

	(void)state;
	err_set(&note, ERR_KIND_TLS, "m");
	assert_int_equal(failure_save(&folder.cfg, &note, &folder.err), 0);
	file = fopen(folder.path, "r");
	assert_non_null(file);
	assert_int_equal(fread(record, 1, sizeof record, file),
	    sizeof record[0]);
	assert_int_equal(fclose(file), 0);
	not_a_note("", 0);
	not_a_note("{}", 2);
	not_a_note(record, sizeof record[0] - 1);
	record[0].magic ^= 1;
	not_a_note(record, sizeof record[0]);
	record[0].magic ^= 1;
	memset(record[0].err.msg, 'm', sizeof record[0].err.msg);
	not_a_note(record, sizeof record[0]);
}

static void
test_larger_version(void **state)
{
	static const struct job_record two[2];
	struct err note = { .code = ERR_OK };

	(void)state;
	err_set(&note, ERR_KIND_TLS, "m");
	assert_int_equal(failure_save(&folder.cfg, &note, &folder.err), 0);
	not_a_note(two, sizeof two);
}

static void
test_disk_that_cannot_be_written(void **state)
{
	struct err note = { 0 };

	(void)state;
	err_set(&note, ERR_KIND_TLS, "m");
	folder.cfg.state_dir = "/proc/nothing";
	assert_int_equal(failure_save(&folder.cfg, &note, &folder.err), -1);
	assert_int_equal(folder.err.kind, ERR_KIND_SYSTEM);
}

#define NOTE_TEST(f) cmocka_unit_test_setup_teardown(f, make, folder_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NOTE_TEST(test_there_and_back),
		NOTE_TEST(test_every_kind),
		NOTE_TEST(test_longest_note),
		NOTE_TEST(test_removed_when_all_is_well),
		NOTE_TEST(test_another_version),
		NOTE_TEST(test_larger_version),
		NOTE_TEST(test_disk_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
