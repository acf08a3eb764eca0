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

// What z-losses add: p times the slope to a derivative, p (1 - p) times that and p² times the bend
// to a second one.
template <class T>
struct ZSlopes {
  alignas(64) T slope[kLanes], bend[kLanes];
};

// Adds z-losses to values, and tells their slopes.
template <class T>
[[gnu::noinline]] void add_z_losses(const Panel<T>& panel, ZSlopes<T>& slopes) {
#pragma omp simd
  for (int i = 0; i < whole(panel.lanes); ++i) {
    const ZLoss<T> z(panel.z_loss[i], {panel.maximum[i], panel.rest[i]});
    if ((panel.mode & kValue) != 0) panel.value[i] += z.value;
    slopes.slope[i] = z.slope;
    slopes.bend[i] = z.bend;
  }
}

// `z`: null where there is no z-loss.
template <bool kHessian, bool kZ, class T>
[[gnu::noinline]] void take_portion_slopes(const Panel<T>& panel, const T* total, const T* rest,
                                           const T* inverse, const ZSlopes<T>* z) {
  using V = Vector<T>;
  for (int lane = 0; lane < panel.rows; lane += kStrip<T>) {
    const V k = load_vector<V>(panel.coefficient + lane), all = load_vector<V>(total + lane);
    const V others = load_vector<V>(rest + lane), scale = load_vector<V>(inverse + lane);
    const int64_t begin = lane * panel.classes, end = begin + panel.classes * kStrip<T>;
    for (int64_t c = begin; c < end; c += kStrip<T>) {
      const V e = load_vector<V>(panel.logits + c), portion = load_vector<V>(panel.portion + c);
      const V p = e * scale;
      V slope = portion_slope(e, all, portion, others, scale);
      if constexpr (kZ) slope += load_vector<V>(z->slope + lane) * p;
      store_vector(k * slope, panel.logits + c);
      if constexpr (kHessian) {
        const V q = complement(e, others, scale);
        V curvature = k * all * p * q;
        if constexpr (kZ) {
          const V pull = load_vector<V>(z->slope + lane), bend = load_vector<V>(z->bend + lane);
          curvature += k * (pull * p * q + bend * p * p);
        }
        store_vector(curvature, panel.hessian + c);
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
  ZSlopes<T> z;
  const bool with_z_loss = panel.z_loss != nullptr;
  if (with_z_loss) add_z_losses(panel, z);
  if (mode == kValue) return;
  alignas(64) T inverse[kLanes];
#pragma omp simd
  for (int i = 0; i < whole(lanes); ++i) inverse[i] = Softmax<T>{maximum[i], rest[i]}.inverse();
  const bool with_hessian = (mode & kHessian) != 0;
  const auto finish = with_z_loss ? (with_hessian ? take_portion_slopes<true, true, T>
                                                  : take_portion_slopes<false, true, T>)
                                  : (with_hessian ? take_portion_slopes<true, false, T>
                                                  : take_portion_slopes<false, false, T>);
  finish(panel, total, rest, inverse, &z);
}

// What the derivatives of a row's classes are made of.
template <class T>
struct RowPortions {
  Softmax<T> softmax;
  T inverse, total;
  ZLoss<T> z;
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
  const T pull = of_row.z.slope, bend = of_row.z.bend;
  const bool with_z_loss = bend != T(0);
  const int64_t n = part.steps * kLanes;
  if ((row.task().mode & kHessian) != 0) {
    T* hessian = row.second_output(row.task()[kHessians], part);
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) {
      const T share = e[k] * shrink;
      hessian[k] = coefficient * total * (share * inverse) * complement(share, rest, inverse);
    }
    if (with_z_loss) {
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) {
        const T share = e[k] * shrink, p = share * inverse;
        hessian[k] += coefficient * (pull * p * complement(share, rest, inverse) + bend * p * p);
      }
    }
    row.write(row.task()[kHessians], part, hessian);
  }
  const T* const portion = part.portion;
  if (with_z_loss) {
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) {
      const T share = e[k] * shrink, slope = portion_slope(share, total, portion[k], rest, inverse);
      gradient[k] = coefficient * (slope + pull * (share * inverse));
    }
  } else {
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) {
      gradient[k] = coefficient * portion_slope(e[k] * shrink, total, portion[k], rest, inverse);
    }
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
  const T cost = T(costs.total * double(s.log_sum()) + costs.distance + row.sums.entropy);
  ZLoss<T> z;
  if (row.task().z_loss != 0) z = {row.z_loss(true), s};
  const T value = cost + z.value;
  if (mode == kValue) return value;
  const RowPortions<T> of_row{s, s.inverse(), T(costs.total), z, keeps};
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
