// The plain structs that travel between the runtime and the kernels. No SIMD types, no std
// containers: this header is compiled under every instruction set.
#pragma once

#include <cstdint>

#include "inline.hpp"

namespace numloss {

inline constexpr int kMaxDims = 64;  // as NumPy
inline constexpr int kTile = 1024;   // elements of a tile: a few of them fit the L1 cache
inline constexpr int kLanes = 64;    // rows side by side, or classes of a step of a long row
inline constexpr int kSideBySide =
    256;  // rows of at most this many classes go side by side (their panel fits the L2 cache)
inline constexpr int64_t kBlock = 1 << 13;  // elements a block holds at least
inline constexpr int64_t kMaxBlocks = 4096;
inline constexpr int kMaxParameters = 5;  // that a loss reads
// How far outside [0, 1] a probability may lie, for every type: rounding, taken for 0 or 1.
inline constexpr double kUnitSlack = 1e-6;
inline constexpr int kMaxHeads = 3;  // inputs that a loss has gradients by

enum class DType : uint8_t {
  kFloat32,
  kFloat64,
  kFloat16,
  kBfloat16,
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
};

// What a call computes; a mode is a sum of these.
enum Mode : unsigned { kValue = 1, kGradient = 2, kHessian = 4 };

// What an array is to a call: its place in Task::operands.
enum Role : int {
  kHeads,  // the predictions, kMaxHeads places; most losses have one
  kTarget = kHeads + kMaxHeads,
  kAside,      // numbers that vary beside the target, as the level of a quantile does
  kWeight,     // of the examples
  kMask,       // which classes can happen: not 0
  kValues,     // outputs from here on: a loss for each example
  kGradients,  // one for each head
  kHessians = kGradients + kMaxHeads,
  kWeights = kHessians + kMaxHeads,  // beside values: float64, the full weight of each example
  kLogSumExp,                        // of losses over classes: of each row's scores
  kPredicted,                        // the same: the class with the highest one, int64
  kRoles,
};

// Roles, a bit for each; a loop over them takes them in order.
struct Roles {
  unsigned bits;

  struct Next {
    unsigned left;
    NUMLOSS_INLINE int operator*() const { return __builtin_ctz(left); }
    NUMLOSS_INLINE void operator++() { left &= left - 1; }
    NUMLOSS_INLINE bool operator!=(const Next& other) const { return left != other.left; }
  };
  NUMLOSS_INLINE Next begin() const { return {bits}; }
  NUMLOSS_INLINE Next end() const { return {0}; }

