#include <cstddef>
#include <cstdlib>
#include <cstring>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "system.hpp"

// The thread sanitizer does not see what mremap moves: to it, whoever gets the old address next
// shares it with us.
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define NUMLOSS_NO_MREMAP
#endif
#endif
#ifndef __linux__
#define NUMLOSS_NO_MREMAP
#endif

namespace numloss::system {

#ifdef __linux__

void* take_pages(size_t bytes) {
  void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

void give_back_pages(void* pages, size_t bytes) { munmap(pages, bytes); }

void prefer_huge(void* pages, size_t bytes) {
  constexpr size_t kHuge = size_t(1) << 21;
  if (bytes >= 2 * kHuge) madvise(pages, bytes, MADV_HUGEPAGE);
}

#else

void* take_pages(size_t bytes) { return std::calloc(bytes, 1); }
void give_back_pages(void* pages, size_t) { std::free(pages); }
void prefer_huge(void*, size_t) {}

#endif

void* grow_pages(void* pages, size_t bytes, size_t wanted) {
#ifdef NUMLOSS_NO_MREMAP
  void* const copy = take_pages(wanted);
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, pages, bytes);
  give_back_pages(pages, bytes);
  return copy;
#else
  void* const moved = mremap(pages, bytes, wanted, MREMAP_MAYMOVE);
  return moved == MAP_FAILED ? nullptr : moved;
#endif
}

}  // namespace numloss::system
