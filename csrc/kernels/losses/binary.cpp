// Losses of one score or probability against a binary target.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// A target t smoothed to t (1 - eps) + eps/2.
template <class T>
struct Smoothing {
  T keep, shift;
  explicit Smoothing(double eps) : keep(T(1 - eps)), shift(T(0.5 * eps)) {}
  NUMLOSS_INLINE T operator()(T t) const { return t * keep + shift; }
};

// Targets as they are.
template <class T>
struct Unsmoothed {
  explicit Unsmoothed(double) {}
  NUMLOSS_INLINE T operator()(T t) const { return t; }
};

// A probability p and q = 1 - p, neither below `least`, with their logarithms.
template <class T>
struct Chance {
  T p, q, log_p, log_q;
  bool is_free;  // whether p is what came
};

template <class T>
struct Clip {
  T least, most, log_least, log_most;
  explicit Clip(double least)
      : least(T(least)), most(T(1 - least)), log_least(T(log(least))), log_most(T(log1p(-least))) {}
  NUMLOSS_INLINE Chance<T> operator()(T p) const {
    const T q = T(1) - p, log_p = log(p), log_q = log1p(-p);
    const bool low = p < least, high = q < least;
    return {clipped(low, least, high, most, p), clipped(high, least, low, most, q),
            clipped(low, log_least, high, log_most, log_p),
            clipped(high, log_least, low, log_most, log_q), !(low | high)};
  }

 private:
  NUMLOSS_INLINE static T clipped(bool low, T lowest, bool high, T highest, T x) {
    const T above = low ? lowest : x;  // two choices one after the other: nested, they may branch
    return high ? highest : above;
  }
};

// A probability as it is.
template <class T>
struct Unclipped {
  explicit Unclipped(double) {}
  NUMLOSS_INLINE Chance<T> operator()(T p) const { return {p, T(1) - p, log(p), log1p(-p), true}; }
};

// (1 - t) softplus(x) + pos_weight t softplus(-x), t smoothed. For a weight of 1 this is
// max(x, 0) - x t + log1p(exp(-|x|)), in a form whose terms are all positive; the logarithms of a
// sum may then be taken together. kSmooth: eps is not 0.
template <class T, bool kSmooth>
struct BinaryCrossEntropyFormula {
  static constexpr int parameters = 2;
  T pos_weight;
  Smoothing<T> smoothing;
  explicit BinaryCrossEntropyFormula(const double* parameters)
      : pos_weight(T(parameters[0])), smoothing(parameters[1]) {}
  static constexpr Roles probabilities = roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE T smoothed(T t) const { return kSmooth ? smoothing(t) : t; }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T target) const {
    return weighted(x, target, pos_weight);
  }
  NUMLOSS_INLINE Derivatives<T> weighted(T x, T target, T weight) const {
    const T negative = smoothed(T(1) - target);  // not 1 - smoothed(target), which would cancel
    const T positive = weight * smoothed(target);
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

// -(1 - t) log(1 - p) - pos_weight t log(p), p clipped to [clip, 1 - clip], where it has no slope;
// a term with factor 0 is 0 at p = 0 and p = 1 too.
template <class T, template <class> class Clipping>
struct BinaryCrossEntropyOfChances {
  static constexpr int parameters = 3;
  T pos_weight;
  Smoothing<T> smoothing;
  Clipping<T> clip;
  explicit BinaryCrossEntropyOfChances(const double* parameters)
      : pos_weight(T(parameters[0])), smoothing(parameters[1]), clip(parameters[2]) {}
  static constexpr Roles probabilities = roles(kHeads) | roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T p) const { return outside_unit(p); }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T p, T target) const {
    return weighted(p, target, pos_weight);
  }
  NUMLOSS_INLINE Derivatives<T> weighted(T p, T target, T weight) const {
    const T positive = weight * smoothing(target);
    const T negative = smoothing(T(1) - target);  // not 1 - smoothing(target), which would cancel
    const Chance<T> chance = clip(p);
    const T from_negative = term(negative, T(1) / chance.q);
    const T from_positive = term(positive, T(1) / chance.p);
    // 0 - x: no negative zero for a certain prediction that is right.
    const T value = T(0) - term(negative, chance.log_q) - term(positive, chance.log_p);
    const T slope = from_negative - from_positive;
    const T curvature = term(from_negative, T(1) / chance.q) + term(from_positive, T(1) / chance.p);
    const T poison = p + target;
    return {keep_nan(p, value), keep_nan(poison, chance.is_free ? slope : T(0)),
            keep_nan(poison, chance.is_free ? curvature : T(0))};
  }
};

