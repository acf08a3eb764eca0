// Losses of a real prediction against a real target; r = prediction - target.
#pragma once

#include "../drivers/elements.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// r². Derivative 2r.
template <class T>
struct Mse {
  static constexpr const char* name = "mse";
  static constexpr double cost = 0.15;
  explicit Mse(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T r = prediction - target;
    return {r * r, T(2) * r, keep_nan(r, T(2))};
  }
};

// |r|. Derivative sign(r), 0 at the kink.
template <class T>
struct Mae {
  static constexpr const char* name = "mae";
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

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
