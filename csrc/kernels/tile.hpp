// Tiles: loading one (whatever dtype, stride or byte order), summing it in a fixed order, storing
// it. Compiled once per instruction set, not once per loss.
#pragma once

#include "../runtime/table.hpp"
#include "math.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

struct Half {
  uint16_t bits;
};
struct Bfloat {
  uint16_t bits;
};
struct Bool {
  uint8_t byte;
};

// NumPy takes every byte but 0 for true.
NUMLOSS_INLINE float widen(Bool x) { return x.byte != 0 ? 1.0f : 0.0f; }

NUMLOSS_INLINE float widen(Bfloat x) { return __builtin_bit_cast(float, uint32_t(x.bits) << 16); }

// IEEE binary16 to float: exact, subnormals by a multiplication that cannot round.
NUMLOSS_INLINE float widen(Half x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000) << 16;
  const uint32_t rest = uint32_t(x.bits & 0x7fff) << 13;
  const bool special = (x.bits & 0x7c00) == 0x7c00;
  const float scaled = __builtin_bit_cast(float, rest) * 0x1p112f;
  const uint32_t finite = __builtin_bit_cast(uint32_t, scaled);
  return __builtin_bit_cast(float, sign | (special ? rest | 0x7f800000u : finite));
}

template <class T>
NUMLOSS_INLINE T widen(T x) {
  return x;
}

// Round to nearest, ties to even.
NUMLOSS_INLINE Bfloat to_bfloat(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return {uint16_t(is_nan(x) ? (bits >> 16) | 0x40 : rounded)};
}

NUMLOSS_INLINE Half to_half(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const float magnitude = abs(x);
  // Normal: round the mantissa in integer arithmetic. Subnormal: let a float addition round.
  const uint32_t m = __builtin_bit_cast(uint32_t, magnitude);
  const uint32_t normal = (m - (112u << 23) + 0xfff + ((m >> 13) & 1)) >> 13;
  const uint32_t subnormal = __builtin_bit_cast(uint32_t, magnitude + 0.5f) - 0x3f000000u;
  uint32_t result = magnitude < 0x1p-14f ? subnormal : normal;
  result = magnitude >= 65520.0f ? 0x7c00u : result;
  result = is_nan(x) ? 0x7e00u : result;
  return {uint16_t(sign | result)};
}

template <class S, class T>
NUMLOSS_INLINE S narrow(T x) {
  if constexpr (__is_same(S, Half)) {
    return to_half(float(x));
  } else if constexpr (__is_same(S, Bfloat)) {
    return to_bfloat(float(x));
  } else {
    return S(x);
  }
}

template <class S>
NUMLOSS_INLINE S read(const char* from, bool swapped) {
  S x;
  __builtin_memcpy(&x, from, sizeof(S));
  if (swapped) {
    if constexpr (sizeof(S) == 2) {
      x = __builtin_bit_cast(S, __builtin_bswap16(__builtin_bit_cast(uint16_t, x)));
    } else if constexpr (sizeof(S) == 4) {
      x = __builtin_bit_cast(S, __builtin_bswap32(__builtin_bit_cast(uint32_t, x)));
    } else if constexpr (sizeof(S) == 8) {
      x = __builtin_bit_cast(S, __builtin_bswap64(__builtin_bit_cast(uint64_t, x)));
    }
  }
  return x;
}

// Calls f with a zero of the C++ type that stores `dtype`.
template <class F>
NUMLOSS_INLINE auto with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32: return f(float{});
    case DType::kFloat64: return f(double{});
    case DType::kFloat16: return f(Half{});
    case DType::kBfloat16: return f(Bfloat{});
    case DType::kBool: return f(Bool{});
    case DType::kInt8: return f(int8_t{});
    case DType::kInt16: return f(int16_t{});
    case DType::kInt32: return f(int32_t{});
    case DType::kInt64: return f(int64_t{});
    case DType::kUint8: return f(uint8_t{});
    case DType::kUint16: return f(uint16_t{});
    case DType::kUint32: return f(uint32_t{});
    default: return f(uint64_t{});
  }
}

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::kFloat32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::kFloat64;
};

// Can elements at `from`, `stride` bytes apart, be read and written where they lie as elements of
// T?
template <class T>
bool is_native(const Operand& operand, const char* from, int64_t stride) {
  return operand.dtype == DTypeOf<T>::value && !operand.swapped &&
         stride % int64_t(sizeof(T)) == 0 && reinterpret_cast<uintptr_t>(from) % alignof(T) == 0;
}

// Can they be used as an array of T?
template <class T>
bool in_place(const Operand& operand, const char* from, int64_t stride) {
  return stride == sizeof(T) && is_native<T>(operand, from, stride);
}

