// Losses of forecast distributions, of which two parameters are predicted.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// log(2 pi)/2 where the first parameter, `full`, says so.
template <class T>
T half_log_2_pi(const double* parameters) {
  return parameters[0] != 0 ? T(0x1.d67f1c864beb5p-1) : T(0);
}

// Of a normal distribution with mean p and variance v: (log v + (p - t)²/v)/2, and log(2 pi)/2
// where it is `full`. With u = (p - t)/v and z = u (p - t): derivatives u and (1 - z)/(2 v), second
// ones 1/v and (z - 1/2)/v². Neither v² nor (p - t)² is computed, which would overflow or be lost,
// and the products that are subtracted from 1 keep all their digits.
template <class T>
struct GaussianNll {
  static constexpr const char* name = "gaussian_nll";
  static constexpr int heads = 2, parameters = 1;
  static constexpr double cost = 0.5;
  T constant;
  explicit GaussianNll(const double* parameters) : constant(half_log_2_pi<T>(parameters)) {}
  NUMLOSS_INLINE bool outside(Constant<kHeads + 1>, T variance) const { return variance <= T(0); }
  NUMLOSS_INLINE HeadDerivatives<T, 2> operator()(T mean, T variance, T target) const {
    const T r = mean - target, u = r / variance;
    return {T(0.5) * fma(u, r, log(variance)) + constant,
            {u, fma(T(-0.5) * u, r, T(0.5)) / variance},
            {keep_nan(r, T(1) / variance), fma(u, r, T(-0.5)) / variance / variance}};
  }
};

// The same of the logarithm s of the variance: (s + (p - t)² exp(-s))/2. With u = (p - t) exp(-s)
// and z = u (p - t): derivatives u and (1 - z)/2, second ones exp(-s) and z/2. The fourth root of
// exp(-s) goes in one by one, since the whole may overflow where the products do not.
template <class T>
struct GaussianNllLogVariance {
  static constexpr const char* name = "gaussian_nll_log_variance";
  static constexpr int heads = 2, parameters = 1;
  static constexpr double cost = 0.5;
  T constant;
  explicit GaussianNllLogVariance(const double* parameters)
      : constant(half_log_2_pi<T>(parameters)) {}
  NUMLOSS_INLINE HeadDerivatives<T, 2> operator()(T mean, T s, T target) const {
    const T r = mean - target, poison = r + s;
    const T root = exp(T(-0.25) * s);
    const T y = term(term(r, root), root), z = y * y;  // 0 where r is, whatever the variance
    const T value = z > Real<T>::kLargest ? z : fma(T(0.5), z, T(0.5) * s) + constant;
    const T precision = root * root * (root * root);
    return {
        keep_nan(poison, value),
        {keep_nan(poison, term(term(y, root), root)), keep_nan(poison, fma(T(-0.5), z, T(0.5)))},
        {keep_nan(poison, precision), keep_nan(poison, T(0.5) * z)}};
  }
};

// Of a Laplace distribution with median m and scale b: log b + |r|/b, and log 2 where it is full.
// Derivatives sign(r)/b and (1 - |r|/b)/b, second ones 0 and (2 |r|/b - 1)/b².
template <class T>
struct LaplaceNll {
  static constexpr const char* name = "laplace_nll";
  static constexpr int heads = 2, parameters = 1;
  static constexpr double cost = 0.5;
  T constant;
  explicit LaplaceNll(const double* parameters)
      : constant(parameters[0] != 0 ? T(0x1.62e42fefa39efp-1) : T(0)) {}
  NUMLOSS_INLINE bool outside(Constant<kHeads + 1>, T scale) const { return scale <= T(0); }
  NUMLOSS_INLINE HeadDerivatives<T, 2> operator()(T median, T scale, T target) const {
    const T r = median - target, size = abs(r), ratio = size / scale;
    const T unit = r < T(0) ? T(-1) : T(1);
    const T sign = size > T(0) ? unit : r;
    // (b - |r|)/b keeps the digits that 1 - |r|/b would not; of an infinite scale it is 1.
    const T excess = scale > Real<T>::kLargest ? T(1) : (scale - size) / scale;
    return {log(scale) + ratio + constant,
            {sign / scale, keep_nan(r, excess / scale)},
            {keep_nan(r + scale, T(0)), fma(T(2), ratio, T(-1)) / scale / scale}};
  }
};

