// Rows side by side: rows of up to kSideBySide classes (of any number, for losses that scan the
// classes), transposed so that a lane is a row.
#pragma once

#include "extras.hpp"
#include "scores.hpp"
#include "targets.hpp"
#include "values.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// How rows lie that can be read and written without a copy.
enum class Lies { kByRows, kByColumns, kElsewhere };

template <class T>
Lies how_it_lies(const Operand& operand, const Examples& at, int64_t n) {
  const char* const address = at.address(operand);
  const int64_t stride = at.stride(operand);
  const bool native = is_native<T>(operand, address, stride) &&
                      is_native<T>(operand, address, operand.class_stride);
  if (!native || at.run() < n) return Lies::kElsewhere;
  if (operand.class_stride == int64_t(sizeof(T))) return Lies::kByRows;
  return stride == int64_t(sizeof(T)) ? Lies::kByColumns : Lies::kElsewhere;
}

// Calls f(plane, address, row) for the planes that n rows of an operand are made of, from the row
// `first` on, with the place of the first row of each among them.
void each_plane_of_rows(const Task& task, const Operand& operand, const Examples& at, int64_t first,
                        int64_t n, auto&& f) {
  const auto plane = [&](int64_t rows, int64_t stride) {
    return Plane{rows, stride, task.classes, operand.class_stride};
  };
  // Mostly one; examples of many dimensions are copied for no less than 500 bytes.
  if (at.run() >= first + n) {
    const int64_t stride = at.stride(operand);
    return f(plane(n, stride), at.address(operand) + first * stride, int64_t(0));
  }
  Examples rest = at;
  rest.advance(first);
  for (int64_t done = 0, run; done < n; done += run, rest.advance(run)) {
    run = rest.run() < n - done ? rest.run() : n - done;
    f(plane(run, rest.stride(operand)), rest.address(operand), done);
  }
}

// n rows from `at`, converted and gathered where they need be, as strips, and the largest number of
// each. `staging` has room for a panel.
template <class T>
void load_panel(const Task& task, const Operand& operand, const Examples& at, int64_t n, T* staging,
                T* panel, T* maximum) {
  constexpr int64_t kWidth = kStrip<T>, kSize = sizeof(T);
  const int64_t classes = task.classes;
  const Lies lies = how_it_lies<T>(operand, at, n);
  const T* const from = reinterpret_cast<const T*>(at.address(operand));
  const int64_t whole = lies == Lies::kElsewhere ? 0 : n - n % kWidth;
  if (lies == Lies::kByRows) {
    const int64_t step = at.stride(operand) / kSize;
    for (int64_t r = 0; r < whole; r += kWidth) {
      store_vector(load_strip(from + r * step, step, classes, panel + r * classes), maximum + r);
    }
  } else if (lies == Lies::kByColumns) {
    load_columns(from, operand.class_stride / kSize, whole, classes, panel, maximum);
  }
  if (whole == n) return;
  each_plane_of_rows(task, operand, at, whole, n - whole,
                     [&](const Plane& plane, const char* address, int64_t row) {
                       load_plane(operand, address, plane, staging + row * classes, classes);
                     });
  // Lanes without a row hold zeros: finite work, never stored.
  const int64_t end = (n - whole + kWidth - 1) / kWidth * kWidth;
  fill(T(0), (end - (n - whole)) * classes, staging + (n - whole) * classes);
  for (int64_t r = 0; r < end; r += kWidth) {
    const int64_t row = whole + r;
    store_vector(load_strip(staging + r * classes, classes, classes, panel + row * classes),
                 maximum + row);
  }
}

// The lanes of the strips that hold n rows.
template <class T>
int64_t lanes_of_strips(int n) {
  return int64_t((n + kStrip<T> - 1) / kStrip<T>) * kStrip<T>;
}

