// The one entry that every binding calls.
#pragma once

#include "table.hpp"

namespace numloss {

enum class Reduction { kMean, kSum, kNone };
enum class Denominator { kWeight, kCount, kNumber };

struct Call {
  Task task;
  Reduction reduction = Reduction::kMean;
  Denominator denominator = Denominator::kWeight;
  double number = 0;             // the denominator, where it is a number
  bool empty_is_known = false;   // the caller has been told of a mean over nothing
  bool outputs_are_ours = true;  // false: check every target before the first write
};

struct Result {
  double value = 0;     // of a reduction
  double weight = 0;    // sum of the weights
  int64_t count = 0;    // examples not ignored
  bool bad = false;     // a target or prediction outside the loss's domain; outputs are unspecified
                        // where they are ours, untouched where they are the caller's
  bool rounds = false;  // a probability was taken for 0 or 1 that rounding had put outside
  bool empty = false;   // a mean over nothing: value is NaN, the gradient 0; with derivatives
                        // nothing has been written yet where `empty_is_known` is not set
};

Result run(Call& call);

// A handful, and what becomes of its values: their mean or their sum.
struct HandfulCall {
  Handful handful;
  Reduction reduction;
};

// False: something lies outside the domain. Nothing has been written; a Call of the same tells
// more.
bool run(HandfulCall& call, Result& result);

// Roughly the picoseconds that a call keeps one core busy: in integers, which leave no mark on the
// flags of the caller's floating-point environment.
int64_t estimated_cost(const Task& task);

}  // namespace numloss
