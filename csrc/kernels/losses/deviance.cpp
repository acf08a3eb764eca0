// Losses of the mean of a count or an amount, which is the prediction or the exponential of it.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// What rises without bound with x has no second term that could take it back, infinite as that may
// be by now.
template <class T>
NUMLOSS_INLINE T unless_infinite(T x, T otherwise) {
  return x > Real<T>::kLargest ? x : otherwise;
}

// t / mean; without a target there is none of it, whatever the mean.
template <class T>
NUMLOSS_INLINE T share(T t, T mean) {
  return t == T(0) ? T(0) : t / mean;
}

// 1 - t/mean, whose digits are those of mean - t.
template <class T>
NUMLOSS_INLINE T relative_excess(T mean, T t) {
  return ((t == T(0)) | (mean > Real<T>::kLargest)) ? T(1) : (mean - t) / mean;
}

// exp(x) - t x, and log(t!) where it is full. Derivatives exp(x) - t and exp(x).
template <class T, bool kFull>
struct PoissonFormula {
  static constexpr int parameters = 1;
  explicit PoissonFormula(const double*) {}
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return target < T(0); }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T t) const {
    const T rate = exp(x);
    const T constant = kFull ? log_factorial(t) : T(0);
    const T value = unless_infinite(rate, rate - term(t, x) + constant);
    return {keep_nan(t, value), rate - t, keep_nan(t, rate)};
  }
};

template <class T>
struct Poisson : PoissonFormula<T, true> {
  static constexpr const char* name = "poisson";
  static constexpr double cost = 0.4;
  using PoissonFormula<T, true>::PoissonFormula;
  using Special = PoissonFormula<T, false>;
  static bool is_special(const double* parameters) { return parameters[0] == 0; }
};

// The same of the rate itself: rate - t log(rate). Derivatives 1 - t/rate and t/rate².
template <class T, bool kFull>
struct PoissonRateFormula {
  static constexpr int parameters = 1;
  explicit PoissonRateFormula(const double*) {}
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T rate) const { return rate < T(0); }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return target < T(0); }
  NUMLOSS_INLINE Derivatives<T> operator()(T rate, T t) const {
    const T poison = rate + t;
    const T constant = kFull ? log_factorial(t) : T(0);
    const T value = unless_infinite(rate, rate - term(t, log(rate)) + constant);
    return {keep_nan(poison, value), keep_nan(poison, relative_excess(rate, t)),
            keep_nan(poison, share(share(t, rate), rate))};
  }
};

template <class T>
struct PoissonRate : PoissonRateFormula<T, true> {
  static constexpr const char* name = "poisson_rate";
  static constexpr double cost = 0.7;
  using PoissonRateFormula<T, true>::PoissonRateFormula;
  using Special = PoissonRateFormula<T, false>;
  static bool is_special(const double* parameters) { return parameters[0] == 0; }
};

// x + t exp(-x). Derivatives 1 - t exp(-x) and t exp(-x), of two roots, one of which alone would
// overflow where a tiny t brings it back.
template <class T>
struct Gamma {
  static constexpr const char* name = "gamma";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.4;
  explicit Gamma(const double*) {}
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return target <= T(0); }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T t) const {
    const T root = exp(T(-0.5) * x);
    const T ratio = t * root * root;
    return {unless_infinite(ratio, x + ratio), T(1) - ratio, ratio};
  }
};

// The same of the mean itself: log(mean) + t/mean. Derivatives (1 - t/mean) / mean and
// (2 t/mean - 1) / mean².
template <class T>
struct GammaMean {
  static constexpr const char* name = "gamma_mean";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.7;
  explicit GammaMean(const double*) {}
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T mean) const { return mean <= T(0); }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return target <= T(0); }
  NUMLOSS_INLINE Derivatives<T> operator()(T mean, T t) const {
    const T ratio = t / mean, poison = mean + t;
    return {unless_infinite(ratio, log(mean) + ratio),
            keep_nan(poison, relative_excess(mean, t) / mean),
            fma(T(2), ratio, T(-1)) / mean / mean};
  }
};

// Half the unit deviance of a Tweedie distribution of power p,
//   d/2 = (m^b - t^b) / b - t (m^a - t^a) / a,  a = 1 - p, b = 2 - p,
// m the mean, from its logarithm x. (m^k - t^k) / k is t^k y (1 + r/2 + ...) with y = x - log t and
// r = k y: for |r| below ln(2)/2 the polynomial of exp gives it, also where k is 0 and the quotient
// a logarithm. Where both are such, their first terms cancel and are left out: no digit of a small
// deviance is lost. Targets of at most 0 have no t^b.
template <class T>
struct TweedieDeviance {
  static constexpr int parameters = 1;
  static constexpr T kNear = T(0x1.62e42fefa39efp-2);  // where the polynomial of exp ends
  T least;                                             // that a target may be, or
  bool above_zero;                                     // it must be above 0
  T inverse_a, inverse_b;
  Factor<T> times_a, times_half_a, times_b;

  explicit TweedieDeviance(const double* parameters)
      : least(parameters[0] >= 1 ? T(0) : -Real<T>::kInfinity),
        above_zero(parameters[0] >= 2),
        inverse_a(inverse(1 - parameters[0])),
        inverse_b(inverse(2 - parameters[0])),
        times_a(T(1 - parameters[0])),
        times_half_a(T((1 - parameters[0]) / 2)),
        times_b(T(2 - parameters[0])) {}

  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const {
    return (target < least) | (above_zero & (target <= T(0)));
  }

