// The plain structs that travel between the runtime and the kernels. No SIMD types, no std
// containers: this header is compiled under every instruction set.
#pragma once

#include <cstdint>

namespace numloss {

inline constexpr int kMaxDims = 64;  // as NumPy
inline constexpr int kTile = 1024;   // elements of a tile: a few of them fit the L1 cache
inline constexpr int kLanes = 64;    // rows side by side, or steps of a folded row
inline constexpr int kSideBySide =
    256;  // rows of at most this many classes go side by side (their panel fits the L2 cache)
inline constexpr int64_t kBlock = 1 << 13;  // elements a block holds at least
inline constexpr int64_t kMaxBlocks = 4096;
inline constexpr int kMaxParameters = 4;

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

// One array seen over the examples: strides in bytes, one for every example dimension (0 where it
// is broadcast), and the stride along the classes. data == nullptr: absent.
struct Operand {
  char* data = nullptr;
  DType dtype = DType::kFloat64;
  bool swapped = false;  // the other byte order
  bool streams = false;  // more than caches hold: lines are asked for before their turn
  int64_t class_stride = 0;
  int64_t strides[kMaxDims];
};

// What a target is to a loss over rows of classes.
enum class Target : uint8_t { kElement, kLabel, kDistribution };

struct Task {
  int loss = 0;
  unsigned mode = kValue;
  bool wide = false;    // compute in float64 instead of float32
  bool folded = false;  // rows of classes are worked on one by one, not side by side
  Target target_kind = Target::kElement;
  int ndim = 0;
  int64_t shape[kMaxDims];  // of the examples
  int64_t size = 0;         // number of examples
  int64_t classes = 1;
  Operand prediction, target, weight;  // weight: optional
  Operand value, gradient, hessian;    // where present: outputs, written
  double parameters[kMaxParameters] = {};
  const double* class_weight = nullptr;  // [classes] or absent
  const double* label_factor = nullptr;  // [classes] or absent: scales the loss, not its weight
  // Or absent: a distribution per label y, label_table[y * label_stride + k] * label_scale[y].
  const double* label_table = nullptr;
  int64_t label_stride = 0;
  const double* label_scale = nullptr;
  double label_smoothing = 0;
  int64_t ignore_index = -100;
  double distribution_tolerance = 1e-3;
  double denominator = 1;  // of the gradient and the Hessian
  // A survey has found every example in the domain, and the sum of their weights. Labels are looked
  // at again all the same, lest one that another thread wrote meanwhile be taken for an index.
  bool surveyed = false;
};

// A sum carried with its rounding error (Knuth's TwoSum), as precise as twice the digits.
struct Sum {
  double high = 0, low = 0;
};

// What the examples of a block leave behind.
struct Partial {
  Sum loss;           // sum of w * l
  Sum weight;         // sum of w
  int64_t count = 0;  // examples not ignored
  bool bad = false;   // a target or a prediction outside the loss's domain was met
};

// Consecutive blocks: the examples from begin to end, `length` a block, with a partial for each.
struct Blocks {
  int64_t begin, end, length;
  Partial* partials;
};

// One loss as the runtime sees it.
struct LossInfo {
  const char* name;
  bool rowwise;
  bool folds;       // rows of many classes one by one
  bool any_target;  // none lies outside its domain
  bool recomputed;  // sooner than copied there and back
  int64_t cost;     // ps of arithmetic for the value of an element of float32, roughly
};

struct MathInfo {
  const char* name;
  void (*float32)(const float*, float*, int64_t);
  void (*float64)(const double*, double*, int64_t);
};

// All that leaves the kernels of one instruction set.
struct KernelTable {
  const char* isa;
  int losses;
  const LossInfo* loss;
  // Computes blocks, or only checks their targets and adds up their weights.
  void (*run)(const Task&, const Blocks&, bool only_survey, char* scratch);
  int64_t (*copied_together)(const Task&);  // examples that are best given to one such call
  int64_t (*scratch_bytes)(const Task&);    // a thread's working memory
  int functions;
  const MathInfo* function;
};

}  // namespace numloss
