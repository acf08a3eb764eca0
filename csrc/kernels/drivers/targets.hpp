// What the examples of a loss over classes bring besides their logits: labels or distributions, and
// weights.
#pragma once

#include "../arithmetic/sum.hpp"
#include "../memory/tile.hpp"
#include "row_functions.hpp"
#include "values.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Divides scores by the temperature, or the Hessian by the one that it has more than the gradient.
// Finite ones stay so: two that are infinite would have no difference.
template <class T>
NUMLOSS_INLINE void divide_by_temperature(const Task& task, int64_t n, T* x) {
  if (task.temperature == 1) return;
  const T temperature = T(task.temperature);
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) {
    const T largest = abs(x[k]) <= Real<T>::kLargest ? Real<T>::kLargest : Real<T>::kInfinity;
    const T quotient = x[k] / temperature;
    const T below = quotient > largest ? largest : quotient;
    x[k] = below < -largest ? -largest : below;
  }
}

// Whether a loss takes other numbers than the scores.
inline bool adjusts(const Task& task) {
  return task.temperature != 1 || task.class_offset != nullptr;
}

// Makes of scores, those of classes from `first` on, what a loss takes: divided, then moved.
template <class T>
NUMLOSS_INLINE void adjust_scores(const Task& task, int64_t first, int64_t n, T* x) {
  divide_by_temperature(task, n, x);
  if (task.class_offset == nullptr) return;
  const double* const offset = task.class_offset + first;
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) x[k] = T(double(x[k]) + offset[k]);
}

// What the examples of a panel bring besides their logits.
struct LabelsAndWeights {
  int64_t label[kLanes];
  double loss_weight[kLanes];  // multiplies value and derivatives; 0: the row is not there
  double full_weight[kLanes];  // its weight in a mean
};

// Whether full weights are asked for beside their sum.
inline bool wants_full_weights(const Task& task) {
  return task.has(kWeights) || task.unweighted_values;
}

// A label of type S. What is no int64 is out of range whatever the number of classes, and never
// ignored: a uint64 beyond it and a float that is not whole are `nowhere`.
template <class S>
NUMLOSS_INLINE int64_t label_of(S x, int64_t nowhere) {
  if constexpr (requires { x << 1; }) {
    const bool huge = sizeof(S) == 8 && S(-1) > S(0) && x > S(INT64_MAX);
    return huge ? nowhere : int64_t(x);
  } else {
    const double number = double(widen(x));
    const int64_t whole = abs(number) < 0x1p63 ? int64_t(number) : nowhere;
    return double(whole) == number ? whole : nowhere;
  }
}

// Labels of the next n examples.
inline void load_labels(const Task& task, Examples at, int64_t n, int64_t* label) {
  const Operand& operand = task[kTarget];
  const int64_t nowhere = task.ignore_index == -1 ? -2 : -1;
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    if constexpr (!__is_same(S, Bool)) {
      for (int64_t done = 0, run; done < n; done += run, at.advance(run)) {
        run = at.run() < n - done ? at.run() : n - done;
        const char* const from = at.address(operand);
        const int64_t stride = at.stride(operand);
        int64_t* const to = label + done;
        if constexpr (requires(S x) { x << 1; }) {  // floats become integers one by one
          if (stride == int64_t(sizeof(S)) && !operand.swapped) {
#pragma omp simd
            for (int64_t i = 0; i < run; ++i) {
              to[i] = label_of(read<S>(from + i * int64_t(sizeof(S)), false), nowhere);
            }
            continue;
          }
        }
        for (int64_t i = 0; i < run; ++i) {
          to[i] = label_of(read<S>(from + i * stride, operand.swapped), nowhere);
        }
      }
    }
  });
}

// Weights of the next n examples, 1 where there are none.
inline const double* load_weights(const Task& task, const Examples& at, int64_t n, double* buffer) {
  if (task.has(kWeight)) return load(task[kWeight], at, n, buffer);
  for (int64_t i = 0; i < n; ++i) buffer[i] = 1.0;
  return buffer;
}

// Whether one of n weights is out of range.
inline bool has_outside_weights(const Task& task, const double* weight, int64_t n) {
  return task.has(kWeight) && outside_weights(weight, n, least_weight<double>(task));
}

// Adds the weights of n examples to the block's, `present` of which are there.
inline void count_examples(const Task& task, const double* weight, int64_t n, int64_t present,
                           Partial& partial) {
  partial.count += present;
  const bool ones = !task.has(kWeight) && task.class_weight == nullptr;
  add(partial.weight, ones ? double(present) : sum(weight, n));
}

