// Long rows, one at a time.
#pragma once

#include "../memory/staging.hpp"
#include "extras.hpp"
#include "row.hpp"
#include "scores.hpp"
#include "targets.hpp"
#include "values.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

inline constexpr int64_t kShort = 512;

// Bytes of a row's exponentials that are kept in a core's cache where the gradient's array, of
// another type or with strides, cannot hold them. Longer rows take them twice.
inline constexpr int64_t kKeptBytes = 3 << 18;

// Numbers that this takes; 0 where there is nothing to keep.
template <class T>
int64_t kept_numbers(const Task& task) {
  const int64_t numbers = whole_steps(task.classes);
  if ((task.mode & kGradient) == 0 || task.classes <= kWholeRow) return 0;
  const Operand& gradient = task[kGradients];
  const bool direct = in_place<T>(gradient, gradient.data, gradient.class_stride);
  return !direct && numbers <= kKeptBytes / int64_t(sizeof(T)) ? numbers : 0;
}

// Numbers of a row's working memory.
template <class T>
int64_t row_numbers(const Task& task, const RowFunctions<T>& functions) {
  const int64_t whole = functions.scratch_rows * whole_steps(task.classes);
  return 4 * long_row_tile(task.classes) + kept_numbers<T>(task) + whole;
}

}  // namespace

template <class T>
NUMLOSS_INLINE Row<T>::Row(const Task& task, const RowFunctions<T>& functions, const Examples& at,
                           int64_t label, double factor, T* scratch)
    : classes(task.classes),
      tile(long_row_tile(task.classes)),
      label(label),
      coefficient(coefficient_of<T>(factor)),
      parameters(task.parameters),
      likelihood(functions.likelihood),
      task_(task),
      at_(at),
      factor_(factor),
      entropy_(functions.entropy),
      prediction_(at.address(task[kHeads])),
      logits_(scratch),
      portions_(scratch + tile),
      output_(scratch + 2 * tile),
      second_output_(scratch + 3 * tile),
      kept_(kept_numbers<T>(task) != 0 ? scratch + 4 * tile : nullptr),
      scratch_(scratch + 4 * tile + kept_numbers<T>(task)) {}

template <class T>
TileParts<T>& Row<T>::load(int64_t first, bool mask, bool reads) {
  if (first == loaded_) return parts_;
  loaded_ = first;
  parts_.count = 0;
  const int64_t n = classes - first < tile ? classes - first : tile;
  const int64_t end = first + n;
  // Short tiles are copied as a whole: that costs less than a second part.
  const int64_t whole = n < kShort && n % kLanes != 0 ? first : first + n / kLanes * kLanes;
  int64_t from = first;
  if (mask && label >= first && label < whole) {
    const int64_t step = first + (label - first) / kLanes * kLanes;
    append(from, step);
    append(step, step + kLanes, true);
    from = step + kLanes;
  }
  append(from, whole, false, reads);
  append(whole, end, mask && label >= whole && label < end, reads);
  return parts_;
}

template <class T>
T Row<T>::logit(int64_t c) const {
  T x;
  copy_classes(task_[kHeads], prediction_ + c * task_[kHeads].class_stride, 1, &x);
  adjust_scores(task_, c, 1, &x);
  return x;
}

