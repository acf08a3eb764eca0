// What the losses over softmax(x) share: the maximum m of a row and the sum of exp(x - m) over the
// other classes ("rest"). Kept apart from the maximum's own 1, the sum keeps its digits when the
// prediction is confident: log p = x - m - log1p(rest), and 1 - p = rest / (1 + rest) there.
// A row without a possible class (all -inf) has no softmax: its rest, and all that follows, is NaN.
#pragma once

#include "rows.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// The largest logit of each row of a panel; a NaN is passed over.
template <class T>
[[gnu::noinline]] void take_maximum(const Panel<T>& panel, T* maximum) {
  const int lanes = panel.lanes;
  for (int i = 0; i < whole(lanes); ++i) maximum[i] = -Real<T>::kInfinity;
  each_steps(panel.classes, [=, x = panel.logits](int64_t k, auto count) {
    const T* const step = x + k * kLanes;
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) {
      T best = maximum[i];
#pragma GCC unroll 4
      for (int j = 0; j < count.value; ++j) {
        const T candidate = step[j * kLanes + i];
        best = candidate > best ? candidate : best;
      }
      maximum[i] = best;
    }
  });
}

// Exponentials added up, those that are 1 apart.
template <class T>
struct ExponentialSums {
  T others, ties;
  NUMLOSS_INLINE void add(T e) {
    if constexpr (kVectorBytes == 64) {  // has additions under a mask
      others = e == T(1) ? others : others + e;
      ties = e == T(1) ? ties + T(1) : ties;
    } else {
      const T one = truncate(e);
      others += e - one;
      ties += one;
    }
  }
};

// Adds exp(x - maximum) of one lane, kCount steps.
template <bool kKeep, int kCount, class T>
NUMLOSS_INLINE ExponentialSums<T> add_exponentials(const T* x, T maximum, ExponentialSums<T> sums,
                                                   T* exponentials) {
  T e[kCount];
  each<kCount>([&](int j) { e[j] = x[j * kLanes] - maximum; });
  exp_nonpositive(e);
  each<kCount>([&](int j) {
    if constexpr (kKeep) exponentials[j * kLanes] = e[j];
    sums.add(e[j]);
  });
  return sums;
}

// Those of a panel: their sum beside the maximum's own 1 goes to `rest`, they themselves where the
// logits are, if they are kept. Meanwhile memory is asked for that is written later.
template <class T, bool kKeep>
[[gnu::noinline]] void take_exponentials(const Panel<T>& panel, const T* maximum, T* rest) {
  const int lanes = panel.lanes;
  alignas(64) T others[kLanes] = {}, ties[kLanes] = {};
  each_steps(panel.classes, [&, x = panel.logits](int64_t k, auto count) {
    if (panel.later != nullptr) {
      fetch_ahead(panel.later + k * kLanes, count.value * kLanes * int64_t(sizeof(T)), 0);
    }
    T* const step = x + k * kLanes;
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) {
      const ExponentialSums<T> sums = add_exponentials<kKeep, count.value, T>(
          step + i, maximum[i], {others[i], ties[i]}, step + i);
      others[i] = sums.others;
      ties[i] = sums.ties;
    }
  });
#pragma omp simd
  for (int i = 0; i < whole(lanes); ++i) rest[i] = (ties[i] - T(1)) + others[i];
}

// A number for each lane of a row, in registers.
template <class T>
struct RowLanes {
  static constexpr int kWidth = kVectorBytes / int(sizeof(T));
  static constexpr int kVectors = kLanes / kWidth;
  Vector<T> vector[kVectors];
  explicit RowLanes(T x) {
    for (Vector<T>& v : vector) v = Vector<T>{} + x;
  }
};

// The larger of each lane and of the logits in it, n a multiple of kLanes; a NaN is passed over.
template <class T>
NUMLOSS_INLINE void row_maximum(const T* x, int64_t n, RowLanes<T>& best) {
  for (int64_t k = 0; k < n; k += kLanes) {
#pragma GCC unroll 32
    for (int v = 0; v < best.kVectors; ++v) {
      const auto candidate = load_vector<Vector<T>>(x + k + v * best.kWidth);
      best.vector[v] = candidate > best.vector[v] ? candidate : best.vector[v];
    }
  }
}

template <class T>
NUMLOSS_INLINE double sum(const RowLanes<T>& lanes) {
  alignas(64) T x[kLanes];
  __builtin_memcpy(x, lanes.vector, sizeof(x));
  return sum(x, kLanes);
}