template <class T>
struct BinaryCrossEntropyProbability : BinaryCrossEntropyOfChances<T, Clip> {
  static constexpr const char* name = "binary_cross_entropy_probability";
  static constexpr double cost = 1.0;
  using BinaryCrossEntropyOfChances<T, Clip>::BinaryCrossEntropyOfChances;
  using Special = BinaryCrossEntropyOfChances<T, Unclipped>;
  static bool is_special(const double* parameters) { return parameters[2] == 0; }
};

// The focal modulation of a cross-entropy ce: alpha_t q^gamma ce with q = 1 - p_t =
// p (1 - t) + (1 - p) t and alpha_t = alpha t + (1 - alpha)(1 - t) (Lin et al. 2017, eq. 5; soft
// targets as torchvision, smoothed as Keras). alpha < 0 stands for no balancing. The term of ce
// with t is multiplied by pos_weight.
template <class T, template <class> class Smoothed>
struct FocalModulation {
  static constexpr int parameters = 4;
  T gamma, of_positive, of_negative, pos_weight;
  Smoothed<T> smoothing;
  explicit FocalModulation(const double* parameters)
      : gamma(T(parameters[0])),
        of_positive(parameters[1] >= 0 ? T(parameters[1]) : T(1)),
        of_negative(parameters[1] >= 0 ? T(1 - parameters[1]) : T(1)),
        pos_weight(T(parameters[2])),
        smoothing(parameters[3]) {}
  NUMLOSS_INLINE T alpha_of(T t, T negative) const {
    return of_positive * t + of_negative * negative;
  }
};

// kSquare: gamma is 2, and the power a multiplication.
template <class T, bool kSquare, template <class> class Smoothed>
struct FocalFormula : FocalModulation<T, Smoothed> {
  static constexpr Roles probabilities = roles(kTarget);
  using FocalModulation<T, Smoothed>::FocalModulation;
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T target) const {
    return weighted(x, target, this->pos_weight);
  }
  NUMLOSS_INLINE Derivatives<T> weighted(T x, T target, T weight) const {
    const T gamma = this->gamma;
    const Logistic<T> s = logistic(x);
    const T t = this->smoothing(target), negative = this->smoothing(T(1) - target);
    const T positive = weight * t;
    const T ce =
        term(x > T(0) ? negative : positive, abs(x)) + (negative + positive) * s.log1p_decay;
    const T slope = negative * s.probability - positive * s.complement;  // d ce / dx
    const T q = negative * s.probability + t * s.complement;
    const T factor = this->alpha_of(t, negative) * (kSquare ? q * q : power(q, gamma));
    // q'/q; for q = 0 (a certain, right prediction) its limit, +-1.
    const T direction = negative - t;
    const T ratio = q == T(0) ? direction : direction * s.variance / q;
    const T ratio_ce = s.variance == T(0) && q > T(0) ? T(0) : ratio * ce;
    const T tilt = s.complement - s.probability;  // q''/q' = 1 - 2p
    const T second =
        gamma * ((gamma - T(1)) * ratio * ratio_ce + tilt * ratio_ce + T(2) * ratio * slope) +
        (negative + positive) * s.variance;
    return {factor * ce, factor * (gamma * ratio_ce + slope), factor * second};
  }
};

template <class T>
struct SquareFocal : FocalFormula<T, true, Smoothing> {
  using FocalFormula<T, true, Smoothing>::FocalFormula;
  using Special = FocalFormula<T, true, Unsmoothed>;
  static bool is_special(const double* parameters) { return parameters[3] == 0; }
};

