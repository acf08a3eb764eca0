// Elementary functions for the kernels: branch-free scalar formulas that `#pragma omp simd`
// vectorises. Every operation is an IEEE basic operation or an explicit fma, so any vector width,
// compiler and instruction set gives the same bits. Nothing here calls libm (but for fma on CPUs
// without one). Coefficients: tools/fit_polynomials.py. Errors: docs/accuracy.md, from
// tests/accuracy.
#pragma once

#include <cstdint>

#include "../../runtime/constants.hpp"
#include "../../runtime/inline.hpp"
#include "vector.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

template <class T>
struct Real;

template <>
struct Real<float> {
  using Bits = uint32_t;  // arithmetic modulo 2^32: a NaN's garbage cannot overflow
  static constexpr int kMantissaBits = 23;
  static constexpr Bits kExponentBias = 127;
  static constexpr float kInfinity = __builtin_inff();
  static constexpr float kNan = __builtin_nanf("");
  static constexpr float kSmallestNormal = 0x1p-126f, kLargest = 0x1.fffffep127f;
  // Beside x >= kFar, log(x) and 1 are nothing; beside 1, what is below kNear. Their squares are
  // normal.
  static constexpr float kFar = 0x1p40f, kNear = 0x1p-26f;
  // 1.5 * 2^23: adding it rounds to an integer that then sits in the low mantissa bits.
  static constexpr float kRounder = 0x1.8p23f;
  static constexpr float kLog2e = 0x1.715476p0f;
  static constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;
  // exp(kExpZero) < half the smallest subnormal, and rounds to 2^-(bias + guard): there the factor
  // of exp_nonpositive is 0, and no product underflows, which costs 150 cycles on some CPUs.
  // exp(kExpOverflow) > the largest float.
  static constexpr float kExpZero = kExpZeros.single, kExpOverflow = 89.0f;
  static constexpr int kExpGuard = 24;  // 2^(n + guard) stays normal for every n that counts
  static constexpr float kExpGuardScale = 0x1p-24f;
  static constexpr Bits kSqrtHalf = 0x3f3504f3;
  static constexpr float kExp[] = {0x1p-1f, 0x1.5554dcp-3f, 0x1.555518p-5f, 0x1.120be2p-7f,
                                   0x1.6d117cp-10f};
  static constexpr float kLog[] = {0x1.555556p-1f, 0x1.9999ecp-2f, 0x1.245c28p-2f, 0x1.ddd4dap-3f};
  static constexpr float kLog1pUnit[] = {0x1.555556p-1f, 0x1.999a6cp-2f, 0x1.242c5ap-2f,
                                         0x1.e66d7p-3f};
  static constexpr float kFactorialAbove[] = {0x1.2788dp-1f, 0x1.8fa1acp-1f, 0x1.271f9cp-2f,
                                              0x1.b5e9b2p-6f, 0x1.4d058ep-13f};
  static constexpr float kFactorialBelow[] = {0x1p+0f, 0x1.c6f158p+0f, 0x1.f85f26p-1f, 0x1.7c79p-3f,
                                              0x1.1dcb1ap-7f};
  static constexpr float kStirling[] = {0x1.555554p-4f, -0x1.6bd654p-9f, 0x1.7e1934p-11f};
  static constexpr float kNormalWithin[] = {0x1.988454p-1f,  -0x1.105836p-3f, 0x1.46cfccp-6f,
                                            -0x1.3731f8p-9f, 0x1.e28286p-13f, -0x1.30160ap-16f,
                                            0x1.000c78p-20f};
  static constexpr float kNormalAbove[] = {0x1.ffcf48p-1f, 0x1.89ee58p-1f, 0x1.1317c6p-2f,
                                           0x1.65d102p-5f};
  static constexpr float kNormalBelow[] = {0x1p+0f, 0x1.90c77cp+0f, 0x1.0588fap+0f, 0x1.589bf8p-2f,
                                           0x1.c07ebap-5f};
  // A normal number is beyond it less often than once in half a place of 1: 1.0 minus that is 1.0.
  static constexpr float kNormalEnd = 5.6f;
};

