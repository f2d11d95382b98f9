#include "app/failure.h"

#include <string.h>

#include "app/config.h"
#include "app/record.h"
#include "app/work.h"
#include "base/buf.h"
#include "base/file.h"

#define NOTE "failure"

int
failure_save(const struct config *cfg, const struct err *failure,
    struct err *err)
{
	struct record record;
	char path[WORK_PATH_MAX];

	work_path(path, cfg, NOTE);
	if (failure->code == ERR_OK)
		return file_remove(path, err);
	record_make(&record, RECORD_FAILED);
	record.err = *failure;
	if (file_mkdirs(cfg->state_dir, 0700, err) != 0)
		return -1;
	return file_write(path, 0600, &record, sizeof(record), err);
}

int
failure_load(const struct config *cfg, struct err *out, struct err *err)
{
	struct buf text = { 0 };
	struct record record;
	char path[WORK_PATH_MAX];
	enum file_found found = FILE_FAILED;

	work_path(path, cfg, NOTE);
	found = file_read(path, &text, err);
	if (found == FILE_FOUND && text.len == sizeof(record)) {
		memcpy(&record, text.data, sizeof(record));
		if (record_valid(&record))
			*out = record.err;
	}
	buf_free(&text);
	return (int)found;
}
