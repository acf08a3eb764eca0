// Losses of one score or probability against a binary target.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// (1 - t) softplus(x) + pos_weight t softplus(-x), t smoothed to t (1 - eps) + eps/2. For a weight
// of 1 this is max(x, 0) - x t + log1p(exp(-|x|)), in a form whose terms are all positive; the
// logarithms of a sum may then be taken together. kSmooth: eps is not 0.
template <class T, bool kSmooth>
struct BinaryCrossEntropyFormula {
  static constexpr int parameters = 2;
  T pos_weight, keep, shift;
  explicit BinaryCrossEntropyFormula(const double* parameters)
      : pos_weight(T(parameters[0])), keep(T(1 - parameters[1])), shift(T(0.5 * parameters[1])) {}
  static constexpr Roles probabilities = roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE T smoothed(T t) const { return kSmooth ? t * keep + shift : t; }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T target) const {
    const T negative = smoothed(T(1) - target);  // not 1 - smoothed(target), which would cancel
    const T positive = pos_weight * smoothed(target);
    const Logistic<T> s = logistic(x);
    const T linear = term(x > T(0) ? negative : positive, abs(x));
    return {linear + (negative + positive) * s.log1p_decay,
            negative * s.probability - positive * s.complement, (negative + positive) * s.variance};
  }
  static bool is_grouped(const double* parameters) { return parameters[0] == 1; }
  NUMLOSS_INLINE Grouped<T> grouped(T x, T target) const {
    const T t = smoothed(target), negative = smoothed(T(1) - target);
    const Logistic<T> s = logistic(x);
    const T linear = term(x > T(0) ? negative : t, abs(x));
    return {linear, s.decay, negative * s.probability - t * s.complement};
  }
};

template <class T>
struct BinaryCrossEntropy : BinaryCrossEntropyFormula<T, true> {
  static constexpr const char* name = "binary_cross_entropy";
  static constexpr double cost = 0.5;
  using BinaryCrossEntropyFormula<T, true>::BinaryCrossEntropyFormula;
  using Special = BinaryCrossEntropyFormula<T, false>;
  static bool is_special(const double* parameters) { return parameters[1] == 0; }
};

// -(1 - t) log(1 - p) - pos_weight t log(p); a term with factor 0 is 0 at p = 0 and p = 1 too.
template <class T>
struct BinaryCrossEntropyProbability {
  static constexpr const char* name = "binary_cross_entropy_probability";
  static constexpr int parameters = 2;
  static constexpr double cost = 1.0;
  T pos_weight, keep, shift;
  explicit BinaryCrossEntropyProbability(const double* parameters)
      : pos_weight(T(parameters[0])), keep(T(1 - parameters[1])), shift(T(0.5 * parameters[1])) {}
  static constexpr Roles probabilities = roles(kHeads) | roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T p) const { return outside_unit(p); }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T p, T target) const {
    const T t = target * keep + shift;
    const T negative = (T(1) - target) * keep + shift;  // not 1 - t, which would cancel
    const T positive = pos_weight * t;
    const T complement = T(1) - p;
    const T from_negative = term(negative, T(1) / complement);
    const T from_positive = term(positive, T(1) / p);
    // 0 - x: no negative zero for a certain prediction that is right.
    const T value = T(0) - term(negative, log1p(-p)) - term(positive, log(p));
    return {keep_nan(p, value), keep_nan(p, from_negative - from_positive),
            keep_nan(p, term(from_negative, T(1) / complement) + term(from_positive, T(1) / p))};
  }
};

// The focal modulation of a cross-entropy ce: alpha_t q^gamma ce with q = 1 - p_t =
// p (1 - t) + (1 - p) t and alpha_t = alpha t + (1 - alpha)(1 - t) (Lin et al. 2017, eq. 5; soft
// targets as torchvision). alpha < 0 stands for no balancing.
template <class T>
struct FocalModulation {
  static constexpr int parameters = 2;
  T gamma, positive, negative;
  explicit FocalModulation(const double* parameters)
      : gamma(T(parameters[0])),
        positive(parameters[1] >= 0 ? T(parameters[1]) : T(1)),
        negative(parameters[1] >= 0 ? T(1 - parameters[1]) : T(1)) {}
  NUMLOSS_INLINE T alpha_of(T t) const { return positive * t + negative * (T(1) - t); }
};

// kSquare: gamma is 2, and the power a multiplication.
template <class T, bool kSquare>
struct FocalFormula : FocalModulation<T> {
  static constexpr Roles probabilities = roles(kTarget);
  using FocalModulation<T>::FocalModulation;
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T t) const {
    const T gamma = this->gamma;
    const Logistic<T> s = logistic(x);
    const T negative = T(1) - t;
    const T ce = term(x > T(0) ? negative : t, abs(x)) + s.log1p_decay;
    const T slope = negative * s.probability - t * s.complement;  // d ce / dx
    const T q = negative * s.probability + t * s.complement;
    const T factor = this->alpha_of(t) * (kSquare ? q * q : power(q, gamma));
    // q'/q; for q = 0 (a certain, right prediction) its limit, +-1.
    const T direction = negative - t;
    const T ratio = q == T(0) ? direction : direction * s.variance / q;
    const T ratio_ce = s.variance == T(0) && q > T(0) ? T(0) : ratio * ce;
    const T tilt = s.complement - s.probability;  // q''/q' = 1 - 2p
    const T second =
        gamma * ((gamma - T(1)) * ratio * ratio_ce + tilt * ratio_ce + T(2) * ratio * slope) +
        s.variance;
    return {factor * ce, factor * (gamma * ratio_ce + slope), factor * second};
  }
};

