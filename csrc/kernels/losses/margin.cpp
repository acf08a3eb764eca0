// Losses over margins between class scores.
#include "../drivers/softmax.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// z_j = margin + s_j - s_y over the other classes; the sum of max(0, z_j) (Weston & Watkins 1999)
// or its maximum (Crammer & Singer 2001). The label's own score is set to -inf, out of the way.

template <class V>
NUMLOSS_INLINE V excess(V score, V label_score, V margin) {
  const V least = V{} - Real<Lane<V>>::kInfinity;
  return score == least ? score : margin + (score - label_score);
}

// A label that cannot happen costs infinity, since every other class exceeds it; where none does,
// no class can happen, and nothing can be told.
template <class T>
NUMLOSS_INLINE T without_possible_class(T total, T label_score, T poison) {
  const bool none = (label_score == -Real<T>::kInfinity) & (total == T(0));
  return none ? Real<T>::kNan : poison;
}

// What the lanes carry: for the sum, total and, where a gradient asks for it, number of active
// classes; for the maximum, its value and step. poison is NaN where a score was.
template <class T>
struct MarginLanes {
  alignas(64) T total[kLanes] = {}, best[kLanes] = {}, poison[kLanes] = {};
};

// Takes in z of the class `number`. kCounts: of the sum the active classes, of the maximum the
// first of the largest, too.
template <bool kSum, bool kCounts, class V>
NUMLOSS_INLINE void add_excess(V z, Lane<V> number, V& total, V& best, V& poison) {
  const V zero{}, one = zero + Lane<V>(1);
  if constexpr (kSum) {
    total += z < zero ? zero : z;  // a NaN is added
    if constexpr (kCounts) best += z > zero ? one : zero;
  } else {
    poison = z != z ? z : poison;
    if constexpr (kCounts) best = z > total ? zero + number : best;
    total = z > total ? z : total;
  }
}

// Classes between two requests for memory.
inline constexpr int64_t kAsked = 16;

// kCount strips side by side, which do not wait for each other.
template <bool kSum, bool kCounts, int kCount, class T>
NUMLOSS_INLINE void take_strips(const Panel<T>& panel, int lane, const T* label_score, T margin,
                                MarginLanes<T>& lanes) {
  using V = Vector<T>;
  constexpr int kWidth = kStrip<T>;
  const int64_t size = panel.classes * kWidth, begin = lane * panel.classes;
  const V slack = V{} + margin;
  V own[kCount], total[kCount] = {}, best[kCount] = {}, poison[kCount];
  each<kCount>([&](int j) {
    own[j] = load_vector<V>(label_score + lane + j * kWidth);
    poison[j] = load_vector<V>(lanes.poison + lane + j * kWidth);
  });
  for (int64_t c = 0; c < panel.classes; ++c) {
    if (c % kAsked == 0) {
      each<kCount>([&](int j) { panel.ask_ahead(begin + j * size + c * kWidth, kAsked * kWidth); });
    }
    each<kCount>([&](int j) {
      const V score = load_vector<V>(panel.logits + begin + j * size + c * kWidth);
      add_excess<kSum, kCounts>(excess(score, own[j], slack), T(c), total[j], best[j], poison[j]);
    });
  }
  each<kCount>([&](int j) {
    if constexpr (kSum) poison[j] = total[j] != total[j] ? total[j] : poison[j];
    store_vector(total[j], lanes.total + lane + j * kWidth);
    store_vector(best[j], lanes.best + lane + j * kWidth);
    store_vector(poison[j], lanes.poison + lane + j * kWidth);
  });
}

template <bool kSum, bool kCounts, class T>
[[gnu::noinline, gnu::flatten]] void take_panel_excesses(const Panel<T>& panel,
                                                         const T* label_score, T margin,
                                                         MarginLanes<T>& lanes) {
  int lane = 0;
  for (; lane + kStrip<T> < panel.rows; lane += 2 * kStrip<T>) {
    take_strips<kSum, kCounts, 2>(panel, lane, label_score, margin, lanes);
  }
  if (lane < panel.rows) take_strips<kSum, kCounts, 1>(panel, lane, label_score, margin, lanes);
}

