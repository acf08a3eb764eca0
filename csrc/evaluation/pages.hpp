// An array that grows where it lies: pages that were not written take no memory, and Linux moves
// the others without copying them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

#include "../runtime/system/system.hpp"

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
    if (data_ != nullptr) system::give_back_pages(data_, capacity_ * sizeof(T));
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

  // Makes room for so many elements.
  void reserve(size_t size) {
    if (size <= capacity_) return;
    constexpr size_t kPage = 4096;
    const size_t wanted = std::max(size, 2 * capacity_) * sizeof(T);
    const size_t bytes = (wanted + kPage - 1) / kPage * kPage;
    void* const moved = data_ == nullptr ? system::take_pages(bytes)
                                         : system::grow_pages(data_, capacity_ * sizeof(T), bytes);
    if (moved == nullptr) throw std::bad_alloc();
    // Groups come in any order: with pages of 4 KB each would wait for the translation of its
    // address, too.
    system::prefer_huge(moved, bytes);
    data_ = static_cast<T*>(moved);
    capacity_ = bytes / sizeof(T);
  }

 private:
  void swap(Pages& other) {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
  }

  T* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace numloss
