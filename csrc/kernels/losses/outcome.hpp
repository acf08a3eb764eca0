// What losses that measure the distance of a distribution over the classes from the outcome, a
// label or another distribution, share.
#pragma once

#include "../drivers/softmax.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// The outcome: probabilities, or a label as such in the panel's scratch.
template <class T>
const T* outcome_of(const Panel<T>& panel) {
  if (panel.portion != nullptr) return panel.portion;
  T* const hot = panel.scratch;
  fill(T(0), panel.classes * panel.lanes, hot);
  for (int i = 0; i < panel.rows; ++i) hot[panel.place(i, panel.label[i])] = T(1);
  return hot;
}

// The exponentials of a panel, and what they are multiplied by to be softmax(x).
template <class T>
void take_softmax(const Panel<T>& panel, T* inverse) {
  const T *const maximum = panel.maximum, *const rest = panel.rest;
  take_exponentials<T, true>(panel);
#pragma omp simd
  for (int i = 0; i < whole(panel.lanes); ++i) {
    inverse[i] = Softmax<T>{maximum[i], rest[i]}.inverse();
  }
}

// Whether a class is that of the maximum, and has more than half of the probability.
template <class V>
NUMLOSS_INLINE auto leads(V e, V rest) {
  const V one = V{} + Lane<V>(1);
  return (e == one) & (rest < one);
}

// p - t, without the cancellation of a p near 1.
template <class V>
NUMLOSS_INLINE V distance_from(V target, V e, V rest, V inverse) {
  const V one = V{} + Lane<V>(1);
  return leads(e, rest) ? (one - target) - rest * inverse : e * inverse - target;
}

// Panels whose outcome is a label need room for it; `entropy`: whether they ask for that of theirs.
constexpr Entry by_outcome(const char* name, double cost, bool labels, auto panel,
                           bool entropy = false) {
  return rows<0>(name, cost, [labels, panel, entropy]<class T>(T zero) -> RowFunctions<T> {
    return {panel(zero), nullptr, {}, labels ? 1 : 0, entropy};
  });
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