// The largest score of each row of a panel; a NaN is passed over.
template <class T>
void find_maxima(const T* panel, int64_t lanes, int64_t classes, T* maximum) {
  using V = Vector<T>;
  for (int64_t lane = 0; lane < lanes; lane += kStrip<T>) {
    const T* const strip = panel + lane * classes;
    V best = V{} - Real<T>::kInfinity;
    for (int64_t k = 0; k < classes * kStrip<T>; k += kStrip<T>) {
      const V x = load_vector<V>(strip + k);
      best = x > best ? x : best;
    }
    store_vector(best, maximum + lane);
  }
}

// Room for what transforming a panel takes, each null where it takes none.
template <class T>
struct Transformed {
  T *scores, *mask;  // panels: the scores as they came, what can happen
  T* share;          // of each lane: what smoothing gives to a class
};

// Whether one of n rows of a panel that are there holds what is no probability.
template <class T>
[[gnu::noinline]] bool holds_no_probability(const T* panel, int64_t classes, const double* weight,
                                            int64_t n) {
  using Bits = typename Real<T>::Bits;
  constexpr int kWidth = kStrip<T>;
  bool found = false;
  for (int64_t lane = 0; lane < n; lane += kWidth) {
    alignas(64) Bits outside[kWidth] = {};
    const T* const strip = panel + lane * classes;
    for (int64_t k = 0; k < classes * kWidth; k += kWidth) {
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) outside[i] |= Bits(leaves_unit(strip[k + i]));
    }
    for (int64_t i = 0; i < kWidth && lane + i < n; ++i) {
      found = found || (outside[i] != 0 && weight[lane + i] != 0.0);
    }
  }
  return found;
}

// Caps the scores of n rows that are a panel, and leaves out classes.
template <class T>
[[gnu::noinline]] void transform_panel(const Task& task, const Examples& at, int n, T* staging,
                                       const Transformed<T>& to, T* panel, T* maximum) {
  constexpr int kWidth = kStrip<T>;
  const int64_t lanes = lanes_of_strips<T>(n), classes = task.classes;
  if (takes_logarithms(task)) round_to_unit(lanes * classes, panel);
  if (to.scores != nullptr) {
    __builtin_memcpy(to.scores, panel, uint64_t(lanes * classes) * sizeof(T));
  }
  if (task.softcap != 0) cap_scores(task.softcap, lanes * classes, panel);
  if (takes_logarithms(task)) take_logarithms(lanes * classes, panel);
  if (to.mask != nullptr) {
    load_panel(task, task[kMask], at, n, staging, to.mask, maximum);
    leave_out(lanes * classes, to.mask, panel);
    for (int64_t lane = 0; lane < lanes; lane += kWidth) {
      alignas(64) T possible[kWidth] = {};
      for (int64_t c = 0; c < classes; ++c) {
        const T* const step = to.mask + lane * classes + c * kWidth;
#pragma omp simd
        for (int i = 0; i < kWidth; ++i) possible[i] += step[i];
      }
      for (int i = 0; i < kWidth; ++i) {
        to.share[lane + i] = smoothing_share<T>(task, double(possible[i]));
      }
    }
  }
  find_maxima(panel, lanes, classes, maximum);
}

// Adjusts the scores of n rows that are a panel, and the largest of each.
template <class T>
[[gnu::noinline]] void adjust_panel(const Task& task, int n, T* panel, T* maximum) {
  constexpr int kWidth = kStrip<T>;
  const int64_t lanes = lanes_of_strips<T>(n);
  divide_by_temperature(task, lanes * task.classes, panel);
  divide_by_temperature(task, lanes, maximum);
  if (task.class_offset == nullptr) return;
  for (int64_t lane = 0; lane < lanes; lane += kWidth) {
    T* const largest = maximum + lane;
    for (int i = 0; i < kWidth; ++i) largest[i] = -Real<T>::kInfinity;
    for (int64_t c = 0; c < task.classes; ++c) {
      T* const x = panel + lane * task.classes + c * kWidth;
      const double offset = task.class_offset[c];
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) {
        x[i] = T(double(x[i]) + offset);
        largest[i] = x[i] > largest[i] ? x[i] : largest[i];
      }
    }
  }
}

