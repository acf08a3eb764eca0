// An array that grows where it lies: pages that were not written take no memory, and the kernel
// moves the others without copying them.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

// The thread sanitizer does not see what mremap moves: to it, whoever gets the old address next
// shares it with us.
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define NUMLOSS_NO_MREMAP
#endif
#endif

namespace numloss {

// Of a T that may be moved byte by byte. Its elements are zeros at first.
template <class T>
class Pages {
 public:
  Pages() = default;
  Pages(Pages&& other) noexcept { swap(other); }
  Pages& operator=(Pages&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Pages() {
    if (data_ != nullptr) munmap(data_, capacity_ * sizeof(T));
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

  // Makes room for so many elements.
  void reserve(size_t size) {
    if (size <= capacity_) return;
    constexpr size_t kPage = 4096, kHuge = size_t(1) << 21;
    const size_t wanted = std::max(size, 2 * capacity_) * sizeof(T);
    const size_t bytes = (wanted + kPage - 1) / kPage * kPage;
    void* const moved = data_ == nullptr ? mapped(bytes) : grown(bytes);
    if (moved == MAP_FAILED) throw std::bad_alloc();
    // Groups come in any order: with pages of 4 KB each would wait for the translation of its
    // address, too.
    if (bytes >= 2 * kHuge) madvise(moved, bytes, MADV_HUGEPAGE);
    data_ = static_cast<T*>(moved);
    capacity_ = bytes / sizeof(T);
  }

 private:
  static void* mapped(size_t bytes) {
    return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
  }

  void* grown(size_t bytes) {
#ifdef NUMLOSS_NO_MREMAP
    void* const copy = mapped(bytes);
    if (copy == MAP_FAILED) return copy;
    std::memcpy(copy, static_cast<const void*>(data_), capacity_ * sizeof(T));
    munmap(data_, capacity_ * sizeof(T));
    return copy;
#else
    return mremap(data_, capacity_ * sizeof(T), bytes, MREMAP_MAYMOVE);
#endif
  }

  void swap(Pages& other) {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
  }

  T* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace numloss