  NUMLOSS_INLINE constexpr bool has(int role) const { return (bits >> role & 1) != 0; }
  NUMLOSS_INLINE constexpr int count() const { return __builtin_popcount(bits); }
  NUMLOSS_INLINE constexpr Roles operator|(Roles other) const { return {bits | other.bits}; }
  NUMLOSS_INLINE constexpr Roles operator&(Roles other) const { return {bits & other.bits}; }
  NUMLOSS_INLINE constexpr Roles operator-(Roles other) const { return {bits & ~other.bits}; }
};

// `count` roles from `first` on.
NUMLOSS_INLINE constexpr Roles roles(int first, int count = 1) {
  return {((1u << count) - 1) << first};
}

inline constexpr Roles kInputs = roles(kHeads, kValues - kHeads);
inline constexpr Roles kOutputs = roles(kValues, kRoles - kValues);
inline constexpr Roles kPredictions = roles(kHeads, kMaxHeads);
inline constexpr Roles kDerivatives = roles(kGradients, 2 * kMaxHeads);
inline constexpr Roles kExtras = roles(kLogSumExp) | roles(kPredicted);

// One array seen over the examples: strides in bytes, one for every example dimension (0 where it
// is broadcast), and the stride along the classes.
struct Operand {
  char* data;
  DType dtype;
  bool swapped;        // the other byte order
  bool exceeds_cache;  // lines of rows are asked for before their turn
  int64_t class_stride;
  int64_t step_stride;  // of sequences, from one step to the next
  int64_t strides[kMaxDims];
};

// What a target is to a loss over rows of classes.
enum class Target : uint8_t { kElement, kLabel, kDistribution, kNumber, kSequence };

// Nothing clears a task, which is large: what `present` and `ndim` do not name was never set.
struct Task {
  int loss = 0;
  unsigned mode = kValue;
  bool in_float64 = false;  // computed so, not in float32
  bool long_rows = false;   // rows of classes are worked on one by one, not side by side
  Target target_kind = Target::kElement;
  Roles present{0};
  int ndim = 0;
  int64_t size = 0;                     // number of examples
  int64_t classes = 1;                  // of lists and sequences: the numbers of the longest
  const int64_t* list_begin = nullptr;  // [size + 1], or absent: all lists are rows
  int64_t steps = 0, step_classes = 1;  // of sequences: at most, and the classes of each step
  int64_t target_columns = 0;           // labels of a sequence at most; one of them is no label:
  int64_t blank = 0;
  // [size], or absent: all steps, and labels up to the first that is ignore_index.
  const int64_t *input_lengths = nullptr, *target_lengths = nullptr;
  int64_t more_labels = 0;  // 1 where the numbers of a row lie between the classes
  double parameters[kMaxParameters] = {};
  const double* class_weight = nullptr;  // [classes] or absent
  const double* label_factor = nullptr;  // [classes] or absent: scales the loss, not its weight
  // Or absent: a distribution per label y, label_table[y * label_stride + k] * label_scale[y].
  const double* label_table = nullptr;
  int64_t label_stride = 0;
  const double* label_scale = nullptr;
  double label_smoothing = 0;
  double temperature = 1;                // that the scores of classes are divided by
  double softcap = 0;                    // that they are kept within before that; 0: they are not
  double z_loss = 0;                     // factor of the square of their log-sum-exp
  bool probabilities = false;            // so are the scores, from the prediction
  bool log_target = false;               // a distribution is given by its logarithms
  const double* class_offset = nullptr;  // [classes] or absent: added to the scores then
  const double* of_columns = nullptr;    // [classes] or absent: a parameter of each
  int64_t ignore_index = -100;
  double distribution_tolerance = 1e-3;
  bool portions_in_unit = false;  // of a distribution: each in [0, 1], of any sum
  double denominator = 1;         // of the gradient and the Hessian
  // Values come without their examples' weights: w * l over the full weight w, which is `weight`
  // times the label's class weight (of a distribution q: sum q * class_weight), and 0 for an
  // ignored row. An example that has no weight has value 0; a label whose class weight is 0 may
  // still have a loss, its smoothed share of other classes, which then is the value as it stands.
  bool unweighted_values = false;
  bool negative_weights = false;  // weights may be any finite numbers, not only those from 0 on
  // A check has found every example in the domain, and the sum of their weights. Labels are looked
  // at again all the same, lest one that another thread wrote meanwhile be taken for an index.
  bool checked = false;
  bool ask_ahead = false;    // lines of elements are asked for before their turn
  bool rounds = false;       // the check met probabilities that rounding has put outside [0, 1]
  int64_t shape[kMaxDims];   // of the examples
  Operand operands[kRoles];  // by role

  // The number of classes that labels name.
  NUMLOSS_INLINE int64_t labels() const { return classes + more_labels; }

  // What the gradient of rows is divided by: that by a score has the temperature as a divisor, and
  // the Hessian another one.
  NUMLOSS_INLINE double divisor() const { return denominator * temperature; }

  NUMLOSS_INLINE bool has(int role) const { return present.has(role); }
  NUMLOSS_INLINE Operand& operator[](int role) { return operands[role]; }
  NUMLOSS_INLINE const Operand& operator[](int role) const { return operands[role]; }

