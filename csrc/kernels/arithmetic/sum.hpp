// Sums in a fixed order: lanes, then pairs, then with the rounding error kept.
#pragma once

#include "../../runtime/table.hpp"
#include "../memory/lines.hpp"
#include "vector.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// s + x, the rounding error kept (Knuth, TAOCP vol. 2, 4.2.2, theorem B). An infinite or NaN sum
// keeps no error, which would be NaN and hide an infinity.
NUMLOSS_INLINE void add(Sum& s, double x) {
  const double high = s.high + x;
  const double part = high - s.high;
  const double error = (s.high - (high - part)) + (x - part);
  s.high = high;
  s.low += abs(high) < Real<double>::kInfinity ? error : 0.0;
}

inline constexpr int kSumLanes = 32;

// Combines 2 * kWidth numbers pairwise down to one, which it leaves in x[0]. The widths are
// constants: a loop over them would cost more than the additions.
template <int kWidth, class T>
NUMLOSS_INLINE void halve(T* x, auto&& combine) {
#pragma omp simd
  for (int i = 0; i < kWidth; ++i) x[i] = combine(x[i], x[i + kWidth]);
  if constexpr (kWidth > 1) halve<kWidth / 2>(x, combine);
}

// The sum of term(i), i < n: term i in lane i mod 32, in double, the lanes then added pairwise.
// Meanwhile the lines of `arrays` are asked for ahead of their turn, if that is wanted: here and
// not in a function that is handed in, whose call GCC 12 deletes since it returns nothing.
template <class... T>
NUMLOSS_INLINE double sum_of(int64_t n, const auto& term, bool ahead, const T*... arrays) {
  alignas(64) double lane[kSumLanes] = {};  // compilers keep it in registers
  int64_t i = 0;
  for (; i + kSumLanes <= n; i += kSumLanes) {
    if (ahead) (fetch_ahead(arrays + i, kSumLanes * int64_t(sizeof(T))), ...);
#pragma omp simd
    for (int j = 0; j < kSumLanes; ++j) lane[j] += term(i + j);
  }
  for (int j = 0; i < n; ++i, ++j) lane[j] += term(i);
  halve<kSumLanes / 2>(lane, [](double a, double b) { return a + b; });
  return lane[0];
}

NUMLOSS_INLINE double sum_of(int64_t n, const auto& term) { return sum_of(n, term, false); }

template <class T>
[[gnu::noinline]] double sum(const T* x, int64_t n) {
  return sum_of(n, [x](int64_t i) { return double(x[i]); });
}

// The least that a weight may be.
template <class W>
W least_weight(const Task& task) {
  return task.negative_weights ? -Real<W>::kLargest : W(0);
}

// Is a weight below the least one, or infinite? A NaN comes out as NaN.
template <class W>
[[gnu::noinline]] bool outside_weights(const W* weight, int64_t n, W least) {
  int bad = 0;
#pragma omp simd reduction(| : bad)
  for (int64_t i = 0; i < n; ++i) {
    bad |= int((weight[i] < least) | (weight[i] == Real<W>::kInfinity));
  }
  return bad != 0;
}

// Adds weights up. False: one of them is out of range, which is looked for in a sum first.
template <class W>
[[gnu::noinline]] bool add_weights(const W* weight, int64_t n, W least, Sum& total) {
  const double checked = sum_of(n, [weight, least](int64_t i) {
    return weight[i] < least ? Real<double>::kNan : double(weight[i]);
  });
  const bool clear = abs(checked) <= Real<double>::kLargest;
  if (!clear && outside_weights(weight, n, least)) return false;
  add(total, clear ? checked : sum(weight, n));
  return true;
}

// In double, where the product of two floats is exact; a weight of 0 takes its element out, NaN and
// all.
template <class T, class W>
[[gnu::noinline]] double weighted_sum(const T* x, const W* weight, int64_t n) {
  return sum_of(n, [x, weight](int64_t i) {
    const double product = double(x[i]) * double(weight[i]);
    return weight[i] == W(0) ? 0.0 : product;
  });
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
