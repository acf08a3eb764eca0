// Losses of classes in an order by the K - 1 thresholds between them: a row has a number x_k for
// each, and its label y is one of K classes.
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

// -log(F(b) - F(a)), F a distribution function, a and b the thresholds around the label, less the
// score: a = -inf at the first class, b = inf at the last. Where b <= a the class has no chance.

// -log(1 - exp(-d)) for d >= 0.
template <class T>
NUMLOSS_INLINE T log_gap(T d) {
  const bool is_near = d < T(0x1.62e43p-1);  // log 2
  const T near = -log(-expm1(-d)), far = -log1p(-exp_nonpositive(-d));
  return T(0) + (is_near ? near : far);
}

template <class T>
struct IntervalCost {
  T value, by_lower, by_upper, lower_curvature, upper_curvature;
};

// F = sigmoid: softplus(a) + softplus(-b) - log(1 - exp(-d)), d = b - a, a sum of what is at least
// 0. With r = 1 / (exp(d) - 1) the derivatives are sigmoid(a) + r and -sigmoid(-b) - r, the second
// ones the variances plus r (1 + r).
template <class T>
struct LogitLink {
  NUMLOSS_INLINE static IntervalCost<T> cost(T a, T b, T gap) {
    const Logistic<T> low = logistic(a), high = logistic(b);
    const T below = (a > T(0) ? a : T(0)) + low.log1p_decay;
    const T above = (b < T(0) ? -b : T(0)) + high.log1p_decay;
    const T r = T(1) / expm1(gap), bend = r * (T(1) + r);
    return {below + above + log_gap(gap), low.probability + r, T(0) - (high.complement + r),
            low.variance + bend, high.variance + bend};
  }
};

// g / (1 - exp(-g)) - 1 for g >= 0, g/2 near 0, where the difference would have no digits.
// Coefficients: Bernoulli numbers over factorials.
template <class T>
NUMLOSS_INLINE T bernoulli_gap(T g, T share) {
  constexpr T kSeries[] = {T(1.0 / 12),         T(-1.0 / 720),     T(1.0 / 30240),
                           T(-1.0 / 1209600),   T(1.0 / 47900160), T(-691.0 / 1307674368000),
                           T(1.0 / 74724249600)};
  const T small = g < T(0.5) ? g : T(0.5), square = small * small;
  const T series = T(0.5) * small + square * polynomial(kSeries, square);
  return g < T(0.5) ? series : share + (g - T(1));
}

// F = 1 - exp(-exp(x)): w - log(1 - exp(-g)), w = exp(a), g = exp(b) - w = exp(b) (1 - exp(-d)).
// With r as above and E = g / (exp(g) - 1) the derivatives are w + r E and -(1 + r) E; with
// G = g / (1 - exp(-g)) - 1 the second ones are w + r (1 + r) E + r² E G and
// r (1 + r) E + (1 + r)² E G. Nothing is subtracted. log g is b + log(1 - exp(-d)), where g itself
// may be 0.
template <class T>
struct CloglogLink {
  NUMLOSS_INLINE static IntervalCost<T> cost(T a, T b, T gap) {
    const T w = exp(a), g = term(T(0) - expm1(-gap), exp(b));
    const T growth = expm1(g);
    const T share = g == T(0) ? T(1) : growth > Real<T>::kLargest ? T(0) : g / growth;  // E
    const T rest = term(share, bernoulli_gap(g, share));                                // E G
    const T near = log_gap(gap) - b + log1p(bernoulli_gap(g, share));
    const T far = -log1p(-exp_nonpositive(-g));
    const T r = T(1) / expm1(gap), bend = term(share, r * (T(1) + r));
    const T value = w + (g < T(0.5) ? near : T(0) + far);
    return {value, w + term(share, r), T(0) - term(share, T(1) + r), w + bend + term(rest, r * r),
            bend + term(rest, (T(1) + r) * (T(1) + r))};
  }
};

// What a rate at which normal numbers end has beyond their distance z from the mean, up to
// kNormalEnd, as a quotient. Coefficients: tools/fit_polynomials.py.
template <class T>
struct Excess;

template <>
struct Excess<float> {
  static constexpr float kAbove[] = {0x1.988454p-1f, 0x1.015838p-1f, 0x1.55a2bep-3f, 0x1.ee13fcp-6f,
                                     0x1.4ff64ap-9f};
  static constexpr float kBelow[] = {0x1p+0f,        0x1.15db6p+0f,  0x1.222e6cp-1f,
                                     0x1.5f7878p-3f, 0x1.ee5ad6p-6f, 0x1.4fe89ap-9f};
  static constexpr int kTerms = 10;  // of the fraction beyond
};

template <>
struct Excess<double> {
  static constexpr double kAbove[] = {
      0x1.9884533d43651p-1,  0x1.0994e9aa62ba7p+0,  0x1.62ae3beca6916p-1, 0x1.3621d77ce657ep-2,
      0x1.83885f6e3e43fp-4,  0x1.669f2fc43b7c4p-6,  0x1.efd33d994106dp-9, 0x1.f9347dcfd9ec2p-12,
      0x1.6bc4d37e7c9c1p-15, 0x1.500b3a9649307p-19, 0x1.318f5619cdf12p-24};
  static constexpr double kBelow[] = {0x1p+0,
                                      0x1.c1727f8e3fc2cp+0,
                                      0x1.87fae28bb96d5p+0,
                                      0x1.b8da5f80f6bf1p-1,
                                      0x1.601bccc2a8dd9p-2,
                                      0x1.a177ccfaf2f76p-4,
                                      0x1.7629d62f89224p-6,
                                      0x1.fb230fdd3c699p-9,
                                      0x1.fe74ab2b6decfp-12,
                                      0x1.6cf662be519b0p-15,
                                      0x1.500b3a9bea7a7p-19,
                                      0x1.318f56186e656p-24};
  static constexpr int kTerms = 18;
};

