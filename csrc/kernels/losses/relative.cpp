// Losses of an error in relation to the size of what is predicted.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// D² with D = log(1 + p) - log(1 + t), by one logarithm of a ratio of at least 1. Derivatives
// 2D/(1 + p) and 2(1 - D)/(1 + p)²; both are 0 at p = inf.
template <class T>
struct Msle {
  static constexpr const char* name = "msle";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.5;
  explicit Msle(const double*) {}
  NUMLOSS_INLINE bool outside(Constant<kHeads>, T p) const { return p <= T(-1); }
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T t) const { return t <= T(-1); }
  NUMLOSS_INLINE Derivatives<T> operator()(T p, T t) const {
    using R = Real<T>;
    const T r = p - t;
    const T least = T(1) + (r < T(0) ? p : t);
    // |r| / least, which overflows where r is large and least small.
    const bool far = (abs(r) > T(kHuge)) & (least < T(1));
    const T ratio = (far ? abs(r) * T(kShrink) : abs(r)) / least;
    const T distance = log1p(ratio) + (far ? T(kLogOfShrink) : T(0));
    const T difference = r < T(0) ? T(0) - distance : distance;
    const T inverse = T(1) / (T(1) + p);
    const bool infinite = p > R::kLargest;
    const T first = T(2) * difference * inverse;
    const T second = T(2) * (T(1) - difference) * inverse * inverse;
    return {distance * distance, keep_nan(r, infinite ? T(0) : first),
            keep_nan(r, infinite ? T(0) : second)};
  }

 private:
  // 2^-64, and what its logarithm takes away; numbers that it leaves above 2^20, beside which 1 is
  // not needed: least is at most 1.
  static constexpr double kShrink = sizeof(T) == 4 ? 0x1p-32 : 0x1p-64;
  static constexpr double kLogOfShrink = (sizeof(T) == 4 ? 32 : 64) * 0x1.62e42fefa39efp-1;
  static constexpr double kHuge = sizeof(T) == 4 ? 0x1p100 : 0x1p900;
};

// |r| / max(|t|, floor). Derivative sign(r) / max(|t|, floor), 0 at the kink. An infinite target
// counts as the largest number, and an r that overflows is halved.
template <class T>
struct Mape {
  static constexpr const char* name = "mape";
  static constexpr int parameters = 1;
  static constexpr double cost = 0.25;
  T floor;
  explicit Mape(const double* parameters) : floor(T(parameters[0])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T p, T t) const {
    using R = Real<T>;
    const T poison = p - t;
    const T size = abs(t) > R::kLargest ? R::kLargest : abs(t);
    const T divisor = size < floor ? floor : size;
    const T target = t < T(0) ? -size : size;
    const bool overflows = abs(p - target) > R::kLargest;
    const T r = overflows ? T(0.5) * p - T(0.5) * target : p - target;
    const T value = abs(r) / divisor * (overflows ? T(2) : T(1));
    const T unit = r < T(0) ? T(-1) : T(1);
    const T slope = unit / divisor;
    return {keep_nan(poison, value), keep_nan(poison, abs(r) > T(0) ? slope : T(0)),
            keep_nan(poison, T(0))};
  }
};

// 2 |p - t| / (|p| + |t|), 0 where both are 0. Derivatives sign(p - t) 4 |t| / (|p| + |t|)² and
// -sign(p - t) sign(p) 8 |t| / (|p| + |t|)³ where p and t have the same sign, else 0: there it
// is 2. It does not change where both are halved, which keeps sums of large numbers finite.
template <class T>
struct Smape {
  static constexpr const char* name = "smape";
  static constexpr int parameters = 0;
  static constexpr double cost = 0.3;
  explicit Smape(const double*) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T prediction, T target) const {
    const T poison = prediction - target;
    const bool large = (abs(prediction) > kLarge) | (abs(target) > kLarge);
    const T share = large ? T(0.25) : T(1);
    const T p = share * finite(prediction), t = share * finite(target);
    const T r = p - t, sum = abs(p) + abs(t);
    const T inverse = T(1) / sum;
    const bool alike = ((p > T(0)) & (t > T(0))) | ((p < T(0)) & (t < T(0)));
    const bool sloped = alike & (abs(r) > T(0));
    const T slope = share * (T(4) * abs(t) * inverse * inverse);
    const T bend = share * slope * (T(2) * inverse);
    const T first = r < T(0) ? T(0) - slope : slope;
    const T second = abs(p) < abs(t) ? bend : T(0) - bend;  // p beyond t: r has the sign of p
    return {keep_nan(poison, sum > T(0) ? T(2) * (abs(r) / sum) : T(0)),
            keep_nan(poison, sloped ? first : T(0)), keep_nan(poison, sloped ? second : T(0))};
  }

 private:
  static constexpr T kLarge = Real<T>::kLargest * T(0.25);
  NUMLOSS_INLINE static T finite(T x) {
    const T low = x < -Real<T>::kLargest ? -Real<T>::kLargest : x;
    return low > Real<T>::kLargest ? Real<T>::kLargest : low;
  }
};

}  // namespace

NUMLOSS_LOSS(Msle) = elements<Msle>();
NUMLOSS_LOSS(Mape) = elements<Mape>();
NUMLOSS_LOSS(Smape) = elements<Smape>();

}  // namespace numloss::NUMLOSS_ISA
