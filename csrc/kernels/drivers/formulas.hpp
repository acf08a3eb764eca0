// What elementwise losses are made of: a scalar formula, and the loops over a tile that are
// compiled for each of them. Who calls those is in elements.cpp.
#pragma once

#include "../arithmetic/sum.hpp"

namespace numloss::NUMLOSS_ISA {

// What a formula of one head returns; the optimiser deletes what a mode does not store.
template <class T>
struct Derivatives {
  T value, first, second;
};

// What one of several heads returns: derivatives by each, the second ones those of the Hessian's
// diagonal.
template <class T, int kCount>
struct HeadDerivatives {
  T value, first[kCount], second[kCount];
};

// The derivatives by a head.
template <int kHead, class T>
NUMLOSS_INLINE T first_by(Derivatives<T> d) {
  return d.first;
}
template <int kHead, class T>
NUMLOSS_INLINE T second_by(Derivatives<T> d) {
  return d.second;
}
template <int kHead, class T, int kCount>
NUMLOSS_INLINE T first_by(HeadDerivatives<T, kCount> d) {
  return d.first[kHead];
}
template <int kHead, class T, int kCount>
NUMLOSS_INLINE T second_by(HeadDerivatives<T, kCount> d) {
  return d.second[kHead];
}

// A value that is linear + log(1 + decay), 0 <= decay <= 1: in a sum, the logarithms of many are
// that of a product.
template <class T>
struct Grouped {
  T linear, decay, first;
};

// ns an element: losses that take less add their values up instead of leaving them.
inline constexpr double kCheap = 0.2;

// What a formula takes, in the order of its arguments: as many heads as it says (one, where it says
// nothing), the target, and a number aside where it says so.
template <class Formula>
constexpr int heads_of() {
  if constexpr (requires { Formula::heads; }) {
    return Formula::heads;
  } else {
    return 1;
  }
}
template <class Formula>
constexpr bool takes_aside() {
  return requires { requires Formula::takes_aside; };
}

inline constexpr int kMaxInputs = kWeight - kHeads;
inline constexpr Roles kFormulaInputs = roles(kHeads, kMaxInputs);

template <bool kAsideToo, int... kHead>
constexpr auto inputs_with(Indices<kHead...>) {
  if constexpr (kAsideToo) {
    return Indices<kHeads + kHead..., kTarget, kAside>();
  } else {
    return Indices<kHeads + kHead..., kTarget>();
  }
}
// Their roles.
template <class Formula>
using InputsOf =
    decltype(inputs_with<takes_aside<Formula>()>(typename UpTo<heads_of<Formula>()>::type()));

// A loss applied to a tile. Derivatives come out multiplied by scale.
template <class T>
struct ElementTile {
  const double* parameters;
  int64_t n;
  T scale;
  bool ahead;                  // the inputs go on beyond the tile, and are more than caches hold
  const T* input[kMaxInputs];  // by role
  T* value;
  T* derivative[2 * kMaxHeads];  // by role, from kGradients on
  // [2], of functions that leave no values: their sum or that of their linear parts, and that of
  // grouped logarithms.
  double* total;
};

template <class T>
using ElementFunction = void (*)(const ElementTile<T>&);
// Leaves the sum of values times weights; a gradient comes out multiplied by weight and `inverse`.
template <class T, class W>
using WeightedFunction = void (*)(const ElementTile<T>&, const W* weight, double inverse);
// Is any of n elements outside the loss's domain? Inputs by role; only those with limits are read.
template <class T>
using ElementCheck = bool (*)(const T* const* input, const double* parameters, int64_t n);

template <class T, class W>
struct ElementChoice {
  ElementFunction<T> function;
  bool leaves_totals;  // and no values
  WeightedFunction<T, W> weighted = nullptr;
};

template <class T, class W>
struct WeightedFunctions {
  WeightedFunction<T, W> value, value_gradient;
};

// The functions of one loss for one type, by mode.
template <class T>
struct ElementFunctions {
  ElementFunction<T> value, gradient, value_gradient, gradient_hessian;
  ElementCheck<T> check;                         // null: everything is in the domain
  Roles limited;                                 // what they read
  Roles probabilities;                           // those that may be rounded to 0 and 1
  bool (*is_grouped)(const double* parameters);  // null: never
  ElementFunction<T> grouped_value, grouped_value_gradient;
  ElementFunction<T> summed_value, summed_value_gradient;  // null: not cheap
  WeightedFunctions<T, T> weighted;
  WeightedFunctions<T, double> widely_weighted;

