// Rows side by side: 64 rows of up to kSideBySide classes (of any number, for losses that scan the
// classes), transposed so that a lane is a row and a step a class.
#pragma once

#include "extras.hpp"
#include "targets.hpp"
#include "values.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Rows of elements that are T's own go straight into a panel; others are converted or gathered into
// `staging` row by row first, and classes that lie further apart than rows class by class.
template <class T>
bool takes_staging(const Operand& operand, const char* address, int64_t row_stride) {
  const bool rows = in_place<T>(operand, address, row_stride);
  const bool classes = in_place<T>(operand, address, operand.class_stride);
  const bool native = is_native<T>(operand, address, row_stride) &&
                      is_native<T>(operand, address, operand.class_stride);
  return !(native && (rows || classes)) && operand.class_stride < row_stride;
}

// Do rows lie side by side, in an array larger than the caches?
template <class T>
bool streams_flat(const Operand& operand, const char* address, int64_t row_stride,
                  int64_t classes) {
  return operand.exceeds_cache && row_stride == classes * int64_t(sizeof(T)) &&
         in_place<T>(operand, address, operand.class_stride);
}

// Element (i, c) of the array at address + i * row_stride + c * class_stride, `rows` rows, from or
// to panel[c * kLanes + i].
template <class T>
void load_rows(const Operand& operand, const char* address, int64_t row_stride, int64_t rows,
               int64_t classes, T* staging, T* panel) {
  const Plane plane{classes, operand.class_stride, rows, row_stride};
  if (takes_staging<T>(operand, address, row_stride)) {
    load_plane(operand, address, plane.transposed(), staging, classes);
    transpose(staging, classes, rows, classes, panel, kLanes);
  } else {
    load_plane(operand, address, plane, panel, kLanes);
  }
}

template <class T>
void store_rows(const Operand& operand, char* address, int64_t row_stride, int64_t rows,
                int64_t classes, T* staging, const T* panel) {
  const Plane plane{classes, operand.class_stride, rows, row_stride};
  if (takes_staging<T>(operand, address, row_stride)) {
    transpose(panel, kLanes, classes, rows, staging, classes);
    store_plane(operand, address, plane.transposed(), staging, classes);
  } else if (streams_flat<T>(operand, address, row_stride, classes)) {
    // Lines that are not in a cache are waited for less where they are written one after another.
    for (int64_t r = 0; r < rows; r += kLaneStep) {
      const int64_t n = rows - r < kLaneStep ? rows - r : kLaneStep;
      transpose(panel + r, kLanes, classes, n, staging, classes);
      copy_rows(staging, 0, 1, n * classes, reinterpret_cast<T*>(address + r * row_stride), 0);
    }
  } else {
    store_plane(operand, address, plane, panel, kLanes);
  }
}

// Lanes without a row hold zeros: finite work, never stored. Always the same number of lanes is
// written: a loop over those without a row would become a call of memset for every class.
template <class T>
NUMLOSS_INLINE void clear_idle_lanes(int64_t n, int64_t classes, T* panel) {
  const int first = lanes_for(n) - kLaneStep;
  if (n == first + kLaneStep) return;
  const int rows = int(n) - first;
  for (int64_t c = 0; c < classes; ++c) {
    T* const last = panel + c * kLanes + first;
#pragma omp simd
    for (int i = 0; i < kLaneStep; ++i) last[i] = i < rows ? last[i] : T(0);
  }
}

template <class T>
void load_panel(const Task& task, const Operand& operand, const Examples& from, int64_t n,
                T* staging, T* panel) {
  Examples at = from;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    load_rows(operand, at.address(operand), at.stride(operand), run, task.classes, staging,
              panel + done);
    at.advance(run);
    done += run;
  }
  clear_idle_lanes(n, task.classes, panel);
}

// Multiplies the rows whose coefficient did not fit T. One that is not there (weight 0) has zeros,
// even where its logits are NaN.
template <class T>
void multiply_panel(const double* weight, const double* factor, int64_t n, int64_t classes,
                    T* panel) {
  for (int64_t i = 0; i < n; ++i) {
    if (is_normal(T(factor[i]))) continue;
    for (int64_t c = 0; c < classes; ++c) {
      T& x = panel[c * kLanes + i];
      x = weight[i] == 0.0 ? T(0) : T(double(x) * factor[i]);
    }
  }
}

template <class T>
void store_panel(const Task& task, const Operand& operand, const Examples& from, int64_t n,
                 T* staging, T* panel) {
  Examples at = from;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    store_rows(operand, at.address(operand), at.stride(operand), run, task.classes, staging,
               panel + done);
    at.advance(run);
    done += run;
  }
}

// The distributions of n rows as a panel, and their sums.
template <class T>
void load_distributions(const Task& task, const Examples& at, int64_t n, PortionUse use, T* staging,
                        T* q, PortionSums* sums) {
  load_panel(task, task[kTarget], at, n, staging, q);
  PortionLanes<T> sum_of;
  if (use.any()) {
    each_steps(task.classes, [&](int64_t c, auto count) {
      const double* factor = task.class_weight ? task.class_weight + c : nullptr;
      sum_of.template add<1, 0>(q + c * kLanes, count, lanes_for(n), factor, use);
    });
  }
  for (int64_t i = 0; i < n; ++i) {
    sums[i] = {double(sum_of.probability[i]), sum_of.weight[i], double(sum_of.entropy[i]),
               sum_of.lowest[i] < T(0)};
  }
}

