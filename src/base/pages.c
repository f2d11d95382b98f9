#include "base/pages.h"

#include <link.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Calls the kernel with the pages of a segment that lie wholly before its end:
 * what follows in the last one may be written. */
static void
change(long call, uintptr_t start, size_t size, long how)
{
	uintptr_t mask = ~((uintptr_t)getauxval(AT_PAGESZ) - 1);
	uintptr_t end = (start + size) & mask;

	start &= mask;
	if (end > start)
		syscall(call, start, end - start, how);
}

/* Gives 1, so that only the first object is looked at: the program. */
static int
seal(struct dl_phdr_info *info, size_t size, void *none)
{
	(void)size;
	(void)none;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const Elf64_Phdr *one = &info->dlpi_phdr[i];

		if (one->p_type == PT_GNU_RELRO)
			change(SYS_mprotect, info->dlpi_addr + one->p_vaddr,
			    one->p_memsz, PROT_READ);
	}
	return 1;
}

static int
drop(struct dl_phdr_info *info, size_t size, void *none)
{
	(void)size;
	(void)none;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const Elf64_Phdr *one = &info->dlpi_phdr[i];

		if (one->p_type == PT_LOAD && (one->p_flags & PF_W) == 0)
			change(SYS_madvise, info->dlpi_addr + one->p_vaddr,
			    one->p_memsz, MADV_DONTNEED);
	}
	return 1;
}

void
pages_seal(void)
{
	dl_iterate_phdr(seal, NULL);
}

void
pages_drop(void)
{
	dl_iterate_phdr(drop, NULL);
}