  // An operand to be filled in; its strides are not set.
  NUMLOSS_INLINE Operand& add(int role) {
    present.bits |= 1u << role;
    Operand& operand = operands[role];
    operand.data = nullptr;
    operand.dtype = DType::kFloat64;
    operand.swapped = operand.exceeds_cache = false;
    operand.class_stride = operand.step_stride = 0;
    return operand;
  }
  NUMLOSS_INLINE void drop(int role) { present.bits &= ~(1u << role); }
};

// A sum carried with its rounding error (Knuth's TwoSum), as precise as twice the digits.
struct Sum {
  double high = 0, low = 0;
};

// What the examples of a block leave behind.
struct Partial {
  Sum loss;             // sum of w * l
  Sum weight;           // sum of w
  int64_t count = 0;    // examples not ignored
  bool bad = false;     // a target or a prediction outside the loss's domain was met
  bool rounds = false;  // a probability was met that rounding has put outside [0, 1]
};

// The length of the only block of a task, whose partial no other thread's lies beside.
inline constexpr int64_t kOnlyBlock = INT64_MAX;

// Consecutive blocks: the examples from begin to end, `length` a block, with a partial for each.
struct Blocks {
  int64_t begin, end, length;
  Partial* partials;
};

// Few numbers that lie ready: elements side by side, or rows of classes one behind the other with a
// label each, of the type that they are computed in, none with a weight. What most small calls are;
// a Task would take longer to fill in and to walk than their arithmetic takes.
inline constexpr int kHandful = 256;  // at most: they are kept on the stack
struct Handful {
  int loss;
  unsigned mode;
  bool in_float64;
  int64_t size;     // examples: at least 1
  int64_t classes;  // of elements 1; else at most kLanes, and so are the rows
  Roles inputs, outputs;
  const double* parameters;
  double denominator;  // of the derivatives
  char* data[kRoles];  // by role; labels are int64
};

// How a loss is walked: by elements, each an example; by rows of classes, short ones side by side
// and long ones one by one; by rows that are always side by side, as their classes are gone through
// in order; by lists, rows whose lengths may differ, each worked on as a whole; by examples of
// several rows, which are compared; or by sequences of rows.
enum class Driver : uint8_t { kElements, kRows, kScannedRows, kLists, kVectors, kSequences };

// One loss as the runtime sees it.
struct LossInfo {
  const char* name;
  Driver driver;
  int heads;  // predictions, each of which has a gradient
  bool takes_aside;
  int parameters;           // those of Task that it reads
  Roles limited;            // the inputs whose numbers may be outside its domain
  bool recompute_gradient;  // sooner than copy it there and back
  int64_t cost;             // ps of arithmetic for the value of an element of float32, roughly
};

struct MathInfo {
  const char* name;
  void (*float32)(const float*, float*, int64_t);
  void (*float64)(const double*, double*, int64_t);
};

// Numbers of a block whose sums are taken at once: their levels' sums fit an int64.
inline constexpr int kSumBlock = 2048;
inline constexpr int kLevelBits = 50;  // of a level: kSumBlock of them add up below 2^62

// What the numbers of a block are like. NaN are neither low nor high.
struct Scan {
  double low, high;            // the infinities, the wrong way round, where there is nothing
  uint64_t largest, smallest;  // bits, of the type scanned, of magnitudes; the smallest but 0
};

// Sums without rounding of n <= kSumBlock finite terms of magnitude below 2^top: adds to sums[k] a
// whole multiple of 2^(top - kLevelBits * (k + 1)), for k < levels. The term's lowest bit must be
// in the last level.
template <class... T>
using Levels = void (*)(const T*... x, int n, int top, int levels, int64_t* sums);
struct Statistics {
  void (*scan_float)(const float*, int n, Scan&);
  void (*scan_double)(const double*, int n, Scan&);
  Levels<float> sum_float;
  Levels<double> sum_double;
  Levels<float> squares;
  Levels<double, double> products;  // rounded
  Levels<double, double> errors;    // what the rounding of these products took away
};

// All that leaves the kernels of one instruction set.
struct KernelTable {
  const char* isa;
  int losses;
  const LossInfo* const* loss;
  // Computes blocks, or only checks their targets and adds up their weights.
  void (*run)(const Task&, const Blocks&, bool only_check, char* scratch);
  // Computes a handful, the sum of its values where they are wanted. False: it holds something
  // outside the domain, or the loss needs more memory for rows, and nothing has been written.
  bool (*run_handful)(const Handful&, double& loss);
  int64_t (*copied_together)(const Task&);  // examples that are best given to one such call
  int64_t (*scratch_bytes)(const Task&);    // a thread's working memory
  int functions;
  const MathInfo* function;
  const Statistics* statistics;
};

}  // namespace numloss
