// Repeats recorded calls, every array in several layouts, and compares the bits of their results:
// where there is no Python, under an emulator or a memory checker.
//
//   replay CALLS [ISA [THREADS [LAYOUT ...]]]
//
// tests/recording.py writes the calls; its Recorder and the readers below go together.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../csrc/runtime/dispatch.hpp"
#include "../../csrc/runtime/run.hpp"
#include "../../csrc/runtime/thread_limit.hpp"

namespace {

using namespace numloss;

template <class T>
T read(std::istream& from) {
  T x;
  if (!from.read(reinterpret_cast<char*>(&x), sizeof(x)))
    throw std::runtime_error("file too short");
  return x;
}

struct Array {
  DType dtype = DType::kFloat64;
  std::vector<char> bytes;
  bool present = false;

  const double* numbers() const {
    return present ? reinterpret_cast<const double*>(bytes.data()) : nullptr;
  }
};

Array read_array(std::istream& from) {
  Array array;
  const auto dtype = read<int64_t>(from);
  array.bytes.resize(size_t(read<int64_t>(from)));
  from.read(array.bytes.data(), std::streamsize(array.bytes.size()));
  array.present = dtype >= 0;
  if (array.present) array.dtype = DType(dtype);
  return array;
}

int64_t item_size(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
    case DType::kInt64:
    case DType::kUint64: return 8;
    case DType::kFloat32:
    case DType::kInt32:
    case DType::kUint32: return 4;
    case DType::kBool:
    case DType::kInt8:
    case DType::kUint8: return 1;
    default: return 2;
  }
}

// Ways to lay an array out; results must not depend on them.
enum class Layout { kContiguous, kSpread, kReversed, kByColumns, kSwapped, kUnaligned };
constexpr const char* kLayouts[] = {"contiguous", "spread",  "reversed",
                                    "by_columns", "swapped", "unaligned"};
constexpr int kLayoutCount = sizeof(kLayouts) / sizeof(kLayouts[0]);

int layout_named(const std::string& name) {
  for (int i = 0; i < kLayoutCount; ++i) {
    if (name == kLayouts[i]) return i;
  }
  throw std::runtime_error("no layout named " + name);
}

// The examples as a plane: `columns` of them in each row.
struct Shape {
  int64_t rows, columns, classes;
};

// An array in a layout: examples [rows][columns] of `classes` numbers each, where the operand of a
// call reads or writes them. Only the bytes of its elements are memory that may be touched.
class Laid {
 public:
  Laid(const Array& array, Shape shape, Layout layout)
      : array_(array), shape_(shape), layout_(layout), item_(item_size(array.dtype)) {
    const int64_t n = shape.rows * shape.columns * shape.classes;
    const int64_t gap = layout == Layout::kSpread ? 3 : 1;
    memory_.resize(size_t(n * gap * item_ + (layout == Layout::kUnaligned ? 1 : 0)));
    class_ = gap * item_;
    column_ = class_ * shape.classes;
    row_ = column_ * shape.columns;
    if (layout == Layout::kByColumns) {
      row_ = item_;
      column_ = row_ * shape.rows;
      class_ = column_ * shape.columns;
    } else if (layout == Layout::kReversed) {
      first_ = (n - 1) * item_;
      row_ = -row_;
      column_ = -column_;
      class_ = -class_;
    } else if (layout == Layout::kUnaligned) {
      first_ = 1;
    }
    copy(const_cast<char*>(array.bytes.data()), false);
  }

  // Fills an operand of a task in.
  void fill(Operand& operand) {
    operand.data = memory_.data() + (memory_.empty() ? 0 : first_);
    operand.dtype = array_.dtype;
    operand.swapped = is_swapped();
    operand.class_stride = shape_.classes > 1 ? class_ : 0;
    operand.strides[0] = row_;
    operand.strides[1] = column_;
  }

  // The elements in C order.
  std::vector<char> contents() {
    std::vector<char> bytes(array_.bytes.size());
    copy(bytes.data(), true);
    return bytes;
  }

