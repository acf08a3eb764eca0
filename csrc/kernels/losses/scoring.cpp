// Scoring rules: what a distribution over the classes costs by the outcome, a label or another
// distribution. The Brier score of softmax(x), and the logarithmic one of x = log p.
#include "outcome.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// sum_c d_c², d = p - t with the target t (Brier 1950). With s_j = d_j - sum_c p_c d_c
// dL/dx_j = 2 p_j s_j and d²L/dx_j² = 2 p_j ((1 - 3 p_j) s_j + p_j k_j),
// k_j = 1 - p_j - t_j + sum_c p_c t_c. Where p_j is near 1, s_j and k_j are differences of nearly
// equal numbers. That can only be the class of the maximum, m, for which they are taken as sums
// over the other classes: s_m = sum p_c (d_m - d_c), k_m = sum p_c (1 - t_m + t_c); and
// s_j = (d_j - d_m) + s_m.

// What a row has one of, a lane each.
template <class T>
struct BrierLanes {
  alignas(64) T inverse[kLanes];
  alignas(64) T target[kLanes], distance[kLanes];            // t_m, d_m
  alignas(64) T slope[kLanes], spread[kLanes], hit[kLanes];  // s_m, k_m, sum p t
};

// The target and the distance of the class of the maximum: of equal ones, the last.
template <class T>
[[gnu::noinline]] void find_leaders(const Panel<T>& panel, const T* target, BrierLanes<T>& lanes) {
  using V = Vector<T>;
  const V one = V{} + T(1);
  each_strip(panel, [&](int lane, int64_t at) {
    V found{};
    for (int64_t c = 0; c < panel.classes; ++c) {
      const int64_t place = at + c * kStrip<T>;
      const V e = load_vector<V>(panel.logits + place);
      found = e == one ? load_vector<V>(target + place) : found;
    }
    const V rest = load_vector<V>(panel.rest + lane),
            inverse = load_vector<V>(lanes.inverse + lane);
    store_vector(found, lanes.target + lane);
    store_vector(distance_from(found, one, rest, inverse), lanes.distance + lane);
  });
}

// The value, and what the derivatives need of all classes.
template <bool kHessian, class T>
[[gnu::noinline]] void add_distances(const Panel<T>& panel, const T* target, BrierLanes<T>& lanes) {
  using V = Vector<T>;
  const V one = V{} + T(1);
  each_strip(panel, [&](int lane, int64_t at) {
    const V rest = load_vector<V>(panel.rest + lane),
            inverse = load_vector<V>(lanes.inverse + lane);
    const V leader = load_vector<V>(lanes.distance + lane);
    const V missed = one - load_vector<V>(lanes.target + lane);
    V value{}, slope{}, spread{}, hit{};
    for (int64_t c = 0; c < panel.classes; ++c) {
      const int64_t place = at + c * kStrip<T>;
      const V e = load_vector<V>(panel.logits + place), t = load_vector<V>(target + place);
      const V d = distance_from(t, e, rest, inverse), p = e * inverse;
      value += d * d;
      slope += p * (leader - d);
      if constexpr (kHessian) {
        spread += e == one ? V{} : p * (missed + t);
        hit += p * t;
      }
    }
    store_vector(value, panel.value + lane);
    store_vector(slope, lanes.slope + lane);
    if constexpr (kHessian) {
      store_vector(spread, lanes.spread + lane);
      store_vector(hit, lanes.hit + lane);
    }
  });
}