// Labels and weights of n rows; adds the weights to the block's. False: one of them out of range.
inline bool read_labels(const Task& task, const Examples& at, int64_t n, LabelsAndWeights& info,
                        Partial& partial) {
  alignas(64) double buffer[kLanes];
  const double* weight = load_weights(task, at, n, buffer);
  if (has_outside_weights(task, weight, n)) return false;
  load_labels(task, at, n, info.label);
  const int64_t ignore_index = task.ignore_index, classes = task.labels();
  int64_t ignored = 0, outside = 0;
#pragma omp simd reduction(+ : ignored, outside)
  for (int64_t i = 0; i < n; ++i) {
    const int64_t label = info.label[i];
    const bool ignore = label == ignore_index;
    const double w = ignore ? 0.0 : weight[i];
    // As unsigned numbers negative ones are beyond all classes.
    outside += (w != 0.0) & (uint64_t(label) >= uint64_t(classes));
    ignored += ignore;
    info.full_weight[i] = info.loss_weight[i] = w;
    info.label[i] = w == 0.0 ? 0 : label;
  }
  if (outside != 0) return false;
  if (task.class_weight != nullptr) {
    // Smoothing spreads the class weights over the classes: they are in the portions then.
    const bool in_portions = task.label_smoothing > 0;
    for (int64_t i = 0; i < n; ++i) {
      info.full_weight[i] *= task.class_weight[info.label[i]];
      if (!in_portions) info.loss_weight[i] = info.full_weight[i];
    }
  }
  for (int64_t i = 0; i < n && task.label_factor != nullptr; ++i) {
    info.loss_weight[i] *= task.label_factor[info.label[i]];
  }
  count_examples(task, info.full_weight, n, n - ignored, partial);
  return true;
}

// Weights of n rows against a number each, which may be any.
inline bool read_weights(const Task& task, const Examples& at, int64_t n, LabelsAndWeights& info,
                         Partial& partial) {
  alignas(64) double buffer[kLanes];
  const double* const weight = load_weights(task, at, n, buffer);
  if (has_outside_weights(task, weight, n)) return false;
  for (int64_t i = 0; i < n; ++i) {
    info.label[i] = 0;
    info.full_weight[i] = info.loss_weight[i] = weight[i];
  }
  count_examples(task, info.full_weight, n, n, partial);
  return true;
}

// The weights of n rows that their scores do not tell, with the labels of those that have one.
// False: a label or a weight out of range.
inline bool weigh_rows(const Task& task, const Examples& at, int64_t n, LabelsAndWeights& info,
                       Partial& partial) {
  return task.target_kind == Target::kLabel ? read_labels(task, at, n, info, partial)
                                            : read_weights(task, at, n, info, partial);
}

// Whether every row weighs 1, unless it is ignored, and has a label of one of the usual types.
inline bool takes_plain_labels(const Task& task) {
  if (task.target_kind != Target::kLabel || task.has(kWeight) || wants_full_weights(task)) {
    return false;
  }
  const Operand& target = task[kTarget];
  const bool usual = target.dtype == DType::kInt64 || target.dtype == DType::kInt32;
  const bool hides_class = uint64_t(task.ignore_index) < uint64_t(task.labels());
  return usual && !target.swapped && !hides_class && task.labels() <= INT32_MAX &&
         task.class_weight == nullptr && task.label_factor == nullptr;
}

// n labels side by side. False: one of them is no class, which may be that of a row to ignore.
inline bool read_int64_labels(const char* from, int64_t n, uint32_t classes, int32_t* label) {
  uint32_t outside = 0;
#pragma omp simd reduction(| : outside)
  for (int64_t i = 0; i < n; ++i) {
    const auto word = read<uint64_t>(from + 8 * i, false);
    label[i] = int32_t(word);
    outside |= uint32_t(word >> 32) | uint32_t(uint32_t(word) >= classes);
  }
  return outside == 0;
}

inline bool read_int32_labels(const char* from, int64_t n, uint32_t classes, int32_t* label) {
  uint32_t outside = 0;
#pragma omp simd reduction(| : outside)
  for (int64_t i = 0; i < n; ++i) {
    const auto word = read<uint32_t>(from + 4 * i, false);
    label[i] = int32_t(word);
    outside |= uint32_t(word >= classes);
  }
  return outside == 0;
}

// Labels of n such rows, which are counted then. False: they do not lie side by side, or one of
// them is no class, which may be that of a row to ignore.
inline bool read_plain_labels(const Task& task, const Examples& at, int64_t n, int32_t* label,
                              Partial& partial) {
  const Operand& target = task[kTarget];
  const bool is_wide = target.dtype == DType::kInt64;
  if (at.run() < n || at.stride(target) != (is_wide ? 8 : 4)) return false;
  const char* const from = at.address(target);
  const auto classes = uint32_t(task.labels());
  const bool good = is_wide ? read_int64_labels(from, n, classes, label)
                            : read_int32_labels(from, n, classes, label);
  if (!good) return false;
  partial.count += n;
  add(partial.weight, double(n));
  return true;
}