  template <class W>
  ElementChoice<T, W> choose(const Task& task) const {
    const bool weighs = (task.mode & kValue) != 0 && task.has(kWeight) && !task.has(kValues);
    if (weighs && weighted.value != nullptr && is_divisor(task.denominator)) {
      const auto& functions = weighted_by<W>();
      return {nullptr, true, task.mode == kValue ? functions.value : functions.value_gradient};
    }
    const bool sums = !task.has(kValues) && !task.has(kWeight);
    return choose<W>(task.mode, sums, task.parameters);
  }

  // Where `sums`, values are only added up, each as it is.
  template <class W>
  ElementChoice<T, W> choose(unsigned mode, bool sums, const double* parameters) const {
    if (mode & kHessian) return {gradient_hessian, false};
    if (mode == kGradient) return {gradient, false};
    const bool alone = mode == kValue;
    if (sums && is_grouped != nullptr && is_grouped(parameters)) {
      return {alone ? grouped_value : grouped_value_gradient, true};
    }
    if (sums && summed_value != nullptr) {
      return {alone ? summed_value : summed_value_gradient, true};
    }
    return {alone ? value : value_gradient, false};
  }

 private:
  template <class W>
  const WeightedFunctions<T, W>& weighted_by() const {
    if constexpr (sizeof(W) == sizeof(T)) {
      return weighted;
    } else {
      return widely_weighted;
    }
  }
};

namespace {

// A formula's inputs: copies of a tile's pointers, which no store can change.
template <class T, class List>
struct Inputs;

template <class T, int... kRole>
struct Inputs<T, Indices<kRole...>> {
  const T* pointer[kMaxInputs];

  NUMLOSS_INLINE explicit Inputs(const T* const* input) { ((pointer[kRole] = input[kRole]), ...); }

  // f(x, ...), x the inputs' numbers at i.
  NUMLOSS_INLINE auto apply(const auto& f, int64_t i) const { return f(pointer[kRole][i]...); }

  NUMLOSS_INLINE void ask_ahead(int64_t first, int64_t n) const {
    (fetch_ahead(pointer[kRole] + first, n * int64_t(sizeof(T))), ...);
  }

  NUMLOSS_INLINE double sum(int64_t n, const auto& term, bool ahead, const auto*... more) const {
    return sum_of(n, term, ahead, pointer[kRole]..., more...);
  }
};

template <class Formula, class T>
using InputsTo = Inputs<T, InputsOf<Formula>>;

// The same of outputs, one for each head.
template <class T, class List>
struct Outputs;

template <class T, int... kHead>
struct Outputs<T, Indices<kHead...>> {
  T* pointer[kMaxHeads];

  NUMLOSS_INLINE explicit Outputs(T* const* output) { ((pointer[kHead] = output[kHead]), ...); }

  NUMLOSS_INLINE void set_first(int64_t i, auto d, T scale) const {
    ((pointer[kHead][i] = scale * first_by<kHead>(d)), ...);
  }
  NUMLOSS_INLINE void set_second(int64_t i, auto d, T scale) const {
    ((pointer[kHead][i] = scale * second_by<kHead>(d)), ...);
  }
  // A weight of 0 takes the element out, NaN and all.
  NUMLOSS_INLINE void set_first_weighted(int64_t i, auto d, double weight, double inverse) const {
    ((pointer[kHead][i] = weighted(first_by<kHead>(d), weight, inverse)), ...);
  }

