// Losses over softmax(x) and over margins between class scores.
#pragma once

#include "../softmax.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Losses f(n) of the label's negative log-likelihood n = logsumexp(x) - x_y, with its probability p
// and q = 1 - p. A formula returns f, f' and f''; the driver turns them into
// dL/dx_j = f' (p_j - [j = y]) and d²L/dx_j² = f'' (p_j - [j = y])² + f' p_j (1 - p_j).
template <template <class> class Formula>
struct LabelLikelihood {
  static constexpr int kScratchPanels = 0;
  static constexpr bool kEntropy = false, kFolds = true;

  template <class T>
  struct Outcome {
    T value, first, second;  // derivatives multiplied by the row's coefficient
    T inverse, probability, complement;
  };

  template <class T>
  NUMLOSS_INLINE static Outcome<T> outcome(const Formula<T>& formula, const Softmax<T>& s,
                                           T label_logit, T coefficient) {
    const T inverse = s.inverse();
    const T e = exp_nonpositive(label_logit - origin_of(s.maximum));
    const T distance = s.maximum - label_logit;
    const T likelihood =
        s.log_sum() + (label_logit == -Real<T>::kInfinity ? Real<T>::kInfinity : distance);
    const T q = complement(e, s.rest, inverse);
    const Derivatives<T> d = formula(likelihood, e * inverse, q);
    return {d.value, coefficient * d.first, coefficient * d.second, inverse, e * inverse, q};
  }

  template <class T>
  NUMLOSS_INLINE static T hessian(T first, T second, T p, T q) {
    return second * p * p + first * p * q;
  }

  template <class T, unsigned kMode>
  static void panel(const Panel<T>& panel) {
    const int lane_count = panel.lanes;
    const Formula<T> formula(panel.parameters);
    alignas(64) T maximum[kLanes], origin[kLanes], others[kLanes] = {}, ties[kLanes] = {};
    alignas(64) T label_logit[kLanes];
    for (int i = 0; i < lane_count; ++i) maximum[i] = -Real<T>::kInfinity;
    panel_maximum(panel.logits, panel.classes, lane_count, maximum);
    for (int i = 0; i < lane_count; ++i) {
      label_logit[i] = panel.logits[int64_t(panel.label[i]) * kLanes + i];
      origin[i] = origin_of(maximum[i]);
    }
    panel_exponentials<T, kMode != kValue>(panel.logits, panel.classes, lane_count, origin, others,
                                           ties, panel.logits);
    alignas(64) T first[kLanes], second[kLanes], inverse[kLanes], rest[kLanes];
    alignas(64) T label_p[kLanes], label_q[kLanes];
#pragma omp simd
    for (int i = 0; i < lane_count; ++i) {
      const Softmax<T> s{maximum[i], (ties[i] - T(1)) + others[i]};
      const Outcome<T> o = outcome(formula, s, label_logit[i], panel.coefficient[i]);
      if constexpr ((kMode & kValue) != 0) panel.value[i] = o.value;
      first[i] = o.first;
      second[i] = o.second;
      inverse[i] = o.inverse;
      rest[i] = s.rest;
      label_p[i] = o.probability;
      label_q[i] = o.complement;
    }
    if constexpr (kMode == kValue) return;
    for (int64_t c = 0; c < panel.classes; ++c) {
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        const T e = panel.logits[c * kLanes + i];
        const T p = e * inverse[i];
        panel.logits[c * kLanes + i] = first[i] * p;
        if constexpr ((kMode & kHessian) != 0) {
          panel.hessian[c * kLanes + i] =
              hessian(first[i], second[i], p, complement(e, rest[i], inverse[i]));
        }
      }
    }
    for (int i = 0; i < lane_count; ++i) {
      const int64_t at = int64_t(panel.label[i]) * kLanes + i;
      panel.logits[at] = -(first[i] * label_q[i]);
      if constexpr ((kMode & kHessian) != 0) {
        panel.hessian[at] =
            second[i] * label_q[i] * label_q[i] + first[i] * label_p[i] * label_q[i];
      }
    }
  }

  template <class T, unsigned kMode>
  static T row(Row<T>& row) {
    T origins[kMaxFoldedTiles];
    const T label_logit = row.logit(row.label);
    const Softmax<T> s = fold_softmax(row, kMode != kValue ? &row.task().gradient : nullptr,
                                      origins, [](int64_t, const T*, T) {});
    const Outcome<T> o = outcome(Formula<T>(row.parameters), s, label_logit, row.coefficient);
    if constexpr (kMode == kValue) return o.value;
    for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
      finish_tile<T, kMode>(row, first, origins[t], s, o);
    }
    row.write_one(row.task().gradient, row.label, -(o.first * o.complement));
    if constexpr ((kMode & kHessian) != 0) {
      row.write_one(
          row.task().hessian, row.label,
          o.second * o.complement * o.complement + o.first * o.probability * o.complement);
    }
    return o.value;
  }

  // The derivatives of one tile of a row, the label's aside.
  template <class T, unsigned kMode>
  static void finish_tile(Row<T>& row, int64_t first, T origin, const Softmax<T>& s,
                          const Outcome<T>& o) {
    const Operand& gradient_array = row.task().gradient;
    const T shrink = exp_nonpositive(origin - origin_of(s.maximum));
    T* gradient = row.output(gradient_array, first);
    const T* e = exponentials_again(row, gradient_array, first, origin, gradient);
    const int64_t n = row.steps(first) * kLanes;
    if constexpr ((kMode & kHessian) != 0) {
      T* hess = row.second_output(row.task().hessian, first);
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) {
        const T share = e[k] * shrink;
        hess[k] =
            hessian(o.first, o.second, share * o.inverse, complement(share, s.rest, o.inverse));
      }
      row.write(row.task().hessian, first, hess);
    }
    const T factor = shrink * o.inverse * o.first;
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) gradient[k] = e[k] * factor;
    row.write(gradient_array, first, gradient);
  }
};

