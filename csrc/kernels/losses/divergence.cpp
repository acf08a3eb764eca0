// Divergences of p = softmax(x) from the target's probabilities t, or costs of p: sums over the
// classes of a term f(t_c, p_c).
#include "likelihood.hpp"
#include "outcome.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// With g = f' and h = f'' by p and s_j = g_j - sum_c p_c g_c
//   dL/dx_j = p_j s_j,
//   d²L/dx_j² = p_j ((1 - 2 p_j) s_j + (1 - p_j)² p_j h_j + p_j sum_{c != j} p_c² h_c).
// Where p_j is near 1, s_j is a difference of nearly equal numbers. That can only be the class of
// the maximum, m, for which it is taken as a sum over the other classes,
// s_m = sum p_c (g_m - g_c), and s_j = (g_j - g_m) + s_m.

// What a formula returns of t, p and p - t.
template <class T>
struct DivergenceTerm {
  T value, slope, bend;  // f, g and p h
};

// What the rows of a strip have one of, a lane each.
template <class T>
struct DivergenceLanes {
  alignas(64) T leader[kStrip<T>];                  // g_m
  alignas(64) T slope[kStrip<T>];                   // s_m
  alignas(64) T others[kStrip<T>], all[kStrip<T>];  // sums of p² h: without m, of all classes
};

// The value of a strip's rows; of all classes g goes to `slopes` and p h where the Hessian will be.
template <template <class> class Formula, unsigned kMode, class T>
[[gnu::noinline]] void add_terms(const Panel<T>& panel, int lane, int64_t at, const T* inverse,
                                 T* slopes, DivergenceLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const Formula<T> formula(panel.parameters);
  const T* const rest = panel.rest + lane;
  alignas(64) T value[kWidth] = {};
  for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
    const T *const exponential = panel.logits + at + k, *const target = panel.portion + at + k;
    T* const slope = slopes + at + k;
    T* const bend = (kMode & kHessian) != 0 ? panel.hessian + at + k : nullptr;
    NUMLOSS_SIMD_LANES
    for (int i = 0; i < kWidth; ++i) {
      const T e = exponential[i], t = target[i];
      const DivergenceTerm<T> of_class =
          formula(t, e * inverse[i], distance_from(t, e, rest[i], inverse[i]));
      value[i] += of_class.value;
      if constexpr (kMode != kValue) {
        slope[i] = of_class.slope;
        lanes.leader[i] = e == T(1) ? of_class.slope : lanes.leader[i];
      }
      if constexpr ((kMode & kHessian) != 0) bend[i] = of_class.bend;
    }
  }
  for (int i = 0; i < kWidth; ++i) panel.value[lane + i] = value[i];
}

// What the derivatives of a strip's rows need of all classes.
template <bool kHessian, class T>
[[gnu::noinline]] void add_slopes(const Panel<T>& panel, int64_t at, const T* inverse,
                                  const T* slopes, DivergenceLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  for (int i = 0; i < kWidth; ++i) lanes.slope[i] = lanes.others[i] = lanes.all[i] = T(0);
  for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
    const T *const exponential = panel.logits + at + k, *const slope = slopes + at + k;
    const T* const bend = kHessian ? panel.hessian + at + k : nullptr;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const T p = exponential[i] * inverse[i];
      lanes.slope[i] += term(p, lanes.leader[i] - slope[i]);
      if constexpr (kHessian) {
        const T curvature = p * bend[i];
        lanes.others[i] += exponential[i] == T(1) ? T(0) : curvature;
        lanes.all[i] += curvature;
      }
    }
  }
}

template <bool kHessian, class T>
[[gnu::noinline]] void finish_slopes(const Panel<T>& panel, int lane, int64_t at, const T* inverse,
                                     const T* slopes, const DivergenceLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const T *const rest = panel.rest + lane, *const coefficient = panel.coefficient + lane;
  for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
    T* const exponential = panel.logits + at + k;
    T* const bend = kHessian ? panel.hessian + at + k : nullptr;
    const T* const slope = slopes + at + k;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const T e = exponential[i], p = e * inverse[i];
      const T s = (slope[i] - lanes.leader[i]) + lanes.slope[i];
      if constexpr (kHessian) {
        // Of a class that does not lead, p is up to 1/2: p² h is no more than the other term.
        const T q = complement(e, rest[i], inverse[i]);
        const T spread = leads(e, rest[i]) ? q * q * bend[i] + p * lanes.others[i]
                                           : (T(1) - T(2) * p) * bend[i] + p * lanes.all[i];
        bend[i] = T(0) + coefficient[i] * term(p, (q - p) * s + spread);  // no negative zero
      }
      exponential[i] = T(0) + coefficient[i] * term(p, s);
    }
  }
}

