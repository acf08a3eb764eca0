// Losses of classes in an order by the K - 1 thresholds between them: a row has a number x_k for
// each, and its label y is one of K classes.
#include "../arithmetic/intervals.hpp"
#include "columns.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// -log of the probability that m says is right, sigmoid(m), by x = m where the label lies above the
// threshold, by x = -m where it does not.
template <class T>
NUMLOSS_INLINE Derivatives<T> logistic_step(T x, bool above) {
  const T m = above ? x : -x;
  const Logistic<T> s = logistic(m);
  const T down = T(0) - s.complement;  // no negative zero
  return {(m < T(0) ? -m : T(0)) + s.log1p_decay, above ? down : s.complement, s.variance};
}

// max(0, margin - m), m as above. Derivative 0 at the kink.
template <class T>
NUMLOSS_INLINE Derivatives<T> hinge_step(T x, bool above, T margin) {
  const T z = margin - (above ? x : -x);
  const T slope = z <= T(0) ? T(0) : above ? T(-1) : T(1);
  return {z <= T(0) ? T(0) : z, keep_nan(z, slope), keep_nan(z, T(0))};
}

// What a threshold costs that a loss does not ask about.
template <class T>
NUMLOSS_INLINE Derivatives<T> only_if(bool counts, T x, const Derivatives<T>& cost) {
  return {keep_nan(x, counts ? cost.value : T(0)), keep_nan(x, counts ? cost.first : T(0)),
          keep_nan(x, counts ? cost.second : T(0))};
}

// Whether the label lies above every threshold (Cao et al. 2020).
template <class T>
struct CoralStep {
  explicit CoralStep(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T x, int32_t k, int32_t label) const {
    return logistic_step(x, label > k);
  }
};

// The same of those that it has got to (Shi et al. 2021).
template <class T>
struct CornStep {
  explicit CornStep(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T x, int32_t k, int32_t label) const {
    return only_if(label >= k, x, logistic_step(x, label > k));
  }
};

// The margin from every threshold (Rennie & Srebro 2005, section 3.2).
template <class T>
struct AllThresholds {
  T margin;
  explicit AllThresholds(const double* parameters) : margin(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T x, int32_t k, int32_t label) const {
    return hinge_step(x, label > k, margin);
  }
};

// The margin from the two that the label lies between (section 3.1).
template <class T>
struct ImmediateThresholds {
  T margin;
  explicit ImmediateThresholds(const double* parameters) : margin(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T x, int32_t k, int32_t label) const {
    return only_if((label == k) | (label == k + 1), x, hinge_step(x, label > k, margin));
  }
};

// The sum of what the thresholds of each row cost, each times its weight, if it has one.
template <unsigned kMode, class Step, class T>
[[gnu::noinline]] void add_thresholds(const Panel<T>& panel) {
  constexpr int kWidth = kStrip<T>;
  const Step step(panel.parameters);
  each_strip(panel, [&](int lane, int64_t at) {
    alignas(64) T value[kWidth] = {}, poison[kWidth];
    if constexpr ((kMode & kGradient) != 0) find_nan(panel, at, poison);
    const int32_t* const label = panel.label + lane;
    const T* const coefficient = panel.coefficient + lane;
    for (int64_t k = 0; k < panel.classes; ++k) {
      T* const x = panel.logits + at + k * kWidth;
      T* const hessian = (kMode & kHessian) != 0 ? panel.hessian + at + k * kWidth : nullptr;
      const Factor<T> weight(panel.of_columns == nullptr ? T(1) : T(panel.of_columns[k]));
      const auto threshold = int32_t(k);
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) {
        const T score = x[i];
        const Derivatives<T> cost = step(score, threshold, label[i]);
        if constexpr ((kMode & kValue) != 0) {
          value[i] += keep_nan(score, weight.times(cost.value));
        }
        if constexpr ((kMode & kGradient) != 0) {
          x[i] = keep_nan(poison[i], coefficient[i] * weight.times(cost.first));
        }
        if constexpr ((kMode & kHessian) != 0) {
          hessian[i] = keep_nan(poison[i], coefficient[i] * weight.times(cost.second));
        }
      }
    }
    if constexpr ((kMode & kValue) != 0) {
      for (int i = 0; i < kWidth; ++i) panel.value[lane + i] = value[i];
    }
  });
}

template <class Step, class T>
void threshold_panel(const Panel<T>& panel) {
  if (panel.mode == kValue) {
    add_thresholds<kValue, Step>(panel);
  } else if ((panel.mode & kHessian) != 0) {
    add_thresholds<kGradient | kHessian, Step>(panel);
  } else {
    add_thresholds<kValue | kGradient, Step>(panel);
  }
}