inline PortionUse use_of_portions(const Task& task, bool entropy) {
  return {!task.checked || wants_full_weights(task) || task.z_loss != 0, entropy};
}

// Makes probabilities of a distribution that is given by its logarithms.
template <class T>
NUMLOSS_INLINE void take_exponentials_of_target(const Task& task, int64_t n, T* q) {
  if (!task.log_target) return;
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) q[k] = exp(q[k]);
}

// Sums over the lanes of a panel or of the tile of a row, as they grow.
template <class T>
struct PortionLanes {
  alignas(64) T probability[kLanes] = {}, lowest[kLanes] = {}, entropy[kLanes] = {};
  alignas(64) double weight[kLanes] = {};

  // These take in `count` steps of probabilities q, kWidth lanes each, of which the first is `lane`
  // and n count.
  template <int kWidth>
  NUMLOSS_INLINE void add_probabilities(const T* q, auto count, int lane, int n) {
#pragma omp simd
    for (int i = 0; i < n; ++i) {
      T sum = probability[lane + i], least = lowest[lane + i];
#pragma GCC unroll 4
      for (int j = 0; j < count.value; ++j) {
        const T x = q[j * kWidth + i];
        sum += x;
        least = x < least ? x : least;
      }
      probability[lane + i] = sum;
      lowest[lane + i] = least;
    }
  }

  // Of shares of any sum: only whether one lies outside [0, 1], by more than rounding.
  template <int kWidth>
  NUMLOSS_INLINE void find_outside(const T* q, auto count, int lane, int n) {
    constexpr T least = T(-kUnitSlack), most = T(1 + kUnitSlack);
#pragma omp simd
    for (int i = 0; i < n; ++i) {
      T found = lowest[lane + i];
#pragma GCC unroll 4
      for (int j = 0; j < count.value; ++j) {
        const T x = q[j * kWidth + i];
        found = ((x < least) | (x > most)) ? T(-1) : found;
      }
      lowest[lane + i] = found;
    }
  }

  // class_weight: that of lane i of step j at j * kStep + i * kLane. In double, as the weights of
  // labels are: a label and its distribution weigh the same.
  template <int kWidth, int kStep, int kLane>
  NUMLOSS_INLINE void add_weights(const T* q, auto count, int lane, int n,
                                  const double* class_weight) {
#pragma omp simd
    for (int i = 0; i < n; ++i) {
      double sum = weight[lane + i];
#pragma GCC unroll 4
      for (int j = 0; j < count.value; ++j) {
        sum += double(q[j * kWidth + i]) * class_weight[j * kStep + i * kLane];
      }
      weight[lane + i] = sum;
    }
  }

  template <int kWidth>
  NUMLOSS_INLINE void add_entropy(const T* q, auto count, int lane, int n) {
    for (int j = 0; j < count.value; ++j) {
#pragma omp simd
      for (int i = 0; i < n; ++i) {
        const T x = q[j * kWidth + i];
        const T product = x * log(x);
        entropy[lane + i] += x == T(0) ? T(0) : product;
      }
    }
  }
};

// The sums over a tile of a long row. Its classes come in order, in pieces of whole steps; the last
// piece may be shorter.
template <class T>
struct PortionsOfTile {
  const Task& task;
  PortionUse use;
  PortionLanes<T> lanes{};

  // Takes in the probabilities of n classes from `first` on.
  void add(int64_t first, int64_t n, const T* q) {
    each_steps(n / kLanes, [&](int64_t k, auto count) {
      add_steps<kLanes>(first + k * kLanes, q + k * kLanes, count, kLanes);
    });
    const int64_t whole = n / kLanes * kLanes;
    if (whole < n) add_steps<0>(first + whole, q + whole, Constant<1>(), int(n - whole));
  }

  void add_to(PortionSums& sums) const {
    sums.probability += sum(lanes.probability, kLanes);
    sums.weight += sum(lanes.weight, kLanes);
    sums.entropy += sum(lanes.entropy, kLanes);
    sums.negative = sums.negative || sum(lanes.lowest, kLanes) < 0;
  }

 private:
  template <int kStep>
  NUMLOSS_INLINE void add_steps(int64_t first, const T* q, auto count, int n) {
    if (task.portions_in_unit) {
      if (use.checks) lanes.template find_outside<kLanes>(q, count, 0, n);
      return;
    }
    if (use.checks) lanes.template add_probabilities<kLanes>(q, count, 0, n);
    if (use.checks && task.class_weight != nullptr) {
      lanes.template add_weights<kLanes, kStep, 1>(q, count, 0, n, task.class_weight + first);
    }
    if (use.entropy) lanes.template add_entropy<kLanes>(q, count, 0, n);
  }
};