// n elements, `stride` bytes apart, into `to`, `step` elements apart.
template <class T>
[[gnu::noinline]] void copy_in(const Operand& operand, const char* from, int64_t stride, int64_t n,
                               T* to, int64_t step) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    const bool aligned = reinterpret_cast<uintptr_t>(from) % alignof(S) == 0;
    if (operand.swapped) {
      for (int64_t i = 0; i < n; ++i) to[i * step] = T(widen(read<S>(from + i * stride, true)));
    } else if (stride == sizeof(S) && step == 1 && aligned) {
      const S* const x = reinterpret_cast<const S*>(from);
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) to[i] = T(widen(x[i]));
    } else {
      for (int64_t i = 0; i < n; ++i) to[i * step] = T(widen(read<S>(from + i * stride, false)));
    }
  });
}

// n elements of `from`, `step` apart, out to an output array.
template <class T>
[[gnu::noinline]] void copy_out(const Operand& operand, char* to, int64_t stride, int64_t n,
                                const T* from, int64_t step) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    if constexpr (__is_same(S, float) || __is_same(S, double) || __is_same(S, Half) ||
                  __is_same(S, Bfloat)) {
      const bool aligned = reinterpret_cast<uintptr_t>(to) % alignof(S) == 0;
      if (stride == sizeof(S) && step == 1 && aligned && !operand.swapped) {
        S* const x = reinterpret_cast<S*>(to);
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) x[i] = narrow<S>(from[i]);
      } else {
        for (int64_t i = 0; i < n; ++i) {
          S x = narrow<S>(from[i * step]);
          if (operand.swapped) x = read<S>(reinterpret_cast<const char*>(&x), true);
          __builtin_memcpy(to + i * stride, &x, sizeof(S));
        }
      }
    }
  });
}

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
// overlap those before, which writes the same elements twice.
template <class T>
[[gnu::noinline]] void transpose(const T* from, int64_t from_step, int64_t rows, int64_t columns,
                                 T* to, int64_t to_step) {
  if (rows < 4 || columns < 4) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) to[c * to_step + r] = from[r * from_step + c];
    }
    return;
  }
  for (int64_t r = 0; r < rows; r += 4) {
    const int64_t row = r < rows - 4 ? r : rows - 4;
    for (int64_t c = 0; c < columns; c += 4) {
      const int64_t column = c < columns - 4 ? c : columns - 4;
      transpose_quad(from + row * from_step + column, from_step, to + column * to_step + row,
                     to_step);
    }
  }
}

// Walks the examples of a block in C order, whatever the arrays' layout: runs along the innermost
// dimension, in which every operand has one stride.
class Examples {
 public:
  Examples(const Task& task, int64_t begin) : task_(task) {
    for (int d = task.ndim - 1; d >= 0; --d) {
      index_[d] = begin % task.shape[d];
      begin /= task.shape[d];
    }
  }

  // Examples left in the current run.
  int64_t run() const {
    return task_.ndim == 0 ? 1 : task_.shape[task_.ndim - 1] - index_[task_.ndim - 1];
  }

  char* address(const Operand& operand) const {
    int64_t offset = 0;
    for (int d = 0; d < task_.ndim; ++d) offset += index_[d] * operand.strides[d];
    return operand.data + offset;
  }

  int64_t stride(const Operand& operand) const {
    return task_.ndim == 0 ? 0 : operand.strides[task_.ndim - 1];
  }

  // n <= run().
  void advance(int64_t n) {
    int d = task_.ndim - 1;
    if (d < 0) return;
    index_[d] += n;
    while (d > 0 && index_[d] == task_.shape[d]) {
      index_[d] = 0;
      ++index_[--d];
    }
  }

 private:
  const Task& task_;
  int64_t index_[kMaxDims];
};

inline void advance(Examples& at, int64_t n) {
  while (n > 0) {
    const int64_t run = at.run() < n ? at.run() : n;
    at.advance(run);
    n -= run;
  }
}

// The next n examples of an operand as an array of T: where they lie, or gathered into buffer.
template <class T>
const T* load(const Operand& operand, const Examples& from, int64_t n, T* buffer) {
  const char* address = from.address(operand);
  if (from.run() >= n && in_place<T>(operand, address, from.stride(operand))) {
    return reinterpret_cast<const T*>(address);
  }
  Examples at = from;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    copy_in(operand, at.address(operand), at.stride(operand), run, buffer + done, 1);
    at.advance(run);
    done += run;
  }
  return buffer;
}

// Where the next n examples of an output may be written as T: in the array itself, or in buffer,
// which store() then takes out.
template <class T>
T* destination(const Operand& operand, const Examples& at, int64_t n, T* buffer) {
  char* address = at.address(operand);
  const bool direct = at.run() >= n && in_place<T>(operand, address, at.stride(operand));
  return direct ? reinterpret_cast<T*>(address) : buffer;
}

template <class T>
void store(const Operand& operand, const Examples& to, int64_t n, const T* from) {
  if (reinterpret_cast<const char*>(from) == to.address(operand)) return;
  Examples at = to;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    copy_out(operand, at.address(operand), at.stride(operand), run, from + done, 1);
    at.advance(run);
    done += run;
  }
}

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
