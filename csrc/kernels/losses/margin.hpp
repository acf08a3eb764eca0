// Losses over margins between class scores.
#pragma once

#include "../drivers/softmax.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// z_j = margin + s_j - s_y over the other classes; the sum of max(0, z_j) (Weston & Watkins 1999)
// or its maximum (Crammer & Singer 2001). The label's own score is set to -inf, out of the way.
template <bool kSum>
struct MulticlassHinge {
  static constexpr int parameters = 1, kScratchPanels = 0;
  static constexpr bool kEntropy = false, kFolds = true;

  template <class T>
  NUMLOSS_INLINE static T excess(T score, T label_score, T margin) {
    return score == -Real<T>::kInfinity ? score : margin + (score - label_score);
  }

  // A label that cannot happen costs infinity, whatever the others.
  template <class T>
  NUMLOSS_INLINE static T value_of(T poison, T total, T label_score) {
    return keep_nan(poison, label_score == -Real<T>::kInfinity ? Real<T>::kInfinity : total);
  }

  // What the lanes carry: for the sum, total and, where a gradient asks for it, number of active
  // classes; for the maximum, its value and step. poison is NaN where a score was.
  template <class T>
  struct Lanes {
    alignas(64) T total[kLanes] = {}, best[kLanes] = {}, poison[kLanes] = {};
  };

