// What a loss over sequences gives its driver: a function that aligns the labels of one with its
// steps.
#pragma once

#include "../../runtime/table.hpp"

namespace numloss::NUMLOSS_ISA {

// One sequence. Of each step there is a row of logarithms of probabilities: those of the labels in
// their order, then -inf up to `lanes`, then that of blank. Where `derives`, they are replaced by
// how probable it is that the step is at each label, and at blank.
struct Alignment {
  bool derives;
  int64_t steps, labels;
  const int64_t* label;
  int64_t lanes;  // as many whole vectors as the labels and one more take
  double* chances;
  double* scratch;

  static constexpr int64_t kVector = 8;  // numbers of the widest
  static constexpr int64_t lanes_of(int64_t labels) {
    return (labels + kVector) / kVector * kVector;
  }
  static constexpr int64_t width_of(int64_t lanes) { return lanes + kVector; }
  double* chances_of(int64_t step) const { return chances + step * width_of(lanes); }
};

struct SequenceFunctions {
  double (*align)(const Alignment&);  // returns the value; infinity: there is no alignment
  int64_t (*scratch)(int64_t steps, int64_t lanes);  // numbers of working memory
};

}  // namespace numloss::NUMLOSS_ISA
