// Driver of the losses over rows of classes. Two shapes of the same panel, 64 lanes wide:
// - side by side: 64 rows of up to kSideBySide classes (of any number, for losses that scan the
//   classes), transposed so that a lane is a row and a step a class;
// - folded: one long row, 64 classes to a step, tile after tile.
// Which one serves depends on the number of classes alone, so memory layout cannot change a bit.
// Padding is -inf, "a class that cannot happen": it adds nothing to any loss.
#pragma once

#include "elementwise.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

inline constexpr int kWholeRow = 4096;        // a row up to here is one tile: it fits the L1 cache
inline constexpr int kFoldedTile = 1024;      // classes of a longer row worked on at a time
inline constexpr int kMaxFoldedTiles = 4096;  // longer rows get longer tiles

// Up to 64 rows, side by side. Arrays of [classes][kLanes].
template <class T>
struct Panel {
  const double* parameters;
  int64_t classes;
  int lanes;             // how many of the kLanes hold rows, a multiple of 16
  T* logits;             // the gradient on return
  T* hessian;            // where asked for
  T* scratch;            // two more panels, for losses that ask for them
  const T* mass;         // distribution targets
  const T* entropy;      // [kLanes] sum of q log q, for distribution targets
  const int32_t* label;  // [kLanes], label targets
  const T* coefficient;  // [kLanes] what the derivatives are multiplied by
  T* value;              // [kLanes]
};

template <class T>
using PanelFunction = void (*)(const Panel<T>&);

// A long row: its classes come in tiles.
template <class T>
class Row;

template <class T>
using RowFunction = T (*)(Row<T>&);

template <class T>
struct RowFunctions {
  PanelFunction<T> panel[4];  // by mode, see mode_index
  RowFunction<T> row[4];      // null: rows of any length go side by side
  int scratch_panels;
  bool entropy;  // the value needs the sum of q log q
};

constexpr int mode_index(unsigned mode) {
  return mode == kValue ? 0 : mode == kGradient ? 1 : mode == (kValue | kGradient) ? 2 : 3;
}

inline constexpr unsigned kModes[] = {kValue, kGradient, kValue | kGradient, kGradient | kHessian};

inline int64_t whole_steps(int64_t classes) { return (classes + kLanes - 1) / kLanes * kLanes; }

inline int64_t folded_tile(int64_t classes) {
  if (classes <= kWholeRow) return whole_steps(classes);
  const int64_t least = (classes + kMaxFoldedTiles - 1) / kMaxFoldedTiles;
  return least <= kFoldedTile ? kFoldedTile : whole_steps(least);
}

// Whether rows are folded, or go side by side.
template <class T>
bool folds(const Task& task, const RowFunctions<T>& functions) {
  return task.classes > kSideBySide && functions.row[0] != nullptr;
}

// ---------------------------------------------------------------------------- targets and weights

// What the examples of a panel bring besides their logits.
struct RowInfo {
  int64_t label[kLanes];
  double loss_weight[kLanes];  // multiplies value and derivatives; 0: the row is not there
};

// Labels of the next n examples.
inline void load_labels(const Operand& operand, Examples at, int64_t n, int64_t* label) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    if constexpr (requires(S x) { x << 1; }) {  // an integer
      for (int64_t done = 0; done < n;) {
        const int64_t run = at.run() < n - done ? at.run() : n - done;
        const char* from = at.address(operand);
        const int64_t stride = at.stride(operand);
        for (int64_t i = 0; i < run; ++i) {
          const S x = read<S>(from + i * stride, operand.swapped);
          // A uint64 beyond int64 is out of range whatever the number of classes.
          const bool huge = sizeof(S) == 8 && S(-1) > S(0) && x > S(INT64_MAX);
          label[done + i] = huge ? INT64_MAX : int64_t(x);
        }
        at.advance(run);
        done += run;
      }
    }
  });
}

// Weights of the next n examples, 1 where there are none.
inline const double* load_weights(const Task& task, const Examples& at, int64_t n, double* buffer) {
  if (task.weight.data != nullptr) return load(task.weight, at, n, buffer);
  for (int64_t i = 0; i < n; ++i) buffer[i] = 1.0;
  return buffer;
}

