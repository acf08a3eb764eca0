// What losses of rows of numbers that are no scores of classes share.
#pragma once

#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// A NaN among the numbers of each row of the strip at a place, where there is one, else 0: all that
// is told of such a row is NaN.
template <class T>
NUMLOSS_INLINE void find_nan(const Panel<T>& panel, int64_t at, T* poison) {
  constexpr int kWidth = kStrip<T>;
  for (int i = 0; i < kWidth; ++i) poison[i] = T(0);
  for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
    const T* const x = panel.logits + at + k;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) poison[i] = keep_nan(x[i], poison[i]);
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
