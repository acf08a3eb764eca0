#include "run.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "dispatch.hpp"
#include "float_environment.hpp"
#include "parallel.hpp"

namespace numloss {

namespace {

// Drops dimensions of length 1 and joins neighbours that every operand walks in one stride, so
// that a contiguous array of any rank becomes one run.
void coalesce(Task& task) {
  if (task.size == 0) return;  // strides may be anything then
  int kept = 0;
  for (int d = 0; d < task.ndim; ++d) {
    const int64_t length = task.shape[d];
    if (length == 1) continue;
    const auto walks_on = [&](const Operand& operand) {
      return operand.strides[kept - 1] == operand.strides[d] * length;
    };
    bool joins = kept > 0;
    if (joins) {
      for (const int role : task.present) joins = joins && walks_on(task[role]);
    }
    const int to = joins ? kept - 1 : kept;
    task.shape[to] = joins ? task.shape[to] * length : length;
    if (to != d) {
      for (const int role : task.present) task[role].strides[to] = task[role].strides[d];
    }
    kept = to + 1;
  }
  task.ndim = kept;
}

// Puts the dimensions in the order in which the arrays lie, the longest strides first.
void sort_dimensions(Task& task) {
  const auto stride = [&](int d) {
    double sum = 0;  // of integers that may be anything
    for (const int role : task.present) sum += std::fabs(double(task[role].strides[d]));
    return sum;
  };
  for (int last = 1; last < task.ndim; ++last) {
    for (int d = last; d > 0 && stride(d - 1) < stride(d); --d) {
      std::swap(task.shape[d - 1], task.shape[d]);
      for (const int role : task.present) {
        std::swap(task[role].strides[d - 1], task[role].strides[d]);
      }
    }
  }
  coalesce(task);
}

// What a core's caches may still hold of an array from one call to the next.
constexpr int64_t kCachedBytes = 1 << 20;

int64_t itemsize(DType dtype) {
  static constexpr int8_t kBytes[] = {4, 8, 2, 2, 1, 1, 2, 4, 8, 1, 2, 4, 8};
  static_assert(kBytes[int(DType::kBfloat16)] == 2 && kBytes[int(DType::kInt64)] == 8 &&
                std::size(kBytes) == size_t(DType::kUint64) + 1);
  return kBytes[size_t(dtype)];
}

// Whether all of a task is a single block, of the least length that blocks may have: for most small
// calls the only question, and without a division.
bool is_small(const Task& task) {
  return task.size <= kBlock && task.classes <= kBlock && task.size * task.classes <= kBlock;
}

bool may_exceed_cache(const Task& task) {
  return task.size > kCachedBytes / int64_t(sizeof(double)) / std::max<int64_t>(1, task.classes);
}

// Whether an operand has more elements than that.
bool exceeds_cache(const Task& task, int role) {
  const bool by_classes =
      role == kTarget ? task.target_kind == Target::kDistribution : role != kAside;
  const int64_t cached = kCachedBytes / itemsize(task[role].dtype);
  return task.size > cached / std::max<int64_t>(1, by_classes ? task.classes : 1);
}

// Operands whose lines kernels ask for ahead, where they are many.
constexpr Roles kReadAhead =
    kPredictions | roles(kTarget) | roles(kAside) | roles(kGradients, kMaxHeads);

const LossInfo& loss_of(const Task& task) { return *kernels().loss[task.loss]; }

// Whether rows are worked on one by one.
bool has_long_rows(const Task& task) {
  return task.classes > kSideBySide && loss_of(task).driver == Driver::kRows;
}

// Blocks depend on the size of the input alone, never on the threads: that fixes the order of
// every sum. Their number is bounded, and with it the memory of a call.
int64_t block_length(const Task& task) {
  const Driver driver = loss_of(task).driver;
  const int64_t rows = std::max<int64_t>(1, kBlock / std::max<int64_t>(1, task.classes));
  const int64_t least = std::max(rows, (task.size + kMaxBlocks - 1) / kMaxBlocks);
  const bool one_by_one = task.long_rows || driver == Driver::kLists ||
                          driver == Driver::kVectors || driver == Driver::kSequences;
  const int64_t unit = driver == Driver::kElements ? kTile : one_by_one ? 1 : kLanes;
  return (least + unit - 1) / unit * unit;
}

// Working memory of several threads lies on pages of their own: what a core fetches ahead as it
// goes through its memory ends at a page, and would take lines from the core that is writing them.
constexpr int64_t kPage = 4096;
int64_t whole_pages(int64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

// Memory for a sweep: small ones take it from the stack, where malloc would cost more than the
// work.
template <class T, size_t kSmall>
class Workspace {
 public:
  explicit Workspace(size_t n, bool own_pages = false) : data_(reinterpret_cast<T*>(small_)) {
    if (n > kSmall || own_pages) {
      const size_t bytes = size_t(whole_pages(int64_t(n * sizeof(T))));
      large_.reset(static_cast<T*>(operator new(bytes, kOnPage)));
      data_ = large_.get();
    }
    std::uninitialized_default_construct_n(data_, n);
  }
  T* data() { return data_; }

 private:
  struct Free {
    void operator()(T* memory) const { operator delete(memory, kOnPage); }
  };
  static constexpr std::align_val_t kOnPage{kPage};
  alignas(64) std::byte small_[kSmall * sizeof(T)];
  std::unique_ptr<T, Free> large_;
  T* data_;
};

constexpr size_t kSmallScratch = 13 * 1024;  // beside a call: threads may have 64 KB of stack

// No process has this much memory, and as much for each of thousands of threads can be counted.
constexpr int64_t kAddressable = int64_t(1) << 47;

struct Sweep {
  const Task& task;
  bool only_check;
  int64_t length;    // of a block
  int64_t together;  // blocks that are given to one call
  Partial* partials;
  char* scratch;
  int64_t scratch_stride;
};

void sweep_share(void* context, int64_t call, int thread) {
  const Sweep& sweep = *static_cast<Sweep*>(context);
  const int64_t first = call * sweep.together, begin = first * sweep.length;
  const int64_t end = std::min(begin + sweep.together * sweep.length, sweep.task.size);
  char* scratch = sweep.scratch + thread * sweep.scratch_stride;
  const Blocks blocks{begin, end, sweep.length, sweep.partials + first};
  kernels().run(sweep.task, blocks, sweep.only_check, scratch);
}

struct Totals {
  double loss = 0, weight = 0;
  int64_t count = 0;
  bool bad = false, rounds = false;
};

// As the kernels' add(Sum&, double), which stays theirs: nothing inline may be shared with code
// that is compiled for another instruction set (csrc/kernels/README.md).
void accumulate(Sum& sum, double x) {
  const double high = sum.high + x;
  const double part = high - sum.high;
  const double error = (sum.high - (high - part)) + (x - part);
  sum.high = high;
  // A NaN or infinite sum has no error to carry.
  if (high - high == 0) sum.low += error;
}

double total(const Sum& sum) { return sum.high + sum.low; }

// How many times as long a call takes whose arrays have to be copied.
constexpr int64_t kCopies = 2;
// What moving a byte to or from a core's larger caches takes, in ps.
constexpr int64_t kByte = 35;

// Picoseconds: of the arithmetic, of which a gradient adds half as much again and a Hessian as
// much, and of moving the arrays as large as the predictions.
int64_t cost_of_element(const Task& task) {
  const int halves = 2 + (task.mode & kGradient ? 1 : 0) + (task.mode & kHessian ? 2 : 0);
  const int64_t arithmetic = loss_of(task).cost * halves / (task.in_float64 ? 1 : 2);
  Roles moved = kPredictions | roles(kAside) | kDerivatives;
  if (task.target_kind != Target::kLabel) moved = moved | roles(kTarget);
  if (task.target_kind == Target::kElement) moved = moved | roles(kWeight);
  int64_t bytes = 0;
  for (const int role : (task.present & moved)) bytes += itemsize(task[role].dtype);
  return arithmetic + kByte * bytes;
}

// Elements that a thread takes at a time where several share an array larger than the caches. The
// first lines of each piece come late, as nobody has asked for them ahead: pieces are long.
constexpr int64_t kConsecutive = 1 << 17;

// Blocks that are given to one call: as many as it copies together or goes through at a time, but
// some for each thread.
int64_t blocks_together(const Task& task, int64_t copied, int64_t length, int64_t blocks,
                        int threads) {
  const int64_t share = threads > 1 ? std::max<int64_t>(1, blocks / (2 * threads)) : blocks;
  const int64_t far = task[kHeads].exceeds_cache && threads > 1 ? kConsecutive / task.classes : 0;
  return std::clamp<int64_t>(std::max(copied, far) / length, 1, share);
}

int64_t scratch_bytes(const Task& task) {
  const int64_t bytes = kernels().scratch_bytes(task);
  if (bytes > kAddressable) throw std::bad_alloc();
  return whole_pages(bytes);
}

// A task of a single block, on this thread: what the others need would take as long as the work.
Totals sweep_block(const Task& task, bool only_check) {
  if (task.size == 0) return {};
  Workspace<char, kSmallScratch> scratch(size_t(scratch_bytes(task)));
  Partial partial;
  kernels().run(task, {0, task.size, kOnlyBlock, &partial}, only_check, scratch.data());
  return {total(partial.loss), total(partial.weight), partial.count, partial.bad, partial.rounds};
}

// A task of several blocks. Apart, as it has more to keep than a small one.
[[gnu::noinline]] Totals sweep_blocks(const Task& task, bool only_check, int64_t length) {
  const int64_t blocks = (task.size + length - 1) / length;
  const int64_t copied = kernels().copied_together(task);
  const Team team(estimated_cost(task) * (copied > 0 ? kCopies : 1), blocks);
  const int64_t stride = scratch_bytes(task);
  Workspace<char, kSmallScratch> scratch(size_t(stride * team.size()), team.size() > 1);
  Workspace<Partial, 8> partials(static_cast<size_t>(blocks));
  const int64_t together = blocks_together(task, copied, length, blocks, team.size());
  Sweep context{task, only_check, length, together, partials.data(), scratch.data(), stride};
  for_blocks((blocks + together - 1) / together, team.size(), sweep_share, &context);
  Partial all;
  for (int64_t block = 0; block < blocks; ++block) {
    const Partial& partial = partials.data()[block];
    accumulate(all.loss, partial.loss.high);
    accumulate(all.loss, partial.loss.low);
    accumulate(all.weight, partial.weight.high);
    accumulate(all.weight, partial.weight.low);
    all.count += partial.count;
    all.bad = all.bad || partial.bad;
    all.rounds = all.rounds || partial.rounds;
  }
  return {total(all.loss), total(all.weight), all.count, all.bad, all.rounds};
}

Totals sweep(const Task& task, bool only_check) {
  const int64_t length = is_small(task) ? task.size : block_length(task);
  return task.size <= length ? sweep_block(task, only_check)
                             : sweep_blocks(task, only_check, length);
}

// Whether w is the same 1 for every example, so that their number is the sum of weights.
bool unweighted(const Task& task) {
  return !task.has(kWeight) && task.target_kind != Target::kLabel && task.class_weight == nullptr;
}

double denominator_of(const Call& call, const Totals& totals) {
  switch (call.denominator) {
    case Denominator::kNumber: return call.number;
    case Denominator::kCount: return double(totals.count);
    default: return unweighted(call.task) ? double(totals.count) : totals.weight;
  }
}

// Whether a mean is to be divided by a sum of weights that negative ones have brought down to 0 or
// below.
bool is_unfit(const Call& call, const Totals& totals) {
  return call.task.negative_weights && call.task.has(kWeight) &&
         call.reduction == Reduction::kMean && call.denominator == Denominator::kWeight &&
         totals.count > 0 && totals.weight <= 0;
}

Result unfit(const Totals& totals) {
  return {.weight = totals.weight, .count = totals.count, .bad = true, .unfit = true};
}

// Checks the inputs and adds their weights up; where there are none, in any order.
Totals check_inputs(const Task& task) {
  if (task.ndim < 2 || !unweighted(task)) return sweep(task, true);
  Task sorted = task;
  sort_dimensions(sorted);
  return sweep(sorted, true);
}

Result run_sweeps(Call& call) {
  Task& task = call.task;
  const bool derivatives = (task.mode & (kGradient | kHessian)) != 0;
  const bool mean = call.reduction == Reduction::kMean;
  const bool known = call.denominator == Denominator::kNumber ||
                     (task.target_kind != Target::kLabel &&
                      (call.denominator == Denominator::kCount || unweighted(task)));
  Result result;
  double denominator = 1;
  const bool may_be_bad = loss_of(task).limited.bits != 0 || task.has(kWeight);
  Totals checked;
  if ((!call.outputs_are_ours && may_be_bad) || (derivatives && mean && !known)) {
    checked = check_inputs(task);
    if (checked.bad) return {.bad = true};
    if (is_unfit(call, checked)) return unfit(checked);
    denominator = denominator_of(call, checked);
    task.checked = true;
    task.rounds = checked.rounds;
  } else if (mean) {
    Totals totals;
    totals.count = task.size;
    denominator = denominator_of(call, totals);
  }
  if (derivatives && mean) {
    if (denominator == 0 && !call.empty_is_known) return {.empty = true};
    task.denominator = denominator;
  }
  const Totals totals = sweep(task, false);
  if (totals.bad) return {.bad = true};
  result.rounds = totals.rounds || task.rounds;
  const Totals& counted = task.checked ? checked : totals;
  result.value = totals.loss;
  result.weight = unweighted(task) ? double(counted.count) : counted.weight;
  result.count = counted.count;
  if (is_unfit(call, counted)) return unfit(counted);
  if (mean) {
    if (!derivatives) denominator = denominator_of(call, counted);
    result.empty = denominator == 0;
    result.value =
        result.empty ? std::numeric_limits<double>::quiet_NaN() : totals.loss / denominator;
  }
  return result;
}

// The value in the order of its sum, then the gradient in the order in which the arrays lie.
Result run_apart(Call value, Call& gradient) {
  value.task.mode = kValue;
  value.task.present = value.task.present - kDerivatives;
  const Result result = run_sweeps(value);
  if (result.bad || (result.empty && !value.empty_is_known)) return result;
  gradient.outputs_are_ours = true;
  gradient.task.checked = true;
  gradient.task.rounds = result.rounds;
  run_sweeps(gradient);
  return result;
}

// Examples of which nothing is summed, their weights included, may come in any order: in that of
// the arrays nothing need be copied.
[[gnu::noinline]] Result run_reordered(Call& call) {
  Task& task = call.task;
  const bool sums = (task.mode & kValue) != 0 && !task.has(kValues);
  if (!sums) {
    sort_dimensions(task);
  } else if (task.mode == (kValue | kGradient) && loss_of(task).recompute_gradient) {
    Call gradient = call;
    gradient.task.mode = kGradient;
    sort_dimensions(gradient.task);
    if (gradient.task.ndim == 1) return run_apart(call, gradient);
  }
  return run_sweeps(call);
}

// Lays a task out for its sweeps.
void settle(Task& task) {
  coalesce(task);
  task.long_rows = has_long_rows(task);
  if (!is_small(task) && may_exceed_cache(task)) {
    for (const int role : (task.present & kReadAhead)) {
      task[role].exceeds_cache = exceeds_cache(task, role);
    }
    task.ask_ahead = task[kHeads].exceeds_cache && !fetches_elements_ahead();
  }
}

// Not inlined, so that no arithmetic leaves the environment it is called in.
[[gnu::noinline]] Result run_in_environment(Call& call) {
  Task& task = call.task;
  settle(task);
  return task.ndim > 1 && task.size > 0 && unweighted(task) ? run_reordered(call)
                                                            : run_sweeps(call);
}

}  // namespace

namespace {

// Checks a call as run_sweeps() does before the first write.
Result check_call(Call& call) {
  settle(call.task);
  const Totals checked = check_inputs(call.task);
  if (checked.bad) return {.bad = true};
  if (is_unfit(call, checked)) return unfit(checked);
  const bool divides = call.reduction == Reduction::kMean && !call.empty_is_known;
  return {.empty = divides && denominator_of(call, checked) == 0};
}

// Calls f(call, place) of each slice in turn, with the offset of its value, until f returns false.
void each_slice(const Call& whole, const Slices& slices, auto&& f) {
  Call part = whole;
  int other[kMaxDims], others = 0;  // axes that tell slices apart
  Task& task = part.task;
  task.ndim = 0;
  task.size = 1;
  bool none = false;
  for (int d = 0; d < whole.task.ndim; ++d) {
    const int64_t length = whole.task.shape[d];
    if ((slices.axes >> d & 1) == 0) {
      other[others++] = d;
      none = none || length == 0;
      continue;
    }
    task.shape[task.ndim] = length;
    for (const int role : task.present) task[role].strides[task.ndim] = task[role].strides[d];
    if (__builtin_mul_overflow(task.size, length, &task.size)) task.size = INT64_MAX;
    ++task.ndim;
  }
  int64_t place[kMaxDims] = {};
  while (!none) {
    Call call = part;
    int64_t offset = 0;
    for (int k = 0; k < others; ++k) {
      offset += place[k] * slices.values.strides[k];
      for (const int role : task.present) {
        call.task[role].data += place[k] * whole.task[role].strides[other[k]];
      }
    }
    if (!f(call, offset)) return;
    int k = others - 1;
    for (; k >= 0 && ++place[k] == whole.task.shape[other[k]]; --k) place[k] = 0;
    if (k < 0) return;
  }
}

// Not inlined, as above.
[[gnu::noinline]] Result run_slices_in_environment(const Call& whole, const Slices& slices) {
  Result all;
  if (!whole.outputs_are_ours) {
    each_slice(whole, slices, [&](Call& call, int64_t) {
      const Result found = check_call(call);
      if (found.bad || found.empty) all = found;
      return !found.bad && !found.empty;
    });
    if (all.bad || all.empty) return all;
  }
  each_slice(whole, slices, [&](Call& call, int64_t offset) {
    call.outputs_are_ours = call.empty_is_known = true;
    const Result found = run_in_environment(call);
    if (found.bad) {
      all = found;
      return false;
    }
    all.rounds = all.rounds || found.rounds;
    all.empty = all.empty || found.empty;
    if (slices.values.data != nullptr) {
      __builtin_memcpy(slices.values.data + offset, &found.value, sizeof(double));
    }
    return true;
  });
  return all;
}

}  // namespace

Result run(const Call& call, const Slices& slices) {
  const FloatEnvironment ieee;
  return run_slices_in_environment(call, slices);
}

constexpr int64_t kForever = int64_t(1) << 60;  // ps, a fortnight: may be multiplied

int64_t estimated_cost(const Task& task) {
  int64_t elements, cost;
  const bool beyond = __builtin_mul_overflow(task.size, task.classes, &elements) ||
                      __builtin_mul_overflow(elements, cost_of_element(task), &cost);
  return beyond ? kForever : std::min(cost, kForever);
}

Result run(Call& call) {
  const FloatEnvironment ieee;
  return run_in_environment(call);
}

namespace {

// As run_sweeps() does it where all is known beforehand but the values. Not inlined, as above.
[[gnu::noinline]] bool run_handful_in_environment(HandfulCall& call, Result& result) {
  Handful& handful = call.handful;
  handful.denominator = call.reduction == Reduction::kMean ? double(handful.size) : 1;
  double loss = 0;
  if (!kernels().run_handful(handful, loss)) return false;
  result.value = loss / handful.denominator;
  result.weight = double(handful.size);
  result.count = handful.size;
  return true;
}

}  // namespace

bool run(HandfulCall& call, Result& result) {
  const FloatEnvironment ieee;
  return run_handful_in_environment(call, result);
}

}  // namespace numloss
