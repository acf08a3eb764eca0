// Chances of intervals between two numbers of a distribution: of classes between thresholds, of
// times that are known to lie between bounds.
#pragma once

#include "math.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// -log(F(b) - F(a)), F a distribution function, a = -inf and b = inf where the interval has no end.
// Where b <= a it has no chance. With both ends infinite the derivatives may be NaN.

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
  T by_both, both_curvature;  // derivatives where both ends move alike
};

// F = sigmoid: softplus(a) + softplus(-b) - log(1 - exp(-d)), d = b - a, a sum of what is at least
// 0. With r = 1 / (exp(d) - 1) the derivatives are sigmoid(a) + r and -sigmoid(-b) - r, the second
// ones the variances plus r (1 + r). By both it is sigmoid(a) - sigmoid(-b), which is
// sigmoid(a) sigmoid(b) (1 - exp(-a - b)) and cancels nowhere.
template <class T>
struct LogitLink {
  NUMLOSS_INLINE static IntervalCost<T> cost(T a, T b, T gap) {
    const Logistic<T> low = logistic(a), high = logistic(b);
    const T below = (a > T(0) ? a : T(0)) + low.log1p_decay;
    const T above = (b < T(0) ? -b : T(0)) + high.log1p_decay;
    const T r = T(1) / expm1(gap), bend = r * (T(1) + r);
    const T sum = a + b, tilt = T(0) - expm1(-abs(sum));
    const T right = low.probability * high.probability, left = low.complement * high.complement;
    return {below + above + log_gap(gap), low.probability + r,
            T(0) - (high.complement + r), low.variance + bend,
            high.variance + bend,         sum < T(0) ? T(0) - left * tilt : right * tilt,
            low.variance + high.variance};
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
// may be 0. By both it is w - E, and w + E G.
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
    return {value,
            w + term(share, r),
            T(0) - term(share, T(1) + r),
            w + bend + term(rest, r * r),
            bend + term(rest, (T(1) + r) * (T(1) + r)),
            w - share,
            w + rest};
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
  T rate, bend, excess;  // z + K; the slope of the rate, K (z + K); K
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
  return {rate, z > R::kFar ? T(1) : rate * excess, excess};
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

// It, and its derivatives by u.
template <class T>
struct Bell {
  T mean, first, second;
};

template <class T>
NUMLOSS_INLINE Bell<T> mean_of_bell(T u, T s) {
  constexpr MeanOfBell<T> kSeries;
  T sum = polynomial(kSeries.term[MeanOfBell<T>::kRows - 1], s), first = T(0), half_second = T(0);
#pragma GCC unroll 6
  for (int i = MeanOfBell<T>::kRows - 2; i >= 0; --i) {
    half_second = fma(half_second, u, first);
    first = fma(first, u, sum);
    sum = fma(sum, u, polynomial(kSeries.term[i], s));
  }
  return {sum, first, T(2) * half_second};
}

// F the normal distribution function. By symmetry the nearer end y = -b and the further one z = -a,
// or a and b, lie so that |y| <= z, with d = z - y and their middle m. Where neither d nor d m is
// above 1/2, F(z) - F(y) is f(m) d times a mean; else, of ends on one side, a tail less a tail that
// is the share q of it; else 1 less two tails. With h = f(y) / (F(z) - F(y)) the slope by y is h,
// by z h' = h f(z)/f(y), and the curvatures h (h - y) and the same of z with + z. By both it is the
// mean M = h - h' of the number in the interval, and 1 less its variance, M² + h' z - h y: small
// beside 1 where the ends are close, a sum of what is at least 0 where y is below 0, and else
// h' d + (M - y) M, where M - y, the mean beyond y, is
//   (K (1 - e) - e y (d + K' - K) / (z + K')) / (1 - q), e = f(z)/f(y), K and K' as in `Ending`.
template <class T>
struct ProbitLink {
  static constexpr T kLogRoot = T(0x1.d67f1c864beb5p-1);  // log(2 pi) / 2

  struct Ends {
    T value, near_slope, far_slope, near_curvature, far_curvature, mean, both_curvature;
  };

  NUMLOSS_INLINE static IntervalCost<T> cost(T a, T b, T gap) {
    const bool flips = a + b > T(0);
    const Ends ends = of_ends(flips ? a : -b, flips ? b : -a, gap);
    return {ends.value,
            flips ? ends.near_slope : ends.far_slope,
            T(0) - (flips ? ends.far_slope : ends.near_slope),
            flips ? ends.near_curvature : ends.far_curvature,
            flips ? ends.far_curvature : ends.near_curvature,
            flips ? ends.mean : T(0) - ends.mean,
            ends.both_curvature};
  }

 private:
  NUMLOSS_INLINE static Ends of_ends(T y, T z, T gap) {
    const T d = z < Real<T>::kInfinity ? gap : Real<T>::kInfinity;
    const T middle = y + T(0.5) * d, product = d * middle;
    // One comparison: of two GCC makes a choice between masks, which it cannot vectorise.
    const bool close = (product > d ? product : d) <= T(0.5);
    const Ends alike = of_close(middle, close ? d : T(0.5), close ? product : T(0));
    const Ends beside =
        of_one_side(y > T(0) ? y : T(0), z, close ? T(1) : d, close ? T(1) : product);
    const Ends around = of_both_sides(y < T(0) ? -y : T(0), z, product);
    // One number after the other: GCC keeps a structure that is chosen in memory, and then cannot
    // vectorise.
    const auto choose = [=](T Ends::* x) NUMLOSS_INLINE_LAMBDA {
      return close ? alike.*x : y < T(0) ? around.*x : beside.*x;
    };
    return {choose(&Ends::value),          choose(&Ends::near_slope),    choose(&Ends::far_slope),
            choose(&Ends::near_curvature), choose(&Ends::far_curvature), choose(&Ends::mean),
            choose(&Ends::both_curvature)};
  }

  NUMLOSS_INLINE static Ends of_close(T m, T d, T product) {
    const T half = T(0.5) * product, s = T(0.125) * d * d;
    const T u = half * half;
    const Bell<T> bell = mean_of_bell(u, s);
    const T width = d * bell.mean;
    const T near = exp(half - s) / width, far = exp(-half - s) / width;
    const T y = m - T(0.5) * d, z = m + T(0.5) * d;
    const T first = bell.first / bell.mean, second = bell.second / bell.mean;
    const T variance = T(0.5) * d * d * (first + T(2) * u * (second - first * first));
    return {T(0.5) * m * m + (kLogRoot - log(width)),
            near,
            far,
            near * (near - y),
            far * (far + z),
            m * (T(1) - T(0.5) * d * d * first),
            T(1) - variance};
  }

  NUMLOSS_INLINE static Ends of_one_side(T y, T z, T d, T product) {
    const Ending<T> near = ending(y), far = ending(z);
    const T decay = exp_nonpositive(-product);
    const T q = term(decay, near.rate / far.rate), rest = T(1) - q;
    const T slope = near.rate / rest, further = term(decay, slope);
    const T curvature = (near.bend + term(q, y * near.rate)) / (rest * rest);
    const T steeper = d + (far.excess - near.excess);
    const T lost = term(decay, steeper * (y / far.rate));
    const T beyond = (near.excess * (T(1) - decay) - lost) / rest, mean = y + beyond;
    return {T(0.5) * y * y + (kLogRoot + (log(near.rate) - log1p(-q))),
            slope,
            further,
            curvature,
            term(further, further + z),
            mean,
            y > Real<T>::kFar ? T(1) : term(further, d) + beyond * mean};
  }

  // y: the nearer end's distance from 0.
  NUMLOSS_INLINE static Ends of_both_sides(T y, T z, T product) {
    const T near = normal(y).density, far = normal(z).density;
    const T tails = near / ending(y).rate + far / ending(z).rate, rest = T(1) - tails;
    const T slope = near / rest, further = far / rest;
    const T mean = slope * (T(0) - expm1(-product));
    return {T(0) - log1p(-tails),
            slope,
            further,
            term(slope, slope + y),
            term(further, further + z),
            mean,
            mean * mean + (term(further, z) + term(slope, y))};
  }
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
