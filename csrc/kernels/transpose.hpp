// Transposition, four by four.
#pragma once

#include "../runtime/table.hpp"
#include "math.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Four elements: vectors only for moving data about, which cannot change a bit.
template <class T>
struct QuadOf;
template <>
struct QuadOf<float> {
  typedef float type __attribute__((vector_size(16)));
};
template <>
struct QuadOf<double> {
  typedef double type __attribute__((vector_size(32)));
};

template <class T>
NUMLOSS_INLINE void transpose_quad(const T* from, int64_t from_step, T* to, int64_t to_step) {
  typename QuadOf<T>::type r[4];
  for (int i = 0; i < 4; ++i) __builtin_memcpy(&r[i], from + i * from_step, sizeof(r[i]));
  const auto a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  const auto b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const auto c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const auto d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  const typename QuadOf<T>::type column[4] = {
      __builtin_shufflevector(a, c, 0, 1, 4, 5), __builtin_shufflevector(a, c, 2, 3, 6, 7),
      __builtin_shufflevector(b, d, 0, 1, 4, 5), __builtin_shufflevector(b, d, 2, 3, 6, 7)};
  for (int i = 0; i < 4; ++i) __builtin_memcpy(to + i * to_step, &column[i], sizeof(column[i]));
}

// to[c * to_step + r] = from[r * from_step + c], four by four; the last four of a row or column
// overlap those before, which writes the same elements twice. Unless a side is as narrow as a
// panel, in blocks: lines of memory are then used up while they are in the cache, even where all of
// them fall into one set of it.
template <class T>
[[gnu::noinline]] void transpose(const T* from, int64_t from_step, int64_t rows, int64_t columns,
                                 T* to, int64_t to_step) {
  if (rows < 4 || columns < 4) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) to[c * to_step + r] = from[r * from_step + c];
    }
    return;
  }
  const bool narrow = from_step <= kLanes || to_step <= kLanes;
  const int64_t high = narrow ? 4 : 16, wide = narrow ? columns : 8;
  for (int64_t top = 0; top < rows; top += high) {
    const int64_t bottom = top + high < rows ? top + high : rows;
    for (int64_t left = 0; left < columns; left += wide) {
      const int64_t right = left + wide < columns ? left + wide : columns;
      for (int64_t r = top; r < bottom; r += 4) {
        const int64_t row = r < rows - 4 ? r : rows - 4;
        for (int64_t c = left; c < right; c += 4) {
          const int64_t column = c < columns - 4 ? c : columns - 4;
          transpose_quad(from + row * from_step + column, from_step, to + column * to_step + row,
                         to_step);
        }
      }
    }
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