 private:
  NUMLOSS_INLINE static T weighted(T x, double weight, double inverse) {
    const T product = T(double(x) * (weight * inverse));
    return weight == 0.0 ? T(0) : product;
  }
};

template <class Formula, class T>
using OutputsOf = Outputs<T, typename UpTo<heads_of<Formula>()>::type>;

template <class Formula, class T, unsigned kMode>
NUMLOSS_INLINE void apply_formula(const Formula& loss, const ElementTile<T>& tile) {
  const T scale = tile.scale;
  T* const value = tile.value;
  const InputsTo<Formula, T> inputs(tile.input);
  const OutputsOf<Formula, T> gradients(tile.derivative), hessians(tile.derivative + kMaxHeads);
  // In a function of its own: GCC keeps a structure that the body of a simd loop hands on in
  // memory, and then cannot vectorise; nor where it finds the function too long to inline. A
  // gradient may overwrite the prediction it was read from: same index, no dependence.
  const auto compute = [=](int64_t i) __attribute__((always_inline)) {
    const auto d = inputs.apply(loss, i);
    if constexpr ((kMode & kValue) != 0) value[i] = d.value;
    if constexpr ((kMode & kGradient) != 0) gradients.set_first(i, d, scale);
    if constexpr ((kMode & kHessian) != 0) hessians.set_second(i, d, scale);
  };
  const int64_t piece = tile.ahead ? kPiece : tile.n;
  for (int64_t first = 0; first < tile.n; first += piece) {
    if (tile.ahead) inputs.ask_ahead(first, kPiece);
    const int64_t end = tile.n - first < piece ? tile.n : first + piece;
#pragma omp simd
    for (int64_t i = first; i < end; ++i) compute(i);
  }
}

// Gradient and Hessian of a cheap formula one after the other: the Hessian's array need not begin
// where the gradient's does in a line of memory, and vectors stored across lines take twice as long
// in turn with those of another array. One that takes the place of the prediction comes last.
template <class Formula, class T>
void apply_cheap_formula(const Formula& loss, const ElementTile<T>& tile) {
  static_assert(heads_of<Formula>() == 1);
  const bool last = tile.derivative[kMaxHeads] == tile.input[kHeads];
  if (!last) apply_formula<Formula, T, kHessian>(loss, tile);
  apply_formula<Formula, T, kGradient>(loss, tile);
  if (last) apply_formula<Formula, T, kHessian>(loss, tile);
}

// Calls f with a loss, or with the Special formula that it may name for some parameters, such as a
// power that is a square.
template <class Formula>
NUMLOSS_INLINE void with_formula(const double* parameters, auto&& f) {
  if constexpr (requires { typename Formula::Special; }) {
    if (Formula::is_special(parameters)) {
      return with_formula<typename Formula::Special>(parameters, f);
    }
  }
  f(Formula(parameters));
}

template <template <class> class Loss, class T, unsigned kMode>
void element_tile(const ElementTile<T>& tile) {
  with_formula<Loss<T>>(tile.parameters, [&]<class Formula>(const Formula& loss) {
    if constexpr (kMode == (kGradient | kHessian) && Loss<T>::cost < kCheap) {
      apply_cheap_formula<Formula, T>(loss, tile);
    } else {
      apply_formula<Formula, T, kMode>(loss, tile);
    }
  });
}

// The values go into their sum as they come: a cheap formula takes no longer than it takes to write
// them to a buffer and to read them back.
template <template <class> class Loss, class T, unsigned kMode>
void summed_tile(const ElementTile<T>& tile) {
  const Loss<T> loss(tile.parameters);
  const T scale = tile.scale;
  const InputsTo<Loss<T>, T> inputs(tile.input);
  const OutputsOf<Loss<T>, T> gradients(tile.derivative);
  const auto term = [=](int64_t i) {
    const auto d = inputs.apply(loss, i);
    if constexpr ((kMode & kGradient) != 0) gradients.set_first(i, d, scale);
    return double(d.value);
  };
  *tile.total = inputs.sum(tile.n, term, tile.ahead);
}

// The same with weights; one of 0 takes its element out, NaN and all.
template <template <class> class Loss, class T, unsigned kMode, class W>
void weighted_tile(const ElementTile<T>& tile, const W* weight, double inverse) {
  const Loss<T> loss(tile.parameters);
  const InputsTo<Loss<T>, T> inputs(tile.input);
  const OutputsOf<Loss<T>, T> gradients(tile.derivative);
  const auto term = [=](int64_t i) {
    const auto d = inputs.apply(loss, i);
    const double w = double(weight[i]);
    if constexpr ((kMode & kGradient) != 0) gradients.set_first_weighted(i, d, w, inverse);
    const double product = double(d.value) * w;
    return w == 0.0 ? 0.0 : product;
  };
  *tile.total = inputs.sum(tile.n, term, tile.ahead, weight);
}

// (1 + product)(1 + u) - 1: a tiny u keeps its digits.
template <class T>
NUMLOSS_INLINE T multiply(T product, T u) {
  return fma(product, u, product + u);
}

// n numbers, n < kSumLanes, with zeros behind them.
template <class T>
struct Padded {
  alignas(64) T x[kSumLanes] = {};
  Padded(const T* from, int n) { __builtin_memcpy(x, from, uint64_t(n) * sizeof(T)); }
};

// What the lanes gather of grouped values: a sum of linear parts, and up to 32 factors 1 + decay
// (at most 2^32) less 1, of which one logarithm is taken.
template <class T>
struct GroupedLanes {
  alignas(64) double linear[kSumLanes] = {};
  alignas(64) T product[kSumLanes] = {};
};

// Adds kSumLanes elements, of which those from `count` on are padding.
template <class Formula, class T, unsigned kMode>
NUMLOSS_INLINE void add_grouped(const Formula& loss, T scale, T* gradient, int count,
                                GroupedLanes<T>& lanes, const auto*... input) {
#pragma omp simd
  for (int j = 0; j < kSumLanes; ++j) {
    const Grouped<T> g = loss.grouped(input[j]...);
    lanes.linear[j] += double(g.linear);  // 0 of padding, whose prediction is 0
    lanes.product[j] = multiply(lanes.product[j], j < count ? g.decay : T(0));
    if constexpr ((kMode & kGradient) != 0) gradient[j] = scale * g.first;
  }
}

template <class Formula, class T, unsigned kMode, int... kRole>
NUMLOSS_INLINE void apply_grouped(const Formula& loss, const ElementTile<T>& tile,
                                  Indices<kRole...>) {
  static_assert(kTile <= 32 * kSumLanes && heads_of<Formula>() == 1);
  const InputsTo<Formula, T> inputs(tile.input);
  GroupedLanes<T> lanes;
  int64_t i = 0;
  for (; i + kSumLanes <= tile.n; i += kSumLanes) {
    if (tile.ahead) inputs.ask_ahead(i, kSumLanes);
    T* const gradient = (kMode & kGradient) != 0 ? tile.derivative[0] + i : nullptr;
    add_grouped<Formula, T, kMode>(loss, tile.scale, gradient, kSumLanes, lanes,
                                   (inputs.pointer[kRole] + i)...);
  }
  if (i < tile.n) {
    const int left = int(tile.n - i);
    alignas(64) T gradient[kSumLanes];
    add_grouped<Formula, T, kMode>(loss, tile.scale, gradient, left, lanes,
                                   Padded<T>(inputs.pointer[kRole] + i, left).x...);
    if constexpr ((kMode & kGradient) != 0) {
      __builtin_memcpy(tile.derivative[0] + i, gradient, uint64_t(left) * sizeof(T));
    }
  }
  halve<kSumLanes / 2>(lanes.linear, [](double a, double b) { return a + b; });
#pragma omp simd
  for (int j = 0; j < kSumLanes; ++j) lanes.product[j] = log1p(lanes.product[j]);
  tile.total[0] = lanes.linear[0];
  tile.total[1] = sum(lanes.product, kSumLanes);
}

template <template <class> class Loss, class T, unsigned kMode>
void grouped_tile(const ElementTile<T>& tile) {
  with_formula<Loss<T>>(tile.parameters, [&]<class Formula>(const Formula& loss) {
    apply_grouped<Formula, T, kMode>(loss, tile, InputsOf<Formula>());
  });
}

// A domain that losses share. NaN is not outside: it comes out as NaN.
template <class T>
NUMLOSS_INLINE bool outside_unit(T x) {
  return (x < T(0)) | (x > T(1));  // no short circuit: it would be a branch
}

// The inputs of a formula that are probabilities, which rounding may have put outside [0, 1].
template <class Formula>
constexpr Roles probabilities_of() {
  if constexpr (requires { Formula::probabilities; }) {
    return Formula::probabilities;
  } else {
    return {0};
  }
}

// Whether a formula has limits for an input: a function outside(Constant<role>, x), which tells of
// a number whether it is beyond them.
template <class Formula, class T, int kRole>
inline constexpr bool kLimits =
    requires(const Formula& loss) { loss.outside(Constant<kRole>(), T(0)); };

template <class Formula, class T, int... kRole>
constexpr Roles limited_among(Indices<kRole...>) {
  return {((kLimits<Formula, T, kRole> ? 1u << kRole : 0u) | ...)};
}
template <class Formula, class T>
inline constexpr Roles kLimited = limited_among<Formula, T>(InputsOf<Formula>());

template <class Formula, class T, int kRole>
NUMLOSS_INLINE bool is_outside(const Formula& loss, const T* x, int64_t i) {
  if constexpr (kLimits<Formula, T, kRole>) {
    return loss.outside(Constant<kRole>(), x[i]);
  } else {
    return false;
  }
}

template <class Formula, class T, int... kRole>
NUMLOSS_INLINE bool any_outside(const Formula& loss, int64_t n, Indices<kRole...>,
                                const auto* const... input) {
  int bad = 0;
#pragma omp simd reduction(| : bad)
  for (int64_t i = 0; i < n; ++i) {
    bad |= int((is_outside<Formula, T, kRole>(loss, input, i) | ...));
  }
  return bad != 0;
}

template <class Formula, class T, int... kRole>
NUMLOSS_INLINE bool any_outside(const Formula& loss, const T* const* input, int64_t n,
                                Indices<kRole...> roles) {
  return any_outside<Formula, T>(loss, n, roles, input[kRole]...);
}

// Whether a target and the number aside are beyond what a formula says of the two together.
template <class Formula, class T>
NUMLOSS_INLINE bool any_crossed(const Formula& loss, const T* const* input, int64_t n) {
  if constexpr (requires { loss.crossed(T(0), T(0)); }) {
    const T *const target = input[kTarget], *const aside = input[kAside];
    int bad = 0;
#pragma omp simd reduction(| : bad)
    for (int64_t i = 0; i < n; ++i) bad |= int(loss.crossed(target[i], aside[i]));
    return bad != 0;
  } else {
    return false;
  }
}

template <class Loss, class T>
bool element_check(const T* const* input, const double* parameters, int64_t n) {
  const Loss loss(parameters);
  return any_outside(loss, input, n, InputsOf<Loss>()) || any_crossed(loss, input, n);
}

// Whether a formula's derivative is made of its value: then the two are computed as fast as the
// derivative alone, and the values go nowhere.
template <class Formula>
constexpr bool slope_needs_value() {
  return requires { requires Formula::slope_needs_value; };
}

// Whether a formula is a penalty, whose elements have no weights.
template <class Formula>
constexpr bool is_penalty() {
  return requires { requires Formula::is_penalty; };
}

template <template <class> class Loss, class T>
constexpr ElementFunctions<T> element_functions() {
  constexpr bool both = slope_needs_value<Loss<T>>();
  // Their long tiles have no place for values: see tile_elements.
  static_assert(!both || Loss<T>::cost >= kCheap);
  ElementFunctions<T> functions{};
  functions.value = element_tile<Loss, T, kValue>;
  functions.gradient = element_tile < Loss, T, both ? kValue | kGradient : kGradient > ;
  functions.value_gradient = element_tile<Loss, T, kValue | kGradient>;
  functions.gradient_hessian = element_tile<Loss, T, kGradient | kHessian>;
  functions.limited = kLimited<Loss<T>, T>;
  if constexpr (kLimited<Loss<T>, T>.bits != 0) {
    functions.check = element_check<Loss<T>, T>;
    functions.probabilities = probabilities_of<Loss<T>>();
  }
  if constexpr (requires { Loss<T>::is_grouped; }) {
    functions.is_grouped = Loss<T>::is_grouped;
    functions.grouped_value = grouped_tile<Loss, T, kValue>;
    functions.grouped_value_gradient = grouped_tile<Loss, T, kValue | kGradient>;
  }
  if constexpr (Loss<T>::cost < kCheap) {
    functions.summed_value = summed_tile<Loss, T, kValue>;
    functions.summed_value_gradient = summed_tile<Loss, T, kValue | kGradient>;
  }
  if constexpr (Loss<T>::cost < kCheap && !is_penalty<Loss<T>>()) {
    functions.weighted = {weighted_tile<Loss, T, kValue, T>,
                          weighted_tile<Loss, T, kValue | kGradient, T>};
    functions.widely_weighted = {weighted_tile<Loss, T, kValue, double>,
                                 weighted_tile<Loss, T, kValue | kGradient, double>};
  }
  return functions;
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
