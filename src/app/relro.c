#include "app/relro.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

void
relro_apply(void)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	size_t count = getauxval(AT_PHNUM);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t base = 0;

	for (size_t i = 0; headers != NULL && i < count; i++) {
		if (headers[i].p_type == PT_PHDR)
			base = (uintptr_t)headers - headers[i].p_vaddr;
	}
	for (size_t i = 0; headers != NULL && i < count; i++) {
		uintptr_t start = base + headers[i].p_vaddr;
		uintptr_t end = start + headers[i].p_memsz;

		if (headers[i].p_type != PT_GNU_RELRO)
			continue;
		/* The kernel protects whole pages; the linker has aligned the
		 * end, and what shares the first page is constant too. */
		start &= ~(page - 1);
		end &= ~(page - 1);
		if (end > start)
			mprotect((void *)start, end - start, PROT_READ);
	}
}