// n itself: cross-entropy.
template <class T>
struct NegativeLogLikelihood {
  explicit NegativeLogLikelihood(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T n, T, T) const { return {n, T(1), T(0)}; }
};

// q^gamma n (Lin et al. 2017, with softmax in place of the sigmoid).
template <class T>
struct FocalLikelihood {
  T gamma;
  explicit FocalLikelihood(const double* parameters) : gamma(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T n, T p, T q) const {
    const T factor = power(q, gamma);
    // dq/dn = p. n p / q tends to 1 for a certain prediction and to 0 for an impossible label.
    const T odds = q == T(0) ? T(1) : p == T(0) ? T(0) : p * n / q;
    // q^(gamma-1) meets p_j <= q in every product; the smallest normal stands in for q = 0.
    const T q_safe = q < Real<T>::kSmallestNormal ? Real<T>::kSmallestNormal : q;
    const T decay = p == T(0) ? T(0) : p * n;
    const T second = gamma * factor / q_safe * ((gamma - T(1)) * odds * p - decay + T(2) * p);
    return {factor * n, factor * (gamma * odds + T(1)), second};
  }
};

// Losses linear in log softmax(x): sum_c v_c (logsumexp(x) - x_c), v the target's mass (weights and
// smoothing included), plus sum q log q for the divergence. Gradient V p - v with V = sum v.
template <bool kDivergence>
struct Distribution {
  static constexpr int kScratchPanels = 0;
  static constexpr bool kEntropy = kDivergence, kFolds = true;

  // v (m - x); a class without mass costs nothing, even one that cannot happen.
  template <class T>
  NUMLOSS_INLINE static T cost(T mass, T origin, T x) {
    return mass == T(0) ? T(0) : mass * (origin - x);
  }

