// Losses f(n) of the label's surprisal n = logsumexp(x) - x_y, with its probability p and q = 1 -
// p: dL/dx_j = f' (p_j - [j = y]) and d²L/dx_j² = f'' (p_j - [j = y])² + f' p_j (1 - p_j). What is
// not f is compiled once per type; f runs once a row, behind a pointer.
#pragma once

#include "row_functions.hpp"

namespace numloss::NUMLOSS_ISA {

template <class T>
void likelihood_panel(const Panel<T>& panel);
template <class T>
T likelihood_row(Row<T>& row);
// The same of logits that are the logarithms of probabilities, whatever their sum.
template <class T>
void likelihood_of_logarithms_panel(const Panel<T>& panel);

namespace {

template <template <class> class Formula, class T, unsigned kMode>
void apply_likelihood(const double* parameters, int lanes, LabelLanes<T>& at_label) {
  const Formula<T> formula(parameters);
#pragma omp simd
  for (int i = 0; i < whole(lanes); ++i) {
    const Derivatives<T> d =
        formula(at_label.surprisal[i], at_label.probability[i], at_label.complement[i]);
    if constexpr ((kMode & kValue) != 0) at_label.value[i] = d.value;
    if constexpr ((kMode & kGradient) != 0) at_label.first[i] = d.first;
    if constexpr ((kMode & kHessian) != 0) at_label.second[i] = d.second;
  }
}

template <template <class> class Formula, class T>
Derivatives<T> likelihood_of_row(const double* parameters, T surprisal, T p, T q) {
  return Formula<T>(parameters)(surprisal, p, q);
}

template <template <class> class Formula, class T>
constexpr LikelihoodFunctions<T> likelihood_functions() {
  return {apply_likelihood<Formula, T, kValue>, apply_likelihood<Formula, T, kValue | kGradient>,
          apply_likelihood<Formula, T, kGradient | kHessian>, likelihood_of_row<Formula, T>,
          requires { Formula<T>::is_linear; }};
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
