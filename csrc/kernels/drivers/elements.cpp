// Driver of the elementwise losses: tiles of a flat sequence of examples.
#include "drivers.hpp"

#include "../memory/staging.hpp"
#include "values.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// The same as the check, but for elements of weight 0, which are not there and may hold anything.
template <class T, class W>
bool counted_outside(ElementCheck<T> check, Roles limited, const T* const* input,
                     const double* parameters, const W* weight, int64_t n) {
  if (!check(input, parameters, n)) return false;
  if (weight == nullptr) return true;
  for (int64_t i = 0; i < n; ++i) {
    if (weight[i] == W(0)) continue;
    const T* one[kMaxInputs];
    for (const int role : limited) one[role] = input[role] + i;
    if (check(one, parameters, 1)) return true;
  }
  return false;
}

// Working memory of a tile. It is handed in: the stacks of threads may be small.
template <class T>
struct ElementBuffers {
  double* weight;
  T* of[kRoles];  // inputs of the formula, derivatives, and values even where they go nowhere

  // Large arrays begin at a page, and so does this memory. Values are written half a page away,
  // lest the loads of inputs wait for stores whose addresses end in the same 12 bits.
  static constexpr int64_t kHalfPage = 2048;

  // Elements of a tile that a buffer must hold, whole lines of memory.
  static int64_t capacity(const Task& task) {
    return task.size < kTile ? (task.size + kSumLanes - 1) & -int64_t(kSumLanes) : kTile;
  }
  static Roles buffered(const Task& task) {
    return (task.present & (kFormulaInputs | kDerivatives)) | roles(kValues);
  }
  static int64_t bytes(const Task& task) {
    const int64_t numbers = buffered(task).count();
    return capacity(task) * (int64_t(sizeof(double)) + numbers * int64_t(sizeof(T))) + kHalfPage;
  }
  ElementBuffers(const Task& task, char* scratch) {
    const int64_t n = capacity(task);
    weight = reinterpret_cast<double*>(scratch);
    T* next = reinterpret_cast<T*>(weight + n);
    for (const int role : buffered(task)) {
      if (role == kValues) next += kHalfPage / int64_t(sizeof(T));
      of[role] = next;
      next += n;
    }
  }
};

// Computes a tile whose inputs are loaded and checked.
template <class T, class W>
NUMLOSS_INLINE void run_tile(const Task& task, const Examples& at,
                             const ElementChoice<T, W>& choice, const ElementBuffers<T>& buffers,
                             ElementTile<T>& tile, const W* weight, T inverse, Partial& partial) {
  const Roles derivatives = task.present & kDerivatives;
  for (const int role : derivatives) {
    tile.derivative[role - kGradients] = destination(task[role], at, tile.n, buffers.of[role]);
  }
  // The formula takes the denominator in where its inverse fits T; else, or with weights, it
  // follows.
  const bool after = weight != nullptr || !is_normal(inverse);
  tile.scale = after ? T(1) : inverse;
  // Copies are in the cache.
  tile.ahead = task.ask_ahead && tile.input[kHeads] != buffers.of[kHeads];
  double total[2] = {};
  tile.total = total;
  const bool weighted = weight != nullptr && choice.weighted != nullptr;
  if (weighted) {
    choice.weighted(tile, weight, 1 / task.denominator);
  } else {
    choice.function(tile);
  }
  if (choice.leaves_totals) {
    add(partial.loss, total[0]);
    add(partial.loss, total[1]);
  } else if (weight != nullptr && task.unweighted_values) {
    hide_unweighted(tile.value, weight, tile.n);
    finish_values(task, at, tile.value, static_cast<const W*>(nullptr), tile.n, partial);
  } else if (task.mode & kValue) {
    finish_values(task, at, tile.value, weight, tile.n, partial);
  }
  if (task.has(kWeights)) {
    store_weights(task, at, tile.n, weight, buffers.weight);
  }
  for (const int role : derivatives) {
    T* const x = tile.derivative[role - kGradients];
    if (after && !weighted) weigh(x, weight, task.denominator, tile.n);
    store(task[role], at, tile.n, x);
  }
}

// Whether the limited inputs of a tile, which are loaded, are in the loss's domain.
template <class T, class W>
bool is_inside(const Task& task, const ElementFunctions<T>& functions, const ElementTile<T>& tile,
               const W* weight) {
  return functions.check == nullptr ||
         !counted_outside(functions.check, functions.limited, tile.input, task.parameters, weight,
                          tile.n);
}

// Probabilities of a tile that rounding has put outside [0, 1] become 0 and 1, in copies.
template <class T>
[[gnu::noinline]] void round_probabilities(Roles probabilities, const ElementBuffers<T>& buffers,
                                           ElementTile<T>& tile) {
  const T low = T(-kUnitSlack), high = T(1 + kUnitSlack);
  for (const int role : probabilities) {
    const T* const from = tile.input[role];
    T* const to = buffers.of[role];
    for (int64_t i = 0; i < tile.n; ++i) {
      const T x = from[i];
      to[i] = x < T(0) && x >= low ? T(0) : x > T(1) && x <= high ? T(1) : x;
    }
    tile.input[role] = to;
  }
}