template <class T>
void store_panel(const Task& task, const Operand& operand, const Examples& at, int64_t n,
                 T* staging, const T* panel) {
  constexpr int64_t kWidth = kStrip<T>, kSize = sizeof(T);
  const int64_t classes = task.classes;
  const Lies lies = how_it_lies<T>(operand, at, n);
  T* const to = reinterpret_cast<T*>(at.address(operand));
  const int64_t whole = lies == Lies::kElsewhere ? 0 : n - n % kWidth;
  // Lines that are not in a cache are waited for less where they are written one after another.
  if (lies == Lies::kByRows && operand.exceeds_cache && at.stride(operand) == classes * kSize) {
    for (int64_t r = 0; r < whole; r += kWidth) {
      store_strip(panel + r * classes, classes, staging, classes);
      copy_rows(staging, 0, 1, kWidth * classes, to + r * classes, 0);
    }
  } else if (lies == Lies::kByRows) {
    const int64_t step = at.stride(operand) / kSize;
    for (int64_t r = 0; r < whole; r += kWidth) {
      store_strip(panel + r * classes, classes, to + r * step, step);
    }
  } else if (lies == Lies::kByColumns) {
    store_columns(panel, whole, classes, to, operand.class_stride / kSize);
  }
  for (int64_t r = whole; r < n; r += kWidth) {
    store_strip(panel + r * classes, classes, staging + (r - whole) * classes, classes);
  }
  if (whole == n) return;
  each_plane_of_rows(task, operand, at, whole, n - whole,
                     [&](const Plane& plane, char* address, int64_t row) {
                       store_plane(operand, address, plane, staging + row * classes, classes);
                     });
}

// Multiplies the rows whose coefficient did not fit T. One that is not there (weight 0) has zeros,
// even where its logits are NaN.
template <class T>
void multiply_panel(const Panel<T>& panel, const double* weight, const double* factor, T* array) {
  for (int i = 0; i < panel.rows; ++i) {
    if (is_normal(T(factor[i]))) continue;
    for (int64_t c = 0; c < panel.classes; ++c) {
      T& x = array[panel.place(i, c)];
      x = weight[i] == 0.0 ? T(0) : T(double(x) * factor[i]);
    }
  }
}

// Adds up the probabilities of kCount strips side by side, which do not wait for each other.
template <int kCount, class T>
NUMLOSS_INLINE void add_strips(const T* q, int64_t classes, int lane, PortionLanes<T>& sums) {
  using V = Vector<T>;
  constexpr int kWidth = kStrip<T>;
  V sum[kCount] = {}, least[kCount] = {};
  for (int64_t c = 0; c < classes; ++c) {
    each<kCount>([&](int j) {
      const V x = load_vector<V>(q + j * kWidth * classes + c * kWidth);
      sum[j] += x;
      least[j] = x < least[j] ? x : least[j];
    });
  }
  each<kCount>([&](int j) {
    store_vector(sum[j], sums.probability + lane + j * kWidth);
    store_vector(least[j], sums.lowest + lane + j * kWidth);
  });
}

// What is outside [0, 1] in n rows of shares q.
template <class T>
void find_outside_strips(int64_t classes, int64_t n, const T* q, PortionLanes<T>& sums) {
  constexpr int kWidth = kStrip<T>;
  for (int lane = 0; lane < n; lane += kWidth) {
    each_steps(classes, [&](int64_t c, auto count) {
      sums.template find_outside<kWidth>(q + lane * classes + c * kWidth, count, lane, kWidth);
    });
  }
}

