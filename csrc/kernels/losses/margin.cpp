// Losses over margins between class scores.
#include "../drivers/softmax.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// z_j = margin + s_j - s_y over the other classes; the sum of max(0, z_j) (Weston & Watkins 1999)
// or its maximum (Crammer & Singer 2001); kSquared: of squares. The label's own score is set to
// -inf, out of the way. Parameters: the margin, the power 1 or 2, whether to divide by the classes.

// What value and derivatives of a row are divided by.
template <class T>
NUMLOSS_INLINE T divisor_of(const double* parameters, int64_t classes) {
  return parameters[2] != 0 ? T(classes) : T(1);
}

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

// What the lanes carry: for the sum, total and, where a gradient asks for it, the label's slope,
// the number of active classes or of squares half of the slope; for the maximum, its value and
// step. poison is NaN where a score was.
template <class T>
struct MarginLanes {
  alignas(64) T total[kLanes] = {}, best[kLanes] = {}, poison[kLanes] = {};
};

// Takes in z of the class `number`. kCounts: of the sum the label's slope, of the maximum the first
// of the largest, too.
template <bool kSum, bool kSquared, bool kCounts, class V>
NUMLOSS_INLINE void add_excess(V z, Lane<V> number, V& total, V& best, V& poison) {
  const V zero{}, one = zero + Lane<V>(1);
  if constexpr (kSum) {
    const V beyond = z < zero ? zero : z;  // a NaN is added
    total += kSquared ? beyond * beyond : beyond;
    if constexpr (kCounts) best += kSquared ? beyond : z > zero ? one : zero;
  } else {
    poison = z != z ? z : poison;
    if constexpr (kCounts) best = z > total ? zero + number : best;
    total = z > total ? z : total;
  }
}

// Classes between two requests for memory.
inline constexpr int64_t kAsked = 16;

// kCount strips side by side, which do not wait for each other.
template <bool kSum, bool kSquared, bool kCounts, int kCount, class T>
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
      add_excess<kSum, kSquared, kCounts>(excess(score, own[j], slack), T(c), total[j], best[j],
                                          poison[j]);
    });
  }
  each<kCount>([&](int j) {
    if constexpr (kSum) poison[j] = total[j] != total[j] ? total[j] : poison[j];
    store_vector(total[j], lanes.total + lane + j * kWidth);
    store_vector(best[j], lanes.best + lane + j * kWidth);
    store_vector(poison[j], lanes.poison + lane + j * kWidth);
  });
}

template <bool kSum, bool kSquared, bool kCounts, class T>
[[gnu::noinline, gnu::flatten]] void take_panel_excesses(const Panel<T>& panel,
                                                         const T* label_score, T margin,
                                                         MarginLanes<T>& lanes) {
  int lane = 0;
  for (; lane + kStrip<T> < panel.rows; lane += 2 * kStrip<T>) {
    take_strips<kSum, kSquared, kCounts, 2>(panel, lane, label_score, margin, lanes);
  }
  if (lane < panel.rows) {
    take_strips<kSum, kSquared, kCounts, 1>(panel, lane, label_score, margin, lanes);
  }
}

// The derivatives of all classes but the label's. The Hessian is 0 or of squares 2 for an active
// class, NaN where the value is; their sum goes to `curvature`.
template <bool kSum, bool kSquared, bool kHessian, class T>
[[gnu::noinline]] void take_margin_slopes(const Panel<T>& panel, const T* label_score, T margin,
                                          const MarginLanes<T>& lanes, T* curvature) {
  using V = Vector<T>;
  constexpr int kWidth = kStrip<T>;
  const V zero{}, slack = zero + margin;
  for (int lane = 0; lane < panel.rows; lane += kWidth) {
    const V own = load_vector<V>(label_score + lane), best = load_vector<V>(lanes.best + lane);
    const V poison = load_vector<V>(lanes.poison + lane);
    const V slope = load_vector<V>(panel.coefficient + lane), twice = T(2) * slope;
    T* const strip = panel.logits + lane * panel.classes;
    V sum{};
    for (int64_t c = 0; c < panel.classes; ++c) {
      const V z = excess(load_vector<V>(strip + c * kWidth), own, slack);
      V g = z > zero ? (kSquared ? twice * z : slope) : zero;
      if constexpr (!kSum) g = best == zero + T(c) ? g : zero;
      store_vector(poison != poison ? poison : g, strip + c * kWidth);
      if constexpr (kHessian) {
        V h = zero;
        if constexpr (kSquared) h = z > zero ? twice : zero;
        if constexpr (!kSum) h = best == zero + T(c) ? h : zero;
        sum += h;
        T* const hessian = panel.hessian + lane * panel.classes + c * kWidth;
        store_vector(poison != poison ? poison : h, hessian);
      }
    }
    if constexpr (kHessian) store_vector(poison != poison ? poison : sum, curvature + lane);
  }
}

