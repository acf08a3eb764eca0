// The bi-tempered logistic loss (Amid et al. 2019): a Bregman divergence of the tempered softmax
// from the outcome, a label or a distribution.
#include "likelihood.hpp"
#include "outcome.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// With k = t2 - 1, d = theta - (x - max x) and D = log(1 + k d) / k (d itself for k = 0) a class
// has p = exp(-D), with the theta of at least 0 for which they add up to 1; where 1 + k d <= 0,
// which a negative k makes of classes far behind, p = 0. Of the outcome q, with r = 1 - t1,
//   L = sum_c q (q^r - p^r) / r - (q^(1+r) - p^(1+r)) / (1 + r).
// With w = p^t2, W = sum w, v = w dL/dp and w' = dw/dp the derivatives are
//   G_j = v_j - w_j sum_c v_c / W,
//   (1 - 2 w_j / W) A_j + (w_j / W)² sum_c A_c, A = w' G + w² d²L/dp².
// Where w_j is most of W, they are differences of nearly equal numbers. That can only be the class
// of the maximum, m, for which they are taken as sums over the other classes. All is computed in
// double.
struct Tempered {
  double t1, t2, k, r;
  explicit Tempered(const double* parameters)
      : t1(parameters[0]), t2(parameters[1]), k(near_zero(t2 - 1)), r(1 - t1) {}

  // Instead of 0 a number that vanishes beside anything, but by which can be divided.
  NUMLOSS_INLINE static double near_zero(double k) { return abs(k) < 0x1p-500 ? 0x1p-500 : k; }

  struct Class {
    double length, growth, p, w;  // D, 1 + k d, p, w
  };
  NUMLOSS_INLINE Class of(double y, double theta) const {
    const double product = k * (theta - y), x = product < -1 ? -1 : product;
    const double length = log1p(x) / k, p = exp_nonpositive(-length);
    return {length, 1 + x, p, x > -1 ? p / (1 + x) : keep_nan(x, 0.0)};
  }

  // 1 - p, of as many digits.
  NUMLOSS_INLINE static double missing(const Class& c) { return -expm1(-c.length); }

  // The term of L. Where p is near q, it is q^(1+r) times the difference of (1 - e^(r u)) / r and
  // (1 - e^((1+r) u)) / (1 + r), u = log(p/q), whose terms of the first order cancel.
  NUMLOSS_INLINE double cost(double q, const Class& c) const {
    const bool absent = q == 0;
    const double one = 1 + r, log_q = absent ? 0 : log(q);
    const double difference = -c.length - log_q, u = difference > 700 ? 700 : difference;
    const double own = absent ? 0 : exp(one * log_q), other = exp_nonpositive(-(one * c.length));
    const double rise = r == 0 ? u : expm1(r * u) / r;
    const double far = (other - own) / one - (absent ? 0 : q * exp(r * log_q) * rise);
    const double near =
        own * u * (u * (one * second_remainder(-(one * u)) - r * second_remainder(-(r * u))));
    return (!absent & (abs(one * u) <= kNearZero<double>)) ? near : far;
  }
};

// What the rows of a strip have one of, a lane each.
template <class T>
struct TemperedLanes {
  alignas(64) double theta[kStrip<T>];
  alignas(64) double total[kStrip<T>], rest[kStrip<T>];  // W; without the largest
  alignas(64) double most[kStrip<T>];                    // w_m
  alignas(64) double leader[kStrip<T>];                  // v_m
  alignas(64) double slope[kStrip<T>];                   // sum over the others of w_m v_c - w_c v_m
  alignas(64) double others[kStrip<T>], all[kStrip<T>];  // sums of A: without m, of all classes
};

template <class T>
NUMLOSS_INLINE double behind(T x, T maximum) {
  return double(x) - double(maximum);
}

