// Losses of softmax(x) against the label of the true class: formulas f of the label's surprisal
// n = -log p = logsumexp(x) - x_y, of p and of q = 1 - p, which return f, f' and f'' by n.
// likelihood.hpp makes losses of them.
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

}  // namespace

NUMLOSS_LOSS(CrossEntropy) = likelihood<NegativeLogLikelihood>("cross_entropy", 0.5);
NUMLOSS_LOSS(SoftmaxFocal) = likelihood<FocalLikelihood>("softmax_focal", 0.5);
NUMLOSS_LOSS(SoftmaxFocalProbability) =
    likelihood_of_probabilities<FocalLikelihood>("softmax_focal_probability", 0.5);
NUMLOSS_LOSS(GeneralizedCrossEntropy) = likelihood<TruncatedLikelihood>("generalized_cross_entropy",
                                                                        0.5);
NUMLOSS_LOSS(CrossEntropyAndMiss) = likelihood<SurprisalAndMiss>("cross_entropy_and_miss", 0.5);

}  // namespace numloss::NUMLOSS_ISA
