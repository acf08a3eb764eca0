// Losses over ordered classes. (ordinal_cross_entropy is Distribution with a table of soft labels.)
#pragma once

#include "../drivers/softmax.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// sum over k < C-1 of D_k², D_k = F_k - [y <= k], F the cumulative softmax (Epstein 1969). For
// k >= y, D_k = -S_k with S_k = 1 - F_k summed from the other end: no cancellation.
// dL/dx_j = 2 p_j (sum_{k>=j} D_k S_k - sum_{k<j} D_k F_k);
// d²L/dx_j² = (1 - 2 p_j) dL/dx_j + 2 p_j² (sum_{k<j} F_k² + sum_{k>=j} S_k²).
struct RankedProbability {
  static constexpr int parameters = 0, kScratchPanels = 2;
  static constexpr bool kEntropy = false, kFolds = false;

  template <class T, unsigned kMode>
  static void panel(const Panel<T>& panel) {
    const int lane_count = panel.lanes;
    const int64_t classes = panel.classes;
    T* const p = panel.logits;
    T* const deviation = panel.scratch;
    T* const above = panel.scratch + classes * kLanes;
    alignas(64) T maximum[kLanes], origin[kLanes], others[kLanes] = {}, ties[kLanes] = {};
    for (int i = 0; i < lane_count; ++i) maximum[i] = -Real<T>::kInfinity;
    panel_maximum(p, classes, lane_count, maximum);
    alignas(64) T impossible[kLanes];
    for (int i = 0; i < lane_count; ++i) {
      origin[i] = origin_of(maximum[i]);
      impossible[i] = maximum[i] == -Real<T>::kInfinity ? Real<T>::kNan : T(0);
    }
    panel_exponentials<T, true>(p, classes, lane_count, origin, others, ties, p, panel.later);
    alignas(64) T inverse[kLanes], below[kLanes] = {};
    for (int i = 0; i < lane_count; ++i) {
      inverse[i] = Softmax<T>{maximum[i], (ties[i] - T(1)) + others[i]}.inverse();
    }
    for (int64_t k = 0; k < classes; ++k) {
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        const T probability = p[k * kLanes + i] * inverse[i];
        p[k * kLanes + i] = probability;
        below[i] += probability;
        deviation[k * kLanes + i] = below[i];
      }
    }
    alignas(64) T beyond[kLanes] = {}, value[kLanes] = {}, outer[kLanes] = {}, squares[kLanes] = {};
    for (int64_t k = classes - 1; k >= 0; --k) {
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        const T d = k >= panel.label[i] ? -beyond[i] : deviation[k * kLanes + i];
        deviation[k * kLanes + i] = d;
        value[i] += d * d;
        if constexpr (kMode != kValue) {
          outer[i] += d * beyond[i];
          above[k * kLanes + i] = outer[i];
        }
        if constexpr ((kMode & kHessian) != 0) {
          squares[i] += beyond[i] * beyond[i];
          panel.hessian[k * kLanes + i] = squares[i];
        }
        beyond[i] += p[k * kLanes + i];
      }
    }
    if constexpr ((kMode & kValue) != 0) {
      // A row without a possible class has no distribution to score.
      for (int i = 0; i < lane_count; ++i) panel.value[i] = value[i] + impossible[i];
    }
    if constexpr (kMode == kValue) return;
    alignas(64) T inner[kLanes] = {}, cumulative[kLanes] = {}, lower_squares[kLanes] = {};
    for (int64_t k = 0; k < classes; ++k) {
#pragma omp simd
      for (int i = 0; i < lane_count; ++i) {
        const T probability = p[k * kLanes + i];
        const T g = T(2) * probability * (above[k * kLanes + i] - inner[i]);
        p[k * kLanes + i] = panel.coefficient[i] * g;
        if constexpr ((kMode & kHessian) != 0) {
          const T all = panel.hessian[k * kLanes + i] + lower_squares[i];
          panel.hessian[k * kLanes + i] =
              panel.coefficient[i] *
              ((T(1) - T(2) * probability) * g + T(2) * probability * probability * all);
        }
        cumulative[i] += probability;
        inner[i] += deviation[k * kLanes + i] * cumulative[i];
        lower_squares[i] += cumulative[i] * cumulative[i];
      }
    }
  }
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
