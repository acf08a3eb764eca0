// What a loss of several rows gives its driver: a function of the rows of one example, whose
// numbers lie side by side.
#pragma once

#include "../../runtime/table.hpp"
#include "../memory/lines.hpp"

namespace numloss::NUMLOSS_ISA {

// The rows of one example, n numbers each. Derivatives are written times `factor`, to places that
// are no row's.
template <class T>
struct Vectors {
  const double* parameters;
  int64_t n;
  const T* row[kMaxHeads];  // of the heads; then the target's, where it is one
  T target;                 // where it is a number
  double factor;
  T *gradient[kMaxHeads], *hessian[kMaxHeads];  // null: not wanted
};

template <class T>
struct VectorFunctions {
  T (*vectors)(const Vectors<T>&);                      // returns the value
  bool (*outside)(T target, const double* parameters);  // null: no target is outside the domain
};

}  // namespace numloss::NUMLOSS_ISA