// From probabilities q to the portions that a loss reads: q smoothed, then times the class weight.
// A class that cannot happen gets no share of the smoothing.
template <class T>
struct PortionRule {
  T keep, share;
  const double* class_weight;

  // A table of soft labels stands for one label, whose class weight is the row's.
  explicit PortionRule(const Task& task)
      : keep(T(1.0 - task.label_smoothing)),
        share(T(task.label_smoothing / double(task.classes))),
        class_weight(task.label_table == nullptr ? task.class_weight : nullptr) {}

  // Whether the portions are q itself.
  bool is_plain() const { return share == T(0) && class_weight == nullptr; }

  // Portions of n lanes from class c on: lane i is of class c + i * kLane, with probability q(i),
  // and smoothing gives it share_of(i).
  template <int kLane>
  NUMLOSS_INLINE void apply(int64_t c, int n, auto&& q, auto&& share_of, const T* logits,
                            T* portion) const {
    if (class_weight == nullptr) {
#pragma omp simd
      for (int i = 0; i < n; ++i) portion[i] = smoothed(q(i), share_of(i), logits[i]);
    } else {
      const double* const factor = class_weight + c;
#pragma omp simd
      for (int i = 0; i < n; ++i) {
        portion[i] = T(double(smoothed(q(i), share_of(i), logits[i])) * factor[i * kLane]);
      }
    }
  }

 private:
  NUMLOSS_INLINE T smoothed(T q, T part, T logit) const {
    return fma(q, keep, logit == -Real<T>::kInfinity ? T(0) : part);
  }
};

// Probabilities of classes [first, first + n) for a label: its row of the table.
template <class T>
void spread_label(const Task& task, int64_t label, int64_t first, int64_t n, T* q) {
  const double* row = task.label_table + label * task.label_stride + first;
  const double scale = task.label_scale[label];
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) q[k] = T(row[k] * scale);
}

// What of n rows with distribution targets is known before those are: they have no label.
inline void load_loss_weights(const Task& task, const Examples& at, int64_t n,
                              LabelsAndWeights& info) {
  alignas(64) double buffer[kLanes];
  const double* weight = load_weights(task, at, n, buffer);
  for (int64_t i = 0; i < n; ++i) {
    info.label[i] = 0;
    info.loss_weight[i] = weight[i];
  }
}

// Weights of n rows with distribution targets, whose sums are known. False: no distribution, or a
// weight out of range.
inline bool weigh_distributions(const Task& task, int64_t n, const PortionSums* sums,
                                LabelsAndWeights& info, Partial& partial) {
  const double* const weight = info.loss_weight;
  if (task.checked && !wants_full_weights(task)) return true;
  for (int64_t i = 0; i < n; ++i) {
    const double full = task.class_weight ? weight[i] * sums[i].weight : weight[i];
    info.full_weight[i] = weight[i] == 0.0 ? 0.0 : full;
  }
  if (task.checked) return true;
  bool good = !has_outside_weights(task, weight, n);
  for (int64_t i = 0; i < n; ++i) {
    const double excess = sums[i].probability - 1.0;
    const bool off = sums[i].negative || excess > task.distribution_tolerance ||
                     excess < -task.distribution_tolerance;
    good = good && !(off && weight[i] != 0.0);
  }
  count_examples(task, info.full_weight, n, n, partial);
  return good;
}

// A distribution target, or labels that become one (smoothing, a table of soft labels).
inline bool has_portions(const Task& task) {
  return task.target_kind == Target::kDistribution || task.label_smoothing > 0 ||
         task.label_table != nullptr;
}

// The same as finish_values() where values come without weights, or weights beside them.
template <class T>
[[gnu::noinline]] void finish_with_weights(const Task& task, const Examples& at, T* value,
                                           const LabelsAndWeights& info, int64_t n,
                                           Partial& partial) {
  double factor[kLanes];
  for (int64_t i = 0; i < n; ++i) {
    const double full = task.unweighted_values ? info.full_weight[i] : 1.0;
    factor[i] = full == 0.0 ? info.loss_weight[i] : info.loss_weight[i] / full;
  }
  finish_values(task, at, value, factor, n, partial);
  if (task.has(kWeights)) store(task[kWeights], at, n, info.full_weight);
}

template <class T>
void finish_rows(const Task& task, const Examples& at, T* value, const LabelsAndWeights& info,
                 int64_t n, Partial& partial) {
  if (wants_full_weights(task)) return finish_with_weights(task, at, value, info, n, partial);
  finish_values(task, at, value, info.loss_weight, n, partial);
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
