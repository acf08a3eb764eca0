// What makes losses of formulas of the label's likelihood, and what such formulas share.
#pragma once

#include "../drivers/likelihood.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// (exp(-t) - 1 + t) / t² for |t| <= ln(2) / 2, by the polynomial of exp.
template <class T>
NUMLOSS_INLINE T second_remainder(T t) {
  return polynomial(Real<T>::kExp, -t);
}

// Up to here 1 - exp(-t) and t - (1 - exp(-t)) are taken from the remainder, as they would cancel.
template <class T>
inline constexpr T kNearZero = T(1) / T(3);

template <template <class> class Formula>
constexpr Entry likelihood(const char* name, double cost) {
  return rows<Formula<float>::parameters>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {likelihood_panel<T>, likelihood_row<T>, likelihood_functions<Formula, T>(), 0, false};
  });
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