template <>
struct Real<double> {
  using Bits = uint64_t;
  static constexpr int kMantissaBits = 52;
  static constexpr Bits kExponentBias = 1023;
  static constexpr double kInfinity = __builtin_inf();
  static constexpr double kNan = __builtin_nan("");
  static constexpr double kSmallestNormal = 0x1p-1022, kLargest = 0x1.fffffffffffffp1023;
  static constexpr double kFar = 0x1p80, kNear = 0x1p-55;
  static constexpr double kRounder = 0x1.8p52;
  static constexpr double kLog2e = 0x1.71547652b82fep0;
  static constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr double kExpZero = kExpZeros.wide, kExpOverflow = 710.0;
  static constexpr int kExpGuard = 54;
  static constexpr double kExpGuardScale = 0x1p-54;
  static constexpr Bits kSqrtHalf = 0x3fe6a09e667f3bcd;
  static constexpr double kExp[] = {
      0x1.0000000000001p-1,  0x1.5555555555556p-3,  0x1.5555555553d37p-5,  0x1.11111111109a6p-7,
      0x1.6c16c1789d1d7p-10, 0x1.a01a01a7cebcdp-13, 0x1.a019b8ca26fcfp-16, 0x1.71de0d85293b8p-19,
      0x1.2891d4ffbb0f9p-22, 0x1.af390ba7e6f47p-26};
  static constexpr double kLog[] = {
      0x1.5555555555555p-1, 0x1.9999999999a39p-2, 0x1.2492492476a1ap-2, 0x1.c71c7201a55d7p-3,
      0x1.745cf8e4bba1bp-3, 0x1.3b1c3c1c81c8fp-3, 0x1.0fbde0f4ad17bp-3, 0x1.0c0aff044a97p-3};
  static constexpr double kLog1pUnit[] = {
      0x1.5555555555555p-1, 0x1.9999999999989p-2, 0x1.249249249500bp-2,
      0x1.c71c71c1b0507p-3, 0x1.745d19fac65e7p-3, 0x1.3b12ef4d5d8c1p-3,
      0x1.1130d743d511bp-3, 0x1.dbda7a4188a45p-4, 0x1.fcd9cadda7405p-4};
  static constexpr double kFactorialAbove[] = {
      0x1.2788cfc6fb619p-1,  0x1.f9978c73ac58ap+0, 0x1.5b72984b4a3f5p+1, 0x1.ecb03770049adp+0,
      0x1.81a68071e65fp-1,   0x1.4b8834cc757dfp-3, 0x1.25ee3d18400e2p-6, 0x1.d1761916cee4p-11,
      0x1.d726baaa9f9a7p-17, 0x1.ee07a30432877p-27};
  static constexpr double kFactorialBelow[] = {0x1p+0,
                                               0x1.ec57d788bb14ep+1,
                                               0x1.845461d8b180cp+2,
                                               0x1.44dd129b9684ep+2,
                                               0x1.37b615810831ep+1,
                                               0x1.5b2036b95c709p-1,
                                               0x1.b214d65a96102p-4,
                                               0x1.188497f0850bbp-7,
                                               0x1.3cb8a377e19a2p-12,
                                               0x1.a435e1ea13533p-19};
  static constexpr double kStirling[] = {
      0x1.5555555555549p-4,   -0x1.6c16c16b58ef1p-9, 0x1.a019fdc70bac5p-11,
      -0x1.38118d9bab2e4p-11, 0x1.b8d0473e344fcp-11, -0x1.ece9c7854c029p-10,
      0x1.69a3dd3a3a3ebp-8,   -0x1.fe20646ddc9c5p-7, 0x1.a7b69c71528fdp-6};
  static constexpr double kNormalWithin[] = {
      0x1.9884533d43651p-1,  -0x1.1058377e2cedep-3,  0x1.46d0429768ffcp-6,  -0x1.37403f6b95e06p-9,
      0x1.e42b0d4dc347fp-13, -0x1.3ce8fa42d1304p-16, 0x1.658a0f1b87b86p-20, -0x1.6220a85865176p-24,
      0x1.385be08fb6e96p-28, -0x1.ee928b1d0eda1p-33, 0x1.56862e4f01462p-37, -0x1.4e83e6b3f2441p-42};
  static constexpr double kNormalAbove[] = {
      0x1.0000000a65ff8p+0, 0x1.73ab8cef9a755p+0,  0x1.0a84b7251bdafp+0,
      0x1.e137c4291a838p-2, 0x1.2865cae966e97p-3,  0x1.fd5086a8d1927p-6,
      0x1.2b63a0e0dd52dp-8, 0x1.bd980a0ccf19bp-12, 0x1.4b041d2af7ca9p-16};
  static constexpr double kNormalBelow[] = {0x1p+0,
                                            0x1.1ff6db6fd9e36p+1,
                                            0x1.2b057e4b4cf68p+1,
                                            0x1.799877bfe2189p+0,
                                            0x1.40f61c69251efp-1,
                                            0x1.7f1a9757762cp-3,
                                            0x1.4387538c01d4cp-5,
                                            0x1.78d968cef2f19p-8,
                                            0x1.173c0cc314553p-11,
                                            0x1.9eddfb964969dp-16};
  // A normal number is beyond it less often than once in half a place of 1: 1.0 minus that is 1.0.
  static constexpr double kNormalEnd = 8.5;
};