template <bool kSum, bool kSquared, class T>
void margin_panel_of(const Panel<T>& of_sums) {
  const int lane_count = of_sums.lanes;
  const T divisor = divisor_of<T>(of_sums.parameters, of_sums.classes);
  alignas(64) T coefficient[kLanes];
  Panel<T> panel = of_sums;
  panel.coefficient = coefficient;
#pragma omp simd
  for (int i = 0; i < whole(lane_count); ++i) coefficient[i] = of_sums.coefficient[i] / divisor;
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
  const auto take = panel.mode == kValue ? take_panel_excesses<kSum, kSquared, false, T>
                                         : take_panel_excesses<kSum, kSquared, true, T>;
  take(panel, label_score, margin, lanes);
#pragma omp simd
  for (int i = 0; i < whole(lane_count); ++i) {
    const T total = lanes.total[i], power = kSquared && !kSum ? total * total : total;
    lanes.poison[i] = without_possible_class(total, label_score[i], lanes.poison[i]);
    panel.value[i] = keep_nan(lanes.poison[i], power / divisor);
  }
  if (panel.mode == kValue) return;
  alignas(64) T curvature[kLanes];
  const auto finish = (panel.mode & kHessian) != 0 ? take_margin_slopes<kSum, kSquared, true, T>
                                                   : take_margin_slopes<kSum, kSquared, false, T>;
  finish(panel, label_score, margin, lanes, curvature);
  for (int i = 0; i < panel.rows; ++i) {
    const T active = kSum                    ? lanes.best[i]
                     : kSquared              ? lanes.total[i]
                     : lanes.total[i] > T(0) ? T(1)
                                             : T(0);
    const T slope = kSquared ? T(2) * active : active;
    const int64_t own = panel.place(i, panel.label[i]);
    // 0 - x: no negative zero where no class is active.
    panel.logits[own] = keep_nan(lanes.poison[i], T(0) - panel.coefficient[i] * slope);
    if (kSquared && (panel.mode & kHessian) != 0) panel.hessian[own] = curvature[i];
  }
}

template <bool kSum, class T>
void margin_panel(const Panel<T>& panel) {
  const auto panel_of =
      panel.parameters[1] == 2 ? margin_panel_of<kSum, true, T> : margin_panel_of<kSum, false, T>;
  panel_of(panel);
}

// Of a row, up to some tile: the total, the label's slope (of squares half of it) and the last NaN;
// for the maximum, its class, -1 where none is active.
template <class T>
struct Excesses {
  double total = 0, slope = 0;
  T poison = 0;
  int64_t best = -1;
};

