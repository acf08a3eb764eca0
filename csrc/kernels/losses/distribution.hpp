// Losses of softmax(x) against a distribution over the classes.
#pragma once

#include "../drivers/softmax.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Losses linear in log softmax(x): sum_c v_c (logsumexp(x) - x_c), v the target's mass (weights and
// smoothing included), plus sum q log q for the divergence. Gradient V p - v with V = sum v.
template <bool kDivergence>
struct Distribution {
  static constexpr int parameters = 0, kScratchPanels = 0;
  static constexpr bool kEntropy = kDivergence, kFolds = true;

  // v (m - x); a class without mass costs nothing, even one that cannot happen.
  template <class T>
  NUMLOSS_INLINE static T cost(T mass, T origin, T x) {
    return mass == T(0) ? T(0) : mass * (origin - x);
  }

  // V p - v; where p is the maximum's (e = 1) and above 1/2, without its cancellation. Below 1/2 it
  // is the other form that would cancel.
  template <class T>
  NUMLOSS_INLINE static T slope(T e, T total, T mass, T rest, T inverse) {
    const T usual = total * (e * inverse) - mass;
    const T at_maximum = (total - mass) - total * (rest * inverse);
    return ((e == T(1)) & (rest < T(1))) ? at_maximum : usual;
  }

  // The masses of the classes [first, end) to total, and what they cost to distance.
  template <class T>
  NUMLOSS_INLINE static void add_masses(const Panel<T>& panel, int64_t first, int64_t end,
                                        const T* origin, T* total, T* distance) {
    each_steps(end - first, [&](int64_t k, auto count) {
      const T* const mass = panel.mass + (first + k) * kLanes;
      const T* const logits = panel.logits + (first + k) * kLanes;
#pragma omp simd
      for (int i = 0; i < panel.lanes; ++i) {
        T sum = total[i], cost_sum = distance[i];
#pragma GCC unroll 4
        for (int j = 0; j < count.value; ++j) {
          const T v = mass[j * kLanes + i];
          sum += v;
          cost_sum += cost(v, origin[i], logits[j * kLanes + i]);
        }
        total[i] = sum;
        distance[i] = cost_sum;
      }
    });
  }

  // Those of all classes, a run at a time: in one sum the roundings of equal masses, which
  // smoothing makes, would add up.
  template <class T>
  NUMLOSS_INLINE static void add_all_masses(const Panel<T>& panel, const T* origin, T* total,
                                            T* distance) {
    constexpr int64_t kRun = 16;
    add_masses(panel, 0, panel.classes < kRun ? panel.classes : kRun, origin, total, distance);
    for (int64_t first = kRun; first < panel.classes; first += kRun) {
      const int64_t end = panel.classes - first < kRun ? panel.classes : first + kRun;
      alignas(64) T run_total[kLanes] = {}, run_distance[kLanes] = {};
      add_masses(panel, first, end, origin, run_total, run_distance);
#pragma omp simd
      for (int i = 0; i < panel.lanes; ++i) {
        total[i] += run_total[i];
        distance[i] += run_distance[i];
      }
    }
  }