// The words that hold the bits of a number, or of a vector's.
template <class V>
struct BitsOf {
  using type = typename Real<V>::Bits;
};
template <>
struct BitsOf<Vector<float>> {
  using type = Vector<uint32_t>;
};
template <>
struct BitsOf<Vector<double>> {
  using type = Vector<uint64_t>;
};

template <class V>
NUMLOSS_INLINE typename BitsOf<V>::type bits_of(V x) {
  return __builtin_bit_cast(typename BitsOf<V>::type, x);
}

template <class T>
NUMLOSS_INLINE T abs(T x) {
  return sizeof(T) == 4 ? T(__builtin_fabsf(float(x))) : T(__builtin_fabs(double(x)));
}

// An instruction of every processor, right to half a unit.
NUMLOSS_INLINE float sqrt(float x) { return __builtin_sqrtf(x); }
NUMLOSS_INLINE double sqrt(double x) { return __builtin_sqrt(x); }

template <class T>
NUMLOSS_INLINE bool is_nan(T x) {
  return x != x;
}

template <class T>
NUMLOSS_INLINE bool is_normal(T x) {
  return abs(x) >= Real<T>::kSmallestNormal && abs(x) <= Real<T>::kLargest;
}

// Whether to divide by it is to multiply by its inverse, as precisely as double is.
inline bool is_divisor(double x) { return is_normal(x) && is_normal(1 / x); }

// x where it is NaN, else value: what keeps a comparison from swallowing a NaN.
template <class T>
NUMLOSS_INLINE T keep_nan(T x, T value) {
  return is_nan(x) ? x : value;
}

// factor * x, 0 where the factor is 0 even if x is infinite: a term that is not there.
template <class T>
NUMLOSS_INLINE T term(T factor, T x) {
  return factor == T(0) ? T(0) : factor * x;
}

// A target that rounding has put outside [0, 1] is taken for 0 or 1.
template <class T>
NUMLOSS_INLINE T within_unit(T t) {
  const T low = t < T(0) ? T(0) : t;
  return low > T(1) ? T(1) : low;
}

// A factor that is the same for all elements; times(y) is term(x, y) without a comparison, of which
// compilers would make two loops, and four of two.
template <class T>
struct Factor {
  T x;
  typename Real<T>::Bits mask;
  NUMLOSS_INLINE explicit Factor(T x) : x(x), mask(x == T(0) ? 0 : ~typename Real<T>::Bits(0)) {}
  NUMLOSS_INLINE T times(T y) const { return __builtin_bit_cast(T, bits_of(x * y) & mask); }
};

// Behind the parameters of a lambda. Left as a function, as GCC leaves those of a file that grows,
// it keeps the loop around it from being vectorised.
#define NUMLOSS_INLINE_LAMBDA __attribute__((always_inline))