template <class T>
void Row<T>::load_portions(bool add_up) {
  TileParts<T>& parts = parts_;
  if (parts.part[0].portion != nullptr) return;
  PortionRule<T> rule(task_);
  if (task_.has(kMask) && rule.share != T(0)) rule.share = smoothing_share();
  const auto share_of = [share = rule.share](int) { return share; };
  const bool spread = task_.target_kind == Target::kLabel && task_.label_table == nullptr;
  for (TilePart<T>& part : parts) {
    T* const buffer = portions_ + (part.first - loaded_);
    part.portion = buffer;
    for (int64_t k = part.classes; k % kLanes != 0; ++k) buffer[k] = T(0);
    if (!spread) part.portion = load_probabilities(part, buffer);
  }
  const PortionUse use = use_of_portions(task_, entropy_);
  if (add_up && use.any() && task_.target_kind == Target::kDistribution) add_up_parts(use);
  if (!spread && rule.is_plain()) return;
  for (TilePart<T>& part : parts) {
    T* const portion = portions_ + (part.first - loaded_);
    for (int64_t k = 0; k < part.classes; k += kLanes) {
      const int n = int(part.classes - k < kLanes ? part.classes - k : kLanes);
      const int64_t c = part.first + k;
      if (spread) {
        const int at = label >= c && label < c + n ? int(label - c) : -1;
        rule.template apply<1>(
            c, n, [at](int i) { return T(i == at); }, share_of, part.logits + k, portion + k);
      } else {
        const T* const q = part.portion + k;
        rule.template apply<1>(
            c, n, [q](int i) { return q[i]; }, share_of, part.logits + k, portion + k);
      }
    }
    part.portion = portion;
  }
}

template <class T>
void Row<T>::write(const Operand& operand, const TilePart<T>& part, T* from) {
  if (&operand == &task_[kHessians]) divide_by_temperature(task_, part.classes, from);
  if (!is_normal(T(factor_))) {
    for (int64_t k = 0; k < part.classes; ++k) from[k] = T(double(from[k]) * factor_);
  }
  char* to = address(operand, part.first);
  if (reinterpret_cast<const char*>(from) == to) return;
  copy_out(operand, to, operand.class_stride, part.classes, from);
}

template <class T>
void Row<T>::write_one(const Operand& operand, int64_t c, T x) {
  if (&operand == &task_[kHessians]) divide_by_temperature(task_, 1, &x);
  if (!is_normal(T(factor_))) x = T(double(x) * factor_);
  copy_out(operand, address(operand, c), 0, 1, &x);
}

// Short pieces that lie as T are many, and not worth a look at types and strides.
template <class T>
NUMLOSS_INLINE void Row<T>::copy_classes(const Operand& operand, const char* from, int64_t n,
                                         T* to) {
  if (in_place<T>(operand, from, operand.class_stride)) {
    __builtin_memcpy(to, from, uint64_t(n) * sizeof(T));
  } else {
    copy_in(operand, from, operand.class_stride, n, to);
  }
}

// Adds classes [from, to) to the loaded tile, where they lie or copied and padded.
template <class T>
NUMLOSS_INLINE void Row<T>::append(int64_t from, int64_t to, bool masked, bool reads) {
  const int64_t n = to - from;
  if (n == 0) return;
  const int64_t stride = task_[kHeads].class_stride;
  const char* lies = prediction_ + from * stride;
  const T* logits = reinterpret_cast<const T*>(lies);
  const bool as_it_lies = !adjusts(task_) && in_place<T>(task_[kHeads], lies, stride);
  if (reads && (masked || n % kLanes != 0 || !as_it_lies)) {
    T* const copy = logits_ + (from - loaded_);
    if (n % kLanes != 0) {
      T* const padded = copy + n / kLanes * kLanes;
#pragma omp simd
      for (int i = 0; i < kLanes; ++i) padded[i] = -Real<T>::kInfinity;
    }
    copy_classes(task_[kHeads], lies, n, copy);
    adjust_scores(task_, from, n, copy);
    if (masked) copy[label - from] = -Real<T>::kInfinity;
    logits = copy;
  }
  parts_.part[parts_.count++] = {from, n, (n + kLanes - 1) / kLanes, logits, nullptr};
}

