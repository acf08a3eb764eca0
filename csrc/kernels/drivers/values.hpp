// What becomes of values and derivatives that are computed: weights, the denominator, sums.
#pragma once

#include "../arithmetic/sum.hpp"
#include "../memory/tile.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// x times its example's weight (1 where there are none) over the denominator; a weight of 0 takes
// the example out, NaN and all. In double, where neither factor alone need fit T.
template <class T, class W>
void weigh(T* x, const W* weight, double denominator, int64_t n) {
  if (weight == nullptr) {
    for (int64_t i = 0; i < n; ++i) x[i] = T(double(x[i]) / denominator);
  } else if (is_divisor(denominator)) {
    const double inverse = 1 / denominator;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      const T weighed = T(double(x[i]) * (double(weight[i]) * inverse));
      x[i] = weight[i] == W(0) ? T(0) : weighed;
    }
  } else {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      const T weighed = T(double(x[i]) * (double(weight[i]) / denominator));
      x[i] = weight[i] == W(0) ? T(0) : weighed;
    }
  }
}

// Without their weights, but for those of 0.
template <class T, class W>
void hide_unweighted(T* x, const W* weight, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] = weight[i] == W(0) ? T(0) : x[i];
}

// The weights of a tile of elements, out to the caller's array: 1 where there are none.
template <class W>
[[gnu::noinline]] void store_weights(const Task& task, const Examples& at, int64_t n,
                                     const W* weight, double* buffer) {
  if (weight != nullptr) return store(task[kWeights], at, n, weight);
  fill(1.0, n, buffer);
  store(task[kWeights], at, n, buffer);
}

// The values of a tile into the block's sum, or out to the caller's array.
template <class T, class W>
void finish_values(const Task& task, const Examples& at, T* value, const W* weight, int64_t n,
                   Partial& partial) {
  if (task.has(kValues)) {
    if (weight != nullptr) weigh(value, weight, 1.0, n);
    store(task[kValues], at, n, value);
  } else {
    add(partial.loss, weight == nullptr ? sum(value, n) : weighted_sum(value, weight, n));
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