// f(0), ..., f(kCount - 1). A formula written as such stages computes several numbers in step:
// their chains of dependent operations interleave, which the scheduler of a CPU is too small to
// find out.
template <int kCount>
NUMLOSS_INLINE void each(auto&& f) {
  f(0);
  if constexpr (kCount > 1) f(1);
  if constexpr (kCount > 2) f(2);
  if constexpr (kCount > 3) f(3);
  if constexpr (kCount > 4) f(4);
}

// Horner's rule for several arguments, unrolled at compile time so that the coefficients become
// immediates.
template <int kIndex, int kCount, int kTerms, class T, class V>
NUMLOSS_INLINE void horner(const T (&coefficients)[kTerms], const V (&x)[kCount], V (&y)[kCount]) {
  if constexpr (kIndex < kTerms - 1) horner<kIndex + 1>(coefficients, x, y);
  const V coefficient = constant<V>(coefficients[kIndex]);
  if constexpr (kIndex == kTerms - 1) {
    each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { y[i] = coefficient; });
  } else {
    each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { y[i] = fma(y[i], x[i], coefficient); });
  }
}

template <class T>
NUMLOSS_INLINE T polynomial(const auto& coefficients, T x) {
  const T argument[] = {x};
  T result[1];
  horner<0>(coefficients, argument, result);
  return result[0];
}

// 2^n, n within the normal exponents.
template <class T>
NUMLOSS_INLINE T power_of_two(typename Real<T>::Bits n) {
  using R = Real<T>;
  return __builtin_bit_cast(T, (n + R::kExponentBias) << R::kMantissaBits);
}

// The coefficients of exp times a power of two, with which every step of Horner's rule gives the
// same bits but for the exponent.
template <class T>
struct ScaledExp {
  static constexpr int kTerms = sizeof(Real<T>::kExp) / sizeof(T);
  T coefficient[kTerms];
  constexpr explicit ScaledExp(T scale) : coefficient() {
    for (int i = 0; i < kTerms; ++i) coefficient[i] = Real<T>::kExp[i] * scale;
  }
};

// x = n ln 2 + r with |r| <= ln(2)/2: exp(r) 2^-kGuard, and a word whose low bits are those of
// n + kBias.
template <int kBias, int kGuard, int kCount, class V>
NUMLOSS_INLINE void exp_parts(const V (&x)[kCount], V (&mantissa)[kCount],
                              typename BitsOf<V>::type (&n)[kCount]) {
  using T = Lane<V>;
  using R = Real<T>;
  V r[kCount];
  {
    const V log2e = constant<V>(R::kLog2e), rounder = constant<V>(R::kRounder + T(kBias));
    each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { mantissa[i] = fma(x[i], log2e, rounder); });
    each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { n[i] = bits_of(mantissa[i]); });
    each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { mantissa[i] -= rounder; });
  }
  // Two parts of ln 2 with fma: the reduced argument is right to the last bit it can hold.
  const V high = constant<V>(R::kLn2High);
  each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { r[i] = fma(-mantissa[i], high, x[i]); });
  const V low = constant<V>(R::kLn2Low);
  each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { r[i] = fma(-mantissa[i], low, r[i]); });
  // Errors in ULP for r < 0, the worse half: 0.5 of the last rounding, 0.25 of r's, 0.17 of the
  // inner fma's times |r|, 0.06 of the tail's times r².
  constexpr T kScale = kGuard == 0 ? T(1) : R::kExpGuardScale;
  static_assert(kGuard == 0 || kGuard == R::kExpGuard);
  constexpr ScaledExp<T> kScaled(kScale);
  horner<0>(kScaled.coefficient, r, mantissa);
  const V scale = constant<V>(kScale);
  each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { mantissa[i] = fma(r[i], mantissa[i], scale); });
  each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { mantissa[i] = fma(r[i], mantissa[i], scale); });
}