// The sums of n rows of probabilities q.
template <class T>
[[gnu::noinline]] void add_up_strips(const Task& task, int64_t n, PortionUse use, const T* q,
                                     PortionLanes<T>& sums) {
  constexpr int kWidth = kStrip<T>;
  const int64_t classes = task.classes;
  if (task.portions_in_unit) return find_outside_strips(classes, use.checks ? n : 0, q, sums);
  int lane = 0;
  for (; use.checks && lane + kWidth < n; lane += 2 * kWidth) {
    add_strips<2>(q + lane * classes, classes, lane, sums);
  }
  if (use.checks && lane < n) add_strips<1>(q + lane * classes, classes, lane, sums);
  const bool weighs = use.checks && task.class_weight != nullptr;
  for (lane = 0; lane < (weighs || use.entropy ? n : 0); lane += kWidth) {
    each_steps(classes, [&](int64_t c, auto count) {
      const T* const step = q + lane * classes + c * kWidth;
      if (weighs) {
        sums.template add_weights<kWidth, 1, 0>(step, count, lane, kWidth, task.class_weight + c);
      }
      if (use.entropy) sums.template add_entropy<kWidth>(step, count, lane, kWidth);
    });
  }
}

// The distributions of n rows as a panel, and their sums.
template <class T>
void load_distributions(const Task& task, const Examples& at, int64_t n, PortionUse use, T* staging,
                        T* q, PortionSums* sums) {
  alignas(64) T largest[kLanes];
  load_panel(task, task[kTarget], at, n, staging, q, largest);
  take_exponentials_of_target(task, lanes_of_strips<T>(int(n)) * task.classes, q);
  PortionLanes<T> sum_of;
  add_up_strips(task, n, use, q, sum_of);
  for (int64_t i = 0; i < n; ++i) {
    sums[i] = {double(sum_of.probability[i]), sum_of.weight[i], double(sum_of.entropy[i]),
               sum_of.lowest[i] < T(0)};
  }
}

// Labels as the rows of the table.
template <class T>
void spread_labels(const Task& task, const Panel<T>& panel, T* staging, T* portion) {
  constexpr int kWidth = kStrip<T>;
  for (int lane = 0; lane < panel.rows; lane += kWidth) {
    for (int i = 0; i < kWidth; ++i) {
      T* const row = staging + i * panel.classes;
      if (lane + i < panel.rows) {
        spread_label(task, panel.label[lane + i], 0, panel.classes, row);
      } else {
        fill(T(0), panel.classes, row);
      }
    }
    load_strip(staging, panel.classes, panel.classes, portion + lane * panel.classes);
  }
}

// The portions of a panel's rows, and their sums. `share`: what smoothing gives to a class of each
// row, null where it is the same for all.
template <class T>
void load_portions(const Task& task, const Examples& at, bool with_entropy, const Panel<T>& panel,
                   const T* share, T* staging, T* portion, PortionSums* sums) {
  constexpr int kWidth = kStrip<T>;
  const PortionRule<T> rule(task);
  // q(lane, c, i): the probability of class c in the strip from a lane on; share_of(lane): what
  // smoothing gives to a class of that row.
  const auto apply_shares = [&](auto&& q, auto&& share_of) {
    each_strip(panel, [&](int lane, int64_t at) {
      for (int64_t c = 0; c < panel.classes; ++c) {
        const int64_t step = at + c * kWidth;
        rule.template apply<0>(
            c, kWidth, [&](int i) { return q(lane + i, int32_t(c), step + i); },
            [&](int i) { return share_of(lane + i); }, panel.logits + step, portion + step);
      }
    });
  };
  const auto apply = [&](auto&& q) {
    if (share != nullptr) return apply_shares(q, [share](int lane) { return share[lane]; });
    apply_shares(q, [&rule](int) { return rule.share; });
  };
  if (task.target_kind == Target::kDistribution) {
    load_distributions(task, at, panel.rows, use_of_portions(task, with_entropy), staging, portion,
                       sums);
  } else {
    // Labels have no entropy, and weights of their own.
    for (int i = 0; i < panel.rows; ++i) sums[i] = {};
    if (task.label_table == nullptr) {
      return apply(
          [label = panel.label](int lane, int32_t c, int64_t) { return T(label[lane] == c); });
    }
    spread_labels(task, panel, staging, portion);
  }
  if (rule.is_plain()) return;
  apply([portion](int, int32_t, int64_t place) { return portion[place]; });
}