// Probabilities of a part: where they lie, or in `buffer`.
template <class T>
NUMLOSS_INLINE const T* Row<T>::load_probabilities(const TilePart<T>& part, T* buffer) {
  if (task_.target_kind == Target::kLabel) {
    spread_label(task_, label, part.first, part.classes, buffer);
    return buffer;
  }
  const int64_t stride = task_[kTarget].class_stride;
  const char* from = at_.address(task_[kTarget]) + part.first * stride;
  if (part.classes % kLanes == 0 && !task_.log_target &&
      in_place<T>(task_[kTarget], from, stride)) {
    return reinterpret_cast<const T*>(from);
  }
  copy_classes(task_[kTarget], from, part.classes, buffer);
  take_exponentials_of_target(task_, part.classes, buffer);
  return buffer;
}

// The sums of the loaded tile's probabilities.
template <class T>
NUMLOSS_INLINE void Row<T>::add_up_parts(PortionUse use) {
  PortionsOfTile<T> portion{task_, use};
  for (const TilePart<T>& part : parts_) portion.add(part.first, part.classes, part.portion);
  portion.add_to(sums);
}

// What smoothing gives to a class of the row, of which a mask leaves some out.
template <class T>
[[gnu::noinline]] T Row<T>::smoothing_share() {
  if (share_ >= T(0)) return share_;
  const Operand& mask = task_[kMask];
  alignas(64) T some[kShort];
  double possible = 0;
  for (int64_t first = 0; first < classes; first += kShort) {
    const int64_t n = classes - first < kShort ? classes - first : kShort;
    copy_in(mask, address(mask, first), mask.class_stride, n, some);
    for (int64_t k = 0; k < n; ++k) possible += double(some[k]);
  }
  return share_ = NUMLOSS_ISA::smoothing_share<T>(task_, possible);
}

template <class T>
T Row<T>::z_loss(bool has_portions) const {
  if (!has_portions || task_.class_weight == nullptr) return T(task_.z_loss);
  const bool labelled = task_.target_kind == Target::kLabel;
  return T(task_.z_loss * (labelled ? task_.class_weight[label] : sums.weight));
}

namespace {

template <class T>
void clear_row(const Task& task, const Operand& operand, const Examples& at) {
  const T zero = 0;
  for (int64_t c = 0; c < task.classes; ++c) {
    copy_out(operand, at.address(operand) + c * operand.class_stride, 0, 1, &zero);
  }
}

// Which operands are copied: those whose classes lie further apart than rows do.
inline Roles scattered(const Task& task) {
  Roles found{0};
  for (const int role : task.present) {
    if (is_scattered(task, task[role])) found = found | roles(role);
  }
  return found;
}

// Which are copied: those, and where scores are transformed what that changes.
inline Roles staged(const Task& task) {
  Roles found = scattered(task);
  if (transforms(task)) found = found | roles(kHeads);
  if (task.softcap != 0) found = found | (task.present & kDerivatives);
  return found;
}

// Rows copied at a time where there are such operands: a few lines of memory of each class, so that
// a page serves many, or as many as may be copied; 0 where a line would serve but one row, which is
// copied nevertheless where scores are transformed.
template <class T>
int64_t staged_rows(const Task& task) {
  constexpr int64_t kMost = 4 * kLine<T>;
  const int64_t bytes = Staging<T>::bytes(task, staged(task), 1);
  if (!task.long_rows || bytes == 0) return 0;
  const int64_t rows = kStagedBytes / bytes / task.classes;
  if (rows < 2 || scattered(task).bits == 0) return transforms(task) ? 1 : 0;
  return rows < kLine<T> ? rows : rows < kMost ? rows - rows % kLine<T> : kMost;
}

// Transforms the scores of a row that are a copy.
template <class T>
[[gnu::noinline]] void transform_row(const Task& task, const Examples& at, T* x) {
  if (task.softcap != 0) cap_scores(task.softcap, task.classes, x);
  if (!task.has(kMask)) return;
  const Operand& mask = task[kMask];
  alignas(64) T some[kShort];
  for (int64_t first = 0; first < task.classes; first += kShort) {
    const int64_t n = task.classes - first < kShort ? task.classes - first : kShort;
    const int64_t stride = mask.class_stride;
    copy_in(mask, at.address(mask) + first * stride, stride, n, some);
    leave_out(n, some, x + first);
  }
}

// Makes derivatives by the scores of a row of copies that are those by capped ones.
template <class T>
[[gnu::noinline]] void undo_cap_of_row(const Task& task, const Examples& at, T* gradient,
                                       T* hessian) {
  const Operand& scores = task[kHeads];
  alignas(64) T some[kShort];
  for (int64_t first = 0; first < task.classes; first += kShort) {
    const int64_t n = task.classes - first < kShort ? task.classes - first : kShort;
    const int64_t stride = scores.class_stride;
    copy_in(scores, at.address(scores) + first * stride, stride, n, some);
    undo_transform(task, n, some, gradient + first, hessian == nullptr ? nullptr : hessian + first);
  }
}

// A few rows of a task, copied to where their classes lie side by side.
template <class T>
class RowWindow {
 public:
  // Walks the rows up to `end`; a check of the inputs copies their targets only.
  RowWindow(const Task& task, int64_t end, bool only_check, char* scratch)
      : task_(task),
        at_(task, 0),
        end_(end),
        most_(staged_rows<T>(task)),
        transforms_(!only_check && transforms(task)),
        staging_(task, copied(task, only_check), task.classes, scratch) {}