// Of Student's t with location m, scale s and df degrees of freedom:
//   log s + (df + 1)/2 log(1 + r²/(df s²)), and a constant.
// With w = s sqrt(df), q the smaller of |r| and w over the larger one, and c = w²/(r² + w²): the
// logarithm is log(1 + q²), and 2 log(|r|/w) where |r| is the larger. No square of r or s is
// computed, and what sqrt(df) is above 1 divides r, so that w does not overflow. Derivatives:
//   (df + 1) r/(r² + w²) and (c - df (1 - c))/s,
// second ones:
//   (df + 1)(2c - 1)/(r² + w²) and ((df + 1)(1 - c)(1 + 2c) - 1)/s².
template <class T>
struct StudentTNll {
  static constexpr const char* name = "student_t_nll";
  static constexpr int heads = 2, parameters = 3;
  static constexpr double cost = 1.2;
  // Brings the quotient of any two numbers into range.
  static constexpr T kShrink = sizeof(T) == 4 ? T(0x1p-100) : T(0x1p-600);
  static constexpr T kLogShrink = (sizeof(T) == 4 ? T(-200) : T(-1200)) * T(0x1.62e42fefa39efp-1);
  T df, constant, divisor, factor, by_location, by_location_twice;
  explicit StudentTNll(const double* parameters)
      : df(T(parameters[0])),
        constant(T(parameters[1])),
        divisor(T(parameters[2] > 1 ? parameters[2] : 1)),
        factor(T(parameters[2] > 1 ? 1 : parameters[2])),
        by_location(T(parameters[0] + 1) / divisor),
        by_location_twice(by_location / divisor) {}
  NUMLOSS_INLINE bool outside(Constant<kHeads + 1>, T scale) const { return scale <= T(0); }
  // log(x/y) for x > y > 0, whose quotient may be beyond the largest number.
  NUMLOSS_INLINE static T log_quotient(T x, T y) {
    const T plain = x / y;
    const bool beyond = plain > Real<T>::kLargest;
    const T quotient = beyond ? (x * kShrink) / (y / kShrink) : plain;
    return log(quotient) - (beyond ? kLogShrink : T(0));
  }
  NUMLOSS_INLINE HeadDerivatives<T, 2> operator()(T location, T scale, T target) const {
    const T r = location - target, size = abs(r) / divisor, wide = scale * factor;
    const bool far = size > wide;
    const T larger = far ? size : wide, smaller = far ? wide : size;
    const T q = smaller / larger, square = q * q, inverse = T(1) / (T(1) + square);
    const T part = square * inverse;       // of the smaller one's square in the sum of both
    const T c = far ? part : inverse;      // w² in it
    const T share = far ? inverse : part;  // r² in it: 1 - c
    const T distance = far ? log_quotient(larger, smaller) : T(0);
    const T half = T(0.5) * (df + T(1));
    const T slope = by_location * ((far ? T(1) : q) * inverse / larger);
    const T curvature = by_location_twice * ((c - share) * inverse / larger / larger);
    return {log(scale) + (half * fma(T(2), distance, log1p_unit(square)) + constant),
            {r < T(0) ? -slope : slope, fma(-df, share, c) / scale},
            {curvature, fma((df + T(1)) * share, fma(T(2), c, T(1)), T(-1)) / scale / scale}};
  }
};

// The continuous ranked probability score of a normal distribution, s (z (2 Phi(z) - 1) + 2 phi(z)
// - 1/sqrt(pi)), z = (t - m)/s. Derivatives 1 - 2 Phi(z) and 2 phi(z) - 1/sqrt(pi), second ones 2
// phi(z)/s and 2 phi(z) z²/s.
template <class T>
struct CrpsGaussian {
  static constexpr const char* name = "crps_gaussian";
  static constexpr int heads = 2, parameters = 0;
  static constexpr double cost = 1.0;
  explicit CrpsGaussian(const double*) {}
  NUMLOSS_INLINE bool outside(Constant<kHeads + 1>, T sigma) const { return sigma <= T(0); }
  NUMLOSS_INLINE HeadDerivatives<T, 2> operator()(T mean, T sigma, T target) const {
    const T r = target - mean, z = r / sigma;
    const Normal<T> n = normal(z);
    const T spread = fma(T(2), n.density, T(-0x1.20dd750429b6dp-1));  // -1/sqrt(pi)
    const T bend = T(2) * n.density;
    // The density is 0 before z² is infinite.
    return {fma(r, n.within, sigma * spread),
            {T(0) - n.within, spread},
            {bend / sigma, term(term(bend, z), z) / sigma}};
  }
};

// (u - l) + 2/alpha (the distance of the target from [l, u]). Derivatives by a bound that the
// target is beyond 2/alpha - 1, else -1 by the lower and 1 by the upper; 0 at the kink.
template <class T>
struct IntervalScore {
  static constexpr const char* name = "interval_score";
  static constexpr int heads = 2, parameters = 1;
  static constexpr double cost = 0.4;
  T factor;
  explicit IntervalScore(const double* parameters) : factor(T(2 / parameters[0])) {}
  NUMLOSS_INLINE HeadDerivatives<T, 2> operator()(T lower, T upper, T target) const {
    const T below = lower - target, above = target - upper;
    const T beneath = below > T(0) ? factor - T(1) : T(-1);
    const T over = above > T(0) ? T(1) - factor : T(1);
    const T missed = (below > T(0) ? below : T(0)) + (above > T(0) ? above : T(0));
    const T poison = below + above;
    return {keep_nan(poison, fma(factor, missed, upper - lower)),
            {keep_nan(poison, abs(below) > T(0) ? beneath : T(0)),
             keep_nan(poison, abs(above) > T(0) ? over : T(0))},
            {keep_nan(poison, T(0)), keep_nan(poison, T(0))}};
  }
};

}  // namespace

NUMLOSS_LOSS(GaussianNll) = elements<GaussianNll>();
NUMLOSS_LOSS(GaussianNllLogVariance) = elements<GaussianNllLogVariance>();
NUMLOSS_LOSS(LaplaceNll) = elements<LaplaceNll>();
NUMLOSS_LOSS(StudentTNll) = elements<StudentTNll>();
NUMLOSS_LOSS(CrpsGaussian) = elements<CrpsGaussian>();
NUMLOSS_LOSS(IntervalScore) = elements<IntervalScore>();

}  // namespace numloss::NUMLOSS_ISA