// The portions of n rows as a panel, and its sums.
template <class T>
void load_portions(const Task& task, const Examples& at, int64_t n, const LabelsAndWeights& info,
                   bool with_entropy, const T* logits, T* staging, T* portion, PortionSums* sums) {
  const int lanes = lanes_for(n);
  const PortionRule<T> rule(task);
  if (task.target_kind == Target::kLabel) {
    // Labels have no entropy, and weights of their own.
    for (int64_t i = 0; i < n; ++i) sums[i] = {};
    if (task.label_table == nullptr) {
      alignas(64) int32_t label[kLanes] = {};
      for (int64_t i = 0; i < n; ++i) label[i] = int32_t(info.label[i]);
      for (int64_t c = 0; c < task.classes; ++c) {
        const auto q = [&label, c = int32_t(c)](int i) { return T(label[i] == c); };
        rule.template apply<0>(c, lanes, q, logits + c * kLanes, portion + c * kLanes);
      }
      return;
    }
    for (int64_t i = 0; i < n; ++i) {
      spread_label(task, info.label[i], 0, task.classes, staging + i * task.classes);
    }
    transpose(staging, task.classes, n, task.classes, portion, kLanes);
    clear_idle_lanes(n, task.classes, portion);
  } else {
    load_distributions(task, at, n, use_of_portions(task, with_entropy), staging, portion, sums);
  }
  if (rule.is_plain()) return;
  for (int64_t c = 0; c < task.classes; ++c) {
    T* const step = portion + c * kLanes;
    rule.template apply<0>(c, lanes, [step](int i) { return step[i]; }, logits + c * kLanes, step);
  }
}

// Where the gradient of the next n rows goes, if that is worth asking for before it is written.
template <class T>
const T* gradient_to_fetch(const Task& task, const Examples& at, int64_t n) {
  if (!task.has(kGradients) || at.run() < n) return nullptr;
  const Operand& gradient = task[kGradients];
  const char* const address = at.address(gradient);
  const bool flat = streams_flat<T>(gradient, address, at.stride(gradient), task.classes);
  return flat ? reinterpret_cast<const T*>(address) : nullptr;
}

// Scratch of the side-by-side driver, in panels of [classes][kLanes].
template <class T>
int64_t panel_count(const Task& task, const RowFunctions<T>& functions) {
  return 2 + (has_portions(task) ? 1 : 0) + ((task.mode & kHessian) ? 1 : 0) +
         functions.scratch_panels;
}

template <class T>
[[gnu::noinline]] void run_with_extras(const Task& task, const RowFunctions<T>& functions,
                                       const Examples& at, int64_t n, const Panel<T>& panel) {
  Highest<T> highest;
  Extras<T> extras;
  take_highest(panel, highest);
  functions.panel(panel);
  take_extras(panel, highest, extras);
  store_extras(task, at, n, extras);
}

template <class T>
void run_panels(const Task& task, const RowFunctions<T>& functions, int64_t begin, int64_t end,
                T* scratch, Partial& partial) {
  const int64_t size = task.classes * kLanes;
  T* const staging = scratch;
  T* const logits = scratch + size;
  T* next = scratch + 2 * size;
  T* const portion = has_portions(task) ? next : nullptr;
  next += portion != nullptr ? size : 0;
  T* const hessian = (task.mode & kHessian) ? next : nullptr;
  next += hessian != nullptr ? size : 0;
  Examples at(task, begin);
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t n = end - i < kLanes ? end - i : kLanes;
    LabelsAndWeights info;
    PortionSums sums[kLanes];
    alignas(64) int32_t label[kLanes] = {};
    alignas(64) T coefficient[kLanes] = {}, value[kLanes], entropy[kLanes] = {};
    const bool labelled = task.target_kind == Target::kLabel;
    if (labelled && !read_labels(task, at, n, info, partial)) {
      partial.bad = true;
      return;
    }
    load_panel(task, task[kHeads], at, n, staging, logits);
    if (portion != nullptr) {
      load_portions(task, at, n, info, functions.entropy, logits, staging, portion, sums);
      for (int64_t k = 0; k < n; ++k) entropy[k] = T(sums[k].entropy);
      if (!labelled && !weigh_distributions(task, at, n, sums, info, partial)) {
        partial.bad = true;
        return;
      }
    }
    for (int64_t k = 0; k < n; ++k) label[k] = int32_t(info.label[k]);
    alignas(64) double factor[kLanes];
    int unfit = 0;
#pragma omp simd reduction(| : unfit)
    for (int64_t k = 0; k < (task.mode == kValue ? 0 : n); ++k) {
      factor[k] = info.loss_weight[k] / task.denominator;
      coefficient[k] = coefficient_of<T>(factor[k]);
      unfit |= int(!is_normal(T(factor[k])));
    }
    alignas(64) T maximum[kLanes], rest[kLanes];
    const Panel<T> panel{task.mode,
                         &functions.likelihood,
                         task.parameters,
                         task.classes,
                         lanes_for(n),
                         logits,
                         hessian,
                         next,
                         portion,
                         entropy,
                         label,
                         coefficient,
                         value,
                         maximum,
                         rest,
                         gradient_to_fetch<T>(task, at, n)};
    if (wants_extras(task)) {
      run_with_extras(task, functions, at, n, panel);
    } else {
      functions.panel(panel);
    }
    if (task.mode & kValue) finish_rows(task, at, value, info, n, partial);
    if (task.mode & kGradient) {
      if (unfit) multiply_panel(info.loss_weight, factor, n, task.classes, logits);
      store_panel(task, task[kGradients], at, n, staging, logits);
    }
    if (task.mode & kHessian) {
      if (unfit) multiply_panel(info.loss_weight, factor, n, task.classes, hessian);
      store_panel(task, task[kHessians], at, n, staging, hessian);
    }
    at.advance(n);
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