// A step of Newton's method for the power -k of the sum, a concave function of theta of which it
// keeps to the left of the root. False: no lane of the strip moves any more.
template <class T>
[[gnu::noinline]] bool step_up(const Tempered& rule, const T* x, int64_t classes, const T* maximum,
                               TemperedLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  alignas(64) double shares[kWidth] = {}, slopes[kWidth] = {}, ties[kWidth] = {};
  for (int64_t n = 0; n < classes * kWidth; n += kWidth) {
    NUMLOSS_SIMD_LANES
    for (int i = 0; i < kWidth; ++i) {
      const double y = behind(x[n + i], maximum[i]);
      const Tempered::Class c = rule.of(y, lanes.theta[i]);
      shares[i] += y == 0 ? 0 : c.p;
      slopes[i] += c.w;
      ties[i] += y == 0 ? 1 : 0;
    }
  }
  alignas(64) double next[kWidth];
  NUMLOSS_SIMD_LANES
  for (int i = 0; i < kWidth; ++i) {
    const Tempered::Class top = rule.of(0, lanes.theta[i]);
    const double excess = shares[i] + (ties[i] - 1) * top.p - Tempered::missing(top);
    const double growth = expm1(rule.k * log1p(excess)) / rule.k;
    next[i] = lanes.theta[i] + (1 + excess) / slopes[i] * growth;
  }
  int moves = 0;
#pragma omp simd reduction(| : moves)
  for (int i = 0; i < kWidth; ++i) {
    moves |= int(next[i] > lanes.theta[i]);
    lanes.theta[i] = next[i] > lanes.theta[i] ? next[i] : lanes.theta[i];
  }
  return moves != 0;
}

// Some ten are needed. A lane that has come to rest stays there, so that it does not matter which
// rows are beside it.
inline constexpr int kMostSteps = 128;

template <class T>
NUMLOSS_INLINE void find_theta(const Tempered& rule, const T* x, int64_t classes, const T* maximum,
                               TemperedLanes<T>& lanes) {
  int steps = 0;
  while (step_up(rule, x, classes, maximum, lanes) && steps < kMostSteps) ++steps;
}

// The value. For derivatives w takes the place of the scores, v and w' go to the scratch, the
// latter over the outcome, and what A has beside w' (G - v) where the Hessian will be: w' v and
// w² d²L/dp², which nearly cancel for a label of a small p.
template <bool kSlopes, bool kHessian, class T>
[[gnu::noinline]] void add_costs(const Tempered& rule, const Panel<T>& panel, int lane, int64_t at,
                                 const T* target, TemperedLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const int64_t end = at + panel.classes * kWidth;
  const T* const maximum = panel.maximum + lane;
  T *const bends = panel.scratch, *const slopes = panel.scratch + panel.classes * panel.lanes;
  alignas(64) double value[kWidth] = {};
  for (int i = 0; i < kWidth; ++i) lanes.total[i] = 0;
  for (int64_t n = at; n < end; n += kWidth) {
    NUMLOSS_SIMD_LANES
    for (int i = 0; i < kWidth; ++i) {
      const double y = behind(panel.logits[n + i], maximum[i]), q = target[n + i];
      const Tempered::Class c = rule.of(y, lanes.theta[i]);
      value[i] += rule.cost(q, c);
      if constexpr (kSlopes) {
        // p^(t2 - t1); of a class of p = 0 there is no derivative.
        const bool inside = c.growth > 0;
        const double decay = exp(-term(rule.t2 - rule.t1, c.length));
        const double apart = q > 0.5 ? (1 - q) - Tempered::missing(c) : c.p - q;
        const double v = inside ? apart * decay : keep_nan(c.w, 0.0);
        panel.logits[n + i] = T(c.w);
        slopes[n + i] = T(v);
        lanes.total[i] += c.w;
        // As they are stored, so that the leader's own difference from them is 0.
        lanes.most[i] = y == 0 ? double(T(c.w)) : lanes.most[i];
        lanes.leader[i] = y == 0 ? double(T(v)) : lanes.leader[i];
        if constexpr (kHessian) {
          const double inverse = inside ? 1 / c.growth : 0;
          bends[n + i] = T(rule.t2 * inverse);
          const double own = decay * inverse * (c.p + (rule.t2 - rule.t1) * apart);
          panel.hessian[n + i] = T(inside ? own : keep_nan(c.w, 0.0));
        }
      }
    }
  }
  for (int i = 0; i < kWidth; ++i) panel.value[lane + i] = T(value[i]);
}

// The sums that G needs, from w and v.
template <class T>
[[gnu::noinline]] void add_slopes(const Panel<T>& panel, int64_t at, TemperedLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const T* const slopes = panel.scratch + panel.classes * panel.lanes;
  for (int i = 0; i < kWidth; ++i) lanes.slope[i] = lanes.rest[i] = 0;
  for (int64_t n = at; n < at + panel.classes * kWidth; n += kWidth) {
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const double w = panel.logits[n + i], v = slopes[n + i];
      lanes.slope[i] += lanes.most[i] * v - w * lanes.leader[i];
      lanes.rest[i] += w == lanes.most[i] ? 0 : w;
    }
  }
}

