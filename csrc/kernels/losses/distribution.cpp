// Losses of softmax(x) against a distribution over the classes.
#include "../drivers/softmax.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Losses linear in log softmax(x): sum_c v_c (logsumexp(x) - x_c), v the target's portions (weights
// and smoothing included), plus the entropy sum q log q of the divergence, which is 0 where none is
// asked for. Gradient V p - v with V = sum v.

// v (m - x); a class whose portion is 0 costs nothing, even one that cannot happen.
template <class V>
NUMLOSS_INLINE V cost_of_portion(V portion, V origin, V x) {
  return portion == V{} ? V{} : portion * (origin - x);
}

// V p - v; where p is the maximum's (e = 1) and above 1/2, without its cancellation. Below 1/2 it
// is the other form that would cancel.
template <class V>
NUMLOSS_INLINE V portion_slope(V e, V total, V portion, V rest, V inverse) {
  const V one = V{} + Lane<V>(1);
  const V usual = total * (e * inverse) - portion;
  const V at_maximum = (total - portion) - total * (rest * inverse);
  return ((e == one) & (rest < one)) ? at_maximum : usual;
}

// The portions of all classes to total, and what they cost, if that is wanted, to distance. A run
// at a time: in one sum the roundings of equal portions, which smoothing makes, would add up.
template <bool kCosts, class T>
[[gnu::noinline]] void add_all_portions(const Panel<T>& panel, const T* origin, T* total,
                                        T* distance) {
  using V = Vector<T>;
  constexpr int64_t kRun = 16 * kStrip<T>;
  for (int lane = 0; lane < panel.rows; lane += kStrip<T>) {
    const V from = load_vector<V>(origin + lane);
    const int64_t begin = lane * panel.classes, end = begin + panel.classes * kStrip<T>;
    V sum{}, costs{};
    for (int64_t first = begin; first < end; first += kRun) {
      const int64_t last = end - first < kRun ? end : first + kRun;
      V run{}, run_costs{};
      if (panel.portion_ahead != nullptr) {
        fetch_ahead(panel.portion_ahead + first, (last - first) * int64_t(sizeof(T)), 0);
      }
      for (int64_t k = first; k < last; k += kStrip<T>) {
        const V portion = load_vector<V>(panel.portion + k);
        run += portion;
        if constexpr (kCosts) {
          run_costs += cost_of_portion(portion, from, load_vector<V>(panel.logits + k));
        }
      }
      sum += run;
      costs += run_costs;
    }
    store_vector(sum, total + lane);
    if constexpr (kCosts) store_vector(costs, distance + lane);
  }
}

template <bool kHessian, class T>
[[gnu::noinline]] void take_portion_slopes(const Panel<T>& panel, const T* total, const T* rest,
                                           const T* inverse) {
  using V = Vector<T>;
  for (int lane = 0; lane < panel.rows; lane += kStrip<T>) {
    const V k = load_vector<V>(panel.coefficient + lane), all = load_vector<V>(total + lane);
    const V others = load_vector<V>(rest + lane), scale = load_vector<V>(inverse + lane);
    const int64_t begin = lane * panel.classes, end = begin + panel.classes * kStrip<T>;
    for (int64_t c = begin; c < end; c += kStrip<T>) {
      const V e = load_vector<V>(panel.logits + c), portion = load_vector<V>(panel.portion + c);
      store_vector(k * portion_slope(e, all, portion, others, scale), panel.logits + c);
      if constexpr (kHessian) {
        store_vector(k * all * (e * scale) * complement(e, others, scale), panel.hessian + c);
      }
    }
  }
}

template <class T>
void distribution_panel(const Panel<T>& panel) {
  const int lanes = panel.lanes;
  const unsigned mode = panel.mode;
  const T *const maximum = panel.maximum, *const rest = panel.rest;
  alignas(64) T total[kLanes] = {}, distance[kLanes] = {};
  const auto add = (mode & kValue) != 0 ? add_all_portions<true, T> : add_all_portions<false, T>;
  add(panel, maximum, total, distance);
  const auto take = mode == kValue ? take_exponentials<T, false> : take_exponentials<T, true>;
  take(panel);
  if ((mode & kValue) != 0) {
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) {
      const T value = total[i] * Softmax<T>{maximum[i], rest[i]}.log_sum() + distance[i];
      panel.value[i] = value + panel.entropy[i];
    }
  }
  if (mode == kValue) return;
  alignas(64) T inverse[kLanes];
#pragma omp simd
  for (int i = 0; i < whole(lanes); ++i) inverse[i] = Softmax<T>{maximum[i], rest[i]}.inverse();
  const auto finish =
      (mode & kHessian) != 0 ? take_portion_slopes<true, T> : take_portion_slopes<false, T>;
  finish(panel, total, rest, inverse);
}

// What the derivatives of a row's classes are made of.
template <class T>
struct RowPortions {
  Softmax<T> softmax;
  T inverse, total;
  bool kept;  // the exponentials
};

// The derivatives of a part of a row.
template <class T>
[[gnu::noinline]] void finish_part(Row<T>& row, const TilePart<T>& part, T tile_maximum,
                                   const RowPortions<T>& of_row) {
  const T rest = of_row.softmax.rest, inverse = of_row.inverse, total = of_row.total;
  T* gradient = row.output(row.task()[kGradients], part);
  const Kept<T> kept =
      exponentials_again(row, part, tile_maximum, of_row.softmax.maximum, of_row.kept, gradient);
  const T* const e = kept.e;
  const T shrink = kept.shrink, coefficient = row.coefficient;
  const int64_t n = part.steps * kLanes;
  if ((row.task().mode & kHessian) != 0) {
    T* hessian = row.second_output(row.task()[kHessians], part);
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) {
      const T share = e[k] * shrink;
      hessian[k] = coefficient * total * (share * inverse) * complement(share, rest, inverse);
    }
    row.write(row.task()[kHessians], part, hessian);
  }
  const T* const portion = part.portion;
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) {
    gradient[k] = coefficient * portion_slope(e[k] * shrink, total, portion[k], rest, inverse);
  }
  row.write(row.task()[kGradients], part, gradient);
}

template <class T>
T distribution_row(Row<T>& row) {
  T maxima[kMostTiles];
  const unsigned mode = row.task().mode;
  // The exponentials are taken twice where the logits must stay, to tell in the second pass which
  // classes cannot happen.
  const bool keeps = mode != kValue && row.portions_outlast_logits();
  PortionCosts<T> costs;
  const Softmax<T> s =
      softmax_of_row(row, keeps ? &row.task()[kGradients] : nullptr, maxima, &costs);
  const T value = T(costs.total * double(s.log_sum()) + costs.distance + row.sums.entropy);
  if (mode == kValue) return value;
  const RowPortions<T> of_row{s, s.inverse(), T(costs.total), keeps};
  for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
    const TileParts<T>& parts = row.load(first);
    row.load_portions(false);
    for (const TilePart<T>& part : parts) finish_part(row, part, maxima[t], of_row);
  }
  return value;
}

constexpr Entry distribution(const char* name, double cost, bool entropy) {
  return rows<0>(name, cost, [entropy]<class T>(T) -> RowFunctions<T> {
    return {distribution_panel<T>, distribution_row<T>, {}, 0, entropy};
  });
}

}  // namespace

NUMLOSS_LOSS(CrossEntropyDistribution) = distribution("cross_entropy_distribution", 1.0, false);
NUMLOSS_LOSS(KlDivergence) = distribution("kl_divergence", 1.5, true);

}  // namespace numloss::NUMLOSS_ISA
