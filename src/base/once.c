#include "base/once.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* The keys that were asked for, by number; 0 is a free place. */
struct keys {
	_Atomic(uint32_t) numbers[ONCE_MAX];
};

static struct keys own;
static struct keys *keys = &own;

void
once_share(void)
{
	void *page = MAP_FAILED;

	if (keys != &own)
		return;
	page = mmap(NULL, sizeof *keys, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED)
		keys = page;
}

/* FNV-1a, of 32 bits; never 0. */
static uint32_t
number_of(const char *key)
{
	uint32_t sum = 2166136261U;

	for (; *key != '\0'; key++)
		sum = (sum ^ (unsigned char)*key) * 16777619U;
	return sum != 0 ? sum : 1;
}

bool
once_new(const char *key)
{
	uint32_t number = number_of(key);

	for (size_t i = 0; i < ONCE_MAX; i++) {
		uint32_t held = 0;

		if (atomic_compare_exchange_strong(&keys->numbers[i], &held,
		        number))
			return true;
		if (held == number)
			return false;
	}
	return true;
}
