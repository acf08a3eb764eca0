// Copies of planes and single rows of them, from and to any dtype, stride and byte order.
#include "planes.hpp"

#include "transpose.hpp"

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace numloss::NUMLOSS_ISA {
namespace {

// Converts as many of n numbers as instructions that do what widen() and narrow() do take in whole
// vectors, and returns how many that are.
template <class S, class T>
NUMLOSS_INLINE int64_t widen_vectors(const S*, int64_t, T*) {
  return 0;
}

template <class S, class T>
NUMLOSS_INLINE int64_t narrow_vectors(const T*, int64_t, S*) {
  return 0;
}

#if defined(__F16C__)
#if defined(__AVX512F__)
// GCC 12 warns of its own intrinsics without a mask.
inline constexpr __mmask16 kAll = 0xffff;
#endif

NUMLOSS_INLINE int64_t widen_vectors(const Half* from, int64_t n, float* to) {
  constexpr int64_t kCount = kVectorBytes / sizeof(float);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
#if defined(__AVX512F__)
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    _mm512_storeu_ps(to + i, _mm512_maskz_cvtph_ps(kAll, halves));
#else
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(halves));
#endif
  }
  return i;
}

NUMLOSS_INLINE int64_t narrow_vectors(const float* from, int64_t n, Half* to) {
  constexpr int64_t kCount = kVectorBytes / sizeof(float);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
#if defined(__AVX512F__)
    const __m512 x = _mm512_loadu_ps(from + i);
    const __m256i halves = _mm512_maskz_cvtps_ph(kAll, x, _MM_FROUND_TO_NEAREST_INT);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), halves);
#else
    const __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), halves);
#endif
  }
  return i;
}
#endif

// to[i] = from[i * kStep], and the other way round. Constant steps vectorise.
template <int kStep, class S, class T>
NUMLOSS_INLINE void widen_steps(const S* from, int64_t n, T* to) {
  const int64_t done = kStep == 1 ? widen_vectors(from, n, to) : 0, left = n - done;
  from += done;
  to += done;
#pragma omp simd
  for (int64_t i = 0; i < left; ++i) to[i] = T(widen(from[i * kStep]));
}

template <int kStep, class S, class T>
NUMLOSS_INLINE void narrow_steps(const T* from, int64_t n, S* to) {
  const int64_t done = kStep == 1 ? narrow_vectors(from, n, to) : 0, left = n - done;
  from += done;
  to += done;
#pragma omp simd
  for (int64_t i = 0; i < left; ++i) to[i * kStep] = narrow<S>(from[i]);
}

template <int kCount>
struct Backwards {
  static constexpr int of(int i) { return kCount - 1 - i; }
};

// to[-i] = from[i], which compilers do one by one where the arrays might overlap.
template <class T>
NUMLOSS_INLINE void copy_backwards(const T* from, int64_t n, T* to) {
  constexpr int kCount = kSide<T>;
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
    const auto v = load_vector<Vector<T>>(from + i);
    const auto turned = shuffle<Backwards<kCount>>(v, v, typename UpTo<kCount>::type());
    __builtin_memcpy(to - i - (kCount - 1), &turned, sizeof(turned));
  }
  for (; i < n; ++i) to[-i] = from[i];
}

}  // namespace

// n elements, `stride` bytes apart, into `to`.
template <class T>
[[gnu::noinline]] void copy_in(const Operand& operand, const char* from, int64_t stride, int64_t n,
                               T* to) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    const S* const x = reinterpret_cast<const S*>(from);
    const bool aligned = reinterpret_cast<uintptr_t>(from) % alignof(S) == 0;
    const int64_t step = aligned && !operand.swapped ? stride : 0;
    if (stride == 0 && n > 0) return fill(T(widen(read<S>(from, operand.swapped))), n, to);
    switch (step / int64_t(sizeof(S)) * (step % int64_t(sizeof(S)) == 0)) {
      case 1:
        return each_piece(
            operand.exceeds_cache, n,
            [&](int64_t first, int64_t count) { widen_steps<1>(x + first, count, to + first); }, x);
      case 2: return widen_steps<2>(x, n, to);
      case 3: return widen_steps<3>(x, n, to);
      case 4: return widen_steps<4>(x, n, to);
      case -1: return widen_steps<-1>(x, n, to);
    }
    for (int64_t i = 0; i < n; ++i) to[i] = T(widen(read<S>(from + i * stride, operand.swapped)));
  });
}

