// Losses of a real prediction against a real target; r = prediction - target.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// r². Derivative 2r.
template <class T>
struct Mse {
  static constexpr const char* name = "mse";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.15;
  explicit Mse(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    return {r * r, T(2) * r, keep_nan(r, T(2))};
  }
};

// r²/2. Derivative r.
template <class T>
struct HalfMse {
  static constexpr const char* name = "half_mse";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.15;
  explicit HalfMse(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    return {T(0.5) * r * r, r, keep_nan(r, T(1))};
  }
};

// |r|. Derivative sign(r), 0 at the kink.
template <class T>
struct Mae {
  static constexpr const char* name = "mae";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.15;
  explicit Mae(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    const T unit = r < T(0) ? T(-1) : T(1);
    const T sign = abs(r) > T(0) ? unit : r;  // two choices side by side: nested, they may branch
    return {abs(r), sign, keep_nan(r, T(0))};
  }
};

// r²/2 for |r| <= delta, delta (|r| - delta/2) beyond. Derivative: r clipped to [-delta, delta].
template <class T>
struct Huber {
  static constexpr const char* name = "huber";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.15;
  T delta;
  explicit Huber(const double* parameters) : delta(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    // The comparisons are false for a NaN r, which so survives.
    const T low = r < -delta ? -delta : r;
    const T clipped = low > delta ? delta : low;
    const T curvature = abs(r) > delta ? T(0) : T(1);
    return {clipped * (r - T(0.5) * clipped), clipped, keep_nan(r, curvature)};
  }
};

// r²/(2 beta) for |r| < beta, |r| - beta/2 beyond. Derivative: r/beta clipped to [-1, 1]. For a
// beta of 0 it is |r|, with the derivative 0 at 0.
template <class T>
struct SmoothL1 {
  static constexpr const char* name = "smooth_l1";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.18;
  T beta, divisor, inside;
  explicit SmoothL1(const double* parameters)
      : beta(T(parameters[0])),
        divisor(beta == T(0) ? T(1) : beta),
        inside(beta == T(0) ? T(0) : T(1) / beta) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    const T unit = r < T(0) ? T(-1) : T(1);
    const bool beyond = abs(r) > beta;
    const T slope = beyond ? unit : r / divisor;
    const T offset = T(0.5) * (beyond ? beta : abs(r));
    return {abs(slope) * (abs(r) - offset), slope, keep_nan(r, beyond ? T(0) : inside)};
  }
};

// max(0, |r| - epsilon). Derivative sign(r) beyond epsilon, else 0.
template <class T>
struct EpsilonInsensitive {
  static constexpr const char* name = "epsilon_insensitive";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.15;
  T epsilon;
  explicit EpsilonInsensitive(const double* parameters) : epsilon(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    const T excess = abs(r) - epsilon;
    const T unit = r < T(0) ? T(-1) : T(1);
    return {excess <= T(0) ? T(0) : excess, keep_nan(r, excess <= T(0) ? T(0) : unit),
            keep_nan(r, T(0))};
  }
};

// The square of it. Derivative 2 sign(r) (|r| - epsilon) beyond epsilon, the second 2 there.
template <class T>
struct SquaredEpsilonInsensitive {
  static constexpr const char* name = "squared_epsilon_insensitive";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.15;
  T epsilon;
  explicit SquaredEpsilonInsensitive(const double* parameters) : epsilon(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    const T excess = abs(r) - epsilon;
    const T active = excess <= T(0) ? T(0) : excess;
    return {active * active, T(2) * (r < T(0) ? -active : active),
            keep_nan(r, excess <= T(0) ? T(0) : T(2))};
  }
};

// q (t - p) for t > p, else (1 - q)(p - t), q the number aside. Derivative -q or 1 - q, 0 at the
// kink. A factor of 0 takes its side away, infinite or not.
template <class T>
struct Quantile {
  static constexpr const char* name = "quantile";
  static constexpr bool takes_aside = true;
  static constexpr int parameters = 0;
  static constexpr double cost = 0.18;
  explicit Quantile(const double*) {}
  static constexpr Roles probabilities = roles(kAside);
  NUMLOSS_INLINE bool outside(Constant<kAside>, T q) const { return outside_unit(q); }
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target, T q) const {
    const T r = prediction - target, poison = r + q;
    const T share = r > T(0) ? T(1) - q : q;
    const T slope = r > T(0) ? share : T(0) - share;
    return {keep_nan(poison, term(share, abs(r))), keep_nan(poison, abs(r) > T(0) ? slope : T(0)),
            keep_nan(poison, T(0))};
  }
};

// (1 - q) r² for t < p, else q r², q the number aside. Derivatives 2 (1 - q) r or 2 q r, and 2 (1 -
// q) or 2 q. A factor of 0 takes its side away, infinite or not.
template <class T>
struct Expectile {
  static constexpr const char* name = "expectile";
  static constexpr bool takes_aside = true;
  static constexpr int parameters = 0;
  static constexpr double cost = 0.18;
  explicit Expectile(const double*) {}
  static constexpr Roles probabilities = roles(kAside);
  NUMLOSS_INLINE bool outside(Constant<kAside>, T q) const { return outside_unit(q); }
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target, T q) const {
    const T r = prediction - target, poison = r + q;
    const T share = r > T(0) ? T(1) - q : q;
    const T product = term(share, r);
    return {keep_nan(poison, share == T(0) ? T(0) : product * r), keep_nan(poison, T(2) * product),
            keep_nan(poison, T(2) * share)};
  }
};

}  // namespace

NUMLOSS_LOSS(Mse) = elements<Mse>();
NUMLOSS_LOSS(HalfMse) = elements<HalfMse>();
NUMLOSS_LOSS(Mae) = elements<Mae>();
NUMLOSS_LOSS(Huber) = elements<Huber>();
NUMLOSS_LOSS(SmoothL1) = elements<SmoothL1>();
NUMLOSS_LOSS(EpsilonInsensitive) = elements<EpsilonInsensitive>();
NUMLOSS_LOSS(SquaredEpsilonInsensitive) = elements<SquaredEpsilonInsensitive>();
NUMLOSS_LOSS(Quantile) = elements<Quantile>();
NUMLOSS_LOSS(Expectile) = elements<Expectile>();

}  // namespace numloss::NUMLOSS_ISA
