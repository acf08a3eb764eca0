// Losses of a residual r = prediction - target that outliers move less than they move its square.
// All but `robust` are r²/2 near 0. Ratios of r and a scale are not squared where that overflows.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// A parameter above 0, which stays so in float32 and finite.
template <class T>
NUMLOSS_INLINE T scale_of(double parameter) {
  const T x = T(parameter);
  const T above = x < Real<T>::kSmallestNormal ? Real<T>::kSmallestNormal : x;
  return above > Real<T>::kLargest ? Real<T>::kLargest : above;
}

// x with the sign of r; 0 stays 0.
template <class T>
NUMLOSS_INLINE T with_sign(T r, T x) {
  return r < T(0) ? T(0) - x : x;
}

template <class T>
NUMLOSS_INLINE T clipped(T x, T limit) {
  const T low = x < -limit ? -limit : x;
  return low > limit ? limit : low;
}

// delta² (h - 1) with h = sqrt(1 + (r/delta)²), here as r²/(1 + h). Derivatives r/h and 1/h³.
// Beyond far deltas h is |r|/delta.
template <class T>
struct PseudoHuber {
  static constexpr const char* name = "pseudo_huber";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.3;
  T delta, far;
  explicit PseudoHuber(const double* parameters)
      : delta(scale_of<T>(parameters[0])), far(scale_of<T>(double(delta) * Real<T>::kFar)) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    const T near = clipped(r, far);
    const T ratio = near / delta;
    const T h = sqrt(fma(ratio, ratio, T(1)));
    const T whole = abs(r) / delta;
    const T inverse = T(1) / (h > whole ? h : whole);
    return {r * (near / (T(1) + h)), near / h, inverse * inverse * inverse};
  }
};

// log cosh r. With t = tanh |r| = -m/(2 + m), m = exp(-2|r|) - 1: -log(1 - t²)/2 near 0, and
// |r| - log 2 + log(1 + exp(-2|r|)) from t = 1/2 on, so that one logarithm of 1 + x, x in [-1/4,
// 1/3], does for both. Derivatives t sign(r) and 1 - t² = 4 d/(1 + d)² with d = exp(-2|r|).
template <class T>
struct LogCosh {
  static constexpr const char* name = "log_cosh";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.7;
  explicit LogCosh(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    using R = Real<T>;
    const T r = prediction - target, size = abs(r);
    const T m = expm1(T(-2) * size);
    const T t = (T(0) - m) / (T(2) + m);
    const bool near = t < T(0.5);
    const T logarithm = log_sum(near ? -t * t : T(1) + m, T(0), T(0), R::kLog1pUnit);
    const T rest = (size - R::kLn2High) - R::kLn2Low;
    const T d = exp_nonpositive(T(-2) * size), whole = T(1) + d;
    return {near ? T(0) - T(0.5) * logarithm : rest + logarithm, with_sign(r, t),
            T(4) * d / (whole * whole)};
  }
};