  template <class T, unsigned kMode>
  NUMLOSS_INLINE static void take(const T* x, int64_t steps, int lane_count, T step_offset,
                                  const T* label_score, T margin, Lanes<T>& lanes) {
    each_steps(steps, [&](int64_t k, auto count) {
      const T* const step = x + k * kLanes;
      const T number = step_offset + T(k);
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        T total = lanes.total[i], best = lanes.best[i], poison = lanes.poison[i];
#pragma GCC unroll 4
        for (int j = 0; j < count.value; ++j) {
          const T z = excess(step[j * kLanes + i], label_score[i], margin);
          if constexpr (kSum) {
            total += z < T(0) ? T(0) : z;  // a NaN is added
            if constexpr (kMode != kValue) best += z > T(0) ? T(1) : T(0);
          } else {
            poison = is_nan(z) ? z : poison;
            best = z > total ? number + T(j) : best;
            total = z > total ? z : total;
          }
        }
        lanes.total[i] = total;
        lanes.best[i] = best;
        lanes.poison[i] = poison;
      }
    });
    for (int i = 0; i < lane_count && kSum; ++i) {
      lanes.poison[i] = keep_nan(lanes.total[i], lanes.poison[i]);
    }
  }

  // The same for a part of a row, whose sums stay in registers.
  template <class T, unsigned kMode>
  NUMLOSS_INLINE static void add_part(const Part<T>& part, T label_score, T margin,
                                      RowLanes<T>& total, RowLanes<T>& active) {
    const Vector<T> zero = {}, one = zero + T(1), own = zero + label_score;
    const Vector<T> least = zero - Real<T>::kInfinity, slack = zero + margin;
    for (int64_t k = 0; k < part.steps * kLanes; k += kLanes) {
#pragma GCC unroll 32
      for (int i = 0; i < total.kVectors; ++i) {
        const auto score = load_vector<Vector<T>>(part.logits + k + i * total.kWidth);
        const auto z = score == least ? score : slack + (score - own);
        total.vector[i] += z < zero ? zero : z;  // a NaN is added
        if constexpr (kMode != kValue) active.vector[i] += z > zero ? one : zero;
      }
    }
  }

  template <class T>
  NUMLOSS_INLINE static T keep_last_nan(const RowLanes<T>& lanes, T value) {
    T x[kLanes];
    __builtin_memcpy(x, lanes.vector, sizeof(x));
    for (int i = 0; i < kLanes; ++i) value = keep_nan(x[i], value);
    return value;
  }

  template <class T, unsigned kMode>
  static void panel(const Panel<T>& panel) {
    const int lane_count = panel.lanes;
    const T margin = T(panel.parameters[0]);
    Lanes<T> lanes;
    alignas(64) T label_score[kLanes];
    for (int i = 0; i < lane_count; ++i) {
      T& own = panel.logits[int64_t(panel.label[i]) * kLanes + i];
      label_score[i] = own;
      lanes.poison[i] = is_nan(own) ? own : T(0);
      own = -Real<T>::kInfinity;
    }
    take<T, kMode>(panel.logits, panel.classes, lane_count, T(0), label_score, margin, lanes);
    if constexpr ((kMode & kValue) != 0) {
      for (int i = 0; i < lane_count; ++i)
        panel.value[i] = value_of(lanes.poison[i], lanes.total[i], label_score[i]);
    }
    if constexpr (kMode == kValue) return;
    for (int64_t c = 0; c < panel.classes; ++c) {
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        const T z = excess(panel.logits[c * kLanes + i], label_score[i], margin);
        const bool active = (z > T(0)) & (kSum | (lanes.best[i] == T(c)));
        const T coefficient =
            panel.coefficient[i];  // no load under a condition: it would not vectorise
        const T g = active ? coefficient : T(0);
        panel.logits[c * kLanes + i] = keep_nan(lanes.poison[i], g);
        if constexpr ((kMode & kHessian) != 0) {
          panel.hessian[c * kLanes + i] = keep_nan(lanes.poison[i], T(0));
        }
      }
    }
    for (int i = 0; i < lane_count; ++i) {
      const T active = kSum ? lanes.best[i] : lanes.total[i] > T(0) ? T(1) : T(0);
      // 0 - x: no negative zero where no class is active.
      panel.logits[int64_t(panel.label[i]) * kLanes + i] =
          keep_nan(lanes.poison[i], T(0) - panel.coefficient[i] * active);
    }
  }

  // Of a row, up to some tile: the value, the number of active classes and the last NaN; for the
  // maximum, its class, -1 where none is active.
  template <class T>
  struct Excesses {
    double total = 0, active = 0;
    T poison = 0;
    int64_t best = -1;
  };

  template <class T, unsigned kMode>
  NUMLOSS_INLINE static void add_tile(const Parts<T>& parts, T own, T margin, Excesses<T>& all) {
    RowLanes<T> totals(0), counts(0);
    for (const Part<T>& part : parts) add_part<T, kMode>(part, own, margin, totals, counts);
    const double total = sum(totals);
    all.total += total;
    if (is_nan(total)) all.poison = keep_last_nan(totals, all.poison);
    if constexpr (kMode != kValue) all.active += sum(counts);
  }

  template <class T, unsigned kMode>
  NUMLOSS_INLINE static void compare_tile(const Parts<T>& parts, int64_t first, T own, T margin,
                                          Excesses<T>& all) {
    alignas(64) T label_score[kLanes];
    for (int i = 0; i < kLanes; ++i) label_score[i] = own;
    Lanes<T> lanes;
    for (const Part<T>& part : parts) {
      const T step = T((part.first - first) / kLanes);
      take<T, kMode>(part.logits, part.steps, kLanes, step, label_score, margin, lanes);
    }
    for (int i = 0; i < kLanes; ++i) all.poison = keep_nan(lanes.poison[i], all.poison);
    int64_t best = -1;
    T total = T(0);
    for (int i = 0; i < kLanes; ++i) {
      const int64_t c = first + int64_t(lanes.best[i]) * kLanes + i;
      const bool wins =
          lanes.total[i] > total || (best >= 0 && lanes.total[i] == total && c < best);
      total = wins ? lanes.total[i] : total;
      best = wins ? c : best;
    }
    if (double(total) > all.total) {
      all.total = double(total);
      all.best = best;
      all.active = 1;
    }
  }

  template <class T, unsigned kMode>
  static T row(Row<T>& row) {
    const T margin = T(row.parameters[0]);
    const T own = row.logit(row.label);
    Excesses<T> all;
    if (is_nan(own)) all.poison = own;
    for (int64_t first = 0; first < row.classes; first += row.tile) {
      const Parts<T>& parts = row.load(first, true);
      if constexpr (kSum) {
        add_tile<T, kMode>(parts, own, margin, all);
      } else {
        compare_tile<T, kMode>(parts, first, own, margin, all);
      }
    }
    const T value = value_of(all.poison, T(all.total), own);
    if constexpr (kMode == kValue) return value;
    const T coefficient = row.coefficient;
    for (int64_t first = 0; first < row.classes; first += row.tile) {
      for (const Part<T>& part : row.load(first, true)) {
        T* gradient = row.output(row.task()[kGradients], part);
        const T* x = part.logits;
        const int64_t n = part.steps * kLanes;
#pragma omp simd
        for (int64_t k = 0; k < n; ++k) {
          const T z = excess(x[k], own, margin);
          const bool active = kSum & (z > T(0));
          const T g = active ? coefficient : T(0);
          gradient[k] = keep_nan(all.poison, g);
        }
        row.write(row.task()[kGradients], part, gradient);
        if constexpr ((kMode & kHessian) != 0) {
          T* hessian = row.second_output(row.task()[kHessians], part);
          for (int64_t k = 0; k < n; ++k) hessian[k] = keep_nan(all.poison, T(0));
          row.write(row.task()[kHessians], part, hessian);
        }
      }
    }
    row.write_one(row.task()[kGradients], row.label,
                  keep_nan(all.poison, T(0) - row.coefficient * T(all.active)));
    if (all.best >= 0) {
      row.write_one(row.task()[kGradients], all.best, keep_nan(all.poison, row.coefficient));
    }
    return value;
  }
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