// n elements of `from` out to an output array, `stride` bytes apart.
template <class T>
[[gnu::noinline]] void copy_out(const Operand& operand, char* to, int64_t stride, int64_t n,
                                const T* from) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    if constexpr (__is_same(S, float) || __is_same(S, double) || __is_same(S, Half) ||
                  __is_same(S, Bfloat)) {
      S* const x = reinterpret_cast<S*>(to);
      const bool aligned = reinterpret_cast<uintptr_t>(to) % alignof(S) == 0;
      const int64_t step = aligned && !operand.swapped ? stride : 0;
      switch (step / int64_t(sizeof(S)) * (step % int64_t(sizeof(S)) == 0)) {
        case 1: return narrow_steps<1>(from, n, x);
        case 2: return narrow_steps<2>(from, n, x);
        case -1:
          if constexpr (__is_same(S, T)) return copy_backwards(from, n, x);
          return narrow_steps<-1>(from, n, x);
      }
      for (int64_t i = 0; i < n; ++i) {
        S y = narrow<S>(from[i]);
        if (operand.swapped) y = read<S>(reinterpret_cast<const char*>(&y), true);
        __builtin_memcpy(to + i * stride, &y, sizeof(S));
      }
    }
  });
}

namespace {

// Calls f(row, rows, column, columns, buffer) for blocks of a plane that lies by columns, with
// memory for one, [columns][kBlockRows], between the array and where its numbers go or come from.
inline constexpr int64_t kBlockRows = 64, kBlockColumns = 16;
template <class T>
NUMLOSS_INLINE void each_block_of(const Plane& plane, auto&& f) {
  alignas(64) T buffer[kBlockColumns * kBlockRows];
  for (int64_t c = 0; c < plane.columns; c += kBlockColumns) {
    const int64_t columns = plane.columns - c < kBlockColumns ? plane.columns - c : kBlockColumns;
    for (int64_t r = 0; r < plane.rows; r += kBlockRows) {
      f(r, plane.rows - r < kBlockRows ? plane.rows - r : kBlockRows, c, columns, buffer);
    }
  }
}

}  // namespace

// A plane that lies by columns, of numbers that have to be converted. (Apart, for the size of the
// frame.)
template <class T>
[[gnu::noinline]] void load_columns(const Operand& operand, const char* from, const Plane& plane,
                                    T* to, int64_t step) {
  each_block_of<T>(plane, [&](int64_t r, int64_t rows, int64_t c, int64_t columns, T* buffer) {
    const char* const block = from + r * plane.row_stride + c * plane.column_stride;
    for (int64_t k = 0; k < columns; ++k) {
      copy_in(operand, block + k * plane.column_stride, plane.row_stride, rows,
              buffer + k * kBlockRows);
    }
    transpose(buffer, kBlockRows, columns, rows, to + r * step + c, step);
  });
}

template <class T>
[[gnu::noinline]] void store_columns(const Operand& operand, char* to, const Plane& plane,
                                     const T* from, int64_t step) {
  each_block_of<T>(plane, [&](int64_t r, int64_t rows, int64_t c, int64_t columns, T* buffer) {
    char* const block = to + r * plane.row_stride + c * plane.column_stride;
    transpose(from + r * step + c, step, rows, columns, buffer, kBlockRows);
    for (int64_t k = 0; k < columns; ++k) {
      copy_out(operand, block + k * plane.column_stride, plane.row_stride, rows,
               buffer + k * kBlockRows);
    }
  });
}

// to[r * to_step + c] = from[r * from_step + c].
template <class T>
[[gnu::noinline]] void copy_rows(const T* from, int64_t from_step, int64_t rows, int64_t columns,
                                 T* to, int64_t to_step) {
  for (int64_t r = 0; r < rows; ++r) {
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) to[r * to_step + c] = from[r * from_step + c];
  }
}

NUMLOSS_PLANES(float);
NUMLOSS_PLANES(double);

}  // namespace numloss::NUMLOSS_ISA