NUMLOSS_INLINE float least_exp_argument(float) { return kLeastExpArgument.single; }
NUMLOSS_INLINE double least_exp_argument(double) { return kLeastExpArgument.wide; }

// exp(x) for x <= 0, in place. Domain [-inf, 0], 1 ULP, subnormal results included; exp(-inf) = 0
// exactly, NaN stays. Spares the overflow handling of exp: the form that softmax and sigmoid need.
template <int kCount, class V>
NUMLOSS_INLINE void exp_nonpositive(V (&x)[kCount]) {
  using T = Lane<V>;
  using R = Real<T>;
  constexpr int kBias = R::kExpGuard + int(R::kExponentBias);
  V mantissa[kCount];
  typename BitsOf<V>::type n[kCount];
  const V least = V{} + least_exp_argument(T());
  each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA { x[i] = x[i] < least ? least : x[i]; });
  exp_parts<kBias, R::kExpGuard>(x, mantissa, n);
  each<kCount>([&](int i) NUMLOSS_INLINE_LAMBDA {
    x[i] = mantissa[i] * __builtin_bit_cast(V, n[i] << R::kMantissaBits);
  });
}

template <class T>
NUMLOSS_INLINE T exp_nonpositive(T x) {
  T one[] = {x};
  exp_nonpositive<1>(one);
  return one[0];
}

// exp(x) on the whole line: 1 ULP, subnormal results included, overflow to +inf, NaN stays.
template <class T>
NUMLOSS_INLINE T exp(T x) {
  using R = Real<T>;
  x = x < R::kExpZero ? R::kExpZero : x;
  x = x > R::kExpOverflow ? R::kExpOverflow : x;
  const T argument[] = {x};
  T mantissa[1];
  typename R::Bits shifted[1];
  exp_parts<0, 0>(argument, mantissa, shifted);
  // Two factors: 2^n itself may be beyond the exponents at either end.
  // The even offset makes n nonnegative, so that a logical shift halves it: AVX2 has no arithmetic
  // shift of 64-bit integers.
  constexpr typename R::Bits kOffset = 2048;
  const auto n = shifted[0] - bits_of(R::kRounder);
  const auto half = ((n + kOffset) >> 1) - kOffset / 2;
  return mantissa[0] * power_of_two<T>(half) * power_of_two<T>(n - half);
}

// exp(x) - 1 on the whole line: 2 ULP, subnormal results included, -1 at -inf, overflow to +inf,
// NaN stays. With x = n ln 2 + r it is 2^n (exp(r) - 1) + (2^n - 1), 2^n in two factors as in exp.
template <class T>
NUMLOSS_INLINE T expm1(T x) {
  using R = Real<T>;
  x = x < R::kExpZero ? R::kExpZero : x;
  x = x > R::kExpOverflow ? R::kExpOverflow : x;
  const T shifted = fma(x, R::kLog2e, R::kRounder);
  const T turns = shifted - R::kRounder;
  const T r = fma(-turns, R::kLn2Low, fma(-turns, R::kLn2High, x));
  const T growth = fma(r * polynomial(R::kExp, r), r, r);
  constexpr typename R::Bits kOffset = 2048;
  const auto n = bits_of(shifted) - bits_of(R::kRounder);
  const auto half = ((n + kOffset) >> 1) - kOffset / 2;
  const T factor = power_of_two<T>(half), one = power_of_two<T>(half - n);  // one: 1 / the other
  return fma(factor, growth, factor - one) * power_of_two<T>(n - half);
}

// log(2^k (1 + f)) plus a small correction, the polynomial fitted to the range of f:
// k ln2 + f - (f²/2 - s (f²/2 + R(s²))), s = f/(2+f), the arrangement of FDLIBM's e_log.c (Sun
// Microsystems, 1993): f enters exactly, the rest is small beside it.
template <class T>
NUMLOSS_INLINE T log_sum(T f, T k, T correction, const auto& coefficients) {
  using R = Real<T>;
  const T s = f / (T(2) + f);
  const T z = s * s;
  const T tail = z * polynomial(coefficients, z);
  const T half_square = T(0.5) * f * f;
  const T low = fma(k, R::kLn2Low, correction);
  return fma(k, R::kLn2High, f - (half_square - fma(s, half_square + tail, low)));
}