// Labels and weights of n rows; adds the weights to the block's. False: a label out of range.
inline bool read_labels(const Task& task, const Examples& at, int64_t n, RowInfo& info,
                        Partial& partial) {
  alignas(64) double buffer[kLanes], example_weight[kLanes];
  const double* weight = load_weights(task, at, n, buffer);
  load_labels(task.target, at, n, info.label);
  // Smoothing spreads the class weights over the classes: they are in the mass then.
  const bool in_mass = task.label_smoothing > 0 && task.class_weight != nullptr;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t label = info.label[i];
    const bool ignored = label == task.ignore_index;
    partial.count += !ignored;
    example_weight[i] = ignored ? 0.0 : weight[i];
    info.loss_weight[i] = example_weight[i];
    if (example_weight[i] == 0.0) {
      info.label[i] = 0;
      continue;
    }
    if (label < 0 || label >= task.classes) return false;
    if (task.class_weight != nullptr) {
      example_weight[i] *= task.class_weight[label];
      if (!in_mass) info.loss_weight[i] = example_weight[i];
    }
    if (task.label_factor != nullptr) info.loss_weight[i] *= task.label_factor[label];
  }
  add(partial.weight, sum(example_weight, n));
  return true;
}

struct MassSums {
  double probability, weight, entropy;  // of q, q * class_weight, q log q
  bool negative;                        // a negative probability was met
};

// Sums over the lanes of a panel or of the tile of a row, as they grow.
template <class T>
struct MassLanes {
  alignas(64) T probability[kLanes] = {}, lowest[kLanes] = {}, entropy[kLanes] = {};
  alignas(64) double weight[kLanes] = {};

  // Takes in the probabilities q of one step. class_weight: that of lane i at i * stride, or null.
  NUMLOSS_INLINE void add(const T* q, int lanes, const double* class_weight, int64_t stride,
                          bool with_entropy) {
#pragma omp simd
    for (int i = 0; i < lanes; ++i) {
      probability[i] += q[i];
      lowest[i] = q[i] < lowest[i] ? q[i] : lowest[i];
    }
    if (class_weight != nullptr) {
      // In double, as the weights of labels are: a label and its distribution weigh the same.
      for (int i = 0; i < lanes; ++i) weight[i] += double(q[i]) * class_weight[i * stride];
    }
    if (with_entropy) {
#pragma omp simd
      for (int i = 0; i < lanes; ++i) {
        const T product = q[i] * log(q[i]);
        entropy[i] += q[i] == T(0) ? T(0) : product;
      }
    }
  }
};

// From probabilities q to the mass of a loss: q smoothed, then times the class weight. A class that
// cannot happen gets no share of the smoothing.
template <class T>
struct MassRule {
  T keep, share;
  const double* class_weight;

  explicit MassRule(const Task& task)
      : keep(T(1.0 - task.label_smoothing)),
        share(T(task.label_smoothing / double(task.classes))),
        class_weight(task.class_weight) {}

  // Whether mass is q itself.
  bool is_plain() const { return share == T(0) && class_weight == nullptr; }

  // stride: 1 where lane i is class i, 0 where all lanes are one class.
  NUMLOSS_INLINE void apply(T* mass, const T* logits, int lanes, const double* factor,
                            int64_t stride) const {
#pragma omp simd
    for (int i = 0; i < lanes; ++i) {
      mass[i] = fma(mass[i], keep, logits[i] == -Real<T>::kInfinity ? T(0) : share);
    }
    if (factor != nullptr) {
      for (int i = 0; i < lanes; ++i) mass[i] = T(double(mass[i]) * factor[i * stride]);
    }
  }
};

// Probabilities of classes [first, first + n) for a label: its row of the table, or 1 at it.
template <class T>
void spread_label(const Task& task, int64_t label, int64_t first, int64_t n, T* q, int64_t step) {
  if (task.label_table == nullptr) {
    for (int64_t k = 0; k < n; ++k) q[k * step] = T(first + k == label);
    return;
  }
  const double* row = task.label_table + label * task.classes + first;
  for (int64_t k = 0; k < n; ++k) q[k * step] = T(row[k]);
}

