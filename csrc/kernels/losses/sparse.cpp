// Fenchel-Young losses of Tsallis entropies H (Blondel et al. 2020),
//   L = H(p) - H(q) - <q, x> + <p, x>,  p = argmax <p, x> + H(p),
// q the outcome: of a label 1 at it. Unlike softmax, p is 0 for classes far behind.
#include "outcome.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// With y = scale (x - max x) each class has p = share(s), s = max(0, y + 1 - theta), of the theta
// in [0, 1) for which the shares add up to 1; b is the s of q. The gradient is p - q, and with
// w = share'(s), W = sum w the Hessian scale w (1 - w/W). Everything is computed in double: p of a
// class behind the maximum is a difference of nearly equal numbers.
//
// Where Sum(p) = Sum(q), L = sum_c cost(s - b, s, b) + q max(0, theta - 1 - y) / scale: no term is
// negative. Near s = 1 and q = 1 the differences are those of 1 - s = theta - y and of 1 - q.

// H = sum p (1 - p) / 2 (Martins & Astudillo 2016): p = s.
struct Sparsemax {
  static constexpr double scale = 1;
  NUMLOSS_INLINE static double share(double s) { return s; }
  NUMLOSS_INLINE static double missing(double gap) { return gap; }  // 1 - share(1 - gap)
  NUMLOSS_INLINE static double steepness(double s) { return s > 0 ? 1 : 0; }
  NUMLOSS_INLINE static double root(double q) { return q; }                              // b
  NUMLOSS_INLINE static double root_missing(double missing, double) { return missing; }  // 1 - b
  NUMLOSS_INLINE static double cost(double apart, double, double) { return 0.5 * apart * apart; }
};

// H = 4/3 sum p (1 - sqrt(p)) (Peters et al. 2019, alpha = 1.5): p = s².
struct Entmax15 {
  static constexpr double scale = 0.5;
  NUMLOSS_INLINE static double share(double s) { return s * s; }
  NUMLOSS_INLINE static double missing(double gap) { return gap * (2 - gap); }
  NUMLOSS_INLINE static double steepness(double s) { return 2 * s; }
  NUMLOSS_INLINE static double root(double q) { return sqrt(q); }
  NUMLOSS_INLINE static double root_missing(double missing, double b) { return missing / (1 + b); }
  NUMLOSS_INLINE static double cost(double apart, double s, double b) {
    return apart * apart * (s + 2 * b) * (2.0 / 3);
  }
};

// What the rows of a strip have one of, a lane each.
template <class T>
struct SparseLanes {
  alignas(64) double theta[kStrip<T>], top[kStrip<T>];  // and 1 - theta, the smaller the exact one
  alignas(64) double steepness[kStrip<T>];              // w of the classes behind the maximum
  alignas(64) double ties[kStrip<T>];    // the number of classes that are the maximum
  alignas(64) double poison[kStrip<T>];  // a NaN of the row
};

// y of a class.
template <class Rule, class T>
NUMLOSS_INLINE double behind(T x, T maximum) {
  return Rule::scale * (double(x) - double(maximum));
}

// s of a class, from the exact one of theta and 1 - theta; and 1 - s, up to 1.
NUMLOSS_INLINE double lead_of(double y, double theta, double top) {
  const double lead = theta < 0.5 ? (y + 1) - theta : y + top;
  return lead > 0 ? lead : 0;
}
NUMLOSS_INLINE double gap_of(double y, double theta) { return theta - y < 1 ? theta - y : 1; }

// From theta on the left of the root, a step of Newton's method, which for a convex function stays
// there, but for a rounding: a last step goes either way. False: no lane of the strip moves any
// more.
template <class Rule, bool kEitherWay, class T>
[[gnu::noinline]] bool step_up(const T* x, int64_t classes, const T* maximum,
                               SparseLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  alignas(64) double shares[kWidth] = {};
  for (int i = 0; i < kWidth; ++i) lanes.steepness[i] = lanes.ties[i] = 0;
  for (int64_t k = 0; k < classes * kWidth; k += kWidth) {
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const double y = behind<Rule>(x[k + i], maximum[i]);
      const double inside = y < 0 ? lead_of(y, lanes.theta[i], lanes.top[i]) : 0;
      shares[i] += Rule::share(inside);
      lanes.steepness[i] += Rule::steepness(inside);
      lanes.ties[i] += y == 0 ? 1 : 0;
    }
  }
  int moves = 0;
#pragma omp simd reduction(| : moves)
  for (int i = 0; i < kWidth; ++i) {
    const double theta = lanes.theta[i], top = lanes.top[i], more = lanes.ties[i] - 1;
    const double excess = shares[i] + more * Rule::share(top) - Rule::missing(theta);
    const double slope = lanes.steepness[i] + lanes.ties[i] * Rule::steepness(top);
    const double step = excess / slope;
    const bool low = theta < 0.5;
    const bool up = low ? theta + step > theta : top - step < top;
    const bool moved = kEitherWay ? step == step : up;
    moves |= int(moved);
    lanes.theta[i] = !moved ? theta : low ? theta + step : 1 - (top - step);
    lanes.top[i] = !moved ? top : low ? 1 - (theta + step) : top - step;
  }
  return moves != 0;
}