  // V p - v; at the maximum (e = 1) without the cancellation of p near 1.
  template <class T>
  NUMLOSS_INLINE static T slope(T e, T total, T mass, T rest, T inverse) {
    const T usual = total * (e * inverse) - mass;
    const T at_maximum = (total - mass) - total * (rest * inverse);
    return e == T(1) ? at_maximum : usual;
  }

  template <class T, unsigned kMode>
  static void panel(const Panel<T>& panel) {
    const int lane_count = panel.lanes;
    alignas(64) T maximum[kLanes], origin[kLanes], others[kLanes] = {}, ties[kLanes] = {};
    alignas(64) T total[kLanes] = {}, distance[kLanes] = {};
    for (int i = 0; i < lane_count; ++i) maximum[i] = -Real<T>::kInfinity;
    panel_maximum(panel.logits, panel.classes, lane_count, maximum);
    for (int i = 0; i < lane_count; ++i) origin[i] = origin_of(maximum[i]);
    for (int64_t c = 0; c < panel.classes; ++c) {
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        const T mass = panel.mass[c * kLanes + i];
        total[i] += mass;
        distance[i] += cost(mass, origin[i], panel.logits[c * kLanes + i]);
      }
    }
    panel_exponentials<T, kMode != kValue>(panel.logits, panel.classes, lane_count, origin, others,
                                           ties, panel.logits);
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

  template <class T, unsigned kMode>
  static T row(Row<T>& row) {
    T origins[kMaxFoldedTiles];
    double total = 0, distance = 0;
    T last_origin = 0;
    // The exponentials are taken twice: the logits must stay, to tell in the second pass which
    // classes cannot happen.
    const Softmax<T> s =
        fold_softmax(row, nullptr, origins, [&](int64_t first, const T* x, T origin) {
          const T* mass = row.mass(first, x, true);
          alignas(64) T sums[kLanes] = {}, costs[kLanes] = {};
          for (int64_t k = 0; k < row.steps(first); ++k) {
#pragma omp simd
            for (int i = 0; i < kLanes; ++i) {
              const T v = mass[k * kLanes + i];
              sums[i] += v;
              costs[i] += cost(v, origin, x[k * kLanes + i]);
            }
          }
          // What came before is as much further from the maximum as the maximum rose.
          if (total != 0) distance += total * (double(origin) - double(last_origin));
          total += sum(sums, kLanes);
          distance += sum(costs, kLanes);
          last_origin = origin;
        });
    const T mass_total = T(total), inverse = s.inverse();
    const T value =
        T(total * double(s.log_sum()) + distance + (kDivergence ? row.sums.entropy : 0.0));
    if constexpr (kMode == kValue) return value;
    for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
      const Operand& gradient_array = row.task().gradient;
      const T* x = row.logits(first);
      const T* mass = row.mass(first, x, false);
      T* gradient = row.output(gradient_array, first);
      const int64_t n = row.steps(first) * kLanes;
      exponentials(x, n, origins[t], gradient);
      const T shrink = exp_nonpositive(origins[t] - origin_of(s.maximum));
      if constexpr ((kMode & kHessian) != 0) {
        T* hess = row.second_output(row.task().hessian, first);
#pragma omp simd
        for (int64_t k = 0; k < n; ++k) {
          const T share = gradient[k] * shrink;
          hess[k] =
              row.coefficient * mass_total * (share * inverse) * complement(share, s.rest, inverse);
        }
        row.write(row.task().hessian, first, hess);
      }
      const T k1 = row.coefficient;
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) {
        gradient[k] = k1 * slope(gradient[k] * shrink, mass_total, mass[k], s.rest, inverse);
      }
      row.write(gradient_array, first, gradient);
    }
    return value;
  }
};

// z_j = margin + s_j - s_y over the other classes; the sum of max(0, z_j) (Weston & Watkins 1999)
// or its maximum (Crammer & Singer 2001). The label's own score is set to -inf, out of the way.
template <bool kSum>
struct MulticlassHinge {
  static constexpr int kScratchPanels = 0;
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