// The address `bytes` behind the next n rows of an operand, whose lines are asked for ahead of
// their turn. Null where that gains nothing: in an array that the caches hold, or of rows with
// gaps.
template <class T>
const T* lines_ahead(const Task& task, int role, const Examples& at, int64_t n, int64_t bytes) {
  if (!task.has(role) || at.run() < n) return nullptr;
  const Operand& operand = task[role];
  const char* const address = at.address(operand);
  const bool flat = operand.exceeds_cache &&
                    at.stride(operand) == task.classes * int64_t(sizeof(T)) &&
                    in_place<T>(operand, address, operand.class_stride);
  // There need not be any memory.
  return flat ? reinterpret_cast<const T*>(reinterpret_cast<uintptr_t>(address) + uintptr_t(bytes))
              : nullptr;
}

// How far ahead of their turn the lines of logits are asked for: 3 to 6 KB were too late.
inline constexpr int64_t kLogitsAhead = 16384;

// Rows of a panel: as many as a core works on in its first cache. Classes that lie further apart
// than rows take whole lines of each class.
inline constexpr int64_t kFewRows = kLaneStep, kPanelBytes = 8192;
template <class T>
int64_t rows_of_panel(const Task& task) {
  // Of a broadcast row there may be more classes than bytes can be counted.
  const bool fits = task.classes <= kPanelBytes / (kLanes * int64_t(sizeof(T)));
  const Operand& p = task[kHeads];
  const bool by_rows =
      task.ndim == 0 || magnitude(p.class_stride) <= magnitude(p.strides[task.ndim - 1]);
  return fits || !by_rows ? kLanes : kFewRows;
}

// Scratch of the side-by-side driver, in panels.
template <class T>
int64_t panel_count(const Task& task, const RowFunctions<T>& functions) {
  return 2 + (has_portions(task) ? 1 : 0) + ((task.mode & kHessian) ? 1 : 0) +
         (transforms_slopes(task) ? 1 : 0) + (task.has(kMask) ? 1 : 0) + functions.scratch_panels;
}

// What kLanes rows bring and what becomes of them, a number each.
template <class T>
struct Lanes {
  LabelsAndWeights info;
  PortionSums sums[kLanes];
  alignas(64) int32_t label[kLanes];
  alignas(64) T number[kLanes];
  alignas(64) T coefficient[kLanes], entropy[kLanes], maximum[kLanes], rest[kLanes], value[kLanes];
  alignas(64) double factor[kLanes];
  alignas(64) T share[kLanes], z_loss[kLanes];  // where there is a mask, or a z-loss
  Extras<T> extras;

  // Numbers that are computed with, for lanes without a row.
  void clear_idle(int64_t n) {
    for (int64_t k = n; k < lanes_for(n); ++k) {
      label[k] = 0;
      number[k] = coefficient[k] = entropy[k] = maximum[k] = rest[k] = T(0);
    }
  }
};

// The coefficients of n rows. True: that of one does not fit T.
template <class T>
bool set_coefficients(double divisor, int64_t n, Lanes<T>& lanes) {
  int unfit = 0;
#pragma omp simd reduction(| : unfit)
  for (int64_t k = 0; k < n; ++k) {
    lanes.factor[k] = lanes.info.loss_weight[k] / divisor;
    lanes.coefficient[k] = coefficient_of<T>(lanes.factor[k]);
    unfit |= int(!is_normal(T(lanes.factor[k])));
  }
  return unfit != 0;
}