  // Copies some from `row` on, which `at` is at, unless they are; returns how many there are.
  int64_t reach(const Examples& at, int64_t row) {
    if (staged_ == nullptr || row == first_ + rows_) {
      flush();
      const int64_t left = at.run() < end_ - row ? at.run() : end_ - row;
      at_ = at;
      first_ = row;
      rows_ = left < most_ ? left : most_;
      staged_ = &staging_.load(at, rows_);
      if (transforms_) {
        each_row(
            [&](const Examples& row, int64_t k) { transform_row(task_, row, copy(kHeads, k)); });
      }
    }
    return first_ + rows_ - row;
  }

  const Task& task() const { return *staged_; }
  Examples examples(int64_t row) const { return Examples(*staged_, row - first_); }

  // Takes their results out.
  void flush() {
    if (staged_ == nullptr) return;
    if (transforms_ && transforms_slopes(task_)) {
      each_row([&](const Examples& row, int64_t k) {
        T* const hessian = task_.has(kHessians) ? copy(kHessians, k) : nullptr;
        undo_cap_of_row(task_, row, copy(kGradients, k), hessian);
      });
    }
    staging_.store(at_, rows_);
  }

 private:
  static Roles copied(const Task& task, bool only_check) {
    return only_check ? scattered(task) & roles(kTarget) : staged(task);
  }

  // Calls f with the place of each of the rows in the arrays, and its number.
  void each_row(auto&& f) {
    Examples row = at_;
    for (int64_t k = 0; k < rows_; ++k, row.advance(1)) f(row, k);
  }

  // A row of copies.
  T* copy(int role, int64_t k) const {
    return reinterpret_cast<T*>((*staged_)[role].data) + k * task_.classes;
  }

