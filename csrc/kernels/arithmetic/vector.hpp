// Vectors, for accumulators that must stay in registers and for moving data about. The width shows
// in no bit: lanes are those of an array of fixed length, and formulas stay scalar.
#pragma once

#include "math.hpp"

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
struct VectorOf;
template <int kCount>
struct VectorOf<float, kCount> {
  typedef float type __attribute__((vector_size(kCount * sizeof(float))));
};
template <int kCount>
struct VectorOf<double, kCount> {
  typedef double type __attribute__((vector_size(kCount * sizeof(double))));
};
template <class T, int kCount = kVectorBytes / int(sizeof(T))>
using Vector = typename VectorOf<T, kCount>::type;

template <class V, class T>
NUMLOSS_INLINE V load_vector(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof(V));
  return v;
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
