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
  bool unfit = false;   // beside `bad`: the sum of weights, which may be negative, is 0 or below,
                        // and a mean was to be divided by it; `weight` is that sum
  bool empty = false;   // a mean over nothing: value is NaN, the gradient 0; with derivatives
                        // nothing has been written yet where `empty_is_known` is not set
};

Result run(Call& call);

// Of a call that is made of each slice of its examples on its own.
struct Slices {
  uint64_t axes;   // those of the examples that a slice has, a bit each
  Operand values;  // a float64 for each slice, by the other axes in their order; data may be null
};

// What each slice gives on its own, to the bit: a value, a mean or a sum, goes to its place among
// the slices' values, a result for each example to its place among all. `bad` and `empty` tell of
// any slice; where the outputs are the caller's, then nothing has been written.
Result run(const Call& call, const Slices& slices);

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
