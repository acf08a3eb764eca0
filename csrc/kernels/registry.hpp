// The list of losses, one row each.
#pragma once

#include "losses/binary.hpp"
#include "losses/distribution.hpp"
#include "losses/margin.hpp"
#include "losses/multiclass.hpp"
#include "losses/ordinal.hpp"
#include "losses/penalty.hpp"
#include "losses/regression.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Of a loss of elements or of one over classes.
template <class T>
struct Functions {
  ElementFunctions<T> element;
  RowFunctions<T> row;
};

struct Entry {
  LossInfo info;
  Functions<float> single;
  Functions<double> in_float64;
  const Functions<float>& functions(float) const { return single; }
  const Functions<double>& functions(double) const { return in_float64; }
};

// ns an element: losses that take less are computed twice, for the value and for the gradient,
// sooner than their gradient is copied to where neighbours lie far apart. Vectors of 16 bytes take
// longer to compute, not to copy.
constexpr double kTwice = kVectorBytes > 16 ? 0.6 : 0.2;

constexpr int64_t picoseconds(double nanoseconds) { return int64_t(1000 * nanoseconds); }

template <template <class> class Loss>
constexpr Entry elements() {
  using Named = Loss<float>;
  static_assert(Named::parameters <= kMaxParameters && heads_of<Named>() <= kMaxHeads);
  return {
      {Named::name, Driver::kElements, heads_of<Named>(), takes_aside<Named>(), Named::parameters,
       kLimited<Named, float>, Named::cost < kTwice, picoseconds(Named::cost)},
      {element_functions<Loss, float>(), {}},
      {element_functions<Loss, double>(), {}}};
}

// A loss over classes that reads kParameters; `functions`: those of a type whose zero it is given.
template <int kParameters>
constexpr Entry rows(const char* name, double cost, auto functions) {
  static_assert(kParameters <= kMaxParameters);
  const RowFunctions<float> single = functions(float());
  const Driver driver = single.row != nullptr ? Driver::kRows : Driver::kScannedRows;
  return {{name, driver, 1, false, kParameters, roles(kTarget), false, picoseconds(cost)},
          {{}, single},
          {{}, functions(double())}};
}

template <template <class> class Formula>
constexpr Entry likelihood(const char* name, double cost) {
  return rows<Formula<float>::parameters>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {likelihood_panel<T>, likelihood_row<T>, likelihood_functions<Formula, T>(), 0, false};
  });
}

constexpr Entry distribution(const char* name, double cost, bool entropy) {
  return rows<0>(name, cost, [entropy]<class T>(T) -> RowFunctions<T> {
    return {distribution_panel<T>, distribution_row<T>, {}, 0, entropy};
  });
}

template <bool kSum>
constexpr Entry margin(const char* name, double cost) {
  return rows<1>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {margin_panel<kSum, T>, margin_row<kSum, T>, {}, 0, false};
  });
}

constexpr Entry ranked_probability() {
  return rows<0>("ranked_probability", 0.8, []<class T>(T) -> RowFunctions<T> {
    return {ranked_probability_panel<T>, nullptr, {}, 2, false};
  });
}

constexpr Entry kRegistry[] = {
    elements<Mse>(),
    elements<Mae>(),
    elements<Huber>(),
    elements<Quantile>(),
    elements<GaussianNll>(),
    elements<BinaryCrossEntropy>(),
    elements<BinaryCrossEntropyProbability>(),
    elements<Focal>(),
    elements<FocalProbability>(),
    elements<Hinge>(),
    elements<SquaredHinge>(),
    elements<ElasticNet>(),
    likelihood<NegativeLogLikelihood>("cross_entropy", 0.5),
    distribution("cross_entropy_distribution", 1.0, false),
    distribution("kl_divergence", 1.5, true),
    likelihood<FocalLikelihood>("softmax_focal", 0.5),
    margin<true>("multiclass_hinge_weston_watkins", 0.3),
    margin<false>("multiclass_hinge_crammer_singer", 0.3),
    ranked_probability(),
};

constexpr int kLosses = sizeof(kRegistry) / sizeof(kRegistry[0]);

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