// A step leaves at most a fourth of the excess or of the slope: far fewer are needed. A lane that
// has come to rest stays there, so that it does not matter which rows are beside it.
inline constexpr int kMostSteps = 128;

template <class Rule, class T>
NUMLOSS_INLINE void find_theta(const T* x, int64_t classes, const T* maximum,
                               SparseLanes<T>& lanes) {
  for (double& top : lanes.top) top = 1;
  int steps = 0;
  while (step_up<Rule, false>(x, classes, maximum, lanes) && steps < kMostSteps) ++steps;
  step_up<Rule, true>(x, classes, maximum, lanes);
}

template <class Rule, class T>
[[gnu::noinline]] void add_costs(const Panel<T>& panel, int lane, int64_t at, const T* target,
                                 SparseLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const T* const maximum = panel.maximum + lane;
  alignas(64) double value[kWidth] = {};
  for (int64_t k = at; k < at + panel.classes * kWidth; k += kWidth) {
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const double y = behind<Rule>(panel.logits[k + i], maximum[i]), q = target[k + i];
      const double gap = gap_of(y, lanes.theta[i]), s = lead_of(y, lanes.theta[i], lanes.top[i]);
      const double b = Rule::root(q);
      const double apart = q > 0.5 ? Rule::root_missing(1 - q, b) - gap : s - b;
      const double beyond = -lanes.top[i] - y;
      value[i] += Rule::cost(apart, s, b) + term(q, beyond > 0 ? beyond : 0) / Rule::scale;
      lanes.poison[i] = keep_nan(y, lanes.poison[i]);
    }
  }
  for (int i = 0; i < kWidth; ++i) panel.value[lane + i] = T(keep_nan(lanes.poison[i], value[i]));
}

template <class Rule, bool kHessian, class T>
[[gnu::noinline]] void take_slopes(const Panel<T>& panel, int lane, int64_t at, const T* target,
                                   const SparseLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const T *const maximum = panel.maximum + lane, *const coefficient = panel.coefficient + lane;
  for (int64_t k = at; k < at + panel.classes * kWidth; k += kWidth) {
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const double y = behind<Rule>(panel.logits[k + i], maximum[i]), q = target[k + i];
      const double gap = gap_of(y, lanes.theta[i]), s = lead_of(y, lanes.theta[i], lanes.top[i]);
      if constexpr (kHessian) {
        const double w = Rule::steepness(s), top = Rule::steepness(lanes.top[i]);
        const double others = lanes.steepness[i] + (lanes.ties[i] - 1) * top, all = others + top;
        const double rest = y == 0 ? others : all - w;
        const double h = double(coefficient[i]) * (Rule::scale * w * (rest / all));
        panel.hessian[k + i] = T(keep_nan(lanes.poison[i], h));
      }
      const double g = q > 0.5 ? (1 - q) - Rule::missing(gap) : Rule::share(s) - q;
      panel.logits[k + i] = T(keep_nan(lanes.poison[i], double(coefficient[i]) * g));
    }
  }
}

template <class Rule, class T>
void sparse_panel(const Panel<T>& panel) {
  const T* const target = outcome_of(panel);
  each_strip(panel, [&](int lane, int64_t at) {
    SparseLanes<T> lanes{};
    find_theta<Rule>(panel.logits + at, panel.classes, panel.maximum + lane, lanes);
    add_costs<Rule>(panel, lane, at, target, lanes);
    if (panel.mode == kValue) return;
    if ((panel.mode & kHessian) != 0) {
      take_slopes<Rule, true>(panel, lane, at, target, lanes);
    } else {
      take_slopes<Rule, false>(panel, lane, at, target, lanes);
    }
  });
}

template <class Rule>
constexpr auto kSparsePanel = []<class T>(T) { return sparse_panel<Rule, T>; };

}  // namespace

NUMLOSS_LOSS(Sparsemax) = by_outcome("sparsemax", 4.0, true, kSparsePanel<Sparsemax>);
NUMLOSS_LOSS(SparsemaxDistribution) = by_outcome("sparsemax_distribution", 4.0, false,
                                                 kSparsePanel<Sparsemax>);
NUMLOSS_LOSS(Entmax15) = by_outcome("entmax15", 6.0, true, kSparsePanel<Entmax15>);
NUMLOSS_LOSS(Entmax15Distribution) = by_outcome("entmax15_distribution", 6.0, false,
                                                kSparsePanel<Entmax15>);

}  // namespace numloss::NUMLOSS_ISA