 private:
  bool is_swapped() const {
    return layout_ == Layout::kSwapped && item_ > 1 && array_.dtype != DType::kBfloat16;
  }

  void copy(char* contiguous, bool out) {
    for (int64_t r = 0; r < shape_.rows; ++r) {
      for (int64_t c = 0; c < shape_.columns; ++c) {
        for (int64_t k = 0; k < shape_.classes; ++k, contiguous += item_) {
          char* const lies = memory_.data() + first_ + r * row_ + c * column_ + k * class_;
          char* const from = out ? lies : contiguous;
          char* const to = out ? contiguous : lies;
          if (is_swapped()) {
            std::reverse_copy(from, from + item_, to);
          } else {
            std::copy_n(from, item_, to);
          }
        }
      }
    }
  }

  const Array& array_;
  const Shape shape_;
  const Layout layout_;
  const int64_t item_;
  int64_t first_ = 0, row_ = 0, column_ = 0, class_ = 0;
  std::vector<char> memory_;
};

// n examples as a plane with the fewest columns that there can be, beyond one.
Shape plane_of(int64_t n, int64_t classes) {
  int64_t columns = std::min<int64_t>(n, 2);
  while (n % columns != 0) ++columns;
  return {n / columns, columns, classes};
}

int loss_index(const std::string& name) {
  const KernelTable& table = kernels();
  for (int i = 0; i < table.losses; ++i) {
    if (name == table.loss[i]->name) return i;
  }
  throw std::runtime_error("no loss named " + name);
}

// Whether two numbers have the same bits or are both NaN: exponent all ones, and a mantissa.
bool same(const char* a, const char* b, DType dtype) {
  const auto size = size_t(item_size(dtype));
  if (std::memcmp(a, b, size) == 0) return true;
  uint64_t bits[2] = {0, 0};
  std::memcpy(&bits[0], a, size);
  std::memcpy(&bits[1], b, size);
  const uint64_t infinity = dtype == DType::kFloat64   ? 0x7ff0000000000000
                            : dtype == DType::kFloat32 ? 0x7f800000
                            : dtype == DType::kFloat16 ? 0x7c00
                                                       : 0x7f80;
  const uint64_t magnitude = (uint64_t(1) << (8 * size - 1)) - 1;
  return (bits[0] & magnitude) > infinity && (bits[1] & magnitude) > infinity;
}

bool same(const Array& a, const Array& b) {
  if (a.bytes.size() != b.bytes.size() || a.dtype != b.dtype) return false;
  const auto size = size_t(item_size(a.dtype));
  for (size_t at = 0; at < a.bytes.size(); at += size) {
    if (!same(&a.bytes[at], &b.bytes[at], a.dtype)) return false;
  }
  return true;
}

// A call of the file, as the runtime takes it, and what it gave.
struct Recorded {
  std::string name;
  Call call;
  Array prediction, target, weight, class_weight, label_factor, label_table, label_scale;
  std::vector<Array> results;
};

Recorded read_call(std::istream& from) {
  Recorded recorded;
  recorded.name.resize(size_t(read<int64_t>(from)));
  from.read(recorded.name.data(), std::streamsize(recorded.name.size()));
  Call& call = recorded.call;
  Task& task = call.task;
  task.loss = loss_index(recorded.name);
  task.mode = unsigned(read<int64_t>(from));
  call.reduction = Reduction(read<int64_t>(from));
  call.denominator = Denominator(read<int64_t>(from));
  task.target_kind = Target(read<int64_t>(from));
  task.size = read<int64_t>(from);
  task.classes = read<int64_t>(from);
  task.in_float64 = DType(read<int64_t>(from)) == DType::kFloat64;
  task.ignore_index = read<int64_t>(from);
  call.number = read<double>(from);
  for (double& parameter : task.parameters) parameter = read<double>(from);
  task.label_smoothing = read<double>(from);
  task.distribution_tolerance = read<double>(from);
  call.empty_is_known = true;
  for (Array* array : {&recorded.prediction, &recorded.target, &recorded.weight}) {
    *array = read_array(from);
  }
  if (task.target_kind != Target::kElement) {
    for (Array* array : {&recorded.class_weight, &recorded.label_factor, &recorded.label_table,
                         &recorded.label_scale}) {
      *array = read_array(from);
    }
  }
  recorded.results.resize(size_t(read<int64_t>(from)));
  for (Array& array : recorded.results) array = read_array(from);
  return recorded;
}

