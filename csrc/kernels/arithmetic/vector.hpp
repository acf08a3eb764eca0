// Vectors, for accumulators that must stay in registers and for moving data about. The width shows
// in no bit: lanes are those of an array of fixed length, and a formula of vectors is that of a
// scalar, lane by lane.
#pragma once

#include <cstdint>

#include "../../runtime/inline.hpp"
#include "packs.hpp"

// Before a loop over the lanes of a strip whose body is long. Clang makes straight code of the few
// turns before it makes vectors, and then says that it could not.
#ifdef __clang__
#define NUMLOSS_SIMD_LANES
#else
#define NUMLOSS_SIMD_LANES _Pragma("omp simd")
#endif

namespace numloss::NUMLOSS_ISA {
namespace {

// As wide as the instruction set's.
#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T, int kCount>
struct VectorOf {
  typedef T type __attribute__((vector_size(kCount * sizeof(T))));
};
template <class T, int kCount = kVectorBytes / int(sizeof(T))>
using Vector = typename VectorOf<T, kCount>::type;

// What a formula computes with: a number, or a vector of them.
template <class V>
struct LaneOf {
  using type = V;
};
template <>
struct LaneOf<Vector<float>> {
  using type = float;
};
template <>
struct LaneOf<Vector<double>> {
  using type = double;
};
template <class V>
using Lane = typename LaneOf<V>::type;
template <class V>
inline constexpr bool kIsVector = !__is_same(V, Lane<V>);

template <class V, class T>
NUMLOSS_INLINE V load_vector(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof(V));
  return v;
}

template <class V, class T>
NUMLOSS_INLINE void store_vector(V v, T* to) {
  __builtin_memcpy(to, &v, sizeof(V));
}

// A constant of a formula. That of vectors is loaded once for all that use it: compilers make it an
// operand in memory of each instruction, which then waits for a load (5 to 13 % of an exponential).
template <class V>
NUMLOSS_INLINE V constant(Lane<V> x) {
  V v = V{} + x;
  if constexpr (kIsVector<V>) {
#if defined(__AVX512F__)
    asm volatile("" : "+v"(v));
#elif defined(__x86_64__)
    asm volatile("" : "+x"(v));
#elif defined(__aarch64__)
    asm volatile("" : "+w"(v));
#endif
  }
  return v;
}

NUMLOSS_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
NUMLOSS_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

NUMLOSS_INLINE float truncate(float x) { return __builtin_truncf(x); }
NUMLOSS_INLINE double truncate(double x) { return __builtin_trunc(x); }

// Lane by lane: compilers make one instruction of it.
template <class V>
  requires kIsVector<V>
NUMLOSS_INLINE V fma(V a, V b, V c) {
  V result;
  for (int i = 0; i < int(sizeof(V) / sizeof(Lane<V>)); ++i) result[i] = fma(a[i], b[i], c[i]);
  return result;
}

template <class V>
  requires kIsVector<V>
NUMLOSS_INLINE V truncate(V x) {
  V result;
  for (int i = 0; i < int(sizeof(V) / sizeof(Lane<V>)); ++i) result[i] = truncate(x[i]);
  return result;
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