// v_j - G_j = w_j / w_m (v_m - G_m), in two parts.
struct TemperedShift {
  double by_leader, by_others;
};
template <class T>
NUMLOSS_INLINE TemperedShift shift_of(double w, const TemperedLanes<T>& lanes, int i) {
  const double share = w / lanes.most[i];
  return {share * lanes.leader[i], share * (lanes.slope[i] / lanes.total[i])};
}

// A in the place of the Hessian.
template <class T>
[[gnu::noinline]] void add_bends(const Panel<T>& panel, int64_t at, TemperedLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const T* const bends = panel.scratch;
  for (int i = 0; i < kWidth; ++i) lanes.others[i] = lanes.all[i] = 0;
  for (int64_t n = at; n < at + panel.classes * kWidth; n += kWidth) {
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const double w = panel.logits[n + i];
      const TemperedShift shift = shift_of(w, lanes, i);
      const double bend =
          double(panel.hessian[n + i]) - double(bends[n + i]) * (shift.by_leader + shift.by_others);
      lanes.others[i] += w == lanes.most[i] ? 0 : bend;
      lanes.all[i] += bend;
      panel.hessian[n + i] = T(bend);
    }
  }
}

template <bool kHessian, class T>
[[gnu::noinline]] void finish_slopes(const Panel<T>& panel, int lane, int64_t at,
                                     const TemperedLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const T* const coefficient = panel.coefficient + lane;
  const T* const slopes = panel.scratch + panel.classes * panel.lanes;
  for (int64_t n = at; n < at + panel.classes * kWidth; n += kWidth) {
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const double w = panel.logits[n + i], scale = coefficient[i];
      if constexpr (kHessian) {
        const double total = lanes.total[i], share = w / total, rest = lanes.rest[i] / total;
        const double bend = panel.hessian[n + i];
        const bool leads = (w == lanes.most[i]) & (share > 0.5);
        const double h = leads ? rest * rest * bend + share * share * lanes.others[i]
                               : (1 - 2 * share) * bend + share * share * lanes.all[i];
        panel.hessian[n + i] = T(0) + T(scale * h);  // no negative zero
      }
      const TemperedShift shift = shift_of(w, lanes, i);
      const double g = (double(slopes[n + i]) - shift.by_leader) - shift.by_others;
      panel.logits[n + i] = T(0) + T(scale * g);
    }
  }
}

template <bool kHessian, class T>
void take_slopes(const Tempered& rule, const Panel<T>& panel, int lane, int64_t at, const T* target,
                 TemperedLanes<T>& lanes) {
  add_costs<true, kHessian>(rule, panel, lane, at, target, lanes);
  add_slopes(panel, at, lanes);
  if constexpr (kHessian) add_bends(panel, at, lanes);
  finish_slopes<kHessian>(panel, lane, at, lanes);
}

template <class T>
void tempered_panel(const Panel<T>& panel) {
  const T* const target = outcome_of(panel);
  const Tempered rule(panel.parameters);
  each_strip(panel, [&](int lane, int64_t at) {
    TemperedLanes<T> lanes{};
    find_theta(rule, panel.logits + at, panel.classes, panel.maximum + lane, lanes);
    if (panel.mode == kValue) {
      add_costs<false, false>(rule, panel, lane, at, target, lanes);
    } else if ((panel.mode & kHessian) == 0) {
      take_slopes<false>(rule, panel, lane, at, target, lanes);
    } else {
      take_slopes<true>(rule, panel, lane, at, target, lanes);
    }
  });
}

constexpr Entry tempered(const char* name) {
  return rows<2>(name, 60.0, []<class T>(T) -> RowFunctions<T> {
    return {tempered_panel<T>, nullptr, {}, 2, false};
  });
}

}  // namespace

NUMLOSS_LOSS(BiTempered) = tempered("bi_tempered");
NUMLOSS_LOSS(BiTemperedDistribution) = tempered("bi_tempered_distribution");

}  // namespace numloss::NUMLOSS_ISA