// Checks a tile and counts it. False: something of it is outside the loss's domain, and not only
// because of rounding.
template <class T, class W>
bool check_tile(const Task& task, const ElementFunctions<T>& functions,
                const ElementBuffers<T>& buffers, const W* weight, ElementTile<T>& tile,
                Partial& partial) {
  partial.count += tile.n;
  if (weight != nullptr && !add_weights(weight, tile.n, least_weight<W>(task), partial.weight)) {
    return false;
  }
  if (is_inside(task, functions, tile, weight)) return true;
  if (functions.probabilities.bits == 0) return false;
  round_probabilities(functions.probabilities, buffers, tile);
  partial.rounds = true;
  return is_inside(task, functions, tile, weight);
}

// By how many elements to shorten the first tile for the others to begin where lines of memory do.
// None where tiles are summed, values or weights: in the same order wherever arrays lie.
template <class T>
int64_t beyond_line(const Task& task, const Examples& at) {
  const bool sums = (task.mode & kValue) != 0 || (task.has(kWeight) && !task.checked);
  if (sums || !task.has(kGradients)) return 0;
  const Operand& gradient = task[kGradients];
  const char* const address = at.address(gradient);
  if (!in_place<T>(gradient, address, at.stride(gradient))) return 0;
  return int64_t(reinterpret_cast<uintptr_t>(address) % kLineBytes / sizeof(T));
}

// Elements of a tile: more for derivatives of a cheap formula, where nothing is summed or copied. A
// tile costs some 50 ns beside its formula, which there is a third of all; a limited input is still
// in the L1 cache when it is read again.
template <class T>
int64_t tile_elements(const Task& task, const ElementFunctions<T>& functions, const Examples& at) {
  constexpr int64_t kLong = 4 * kTile;
  const bool cheap = functions.summed_value != nullptr && functions.probabilities.bits == 0;
  const bool sums = (task.mode & kValue) != 0 || task.has(kWeight);
  if (!cheap || sums || task.ndim != 1) return kTile;
  for (const int role : task.present&(kFormulaInputs | kDerivatives)) {
    const Operand& operand = task[role];
    if (!in_place<T>(operand, at.address(operand), at.stride(operand))) return kTile;
  }
  return kLong;
}