template <class T>
struct Focal : FocalFormula<T, false> {
  static constexpr const char* name = "focal";
  static constexpr double cost = 1.0;
  using FocalFormula<T, false>::FocalFormula;
  using Special = FocalFormula<T, true>;
  static bool is_special(const double* parameters) { return parameters[0] == 2; }
};

template <class T>
struct FocalProbability : FocalModulation<T> {
  static constexpr const char* name = "focal_probability";
  static constexpr double cost = 2.0;
  static constexpr bool slope_needs_value = true;
  using FocalModulation<T>::FocalModulation;
  static constexpr Roles probabilities = roles(kHeads) | roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T p) const { return outside_unit(p); }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T p, T t) const {
    const T negative = T(1) - t;
    const T complement = T(1) - p;
    const T ce = -term(negative, log1p(-p)) - term(t, log(p));
    const T from_negative = term(negative, T(1) / complement);
    const T from_positive = term(t, T(1) / p);
    const T slope = from_negative - from_positive;
    const T curvature = term(from_negative, T(1) / complement) + term(from_positive, T(1) / p);
    const T q = negative * p + t * complement;
    const T direction = negative - t;  // dq/dp
    const T alpha = this->alpha_of(t);
    const T factor = power(q, this->gamma);
    // ce / q and q^(gamma - 1) apart, since 1 / q² would overflow and q^gamma underflow. ce / q
    // tends to 1 with q; 0 stands for q^(gamma - 1) at q = 0 even where that is infinite (gamma <
    // 1).
    const T ratio = q == T(0) ? T(1) : ce / q;
    const T at_zero = this->gamma == T(1) ? T(1) : T(0);
    const T lower = q == T(0) ? at_zero : power(q, this->gamma - T(1));
    const T bend = direction * ((this->gamma - T(1)) * direction * ratio + T(2) * slope);
    const T first = term(this->gamma, direction * term(factor, ratio)) + term(factor, slope);
    const T second = term(this->gamma, term(lower, bend)) + term(factor, curvature);
    return {keep_nan(p, alpha * term(factor, ce)), keep_nan(p, alpha * first),
            keep_nan(p, alpha * second)};
  }
};

// Targets of the hinge family: -1 or +1, or booleans mapped there by 2t - 1.
template <class T>
struct SignedTarget {
  static constexpr int parameters = 3;
  T slope, offset, margin;
  explicit SignedTarget(const double* parameters)
      : slope(T(parameters[1])), offset(T(parameters[2])), margin(T(parameters[0])) {}
  NUMLOSS_INLINE T sign(T target) const { return slope * target + offset; }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const {
    const T t = sign(target);
    return (abs(t) < T(1)) | (abs(t) > T(1));
  }
};

// max(0, z), z = margin - t s. Derivative -t where z > 0, else 0.
template <class T>
struct Hinge : SignedTarget<T> {
  static constexpr const char* name = "hinge";
  static constexpr double cost = 0.15;
  using SignedTarget<T>::SignedTarget;
  NUMLOSS_INLINE Derivatives<T> operator()(T score, T target) const {
    const T t = this->sign(target);
    const T z = this->margin - t * score;
    return {z <= T(0) ? T(0) : z, keep_nan(z, z <= T(0) ? T(0) : -t), keep_nan(z, T(0))};
  }
};

// max(0, z)². Derivative -2 t z where z > 0; second derivative 2 there.
template <class T>
struct SquaredHinge : SignedTarget<T> {
  static constexpr const char* name = "squared_hinge";
  static constexpr double cost = 0.15;
  using SignedTarget<T>::SignedTarget;
  NUMLOSS_INLINE Derivatives<T> operator()(T score, T target) const {
    const T t = this->sign(target);
    const T z = this->margin - t * score;
    const T active = z <= T(0) ? T(0) : z;
    return {active * active, T(-2) * t * active, keep_nan(z, z <= T(0) ? T(0) : T(2))};
  }
};

}  // namespace

NUMLOSS_LOSS(BinaryCrossEntropy) = elements<BinaryCrossEntropy>();
NUMLOSS_LOSS(BinaryCrossEntropyProbability) = elements<BinaryCrossEntropyProbability>();
NUMLOSS_LOSS(Focal) = elements<Focal>();
NUMLOSS_LOSS(FocalProbability) = elements<FocalProbability>();
NUMLOSS_LOSS(Hinge) = elements<Hinge>();
NUMLOSS_LOSS(SquaredHinge) = elements<SquaredHinge>();

}  // namespace numloss::NUMLOSS_ISA