// Exponent k and f of a positive normal x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)).
template <class T>
struct LogParts {
  T f, k;
};

template <class T>
NUMLOSS_INLINE LogParts<T> log_parts(T x) {
  using R = Real<T>;
  using Bits = typename R::Bits;
  const Bits bits = bits_of(x);
  constexpr Bits kOne = R::kExponentBias << R::kMantissaBits;
  const Bits k = ((bits + (kOne - R::kSqrtHalf)) >> R::kMantissaBits) - R::kExponentBias;
  const Bits mantissa = bits - (k << R::kMantissaBits);
  // k + rounder, then minus rounder, turns the integer into a float with an add that every
  // instruction set has (AVX2 has no conversion from 64-bit integers).
  const T kf = __builtin_bit_cast(T, bits_of(R::kRounder) + k) - R::kRounder;
  return {__builtin_bit_cast(T, mantissa) - T(1), kf};
}

// log(x): 1 ULP, subnormal arguments included; log(0) = -inf, log(x < 0) = NaN, log(inf) = inf.
template <class T>
NUMLOSS_INLINE T log(T x) {
  using R = Real<T>;
  const bool subnormal = x < R::kSmallestNormal;
  const LogParts<T> parts = log_parts(subnormal ? x / R::kExpGuardScale : x);
  const T k = subnormal ? parts.k - T(R::kExpGuard) : parts.k;
  T result = log_sum(parts.f, k, T(0), R::kLog);
  result = x < R::kInfinity ? result : x;  // +inf and NaN
  result = x == T(0) ? -R::kInfinity : result;
  return x < T(0) ? R::kNan : result;
}

// log(1 + x) for x >= -1: 1 ULP; log1p(-1) = -inf, log1p(inf) = inf, NaN stays.
template <class T>
NUMLOSS_INLINE T log1p(T x) {
  using R = Real<T>;
  const T u = T(1) + x;
  // What the rounding of 1 + x lost (Knuth's TwoSum), as a share of u.
  const T x_part = u - T(1);
  const T lost = (T(1) - (u - x_part)) + (x - x_part);
  const LogParts<T> parts = log_parts(u);
  T result = log_sum(parts.f, parts.k, lost / u, R::kLog);
  result = u < R::kInfinity ? result : u;
  result = u == T(0) ? -R::kInfinity : result;
  return u < T(0) ? R::kNan : result;
}

// log(1 + u) for u in [0, 1], 1 ULP, without taking an exponent apart: u itself below 1/2, else
// half of 1 + u, less 1 (exact). NaN stays.
template <class T>
NUMLOSS_INLINE T log1p_unit(T u) {
  const bool upper = u >= T(0.5);
  const T f = upper ? fma(T(0.5), u, T(-0.5)) : u;
  return log_sum(f, upper ? T(1) : T(0), T(0), Real<T>::kLog1pUnit);
}

// x - log(1 + x) for x >= 0, 3 ULP: x²/2 near 0, where the difference itself would have no digits.
// With 1 + x = 2^k (1 + f), f = x and k = 0 below 1/2, log(1 + x) is k ln 2 + f - g(f), as in
// log_sum, and this is (x - f) - k ln 2 + g(f), x - f as (1 - 2^-k)(1 + x). NaN stays.
template <class T>
NUMLOSS_INLINE T log1p_gap(T x) {
  using R = Real<T>;
  // Beyond it the logarithm is lost beside x, and any will do: 2^-k must stay normal.
  const T within = x > R::kFar ? R::kFar : x;
  const T k = within < T(0.5) ? T(0) : log_parts(T(1) + within).k;
  const T share = power_of_two<T>(bits_of(R::kRounder) - bits_of(R::kRounder + k));  // 2^-k
  const T rest = T(1) - share;
  const T f = fma(within, share, -rest);
  const T s = f / (T(2) + f);
  const T z = s * s;
  const T half_square = T(0.5) * f * f;
  const T gap = half_square - s * fma(z, polynomial(R::kLog1pUnit, z), half_square);
  return fma(x, rest, fma(-k, R::kLn2High, rest)) + fma(-k, R::kLn2Low, gap);
}