// Weights of n rows with distribution targets, whose sums are known. False: no distribution.
inline bool weigh_distributions(const Task& task, const Examples& at, int64_t n,
                                const MassSums* sums, RowInfo& info, Partial& partial) {
  alignas(64) double buffer[kLanes], example_weight[kLanes];
  const double* weight = load_weights(task, at, n, buffer);
  bool good = true;
  for (int64_t i = 0; i < n; ++i) {
    info.label[i] = 0;
    info.loss_weight[i] = weight[i];
    example_weight[i] = task.class_weight ? weight[i] * sums[i].weight : weight[i];
    const double excess = sums[i].probability - 1.0;
    const bool off = sums[i].negative || excess > task.distribution_tolerance ||
                     excess < -task.distribution_tolerance;
    good = good && !(off && weight[i] != 0.0);
  }
  partial.count += n;
  add(partial.weight, sum(example_weight, n));
  return good;
}

// A distribution target, or labels that become one (smoothing, a table of soft labels).
inline bool has_mass(const Task& task) {
  return task.target_kind == Target::kDistribution || task.label_smoothing > 0 ||
         task.label_table != nullptr;
}

// --------------------------------------------------------------------------------- side by side

// Element (i, c) of the array at address + i * row_stride + c * class_stride, `rows` rows, from or
// to panel[c * kLanes + i].
template <class T>
void load_rows(const Operand& operand, const char* address, int64_t row_stride, int64_t rows,
               int64_t classes, T* panel) {
  const int64_t class_stride = operand.class_stride;
  const T* x = reinterpret_cast<const T*>(address);
  if (is_native<T>(operand, address, row_stride) && in_place<T>(operand, address, class_stride)) {
    transpose(x, row_stride / int64_t(sizeof(T)), rows, classes, panel, kLanes);
  } else if (is_native<T>(operand, address, class_stride) &&
             in_place<T>(operand, address, row_stride)) {
    for (int64_t c = 0; c < classes; ++c) {
      const T* column = x + c * (class_stride / int64_t(sizeof(T)));
      __builtin_memcpy(panel + c * kLanes, column, uint64_t(rows) * sizeof(T));
    }
  } else if (class_stride < row_stride) {
    for (int64_t i = 0; i < rows; ++i) {
      copy_in(operand, address + i * row_stride, class_stride, classes, panel + i, kLanes);
    }
  } else {
    for (int64_t c = 0; c < classes; ++c) {
      copy_in(operand, address + c * class_stride, row_stride, rows, panel + c * kLanes, 1);
    }
  }
}

template <class T>
void store_rows(const Operand& operand, char* address, int64_t row_stride, int64_t rows,
                int64_t classes, const T* panel) {
  const int64_t class_stride = operand.class_stride;
  T* x = reinterpret_cast<T*>(address);
  if (is_native<T>(operand, address, row_stride) && in_place<T>(operand, address, class_stride)) {
    transpose(panel, kLanes, classes, rows, x, row_stride / int64_t(sizeof(T)));
  } else if (class_stride < row_stride) {
    for (int64_t i = 0; i < rows; ++i) {
      copy_out(operand, address + i * row_stride, class_stride, classes, panel + i, kLanes);
    }
  } else {
    for (int64_t c = 0; c < classes; ++c) {
      copy_out(operand, address + c * class_stride, row_stride, rows, panel + c * kLanes, 1);
    }
  }
}

// Lanes that hold rows, in whole vectors of any instruction set.
inline int lanes_for(int64_t rows) { return int((rows + 15) / 16 * 16); }

template <class T>
void load_panel(const Task& task, const Operand& operand, const Examples& from, int64_t n,
                T* panel) {
  Examples at = from;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    load_rows(operand, at.address(operand), at.stride(operand), run, task.classes, panel + done);
    at.advance(run);
    done += run;
  }
  // Lanes without a row hold zeros: finite work, never stored.
  const int lanes = lanes_for(n);
  for (int64_t c = 0; c < task.classes; ++c) {
    for (int64_t i = n; i < lanes; ++i) panel[c * kLanes + i] = T(0);
  }
}

