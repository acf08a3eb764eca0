// Repeats recorded calls and compares the bits of their results: where there is no Python, under an
// emulator or a memory checker.
//
//   replay CALLS [ISA [THREADS]]
//
// tests/recording.py writes the calls; its Recorder and the readers below go together.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
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

// Contiguous: `classes` numbers an example.
Operand operand(Array& array, int64_t classes) {
  Operand operand;
  if (!array.present) return operand;
  operand.data = array.bytes.data();
  operand.dtype = array.dtype;
  operand.class_stride = item_size(array.dtype);
  operand.strides[0] = operand.class_stride * classes;
  return operand;
}

int loss_index(const std::string& name) {
  const KernelTable& table = kernels();
  for (int i = 0; i < table.losses; ++i) {
    if (name == table.loss[i].name) return i;
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

// Repeats the next call of the file. False: another result.
bool replay(std::istream& from, std::string& name) {
  name.resize(size_t(read<int64_t>(from)));
  from.read(name.data(), std::streamsize(name.size()));
  Call call;
  Task& task = call.task;
  task.loss = loss_index(name);
  task.mode = unsigned(read<int64_t>(from));
  call.reduction = Reduction(read<int64_t>(from));
  call.denominator = Denominator(read<int64_t>(from));
  task.target_kind = Target(read<int64_t>(from));
  task.size = read<int64_t>(from);
  task.classes = read<int64_t>(from);
  const auto dtype = DType(read<int64_t>(from));
  task.ignore_index = read<int64_t>(from);
  task.wide = dtype == DType::kFloat64;
  task.ndim = 1;
  task.shape[0] = task.size;
  call.number = read<double>(from);
  for (double& parameter : task.parameters) parameter = read<double>(from);
  task.label_smoothing = read<double>(from);
  task.distribution_tolerance = read<double>(from);
  call.empty_is_known = true;

  Array prediction = read_array(from), target = read_array(from), weight = read_array(from);
  task.prediction = operand(prediction, task.classes);
  task.target = operand(target, task.target_kind == Target::kLabel ? 1 : task.classes);
  task.weight = operand(weight, 1);
  Array class_weight, label_factor, label_table, label_scale;
  if (task.target_kind != Target::kElement) {
    for (Array* array : {&class_weight, &label_factor, &label_table, &label_scale}) {
      *array = read_array(from);
    }
    task.class_weight = class_weight.numbers();
    task.label_factor = label_factor.numbers();
    task.label_table = label_table.numbers();
    task.label_stride = task.classes;
    task.label_scale = label_scale.numbers();
  }

  std::vector<Array> expected(size_t(read<int64_t>(from)));
  for (Array& array : expected) array = read_array(from);
  std::vector<Array> found = expected;
  const bool per_example = call.reduction == Reduction::kNone;
  size_t next = 0;
  const auto write_to = [&](Operand& output, int64_t classes) {
    found.at(next).bytes.assign(found[next].bytes.size(), 0);
    output = operand(found[next++], classes);
  };
  if (task.mode & kValue) {
    if (per_example)
      write_to(task.value, 1);
    else
      ++next;
  }
  if (task.mode & kGradient) write_to(task.gradient, task.classes);
  if (task.mode & kHessian) write_to(task.hessian, task.classes);

  const Result result = run(call);
  if (result.bad) return false;
  if ((task.mode & kValue) && !per_example) {
    std::memcpy(found[0].bytes.data(), &result.value, sizeof(double));
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (!same(found[i], expected[i])) return false;
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 2) throw std::runtime_error("usage: replay CALLS [ISA [THREADS]]");
  std::ifstream from(arguments[1], std::ios::binary);
  if (!from) throw std::runtime_error(std::string("cannot read ") + arguments[1]);
  if (count > 2) select_isa(arguments[2]);
  if (count > 3) set_num_threads(std::stoi(arguments[3]));
  int64_t calls = 0, differ = 0;
  std::string name;
  while (from.peek() != EOF) {
    const bool equal = replay(from, name);
    if (!equal) std::cout << "call " << calls << ", " << name << ": other bits\n";
    ++calls;
    differ += !equal;
  }
  std::cout << kernels().isa << ": " << calls << " calls, " << differ << " with other bits\n";
  return calls > 0 && differ == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 2;
}