  // What the lanes carry: for the sum, total and number of active classes; for the maximum, its
  // value and step. poison is NaN where a score was.
  template <class T>
  struct Lanes {
    alignas(64) T total[kLanes] = {}, best[kLanes] = {}, poison[kLanes] = {};
  };

  template <class T>
  NUMLOSS_INLINE static void take(const T* x, int64_t steps, int lane_count, T step_offset,
                                  const T* label_score, T margin, Lanes<T>& lanes) {
    for (int64_t k = 0; k < steps; ++k) {
      const T step = step_offset + T(k);
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        const T z = excess(x[k * kLanes + i], label_score[i], margin);
        lanes.poison[i] = is_nan(z) ? z : lanes.poison[i];
        if constexpr (kSum) {
          lanes.total[i] += z > T(0) ? z : T(0);
          lanes.best[i] += z > T(0) ? T(1) : T(0);
        } else {
          lanes.best[i] = z > lanes.total[i] ? step : lanes.best[i];
          lanes.total[i] = z > lanes.total[i] ? z : lanes.total[i];
        }
      }
    }
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
    take(panel.logits, panel.classes, lane_count, T(0), label_score, margin, lanes);
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

  template <class T, unsigned kMode>
  static T row(Row<T>& row) {
    const T margin = T(row.parameters[0]);
    const T own = row.logit(row.label);
    alignas(64) T label_score[kLanes];
    for (int i = 0; i < kLanes; ++i) label_score[i] = own;
    double total = 0, active = 0;
    T poison = is_nan(own) ? own : T(0);
    int64_t best = -1;
    for (int64_t first = 0; first < row.classes; first += row.tile) {
      Lanes<T> lanes;
      take(row.logits(first, true), row.steps(first), kLanes, T(0), label_score, margin, lanes);
      for (int i = 0; i < kLanes; ++i) poison = keep_nan(lanes.poison[i], poison);
      if constexpr (kSum) {
        total += sum(lanes.total, kLanes);
        active += sum(lanes.best, kLanes);
      } else {
        int64_t tile_best = -1;
        T tile_total = T(0);
        for (int i = 0; i < kLanes; ++i) {
          const int64_t c = first + int64_t(lanes.best[i]) * kLanes + i;
          const bool wins = lanes.total[i] > tile_total ||
                            (tile_best >= 0 && lanes.total[i] == tile_total && c < tile_best);
          tile_total = wins ? lanes.total[i] : tile_total;
          tile_best = wins ? c : tile_best;
        }
        if (double(tile_total) > total) {
          total = double(tile_total);
          best = tile_best;
          active = 1;
        }
      }
    }
    const T value = value_of(poison, T(total), own);
    if constexpr (kMode == kValue) return value;
    const T coefficient = row.coefficient;
    for (int64_t first = 0; first < row.classes; first += row.tile) {
      T* gradient = row.output(row.task().gradient, first);
      const T* x = row.logits(first, true);
      const int64_t n = row.steps(first) * kLanes;
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) {
        const T z = excess(x[k], own, margin);
        const bool active = kSum & (z > T(0));
        const T g = active ? coefficient : T(0);
        gradient[k] = keep_nan(poison, g);
      }
      row.write(row.task().gradient, first, gradient);
      if constexpr ((kMode & kHessian) != 0) {
        T* hessian = row.second_output(row.task().hessian, first);
        for (int64_t k = 0; k < n; ++k) hessian[k] = keep_nan(poison, T(0));
        row.write(row.task().hessian, first, hessian);
      }
    }
    row.write_one(row.task().gradient, row.label,
                  keep_nan(poison, T(0) - row.coefficient * T(active)));
    if (best >= 0) {
      row.write_one(row.task().gradient, best, keep_nan(poison, row.coefficient));
    }
    return value;
  }
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
