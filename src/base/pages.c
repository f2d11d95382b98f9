#include "base/pages.h"

#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE_MIN = 4096 };

/* Where the code ends: end(3). */
extern char etext[];

/* It begins with the headers of the file, which the kernel tells. */
void
pages_drop(void)
{
	uintptr_t start = getauxval(AT_PHDR) & ~(uintptr_t)(PAGE_MIN - 1);

	syscall(SYS_madvise, start, (uintptr_t)etext - start, MADV_DONTNEED);
}