template <class T>
void store_panel(const Task& task, const Operand& operand, const Examples& from, int64_t n,
                 const double* weight, T* panel) {
  // A row that is not there has gradient 0, even where its logits are NaN.
  for (int64_t i = 0; i < n; ++i) {
    if (weight[i] == 0.0) {
      for (int64_t c = 0; c < task.classes; ++c) panel[c * kLanes + i] = T(0);
    }
  }
  Examples at = from;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    store_rows(operand, at.address(operand), at.stride(operand), run, task.classes, panel + done);
    at.advance(run);
    done += run;
  }
}

// The distributions of n rows as a panel, and their sums.
template <class T>
void load_distributions(const Task& task, const Examples& at, int64_t n, bool with_entropy, T* q,
                        MassSums* sums) {
  load_panel(task, task.target, at, n, q);
  MassLanes<T> sum_of;
  for (int64_t c = 0; c < task.classes; ++c) {
    const double* factor = task.class_weight ? task.class_weight + c : nullptr;
    sum_of.add(q + c * kLanes, lanes_for(n), factor, 0, with_entropy);
  }
  for (int64_t i = 0; i < n; ++i) {
    sums[i] = {double(sum_of.probability[i]), sum_of.weight[i], double(sum_of.entropy[i]),
               sum_of.lowest[i] < T(0)};
  }
}

// The mass of n rows as a panel, and its sums.
template <class T>
void load_mass(const Task& task, const Examples& at, int64_t n, const RowInfo& info,
               bool with_entropy, const T* logits, T* mass, MassSums* sums) {
  const int lanes = lanes_for(n);
  const MassRule<T> rule(task);
  if (task.target_kind == Target::kDistribution) {
    load_distributions(task, at, n, with_entropy, mass, sums);
  } else {
    for (int64_t i = 0; i < lanes; ++i) {
      spread_label(task, i < n ? info.label[i] : 0, 0, task.classes, mass + i, kLanes);
    }
    for (int64_t i = 0; i < n; ++i)
      sums[i] = {};  // labels have no entropy, and weights of their own
  }
  if (rule.is_plain()) return;
  for (int64_t c = 0; c < task.classes; ++c) {
    // A table of soft labels stands for one label, whose class weight is the row's.
    const bool weighted = task.class_weight != nullptr && task.label_table == nullptr;
    rule.apply(mass + c * kLanes, logits + c * kLanes, lanes,
               weighted ? task.class_weight + c : nullptr, 0);
  }
}

// Scratch of the side-by-side driver, in panels of [classes][kLanes].
template <class T>
int64_t panel_count(const Task& task, const RowFunctions<T>& functions) {
  return 1 + (has_mass(task) ? 1 : 0) + ((task.mode & kHessian) ? 1 : 0) + functions.scratch_panels;
}

template <class T>
void run_panels(const Task& task, const RowFunctions<T>& functions, int64_t begin, int64_t end,
                T* scratch, Partial& partial) {
  const int64_t size = task.classes * kLanes;
  T* const logits = scratch;
  T* next = scratch + size;
  T* const mass = has_mass(task) ? next : nullptr;
  next += mass != nullptr ? size : 0;
  T* const hessian = (task.mode & kHessian) ? next : nullptr;
  next += hessian != nullptr ? size : 0;
  const PanelFunction<T> function = functions.panel[mode_index(task.mode)];
  Examples at(task, begin);
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t n = end - i < kLanes ? end - i : kLanes;
    RowInfo info;
    MassSums sums[kLanes];
    alignas(64) int32_t label[kLanes] = {};
    alignas(64) T coefficient[kLanes] = {}, value[kLanes], entropy[kLanes] = {};
    const bool labelled = task.target_kind == Target::kLabel;
    if (labelled && !read_labels(task, at, n, info, partial)) {
      partial.bad = true;
      return;
    }
    load_panel(task, task.prediction, at, n, logits);
    if (mass != nullptr) {
      load_mass(task, at, n, info, functions.entropy, logits, mass, sums);
      for (int64_t k = 0; k < n; ++k) entropy[k] = T(sums[k].entropy);
      if (!labelled && !weigh_distributions(task, at, n, sums, info, partial)) {
        partial.bad = true;
        return;
      }
    }
    for (int64_t k = 0; k < n; ++k) {
      label[k] = int32_t(info.label[k]);
      coefficient[k] = T(info.loss_weight[k] * task.scale);
    }
    function({task.parameters, task.classes, lanes_for(n), logits, hessian, next, mass, entropy,
              label, coefficient, value});
    if (task.mode & kValue) finish_values(task, at, value, info.loss_weight, n, partial);
    if (task.mode & kGradient) {
      store_panel(task, task.gradient, at, n, info.loss_weight, logits);
    }
    if (task.mode & kHessian) store_panel(task, task.hessian, at, n, info.loss_weight, hessian);
    advance(at, n);
  }
}

