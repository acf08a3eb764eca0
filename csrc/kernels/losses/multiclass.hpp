// Losses of softmax(x) against the label of the true class.
#pragma once

#include "../drivers/softmax.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Losses f(n) of the label's negative log-likelihood n = logsumexp(x) - x_y, with its probability p
// and q = 1 - p. A formula returns f, f' and f''; the driver turns them into
// dL/dx_j = f' (p_j - [j = y]) and d²L/dx_j² = f'' (p_j - [j = y])² + f' p_j (1 - p_j).
template <template <class> class Formula>
struct LabelLikelihood {
  static constexpr int parameters = Formula<float>::parameters, kScratchPanels = 0;
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
      label_logit[i] = panel.logits[panel.label[i] * int64_t(kLanes) + i];
    }
#pragma omp simd
    for (int i = 0; i < lane_count; ++i) origin[i] = origin_of(maximum[i]);
    panel_exponentials<T, kMode != kValue>(panel.logits, panel.classes, lane_count, origin, others,
                                           ties, panel.logits, panel.later);
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
    const Operand* keep = kMode != kValue ? &row.task()[kGradients] : nullptr;
    const Softmax<T> s = fold_softmax(row, keep, origins, [](const Parts<T>&, T) {});
    const Outcome<T> o = outcome(Formula<T>(row.parameters), s, label_logit, row.coefficient);
    if constexpr (kMode == kValue) return o.value;
    for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
      for (const Part<T>& part : row.load(first, false, !row.keeps_whole())) {
        finish_part<T, kMode>(row, part, origins[t], s, o);
      }
    }
    row.write_one(row.task()[kGradients], row.label, -(o.first * o.complement));
    if constexpr ((kMode & kHessian) != 0) {
      row.write_one(
          row.task()[kHessians], row.label,
          o.second * o.complement * o.complement + o.first * o.probability * o.complement);
    }
    return o.value;
  }

  // The derivatives of a part of a row, the label's aside.
  template <class T, unsigned kMode>
  NUMLOSS_INLINE static void finish_part(Row<T>& row, const Part<T>& part, T origin,
                                         const Softmax<T>& s, const Outcome<T>& o) {
    const Operand& gradient_array = row.task()[kGradients];
    const T shrink = exp_nonpositive(origin - origin_of(s.maximum));
    T* gradient = row.output(gradient_array, part);
    const T* e = exponentials_again(row, gradient_array, part, origin, gradient);
    const int64_t n = part.steps * kLanes;
    if constexpr ((kMode & kHessian) != 0) {
      T* hess = row.second_output(row.task()[kHessians], part);
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) {
        const T share = e[k] * shrink;
        hess[k] =
            hessian(o.first, o.second, share * o.inverse, complement(share, s.rest, o.inverse));
      }
      row.write(row.task()[kHessians], part, hess);
    }
    const T factor = shrink * o.inverse * o.first;
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) gradient[k] = e[k] * factor;
    row.write(gradient_array, part, gradient);
  }
};

// n itself: cross-entropy.
template <class T>
struct NegativeLogLikelihood {
  static constexpr int parameters = 0;
  explicit NegativeLogLikelihood(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T n, T, T) const { return {n, T(1), T(0)}; }
};

// q^gamma n (Lin et al. 2017, with softmax in place of the sigmoid).
template <class T>
struct FocalLikelihood {
  static constexpr int parameters = 1;
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

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