template <class T>
class Panels {
 public:
  Panels(const Task& task, const RowFunctions<T>& functions, T* scratch)
      : task_(task),
        functions_(functions),
        rows_(rows_of_panel<T>(task)),
        altered_(transforms(task) || task.z_loss != 0 || task.probabilities) {
    const int64_t size = task.classes * rows_;
    staging_ = scratch;
    logits_ = scratch + size;
    T* next = scratch + 2 * size;
    portion_ = has_portions(task) ? next : nullptr;
    next += portion_ != nullptr ? size : 0;
    hessian_ = (task.mode & kHessian) ? next : nullptr;
    next += hessian_ != nullptr ? size : 0;
    transformed_.scores = transforms_slopes(task) ? next : nullptr;
    next += transformed_.scores != nullptr ? size : 0;
    transformed_.mask = task.has(kMask) ? next : nullptr;
    scratch_ = next + (transformed_.mask != nullptr ? size : 0);
    transformed_.share = transformed_.mask != nullptr ? lanes_.share : nullptr;
    plain_ = takes_plain_labels(task) && is_normal(T(1 / task.divisor())) && !task.probabilities;
    set_plain_coefficients();
  }

  // The examples of one block.
  void run(int64_t begin, int64_t end, Partial& partial) {
    Examples at(task_, begin);
    for (int64_t i = begin; i < end && !partial.bad; i += kLanes) {
      const int64_t n = end - i < kLanes ? end - i : kLanes;
      lanes_.clear_idle(n);
      if (plain_ && read_plain_labels(task_, at, n, lanes_.label, partial)) {
        run_panels(at, n, false);
        constexpr const double* kNoWeights = nullptr;
        if (task_.mode & kValue) finish_values(task_, at, lanes_.value, kNoWeights, n, partial);
      } else {
        run_weighted(at, n, partial);
      }
      if (wants_extras(task_)) store_extras(task_, at, n, lanes_.extras);
      at.advance(n);
    }
  }

 private:
  // n rows with whatever weights and targets.
  [[gnu::noinline]] void run_weighted(const Examples& at, int64_t n, Partial& partial) {
    LabelsAndWeights& info = lanes_.info;
    const bool weighed = task_.target_kind != Target::kDistribution;
    if (weighed) {
      partial.bad = !weigh_rows(task_, at, n, info, partial);
      if (partial.bad) return;
    } else {
      load_loss_weights(task_, at, n, info);
    }
    if (task_.target_kind == Target::kNumber) copy(task_[kTarget], at, n, lanes_.number);
    for (int64_t k = 0; k < n; ++k) lanes_.label[k] = int32_t(info.label[k]);
    const bool unfit = task_.mode != kValue && set_coefficients(task_.divisor(), n, lanes_);
    run_panels(at, n, unfit);
    if (!weighed) partial.bad = !weigh_distributions(task_, n, lanes_.sums, info, partial);
    partial.bad = partial.bad || outside_;
    if (partial.bad) return;
    if (task_.mode & kValue) finish_rows(task_, at, lanes_.value, info, n, partial);
    set_plain_coefficients();
  }

  // Those of rows that weigh 1, the same for all.
  void set_plain_coefficients() {
    if (plain_) fill(T(1 / task_.divisor()), kLanes, lanes_.coefficient);
  }

  // `unfit`: whether the coefficient of a row does not fit T.
  void run_panels(const Examples& first, int64_t n, bool unfit) {
    if (n <= rows_) return run_panel(first, int(n), 0, unfit);
    Examples at = first;
    for (int64_t k = 0; k < n; k += rows_, at.advance(rows_)) {
      run_panel(at, int(n - k < rows_ ? n - k : rows_), int(k), unfit);
    }
  }