// W: of the weights, if any.
template <class T, class W, bool kWeighted>
void run_flat(const Task& task, const ElementFunctions<T>& functions, int64_t begin, int64_t end,
              bool only_check, char* scratch, Partial& partial) {
  const ElementBuffers<T> buffers(task, scratch);
  const ElementChoice<T, W> choice = functions.template choose<W>(task);
  const Roles read = only_check ? functions.limited : task.present & kFormulaInputs;
  const T inverse = T(1 / task.denominator);
  ElementTile<T> tile;
  tile.parameters = task.parameters;
  tile.value = buffers.of[kValues];
  Examples at(task, begin);
  const int64_t longest = tile_elements<T>(task, functions, at);
  int64_t most = longest - beyond_line<T>(task, at);
  for (int64_t i = begin; i < end; most = longest) {
    const int64_t n = end - i < most ? end - i : most;
    const W* weight = nullptr;
    if constexpr (kWeighted) {
      weight = load(task[kWeight], at, n, reinterpret_cast<W*>(buffers.weight));
    }
    for (const int role : read) tile.input[role] = load(task[role], at, n, buffers.of[role]);
    tile.n = n;
    if (!task.checked && !check_tile(task, functions, buffers, weight, tile, partial)) {
      partial.bad = true;
      return;
    }
    if (task.rounds) round_probabilities(functions.probabilities, buffers, tile);
    if (!only_check) {
      run_tile(task, at, choice, buffers, tile, weight, inverse, partial);
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
  for (const int role : task.present) {
    const Operand& operand = task[role];
    const int64_t stride = operand.strides[task.ndim - 1];
    const bool lies = in_place<T>(operand, operand.data, stride) ||
                      in_place<double>(operand, operand.data, stride);
    in_rows = in_rows && lies && !is_flat(task, operand);
  }
  return !in_rows;
}

// Which operands are copied then.
inline Roles gathered(const Task& task) {
  Roles found{0};
  for (const int role : task.present) {
    if (!is_flat(task, task[role])) found = found | roles(role);
  }
  return found;
}

// Elements copied at a time: so many that whole lines of every array are used, if that many fit.
template <class T>
int64_t staged_elements(const Task& task) {
  constexpr int64_t kLeast = 32 * kTile, kRows = 2 * kLine<T>;
  const Roles copied = gathered(task);
  const int64_t fit = kStagedBytes / Staging<T>::bytes(task, copied, 1);
  int64_t wanted = kLeast;
  for (const int role : (copied & (kFormulaInputs | kDerivatives))) {
    const int64_t apart = elements_from(task, nearest_dimension(task, task[role]) + 1);
    const int64_t rows = apart < fit / kRows ? kRows * apart : fit;
    wanted = wanted < rows ? rows : wanted;
  }
  const int64_t most = wanted < fit ? wanted : fit, rounded = most - most % kTile;
  return task.size < rounded ? task.size : rounded;
}

// Elements [begin, end), which are those of `flat` from begin - origin on. False: a bad one was
// met.
template <class T>
bool run_flat_blocks(const Task& flat, const ElementFunctions<T>& functions, const Blocks& blocks,
                     int64_t origin, int64_t begin, int64_t end, bool only_check, char* scratch) {
  const auto run = !flat.has(kWeight)                         ? run_flat<T, T, false>
                   : flat[kWeight].dtype == DTypeOf<T>::value ? run_flat<T, T, true>
                                                              : run_flat<T, double, true>;
  return each_block(blocks, begin, end, [&](int64_t from, int64_t to, Partial& partial) {
    run(flat, functions, from - origin, to - origin, only_check, scratch, partial);
  });
}

// Apart, since its large frame would cost small calls as much as their work.
template <class T>
[[gnu::noinline]] void run_staged(const Task& task, const ElementFunctions<T>& functions,
                                  const Blocks& blocks, bool only_check, char* scratch) {
  const int64_t most = staged_elements<T>(task);
  Staging<T> staging(task, gathered(task), 1, scratch + ElementBuffers<T>::bytes(task));
  Examples at(task, blocks.begin);
  for (int64_t i = blocks.begin, n; i < blocks.end; i += n) {
    n = blocks.end - i < most ? blocks.end - i : most;
    const Task& flat = staging.load(at, n);
    if (!run_flat_blocks(flat, functions, blocks, i, i, i + n, only_check, scratch)) return;
    if (!only_check) staging.store(at, n);
    at.advance(n);
  }
}

}  // namespace

template <class T>
int64_t element_scratch(const Task& task) {
  const int64_t bytes = ElementBuffers<T>::bytes(task);
  if (!is_staged<T>(task)) return bytes;
  return bytes + Staging<T>::bytes(task, gathered(task), staged_elements<T>(task));
}

template <class T>
void run_elements(const Task& task, const ElementFunctions<T>& functions, const Blocks& blocks,
                  bool only_check, char* scratch) {
  if (is_staged<T>(task)) {
    run_staged(task, functions, blocks, only_check, scratch);
  } else {
    run_flat_blocks(task, functions, blocks, 0, blocks.begin, blocks.end, only_check, scratch);
  }
}

// A single tile, as run_flat() has it. Its sum is that of its totals: the rounding error of their
// addition, which several tiles would carry, is at most half a unit in the last place.
template <class T>
bool run_handful(const Handful& handful, const ElementFunctions<T>& functions, double& loss) {
  ElementTile<T> tile;
  tile.parameters = handful.parameters;
  tile.n = handful.size;
  tile.ahead = false;
  for (const int role : handful.inputs) tile.input[role] = reinterpret_cast<T*>(handful.data[role]);
  if (functions.check != nullptr && functions.check(tile.input, tile.parameters, tile.n)) {
    return false;
  }
  for (const int role : handful.outputs) {
    tile.derivative[role - kGradients] = reinterpret_cast<T*>(handful.data[role]);
  }
  alignas(64) T value[kHandful];
  tile.value = value;
  double total[2] = {};
  tile.total = total;
  tile.scale = T(1 / handful.denominator);  // at most kHandful, whose inverse fits any type
  const auto choice = functions.template choose<T>(handful.mode, true, handful.parameters);
  choice.function(tile);
  if (choice.leaves_totals) {
    loss = 0.0 + total[0] + total[1];
  } else if (handful.mode & kValue) {
    loss = 0.0 + sum(value, tile.n);
  }
  return true;
}

template <class T>
int64_t elements_copied(const Task& task) {
  return is_staged<T>(task) ? staged_elements<T>(task) : 0;
}

template bool run_handful(const Handful&, const ElementFunctions<float>&, double&);
template bool run_handful(const Handful&, const ElementFunctions<double>&, double&);
template int64_t elements_copied<float>(const Task&);
template int64_t elements_copied<double>(const Task&);
template int64_t element_scratch<float>(const Task&);
template int64_t element_scratch<double>(const Task&);
template void run_elements(const Task&, const ElementFunctions<float>&, const Blocks&, bool, char*);
template void run_elements(const Task&, const ElementFunctions<double>&, const Blocks&, bool,
                           char*);

}  // namespace numloss::NUMLOSS_ISA
