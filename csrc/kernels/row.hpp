// Rows folded: one long row at a time, 64 classes to a step, tile after tile. Padding is -inf, "a
// class that cannot happen": it adds nothing to any loss.
#pragma once

#include "row_functions.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

template <class T>
class Row {
 public:
  Row(const Task& task, const Examples& at, int64_t label, T coefficient, bool entropy, T* scratch)
      : classes(task.classes),
        tile(folded_tile(task.classes)),
        label(label),
        coefficient(coefficient),
        parameters(task.parameters),
        task_(task),
        at_(at),
        entropy_(entropy),
        prediction_(at.address(task.prediction)),
        logits_(scratch),
        mass_(scratch + tile),
        output_(scratch + 2 * tile),
        second_output_(scratch + 3 * tile) {}

  // Logits of the tile that starts at class `first`, padded with -inf to whole steps. With `mask`
  // the label's own logit reads -inf as well.
  const T* logits(int64_t first, bool mask = false) {
    const int64_t n = length(first);
    const char* from = prediction_ + first * task_.prediction.class_stride;
    const bool masked = mask && label >= first && label < first + n;
    if (!masked && n % kLanes == 0 &&
        in_place<T>(task_.prediction, from, task_.prediction.class_stride)) {
      return reinterpret_cast<const T*>(from);
    }
    copy_in(task_.prediction, from, task_.prediction.class_stride, n, logits_, 1);
    for (int64_t k = n; k % kLanes != 0; ++k) logits_[k] = -Real<T>::kInfinity;
    if (masked) logits_[label - first] = -Real<T>::kInfinity;
    return logits_;
  }

  T logit(int64_t c) const {
    T x;
    copy_in(task_.prediction, prediction_ + c * task_.prediction.class_stride, 0, 1, &x, 1);
    return x;
  }

  // Target mass of that tile, 0 in the padding. Adds up `sums` (once a row: `add_up`).
  const T* mass(int64_t first, const T* logits, bool add_up) {
    const int64_t n = length(first);
    const bool given = task_.target_kind == Target::kDistribution;
    const char* from = at_.address(task_.target) + first * task_.target.class_stride;
    const MassRule<T> rule(task_);
    const T* q = mass_;
    if (given && rule.is_plain() && n % kLanes == 0 &&
        in_place<T>(task_.target, from, task_.target.class_stride)) {
      q = reinterpret_cast<const T*>(from);
    } else {
      if (given)
        copy_in(task_.target, from, task_.target.class_stride, n, mass_, 1);
      else
        spread_label(task_, label, first, n, mass_, 1);
      for (int64_t k = n; k % kLanes != 0; ++k) mass_[k] = T(0);
    }
    if (given && add_up) {
      const auto load = [&](int64_t c, int) { return q + (c - first); };
      add_up_tile<T>(task_, first, n, entropy_, load, sums);
    }
    if (!rule.is_plain()) {
      const bool weighted = task_.class_weight != nullptr && task_.label_table == nullptr;
      for (int64_t k = 0; k < n; k += kLanes) {
        const int lanes = int(n - k < kLanes ? n - k : kLanes);
        rule.apply(mass_ + k, logits + k, lanes,
                   weighted ? task_.class_weight + first + k : nullptr, 1);
      }
    }
    return q;
  }

  int64_t length(int64_t first) const { return classes - first < tile ? classes - first : tile; }
  int64_t steps(int64_t first) const { return (length(first) + kLanes - 1) / kLanes; }

  // Where the tile of an output may be written: in the array, where it has whole steps and lies
  // as T, or in a buffer that write() takes out.
  bool is_direct(const Operand& operand, int64_t first) const {
    return length(first) % kLanes == 0 &&
           in_place<T>(operand, address(operand, first), operand.class_stride);
  }
  T* output(const Operand& operand, int64_t first) {
    return is_direct(operand, first) ? reinterpret_cast<T*>(address(operand, first)) : output_;
  }
  T* buffer() { return output_; }
  T* second_output(const Operand& operand, int64_t first) {
    return is_direct(operand, first) ? reinterpret_cast<T*>(address(operand, first))
                                     : second_output_;
  }
  void write(const Operand& operand, int64_t first, const T* from) {
    char* to = address(operand, first);
    if (reinterpret_cast<const char*>(from) == to) return;
    copy_out(operand, to, operand.class_stride, length(first), from, 1);
  }
  void write_one(const Operand& operand, int64_t c, T x) {
    copy_out(operand, address(operand, c), 0, 1, &x, 1);
  }
  char* address(const Operand& operand, int64_t c) const {
    return at_.address(operand) + c * operand.class_stride;
  }
  const Task& task() const { return task_; }

  const int64_t classes, tile, label;
  const T coefficient;
  const double* const parameters;
  MassSums sums{};

 private:
  const Task& task_;
  const Examples& at_;
  const bool entropy_;
  const char* const prediction_;
  T *const logits_, *const mass_, *const output_, *const second_output_;
};

template <class T>
void clear_row(const Task& task, const Operand& operand, const Examples& at) {
  const T zero = 0;
  for (int64_t c = 0; c < task.classes; ++c) {
    copy_out(operand, at.address(operand) + c * operand.class_stride, 0, 1, &zero, 1);
  }
}

template <class T>
void run_rows(const Task& task, const RowFunctions<T>& functions, int64_t begin, int64_t end,
              T* scratch, Partial& partial) {
  const RowFunction<T> function = functions.row[mode_index(task.mode)];
  Examples at(task, begin);
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t n = end - i < kLanes ? end - i : kLanes;
    RowInfo info;
    MassSums sums[kLanes];
    alignas(64) T value[kLanes];
    const bool labelled = task.target_kind == Target::kLabel;
    if (labelled && !read_labels(task, at, n, info, partial)) {
      partial.bad = true;
      return;
    }
    alignas(64) double buffer[kLanes];
    const double* weights = labelled ? nullptr : load_weights(task, at, n, buffer);
    Examples row_at = at;
    for (int64_t k = 0; k < n; ++k, row_at.advance(1)) {
      const double weight = labelled ? info.loss_weight[k] : weights[k];
      value[k] = T(0);
      if (labelled && weight == 0.0) {
        if (task.mode & kGradient) clear_row<T>(task, task.gradient, row_at);
        if (task.mode & kHessian) clear_row<T>(task, task.hessian, row_at);
        continue;
      }
      Row<T> row(task, row_at, labelled ? info.label[k] : 0, T(weight / task.denominator),
                 functions.entropy, scratch);
      value[k] = function(row);
      sums[k] = row.sums;
      if (weight == 0.0) {
        if (task.mode & kGradient) clear_row<T>(task, task.gradient, row_at);
        if (task.mode & kHessian) clear_row<T>(task, task.hessian, row_at);
      }
    }
    if (!labelled && !weigh_distributions(task, at, n, sums, info, partial)) {
      partial.bad = true;
      return;
    }
    alignas(64) double weighted[kLanes];
    if (task.mode & kValue) finish_values(task, at, value, info.loss_weight, n, weighted, partial);
    advance(at, n);
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
