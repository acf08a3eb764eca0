// What losses of lists share.
#pragma once

#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// What a NaN among the numbers of a list makes of all that follows from them; else 0.
template <class T>
T poison_of(const List<T>& list) {
  T poison = 0;
  for (int64_t i = 0; i < list.n; ++i) {
    poison = keep_nan(list.score[i], keep_nan(list.target[i], poison));
  }
  if (list.aside == nullptr) return poison;
  for (int64_t i = 0; i < list.n; ++i) poison = keep_nan(list.aside[i], poison);
  return poison;
}

// Fills the derivatives that are wanted.
template <class T>
void fill_derivatives(const List<T>& list, T x) {
  for (int64_t i = 0; i < list.n; ++i) {
    if (list.mode & kGradient) list.gradient[i] = x;
    if (list.mode & kHessian) list.hessian[i] = x;
  }
}

// Calls f unless the list holds a NaN, which then is the value and every derivative.
template <class T>
T unless_nan(const List<T>& list, auto&& f) {
  const T poison = poison_of(list);
  if (!is_nan(poison)) return f();
  fill_derivatives(list, poison);
  return poison;
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