  const Task& task_;
  Examples at_;
  const int64_t end_, most_;
  const bool transforms_;
  Staging<T> staging_;
  const Task* staged_ = nullptr;
  int64_t first_ = 0, rows_ = 0;
};

// What the rows of a step bring, and what becomes of them.
template <class T>
struct RowStep {
  const int64_t* label;  // null where the target is a distribution
  const double* weight;
  PortionSums* sums;
  T* value;
  Extras<T>* extras;  // null where none are wanted
};

// n rows from `at`: the members of a step from k on.
template <class T>
void compute_rows(const Task& task, const RowFunctions<T>& functions, Examples at, int64_t n,
                  const RowStep<T>& step, int64_t k, T* scratch) {
  for (const int64_t end = k + n; k < end; ++k, at.advance(1)) {
    const double weight = step.weight[k];
    step.value[k] = T(0);
    const bool counts = step.label == nullptr || weight != 0.0;
    if (counts || step.extras != nullptr) {
      Row<T> row(task, functions, at, step.label != nullptr ? step.label[k] : 0,
                 weight / task.divisor(), scratch);
      // Before the loss, whose gradient may take the place of the scores.
      HighestOfRow<T> highest{};
      if (step.extras != nullptr) {
        highest = highest_of_row<T>(task[kHeads], at.address(task[kHeads]), task.classes);
        divide_by_temperature(task, 1, &highest.score);
      }
      if (counts) {
        step.value[k] = functions.row(row);
        step.sums[k] = row.sums;
      }
      if (step.extras != nullptr) take_extras(row, highest, counts, k, *step.extras);
    }
    if (weight == 0.0) {
      if (task.mode & kGradient) clear_row<T>(task, task[kGradients], at);
      if (task.mode & kHessian) clear_row<T>(task, task[kHessians], at);
    }
  }
}

// The same, of rows that are copied to a window.
template <class T>
void compute_staged_rows(RowWindow<T>& window, const RowFunctions<T>& functions, Examples at,
                         int64_t row, int64_t n, const RowStep<T>& step, T* scratch) {
  for (int64_t k = 0; k < n;) {
    const int64_t there = window.reach(at, row + k), rows = there < n - k ? there : n - k;
    compute_rows(window.task(), functions, window.examples(row + k), rows, step, k, scratch);
    at.advance(rows);
    k += rows;
  }
}

// The rows of one block.
template <class T>
void run_rows(const Task& task, const RowFunctions<T>& functions, int64_t begin, int64_t end,
              RowWindow<T>* window, T* scratch, Partial& partial) {
  const bool labelled = task.target_kind == Target::kLabel;
  Examples at(task, begin);
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t n = end - i < kLanes ? end - i : kLanes;
    LabelsAndWeights info;
    PortionSums sums[kLanes];
    alignas(64) T value[kLanes];
    Extras<T> extras;
    if (labelled && !read_labels(task, at, n, info, partial)) {
      partial.bad = true;
      return;
    }
    if (!labelled) load_loss_weights(task, at, n, info);
    const RowStep<T> step{labelled ? info.label : nullptr, info.loss_weight, sums, value,
                          wants_extras(task) ? &extras : nullptr};
    if (window != nullptr) {
      compute_staged_rows(*window, functions, at, i, n, step, scratch);
    } else {
      compute_rows(task, functions, at, n, step, 0, scratch);
    }
    if (!labelled && !weigh_distributions(task, n, sums, info, partial)) {
      partial.bad = true;
      return;
    }
    if (task.mode & kValue) finish_rows(task, at, value, info, n, partial);
    if (wants_extras(task)) store_extras(task, at, n, extras);
    at.advance(n);
  }
}

// Calls f(begin, end, partial, window) for every block, with a window that serves several of them
// and has its memory behind that of a row.
template <class T>
[[gnu::noinline]] void each_block_in_window(const Task& task, const Blocks& blocks, bool only_check,
                                            T* behind_row, auto&& f) {
  RowWindow<T> window(task, blocks.end, only_check, reinterpret_cast<char*>(behind_row));
  const auto run = [&](int64_t begin, int64_t end, Partial& partial) {
    f(begin, end, partial, &window);
  };
  if (each_block(blocks, blocks.begin, blocks.end, run)) window.flush();
}

// The same with a window where rows are copied, else null.
template <class T>
void each_block_of_rows(const Task& task, const Blocks& blocks, bool only_check, T* behind_row,
                        auto&& f) {
  if (staged_rows<T>(task) > 0) {
    each_block_in_window(task, blocks, only_check, behind_row, f);
    return;
  }
  RowWindow<T>* const none = nullptr;
  const auto run = [&](int64_t begin, int64_t end, Partial& partial) {
    f(begin, end, partial, none);
  };
  each_block(blocks, blocks.begin, blocks.end, run);
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
