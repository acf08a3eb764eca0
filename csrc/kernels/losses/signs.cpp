// Losses of one score s against a sign t.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Targets -1 or +1, or booleans mapped there by 2t - 1. The numbers of the mapping come before the
// loss's own.
template <class T>
struct SignedTarget {
  static constexpr int parameters = 2;
  T slope, offset;
  explicit SignedTarget(const double* parameters)
      : slope(T(parameters[0])), offset(T(parameters[1])) {}
  NUMLOSS_INLINE T sign(T target) const { return slope * target + offset; }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const {
    const T t = sign(target);
    return (abs(t) < T(1)) | (abs(t) > T(1));
  }
};

// The same with a margin.
template <class T>
struct SignedMargin : SignedTarget<T> {
  static constexpr int parameters = 3;
  T margin;
  explicit SignedMargin(const double* parameters)
      : SignedTarget<T>(parameters), margin(T(parameters[2])) {}
};

// max(0, z), z = margin - t s. Derivative -t where z > 0, else 0.
template <class T>
struct Hinge : SignedMargin<T> {
  static constexpr const char* name = "hinge";
  static constexpr double cost = 0.15;
  using SignedMargin<T>::SignedMargin;
  NUMLOSS_INLINE Derivatives<T> operator()(T score, T target) const {
    const T t = this->sign(target);
    const T z = this->margin - t * score;
    return {z <= T(0) ? T(0) : z, keep_nan(z, z <= T(0) ? T(0) : -t), keep_nan(z, T(0))};
  }
};

// max(0, z)². Derivative -2 t z where z > 0; second derivative 2 there.
template <class T>
struct SquaredHinge : SignedMargin<T> {
  static constexpr const char* name = "squared_hinge";
  static constexpr double cost = 0.15;
  using SignedMargin<T>::SignedMargin;
  NUMLOSS_INLINE Derivatives<T> operator()(T score, T target) const {
    const T t = this->sign(target);
    const T z = this->margin - t * score;
    const T active = z <= T(0) ? T(0) : z;
    return {active * active, T(-2) * t * active, keep_nan(z, z <= T(0) ? T(0) : T(2))};
  }
};

// The square of max(0, z) over 2 width where z <= width, z - width/2 beyond, times scale (Rennie &
// Srebro 2005, of width 1; Shalev-Shwartz & Zhang 2013). Derivative -t min(1, max(0, z) / width).
// Zhang's modified Huber loss (2004) is that of width 2, times 4. No product overflows.
template <class T>
struct SmoothedHinge : SignedMargin<T> {
  static constexpr const char* name = "smoothed_hinge";
  static constexpr int parameters = 5;
  static constexpr double cost = 0.18;
  T width, scale;
  explicit SmoothedHinge(const double* parameters)
      : SignedMargin<T>(parameters),
        width(parameters[3] < Real<T>::kSmallestNormal ? Real<T>::kSmallestNormal
                                                       : T(parameters[3])),
        scale(T(parameters[4])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T score, T target) const {
    const T t = this->sign(target);
    const T z = this->margin - t * score;
    const T active = z <= T(0) ? T(0) : z;
    const T clipped = active > width ? width : active;
    const T share = scale * (active > width ? T(1) : active / width);
    const bool curved = (z > T(0)) & (z <= width);
    const T curvature = curved ? scale / width : T(0);
    return {share * (active - T(0.5) * clipped), -t * share, keep_nan(z, curvature)};
  }
};

// s where t is +1, max(0, margin - s) where it is -1.
template <class T>
struct HingeEmbedding : SignedMargin<T> {
  static constexpr const char* name = "hinge_embedding";
  static constexpr double cost = 0.15;
  using SignedMargin<T>::SignedMargin;
  NUMLOSS_INLINE Derivatives<T> operator()(T score, T target) const {
    const T t = this->sign(target), poison = score + t;
    const T z = this->margin - score;
    const T apart = z <= T(0) ? T(0) : z, slope = z <= T(0) ? T(0) : T(-1);
    return {keep_nan(poison, t > T(0) ? score : apart), keep_nan(poison, t > T(0) ? T(1) : slope),
            keep_nan(poison, T(0))};
  }
};

// max(0, z), z = margin - t (a - b). Derivatives -t and t where z > 0, else 0.
template <class T>
struct MarginRanking : SignedMargin<T> {
  static constexpr const char* name = "margin_ranking";
  static constexpr int heads = 2;
  static constexpr double cost = 0.2;
  using SignedMargin<T>::SignedMargin;
  NUMLOSS_INLINE HeadDerivatives<T, 2> operator()(T first, T second, T target) const {
    const T t = this->sign(target);
    const T z = this->margin - t * (first - second);
    const T slope = z <= T(0) ? T(0) : t, bend = keep_nan(z, T(0));
    return {z <= T(0) ? T(0) : z, {keep_nan(z, T(0) - slope), keep_nan(z, slope)}, {bend, bend}};
  }
};

// log(1 + exp(-m)), m = t s, as max(-m, 0) + log1p(exp(-|m|)): the logarithms of a sum may be taken
// together. Derivative -t sigmoid(-m), second derivative the variance.
template <class T>
struct LogisticOfSigns : SignedTarget<T> {
  static constexpr const char* name = "logistic";
  static constexpr double cost = 0.5;
  using SignedTarget<T>::SignedTarget;
  NUMLOSS_INLINE Derivatives<T> operator()(T score, T target) const {
    const T t = this->sign(target), m = t * score;
    const Logistic<T> s = logistic(m);
    return {linear(m) + s.log1p_decay, -t * s.complement, s.variance};
  }
  static bool is_grouped(const double*) { return true; }
  NUMLOSS_INLINE Grouped<T> grouped(T score, T target) const {
    const T t = this->sign(target), m = t * score;
    const Logistic<T> s = logistic(m);
    return {linear(m), s.decay, -t * s.complement};
  }

 private:
  NUMLOSS_INLINE static T linear(T m) { return m < T(0) ? -m : T(0); }
};

// exp(-t s). Derivative -t exp(-t s); the second one is the value.
template <class T>
struct Exponential : SignedTarget<T> {
  static constexpr const char* name = "exponential";
  static constexpr double cost = 0.3;
  using SignedTarget<T>::SignedTarget;
  NUMLOSS_INLINE Derivatives<T> operator()(T score, T target) const {
    const T t = this->sign(target);
    const T value = exp(-t * score);
    return {value, -t * value, value};
  }
};

}  // namespace

NUMLOSS_LOSS(Hinge) = elements<Hinge>();
NUMLOSS_LOSS(SquaredHinge) = elements<SquaredHinge>();
NUMLOSS_LOSS(SmoothedHinge) = elements<SmoothedHinge>();
NUMLOSS_LOSS(HingeEmbedding) = elements<HingeEmbedding>();
NUMLOSS_LOSS(MarginRanking) = elements<MarginRanking>();
NUMLOSS_LOSS(LogisticOfSigns) = elements<LogisticOfSigns>();
NUMLOSS_LOSS(Exponential) = elements<Exponential>();

}  // namespace numloss::NUMLOSS_ISA