template <bool kHessian, class T>
[[gnu::noinline]] void take_brier_slopes(const Panel<T>& panel, const T* target,
                                         const BrierLanes<T>& lanes) {
  using V = Vector<T>;
  const V one = V{} + T(1);
  each_strip(panel, [&](int lane, int64_t at) {
    const V rest = load_vector<V>(panel.rest + lane),
            inverse = load_vector<V>(lanes.inverse + lane);
    const V leader = load_vector<V>(lanes.distance + lane),
            of_leader = load_vector<V>(lanes.slope + lane);
    const V twice = T(2) * load_vector<V>(panel.coefficient + lane);
    for (int64_t c = 0; c < panel.classes; ++c) {
      const int64_t place = at + c * kStrip<T>;
      const V e = load_vector<V>(panel.logits + place), t = load_vector<V>(target + place);
      const V p = e * inverse, slope = (distance_from(t, e, rest, inverse) - leader) + of_leader;
      store_vector(twice * p * slope, panel.logits + place);
      if constexpr (kHessian) {
        const V spread = load_vector<V>(lanes.spread + lane),
                hit = load_vector<V>(lanes.hit + lane);
        const V k = leads(e, rest) ? spread : (one - p - t) + hit;
        store_vector(twice * p * ((one - T(3) * p) * slope + p * k), panel.hessian + place);
      }
    }
  });
}

template <class T>
void brier_panel(const Panel<T>& panel) {
  const T* const target = outcome_of(panel);
  BrierLanes<T> lanes;
  take_softmax(panel, lanes.inverse);
  find_leaders(panel, target, lanes);
  if ((panel.mode & kHessian) != 0) {
    add_distances<true>(panel, target, lanes);
    take_brier_slopes<true>(panel, target, lanes);
  } else {
    add_distances<false>(panel, target, lanes);
    if (panel.mode != kValue) take_brier_slopes<false>(panel, target, lanes);
  }
}

// -sum_c t_c x_c, where a class of t = 0 costs nothing, even one that cannot happen. A NaN anywhere
// in a row makes all of it NaN, and so does a row without a possible class.
template <class T>
void log_probability_panel(const Panel<T>& panel) {
  using V = Vector<T>;
  const T* const target = outcome_of(panel);
  each_strip(panel, [&](int lane, int64_t at) {
    const V zero{}, highest = load_vector<V>(panel.maximum + lane);
    V value{}, poison = highest == zero - Real<T>::kInfinity ? zero + Real<T>::kNan : zero;
    for (int64_t k = 0; k < panel.classes * kStrip<T>; k += kStrip<T>) {
      const V x = load_vector<V>(panel.logits + at + k), t = load_vector<V>(target + at + k);
      value += t == zero ? zero : t * x;
      poison = x != x ? x : poison;
    }
    store_vector(poison != poison ? poison : zero - value, panel.value + lane);
    if (panel.mode == kValue) return;
    const V coefficient = load_vector<V>(panel.coefficient + lane);
    for (int64_t k = 0; k < panel.classes * kStrip<T>; k += kStrip<T>) {
      const V slope = zero - coefficient * load_vector<V>(target + at + k);
      store_vector(poison != poison ? poison : slope, panel.logits + at + k);
      if ((panel.mode & kHessian) != 0) store_vector(poison, panel.hessian + at + k);
    }
  });
}

// The same plus the entropy sum t log t.
template <class T>
void divergence_of_logarithms_panel(const Panel<T>& panel) {
  log_probability_panel(panel);
  for (int i = 0; i < panel.rows; ++i) panel.value[i] += panel.entropy[i];
}

constexpr auto kBrierPanel = []<class T>(T) { return brier_panel<T>; };
constexpr auto kLogProbabilityPanel = []<class T>(T) { return log_probability_panel<T>; };
constexpr auto kDivergencePanel = []<class T>(T) { return divergence_of_logarithms_panel<T>; };

}  // namespace

NUMLOSS_LOSS(MulticlassBrier) = by_outcome("multiclass_brier", 1.0, true, kBrierPanel);
NUMLOSS_LOSS(MulticlassBrierDistribution) = by_outcome("multiclass_brier_distribution", 1.0, false,
                                                       kBrierPanel);
NUMLOSS_LOSS(Nll) = by_outcome("nll", 0.2, true, kLogProbabilityPanel);
NUMLOSS_LOSS(NllDistribution) = by_outcome("nll_distribution", 0.2, false, kLogProbabilityPanel);
NUMLOSS_LOSS(KlDivergenceProbability) = by_outcome("kl_divergence_probability", 1.0, false,
                                                   kDivergencePanel, true);

}  // namespace numloss::NUMLOSS_ISA