template <template <class> class Formula, class T>
void divergence_panel(const Panel<T>& panel) {
  alignas(64) T inverse[kLanes];
  take_softmax(panel, inverse);
  T* const slopes = panel.scratch;
  each_strip(panel, [&](int lane, int64_t at) {
    DivergenceLanes<T> lanes{};
    const T* const scale = inverse + lane;
    if (panel.mode == kValue) {
      add_terms<Formula, kValue>(panel, lane, at, scale, slopes, lanes);
    } else if ((panel.mode & kHessian) == 0) {
      add_terms<Formula, kValue | kGradient>(panel, lane, at, scale, slopes, lanes);
      add_slopes<false>(panel, at, scale, slopes, lanes);
      finish_slopes<false>(panel, lane, at, scale, slopes, lanes);
    } else {
      add_terms<Formula, kValue | kGradient | kHessian>(panel, lane, at, scale, slopes, lanes);
      add_slopes<true>(panel, at, scale, slopes, lanes);
      finish_slopes<true>(panel, lane, at, scale, slopes, lanes);
    }
  });
}

template <template <class> class Formula>
constexpr Entry divergence(const char* name, double cost) {
  return rows<Formula<float>::parameters>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {divergence_panel<Formula, T>, nullptr, {}, 1, false};
  });
}

// |p - t| / 2. At p = t it has a kink, whose slope is 0.
template <class T>
struct HalfDistance {
  static constexpr int parameters = 0;
  explicit HalfDistance(const double*) {}
  NUMLOSS_INLINE DivergenceTerm<T> operator()(T, T, T apart) const {
    const T sign = apart > T(0) ? T(0.5) : apart < T(0) ? T(-0.5) : T(0);
    return {T(0.5) * abs(apart), keep_nan(apart, sign), keep_nan(apart, T(0))};
  }
};

// c p, of the costs c that stand in the place of the target's probabilities.
template <class T>
struct CostOfClass {
  static constexpr int parameters = 0;
  explicit CostOfClass(const double*) {}
  NUMLOSS_INLINE DivergenceTerm<T> operator()(T cost, T p, T) const {
    return {cost * p, cost, keep_nan(p, T(0))};
  }
};

// -log S, S = sum_c a_c p_c, of the chances a_c that an example of class c has the label that this
// one has (Patrini et al. 2017). With the chances r_c = a_c p_c / S of the classes by the label
//   dL/dx_j = p_j - r_j = -p_j s_j / S, s_j = a_j - S, as of a cost,
//   d²L/dx_j² = p_j (1 - p_j) - r_j (1 - r_j) = dL/dx_j (1 - p_j - r_j).
// The sum of a_c exp(x_c) has an origin of its own, the highest score of a class with a chance.

// What the rows of a strip have one of, a lane each. `likely`: the sum of a_c exp(x_c - highest).
template <class T>
struct ForwardLanes {
  alignas(64) T highest[kStrip<T>], likely[kStrip<T>], unlikely[kStrip<T>], leader[kStrip<T>];
  alignas(64) T inverse_likely[kStrip<T>], inverse_sum[kStrip<T>], slope[kStrip<T>];
};

// Sums from scores, whose terms are left in `terms`.
template <class T>
[[gnu::noinline]] void take_likely(const Panel<T>& panel, int64_t at, T* terms,
                                   ForwardLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const int64_t size = panel.classes * kWidth;
  for (int i = 0; i < kWidth; ++i) lanes.highest[i] = -Real<T>::kInfinity;
  for (int64_t k = 0; k < size; k += kWidth) {
    const T *const x = panel.logits + at + k, *const chance = panel.portion + at + k;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const bool leads = (x[i] > lanes.highest[i]) & (chance[i] > T(0));
      lanes.highest[i] = leads ? x[i] : lanes.highest[i];
    }
  }
  for (int i = 0; i < kWidth; ++i) lanes.likely[i] = T(0);
  for (int64_t k = 0; k < size; k += kWidth) {
    const T *const x = panel.logits + at + k, *const chance = panel.portion + at + k;
    T* const to = terms + at + k;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      // Classes of which none is possible are so alike: then the highest is -inf.
      const bool is_origin = (x[i] == lanes.highest[i]) | (chance[i] == T(0));
      to[i] = chance[i] * exp_nonpositive(is_origin ? T(0) : x[i] - lanes.highest[i]);
      lanes.likely[i] += to[i];
    }
  }
}