  // n rows, the lanes from k on.
  void run_panel(const Examples& at, int n, int k, bool unfit) {
    load_panel(task_, task_[kHeads], at, n, staging_, logits_, lanes_.maximum + k);
    if (altered_) alter_scores(at, n, k);
    if (adjusts(task_)) adjust_panel(task_, n, logits_, lanes_.maximum + k);
    Panel<T> panel{task_.mode,
                   &functions_.likelihood,
                   task_.parameters,
                   task_.of_columns,
                   task_.classes,
                   n,
                   lanes_for(n),
                   logits_,
                   hessian_,
                   scratch_,
                   portion_,
                   lanes_.entropy + k,
                   lanes_.label + k,
                   lanes_.number + k,
                   lanes_.coefficient + k,
                   lanes_.value + k,
                   lanes_.maximum + k,
                   lanes_.rest + k,
                   nullptr,
                   lines_ahead<T>(task_, kHeads, at, n, kLogitsAhead),
                   lines_ahead<T>(task_, kTarget, at, n, kLogitsAhead),
                   lines_ahead<T>(task_, kGradients, at, n, 0)};
    if (portion_ != nullptr) {
      load_portions(task_, at, functions_.entropy, panel, transformed_.share, staging_, portion_,
                    lanes_.sums + k);
      for (int i = k; i < k + n; ++i) lanes_.entropy[i] = T(lanes_.sums[i].entropy);
    }
    if (altered_) panel.z_loss = set_z_loss(n, k);
    if (wants_extras(task_)) {
      run_with_extras(panel, k);
    } else {
      functions_.panel(panel);
    }
    if (task_.mode & kHessian) {
      divide_by_temperature(task_, lanes_of_strips<T>(n) * task_.classes, hessian_);
    }
    if (altered_) undo_alteration(n);
    if (task_.mode & kGradient) finish(panel, kGradients, at, k, unfit, logits_);
    if (task_.mode & kHessian) finish(panel, kHessians, at, k, unfit, hessian_);
  }

  // Makes of the scores of n rows, lanes from k on, what the loss takes.
  [[gnu::noinline]] void alter_scores(const Examples& at, int n, int k) {
    if (task_.probabilities && !task_.checked) {
      const double* const weight = lanes_.info.loss_weight + k;
      outside_ = outside_ || holds_no_probability(logits_, task_.classes, weight, n);
    }
    if (!transforms(task_)) return;
    transform_panel(task_, at, n, staging_, transformed_, logits_, lanes_.maximum + k);
  }

  [[gnu::noinline]] void undo_alteration(int n) {
    if (transformed_.scores == nullptr) return;
    const int64_t numbers = lanes_of_strips<T>(n) * task_.classes;
    undo_transform(task_, numbers, transformed_.scores, logits_, hessian_);
  }

  // The factors of the z-losses of n rows, null where there are none: part of an example's weight
  // is a class weight that the portions have instead.
  [[gnu::noinline]] const T* set_z_loss(int n, int k) {
    if (task_.z_loss == 0) return nullptr;
    const bool labelled = task_.target_kind == Target::kLabel;
    for (int i = k; i < k + lanes_for(n); ++i) {
      double weight = i < k + n ? 1 : 0;
      if (weight != 0 && portion_ != nullptr && task_.class_weight != nullptr) {
        weight = labelled ? task_.class_weight[lanes_.label[i]] : lanes_.sums[i].weight;
      }
      lanes_.z_loss[i] = T(task_.z_loss * weight);
    }
    return lanes_.z_loss + k;
  }

  [[gnu::noinline]] void run_with_extras(const Panel<T>& panel, int k) {
    Highest<T> highest;
    alignas(64) T precise[kLanes];
    const bool sums = task_.has(kLogSumExp), many = sums && task_.classes > kSideBySide;
    take_highest(panel, highest);
    if (many) take_rest_precisely(panel, precise);
    functions_.panel(panel);
    take_extras(panel, highest, many ? precise : sums ? panel.rest : nullptr, k, lanes_.extras);
  }

  void finish(const Panel<T>& panel, int role, const Examples& at, int k, bool unfit, T* array) {
    if (unfit) multiply_panel(panel, lanes_.info.loss_weight + k, lanes_.factor + k, array);
    store_panel(task_, task_[role], at, panel.rows, staging_, array);
  }

  const Task& task_;
  const RowFunctions<T>& functions_;
  const int64_t rows_;
  T *staging_, *logits_, *portion_, *hessian_, *scratch_;
  Transformed<T> transformed_;
  const bool altered_;    // whether the loss takes other or checked scores, or has a z-loss
  bool plain_;            // whether rows are labelled and mostly count 1 each
  bool outside_ = false;  // whether what is no probability was met
  Lanes<T> lanes_;
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
