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

template <class Family>
constexpr Entry rows(const char* name, double cost) {
  static_assert(Family::parameters <= kMaxParameters);
  return {{name, Family::kFolds ? Driver::kRows : Driver::kScannedRows, 1, false,
           Family::parameters, roles(kTarget), false, picoseconds(cost)},
          {{}, row_functions<Family, float>()},
          {{}, row_functions<Family, double>()}};
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
    rows<LabelLikelihood<NegativeLogLikelihood>>("cross_entropy", 0.5),
    rows<Distribution<false>>("cross_entropy_distribution", 1.0),
    rows<Distribution<true>>("kl_divergence", 1.5),
    rows<LabelLikelihood<FocalLikelihood>>("softmax_focal", 0.5),
    rows<MulticlassHinge<true>>("multiclass_hinge_weston_watkins", 0.3),
    rows<MulticlassHinge<false>>("multiclass_hinge_crammer_singer", 0.3),
    rows<RankedProbability>("ranked_probability", 0.8),
};

constexpr int kLosses = sizeof(kRegistry) / sizeof(kRegistry[0]);

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