// c² (s - log(1 + s)), s = |r|/c. Derivatives r/(1 + s) and 1/(1 + s)².
template <class T>
struct Fair {
  static constexpr const char* name = "fair";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.5;
  T c;
  explicit Fair(const double* parameters) : c(scale_of<T>(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    using R = Real<T>;
    const T r = prediction - target, size = abs(r);
    const T s = size / c, whole = T(1) + s, inverse = T(1) / whole;
    const bool far = s > R::kFar;
    const T middle = c * (c * log1p_gap(s));
    const T value = far ? c * size : middle;
    const T first = size / whole;
    return {s < R::kNear ? T(0.5) * r * r : value, with_sign(r, far ? c : first),
            inverse * inverse};
  }
};

// c²/2 log(1 + s²), s = |r|/c. Derivatives r/(1 + s²) and (1 - s²)/(1 + s²)². From far on
// log(1 + s²) is 2 log s, and 1 + s² s times s.
template <class T>
struct Cauchy {
  static constexpr const char* name = "cauchy";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.5;
  T c;
  explicit Cauchy(const double* parameters) : c(scale_of<T>(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    using R = Real<T>;
    const T r = prediction - target, size = abs(r);
    const T s = size / c, square = s * s;
    const bool far = s > R::kFar;
    const T value = (far ? T(1) : T(0.5)) * c * (c * log1p(far ? s : square));
    const T whole = far ? s : T(1) + square;
    const T share = T(1) / whole;
    const T bend = far ? T(-1) : (T(1) - s) * (T(1) + s);  // 1 - square keeps fewer digits
    return {s < R::kNear ? T(0.5) * r * r : value, with_sign(r, (far ? c : size) / whole),
            bend * share * share};
  }
};

// c²/6 (1 - (1 - u)³) with u = (r/c)², r clipped to [-c, c]. Derivatives r (1 - u)² and
// (1 - u)(1 - 5u); 1 - u as (c - |r|)(c + |r|)/c², without its cancellation.
template <class T>
struct TukeyBiweight {
  static constexpr const char* name = "tukey_biweight";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.25;
  T c;
  explicit TukeyBiweight(const double* parameters) : c(scale_of<T>(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = clipped(prediction - target, c);
    const T ratio = r / c, u = ratio * ratio;
    const T rest = ((c - abs(r)) / c) * (T(1) + abs(ratio));
    const T sixfold = fma(u, u - T(3), T(3));  // (1 - (1 - u)³)/u
    return {r * (sixfold / T(6)) * r, r * (rest * rest), rest * fma(T(-5), u, T(1))};
  }
};

// Barron's general loss, d/alpha ((1 + z/d)^(alpha/2) - 1) with z = (r/c)² and
// d = |alpha - 2|. Its derivative is r/c² exp(-+m), m = d/2 log(1 + z/d), + where alpha is
// above 2: m is z/2 where d is infinite or z small, and 0 where d is 0. With k = alpha/d the value
// is (exp(k m) - 1)/k, m itself where k m is 0. Near alpha = 2, where k is infinite, the value is
// (z exp(-+m) + d (exp(-+m) - 1))/alpha: kNearTwo.
template <class T, bool kNearTwo>
struct RobustFormula {
  static constexpr int parameters = 2;
  T c, inverse_c, alpha;
  T d, inverse_d, sign, bend;
  Factor<T> k;
  T far, offset;  // beyond a z of far, log(1 + z/d) is 2 log(r/c) + offset
  T most;         // of z and z/d in the quotient of the second derivative, lest they overflow
  T last_slope, last_curvature;  // where r is infinite
  explicit RobustFormula(const double* parameters) : k(T(1)) {
    const double given = parameters[0], distance = abs(given - 2);
    // No nearer to 2, and no further from it, can be told.
    const bool limit = distance > 0x1p60;
    const double within = distance < 0x1p-70 ? 0x1p-70 : limit ? 0x1p60 : distance;
    c = scale_of<T>(parameters[1]);
    inverse_c = T(1) / c;
    alpha = T(given);
    d = T(within);
    inverse_d = limit ? T(0) : T(1 / within);
    sign = given > 2 ? T(1) : T(-1);
    bend = limit ? sign : T((given - 1) / within);
    k = Factor<T>(limit ? sign : T(given / within));
    far = limit ? Real<T>::kInfinity : T(within * Real<T>::kFar);
    offset = T(-log(within));
    most = T((within < 1 ? within : 1) * (sizeof(T) == 4 ? 0x1p100 : 0x1p900));
    last_slope = given < 1 ? T(0) : given > 1 ? Real<T>::kInfinity : inverse_c;
    const T last = given > 2 ? Real<T>::kInfinity : inverse_c * inverse_c;
    last_curvature = given < 2 ? T(0) : last;
  }
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    using R = Real<T>;
    const T r = prediction - target, size = abs(r);
    const T s = size / c, z = s * s;
    const bool is_far = z > far, is_infinite = s > R::kLargest;
    const T within = is_far ? far : z;
    const T u = within * inverse_d;
    const T logarithm = log1p(is_far ? s : u);
    const T whole = is_far ? fma(T(2), logarithm, offset) : logarithm;
    const T m = u >= R::kNear ? T(0.5) * d * whole : T(0.5) * z;
    const T e = exp(sign * m);
    const T some = z > most ? most : z;
    const T curvature = e * inverse_c * inverse_c;
    const T second = curvature * (fma(bend, some, T(1)) / fma(some, inverse_d, T(1)));
    const T first = size * e * inverse_c * inverse_c;
    return {value(s, m, e), with_sign(r, is_infinite ? last_slope : first),
            is_infinite ? last_curvature : second};
  }

 private:
  NUMLOSS_INLINE T value(T s, T m, T e) const {
    if constexpr (kNearTwo) {
      const T finite = fma(s, s * e, d * expm1(sign * m)) / alpha;
      return s > Real<T>::kLargest ? s : finite;
    } else {
      const T y = k.times(m);
      return abs(y) < Real<T>::kNear ? m : expm1(y) / k.x;
    }
  }
};

template <class T>
struct Robust : RobustFormula<T, false> {
  static constexpr const char* name = "robust";
  static constexpr double cost = 1.2;
  using RobustFormula<T, false>::RobustFormula;
  using Special = RobustFormula<T, true>;
  static bool is_special(const double* parameters) {
    return parameters[0] > 1 && parameters[0] < 4;
  }
};

}  // namespace

NUMLOSS_LOSS(PseudoHuber) = elements<PseudoHuber>();
NUMLOSS_LOSS(LogCosh) = elements<LogCosh>();
NUMLOSS_LOSS(Fair) = elements<Fair>();
NUMLOSS_LOSS(Cauchy) = elements<Cauchy>();
NUMLOSS_LOSS(TukeyBiweight) = elements<TukeyBiweight>();
NUMLOSS_LOSS(Robust) = elements<Robust>();

}  // namespace numloss::NUMLOSS_ISA
