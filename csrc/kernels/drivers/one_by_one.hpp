// Examples that are worked on one at a time, each as a whole.
#pragma once

#include "targets.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Rows of working memory begin on a line.
template <class T>
int64_t whole_lines(int64_t n) {
  return (n + kLine<T> - 1) / kLine<T> * kLine<T>;
}

// Goes through the examples of a block with is_bad(index, at), where one that has a weight may be
// outside the domain, and compute(index, at, weight), which returns the value.
template <class T>
void run_one_by_one(const Task& task, int64_t begin, int64_t end, bool only_check, Partial& partial,
                    auto&& is_bad, auto&& compute) {
  Examples at(task, begin);
  for (int64_t first = begin; first < end; first += kLanes) {
    const int64_t rows = end - first < kLanes ? end - first : kLanes;
    LabelsAndWeights info;
    T value[kLanes];
    load_loss_weights(task, at, rows, info);
    partial.bad = has_outside_weights(task, info.loss_weight, rows);
    Examples row = at;
    for (int64_t k = 0; k < rows && !partial.bad; ++k, row.advance(1)) {
      const double weight = info.full_weight[k] = info.loss_weight[k];
      value[k] = T(0);
      if (weight != 0 && !task.checked) partial.bad = is_bad(first + k, row);
      if (!only_check && !partial.bad) value[k] = compute(first + k, row, weight);
    }
    if (partial.bad) return;
    if (!task.checked) count_examples(task, info.full_weight, rows, rows, partial);
    if (!only_check && (task.mode & kValue)) finish_rows(task, at, value, info, rows, partial);
    at.advance(rows);
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