// The values of a strip's rows, and what their derivatives are made of.
template <class T>
[[gnu::noinline]] void add_likely(const Panel<T>& panel, int lane, int64_t at, const T* inverse,
                                  ForwardLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  // Below it, S is taken by its logarithm alone.
  constexpr T kFew = T(0x1p-60);
  const int64_t size = panel.classes * kWidth;
  for (int i = 0; i < kWidth; ++i) lanes.unlikely[i] = lanes.leader[i] = lanes.slope[i] = T(0);
  for (int64_t k = 0; k < size; k += kWidth) {
    const T *const e = panel.logits + at + k, *const chance = panel.portion + at + k;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      lanes.unlikely[i] += (T(1) - chance[i]) * e[i];
      lanes.leader[i] = e[i] == T(1) ? chance[i] : lanes.leader[i];
    }
  }
  for (int64_t k = 0; k < size; k += kWidth) {
    const T *const e = panel.logits + at + k, *const chance = panel.portion + at + k;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      lanes.slope[i] += e[i] * inverse[i] * (lanes.leader[i] - chance[i]);
    }
  }
  NUMLOSS_SIMD_LANES
  for (int i = 0; i < kWidth; ++i) {
    const T gap = panel.maximum[lane + i] - lanes.highest[i], likely = lanes.likely[i];
    const T share = likely * exp_nonpositive(-gap);
    const bool is_few = share < kFew;
    const Softmax<T> softmax{panel.maximum[lane + i], panel.rest[lane + i]};
    const T far = gap + (softmax.log_sum() - log(likely));
    const T near = log1p(lanes.unlikely[i] / share);
    panel.value[lane + i] = is_few ? far : near;
    lanes.inverse_likely[i] = likely == T(0) ? T(0) : T(1) / likely;
    lanes.inverse_sum[i] = is_few ? T(0) : T(1) / (share * inverse[i]);
  }
}

template <bool kHessian, class T>
[[gnu::noinline]] void finish_forward(const Panel<T>& panel, int lane, int64_t at, const T* inverse,
                                      const T* terms, const ForwardLanes<T>& lanes) {
  constexpr int kWidth = kStrip<T>;
  const T *const rest = panel.rest + lane, *const coefficient = panel.coefficient + lane;
  for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
    T* const exponential = panel.logits + at + k;
    T* const hessian = kHessian ? panel.hessian + at + k : nullptr;
    const T *const chance = panel.portion + at + k, *const of_class = terms + at + k;
    NUMLOSS_SIMD_LANES
    for (int i = 0; i < kWidth; ++i) {
      const T e = exponential[i], p = e * inverse[i], r = of_class[i] * lanes.inverse_likely[i];
      const T s = (chance[i] - lanes.leader[i]) + lanes.slope[i];
      const T near = -(p * s * lanes.inverse_sum[i]);
      const T g = lanes.inverse_sum[i] == T(0) ? p - r : near;
      if constexpr (kHessian) {
        hessian[i] = T(0) + coefficient[i] * (g * (complement(e, rest[i], inverse[i]) - r));
      }
      exponential[i] = T(0) + coefficient[i] * g;  // no negative zero
    }
  }
}

template <class T>
void forward_panel(const Panel<T>& panel) {
  constexpr int kStrips = kLanes / kStrip<T>;
  alignas(64) T inverse[kLanes];
  ForwardLanes<T> lanes[kStrips];
  T* const terms = panel.scratch;
  each_strip(panel,
             [&](int lane, int64_t at) { take_likely(panel, at, terms, lanes[lane / kStrip<T>]); });
  take_softmax(panel, inverse);
  each_strip(panel, [&](int lane, int64_t at) {
    ForwardLanes<T>& of_strip = lanes[lane / kStrip<T>];
    const T* const scale = inverse + lane;
    add_likely(panel, lane, at, scale, of_strip);
    if (panel.mode == kValue) return;
    if ((panel.mode & kHessian) != 0) {
      finish_forward<true>(panel, lane, at, scale, terms, of_strip);
    } else {
      finish_forward<false>(panel, lane, at, scale, terms, of_strip);
    }
  });
}

