// The softmax of panels and of rows, compiled once per type.
#include "softmax.hpp"

namespace numloss::NUMLOSS_ISA {

namespace {

// Whether x comes before the highest score so far.
template <class T>
NUMLOSS_INLINE bool is_higher(T x, T score) {
  return (x > score) | (is_nan(x) & !is_nan(score));
}

}  // namespace

template <class T>
void take_highest(const Panel<T>& panel, Highest<T>& highest) {
  using Bits = typename Real<T>::Bits;
  constexpr int kWidth = kStrip<T>;
  each_strip(panel, [&](int lane, int64_t at) {
    T* const score = highest.score + lane;
    Bits* const place = highest.place + lane;
    for (int i = 0; i < kWidth; ++i) {
      score[i] = panel.logits[at + i];
      place[i] = 0;
    }
    for (int64_t c = 1; c < panel.classes; ++c) {
      const T* const step = panel.logits + at + c * kWidth;
#pragma omp simd
      for (int i = 0; i < kWidth; ++i) {
        const bool higher = is_higher(step[i], score[i]);
        score[i] = higher ? step[i] : score[i];
        place[i] = higher ? Bits(c) : place[i];
      }
    }
  });
}

namespace {

// The highest of some steps of scores; a NaN, where there is one.
template <class T>
NUMLOSS_INLINE T highest_of_steps(const T* x, int64_t n) {
  RowLanes<T> best(-Real<T>::kInfinity);
  for (int64_t k = 0; k < n; k += kLanes) {
#pragma GCC unroll 32
    for (int v = 0; v < best.kVectors; ++v) {
      const auto score = load_vector<Vector<T>>(x + k + v * best.kWidth);
      // Of a NaN no comparison holds, so that one stays once it is there.
      best.vector[v] = ((score > best.vector[v]) | (score != score)) ? score : best.vector[v];
    }
  }
  alignas(64) T lanes[kLanes];
  __builtin_memcpy(lanes, best.vector, sizeof(lanes));
  halve<kLanes / 2>(lanes, [](T a, T b) { return is_higher(b, a) ? b : a; });
  return lanes[0];
}

// Where the highest score is, or the first NaN, if it is one: step by step, then within one.
template <class T>
int64_t place_of(T highest, const T* x) {
  const auto is_it = [highest](T score) { return (score == highest) | is_nan(score); };
  int64_t place = 0;
  for (int hits = 0;; place += kLanes) {
#pragma omp simd reduction(+ : hits)
    for (int i = 0; i < kLanes; ++i) hits += int(is_it(x[place + i]));
    if (hits != 0) break;
  }
  while (!is_it(x[place])) ++place;
  return place;
}

}  // namespace

template <class T>
HighestOfRow<T> highest_of_row(const Operand& operand, const char* from, int64_t classes) {
  constexpr int kPiece = 8 * kLanes;
  alignas(64) T copy[kPiece];
  HighestOfRow<T> highest{-Real<T>::kInfinity, 0};
  const int64_t stride = operand.class_stride;
  for (int64_t first = 0; first < classes; first += kPiece) {
    const int n = int(classes - first < kPiece ? classes - first : kPiece);
    const char* const lies = from + first * stride;
    const T* x = reinterpret_cast<const T*>(lies);
    if (n < kPiece || !in_place<T>(operand, lies, stride)) {
      copy_in(operand, lies, stride, n, copy);
      for (int i = n; i % kLanes != 0; ++i) copy[i] = -Real<T>::kInfinity;
      x = copy;
    }
    const T best = highest_of_steps(x, whole_steps(n));
    if (!is_higher(best, highest.score)) continue;
    highest = {best, first + place_of(best, x)};
    if (is_nan(best)) break;
  }
  return highest;
}

namespace {

// Exponentials added up, those that are 1 apart.
template <class V>
struct ExponentialSums {
  V others, ties;
  NUMLOSS_INLINE void add(V e) {
    const V one = V{} + Lane<V>(1);
    if constexpr (kVectorBytes == 64) {  // has additions under a mask
      others = e == one ? others : others + e;
      ties = e == one ? ties + one : ties;
    } else {
      const V tie = truncate(e);
      others += e - tie;
      ties += tie;
    }
  }
};

// Adds exp(x - maximum) of kCount classes of a strip.
template <bool kKeep, int kCount, class T>
NUMLOSS_INLINE void add_exponentials(T* x, Vector<T> maximum, ExponentialSums<Vector<T>>& sums) {
  Vector<T> e[kCount];
  each<kCount>([&](int j) { e[j] = load_vector<Vector<T>>(x + j * kStrip<T>) - maximum; });
  exp_nonpositive(e);
  each<kCount>([&](int j) {
    if constexpr (kKeep) store_vector(e[j], x + j * kStrip<T>);
    sums.add(e[j]);
  });
}

// Exponentials computed in step: as many as the scheduler of a CPU finds work for.
template <class T>
inline constexpr int kInStep = sizeof(T) == 4 ? 5 : 4;

}  // namespace

// Flat: a lambda that is called would have its vectors in memory.
template <class T, bool kKeep>
[[gnu::flatten]] void take_exponentials(const Panel<T>& panel) {
  using V = Vector<T>;
  constexpr int kStep = kInStep<T>, kWidth = kStrip<T>;
  const int64_t classes = panel.classes;
  for (int lane = 0; lane < panel.rows; lane += kWidth) {
    const V origin = load_vector<V>(panel.maximum + lane);
    T* x = panel.logits + lane * classes;
    const T* const end = x + classes * kWidth;
    ExponentialSums<V> sums{};
    for (; x + kStep * kWidth <= end; x += kStep * kWidth) {
      panel.ask_ahead(x - panel.logits, kStep * kWidth);
      add_exponentials<kKeep, kStep>(x, origin, sums);
    }
    if (kStep > 4 && x + 4 * kWidth <= end) {
      add_exponentials<kKeep, 4>(x, origin, sums);
      x += 4 * kWidth;
    }
    if (x + 2 * kWidth <= end) {
      add_exponentials<kKeep, 2>(x, origin, sums);
      x += 2 * kWidth;
    }
    if (x < end) add_exponentials<kKeep, 1>(x, origin, sums);
    store_vector((sums.ties - T(1)) + sums.others, panel.rest + lane);
  }
}

namespace {

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
NUMLOSS_INLINE T tile_maximum(const TileParts<T>& parts) {
  RowLanes<T> best(-Real<T>::kInfinity);
  for (const TilePart<T>& part : parts) row_maximum(part.logits, part.steps * kLanes, best);
  alignas(64) T lanes[kLanes];
  __builtin_memcpy(lanes, best.vector, sizeof(lanes));
  halve<kLanes / 2>(lanes, [](T a, T b) { return b > a ? b : a; });
  return lanes[0];
}

// A part of a row against its portions.
template <class T>
NUMLOSS_INLINE void add_costs(const TilePart<T>& part, T origin, RowLanes<T>& portions,
                              RowLanes<T>& costs) {
  const Vector<T> zero = {}, from = zero + origin;
  for (int64_t k = 0; k < part.steps * kLanes; k += kLanes) {
#pragma GCC unroll 32
    for (int i = 0; i < portions.kVectors; ++i) {
      const int64_t at = k + i * portions.kWidth;
      const auto v = load_vector<Vector<T>>(part.portion + at);
      const auto x = load_vector<Vector<T>>(part.logits + at);
      portions.vector[i] += v;
      costs.vector[i] += v == zero ? zero : v * (from - x);
    }
  }
}

template <class T>
[[gnu::noinline]] void add_costs(Row<T>& row, const TileParts<T>& parts, T origin,
                                 PortionCosts<T>& all) {
  row.load_portions(true);
  RowLanes<T> portions(0), costs(0);
  for (const TilePart<T>& part : parts) add_costs(part, origin, portions, costs);
  // What came before is as much further from the maximum as the maximum rose.
  if (all.total != 0) all.distance += all.total * (double(origin) - double(all.last_origin));
  all.total += sum(portions);
  all.distance += sum(costs);
  all.last_origin = origin;
}

}  // namespace

template <class T>
Softmax<T> softmax_of_row(Row<T>& row, const Operand* keep, T* maxima, PortionCosts<T>* costs) {
  T maximum = -Real<T>::kInfinity;
  double rest = -1;
  for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
    const TileParts<T>& parts = row.load(first);
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
    if (costs != nullptr) add_costs(row, parts, origin, *costs);
    RowSums<T> sums;
    for (const TilePart<T>& part : parts) {
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
  row.maximum = maximum;
  row.rest = maximum == -Real<T>::kInfinity ? Real<T>::kNan : T(rest);
  return {row.maximum, row.rest};
}

template <class T>
Kept<T> exponentials_again(Row<T>& row, const TilePart<T>& part, T tile_maximum, T maximum,
                           bool kept, T* buffer) {
  const Operand& place = row.task()[kGradients];
  const T shrink = exp_nonpositive(tile_maximum - maximum);
  if (kept && row.keeps(place, part)) return {row.kept(place, part), shrink};
  exponentials(part.logits, part.steps, origin_of(tile_maximum), buffer);
  return {buffer, shrink};
}

#define NUMLOSS_SOFTMAX(T)                                                           \
  template void take_highest(const Panel<T>&, Highest<T>&);                          \
  template HighestOfRow<T> highest_of_row(const Operand&, const char*, int64_t);     \
  template void take_exponentials<T, false>(const Panel<T>&);                        \
  template void take_exponentials<T, true>(const Panel<T>&);                         \
  template Softmax<T> softmax_of_row(Row<T>&, const Operand*, T*, PortionCosts<T>*); \
  template Kept<T> exponentials_again(Row<T>&, const TilePart<T>&, T, T, bool, T*)
NUMLOSS_SOFTMAX(float);
NUMLOSS_SOFTMAX(double);

}  // namespace numloss::NUMLOSS_ISA
