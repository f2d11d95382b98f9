/* SPDX-License-Identifier: MIT */
#include "work/failure.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "settings/config.h"
#include "work/job.h"

#define NOTE "failure"

int
failure_save(const struct config *cfg, const struct err *failure,
    struct err *err)
{
	struct job_record record;
	enum file_found found = FILE_FOUND;
	int dir = -1;
	int rc = 0;

	if (failure->code == ERR_OK)
		found = file_folder_find(&dir, cfg->state_dir, 0700, err);
	else
		dir = file_folder_open(cfg->state_dir, 0700, err);
	if (dir < 0)
		return found == FILE_ABSENT ? 0 : -1;
	if (failure->code == ERR_OK)
		rc = file_remove_at(dir, NOTE, err);
	else {
		job_make(&record, JOURNAL_FAILED);
		record.err = *failure;
		rc = file_write_at(dir, NOTE, 0600,
		    slice_make((const char *)&record, sizeof record), err);
	}
	close(dir);
	return rc == 0 ? 0 : err_wrap(err, cfg->state_dir);
}

int
failure_load(const struct config *cfg, struct err *out, struct err *err)
{
	struct buf text = { 0 };
	struct job_record record;
	int dir = -1;
	enum file_found found =
	    file_folder_find(&dir, cfg->state_dir, 0700, err);

	if (found == FILE_FOUND) {
		found = file_read_at(dir, NOTE, &text, err);
		close(dir);
	}
	if (found == FILE_FOUND && text.len == sizeof record) {
		memcpy(&record, text.data, sizeof record);
		if (job_valid(&record))
			*out = record.err;
	}
	buf_free(&text);
	return (int)found;
}