// Exponentials of a tile without a possible class, up to which there was none either, are taken
// from 0, and are 0. (Those of a whole row or of a panel's are NaN: x - m is.)
template <class T>
NUMLOSS_INLINE T origin_of(T maximum) {
  return maximum == -Real<T>::kInfinity ? T(0) : maximum;
}

template <class T>
struct Softmax {
  T maximum, rest;
  NUMLOSS_INLINE T log_sum() const { return log1p(rest < T(0) ? T(0) : rest); }
  // -log p of a class with this logit.
  NUMLOSS_INLINE T surprisal(T logit) const {
    const T distance = maximum - logit;
    return log_sum() + (logit == -Real<T>::kInfinity ? Real<T>::kInfinity : distance);
  }
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

// Exponentials computed in step: as many as leave registers for the coefficients.
inline constexpr int kChains = kVectorBytes == 64 ? 4 : 2;

// exp(x - origin) of every (kLanes / kChains)-th lane of a step.
template <class T>
NUMLOSS_INLINE void lane_exponentials(const T* x, T origin, T* e) {
  constexpr int kStride = kLanes / kChains;
  T y[kChains];
  each<kChains>([&](int j) { y[j] = x[j * kStride] - origin; });
  exp_nonpositive(y);
  each<kChains>([&](int j) { e[j * kStride] = y[j]; });
}

// `distance`: how far ahead logits are asked for, 0: not at all.
template <class T>
NUMLOSS_INLINE void exponentials(const T* x, int64_t steps, T origin, T* e, int64_t distance = 0) {
  for (int64_t k = 0; k < steps * kLanes; k += kLanes) {
    if (distance != 0) fetch_ahead(x + k, kLanes * int64_t(sizeof(T)), distance);
#pragma omp simd
    for (int i = 0; i < kLanes / kChains; ++i) lane_exponentials(x + k + i, origin, e + k + i);
  }
}

// Sums of a row's exponentials.
template <class T>
struct RowSums {
  RowLanes<T> others{0}, ties{0};

  // Adds n exponentials, n a multiple of kLanes.
  NUMLOSS_INLINE void add(const T* e, int64_t n) {
    const Vector<T> zero = {}, one = zero + T(1);
    for (int64_t k = 0; k < n; k += kLanes) {
#pragma GCC unroll 32
      for (int v = 0; v < others.kVectors; ++v) {
        const auto x = load_vector<Vector<T>>(e + k + v * others.kWidth);
        others.vector[v] += x == one ? zero : x;
        ties.vector[v] += x == one ? one : zero;
      }
    }
  }
};

// Exponentials of a part of a row, added to its sums as they come, which takes 32 registers.
template <bool kKeep, class T>
NUMLOSS_INLINE void sum_exponentials(const T* x, int64_t steps, T origin, T* exponentials,
                                     int64_t distance, RowSums<T>& sums) {
  constexpr int kStride = kLanes / kChains;
  alignas(64) T others[kLanes], ties[kLanes];  // compilers keep them in registers
  __builtin_memcpy(others, sums.others.vector, sizeof(others));
  __builtin_memcpy(ties, sums.ties.vector, sizeof(ties));
  for (int64_t k = 0; k < steps * kLanes; k += kLanes) {
    if (distance != 0) fetch_ahead(x + k, kLanes * int64_t(sizeof(T)), distance);
    const T* const step = x + k;
#pragma omp simd
    for (int i = 0; i < kStride; ++i) {
      T e[kChains];
      each<kChains>([&](int j) { e[j] = step[i + j * kStride] - origin; });
      exp_nonpositive(e);
      each<kChains>([&](int j) {
        const int lane = i + j * kStride;
        if constexpr (kKeep) exponentials[k + lane] = e[j];
        ExponentialSums<T> sum{others[lane], ties[lane]};
        sum.add(e[j]);
        others[lane] = sum.others;
        ties[lane] = sum.ties;
      });
    }
  }
  __builtin_memcpy(sums.others.vector, others, sizeof(others));
  __builtin_memcpy(sums.ties.vector, ties, sizeof(ties));
}

// The largest logit of a tile; a NaN is passed over.
template <class T>
NUMLOSS_INLINE T tile_maximum(const Parts<T>& parts) {
  RowLanes<T> best(-Real<T>::kInfinity);
  for (const Part<T>& part : parts) row_maximum(part.logits, part.steps * kLanes, best);
  alignas(64) T lanes[kLanes];
  __builtin_memcpy(lanes, best.vector, sizeof(lanes));
  halve<kLanes / 2>(lanes, [](T a, T b) { return b > a ? b : a; });
  return lanes[0];
}

// What the classes of a row cost against a distribution, as its tiles come.
template <class T>
struct MassCosts {
  double total = 0, distance = 0;  // of the mass; of mass times distance from the origin
  T last_origin = 0;