// The derivatives of all classes but the label's. The Hessian is 0, NaN where the value is.
template <bool kSum, bool kHessian, class T>
[[gnu::noinline]] void take_margin_slopes(const Panel<T>& panel, const T* label_score, T margin,
                                          const MarginLanes<T>& lanes) {
  alignas(64) T curvature[kLanes];
  if constexpr (kHessian) {
#pragma omp simd
    for (int i = 0; i < whole(panel.lanes); ++i) curvature[i] = keep_nan(lanes.poison[i], T(0));
  }
  using V = Vector<T>;
  constexpr int kWidth = kStrip<T>;
  const V zero{}, slack = zero + margin;
  for (int lane = 0; lane < panel.rows; lane += kWidth) {
    const V own = load_vector<V>(label_score + lane), best = load_vector<V>(lanes.best + lane);
    const V poison = load_vector<V>(lanes.poison + lane);
    const V slope = load_vector<V>(panel.coefficient + lane);
    T* const strip = panel.logits + lane * panel.classes;
    for (int64_t c = 0; c < panel.classes; ++c) {
      const V z = excess(load_vector<V>(strip + c * kWidth), own, slack);
      V g = z > zero ? slope : zero;
      if constexpr (!kSum) g = best == zero + T(c) ? g : zero;
      store_vector(poison != poison ? poison : g, strip + c * kWidth);
      if constexpr (kHessian) {
        T* const hessian = panel.hessian + lane * panel.classes + c * kWidth;
        store_vector(load_vector<V>(curvature + lane), hessian);
      }
    }
  }
}

template <bool kSum, class T>
void margin_panel(const Panel<T>& panel) {
  const int lane_count = panel.lanes;
  const T margin = T(panel.parameters[0]);
  MarginLanes<T> lanes;
  alignas(64) T label_score[kLanes];
  for (int i = panel.rows; i < lane_count; ++i) label_score[i] = 0;
  for (int i = 0; i < panel.rows; ++i) {
    T& own = panel.logits[panel.place(i, panel.label[i])];
    label_score[i] = own;
    lanes.poison[i] = is_nan(own) ? own : T(0);
    own = -Real<T>::kInfinity;
  }
  const auto take = panel.mode == kValue ? take_panel_excesses<kSum, false, T>
                                         : take_panel_excesses<kSum, true, T>;
  take(panel, label_score, margin, lanes);
#pragma omp simd
  for (int i = 0; i < whole(lane_count); ++i) {
    lanes.poison[i] = without_possible_class(lanes.total[i], label_score[i], lanes.poison[i]);
    panel.value[i] = keep_nan(lanes.poison[i], lanes.total[i]);
  }
  if (panel.mode == kValue) return;
  const auto finish = (panel.mode & kHessian) != 0 ? take_margin_slopes<kSum, true, T>
                                                   : take_margin_slopes<kSum, false, T>;
  finish(panel, label_score, margin, lanes);
  for (int i = 0; i < panel.rows; ++i) {
    const T active = kSum ? lanes.best[i] : lanes.total[i] > T(0) ? T(1) : T(0);
    // 0 - x: no negative zero where no class is active.
    panel.logits[panel.place(i, panel.label[i])] =
        keep_nan(lanes.poison[i], T(0) - panel.coefficient[i] * active);
  }
}

// Of a row, up to some tile: the value, the number of active classes and the last NaN; for the
// maximum, its class, -1 where none is active.
template <class T>
struct Excesses {
  double total = 0, active = 0;
  T poison = 0;
  int64_t best = -1;
};

// A part of a row, whose sums stay in registers.
template <bool kCounts, class T>
NUMLOSS_INLINE void add_part(const TilePart<T>& part, T label_score, T margin, RowLanes<T>& total,
                             RowLanes<T>& active) {
  const Vector<T> zero = {}, one = zero + T(1), own = zero + label_score;
  const Vector<T> least = zero - Real<T>::kInfinity, slack = zero + margin;
  for (int64_t k = 0; k < part.steps * kLanes; k += kLanes) {
#pragma GCC unroll 32
    for (int i = 0; i < total.kVectors; ++i) {
      const auto score = load_vector<Vector<T>>(part.logits + k + i * total.kWidth);
      const auto z = score == least ? score : slack + (score - own);
      total.vector[i] += z < zero ? zero : z;  // a NaN is added
      if constexpr (kCounts) active.vector[i] += z > zero ? one : zero;
    }
  }
}

template <class T>
NUMLOSS_INLINE T keep_last_nan(const RowLanes<T>& lanes, T value) {
  T x[kLanes];
  __builtin_memcpy(x, lanes.vector, sizeof(x));
  for (int i = 0; i < kLanes; ++i) value = keep_nan(x[i], value);
  return value;
}

