// The extra outputs of losses over classes, which tell of each row's scores alone: rows that are
// ignored or have weight 0 have them, too.
#pragma once

#include "../memory/tile.hpp"
#include "softmax.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Those of a step of rows.
template <class T>
struct Extras {
  alignas(64) T log_sum_exp[kLanes];
  int64_t predicted[kLanes];
};

inline bool wants_extras(const Task& task) { return (task.present & kExtras).bits != 0; }

// log sum exp(x), from the highest score and the softmax. Where that score is infinite it is the
// result: a sum of zeros has the logarithm -inf, though a loss of such a row is NaN.
template <class T>
NUMLOSS_INLINE T log_sum_exp(T highest, Softmax<T> softmax) {
  return highest - highest == T(0) ? highest + softmax.log_sum() : highest;
}

// The other exponentials of rows of many classes, added up with their rounding errors (TwoSum): a
// loss that scans classes adds them up in order, which costs it more digits than a logarithm shows.
template <class T>
[[gnu::noinline, gnu::flatten]] void take_rest_precisely(const Panel<T>& panel, T* rest) {
  using V = Vector<T>;
  for (int lane = 0; lane < panel.rows; lane += kStrip<T>) {
    const V origin = load_vector<V>(panel.maximum + lane), one = V{} + T(1);
    const T* const strip = panel.logits + lane * panel.classes;
    V others{}, lost{}, ties{};
    for (int64_t k = 0; k < panel.classes * kStrip<T>; k += kStrip<T>) {
      V e[] = {load_vector<V>(strip + k) - origin};
      exp_nonpositive(e);
      const V other = e[0] == one ? V{} : e[0], sum = others + other, part = sum - others;
      lost += (others - (sum - part)) + (other - part);
      others = sum;
      ties += e[0] == one ? one : V{};
    }
    store_vector((ties - one) + (others + lost), rest + lane);
  }
}

// Those of a panel's rows, which are the lanes from `first` on; `rest` as panel.rest, null where no
// log-sum-exp is wanted.
template <class T>
[[gnu::noinline]] void take_extras(const Panel<T>& panel, const Highest<T>& highest, const T* rest,
                                   int first, Extras<T>& extras) {
  for (int i = 0; i < panel.rows; ++i) extras.predicted[first + i] = int64_t(highest.place[i]);
  T* const to = extras.log_sum_exp + first;
#pragma omp simd
  for (int i = 0; i < (rest != nullptr ? panel.rows : 0); ++i) {
    to[i] = log_sum_exp(highest.score[i], Softmax<T>{panel.maximum[i], rest[i]});
  }
}

// `softmax`: whether the loss has taken that of the row.
template <class T>
[[gnu::noinline]] void take_extras(Row<T>& row, const HighestOfRow<T>& highest, bool softmax,
                                   int64_t k, Extras<T>& extras) {
  extras.predicted[k] = highest.place;
  if (!row.task().has(kLogSumExp)) return;
  T maxima[kMostTiles];
  if (!softmax) softmax_of_row<T>(row, nullptr, maxima, nullptr);
  extras.log_sum_exp[k] = log_sum_exp(highest.score, Softmax<T>{row.maximum, row.rest});
}

template <class T>
[[gnu::noinline]] void store_extras(const Task& task, const Examples& from, int64_t n,
                                    const Extras<T>& extras) {
  if (task.has(kLogSumExp)) store(task[kLogSumExp], from, n, extras.log_sum_exp);
  Examples at = from;
  for (int64_t i = 0; i < (task.has(kPredicted) ? n : 0); ++i, at.advance(1)) {
    __builtin_memcpy(at.address(task[kPredicted]), &extras.predicted[i], sizeof(int64_t));
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