// A normal number at z >= 0 deviations: the rate f(z) / (1 - F(z)) at which it ends there, z + K,
// and K, which falls to 1/z; far out by its continued fraction (Laplace). A few ULP.
template <class T>
struct Ending {
  T rate, bend;  // z + K; the slope of the rate, K (z + K)
};

template <class T>
NUMLOSS_INLINE Ending<T> ending(T z) {
  using R = Real<T>;
  const bool far = z > R::kNormalEnd;
  const T end = far ? R::kNormalEnd : z, from = far ? z : R::kNormalEnd;
  const T near = polynomial(Excess<T>::kAbove, end) / polynomial(Excess<T>::kBelow, end);
  T fraction = from;
#pragma GCC unroll 18
  for (int k = Excess<T>::kTerms; k > 1; --k) fraction = from + T(k) / fraction;
  const T excess = far ? T(1) / fraction : near, rate = z + excess;
  return {rate, z > R::kFar ? T(1) : rate * excess};
}

// The mean over t in [-1, 1] of cosh(c t) exp(-s t²) for u = c² up to 1/16 and s up to 1/32.
template <class T>
struct MeanOfBell {
  static constexpr int kRows = 7, kColumns = 9;
  T term[kRows][kColumns];
  constexpr MeanOfBell() : term() {
    double row = 1;
    for (int i = 0; i < kRows; row /= (2 * i + 1) * (2 * i + 2), ++i) {
      double one = row;
      for (int j = 0; j < kColumns; one /= -(j + 1), ++j) {
        term[i][j] = T(one / (2 * i + 2 * j + 1));
      }
    }
  }
};

template <class T>
NUMLOSS_INLINE T mean_of_bell(T u, T s) {
  constexpr MeanOfBell<T> kSeries;
  T sum = polynomial(kSeries.term[MeanOfBell<T>::kRows - 1], s);
#pragma GCC unroll 6
  for (int i = MeanOfBell<T>::kRows - 2; i >= 0; --i) {
    sum = fma(sum, u, polynomial(kSeries.term[i], s));
  }
  return sum;
}

// F the normal distribution function. By symmetry the nearer end y = -b and the further one z = -a,
// or a and b, lie so that |y| <= z, with d = z - y and their middle m. Where neither d nor d m is
// above 1/2, F(z) - F(y) is f(m) d times a mean; else, of ends on one side, a tail less a tail that
// is the share q of it; else 1 less two tails. With h = f(y) / (F(z) - F(y)) the slope by y is h,
// by z h f(z)/f(y), and the curvatures h (h - y) and the same of z with + z.
template <class T>
struct ProbitLink {
  struct Ends {
    T value, near_slope, far_slope, near_curvature, far_curvature;
  };

  NUMLOSS_INLINE static IntervalCost<T> cost(T a, T b, T gap) {
    const bool flips = a + b > T(0);
    const Ends ends = of_ends(flips ? a : -b, flips ? b : -a, gap);
    return {ends.value, flips ? ends.near_slope : ends.far_slope,
            T(0) - (flips ? ends.far_slope : ends.near_slope),
            flips ? ends.near_curvature : ends.far_curvature,
            flips ? ends.far_curvature : ends.near_curvature};
  }

 private:
  NUMLOSS_INLINE static Ends of_ends(T y, T z, T gap) {
    const T d = z < Real<T>::kInfinity ? gap : Real<T>::kInfinity;
    const T middle = y + T(0.5) * d, product = d * middle;
    const bool close = (d <= T(0.5)) & (product <= T(0.5));
    const Ends alike = of_close(middle, close ? d : T(0.5), close ? product : T(0));
    const Ends beside = of_one_side(y > T(0) ? y : T(0), z, close ? T(1) : product);
    const Ends around = of_both_sides(y < T(0) ? -y : T(0), z);
    return close ? alike : y < T(0) ? around : beside;
  }

  static constexpr T kLogRoot = T(0x1.d67f1c864beb5p-1);  // log(2 pi) / 2

  NUMLOSS_INLINE static Ends of_close(T m, T d, T product) {
    const T half = T(0.5) * product, s = T(0.125) * d * d;
    const T mean = mean_of_bell(half * half, s), width = d * mean;
    const T near = exp(half - s) / width, far = exp(-half - s) / width;
    const T y = m - T(0.5) * d, z = m + T(0.5) * d;
    return {T(0.5) * m * m + (kLogRoot - log(width)), near, far, near * (near - y),
            far * (far + z)};
  }

  NUMLOSS_INLINE static Ends of_one_side(T y, T z, T product) {
    const Ending<T> near = ending(y), far = ending(z);
    const T decay = exp_nonpositive(-product);
    const T q = term(decay, near.rate / far.rate), rest = T(1) - q;
    const T slope = near.rate / rest, further = term(decay, slope);
    const T curvature = (near.bend + term(q, y * near.rate)) / (rest * rest);
    return {T(0.5) * y * y + (kLogRoot + (log(near.rate) - log1p(-q))), slope, further, curvature,
            term(further, further + z)};
  }

  NUMLOSS_INLINE static Ends of_both_sides(T y, T z) {
    const T near = normal(y).density, far = normal(z).density;
    const T tails = near / ending(y).rate + far / ending(z).rate, rest = T(1) - tails;
    const T slope = near / rest, further = far / rest;
    return {T(0) - log1p(-tails), slope, further, term(slope, slope + y),
            term(further, further + z)};
  }
};

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
