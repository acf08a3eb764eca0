// What the file of a family gives the registry for each of its losses.
#pragma once

#include "../drivers/formulas.hpp"
#include "../drivers/lists.hpp"
#include "../drivers/row_functions.hpp"
#include "../drivers/sequences.hpp"
#include "../drivers/vectors.hpp"

namespace numloss::NUMLOSS_ISA {

// Of a loss of elements, of one over classes, over lists, of several rows, or over sequences.
template <class T>
struct Functions {
  ElementFunctions<T> element;
  RowFunctions<T> row;
  ListFunctions<T> list;
  VectorFunctions<T> vectors;
  SequenceFunctions sequence;
};

struct Entry {
  LossInfo info;
  Functions<float> single;
  Functions<double> in_float64;
  const Functions<float>& functions(float) const { return single; }
  const Functions<double>& functions(double) const { return in_float64; }
};

// Declares a loss, for the registry, or defines it, beside its formula: NUMLOSS_LOSS(Mse) = ...
#define NUMLOSS_DECLARE(name) [[gnu::visibility("hidden")]] extern const Entry k##name;
#define NUMLOSS_LOSS(name) NUMLOSS_DECLARE(name) constexpr Entry k##name

namespace {

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
      {element_functions<Loss, float>(), {}, {}, {}, {}},
      {element_functions<Loss, double>(), {}, {}, {}, {}}};
}

// A loss over classes that reads kParameters; `functions`: those of a type whose zero it is given.
template <int kParameters>
constexpr Entry rows(const char* name, double cost, auto functions) {
  static_assert(kParameters <= kMaxParameters);
  const RowFunctions<float> single = functions(float());
  const Driver driver = single.row != nullptr ? Driver::kRows : Driver::kScannedRows;
  return {{name, driver, 1, false, kParameters, roles(kTarget), false, picoseconds(cost)},
          {{}, single, {}, {}, {}},
          {{}, functions(double()), {}, {}, {}}};
}

// The same of a loss over lists.
template <int kParameters>
constexpr Entry lists(const char* name, double cost, auto functions) {
  static_assert(kParameters <= kMaxParameters);
  const ListFunctions<float> single = functions(float());
  const Roles limited = (single.nonnegative ? roles(kTarget) : Roles{0}) |
                        (single.takes_aside ? roles(kAside) : Roles{0});
  return {
      {name, Driver::kLists, 1, single.takes_aside, kParameters, limited, false, picoseconds(cost)},
      {{}, {}, single, {}, {}},
      {{}, {}, functions(double()), {}, {}}};
}

// The same of a loss of several rows, of which `heads` have gradients.
template <int kParameters>
constexpr Entry vectors(const char* name, int heads, double cost, auto functions) {
  static_assert(kParameters <= kMaxParameters);
  const VectorFunctions<float> single = functions(float());
  const Roles limited = single.outside != nullptr ? roles(kTarget) : Roles{0};
  return {{name, Driver::kVectors, heads, false, kParameters, limited, false, picoseconds(cost)},
          {{}, {}, {}, single, {}},
          {{}, {}, {}, functions(double()), {}}};
}

// The same of a loss over sequences, whose steps are aligned in double.
template <int kParameters>
constexpr Entry sequences(const char* name, double cost, SequenceFunctions functions) {
  static_assert(kParameters <= kMaxParameters);
  return {
      {name, Driver::kSequences, 1, false, kParameters, roles(kTarget), false, picoseconds(cost)},
      {{}, {}, {}, {}, functions},
      {{}, {}, {}, {}, functions}};
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