// --------------------------------------------------------------------------------------- folded

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
    if (given && add_up) add_up_mass(first, n, q);
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
  void add_up_mass(int64_t first, int64_t n, const T* q) {
    MassLanes<T> sum_of;
    for (int64_t k = 0; k < n; k += kLanes) {
      const int lanes = int(n - k < kLanes ? n - k : kLanes);
      const double* factor = task_.class_weight ? task_.class_weight + first + k : nullptr;
      sum_of.add(q + k, lanes, factor, 1, entropy_);
    }
    sums.probability += sum(sum_of.probability, kLanes);
    sums.weight += sum(sum_of.weight, kLanes);
    sums.entropy += sum(sum_of.entropy, kLanes);
    sums.negative = sums.negative || sum(sum_of.lowest, kLanes) < 0;
  }

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
      Row<T> row(task, row_at, labelled ? info.label[k] : 0, T(weight * task.scale),
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
    if (task.mode & kValue) finish_values(task, at, value, info.loss_weight, n, partial);
    advance(at, n);
  }
}

// The sums of one row's distribution, without its logits.
template <class T>
MassSums survey_mass(const Task& task, const Examples& at) {
  MassLanes<T> sum_of;
  alignas(64) T q[kLanes];
  const int64_t stride = task.target.class_stride;
  for (int64_t c = 0; c < task.classes; c += kLanes) {
    const int64_t n = task.classes - c < kLanes ? task.classes - c : kLanes;
    copy_in(task.target, at.address(task.target) + c * stride, stride, n, q, 1);
    sum_of.add(q, int(n), task.class_weight ? task.class_weight + c : nullptr, 1, false);
  }
  return {sum(sum_of.probability, kLanes), sum(sum_of.weight, kLanes), 0,
          sum(sum_of.lowest, kLanes) < 0};
}

// Checks and weights only: no logits are read.
template <class T>
void survey_rows(const Task& task, const RowFunctions<T>& functions, int64_t begin, int64_t end,
                 T* scratch, Partial& partial) {
  Examples at(task, begin);
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t n = end - i < kLanes ? end - i : kLanes;
    RowInfo info;
    if (task.target_kind == Target::kLabel) {
      partial.bad = !read_labels(task, at, n, info, partial);
    } else {
      MassSums sums[kLanes];
      if (folds(task, functions)) {
        Examples row = at;
        for (int64_t k = 0; k < n; ++k, row.advance(1)) sums[k] = survey_mass<T>(task, row);
      } else {
        load_distributions(task, at, n, false, scratch, sums);
      }
      partial.bad = !weigh_distributions(task, at, n, sums, info, partial);
    }
    if (partial.bad) return;
    advance(at, n);
  }
}

template <class T>
int64_t row_scratch(const Task& task, const RowFunctions<T>& functions) {
  const int64_t elements = folds(task, functions)
                               ? 4 * folded_tile(task.classes)
                               : panel_count(task, functions) * task.classes * kLanes;
  return elements * int64_t(sizeof(T));
}

// A family of losses gives panel<T, mode>(Panel) and row<T, mode>(Row); this makes its table.
template <class Family, class T>
constexpr RowFunctions<T> row_functions() {
  RowFunctions<T> functions{
      {Family::template panel<T, kModes[0]>, Family::template panel<T, kModes[1]>,
       Family::template panel<T, kModes[2]>, Family::template panel<T, kModes[3]>},
      {},
      Family::kScratchPanels,
      Family::kEntropy};
  if constexpr (Family::kFolds) {
    functions.row[0] = Family::template row<T, kModes[0]>;
    functions.row[1] = Family::template row<T, kModes[1]>;
    functions.row[2] = Family::template row<T, kModes[2]>;
    functions.row[3] = Family::template row<T, kModes[3]>;
  }
  return functions;
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