// log(r) of a quotient r, of which z = r - 1 has the digits that r may have lost.
template <class T>
NUMLOSS_INLINE T log_ratio(T r, T z) {
  const bool near = (z > T(-0.5)) & (z < T(2));
  const T sum = T(1) + z, part = sum - T(1);  // what 1 + z loses, by Knuth's TwoSum
  const T lost = (T(1) - (sum - part)) + (z - part);
  return log(near ? sum : r) + (near ? lost / sum : T(0));
}

// b t log(t/m) + a p log(p/m), m = b t + a p, a = 1 - b (Lin 1991). With d = p - t it is
// t/m = 1 - a d/m and p/m = 1 + b d/m, and the terms of the first order in d, a b d, cancel: each
// half is b t log(t/m) + a b d and a p log(p/m) - a b d, of which neither is negative. With
// y = log(t/m) the first is b t (y - 1 + exp(-y)), whose digits the polynomial of exp keeps.
// By p: g = a log(p/m) and p h = a b t/m. Classes without a share, p/m = 1/a, have the same g to
// the bit: the gradient of a label that is nearly impossible is made of differences.
template <class T>
struct JensenShannon {
  static constexpr int parameters = 1;
  T b, a, without_share;
  explicit JensenShannon(const double* parameters)
      : b(T(parameters[0])), a(T(1 - parameters[0])), without_share(T(1) / a) {}

  NUMLOSS_INLINE DivergenceTerm<T> operator()(T t, T p, T apart) const {
    const T of_target = b * t, of_softmax = a * p, m = of_target + of_softmax;
    const T ratio = t / m > Real<T>::kLargest ? Real<T>::kLargest : t / m;
    const T shift = t == T(0) ? without_share : apart / m, excess = a * b * apart;
    const T y = log_ratio(t == T(0) ? without_share : p / m, b * shift);
    const T value =
        half(of_target, log_ratio(ratio, -(a * shift)), excess) + half(of_softmax, y, -excess);
    const bool none = m == T(0);  // neither t nor p, or both below the numbers of the type
    return {none ? T(0) : value, none ? T(0) : a * y, none ? T(0) : a * b * ratio};
  }

 private:
  NUMLOSS_INLINE static T half(T share, T y, T excess) {
    const T near = share * y * (y * second_remainder(y));
    return abs(y) <= kNearZero<T> ? near : term(share, y) + excess;
  }
};

// The same of a label, by n = -log p: f + a q log(1/a) with the other classes, whose t is 0. With
// L = log(m/(a p)) the derivatives are a p L and -a p (L - b/m).
template <class T>
struct JensenShannonOfLabel {
  static constexpr int parameters = 1;
  JensenShannon<T> of_class;
  T others, lead;  // a log(1/a), log(b/a)
  explicit JensenShannonOfLabel(const double* parameters)
      : of_class(parameters),
        others(T(-(1 - parameters[0]) * log(1 - parameters[0]))),
        lead(T(log(parameters[0]) - log(1 - parameters[0]))) {}

  NUMLOSS_INLINE Derivatives<T> operator()(T n, T p, T q) const {
    const T a = of_class.a, b = of_class.b, share = a * p;
    const T odds = b / share;
    const T length = odds > Real<T>::kLargest ? n + lead : log1p(odds);
    const T near = length * (length * second_remainder(length));
    const T gap = length <= kNearZero<T> ? near : length - b / (b + share);
    return {of_class(T(1), p, -q).value + others * q, term(share, length), -term(share, gap)};
  }
};

}  // namespace

NUMLOSS_LOSS(JsDivergence) = likelihood<JensenShannonOfLabel>("js_divergence", 0.5);
NUMLOSS_LOSS(JsDivergenceDistribution) = divergence<JensenShannon>("js_divergence_distribution",
                                                                   6.0);
NUMLOSS_LOSS(ExpectedCost) = divergence<CostOfClass>("expected_cost", 1.0);
NUMLOSS_LOSS(ForwardCrossEntropy) = rows<0>("forward_cross_entropy", 1.5,
                                            []<class T>(T) -> RowFunctions<T> {
                                              return {forward_panel<T>, nullptr, {}, 1, false};
                                            });
NUMLOSS_LOSS(TotalVariationDistribution) = divergence<HalfDistance>("total_variation_distribution",
                                                                    1.0);

}  // namespace numloss::NUMLOSS_ISA