// A part of a row, whose sums stay in registers.
template <bool kSquared, bool kCounts, class T>
NUMLOSS_INLINE void add_part(const TilePart<T>& part, T label_score, T margin, RowLanes<T>& total,
                             RowLanes<T>& slope) {
  const Vector<T> zero = {}, one = zero + T(1), own = zero + label_score;
  const Vector<T> least = zero - Real<T>::kInfinity, slack = zero + margin;
  for (int64_t k = 0; k < part.steps * kLanes; k += kLanes) {
#pragma GCC unroll 32
    for (int i = 0; i < total.kVectors; ++i) {
      const auto score = load_vector<Vector<T>>(part.logits + k + i * total.kWidth);
      const auto z = score == least ? score : slack + (score - own);
      const auto beyond = z < zero ? zero : z;  // a NaN is added
      total.vector[i] += kSquared ? beyond * beyond : beyond;
      if constexpr (kCounts) slope.vector[i] += kSquared ? beyond : z > zero ? one : zero;
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

template <bool kSquared, bool kCounts, class T>
[[gnu::noinline]] void add_tile(const TileParts<T>& parts, T own, T margin, Excesses<T>& all) {
  RowLanes<T> totals(0), slopes(0);
  for (const TilePart<T>& part : parts) {
    add_part<kSquared, kCounts>(part, own, margin, totals, slopes);
  }
  const double total = sum(totals);
  all.total += total;
  if (is_nan(total)) all.poison = keep_last_nan(totals, all.poison);
  if constexpr (kCounts) all.slope += sum(slopes);
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
        add_excess<false, false, true>(excess(x[i], own, margin), step + T(k), lanes.total[i],
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
  }
}

// The derivatives of a part of a row, the label's and that of the maximum aside; returns the sum of
// the second ones.
template <bool kSum, bool kSquared, class T>
[[gnu::noinline]] double finish_part(Row<T>& row, const TilePart<T>& part, T own, T margin,
                                     T coefficient, T poison) {
  T* gradient = row.output(row.task()[kGradients], part);
  const T* x = part.logits;
  const int64_t n = part.steps * kLanes;
  double curvature = 0;
  if ((row.task().mode & kHessian) != 0) {
    T* hessian = row.second_output(row.task()[kHessians], part);
    alignas(64) T sums[kLanes] = {};
    for (int64_t k = 0; k < n; k += kLanes) {
#pragma omp simd
      for (int i = 0; i < kLanes; ++i) {
        const bool curved = kSum & kSquared & (excess(x[k + i], own, margin) > T(0));
        const T h = curved ? T(2) * coefficient : T(0);
        sums[i] += h;
        hessian[k + i] = keep_nan(poison, h);
      }
    }
    row.write(row.task()[kHessians], part, hessian);
    curvature = sum(sums, kLanes);
  }
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) {
    const T z = excess(x[k], own, margin);
    const bool active = kSum & (z > T(0));
    const T g = active ? (kSquared ? T(2) * coefficient * z : coefficient) : T(0);
    gradient[k] = keep_nan(poison, g);
  }
  row.write(row.task()[kGradients], part, gradient);
  return curvature;
}

template <bool kSum, bool kSquared, class T>
T margin_row_of(Row<T>& row) {
  const T margin = T(row.parameters[0]);
  const T divisor = divisor_of<T>(row.parameters, row.classes);
  const T own = row.logit(row.label);
  const unsigned mode = row.task().mode;
  Excesses<T> all;
  if (is_nan(own)) all.poison = own;
  for (int64_t first = 0; first < row.classes; first += row.tile) {
    const TileParts<T>& parts = row.load(first, true);
    if constexpr (!kSum) {
      compare_tile(parts, first, own, margin, all);
    } else if (mode == kValue) {
      add_tile<kSquared, false>(parts, own, margin, all);
    } else {
      add_tile<kSquared, true>(parts, own, margin, all);
    }
  }
  if (all.best >= 0) all.slope = kSquared ? all.total : 1;
  const T total = T(all.total), poison = without_possible_class(total, own, all.poison);
  const T value = keep_nan(poison, (kSquared && !kSum ? total * total : total) / divisor);
  if (mode == kValue) return value;
  const T coefficient = row.coefficient / divisor;
  double curvature = 0;
  for (int64_t first = 0; first < row.classes; first += row.tile) {
    for (const TilePart<T>& part : row.load(first, true)) {
      curvature += finish_part<kSum, kSquared>(row, part, own, margin, coefficient, poison);
    }
  }
  const T slope = kSquared ? T(2) * coefficient * T(all.slope) : coefficient * T(all.slope);
  row.write_one(row.task()[kGradients], row.label, keep_nan(poison, T(0) - slope));
  if (all.best >= 0) {
    row.write_one(row.task()[kGradients], all.best, keep_nan(poison, slope));
    curvature = kSquared ? double(T(2) * coefficient) : 0;
  }
  if (kSquared && (mode & kHessian) != 0) {
    row.write_one(row.task()[kHessians], row.label, keep_nan(poison, T(curvature)));
    if (all.best >= 0) {
      row.write_one(row.task()[kHessians], all.best, keep_nan(poison, T(curvature)));
    }
  }
  return value;
}

template <bool kSum, class T>
T margin_row(Row<T>& row) {
  const bool squared = row.parameters[1] == 2;
  return squared ? margin_row_of<kSum, true>(row) : margin_row_of<kSum, false>(row);
}

template <bool kSum>
constexpr Entry margin(const char* name, double cost) {
  return rows<3>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {margin_panel<kSum, T>, margin_row<kSum, T>, {}, 0, false};
  });
}

}  // namespace

NUMLOSS_LOSS(WestonWatkins) = margin<true>("multiclass_hinge_weston_watkins", 0.3);
NUMLOSS_LOSS(CrammerSinger) = margin<false>("multiclass_hinge_crammer_singer", 0.3);

}  // namespace numloss::NUMLOSS_ISA
