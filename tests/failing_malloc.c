/* Preloaded, it lets `passes` allocations of at least `least` bytes through, then refuses `failures`
   of them. Off while `passes` is negative. tests/out_of_memory.py sets all three. */
#include <errno.h>
#include <stddef.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

long passes = -1;
long failures = 0;
size_t least = 0;

static int refused(size_t size) {
  if (passes < 0 || size < least) return 0;
  if (passes > 0) return --passes, 0;
  if (failures == 0) return 0;
  --failures;
  errno = ENOMEM;
  return 1;
}

void* malloc(size_t size) { return refused(size) ? NULL : __libc_malloc(size); }

void* calloc(size_t count, size_t size) { return refused(count * size) ? NULL : __libc_calloc(count, size); }

void* realloc(void* old, size_t size) { return refused(size) ? NULL : __libc_realloc(old, size); }

void* aligned_alloc(size_t alignment, size_t size) {
  return refused(size) ? NULL : __libc_memalign(alignment, size);
}

void* memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

int posix_memalign(void** result, size_t alignment, size_t size) {
  void* memory = aligned_alloc(alignment, size);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}
