// Driver of the elementwise losses: tiles of a flat sequence of examples. A loss gives one scalar
// formula; everything else is here.
#pragma once

#include "../memory/staging.hpp"
#include "../arithmetic/sum.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// What a formula returns; the optimiser deletes what a mode does not store.
template <class T>
struct Derivatives {
  T value, first, second;
};

// A value that is linear + log(1 + decay), 0 <= decay <= 1: in a sum, the logarithms of many are
// that of a product.
template <class T>
struct Grouped {
  T linear, decay, first;
};

// ns an element: losses that take less add their values up instead of leaving them.
inline constexpr double kCheap = 0.2;

// A loss applied to a tile. gradient and hessian come out multiplied by scale.
template <class T>
struct ElementTile {
  const double* parameters;
  const T* prediction;
  const T* target;
  int64_t n;
  T scale;
  T* value;
  T* gradient;
  T* hessian;
  // [2], of functions that leave no values: their sum or that of their linear parts, and that of
  // grouped logarithms.
  double* total;
  bool ahead;  // the inputs go on beyond the tile, and are more than caches hold
};

template <class T>
using ElementFunction = void (*)(const ElementTile<T>&);
// Leaves the sum of values times weights; a gradient comes out multiplied by weight and `inverse`.
template <class T, class W>
using WeightedFunction = void (*)(const ElementTile<T>&, const W* weight, double inverse);
template <class T>
using ElementCheck = bool (*)(const T* prediction, const T* target, const double* parameters,
                              int64_t n);

template <class Formula, class T, unsigned kMode>
NUMLOSS_INLINE void apply_formula(const Formula& loss, const ElementTile<T>& tile) {
  const T* const prediction = tile.prediction;
  const T* const target = tile.target;
  const T scale = tile.scale;
  T* const value = tile.value;
  T* const gradient = tile.gradient;
  T* const hessian = tile.hessian;
  // The gradient may overwrite the prediction it was read from: same index, no dependence.
  const auto piece = [&](int64_t first, int64_t n) {
#pragma omp simd
    for (int64_t i = first; i < first + n; ++i) {
      const Derivatives<T> d = loss(prediction[i], target[i]);
      if constexpr ((kMode & kValue) != 0) value[i] = d.value;
      if constexpr ((kMode & kGradient) != 0) gradient[i] = scale * d.first;
      if constexpr ((kMode & kHessian) != 0) hessian[i] = scale * d.second;
    }
  };
  each_piece(tile.ahead, tile.n, piece, prediction, target);
}

// Gradient and Hessian of a cheap formula one after the other: the Hessian's array need not begin
// where the gradient's does in a line of memory, and vectors stored across lines take twice as long
// in turn with those of another array.
template <class Formula, class T>
void apply_cheap_formula(const Formula& loss, const ElementTile<T>& tile) {
  const bool in_place = tile.hessian == tile.prediction;
  if (in_place) return apply_formula<Formula, T, kGradient | kHessian>(loss, tile);
  apply_formula<Formula, T, kHessian>(loss, tile);
  apply_formula<Formula, T, kGradient>(loss, tile);
}

// Calls f with a loss, or with the Special formula that it may name for some parameters, such as a
// power that is a square.
template <template <class> class Loss, class T>
NUMLOSS_INLINE void with_formula(const double* parameters, auto&& f) {
  if constexpr (requires { typename Loss<T>::Special; }) {
    if (Loss<T>::is_special(parameters)) return f(typename Loss<T>::Special(parameters));
  }
  f(Loss<T>(parameters));
}