template <template <class> class Step, int kParameters>
constexpr Entry thresholds(const char* name, double cost) {
  return rows<kParameters>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {threshold_panel<Step<T>, T>, nullptr, {}, 0, false};
  });
}

// What a row has around its label, a lane each; `poison` is NaN where one of its numbers is.
template <class T>
struct Intervals {
  alignas(64) T lower[kLanes], upper[kLanes], gap[kLanes], poison[kLanes];
};

template <class T>
[[gnu::noinline]] void find_intervals(const Panel<T>& panel, Intervals<T>& found) {
  constexpr T kInfinity = Real<T>::kInfinity;
  for (int i = 0; i < panel.lanes; ++i) {
    found.lower[i] = found.poison[i] = T(0);
    found.upper[i] = found.gap[i] = T(1);
  }
  each_strip(panel, [&](int lane, int64_t at) { find_nan(panel, at, found.poison + lane); });
  for (int i = 0; i < panel.rows; ++i) {
    const int64_t y = panel.label[i];
    const bool first = y == 0, last = y == panel.classes;
    const T a = first ? -kInfinity : panel.logits[panel.place(i, y - 1)];
    const T b = last ? kInfinity : panel.logits[panel.place(i, y)];
    found.lower[i] = a;
    found.upper[i] = b;
    found.gap[i] = (first | last) ? kInfinity : b > a ? b - a : T(0);
  }
}

// Writes a derivative of a panel's rows: 0 but by the two thresholds around the label.
template <class T>
[[gnu::noinline]] void put_intervals(const Panel<T>& panel, const Intervals<T>& found,
                                     const T* by_lower, const T* by_upper, T* to) {
  constexpr int kWidth = kStrip<T>;
  each_strip(panel, [&](int lane, int64_t at) {
    for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
      for (int i = 0; i < kWidth; ++i) to[at + k + i] = found.poison[lane + i];
    }
  });
  for (int i = 0; i < panel.rows; ++i) {
    const int64_t y = panel.label[i];
    const T poison = found.poison[i], coefficient = panel.coefficient[i];
    if (y > 0) to[panel.place(i, y - 1)] = keep_nan(poison, coefficient * by_lower[i]);
    if (y < panel.classes) to[panel.place(i, y)] = keep_nan(poison, coefficient * by_upper[i]);
  }
}

template <class Link, class T>
void interval_panel(const Panel<T>& panel) {
  Intervals<T> found;
  find_intervals(panel, found);
  alignas(64) T by_lower[kLanes], by_upper[kLanes], lower_curvature[kLanes],
      upper_curvature[kLanes];
  T* const value = panel.value;
#pragma omp simd
  for (int i = 0; i < whole(panel.lanes); ++i) {
    const IntervalCost<T> cost = Link::cost(found.lower[i], found.upper[i], found.gap[i]);
    const bool chance = found.gap[i] > T(0);
    value[i] = keep_nan(found.poison[i], chance ? cost.value : Real<T>::kInfinity);
    by_lower[i] = chance ? cost.by_lower : Real<T>::kInfinity;
    by_upper[i] = chance ? cost.by_upper : -Real<T>::kInfinity;
    lower_curvature[i] = chance ? cost.lower_curvature : Real<T>::kInfinity;
    upper_curvature[i] = chance ? cost.upper_curvature : Real<T>::kInfinity;
  }
  if (panel.mode == kValue) return;
  put_intervals(panel, found, by_lower, by_upper, panel.logits);
  if ((panel.mode & kHessian) != 0) {
    put_intervals(panel, found, lower_curvature, upper_curvature, panel.hessian);
  }
}

template <template <class> class Link>
constexpr Entry intervals(const char* name, double cost) {
  return rows<0>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {interval_panel<Link<T>, T>, nullptr, {}, 0, false};
  });
}

}  // namespace

NUMLOSS_LOSS(Coral) = thresholds<CoralStep, 0>("coral", 0.6);
NUMLOSS_LOSS(Corn) = thresholds<CornStep, 0>("corn", 0.6);
NUMLOSS_LOSS(AllThresholdHinge) = thresholds<AllThresholds, 1>("all_threshold_hinge", 0.2);
NUMLOSS_LOSS(ImmediateThresholdHinge) =
    thresholds<ImmediateThresholds, 1>("immediate_threshold_hinge", 0.2);
NUMLOSS_LOSS(CumulativeLogit) = intervals<LogitLink>("cumulative_logit", 0.5);
NUMLOSS_LOSS(CumulativeProbit) = intervals<ProbitLink>("cumulative_probit", 1.5);
NUMLOSS_LOSS(CumulativeCloglog) = intervals<CloglogLink>("cumulative_cloglog", 0.5);

}  // namespace numloss::NUMLOSS_ISA
