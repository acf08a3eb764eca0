// Scores of a row of numbers that stand for a distribution, the members of an ensemble or its
// quantiles, against the number that came true.
#include "columns.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// The integral of (F(z) - [z >= y])², F the distribution function of the m members (Gneiting &
// Raftery 2007, eq. 20): of the part of z between the k-th and the next member what lies below y
// counts (k/m)², what lies above it (1 - k/m)². Fair (Ferro 2014), these are k (k - 1) and
// (m - k)(m - k - 1) over m (m - 1); of a single member nothing is left to be fair about. All terms
// are at least 0. The derivative by a member is sign(x - y)/m less the number of members below it,
// less that of those above, over m² or m (m - 1); of equal numbers the sign is 0.

// What a number of members, and of pairs of them, are divided by.
template <class T>
struct Shares {
  T members, own;  // m; 1 where a member is no pair with itself, else 0
  T pairs;         // m (m - own)
  Shares(const double* parameters, int64_t m)
      : members(T(m)),
        own(parameters[0] != 0 && m > 1 ? T(1) : T(0)),
        pairs(members * (members - own)) {}
  // Of k members.
  NUMLOSS_INLINE T square(T k) const { return k * (k - own) / pairs; }
};

// Exchanges the numbers of two members of a strip, with the places that they came from, where they
// are out of order: a NaN stays.
template <bool kPlaces, class T>
NUMLOSS_INLINE void order(T* x, T* place, int64_t one, int64_t other) {
#pragma omp simd
  for (int i = 0; i < kStrip<T>; ++i) {
    const T a = x[one + i], b = x[other + i];
    const bool swap = b < a;
    x[one + i] = swap ? b : a;
    x[other + i] = swap ? a : b;
    if constexpr (kPlaces) {
      const T p = place[one + i], q = place[other + i];
      place[one + i] = swap ? q : p;
      place[other + i] = swap ? p : q;
    }
  }
}

// Sorts the members of each lane of a strip (Batcher's merge exchange: the same comparisons
// whatever the numbers).
template <bool kPlaces, class T>
[[gnu::noinline]] void sort_strip(T* x, T* place, int64_t members) {
  constexpr int kWidth = kStrip<T>;
  for (int bits = 0; int64_t(1) << bits < members; ++bits) {
    const int64_t run = int64_t(1) << bits;  // is sorted; two of them are merged
    for (int64_t step = run; step >= 1; step /= 2) {
      for (int64_t j = step & (run - 1); j + step < members; j += 2 * step) {
        const int64_t end = j + step < members - step ? j + step : members - step;
        for (int64_t k = j; k < end; ++k) {
          if (k >> (bits + 1) != (k + step) >> (bits + 1)) continue;
          order<kPlaces>(x, place, k * kWidth, (k + step) * kWidth);
        }
      }
    }
  }
}

// The values of a strip whose members x are sorted.
template <class T>
void score_strip(const T* x, const T* y, const Shares<T>& shares, int64_t members, T* value) {
  constexpr int kWidth = kStrip<T>;
  alignas(64) T total[kWidth], poison[kWidth];
  for (int i = 0; i < kWidth; ++i) {
    poison[i] = y[i];
    total[i] = T(0);
  }
  for (int64_t k = 0; k <= members; ++k) {
    const T* const last = x + (k > 0 ? k - 1 : 0) * kWidth;
    const T* const next = x + (k < members ? k : members - 1) * kWidth;
    const T below = shares.square(T(k)), above = shares.square(T(members - k));
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      // Of the part before the first member only what lies above y counts, and so on.
      const T from = k == 0 ? (y[i] < next[i] ? y[i] : next[i]) : last[i];
      const T to = k == members ? (y[i] > last[i] ? y[i] : last[i]) : next[i];
      const T cut = y[i] < from ? from : y[i] > to ? to : y[i];
      const T left = cut == from ? T(0) : cut - from, right = cut == to ? T(0) : to - cut;
      total[i] += term(below, left) + term(above, right);
      poison[i] = keep_nan(to, poison[i]);
    }
  }
  for (int i = 0; i < kWidth; ++i) value[i] = keep_nan(poison[i], total[i]);
}