template <bool kCounts, class T>
[[gnu::noinline]] void add_tile(const TileParts<T>& parts, T own, T margin, Excesses<T>& all) {
  RowLanes<T> totals(0), counts(0);
  for (const TilePart<T>& part : parts) add_part<kCounts>(part, own, margin, totals, counts);
  const double total = sum(totals);
  all.total += total;
  if (is_nan(total)) all.poison = keep_last_nan(totals, all.poison);
  if constexpr (kCounts) all.active += sum(counts);
}

template <class T>
[[gnu::noinline]] void compare_tile(const TileParts<T>& parts, int64_t first, T own, T margin,
                                    Excesses<T>& all) {
  MarginLanes<T> lanes;
  for (const TilePart<T>& part : parts) {
    const T step = T((part.first - first) / kLanes);
    for (int64_t k = 0; k < part.steps; ++k) {
      const T* const x = part.logits + k * kLanes;
#pragma omp simd
      for (int i = 0; i < kLanes; ++i) {
        add_excess<false, true>(excess(x[i], own, margin), step + T(k), lanes.total[i],
                                lanes.best[i], lanes.poison[i]);
      }
    }
  }
  for (int i = 0; i < kLanes; ++i) all.poison = keep_nan(lanes.poison[i], all.poison);
  int64_t best = -1;
  T total = T(0);
  for (int i = 0; i < kLanes; ++i) {
    const int64_t c = first + int64_t(lanes.best[i]) * kLanes + i;
    const bool wins = lanes.total[i] > total || (best >= 0 && lanes.total[i] == total && c < best);
    total = wins ? lanes.total[i] : total;
    best = wins ? c : best;
  }
  if (double(total) > all.total) {
    all.total = double(total);
    all.best = best;
    all.active = 1;
  }
}

// The derivatives of a part of a row, the label's and that of the maximum aside.
template <bool kSum, class T>
[[gnu::noinline]] void finish_part(Row<T>& row, const TilePart<T>& part, T own, T margin,
                                   T poison) {
  T* gradient = row.output(row.task()[kGradients], part);
  const T* x = part.logits;
  const int64_t n = part.steps * kLanes;
  const T coefficient = row.coefficient;
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) {
    const T z = excess(x[k], own, margin);
    const bool active = kSum & (z > T(0));
    const T g = active ? coefficient : T(0);
    gradient[k] = keep_nan(poison, g);
  }
  row.write(row.task()[kGradients], part, gradient);
  if ((row.task().mode & kHessian) != 0) {
    T* hessian = row.second_output(row.task()[kHessians], part);
    for (int64_t k = 0; k < n; ++k) hessian[k] = keep_nan(poison, T(0));
    row.write(row.task()[kHessians], part, hessian);
  }
}

template <bool kSum, class T>
T margin_row(Row<T>& row) {
  const T margin = T(row.parameters[0]);
  const T own = row.logit(row.label);
  const bool value_alone = row.task().mode == kValue;
  Excesses<T> all;
  if (is_nan(own)) all.poison = own;
  for (int64_t first = 0; first < row.classes; first += row.tile) {
    const TileParts<T>& parts = row.load(first, true);
    if constexpr (!kSum) {
      compare_tile(parts, first, own, margin, all);
    } else if (value_alone) {
      add_tile<false>(parts, own, margin, all);
    } else {
      add_tile<true>(parts, own, margin, all);
    }
  }
  const T total = T(all.total), poison = without_possible_class(total, own, all.poison);
  const T value = keep_nan(poison, total);
  if (value_alone) return value;
  for (int64_t first = 0; first < row.classes; first += row.tile) {
    for (const TilePart<T>& part : row.load(first, true)) {
      finish_part<kSum>(row, part, own, margin, poison);
    }
  }
  row.write_one(row.task()[kGradients], row.label,
                keep_nan(poison, T(0) - row.coefficient * T(all.active)));
  if (all.best >= 0) {
    row.write_one(row.task()[kGradients], all.best, keep_nan(poison, row.coefficient));
  }
  return value;
}

template <bool kSum>
constexpr Entry margin(const char* name, double cost) {
  return rows<1>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {margin_panel<kSum, T>, margin_row<kSum, T>, {}, 0, false};
  });
}

}  // namespace

NUMLOSS_LOSS(WestonWatkins) = margin<true>("multiclass_hinge_weston_watkins", 0.3);
NUMLOSS_LOSS(CrammerSinger) = margin<false>("multiclass_hinge_crammer_singer", 0.3);

}  // namespace numloss::NUMLOSS_ISA
