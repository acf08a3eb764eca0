// Losses over ordered classes. (ordinal_cross_entropy is that of a distribution, from a table of
// soft labels.)
#include "../drivers/softmax.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// sum over k < C-1 of D_k², D_k = F_k - [y <= k], F the cumulative softmax (Epstein 1969). For
// k >= y, D_k = -S_k with S_k = 1 - F_k summed from the other end: no cancellation.
// dL/dx_j = 2 p_j (sum_{k>=j} D_k S_k - sum_{k<j} D_k F_k);
// d²L/dx_j² = (1 - 2 p_j) dL/dx_j + 2 p_j² (sum_{k<j} F_k² + sum_{k>=j} S_k²).

// From exponentials to probabilities, and their cumulative sums.
template <class T>
NUMLOSS_INLINE void accumulate(const Panel<T>& panel, const T* inverse, T* cumulative) {
  each_strip(panel, [&](int lane, int64_t at) {
    alignas(64) T below[kStrip<T>] = {};
    for (int64_t k = 0; k < panel.classes * kStrip<T>; k += kStrip<T>) {
      T* const p = panel.logits + at + k;
      T* const to = cumulative + at + k;
#pragma omp simd
      for (int i = 0; i < kStrip<T>; ++i) {
        const T probability = p[i] * inverse[lane + i];
        p[i] = probability;
        below[i] += probability;
        to[i] = below[i];
      }
    }
  });
}

// From the last class to the first: the value; for a gradient, sum D S from each class on, and for
// a Hessian sum S² in its place. The cumulative sums become D.
template <unsigned kMode, class T>
[[gnu::noinline]] void scan_down(const Panel<T>& panel, T* cumulative, T* above) {
  constexpr int kWidth = kStrip<T>;
  each_strip(panel, [&](int lane, int64_t at) {
    alignas(64) T beyond[kWidth] = {}, value[kWidth] = {}, outer[kWidth] = {}, squares[kWidth] = {};
    for (int64_t k = panel.classes - 1; k >= 0; --k) {
      const int64_t place = at + k * kWidth;
      const T* const p = panel.logits + place;
      T* const deviation = cumulative + place;
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) {
        const T d = k >= panel.label[lane + i] ? -beyond[i] : deviation[i];
        deviation[i] = d;
        value[i] += d * d;
        if constexpr (kMode != kValue) {
          outer[i] += d * beyond[i];
          above[place + i] = outer[i];
        }
        if constexpr ((kMode & kHessian) != 0) {
          squares[i] += beyond[i] * beyond[i];
          panel.hessian[place + i] = squares[i];
        }
        beyond[i] += p[i];
      }
    }
    if constexpr ((kMode & kValue) != 0) {
      // A single class that cannot happen is no distribution either: then the sum of all p is NaN.
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) panel.value[lane + i] = value[i] + T(0) * beyond[i];
    }
  });
}

// From the first class to the last: the derivatives.
template <bool kHessian, class T>
[[gnu::noinline]] void scan_up(const Panel<T>& panel, const T* deviation, const T* above) {
  constexpr int kWidth = kStrip<T>;
  each_strip(panel, [&](int lane, int64_t at) {
    alignas(64) T inner[kWidth] = {}, cumulative[kWidth] = {}, lower_squares[kWidth] = {};
    const T* const coefficient = panel.coefficient + lane;
    for (int64_t k = 0; k < panel.classes; ++k) {
      const int64_t place = at + k * kWidth;
      T* const p = panel.logits + place;
      T* const hessian = kHessian ? panel.hessian + place : nullptr;
      const T* const outer = above + place;
      const T* const deviations = deviation + place;
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) {
        const T probability = p[i];
        const T g = T(2) * probability * (outer[i] - inner[i]);
        p[i] = coefficient[i] * g;
        if constexpr (kHessian) {
          const T all = hessian[i] + lower_squares[i];
          hessian[i] = coefficient[i] *
                       ((T(1) - T(2) * probability) * g + T(2) * probability * probability * all);
        }
        cumulative[i] += probability;
        inner[i] += deviations[i] * cumulative[i];
        lower_squares[i] += cumulative[i] * cumulative[i];
      }
    }
  });
}

template <class T>
void ranked_probability_panel(const Panel<T>& panel) {
  T* const cumulative = panel.scratch;
  T* const above = panel.scratch + panel.classes * panel.lanes;
  const T *const maximum = panel.maximum, *const rest = panel.rest;
  alignas(64) T inverse[kLanes];
  take_exponentials<T, true>(panel);
#pragma omp simd
  for (int i = 0; i < whole(panel.lanes); ++i) {
    inverse[i] = Softmax<T>{maximum[i], rest[i]}.inverse();
  }
  accumulate(panel, inverse, cumulative);
  if (panel.mode == kValue) return scan_down<kValue>(panel, cumulative, above);
  if ((panel.mode & kHessian) != 0) {
    scan_down<kGradient | kHessian>(panel, cumulative, above);
    scan_up<true>(panel, cumulative, above);
  } else {
    scan_down<kValue | kGradient>(panel, cumulative, above);
    scan_up<false>(panel, cumulative, above);
  }
}

}  // namespace

NUMLOSS_LOSS(RankedProbability) = rows<0>("ranked_probability", 0.8,
                                          []<class T>(T) -> RowFunctions<T> {
                                            return {
                                                ranked_probability_panel<T>, nullptr, {}, 2, false};
                                          });

}  // namespace numloss::NUMLOSS_ISA