  NUMLOSS_INLINE T root(T x) const { return exp(times_half_a.times(x)); }  // of m^a
  // t m^a, of two roots: m^a may overflow where this does not.
  NUMLOSS_INLINE static T lower(T t, T root) { return term(term(t, root), root); }
  NUMLOSS_INLINE T upper(T x) const { return exp(times_b.times(x)); }  // m^b

  // From x and log t, where there is one.
  NUMLOSS_INLINE T value(T x, T t, T logarithm, T lower, T upper) const {
    const bool positive = t > T(0);
    const T y = x - logarithm, r1 = times_a.times(y), r2 = times_b.times(y);
    const T own = positive ? exp(times_b.times(logarithm)) : T(0);
    const T rest1 = r1 * polynomial(Real<T>::kExp, r1), rest2 = r2 * polynomial(Real<T>::kExp, r2);
    const bool near1 = positive & (abs(r1) < kNear), near2 = positive & (abs(r2) < kNear);
    const T step = own * y;
    const T part1 = near1 ? fma(step, rest1, step) : (lower - own) * inverse_a;
    const T part2 = near2 ? fma(step, rest2, step) : (upper - own) * inverse_b;
    const T value = (near1 & near2) ? step * (rest2 - rest1) : part2 - part1;
    // Infinite terms of both signs: the deviance is never negative.
    return is_nan(value) ? keep_nan(x + t, Real<T>::kInfinity) : value;
  }

 private:
  static T inverse(double k) { return k == 0 ? T(0) : T(1 / k); }
};

// By x: derivatives m^b - t m^a and b m^b - a t m^a. Where both terms of one are infinite, it is
// the power of the larger of m and t that decides.
template <class T>
struct Tweedie : TweedieDeviance<T> {
  static constexpr const char* name = "tweedie";
  static constexpr double cost = 2.0;
  T below, above;  // the second derivative's sign there
  explicit Tweedie(const double* parameters)
      : TweedieDeviance<T>(parameters),
        below(parameters[0] < 1 ? -Real<T>::kInfinity : Real<T>::kInfinity),
        above(parameters[0] > 2 ? -Real<T>::kInfinity : Real<T>::kInfinity) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T t) const {
    const bool positive = t > T(0);
    const T logarithm = log(positive ? t : T(1));
    const T lower = this->lower(t, this->root(x)), upper = this->upper(x);
    const T y = x - logarithm, poison = x + t;
    // exp(y) - 1, with which t m^a makes the slope where m is near t.
    const T rise = fma(y * polynomial(Real<T>::kExp, y), y, y);
    const bool near = positive & (abs(y) < this->kNear);
    const T slope = near ? lower * rise : upper - lower;
    const T curvature = this->times_b.times(upper) - this->times_a.times(lower);
    const T steep = y < T(0) ? -Real<T>::kInfinity : Real<T>::kInfinity;
    const T bent = y < T(0) ? below : above;
    return {this->value(x, t, logarithm, lower, upper),
            is_nan(slope) ? keep_nan(poison, steep) : slope,
            is_nan(curvature) ? keep_nan(poison, bent) : curvature};
  }
};

// (m - t)²/2, that of power 0, whose mean may be any number.
template <class T>
struct HalfSquare {
  static constexpr int parameters = 1;
  explicit HalfSquare(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T mean, T target) const {
    const T r = mean - target;
    return {T(0.5) * r * r, r, keep_nan(r, T(1))};
  }
};

// By m: derivatives m^a (1 - t/m) and m^a (a + p t/m) / m.
template <class T>
struct TweedieMean : TweedieDeviance<T> {
  static constexpr const char* name = "tweedie_mean";
  static constexpr double cost = 2.5;
  using Special = HalfSquare<T>;
  static bool is_special(const double* parameters) { return parameters[0] == 0; }
  bool any_mean;
  T power;
  explicit TweedieMean(const double* parameters)
      : TweedieDeviance<T>(parameters), any_mean(is_special(parameters)), power(T(parameters[0])) {}
  using TweedieDeviance<T>::outside;
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T mean) const { return !any_mean & (mean <= T(0)); }
  NUMLOSS_INLINE Derivatives<T> operator()(T mean, T t) const {
    const T x = log(mean), root = this->root(x), poison = mean + t;
    const T logarithm = log(t > T(0) ? t : T(1));
    const T bend = fma(power, share(t, mean), this->times_a.x);
    return {this->value(x, t, logarithm, this->lower(t, root), this->upper(x)),
            keep_nan(poison, root * relative_excess(mean, t) * root),
            keep_nan(poison, root * bend / mean * root)};
  }
};

}  // namespace

NUMLOSS_LOSS(Poisson) = elements<Poisson>();
NUMLOSS_LOSS(PoissonRate) = elements<PoissonRate>();
NUMLOSS_LOSS(Gamma) = elements<Gamma>();
NUMLOSS_LOSS(GammaMean) = elements<GammaMean>();
NUMLOSS_LOSS(Tweedie) = elements<Tweedie>();
NUMLOSS_LOSS(TweedieMean) = elements<TweedieMean>();

}  // namespace numloss::NUMLOSS_ISA