template <class T>
struct Focal : FocalFormula<T, false, Smoothing> {
  static constexpr const char* name = "focal";
  static constexpr double cost = 1.0;
  using FocalFormula<T, false, Smoothing>::FocalFormula;
  using Special = SquareFocal<T>;
  static bool is_special(const double* parameters) { return parameters[0] == 2; }
};

template <class T, template <class> class Clipping>
struct FocalOfChances : FocalModulation<T, Smoothing> {
  static constexpr int parameters = 5;
  Clipping<T> clip;
  explicit FocalOfChances(const double* parameters)
      : FocalModulation<T, Smoothing>(parameters), clip(parameters[4]) {}
  static constexpr Roles probabilities = roles(kHeads) | roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T p) const { return outside_unit(p); }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T p, T target) const {
    return weighted(p, target, this->pos_weight);
  }
  NUMLOSS_INLINE Derivatives<T> weighted(T p, T target, T weight) const {
    const T t = this->smoothing(target), negative = this->smoothing(T(1) - target);
    const T positive = weight * t;
    const Chance<T> chance = clip(p);
    const T ce = -term(negative, chance.log_q) - term(positive, chance.log_p);
    const T from_negative = term(negative, T(1) / chance.q);
    const T from_positive = term(positive, T(1) / chance.p);
    const T slope = from_negative - from_positive;
    const T curvature = term(from_negative, T(1) / chance.q) + term(from_positive, T(1) / chance.p);
    const T q = negative * chance.p + t * chance.q;
    const T direction = negative - t;  // dq/dp
    const T alpha = this->alpha_of(t, negative);
    const T factor = power(q, this->gamma);
    // ce / q and q^(gamma - 1) apart, since 1 / q² would overflow and q^gamma underflow. ce / q
    // tends to the weight with q; 0 stands for q^(gamma - 1) at q = 0 even where that is infinite
    // (gamma < 1).
    const T ratio = q == T(0) ? negative + positive : ce / q;
    const T at_zero = this->gamma == T(1) ? T(1) : T(0);
    const T lower = q == T(0) ? at_zero : power(q, this->gamma - T(1));
    const T bend = direction * ((this->gamma - T(1)) * direction * ratio + T(2) * slope);
    const T first = term(this->gamma, direction * term(factor, ratio)) + term(factor, slope);
    const T second = term(this->gamma, term(lower, bend)) + term(factor, curvature);
    const T poison = p + target;
    return {keep_nan(p, alpha * term(factor, ce)),
            keep_nan(poison, chance.is_free ? alpha * first : T(0)),
            keep_nan(poison, chance.is_free ? alpha * second : T(0))};
  }
};

template <class T>
struct FocalProbability : FocalOfChances<T, Clip> {
  static constexpr const char* name = "focal_probability";
  static constexpr double cost = 2.0;
  static constexpr bool slope_needs_value = true;
  using FocalOfChances<T, Clip>::FocalOfChances;
  using Special = FocalOfChances<T, Unclipped>;
  static bool is_special(const double* parameters) { return parameters[4] == 0; }
};

// A formula whose pos_weight is a number aside, such as one for each column.
template <class T, class Formula>
struct OfColumns {
  static constexpr bool takes_aside = true;
  static constexpr int parameters = Formula::parameters;
  static constexpr Roles probabilities = Formula::probabilities;
  Formula formula;
  explicit OfColumns(const double* parameters) : formula(parameters) {}
  NUMLOSS_INLINE auto outside(auto role, T x) const
    requires requires(const Formula& f) { f.outside(role, x); }
  {
    return formula.outside(role, x);
  }
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target, T weight) const {
    return formula.weighted(prediction, target, weight);
  }
};

template <class T>
struct BinaryCrossEntropyColumns : OfColumns<T, BinaryCrossEntropyFormula<T, true>> {
  static constexpr const char* name = "binary_cross_entropy_columns";
  static constexpr double cost = 0.5;
  using OfColumns<T, BinaryCrossEntropyFormula<T, true>>::OfColumns;
};

template <class T>
struct BinaryCrossEntropyProbabilityColumns : OfColumns<T, BinaryCrossEntropyProbability<T>> {
  static constexpr const char* name = "binary_cross_entropy_probability_columns";
  static constexpr double cost = 1.0;
  using OfColumns<T, BinaryCrossEntropyProbability<T>>::OfColumns;
};

