// What a loss over lists gives its driver: a function of one list, whose numbers lie side by side.
#pragma once

#include "../../runtime/table.hpp"
#include "../memory/lines.hpp"

namespace numloss::NUMLOSS_ISA {

// One list: n scores, each with a target, and a number aside where the loss takes one. Derivatives
// are written unscaled, where `mode` asks for them.
template <class T>
struct List {
  unsigned mode;
  const double* parameters;
  int64_t n;
  const T *score, *target, *aside;
  T *gradient, *hessian;
  int64_t *order, *rank, *spare;  // n places each
  T* scratch;                     // n numbers for each that the loss asks for
  double* wide;                   // the same
};

template <class T>
struct ListFunctions {
  T (*list)(const List<T>&);  // returns the value
  int scratch, wide;          // numbers of working memory for each score
  bool nonnegative;           // whether targets below 0 are outside the loss's domain
  bool takes_aside = false;   // a number beside each target, 0 or 1
};

}  // namespace numloss::NUMLOSS_ISA