template <template <class> class Loss, class T, unsigned kMode>
void element_tile(const ElementTile<T>& tile) {
  with_formula<Loss, T>(tile.parameters, [&]<class Formula>(const Formula& loss) {
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
  const T* const prediction = tile.prediction;
  const T* const target = tile.target;
  const T scale = tile.scale;
  T* const gradient = tile.gradient;
  const auto term = [=](int64_t i) {
    const Derivatives<T> d = loss(prediction[i], target[i]);
    if constexpr ((kMode & kGradient) != 0) gradient[i] = scale * d.first;
    return double(d.value);
  };
  *tile.total = sum_of(tile.n, term, tile.ahead, prediction, target);
}

// The same with weights; one of 0 takes its element out, NaN and all.
template <template <class> class Loss, class T, unsigned kMode, class W>
void weighted_tile(const ElementTile<T>& tile, const W* weight, double inverse) {
  const Loss<T> loss(tile.parameters);
  const T* const prediction = tile.prediction;
  const T* const target = tile.target;
  T* const gradient = tile.gradient;
  const auto term = [=](int64_t i) {
    const Derivatives<T> d = loss(prediction[i], target[i]);
    const double w = double(weight[i]);
    if constexpr ((kMode & kGradient) != 0) {
      const T weighed = T(double(d.first) * (w * inverse));
      gradient[i] = w == 0.0 ? T(0) : weighed;
    }
    const double product = double(d.value) * w;
    return w == 0.0 ? 0.0 : product;
  };
  *tile.total = sum_of(tile.n, term, tile.ahead, prediction, target, weight);
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
NUMLOSS_INLINE void add_grouped(const Formula& loss, const T* prediction, const T* target, T scale,
                                T* gradient, int count, GroupedLanes<T>& lanes) {
#pragma omp simd
  for (int j = 0; j < kSumLanes; ++j) {
    const Grouped<T> g = loss.grouped(prediction[j], target[j]);
    lanes.linear[j] += double(g.linear);  // 0 of padding, whose prediction is 0
    lanes.product[j] = multiply(lanes.product[j], j < count ? g.decay : T(0));
    if constexpr ((kMode & kGradient) != 0) gradient[j] = scale * g.first;
  }
}

template <class Formula, class T, unsigned kMode>
NUMLOSS_INLINE void apply_grouped(const Formula& loss, const ElementTile<T>& tile) {
  static_assert(kTile <= 32 * kSumLanes);
  GroupedLanes<T> lanes;
  int64_t i = 0;
  for (; i + kSumLanes <= tile.n; i += kSumLanes) {
    const T* const prediction = tile.prediction + i;
    const T* const target = tile.target + i;
    if (tile.ahead) {
      fetch_ahead(prediction, kSumLanes * int64_t(sizeof(T)));
      fetch_ahead(target, kSumLanes * int64_t(sizeof(T)));
    }
    T* const gradient = (kMode & kGradient) != 0 ? tile.gradient + i : nullptr;
    add_grouped<Formula, T, kMode>(loss, prediction, target, tile.scale, gradient, kSumLanes,
                                   lanes);
  }
  if (i < tile.n) {
    const int left = int(tile.n - i);
    const Padded<T> prediction(tile.prediction + i, left), target(tile.target + i, left);
    alignas(64) T gradient[kSumLanes];
    add_grouped<Formula, T, kMode>(loss, prediction.x, target.x, tile.scale, gradient, left, lanes);
    if constexpr ((kMode & kGradient) != 0) {
      __builtin_memcpy(tile.gradient + i, gradient, uint64_t(left) * sizeof(T));
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
  with_formula<Loss, T>(tile.parameters, [&]<class Formula>(const Formula& loss) {
    apply_grouped<Formula, T, kMode>(loss, tile);
  });
}

// Losses have a domain of their target, of target and prediction, or none.
template <class Loss, class T>
inline constexpr bool kLimitsTarget = requires(const Loss& loss) { loss.outside(T(0)); };
template <class Loss, class T>
inline constexpr bool kLimitsBoth = requires(const Loss& loss) { loss.outside(T(0), T(0)); };

// Is any element of the tile outside the loss's domain? A prediction that has no limits may be
// null.
template <class Loss, class T>
bool element_check(const T* prediction, const T* target, const double* parameters, int64_t n) {
  const Loss loss(parameters);
  int bad = 0;
#pragma omp simd reduction(| : bad)
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (kLimitsBoth<Loss, T>) {
      bad |= int(loss.outside(prediction[i], target[i]));
    } else {
      bad |= int(loss.outside(target[i]));
    }
  }
  return bad != 0;
}

// The same, but for elements of weight 0, which are not there and may hold anything.
template <class T, class W>
bool counted_outside(ElementCheck<T> check, const T* prediction, const T* target,
                     const double* parameters, const W* weight, int64_t n) {
  if (!check(prediction, target, parameters, n)) return false;
  if (weight == nullptr) return true;
  for (int64_t i = 0; i < n; ++i) {
    const T* const x = prediction != nullptr ? prediction + i : nullptr;
    if (weight[i] != W(0) && check(x, target + i, parameters, 1)) return true;
  }
  return false;
}

// Whether to divide by it is to multiply by its inverse, as precisely as double is.
inline bool is_divisor(double x) { return is_normal(x) && is_normal(1 / x); }

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
  bool limits_prediction;                        // whether the check reads predictions
  bool (*is_grouped)(const double* parameters);  // null: never
  ElementFunction<T> grouped_value, grouped_value_gradient;
  ElementFunction<T> summed_value, summed_value_gradient;  // null: not cheap
  WeightedFunctions<T, T> weighted;
  WeightedFunctions<T, double> widely_weighted;

  template <class W>
  ElementChoice<T, W> choose(const Task& task) const {
    if (task.mode & kHessian) return {gradient_hessian, false};
    if (task.mode == kGradient) return {gradient, false};
    const bool alone = task.mode == kValue;
    const bool sums = task.value.data == nullptr && task.weight.data == nullptr;
    if (sums && is_grouped != nullptr && is_grouped(task.parameters)) {
      return {alone ? grouped_value : grouped_value_gradient, true};
    }
    if (sums && summed_value != nullptr) {
      return {alone ? summed_value : summed_value_gradient, true};
    }
    if (!sums && task.value.data == nullptr && summed_value != nullptr &&
        is_divisor(task.denominator)) {
      const auto& functions = weighted_by<W>();
      return {nullptr, true, alone ? functions.value : functions.value_gradient};
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

template <template <class> class Loss, class T>
constexpr ElementFunctions<T> element_functions() {
  ElementFunctions<T> functions{};
  functions.value = element_tile<Loss, T, kValue>;
  functions.gradient = element_tile<Loss, T, kGradient>;
  functions.value_gradient = element_tile<Loss, T, kValue | kGradient>;
  functions.gradient_hessian = element_tile<Loss, T, kGradient | kHessian>;
  if constexpr (kLimitsTarget<Loss<T>, T> || kLimitsBoth<Loss<T>, T>) {
    functions.check = element_check<Loss<T>, T>;
    functions.limits_prediction = kLimitsBoth<Loss<T>, T>;
  }
  if constexpr (requires { Loss<T>::is_grouped; }) {
    functions.is_grouped = Loss<T>::is_grouped;
    functions.grouped_value = grouped_tile<Loss, T, kValue>;
    functions.grouped_value_gradient = grouped_tile<Loss, T, kValue | kGradient>;
  }
  if constexpr (Loss<T>::cost < kCheap) {
    functions.summed_value = summed_tile<Loss, T, kValue>;
    functions.summed_value_gradient = summed_tile<Loss, T, kValue | kGradient>;
    functions.weighted = {weighted_tile<Loss, T, kValue, T>,
                          weighted_tile<Loss, T, kValue | kGradient, T>};
    functions.widely_weighted = {weighted_tile<Loss, T, kValue, double>,
                                 weighted_tile<Loss, T, kValue | kGradient, double>};
  }
  return functions;
}

// x times its example's weight (1 where there are none) over the denominator; a weight of 0 takes
// the example out, NaN and all. In double, where neither factor alone need fit T.
template <class T, class W>
void weigh(T* x, const W* weight, double denominator, int64_t n) {
  if (weight == nullptr) {
    for (int64_t i = 0; i < n; ++i) x[i] = T(double(x[i]) / denominator);
  } else if (is_divisor(denominator)) {
    const double inverse = 1 / denominator;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      const T weighed = T(double(x[i]) * (double(weight[i]) * inverse));
      x[i] = weight[i] == W(0) ? T(0) : weighed;
    }
  } else {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      const T weighed = T(double(x[i]) * (double(weight[i]) / denominator));
      x[i] = weight[i] == W(0) ? T(0) : weighed;
    }
  }
}

// The values of a tile into the block's sum, or out to the caller's array.
template <class T, class W>
void finish_values(const Task& task, const Examples& at, T* value, const W* weight, int64_t n,
                   Partial& partial) {
  if (task.value.data != nullptr) {
    if (weight != nullptr) weigh(value, weight, 1.0, n);
    store(task.value, at, n, value);
  } else {
    add(partial.loss, weight == nullptr ? sum(value, n) : weighted_sum(value, weight, n));
  }
}

// Working memory of a tile. It is handed in: the stacks of threads may be small.
template <class T>
struct ElementBuffers {
  double* weight;
  T *prediction, *target, *value, *gradient, *hessian;

  // Large arrays begin at a page, and so does this memory. Values are written half a page away,
  // lest the loads of inputs wait for stores whose addresses end in the same 12 bits.
  static constexpr int64_t kHalfPage = 2048;

  // Elements of a tile that a buffer must hold, whole lines of memory.
  static int64_t capacity(const Task& task) {
    return task.size < kTile ? (task.size + kSumLanes - 1) / kSumLanes * kSumLanes : kTile;
  }
  static int64_t bytes(const Task& task) {
    return capacity(task) * int64_t(sizeof(double) + 5 * sizeof(T)) + kHalfPage;
  }
  ElementBuffers(const Task& task, char* scratch) {
    const int64_t n = capacity(task);
    weight = reinterpret_cast<double*>(scratch);
    prediction = reinterpret_cast<T*>(weight + n);
    target = prediction + n;
    value = target + n + kHalfPage / int64_t(sizeof(T));
    gradient = value + n;
    hessian = gradient + n;
  }
};

// Computes a tile whose inputs are loaded and checked.
template <class T, class W>
NUMLOSS_INLINE void run_tile(const Task& task, const Examples& at,
                             const ElementChoice<T, W>& choice, const ElementBuffers<T>& buffers,
                             const T* prediction, const T* target, const W* weight, T inverse,
                             int64_t n, Partial& partial) {
  const bool wants_gradient = (task.mode & kGradient) != 0;
  const bool wants_hessian = (task.mode & kHessian) != 0;
  T* const gradient =
      wants_gradient ? destination(task.gradient, at, n, buffers.gradient) : nullptr;
  T* const hessian = wants_hessian ? destination(task.hessian, at, n, buffers.hessian) : nullptr;
  // The formula takes the denominator in where its inverse fits T; else, or with weights, it
  // follows.
  const bool after = weight != nullptr || !is_normal(inverse);
  // Copies are in the cache.
  const bool ahead = task.prediction.streams && prediction != buffers.prediction;
  double total[2] = {};
  const ElementTile<T> tile{task.parameters, prediction, target,  n,     after ? T(1) : inverse,
                            buffers.value,   gradient,   hessian, total, ahead};
  const bool weighted = weight != nullptr && choice.weighted != nullptr;
  if (weighted) {
    choice.weighted(tile, weight, 1 / task.denominator);
  } else {
    choice.function(tile);
  }
  if (choice.leaves_totals) {
    add(partial.loss, total[0]);
    add(partial.loss, total[1]);
  } else if (task.mode & kValue) {
    finish_values(task, at, buffers.value, weight, n, partial);
  }
  if (wants_gradient) {
    if (after && !weighted) weigh(gradient, weight, task.denominator, n);
    store(task.gradient, at, n, gradient);
  }
  if (wants_hessian) {
    if (after) weigh(hessian, weight, task.denominator, n);
    store(task.hessian, at, n, hessian);
  }
}

// Checks a tile whose weights and, where the check reads them, predictions are loaded, and counts
// it. False: something of it is outside the loss's domain.
template <class T, class W>
bool survey_tile(const Task& task, const ElementFunctions<T>& functions, const T* prediction,
                 const T* target, const W* weight, int64_t n, Partial& partial) {
  partial.count += n;
  if (weight != nullptr && !add_weights(weight, n, partial.weight)) return false;
  return functions.check == nullptr ||
         !counted_outside(functions.check, prediction, target, task.parameters, weight, n);
}

// By how many elements to shorten the first tile for the others to begin where lines of memory do.
// None where tiles are summed, values or weights: in the same order wherever arrays lie.
template <class T>
int64_t beyond_line(const Task& task, const Examples& at) {
  const bool sums = (task.mode & kValue) != 0 || (task.weight.data != nullptr && !task.surveyed);
  const Operand& gradient = task.gradient;
  if (sums || gradient.data == nullptr) return 0;
  const char* const address = at.address(gradient);
  if (!in_place<T>(gradient, address, at.stride(gradient))) return 0;
  return int64_t(reinterpret_cast<uintptr_t>(address) % kLineBytes / sizeof(T));
}

// W: of the weights, if any.
template <class T, class W, bool kWeighted>
void run_flat(const Task& task, const ElementFunctions<T>& functions, int64_t begin, int64_t end,
              bool only_survey, char* scratch, Partial& partial) {
  const ElementBuffers<T> buffers(task, scratch);
  const ElementChoice<T, W> choice = functions.template choose<W>(task);
  const bool reads_target = !only_survey || functions.check != nullptr;
  const bool reads_prediction = !only_survey || functions.limits_prediction;
  const T inverse = T(1 / task.denominator);
  Examples at(task, begin);
  int64_t most = kTile - beyond_line<T>(task, at);
  for (int64_t i = begin; i < end; most = kTile) {
    const int64_t n = end - i < most ? end - i : most;
    const W* weight = nullptr;
    if constexpr (kWeighted) {
      weight = load(task.weight, at, n, reinterpret_cast<W*>(buffers.weight));
    }
    const T* prediction =
        reads_prediction ? load(task.prediction, at, n, buffers.prediction) : nullptr;
    const T* target = reads_target ? load(task.target, at, n, buffers.target) : nullptr;
    if (!task.surveyed && !survey_tile(task, functions, prediction, target, weight, n, partial)) {
      partial.bad = true;
      return;
    }
    if (!only_survey) {
      run_tile(task, at, choice, buffers, prediction, target, weight, inverse, n, partial);
    }
    i += n;
    at.advance(n);
  }
}

// Rows of so many elements are worth a load each.
inline constexpr int64_t kLongRow = 256;

// Whether arrays of several dimensions are copied plane by plane: unless all lie in long rows that
// can be used where they lie but for the tiles that go on in the next row. (An array without gaps
// between its rows would be copied there for no reason.)
template <class T>
bool is_staged(const Task& task) {
  if (task.ndim < 2) return false;
  const int64_t row = task.shape[task.ndim - 1];
  bool in_rows = row >= kLongRow;
  const Operand* operands[] = {&task.prediction, &task.target,   &task.weight,
                               &task.value,      &task.gradient, &task.hessian};
  for (const Operand* operand : operands) {
    if (operand->data == nullptr) continue;
    const int64_t stride = operand->strides[task.ndim - 1];
    const bool lies = in_place<T>(*operand, operand->data, stride) ||
                      in_place<double>(*operand, operand->data, stride);
    in_rows = in_rows && lies && !is_flat(task, *operand);
  }
  return !in_rows;
}

// Which operands are copied then.
inline auto gathered(const Task& task) {
  return [&task](const Operand& operand) { return !is_flat(task, operand); };
}

// Elements copied at a time: so many that whole lines of every array are used, if that many fit.
template <class T>
int64_t staged_elements(const Task& task) {
  constexpr int64_t kLeast = 32 * kTile, kRows = 2 * kLine<T>;
  const int64_t fit = kStagedBytes / Staging<T>::bytes(task, 1, gathered(task));
  int64_t wanted = kLeast;
  const Operand* operands[] = {&task.prediction, &task.target, &task.gradient, &task.hessian};
  for (const Operand* operand : operands) {
    if (operand->data == nullptr || is_flat(task, *operand)) continue;
    const int64_t apart = elements_from(task, nearest_dimension(task, *operand) + 1);
    const int64_t rows = apart < fit / kRows ? kRows * apart : fit;
    wanted = wanted < rows ? rows : wanted;
  }
  const int64_t most = wanted < fit ? wanted : fit, rounded = most - most % kTile;
  return task.size < rounded ? task.size : rounded;
}

template <class T>
int64_t element_scratch(const Task& task) {
  const int64_t staged = is_staged<T>(task) ? staged_elements<T>(task) : 0;
  return ElementBuffers<T>::bytes(task) + Staging<T>::bytes(task, staged, gathered(task));
}

// Elements [begin, end), which are those of `flat` from begin - origin on. False: a bad one was
// met.
template <class T>
bool run_blocks(const Task& flat, const ElementFunctions<T>& functions, const Blocks& blocks,
                int64_t origin, int64_t begin, int64_t end, bool only_survey, char* scratch) {
  const auto run = flat.weight.data == nullptr              ? run_flat<T, T, false>
                   : flat.weight.dtype == DTypeOf<T>::value ? run_flat<T, T, true>
                                                            : run_flat<T, double, true>;
  return each_block(blocks, begin, end, [&](int64_t from, int64_t to, Partial& partial) {
    run(flat, functions, from - origin, to - origin, only_survey, scratch, partial);
  });
}

// Apart, since its large frame would cost small calls as much as their work.
template <class T>
[[gnu::noinline]] void run_staged(const Task& task, const ElementFunctions<T>& functions,
                                  const Blocks& blocks, bool only_survey, char* scratch) {
  const int64_t most = staged_elements<T>(task);
  Staging<T> staging(task, 1, scratch + ElementBuffers<T>::bytes(task));
  Examples at(task, blocks.begin);
  for (int64_t i = blocks.begin, n; i < blocks.end; i += n) {
    n = blocks.end - i < most ? blocks.end - i : most;
    const Task& flat = staging.load(at, n, gathered(task));
    if (!run_blocks(flat, functions, blocks, i, i, i + n, only_survey, scratch)) return;
    if (!only_survey) staging.store(at, n, gathered(task));
    at.advance(n);
  }
}

template <class T>
void run_elements(const Task& task, const ElementFunctions<T>& functions, const Blocks& blocks,
                  bool only_survey, char* scratch) {
  if (is_staged<T>(task)) {
    run_staged(task, functions, blocks, only_survey, scratch);
  } else {
    run_blocks(task, functions, blocks, 0, blocks.begin, blocks.end, only_survey, scratch);
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