template <class T>
struct FocalColumns : OfColumns<T, FocalFormula<T, false, Smoothing>> {
  static constexpr const char* name = "focal_columns";
  static constexpr double cost = 1.0;
  using OfColumns<T, FocalFormula<T, false, Smoothing>>::OfColumns;
  using Special = OfColumns<T, FocalFormula<T, true, Smoothing>>;
  static bool is_special(const double* parameters) { return Focal<T>::is_special(parameters); }
};

template <class T>
struct FocalProbabilityColumns : OfColumns<T, FocalProbability<T>> {
  static constexpr const char* name = "focal_probability_columns";
  static constexpr double cost = 2.0;
  static constexpr bool slope_needs_value = true;
  using OfColumns<T, FocalProbability<T>>::OfColumns;
};

// (1 - t) softplus(x) + t softplus(-x) + epsilon (1 - p_t), p_t = p t + (1 - p)(1 - t) (Leng et al.
// 2022, eq. 5). With v = p (1 - p) the derivatives of 1 - p_t are (1 - 2t) v and (1 - 2t) v (1 -
// 2p).
template <class T>
struct PolyBinaryCrossEntropy {
  static constexpr const char* name = "poly_binary_cross_entropy";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.5;
  T epsilon;
  explicit PolyBinaryCrossEntropy(const double* parameters) : epsilon(T(parameters[0])) {}
  static constexpr Roles probabilities = roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T t) const {
    const T negative = T(1) - t, direction = negative - t;
    const Logistic<T> s = logistic(x);
    const T linear = term(x > T(0) ? negative : t, abs(x));
    const T q = negative * s.probability + t * s.complement;
    const T bend = epsilon * direction;
    return {linear + s.log1p_decay + epsilon * q,
            negative * s.probability - t * s.complement + bend * s.variance,
            s.variance * (s.probability * (T(1) - bend) + s.complement * (T(1) + bend))};
  }
};

// d², d = p - t, as p (1 - t) - (1 - p) t, which does not cancel for targets 0 and 1. Derivatives
// 2 d v and 2 v (v + d (1 - 2p)), v = p (1 - p).
template <class T>
struct Brier {
  static constexpr const char* name = "brier";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.4;
  explicit Brier(const double*) {}
  static constexpr Roles probabilities = roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T t) const {
    const Logistic<T> s = logistic(x);
    const T d = (T(1) - t) * s.probability - t * s.complement;
    const T twice = T(2) * s.variance;
    return {d * d, twice * d, twice * (s.variance + d * (s.complement - s.probability))};
  }
};

template <class T>
struct BrierProbability {
  static constexpr const char* name = "brier_probability";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.15;
  explicit BrierProbability(const double*) {}
  static constexpr Roles probabilities = roles(kHeads) | roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T p) const { return outside_unit(p); }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T p, T t) const {
    const T d = p - t;
    return {d * d, T(2) * d, keep_nan(d, T(2))};
  }
};

}  // namespace

NUMLOSS_LOSS(BinaryCrossEntropy) = elements<BinaryCrossEntropy>();
NUMLOSS_LOSS(BinaryCrossEntropyProbability) = elements<BinaryCrossEntropyProbability>();
NUMLOSS_LOSS(Focal) = elements<Focal>();
NUMLOSS_LOSS(FocalProbability) = elements<FocalProbability>();
NUMLOSS_LOSS(BinaryCrossEntropyColumns) = elements<BinaryCrossEntropyColumns>();
NUMLOSS_LOSS(BinaryCrossEntropyProbabilityColumns) =
    elements<BinaryCrossEntropyProbabilityColumns>();
NUMLOSS_LOSS(FocalColumns) = elements<FocalColumns>();
NUMLOSS_LOSS(FocalProbabilityColumns) = elements<FocalProbabilityColumns>();
NUMLOSS_LOSS(PolyBinaryCrossEntropy) = elements<PolyBinaryCrossEntropy>();
NUMLOSS_LOSS(Brier) = elements<Brier>();
NUMLOSS_LOSS(BrierProbability) = elements<BrierProbability>();

}  // namespace numloss::NUMLOSS_ISA