// Whether a call gives the recorded bits, every array in a layout.
bool repeats(const Recorded& recorded, Layout layout) {
  Call call = recorded.call;
  Task& task = call.task;
  const Shape shape = plane_of(task.size, task.classes);
  const Shape single{shape.rows, shape.columns, 1};
  task.ndim = 2;
  task.shape[0] = shape.rows;
  task.shape[1] = shape.columns;
  Laid prediction(recorded.prediction, shape, layout);
  Laid target(recorded.target, task.target_kind == Target::kLabel ? single : shape, layout);
  prediction.fill(task.add(kHeads));
  target.fill(task.add(kTarget));
  std::optional<Laid> weight;
  if (recorded.weight.present) {
    weight.emplace(recorded.weight, single, layout).fill(task.add(kWeight));
  }
  task.class_weight = recorded.class_weight.numbers();
  task.label_factor = recorded.label_factor.numbers();
  task.label_table = recorded.label_table.numbers();
  task.label_stride = task.classes;
  task.label_scale = recorded.label_scale.numbers();

  std::vector<Array> found = recorded.results;
  const bool per_example = call.reduction == Reduction::kNone;
  const bool is_scalar = (task.mode & kValue) != 0 && !per_example;
  std::deque<Laid> outputs;
  std::vector<int> roles;
  if ((task.mode & kValue) && per_example) roles.push_back(kValues);
  if (task.mode & kGradient) roles.push_back(kGradients);
  if (task.mode & kHessian) roles.push_back(kHessians);
  for (size_t i = 0; i < roles.size(); ++i) {
    Array& result = found.at(i + is_scalar);
    result.bytes.assign(result.bytes.size(), 0);
    outputs.emplace_back(result, roles[i] == kValues ? single : shape, layout)
        .fill(task.add(roles[i]));
  }

  const Result result = run(call);
  if (result.bad) return false;
  if (is_scalar) std::memcpy(found[0].bytes.data(), &result.value, sizeof(double));
  for (size_t i = 0; i < outputs.size(); ++i) found[i + is_scalar].bytes = outputs[i].contents();
  return std::equal(found.begin(), found.end(), recorded.results.begin(),
                    [](const Array& a, const Array& b) { return same(a, b); });
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 2) throw std::runtime_error("usage: replay CALLS [ISA [THREADS [LAYOUT ...]]]");
  std::ifstream from(arguments[1], std::ios::binary);
  if (!from) throw std::runtime_error(std::string("cannot read ") + arguments[1]);
  if (count > 2) select_isa(arguments[2]);
  if (count > 3) set_num_threads(std::stoi(arguments[3]));
  bool wanted[kLayoutCount];
  std::fill_n(wanted, kLayoutCount, count <= 4);
  for (int i = 4; i < count; ++i) wanted[layout_named(arguments[i])] = true;
  int64_t calls = 0, differ = 0;
  while (from.peek() != EOF) {
    const Recorded recorded = read_call(from);
    for (int layout = 0; layout < kLayoutCount; ++layout) {
      if (!wanted[layout]) continue;
      ++calls;
      if (repeats(recorded, Layout(layout))) continue;
      std::cout << recorded.name << ", " << kLayouts[layout] << ": other bits\n";
      ++differ;
    }
  }
  std::cout << kernels().isa << ": " << calls << " calls, " << differ << " with other bits\n";
  return calls > 0 && differ == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 2;
}