// The slopes of a strip: `x` its sorted members, `place` where they came from, `first` room for as
// many numbers.
template <class T>
void slope_strip(const T* x, const T* place, T* first, const T* y, const T* coefficient,
                 const Shares<T>& shares, int64_t members, T* gradient) {
  constexpr int kWidth = kStrip<T>;
  alignas(64) T last[kWidth], poison[kWidth];
  for (int i = 0; i < kWidth; ++i) poison[i] = keep_nan(y[i], T(0));
  // How many members are below each.
  for (int64_t k = 0; k < members; ++k) {
    const int64_t at = k * kWidth, before = k == 0 ? 0 : at - kWidth;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const bool ties = (k > 0) & (x[at + i] == x[before + i]);
      first[at + i] = ties ? first[before + i] : T(k);
      poison[i] = keep_nan(x[at + i], poison[i]);
    }
  }
  const T factor = shares.members - shares.own;
  for (int64_t k = members - 1; k >= 0; --k) {
    const int64_t at = k * kWidth, after = k == members - 1 ? at : at + kWidth;
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const bool ties = (k < members - 1) & (x[at + i] == x[after + i]);
      last[i] = ties ? last[i] : T(k);
      const T side = x[at + i] > y[i] ? factor : x[at + i] < y[i] ? -factor : T(0);
      // Below: first; above: members - 1 - last.
      const T ahead = first[at + i] - ((shares.members - T(1)) - last[i]);
      const T slope = coefficient[i] * ((side - ahead) / shares.pairs);
      first[at + i] = keep_nan(poison[i], slope);
    }
  }
  for (int64_t k = 0; k < members * kWidth; k += kWidth) {
    for (int i = 0; i < kWidth; ++i) {
      gradient[int64_t(place[k + i]) * kWidth + i] = first[k + i];
    }
  }
}

template <class T>
void fill_hessian(const Panel<T>& panel, const T* gradient) {
  each_strip(panel, [&](int, int64_t at) {
    for (int64_t k = 0; k < panel.classes * kStrip<T>; ++k) {
      panel.hessian[at + k] = keep_nan(gradient[at + k], T(0));
    }
  });
}

template <class T>
void ensemble_panel(const Panel<T>& panel) {
  constexpr int kWidth = kStrip<T>;
  const int64_t members = panel.classes;
  const Shares<T> shares(panel.parameters, members);
  each_strip(panel, [&](int lane, int64_t at) {
    T* const x = panel.logits + at;
    if (panel.mode == kValue) {
      sort_strip<false, T>(x, nullptr, members);
      score_strip(x, panel.number + lane, shares, members, panel.value + lane);
      return;
    }
    T* const sorted = panel.scratch;
    T* const place = sorted + members * kWidth;
    T* const first = place + members * kWidth;
    for (int64_t k = 0; k < members * kWidth; ++k) {
      sorted[k] = x[k];
      place[k] = T(k / kWidth);
    }
    sort_strip<true>(sorted, place, members);
    score_strip(sorted, panel.number + lane, shares, members, panel.value + lane);
    slope_strip(sorted, place, first, panel.number + lane, panel.coefficient + lane, shares,
                members, x);
  });
  if ((panel.mode & kHessian) != 0) fill_hessian(panel, panel.logits);
}

// The mean over the levels q of max(q r, (q - 1) r) twice, r = y - x: with q_k = (k + 1/2)/m, which
// is meant where there are no levels, it is the score above of the quantiles (Broecker 2012).
template <class T>
void quantile_panel(const Panel<T>& panel) {
  constexpr int kWidth = kStrip<T>;
  const T share = T(2.0 / double(panel.classes));
  each_strip(panel, [&](int lane, int64_t at) {
    alignas(64) T value[kWidth] = {}, poison[kWidth];
    find_nan(panel, at, poison);
    const T* const y = panel.number + lane;
    const T* const coefficient = panel.coefficient + lane;
    for (int64_t k = 0; k < panel.classes; ++k) {
      const double q = panel.of_columns == nullptr ? (double(k) + 0.5) / double(panel.classes)
                                                   : panel.of_columns[k];
      const T under = T(q), over = T(1 - q);
      T* const x = panel.logits + at + k * kWidth;
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) {
        const T r = y[i] - x[i];
        value[i] += r > T(0) ? term(under, r) : keep_nan(r, term(over, -r));
        const T slope = r > T(0) ? T(0) - under : r < T(0) ? over : T(0);
        const T all = keep_nan(poison[i], keep_nan(r, coefficient[i] * (share * slope)));
        if (panel.mode != kValue) x[i] = all;
      }
    }
    for (int i = 0; i < kWidth; ++i) panel.value[lane + i] = share * value[i];
  });
  if ((panel.mode & kHessian) != 0) fill_hessian(panel, panel.logits);
}

}  // namespace

NUMLOSS_LOSS(CrpsEnsemble) = rows<1>("crps_ensemble", 2.0, []<class T>(T) -> RowFunctions<T> {
  return {ensemble_panel<T>, nullptr, {}, 3, false};
});
NUMLOSS_LOSS(CrpsQuantile) = rows<0>("crps_quantile", 0.2, []<class T>(T) -> RowFunctions<T> {
  return {quantile_panel<T>, nullptr, {}, 0, false};
});

}  // namespace numloss::NUMLOSS_ISA