  [[gnu::noinline]] void add_tile(Row<T>& row, const Parts<T>& parts, T origin) {
    row.load_mass(true);
    RowLanes<T> masses(0), costs(0);
    for (const Part<T>& part : parts) add_part(part, origin, masses, costs);
    // What came before is as much further from the maximum as the maximum rose.
    if (total != 0) distance += total * (double(origin) - double(last_origin));
    total += sum(masses);
    distance += sum(costs);
    last_origin = origin;
  }

 private:
  NUMLOSS_INLINE static void add_part(const Part<T>& part, T origin, RowLanes<T>& masses,
                                      RowLanes<T>& costs) {
    const Vector<T> zero = {}, from = zero + origin;
    for (int64_t k = 0; k < part.steps * kLanes; k += kLanes) {
#pragma GCC unroll 32
      for (int i = 0; i < masses.kVectors; ++i) {
        const int64_t at = k + i * masses.kWidth;
        const auto v = load_vector<Vector<T>>(part.mass + at);
        const auto x = load_vector<Vector<T>>(part.logits + at);
        masses.vector[i] += v;
        costs.vector[i] += v == zero ? zero : v * (from - x);
      }
    }
  }
};

// One pass over a row: maximum and sum, tile by tile, each logit read once. After it, the maxima
// under which the tiles' exponentials were taken are in `maxima`, and the exponentials themselves
// where `keep` goes, if it is given. `costs`: takes the mass of the tiles in, if it is given.
template <class T>
[[gnu::noinline]] Softmax<T> fold_softmax(Row<T>& row, const Operand* keep, T* maxima,
                                          MassCosts<T>* costs) {
  T maximum = -Real<T>::kInfinity;
  double rest = -1;
  for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
    const Parts<T>& parts = row.load(first);
    const T largest = tile_maximum(parts);
    double first_tie = 0;
    if (largest > maximum) {
      // What came before shrinks, and one of the ties that follow is the maximum itself.
      rest = t == 0 ? 0 : (1 + rest) * double(exp_nonpositive(maximum - largest));
      maximum = largest;
      first_tie = 1;
    }
    maxima[t] = maximum;
    const T origin = origin_of(maximum);
    if (costs != nullptr) costs->add_tile(row, parts, origin);
    RowSums<T> sums;
    for (const Part<T>& part : parts) {
      T* const e = keep != nullptr ? row.kept(*keep, part) : row.buffer();
      if constexpr (kVectorBytes < 64) {
        exponentials(part.logits, part.steps, origin, e, row.distance());
        sums.add(e, part.steps * kLanes);
      } else if (keep != nullptr) {
        sum_exponentials<true>(part.logits, part.steps, origin, e, row.distance(), sums);
      } else {
        sum_exponentials<false>(part.logits, part.steps, origin, e, row.distance(), sums);
      }
    }
    rest += (sum(sums.ties) - first_tie) + sum(sums.others);
  }
  return {maximum, maximum == -Real<T>::kInfinity ? Real<T>::kNan : T(rest)};
}

// Exponentials of a part again, and what they have to be multiplied by.
template <class T>
struct Kept {
  const T* e;
  T shrink;  // from the maximum up to that tile to the row's; 0 where no class was possible
};

// Where the gradient goes or another place that keeps them, or taken anew (same bits) into
// `buffer`.
template <class T>
[[gnu::noinline]] Kept<T> exponentials_again(Row<T>& row, const Part<T>& part, T tile_maximum,
                                             T maximum, bool kept, T* buffer) {
  const Operand& place = row.task()[kGradients];
  const T shrink = exp_nonpositive(tile_maximum - maximum);
  if (kept && row.keeps(place, part)) return {row.kept(place, part), shrink};
  exponentials(part.logits, part.steps, origin_of(tile_maximum), buffer);
  return {buffer, shrink};
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
