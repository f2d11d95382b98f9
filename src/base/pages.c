#include "base/pages.h"

#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The linker's name for the begin of the file in memory, the address that all
 * others in its headers count from. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* The segments of the program; *count is how many. */
static const Elf64_Phdr *
segments(size_t *count)
{
	*count = getauxval(AT_PHNUM);
	return (const Elf64_Phdr *)getauxval(AT_PHDR);
}

/* Calls the kernel with the pages from `start` on that lie wholly before the
 * end: what follows in the last one may be written. */
static void
change(long call, const Elf64_Phdr *segment, long how)
{
	uintptr_t page = getauxval(AT_PAGESZ);
	uintptr_t start = (uintptr_t)&__ehdr_start + segment->p_vaddr;
	uintptr_t end = start + segment->p_memsz;

	start &= ~(page - 1);
	end &= ~(page - 1);
	if (end > start)
		syscall(call, start, end - start, how);
}

void
pages_seal(void)
{
	size_t count;
	const Elf64_Phdr *segment = segments(&count);

	for (; count > 0; count--, segment++)
		if (segment->p_type == PT_GNU_RELRO)
			change(SYS_mprotect, segment, PROT_READ);
}

void
pages_drop(void)
{
	size_t count;
	const Elf64_Phdr *segment = segments(&count);

	for (; count > 0; count--, segment++)
		if (segment->p_type == PT_LOAD &&
		    (segment->p_flags & PF_W) == 0)
			change(SYS_madvise, segment, MADV_DONTNEED);
}
