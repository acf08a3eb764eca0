// The element types of arrays: reading, widening to a type of arithmetic, narrowing back.
#pragma once

#include "../../runtime/table.hpp"
#include "../arithmetic/math.hpp"

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

// IEEE binary16 to float: exact, subnormals by a multiplication that cannot round; a signalling NaN
// becomes quiet.
NUMLOSS_INLINE float widen(Half x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000) << 16;
  const uint32_t rest = uint32_t(x.bits & 0x7fff) << 13;
  const bool special = (x.bits & 0x7c00) == 0x7c00, nan = (x.bits & 0x7fff) > 0x7c00;
  const float scaled = __builtin_bit_cast(float, rest) * 0x1p112f;
  const uint32_t finite = __builtin_bit_cast(uint32_t, scaled);
  const uint32_t quiet = nan ? 0x7fc00000u : 0x7f800000u;
  return __builtin_bit_cast(float, sign | (special ? rest | quiet : finite));
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
  result = is_nan(x) ? 0x7e00u | ((m >> 13) & 0x1ff) : result;
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

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
