// Sums in a fixed order: lanes, then pairs, then with the rounding error kept.
#pragma once

#include "../runtime/table.hpp"
#include "math.hpp"

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

// Vectors as wide as the instruction set's, for accumulators that must stay in registers. Their
// lanes are those of an array of fixed length, so the width shows in no bit; formulas stay scalar.
#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float type __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VectorOf<double> {
  typedef double type __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Vector = typename VectorOf<T>::type;

template <class V, class T>
NUMLOSS_INLINE V load_vector(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof(V));
  return v;
}

inline constexpr int kSumLanes = 32;

// Adds kSteps times kSumLanes elements to the lanes, which stay in registers meanwhile.
template <int kSteps, class T>
NUMLOSS_INLINE void add_to_lanes(const T* x, double* lane) {
#pragma omp simd
  for (int j = 0; j < kSumLanes; ++j) {
    double s = lane[j];
#pragma GCC unroll 16
    for (int k = 0; k < kSteps; ++k) s += double(x[k * kSumLanes + j]);
    lane[j] = s;
  }
}

// Combines 2 * kWidth numbers pairwise down to one, which it leaves in x[0]. The widths are
// constants: a loop over them would cost more than the additions.
template <int kWidth, class T>
NUMLOSS_INLINE void halve(T* x, auto&& combine) {
#pragma omp simd
  for (int i = 0; i < kWidth; ++i) x[i] = combine(x[i], x[i + kWidth]);
  if constexpr (kWidth > 1) halve<kWidth / 2>(x, combine);
}

// The sum of a tile: element i in lane i mod 32, in double, the lanes then added pairwise.
template <class T>
[[gnu::noinline]] double sum(const T* x, int64_t n) {
  constexpr int kSteps = 16;
  alignas(64) double lane[kSumLanes] = {};
  int64_t i = 0;
  for (; i + kSteps * kSumLanes <= n; i += kSteps * kSumLanes) add_to_lanes<kSteps>(x + i, lane);
  for (; i + kSumLanes <= n; i += kSumLanes) add_to_lanes<1>(x + i, lane);
  for (int j = 0; i < n; ++i, ++j) lane[j] += double(x[i]);
  halve<kSumLanes / 2>(lane, [](double a, double b) { return a + b; });
  return lane[0];
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
