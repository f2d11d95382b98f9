/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/sudo.h"
#include "agent/user.h"

static void
test_includes(void **unused)
{
	static const char *const yes[] = {
		"@includedir /etc/sudoers.d",
		"Defaults env_reset\n\n  #includedir\t/etc/sudoers.d/\n",
		"@includedir sudoers.d",
		"@include /etc/sudoers.local",
		"ALL ALL=(ALL) NOPASSWD: ALL",
		"ssm-user ALL=(ALL) ALL",
	};
	static const char *const no[] = { "", "root ALL=(ALL:ALL) ALL\n",
		"# includedir /etc/sudoers.d", "## @includedir /etc/sudoers.d",
		"includedir /etc/sudoers.d", "@includedir /etc/other.d",
		"#includedirx /etc/sudoers.d", "@includedir",
		"# %wheel ALL=(ALL) NOPASSWD: ALL", "#ssm-user" };

	(void)unused;
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		assert_true(sudo_includes(slice_of(yes[i])));
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		assert_false(sudo_includes(slice_of(no[i])));
}

static void
test_sources(void **unused)
{
	static const char *const yes[] = {
		"passwd: files sss\n",
		"# x\ngroup: files\npasswd:\tsss [NOTFOUND=return] files # y",
		"passwd:files\tldap",
		" passwd : extrausers",
	};
	static const char *const no[] = { "", "passwd: files",
		"passwd:", "passwd: files compat [SUCCESS=return]",
		"group: ldap", "# passwd: ldap", "passwd: files # ldap",
		"passwd ldap" };

	(void)unused;
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		assert_true(user_elsewhere_sources(slice_of(yes[i])));
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		assert_false(user_elsewhere_sources(slice_of(no[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
