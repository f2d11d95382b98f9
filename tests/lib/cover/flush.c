/* SPDX-License-Identifier: MIT */
/*
 * In the flavour cover: whoever ends by _exit(2), as forks do, writes what it
 * has counted first.  Forks begin with counters of zero (libgcov), and the
 * files are added up.
 */
void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void
__wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