  template <class T, unsigned kMode>
  static void panel(const Panel<T>& panel) {
    const int lane_count = panel.lanes;
    alignas(64) T maximum[kLanes], origin[kLanes], others[kLanes] = {}, ties[kLanes] = {};
    alignas(64) T total[kLanes] = {}, distance[kLanes] = {};
    for (int i = 0; i < lane_count; ++i) maximum[i] = -Real<T>::kInfinity;
    panel_maximum(panel.logits, panel.classes, lane_count, maximum);
    for (int i = 0; i < lane_count; ++i) origin[i] = origin_of(maximum[i]);
    add_all_masses(panel, origin, total, distance);
    panel_exponentials<T, kMode != kValue>(panel.logits, panel.classes, lane_count, origin, others,
                                           ties, panel.logits, panel.later);
    alignas(64) T inverse[kLanes], rest[kLanes];
#pragma omp simd
    for (int i = 0; i < lane_count; ++i) {
      const Softmax<T> s{maximum[i], (ties[i] - T(1)) + others[i]};
      const T value = total[i] * s.log_sum() + distance[i];
      if constexpr ((kMode & kValue) != 0) panel.value[i] = value + panel.entropy[i];
      inverse[i] = s.inverse();
      rest[i] = s.rest;
    }
    if constexpr (kMode == kValue) return;
    for (int64_t c = 0; c < panel.classes; ++c) {
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        const T e = panel.logits[c * kLanes + i];
        const T k = panel.coefficient[i];
        panel.logits[c * kLanes + i] =
            k * slope(e, total[i], panel.mass[c * kLanes + i], rest[i], inverse[i]);
        if constexpr ((kMode & kHessian) != 0) {
          panel.hessian[c * kLanes + i] =
              k * total[i] * (e * inverse[i]) * complement(e, rest[i], inverse[i]);
        }
      }
    }
  }

  // The same for a part of a row.
  template <class T>
  NUMLOSS_INLINE static void add_masses(const Part<T>& part, T origin, RowLanes<T>& masses,
                                        RowLanes<T>& costs) {
    const Vector<T> zero = {}, from = zero + origin;
    for (int64_t k = 0; k < part.steps * kLanes; k += kLanes) {
#pragma GCC unroll 32
      for (int i = 0; i < masses.kVectors; ++i) {
        const int64_t at = k + i * masses.kWidth;
        const auto v = load_vector<Vector<T>>(part.mass + at);
        const auto x = load_vector<Vector<T>>(part.logits + at);
        masses.vector[i] += v;
        costs.vector[i] += v == zero ? zero : v * (from - x);
      }
    }
  }

  template <class T, unsigned kMode>
  static T row(Row<T>& row) {
    T origins[kMaxFoldedTiles];
    double total = 0, distance = 0;
    T last_origin = 0;
    // The exponentials are taken twice where the logits must stay, to tell in the second pass which
    // classes cannot happen.
    const Operand* keep =
        kMode != kValue && row.mass_outlasts_logits() ? &row.task()[kGradients] : nullptr;
    const Softmax<T> s = fold_softmax(row, keep, origins, [&](const Parts<T>& parts, T origin) {
      row.load_mass(true);
      RowLanes<T> masses(0), costs(0);
      for (const Part<T>& part : parts) add_masses(part, origin, masses, costs);
      // What came before is as much further from the maximum as the maximum rose.
      if (total != 0) distance += total * (double(origin) - double(last_origin));
      total += sum(masses);
      distance += sum(costs);
      last_origin = origin;
    });
    const T mass_total = T(total), inverse = s.inverse();
    const T value =
        T(total * double(s.log_sum()) + distance + (kDivergence ? row.sums.entropy : 0.0));
    if constexpr (kMode == kValue) return value;
    for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
      const Parts<T>& parts = row.load(first);
      row.load_mass(false);
      for (const Part<T>& part : parts) {
        finish_part<T, kMode>(row, part, origins[t], s, mass_total, inverse, keep != nullptr);
      }
    }
    return value;
  }

  // The derivatives of a part of a row.
  template <class T, unsigned kMode>
  NUMLOSS_INLINE static void finish_part(Row<T>& row, const Part<T>& part, T origin,
                                         const Softmax<T>& s, T total, T inverse, bool kept) {
    const Operand& gradient_array = row.task()[kGradients];
    T* gradient = row.output(gradient_array, part);
    const int64_t n = part.steps * kLanes;
    const T* e = gradient;
    if (kept) {
      e = exponentials_again(row, gradient_array, part, origin, gradient);
    } else {
      exponentials(part.logits, part.steps, origin, gradient);
    }
    const T shrink = exp_nonpositive(origin - origin_of(s.maximum));
    if constexpr ((kMode & kHessian) != 0) {
      T* hess = row.second_output(row.task()[kHessians], part);
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) {
        const T share = e[k] * shrink;
        hess[k] = row.coefficient * total * (share * inverse) * complement(share, s.rest, inverse);
      }
      row.write(row.task()[kHessians], part, hess);
    }
    const T coefficient = row.coefficient;
    const T* const mass = part.mass;
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) {
      gradient[k] = coefficient * slope(e[k] * shrink, total, mass[k], s.rest, inverse);
    }
    row.write(gradient_array, part, gradient);
  }
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
