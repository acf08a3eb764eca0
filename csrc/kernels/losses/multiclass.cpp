// Losses of softmax(x) against the label of the true class: formulas f of the label's surprisal
// n = -log p = logsumexp(x) - x_y, of p and of q = 1 - p, which return f, f' and f'' by n.
// likelihood.hpp makes losses of them.
#include "../drivers/softmax.hpp"
#include "likelihood.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// n itself: cross-entropy.
template <class T>
struct NegativeLogLikelihood {
  static constexpr int parameters = 0;
  static constexpr bool is_linear = true;
  explicit NegativeLogLikelihood(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T n, T, T) const { return {n, T(1), T(0)}; }
};

// q^gamma n (Lin et al. 2017, with softmax in place of the sigmoid).
template <class T>
struct FocalLikelihood {
  static constexpr int parameters = 1;
  T gamma;
  explicit FocalLikelihood(const double* parameters) : gamma(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T n, T p, T q) const {
    const T factor = power(q, gamma);
    // dq/dn = p. n p / q tends to 1 for a certain prediction and to 0 for an impossible label.
    const T odds = q == T(0) ? T(1) : p == T(0) ? T(0) : p * n / q;
    // q^(gamma-1) meets p_j <= q in every product; the smallest normal stands in for q = 0.
    const T q_safe = q < Real<T>::kSmallestNormal ? Real<T>::kSmallestNormal : q;
    const T decay = p == T(0) ? T(0) : p * n;
    const T second = gamma * factor / q_safe * ((gamma - T(1)) * odds * p - decay + T(2) * p);
    return {factor * n, factor * (gamma * odds + T(1)), second};
  }
};

// (1 - p^k) / k (Zhang & Sabuncu 2018, eq. 6), which is n for k = 0: with t = k n it is
// (1 - exp(-t)) / k. Derivatives by n: p^k and -k p^k.
template <class T>
struct TruncatedLikelihood {
  static constexpr int parameters = 1;
  T exponent;
  explicit TruncatedLikelihood(const double* parameters) : exponent(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T n, T, T) const {
    const T t = term(exponent, n);
    const T power = exp_nonpositive(-t);
    const T near = n * (T(1) - t * second_remainder(t));
    return {t <= kNearZero<T> ? near : (T(1) - power) / exponent, power, -exponent * power};
  }
};

// a n + b q, b >= -a: poly-1 cross-entropy (Leng et al. 2022, eq. 5) and symmetric cross-entropy
// (Wang et al. 2019, eq. 7). dq/dn = p. Where b is negative, the sum is taken as (a + b) n -
// b (n - q) and a + b p as (a + b) - b q, whose terms are not.
template <class T>
struct SurprisalAndMiss {
  static constexpr int parameters = 2;
  T of_surprisal, of_miss, both;
  explicit SurprisalAndMiss(const double* parameters)
      : of_surprisal(T(parameters[0])),
        of_miss(T(parameters[1])),
        both(T(parameters[0] + parameters[1])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T n, T p, T q) const {
    const T difference = n <= kNearZero<T> ? n * n * second_remainder(n) : n - q;
    const T sum = term(of_surprisal, n) + of_miss * q;
    const T from_difference = term(both, n) - of_miss * difference;
    const T slope = of_surprisal + of_miss * p, slope_by_miss = both - of_miss * q;
    const bool subtracts = of_miss < T(0);
    return {subtracts ? from_difference : sum, subtracts ? slope_by_miss : slope, -of_miss * p};
  }
};

template <template <class> class Formula>
constexpr Entry likelihood_of_probabilities(const char* name, double cost) {
  return rows<Formula<float>::parameters>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {likelihood_of_logarithms_panel<T>, nullptr, likelihood_functions<Formula, T>(), 0,
            false};
  });
}

// Cross-entropy of s (x - m_y of the label y) (Cao et al. 2019), m_y = M (least n / n_y)^(1/4) of
// the counts n of the classes. One without examples has M, as the rarest does.
template <class T>
class LabelMargins {
 public:
  explicit LabelMargins(const Panel<T>& panel)
      : counts_(panel.of_columns), most_(panel.parameters[0]), least_(0) {
    for (int64_t c = 0; counts_ != nullptr && c < panel.classes; ++c) {
      const double n = counts_[c];
      if (n > 0 && (least_ == 0 || n < least_)) least_ = n;
    }
  }
  double of(int64_t label) const {
    const bool is_rarest = counts_ == nullptr || counts_[label] == 0;
    return most_ * sqrt(sqrt(is_rarest ? 1 : least_ / counts_[label]));
  }

 private:
  const double* const counts_;
  const double most_;
  double least_;
};

// The scores as they are from the highest one on, the label's without its margin; scaled after
// that, of which no digit is lost in a difference. Returns their maxima.
template <class T>
void scale_by_margins(const Panel<T>& panel, T scale, T* maximum) {
  constexpr int kWidth = kStrip<T>;
  const LabelMargins<T> margins(panel);
  each_strip(panel, [&](int lane, int64_t at) {
    const T* const highest = panel.maximum + lane;
    for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
      T* const x = panel.logits + at + k;
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) x[i] -= highest[i];
    }
    const int end = panel.rows - lane < kWidth ? panel.rows - lane : kWidth;
    for (int i = 0; i < end; ++i) {
      const int64_t label = panel.label[lane + i];
      T& x = panel.logits[at + label * kWidth + i];
      x = T(double(x) - margins.of(label));
    }
    T* const best = maximum + lane;
    for (int i = 0; i < kWidth; ++i) best[i] = -Real<T>::kInfinity;
    for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
      T* const x = panel.logits + at + k;
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) {
        x[i] *= scale;
        best[i] = x[i] > best[i] ? x[i] : best[i];
      }
    }
  });
}

template <class T>
void ldam_panel(const Panel<T>& panel) {
  const T scale = T(panel.parameters[1]);
  alignas(64) T maximum[kLanes] = {}, coefficient[kLanes];
  scale_by_margins(panel, scale, maximum);
#pragma omp simd
  for (int i = 0; i < whole(panel.lanes); ++i) coefficient[i] = panel.coefficient[i] * scale;
  Panel<T> scaled = panel;
  scaled.maximum = maximum;
  scaled.coefficient = coefficient;
  likelihood_panel(scaled);
  if ((panel.mode & kHessian) == 0) return;
  each_strip(panel, [&](int, int64_t at) {
    T* const hessian = panel.hessian + at;
    for (int64_t k = 0; k < panel.classes * kStrip<T>; ++k) hessian[k] *= scale;
  });
}

}  // namespace

NUMLOSS_LOSS(CrossEntropy) = likelihood<NegativeLogLikelihood>("cross_entropy", 0.5);
NUMLOSS_LOSS(Ldam) = rows<2>("ldam", 0.8, []<class T>(T) -> RowFunctions<T> {
  return {ldam_panel<T>, nullptr, likelihood_functions<NegativeLogLikelihood, T>(), 0, false};
});
NUMLOSS_LOSS(SoftmaxFocal) = likelihood<FocalLikelihood>("softmax_focal", 0.5);
NUMLOSS_LOSS(SoftmaxFocalProbability) =
    likelihood_of_probabilities<FocalLikelihood>("softmax_focal_probability", 0.5);
NUMLOSS_LOSS(GeneralizedCrossEntropy) = likelihood<TruncatedLikelihood>("generalized_cross_entropy",
                                                                        0.5);
NUMLOSS_LOSS(CrossEntropyAndMiss) = likelihood<SurprisalAndMiss>("cross_entropy_and_miss", 0.5);

}  // namespace numloss::NUMLOSS_ISA
