/* SPDX-License-Identifier: MIT */
/*
 * The shared files' parser: whatever it accepts has trimmed, NUL free
 * keys that are found again under their own name, in bounded numbers,
 * and both kinds of file can be made of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/ini.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "unit/strict_ini.h"

static void
check_key(const char *key)
{
	struct slice s = slice_of(key);

	require(s.len > 0 && slice_same(slice_trim(s), s));
	require(!slice_has(s, '=') && !slice_has(s, ':'));
}

static void
check_entry(const struct ini_section *section, size_t index)
{
	const struct ini_entry *entry = &section->entries[index];
	struct slice value = slice_of(entry->value);

	check_key(entry->key);
	if (entry->sub != NULL) {
		const char *own = ini_value(section, entry->key, NULL);

		check_key(entry->sub);
		/* Only a key without a value has sub-keys. */
		require(own != NULL && own[0] == '\0');
	}
	require(slice_same(slice_trim(value), value));
	require(!slice_has(value, '\n') && !slice_has(value, '\r'));
	require(ini_value(section, entry->key, entry->sub) == entry->value);
}

static void
check_ini(const struct ini *ini)
{
	require(ini->count <= INI_SECTIONS_MAX);
	for (size_t i = 0; i < ini->count; i++) {
		const struct ini_section *section = &ini->sections[i];
		struct slice name = slice_of(section->name);

		require(name.len > 0 && slice_same(slice_trim(name), name));
		require(section->line > 0);
		require(ini_section(ini, section->name) == section);
		require(section->count <= INI_SECTION_KEYS_MAX);
		for (size_t k = 0; k < section->count; k++)
			check_entry(section, k);
	}
}

/* A section has one meaning or none, and is found under it alone. */
static void
check_found(const struct ini *shared, const struct ini_section *section)
{
	static const enum ini_word words[] = { INI_PROFILE, INI_SERVICES,
		INI_SSO_SESSION };
	struct slice head, name;
	int found = 0;

	if (!slice_split(slice_of(section->name), ' ', &head, &name))
		return;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		found += ini_find(shared, words[i], name.ptr) == section;
	require(found == 1);
}

static void
check_shared(enum ini_kind kind, struct slice text)
{
	struct ini shared = { 0 };
	struct err err = { 0 };

	if (ini_parse_as(&shared, kind, text, &err) != 0) {
		require(err.kind == ERR_KIND_CONFIG && shared.count == 0);
		return;
	}
	for (size_t i = 0; i < shared.count; i++)
		check_found(&shared, &shared.sections[i]);
	ini_free(&shared);
	require(shared.sections == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct ini ini = { 0 };
	struct err err = { 0 };

	if (strict_ini_parse(&ini, text, &err) != 0) {
		require(err.kind == ERR_KIND_CONFIG && err.msg[0] != '\0');
		require(ini.count == 0 && ini.sections == NULL);
	}
	check_ini(&ini);
	ini_free(&ini);
	check_shared(INI_CONFIG, text);
	check_shared(INI_CREDENTIALS, text);
	return 0;
}
