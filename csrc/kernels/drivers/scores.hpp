// What scores become before a loss takes them, where a call asks for it, and its derivatives then:
// a soft-cap and classes that cannot happen. (The temperature and offsets, which stay with the
// loss, are in targets.hpp.)
#pragma once

#include "../memory/tile.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Whether a number is no probability, by more than rounding; and whether one of n is none. (The
// ends, rounded to float, lie within.)
template <class T>
NUMLOSS_INLINE bool leaves_unit(T p) {
  constexpr T kLowest = T(-kUnitSlack), kHighest = T(1 + kUnitSlack);
  return (p < kLowest) | (p > kHighest);
}
template <class T>
[[gnu::noinline]] bool leaves_unit(const T* p, int64_t n) {
  int outside = 0;
#pragma omp simd reduction(| : outside)
  for (int64_t k = 0; k < n; ++k) outside |= int(leaves_unit(p[k]));
  return outside != 0;
}

// Whether a loss takes the logarithms of probabilities. (Of sets it takes them as they are.)
inline bool takes_logarithms(const Task& task) {
  return task.probabilities && !task.portions_in_unit;
}

// Whether the scores are others than those of the array.
inline bool transforms(const Task& task) {
  return task.softcap != 0 || task.has(kMask) || takes_logarithms(task);
}

// Whether derivatives are those by other scores at first.
inline bool transforms_slopes(const Task& task) {
  return (task.softcap != 0 || takes_logarithms(task)) && task.mode != kValue;
}

// cap(x) = s tanh(x/s) and its derivatives by x, sech²(x/s) and -2/s tanh(x/s) sech²(x/s). A class
// that cannot happen stays so.
template <class T>
class SoftCap {
 public:
  // A cap beyond the numbers of T is none, and one below them all.
  explicit SoftCap(double softcap)
      : cap_(softcap > double(Real<T>::kLargest)          ? Real<T>::kLargest
             : softcap < double(Real<T>::kSmallestNormal) ? Real<T>::kSmallestNormal
                                                          : T(softcap)) {}

  NUMLOSS_INLINE T value(T x) const {
    const T size = abs(x) / cap_, capped = cap_ * tanh_of(size);
    // The digits of a small one, which tanh leaves as it is.
    const T kept = size * size < Real<T>::kNear ? abs(x) : capped;
    const T signed_ = x < T(0) ? -kept : kept;
    return x == -Real<T>::kInfinity ? x : T(0) + signed_;
  }

  NUMLOSS_INLINE T slope(T x) const {
    // What rounding takes of the size, which the exponential of a large one would magnify.
    const T size = abs(x) / cap_, lost = fma(-size, cap_, abs(x)) / cap_;
    const T rounded = exp_nonpositive(T(-2) * size);
    const T decay = rounded - T(2) * term(rounded, lost), sum = T(1) + decay;
    return T(4) * decay / (sum * sum);
  }

  NUMLOSS_INLINE T bend(T x, T slope) const {
    const T size = tanh_of(abs(x) / cap_) / cap_;
    return (x < T(0) ? T(2) * size : T(-2) * size) * slope;
  }

 private:
  // Of a number of at least 0.
  NUMLOSS_INLINE static T tanh_of(T size) {
    const T loss = expm1(T(-2) * size);
    return -loss / (T(2) + loss);
  }

  T cap_;
};

template <class T>
[[gnu::noinline]] void cap_scores(double softcap, int64_t n, T* x) {
  const SoftCap<T> cap(softcap);
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) x[k] = cap.value(x[k]);
}

// log(p) and its derivatives by p.
template <class T>
struct Logarithm {
  NUMLOSS_INLINE T slope(T p) const { return T(1) / p; }
  NUMLOSS_INLINE T bend(T, T slope) const { return -slope * slope; }
};

// From derivatives by f(x) to those by x. What is 0 stays so whatever x is: it belongs to a row
// that is not there, or to a class that cannot happen.
template <class T>
NUMLOSS_INLINE void apply_chain_rule(const auto& f, int64_t n, const T* x, T* gradient,
                                     T* hessian) {
  if (hessian != nullptr) {
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) {
      const T slope = f.slope(x[k]), first = term(gradient[k], f.bend(x[k], slope));
      hessian[k] = T(0) + term(hessian[k], slope * slope) + first;
    }
  }
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) gradient[k] = T(0) + term(gradient[k], f.slope(x[k]));
}

// From derivatives by capped scores, or by logarithms, to those by what came.
template <class T>
[[gnu::noinline]] void undo_transform(const Task& task, int64_t n, const T* x, T* gradient,
                                      T* hessian) {
  if (takes_logarithms(task)) return apply_chain_rule(Logarithm<T>(), n, x, gradient, hessian);
  apply_chain_rule(SoftCap<T>(task.softcap), n, x, gradient, hessian);
}

// Probabilities that rounding has put outside [0, 1] to 0 and 1.
template <class T>
[[gnu::noinline]] void round_to_unit(int64_t n, T* p) {
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) {
    const T below = p[k] > T(1) ? T(1) : p[k];
    p[k] = below < T(0) ? T(0) : below;
  }
}

template <class T>
[[gnu::noinline]] void take_logarithms(int64_t n, T* p) {
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) p[k] = log(p[k]);
}

// Makes impossible what a mask leaves out.
template <class T>
[[gnu::noinline]] void leave_out(int64_t n, const T* mask, T* x) {
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) x[k] = mask[k] == T(0) ? -Real<T>::kInfinity : x[k];
}

// What label smoothing gives to each of so many possible classes.
template <class T>
NUMLOSS_INLINE T smoothing_share(const Task& task, double possible) {
  return T(task.label_smoothing / possible);
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
