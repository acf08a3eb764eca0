// Losses of softmax(x) against the label of the true class: formulas f of the label's surprisal
// n = -log p = logsumexp(x) - x_y, of p and of q = 1 - p, which return f, f' and f'' by n.
// drivers/likelihood.hpp makes losses of them.
#include "../drivers/likelihood.hpp"
#include "entry.hpp"

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

template <template <class> class Formula>
constexpr Entry likelihood(const char* name, double cost) {
  return rows<Formula<float>::parameters>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {likelihood_panel<T>, likelihood_row<T>, likelihood_functions<Formula, T>(), 0, false};
  });
}

}  // namespace

NUMLOSS_LOSS(CrossEntropy) = likelihood<NegativeLogLikelihood>("cross_entropy", 0.5);
NUMLOSS_LOSS(SoftmaxFocal) = likelihood<FocalLikelihood>("softmax_focal", 0.5);

}  // namespace numloss::NUMLOSS_ISA