// The parts of the logistic function that a stable loss needs, from one exponential: probability
// and complement within 3 ULP, variance within 6, softplus within 2.
template <class T>
struct Logistic {
  T probability;  // 1 / (1 + exp(-x))
  T complement;   // 1 / (1 + exp(x)), without the cancellation of 1 - probability
  T variance;     // probability * complement
  T decay;        // exp(-|x|)
  T log1p_decay;  // log(1 + decay); softplus(x) = max(x, 0) + this
};

template <class T>
NUMLOSS_INLINE Logistic<T> logistic(T x) {
  const T decay = exp_nonpositive(-abs(x));
  const T larger = T(1) / (T(1) + decay);
  const T smaller = decay * larger;
  return {x < T(0) ? smaller : larger, x < T(0) ? larger : smaller, smaller * larger, decay,
          log1p_unit(decay)};
}

// base^exponent for base in [0, 1] and exponent >= 0: exp(exponent * log(base)). 0^0 = 1, NaN
// stays. The relative error grows as |exponent * log(base)| ULP, the price of one logarithm in
// working precision.
template <class T>
NUMLOSS_INLINE T power(T base, T exponent) {
  const T logarithm = log(base);
  // Finite, so that 0 times it is 0.
  return exp(exponent * (logarithm < -Real<T>::kLargest ? -Real<T>::kLargest : logarithm));
}

// log(t!) = log(gamma(t + 1)) for t >= 0, 5 ULP; 0 for 0 and 1, log(inf!) = inf, NaN stays. Below
// 5/2 its zeros times what is left, above it Stirling's formula for w = t + 1, whose tail is 1/w
// times a polynomial in 1/w² (fitted, not the series, which diverges). log w - 1 and w - 1/2 are
// multiplied before they can cancel.
template <class T>
NUMLOSS_INLINE T log_factorial(T t) {
  using R = Real<T>;
  const bool low = t < T(2.5);
  const T small = low ? t : T(0);  // a square of a large one would be infinite over infinite
  const T ratio = polynomial(R::kFactorialAbove, small) / polynomial(R::kFactorialBelow, small);
  const T w = t + T(1), inverse = T(1) / w;
  const T tail = inverse * polynomial(R::kStirling, inverse * inverse);
  constexpr T kRest = T(0x1.acfe390c97d69p-2);  // (log(2 pi) - 1) / 2
  const T stirling = fma(w - T(0.5), log(w) - T(1), kRest + tail);
  return low ? T(0) + small * (small - T(1)) * ratio : stirling;  // 0 +: no negative zero
}

// What is known of a normal number at z deviations from its mean.
template <class T>
struct Normal {
  T density;  // exp(-z²/2) / sqrt(2 pi), 3 ULP beside the rounding of z
  T within;   // the chance to lie nearer to the mean, erf(|z| / sqrt(2)), with the sign of z: 2 ULP
};

template <class T>
NUMLOSS_INLINE Normal<T> normal(T z) {
  using R = Real<T>;
  // Beyond 40 the density is 0, and a square would at last be infinite.
  const T a = abs(z) > T(40) ? T(40) : abs(z);
  const T square = a * a;
  const T lost = fma(a, a, -square);  // what rounding took of it, which exp would magnify
  const T decay = exp_nonpositive(T(-0.5) * square) * fma(T(-0.5), lost, T(1));
  const T end = a > R::kNormalEnd ? R::kNormalEnd : a;
  const T beyond = decay * polynomial(R::kNormalAbove, end) / polynomial(R::kNormalBelow, end);
  const T near = a * polynomial(R::kNormalWithin, square);
  const T within = a < T(1.25) ? near : T(1) - beyond;
  constexpr T kPeak = T(0x1.9884533d43651p-2);  // 1 / sqrt(2 pi)
  return {kPeak * decay, z < T(0) ? -within : within};
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
