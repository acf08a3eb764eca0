// What the losses over softmax(x) share: the maximum m of a row and the sum of exp(x - m) over the
// other classes ("rest"). Kept apart from the maximum's own 1, the sum keeps its digits when the
// prediction is confident: log p = x - m - log1p(rest), and 1 - p = rest / (1 + rest) there.
#pragma once

#include "rowwise.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// max over the steps of a panel, lane by lane, into maximum; a NaN is passed over.
template <class T>
NUMLOSS_INLINE void panel_maximum(const T* x, int64_t steps, int lanes, T* maximum) {
  for (int64_t k = 0; k < steps; ++k) {
#pragma omp simd
    for (int i = 0; i < lanes; ++i) {
      const T candidate = x[k * kLanes + i];
      maximum[i] = candidate > maximum[i] ? candidate : maximum[i];
    }
  }
}

// The largest of n logits, n a multiple of kLanes; a NaN is passed over.
template <class T>
NUMLOSS_INLINE T row_maximum(const T* x, int64_t n) {
  constexpr int kWidth = kVectorBytes / int(sizeof(T));
  constexpr int kVectors = kLanes / kWidth;
  Vector<T> best[kVectors];
#pragma GCC unroll 32
  for (int v = 0; v < kVectors; ++v) best[v] = Vector<T>{} - Real<T>::kInfinity;
  for (int64_t k = 0; k < n; k += kLanes) {
#pragma GCC unroll 32
    for (int v = 0; v < kVectors; ++v) {
      const auto candidate = load_vector<Vector<T>>(x + k + v * kWidth);
      best[v] = candidate > best[v] ? candidate : best[v];
    }
  }
  alignas(64) T lanes[kLanes];
  __builtin_memcpy(lanes, best, sizeof(lanes));
  halve<kLanes / 2>(lanes, [](T a, T b) { return b > a ? b : a; });
  return lanes[0];
}

// Sum of n exponentials, n a multiple of kLanes, and apart from it the number of those that are 1.
template <class T>
NUMLOSS_INLINE void add_exponentials(const T* e, int64_t n, T* others, T* ties) {
  constexpr int kWidth = kVectorBytes / int(sizeof(T));
  constexpr int kVectors = kLanes / kWidth;
  const Vector<T> zero = {}, one = zero + T(1);
  Vector<T> sums[kVectors] = {}, counts[kVectors] = {};
  for (int64_t k = 0; k < n; k += kLanes) {
#pragma GCC unroll 32
    for (int v = 0; v < kVectors; ++v) {
      const auto x = load_vector<Vector<T>>(e + k + v * kWidth);
      sums[v] += x == one ? zero : x;
      counts[v] += x == one ? one : zero;
    }
  }
  __builtin_memcpy(others, sums, sizeof(sums));
  __builtin_memcpy(ties, counts, sizeof(counts));
}

// Adds exp(x - origin) to others, or counts it in ties where it is 1; keeps the exponentials.
template <class T, bool kKeep>
NUMLOSS_INLINE void panel_exponentials(const T* x, int64_t steps, int lanes, const T* origin,
                                       T* others, T* ties, T* exponentials) {
  for (int64_t k = 0; k < steps; ++k) {
#pragma omp simd
    for (int i = 0; i < lanes; ++i) {
      const T e = exp_nonpositive(x[k * kLanes + i] - origin[i]);
      const bool tie = e == T(1);
      others[i] += tie ? T(0) : e;
      ties[i] += tie ? T(1) : T(0);
      if constexpr (kKeep) exponentials[k * kLanes + i] = e;
    }
  }
}

// A row without a possible class has maximum -inf: its exponentials are taken from 0, and are 0.
template <class T>
NUMLOSS_INLINE T origin_of(T maximum) {
  return maximum == -Real<T>::kInfinity ? T(0) : maximum;
}

template <class T>
struct Softmax {
  T maximum, rest;
  NUMLOSS_INLINE T log_sum() const { return log1p(rest < T(0) ? T(0) : rest); }
  NUMLOSS_INLINE T inverse() const {
    const T total = T(1) + rest;
    return total == T(0) ? T(0) : T(1) / total;
  }
};

// 1 - e / (1 + rest), without cancellation where e is the maximum's own 1.
template <class T>
NUMLOSS_INLINE T complement(T e, T rest, T inverse) {
  return e == T(1) ? rest * inverse : T(1) - e * inverse;
}

template <class T>
NUMLOSS_INLINE void exponentials(const T* x, int64_t n, T origin, T* e) {
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) e[k] = exp_nonpositive(x[k] - origin);
}

// One pass over a row: maximum and sum, tile by tile, each logit read once. After it, the maxima
// under which the tiles' exponentials were taken are in `origins`; `keep`, where it is not null, is
// the array that holds the exponentials themselves.
template <class T>
Softmax<T> fold_softmax(Row<T>& row, const Operand* keep, T* origins, auto&& each_tile) {
  T maximum = -Real<T>::kInfinity;
  double rest = -1;
  for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
    const T* x = row.logits(first);
    const int64_t n = row.steps(first) * kLanes;
    const T tile_maximum = row_maximum(x, n);
    double first_tie = 0;
    if (tile_maximum > maximum) {
      // What came before shrinks, and one of the ties that follow is the maximum itself.
      rest = (1 + rest) * double(exp_nonpositive(maximum - tile_maximum));
      maximum = tile_maximum;
      first_tie = 1;
    }
    const T origin = origin_of(maximum);
    origins[t] = origin;
    each_tile(first, x, origin);
    T* e = keep != nullptr ? row.output(*keep, first) : row.buffer();
    exponentials(x, n, origin, e);
    alignas(64) T others[kLanes], ties[kLanes];
    add_exponentials(e, n, others, ties);
    rest += (sum(ties, kLanes) - first_tie) + sum(others, kLanes);
  }
  return {maximum, T(rest)};
}

// The tile's exponentials again: kept where the gradient goes or in the buffer of a row of one
// tile, or taken anew (same bits).
template <class T>
const T* exponentials_again(Row<T>& row, const Operand& keep, int64_t first, T origin, T* buffer) {
  const T* kept = row.output(keep, first);
  if (row.is_direct(keep, first) || row.tile >= row.classes) return kept;
  exponentials(row.logits(first), row.steps(first) * kLanes, origin, buffer);
  return buffer;
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
